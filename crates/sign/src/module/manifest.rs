//! What a module says of itself in `module.toml`, checked field by field.
//!
//! Every text is bounded and every path stays in the folder or below the mount, so that whoever
//! holds a [`Manifest`] may start it and link to it without looking again.

use std::fs;
use std::io::Read;
use std::net::SocketAddr;
use std::path::{Component, Path};

use serde::Deserialize;

use super::{MANIFEST_FILE, ModuleFault, SIGNATURE_FILE, contents, io_fault};

/// What a module may be given. There is no other capability.
pub const CAPABILITIES: [&str; 2] = ["events:read", "opinions:read"];

/// A longer manifest is refused.
const MANIFEST_BYTES_MAX: u64 = 64 * 1024;
const ID_CHARS_MAX: usize = 64;
const LABEL_CHARS_MAX: usize = 120;
const VERSION_CHARS_MAX: usize = 64;
const NAVIGATION_MAX: usize = 8;
const PATH_CHARS_MAX: usize = 200;
const ARGUMENTS_MAX: usize = 64;
const ARGUMENT_BYTES_MAX: usize = 4_096;

/// What a module says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// Its name, which is its folder's.
    pub id: String,
    /// Its version, for people to read.
    pub version: String,
    /// What people call it.
    pub label: String,
    /// How its service is reached.
    pub start: Start,
    /// Its entries in the console's navigation.
    pub navigation: Vec<NavEntry>,
    /// What it may do, each of [`CAPABILITIES`] at most once.
    pub capabilities: Vec<String>,
    /// The folder of its static files, in its own.
    pub static_dir: Option<String>,
}

/// How a module's service is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Start {
    /// A program is started.
    Command {
        /// A path in the module's folder, or an absolute one.
        program: String,
        /// What it is started with.
        arguments: Vec<String>,
        /// The folder it is started in, in the module's own.
        working: Option<String>,
    },
    /// It runs at a loopback address, as `127.0.0.1:4000`.
    Address(String),
}

/// An entry in the console's navigation.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NavEntry {
    /// What it says.
    pub label: String,
    /// Where it leads, below the module's mount, with a `/` before it.
    pub path: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ManifestForm {
    id: String,
    version: String,
    label: String,
    start: StartForm,
    #[serde(default)]
    navigation: Vec<NavEntry>,
    #[serde(default)]
    capabilities: Vec<String>,
    static_dir: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StartForm {
    program: Option<String>,
    #[serde(default)]
    arguments: Vec<String>,
    working: Option<String>,
    address: Option<String>,
}

type Checked<T> = Result<T, String>;

impl Manifest {
    /// Reads the manifest of a folder.
    pub(super) fn read(folder: &Path) -> Result<Self, ModuleFault> {
        let path = folder.join(MANIFEST_FILE);
        let file = contents::open_plain(&path).map_err(|source| io_fault(&path, source))?;
        let mut text = String::new();
        let read = file.take(MANIFEST_BYTES_MAX + 1).read_to_string(&mut text);
        read.map_err(|source| io_fault(&path, source))?;
        if text.len() as u64 > MANIFEST_BYTES_MAX {
            let limit = MANIFEST_BYTES_MAX / 1024;
            return Err(ModuleFault::Manifest(format!("more than {limit} KiB were written")));
        }
        let name = folder.file_name().unwrap_or_default().to_string_lossy();
        let manifest = Self::parse(&text, &name).map_err(ModuleFault::Manifest)?;
        manifest.check_paths(folder).map_err(ModuleFault::Manifest)?;
        Ok(manifest)
    }

    /// Reads a manifest's text, and says of the first thing that is wrong what to do about it.
    pub(super) fn parse(text: &str, folder_name: &str) -> Checked<Self> {
        let form: ManifestForm =
            toml::from_str(text).map_err(|error| error.to_string().trim_end().to_owned())?;
        check_id(&form.id, folder_name)?;
        check_text("version", &form.version, VERSION_CHARS_MAX)?;
        check_text("label", &form.label, LABEL_CHARS_MAX)?;
        if form.navigation.len() > NAVIGATION_MAX {
            return Err(format!("navigation has more than {NAVIGATION_MAX} entries"));
        }
        for entry in &form.navigation {
            check_text("a label of navigation", &entry.label, LABEL_CHARS_MAX)?;
            check_mount_path(&entry.path)?;
        }
        check_capabilities(&form.capabilities)?;
        if let Some(path) = &form.static_dir {
            check_inner("static_dir", path)?;
        }
        Ok(Self {
            start: form.start.check()?,
            id: form.id,
            version: form.version,
            label: form.label,
            navigation: form.navigation,
            capabilities: form.capabilities,
            static_dir: form.static_dir,
        })
    }

    /// Checks that the paths which are named lead nowhere else by way of links.
    fn check_paths(&self, folder: &Path) -> Checked<()> {
        if let Some(path) = &self.static_dir {
            check_stays("static_dir", folder, path, Path::is_dir)?;
        }
        if let Start::Command { program, working, .. } = &self.start {
            if Path::new(program).is_relative() {
                check_stays("program", folder, program, Path::is_file)?;
            }
            if let Some(path) = working {
                check_stays("working", folder, path, Path::is_dir)?;
            }
        }
        Ok(())
    }
}

impl StartForm {
    fn check(self) -> Checked<Start> {
        match (self.program, self.address) {
            (Some(program), None) => check_command(program, self.arguments, self.working),
            (None, Some(address)) if self.arguments.is_empty() && self.working.is_none() => {
                let loopback = address
                    .parse::<SocketAddr>()
                    .is_ok_and(|address| address.ip().is_loopback() && address.port() != 0);
                loopback.then_some(Start::Address(address)).ok_or_else(|| {
                    "address must be a loopback address with a port, as \"127.0.0.1:4000\"".into()
                })
            }
            _ => Err("start needs either program (with arguments, working) or address".into()),
        }
    }
}

fn check_command(
    program: String,
    arguments: Vec<String>,
    working: Option<String>,
) -> Checked<Start> {
    if Path::new(&program).is_absolute() {
        check_argument(&program)?;
    } else {
        check_inner("program", &program)?;
        // Our own file is no part of what is signed, so it must not be what runs.
        if Path::new(&program)
            .components()
            .next_back()
            .is_some_and(|name| name.as_os_str().eq_ignore_ascii_case(SIGNATURE_FILE))
        {
            return Err(format!("program must not be {SIGNATURE_FILE}"));
        }
    }
    if let Some(path) = &working {
        check_inner("working", path)?;
    }
    if arguments.len() > ARGUMENTS_MAX {
        return Err(format!("there are more than {ARGUMENTS_MAX} arguments"));
    }
    arguments.iter().try_for_each(|argument| check_argument(argument))?;
    Ok(Start::Command { program, arguments, working })
}

fn check_argument(text: &str) -> Checked<()> {
    let fits = text.len() <= ARGUMENT_BYTES_MAX && !text.contains('\0');
    fits.then_some(()).ok_or_else(|| {
        format!("a program or argument is longer than {ARGUMENT_BYTES_MAX} bytes, or holds a NUL")
    })
}

fn check_id(id: &str, folder_name: &str) -> Checked<()> {
    let mut bytes = id.bytes();
    let named = bytes.next().is_some_and(|first| first.is_ascii_lowercase())
        && bytes.all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
        && id.len() <= ID_CHARS_MAX;
    if !named {
        return Err(format!(
            "id must be a lower-case letter and then up to {} lower-case letters, digits and `-`",
            ID_CHARS_MAX - 1
        ));
    }
    if id == folder_name {
        Ok(())
    } else {
        Err(format!("id is {id}, and the folder is called otherwise; give both the same name"))
    }
}

fn check_text(field: &str, text: &str, chars_max: usize) -> Checked<()> {
    let plain = !text.trim().is_empty()
        && text.chars().count() <= chars_max
        && !text.chars().any(char::is_control);
    plain.then_some(()).ok_or_else(|| {
        format!("{field} must be 1 to {chars_max} characters with no control characters")
    })
}

/// A path that a browser leaves as it is, so that it cannot leave the mount.
fn check_mount_path(path: &str) -> Checked<()> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte);
    let below = path.starts_with('/')
        && path.len() <= PATH_CHARS_MAX
        && path.bytes().all(plain)
        && !path.contains("//")
        && !path.split('/').any(|name| name == "." || name == "..");
    below.then_some(()).ok_or_else(|| {
        format!(
            "a path of navigation must begin with / and hold up to {PATH_CHARS_MAX} letters, \
             digits and -._~/ with no empty name, `.` or `..`"
        )
    })
}

fn check_capabilities(capabilities: &[String]) -> Checked<()> {
    for (nth, capability) in capabilities.iter().enumerate() {
        if !CAPABILITIES.contains(&capability.as_str()) {
            let known = CAPABILITIES.join(", ");
            return Err(format!("capability {capability:?} is none; there are {known}"));
        }
        if capabilities[..nth].contains(capability) {
            return Err(format!("capability {capability:?} is named twice"));
        }
    }
    Ok(())
}

fn check_inner(field: &str, path: &str) -> Checked<()> {
    let inner = !path.is_empty()
        && path.len() <= ARGUMENT_BYTES_MAX
        && !path.contains(['\0', '\\'])
        && Path::new(path)
            .components()
            .all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
    inner
        .then_some(())
        .ok_or_else(|| format!("{field} must be a path in the module's folder with no `..`"))
}

fn check_stays(field: &str, folder: &Path, path: &str, is: fn(&Path) -> bool) -> Checked<()> {
    let real = fs::canonicalize(folder).and_then(|root| {
        let real = fs::canonicalize(folder.join(path))?;
        Ok((real.starts_with(&root), real))
    });
    match real {
        Ok((true, real)) if is(&real) => Ok(()),
        Ok((false, _)) => Err(format!("{field} is a link out of the module's folder")),
        _ => Err(format!("{field} names {path:?}, which is not there")),
    }
}
