//! What a path names, told from its letters alone: the root, a home, a part of the system, or
//! nothing that would be missed.

/// Stands in an expanded word for an unquoted `*`.
pub(super) const STAR: char = '\u{e000}';
/// Stands in an expanded word for an unquoted `?` or `[...]`.
pub(super) const ONE: char = '\u{e001}';
/// Stands in an expanded word for what nobody can tell without running it.
pub(super) const UNKNOWN: char = '\u{e002}';

/// What would be missed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Loss {
    Root,
    /// A folder of the system, by its path.
    System(String),
    /// The home folder, one above it, or that of somebody else, by its path.
    Home(String),
    /// The folder above the one where the command runs.
    Parent,
}

impl std::fmt::Display for Loss {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Root => f.write_str("everything, from the root folder on"),
            Self::System(path) => write!(f, "{path}, which the system needs"),
            Self::Home(path) => write!(f, "the home folder {path}"),
            Self::Parent => f.write_str("everything above the working folder"),
        }
    }
}

/// Folders without which a system does not run, or that hold what cannot be made again.
const SYSTEM: &[&str] = &[
    "/Applications",
    "/Library",
    "/Network",
    "/System",
    "/Users",
    "/Volumes",
    "/bin",
    "/boot",
    "/boot/efi",
    "/dev",
    "/efi",
    "/etc",
    "/home",
    "/lib",
    "/lib32",
    "/lib64",
    "/libx32",
    "/media",
    "/mnt",
    "/nix",
    "/nix/store",
    "/opt",
    "/private",
    "/private/etc",
    "/private/var",
    "/proc",
    "/run",
    "/sbin",
    "/snap",
    "/srv",
    "/sys",
    "/usr",
    "/usr/bin",
    "/usr/include",
    "/usr/lib",
    "/usr/lib32",
    "/usr/lib64",
    "/usr/libexec",
    "/usr/local",
    "/usr/sbin",
    "/usr/share",
    "/var",
    "/var/lib",
    "/var/lib/dpkg",
    "/var/log",
];

/// Of these, the ones whose owners and modes are their own business.
const LOOSE: &[&str] = &[
    "/Applications",
    "/Volumes",
    "/media",
    "/mnt",
    "/nix",
    "/nix/store",
    "/opt",
    "/run",
    "/srv",
    "/usr/local",
    "/home",
    "/Users",
    "/var/log",
];

/// Folders each of whose children is somebody's home.
const HOMES: &[&str] = &["home", "Users"];

/// A path as far as it is known: from the root, or from the folder where the command began.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    absolute: bool,
    /// How many folders up it begins, where it is not absolute.
    up: usize,
    parts: Vec<String>,
}

impl Place {
    /// Returns the folder where a command begins.
    pub(super) fn here() -> Self {
        Self { absolute: false, up: 0, parts: Vec::new() }
    }

    /// Returns the place that a path names from this one.
    pub(super) fn join(&self, path: &str) -> Self {
        let mut place = if path.starts_with('/') {
            Self { absolute: true, up: 0, parts: Vec::new() }
        } else {
            self.clone()
        };
        for part in path.split('/').filter(|part| !part.is_empty() && *part != ".") {
            place.step(part);
        }
        place
    }

    fn step(&mut self, part: &str) {
        if part != ".." {
            self.parts.push(part.to_owned());
            return;
        }
        match self.parts.last() {
            // What is above something unknown is as unknown.
            Some(last) if last.contains(UNKNOWN) => {}
            Some(_) => drop(self.parts.pop()),
            None if self.absolute => {}
            None => self.up += 1,
        }
    }

    /// Returns the path, if it is known from the root on.
    pub(super) fn absolute(&self) -> Option<String> {
        self.absolute.then(|| format!("/{}", self.parts.join("/")))
    }

    /// Returns whether it is a disk or something else that is written over and not into.
    pub(super) fn is_device(&self) -> bool {
        let Some((first, rest)) = self.parts.split_first() else { return false };
        let Some(name) = rest.first() else { return false };
        const DISKS: &[&str] = &[
            "bcache", "disk", "dm-", "hd", "loop", "md", "mem", "kmem", "mmcblk", "nbd", "nvme",
            "port", "rdisk", "sd", "sr", "vd", "xvd", "zd", "zram",
        ];
        let is_disk = |disk: &&str| name.starts_with(*disk);
        self.absolute && first == "dev" && (name == "mapper" || DISKS.iter().any(is_disk))
    }

    /// Returns what would be missed if this place and all in it were gone. A place that names
    /// everything in a folder counts as that folder.
    pub(super) fn loss(&self, home: &str, start: Option<&str>) -> Option<Loss> {
        let mut parts = self.parts.as_slice();
        while let [above @ .., last] = parts
            && is_everything(last)
        {
            parts = above;
        }
        if self.absolute {
            return absolute_loss(parts, home);
        }
        if parts.is_empty() && 0 < self.up {
            return Some(Loss::Parent);
        }
        // Where the command runs may be no place to lose either.
        let start = start.filter(|start| start.starts_with('/'))?;
        let whole = format!("{start}/{}{}", "../".repeat(self.up.min(64)), self.parts.join("/"));
        Self::here().join(&whole).loss(home, None)
    }

    /// Returns what would be lost where only the system counts, whose owners and modes must stay.
    pub(super) fn system_loss(&self, home: &str, start: Option<&str>) -> Option<Loss> {
        self.loss(home, start).filter(|loss| match loss {
            Loss::Root => true,
            Loss::System(path) => !LOOSE.contains(&path.as_str()),
            Loss::Home(_) | Loss::Parent => false,
        })
    }
}

fn absolute_loss(parts: &[String], home: &str) -> Option<Loss> {
    if parts.is_empty() {
        return Some(Loss::Root);
    }
    let home = Place::here().join(home);
    let holds_home = home.absolute
        && !home.parts.is_empty()
        && parts.len() <= home.parts.len()
        && parts.iter().zip(&home.parts).all(|(pattern, name)| matches(pattern, name));
    if let Some(path) = SYSTEM.iter().find(|path| is_at(parts, path)) {
        return Some(Loss::System((*path).to_owned()));
    }
    if holds_home {
        return home.absolute().map(Loss::Home);
    }
    match parts {
        [first, name] if HOMES.contains(&first.as_str()) && !name.contains(UNKNOWN) => {
            Some(Loss::Home(format!("/{first}/{name}").replace([STAR, ONE], "*")))
        }
        [root] if root == "root" => Some(Loss::Home("/root".to_owned())),
        _ => None,
    }
}

fn is_at(parts: &[String], path: &str) -> bool {
    let mut names = path.split('/').skip(1);
    parts.iter().all(|pattern| names.next().is_some_and(|name| matches(pattern, name)))
        && names.next().is_none()
}

/// Returns whether a pattern of one name fits all that lies in a folder, or nearly all.
fn is_everything(part: &str) -> bool {
    part.contains(STAR) && part.chars().all(|c| matches!(c, STAR | ONE | '.'))
}

/// Returns whether a name fits a pattern. Time grows with the product of both lengths.
fn matches(pattern: &str, name: &str) -> bool {
    if !pattern.contains([STAR, ONE]) {
        return pattern == name;
    }
    let pattern: Vec<char> = pattern.chars().collect();
    let name: Vec<char> = name.chars().collect();
    let (mut p, mut n, mut star) = (0, 0, None);
    while n < name.len() {
        match pattern.get(p) {
            Some(&STAR) => {
                star = Some((p, n));
                p += 1;
            }
            Some(&c) if c == ONE || c == name[n] => {
                p += 1;
                n += 1;
            }
            _ => match star {
                Some((at, taken)) => {
                    star = Some((at, taken + 1));
                    p = at + 1;
                    n = taken + 1;
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|&c| c == STAR)
}
