//! A granted folder, held open. Every path is resolved beneath it, so there is nothing to race against
//! between a check and a use.
//!
//! What a page may not touch (`path::kept`, and folders that are hidden) is judged by where a thing
//! really is, after links were followed, and before anything happens to it.
//!
//! A file that has another name somewhere (a hard link) cannot be told from one that lies here alone, so
//! it is read. It is not written in place, because that would change a file that nobody granted:
//! whoever wants to change it replaces it, which leaves the other name as it was.

mod change;
mod entries;
mod keep;
mod made;
mod open;
mod remove;
mod replace;

#[cfg(test)]
mod tests;

use std::os::fd::OwnedFd;
use std::path::PathBuf;

pub(crate) use open::Opening;
pub(crate) use replace::is_part;

use made::Made;

use oriel_wire::hostfs::{Code, Kind, Stat, WorkspaceAccess};
use rustix::fs::{AtFlags, CWD, FileType, Mode as Permissions, OFlags};
use rustix::io::Errno;

use crate::error::{FileError, resolving, system};
use crate::grants::{Grant, Mark, really};
use crate::path::{InnerPath, fold, is_kept_from_reading, is_kept_from_writing, joined};
use crate::sys::Id;
use crate::sys::{Base, Folder};

/// How often something is tried again when somebody else changes it at the same moment. Beyond it the
/// page hears that it is busy.
const TRIES: usize = 16;

/// A granted folder.
#[derive(Debug)]
pub(crate) struct Root {
    base: Base,
    path: PathBuf,
    access: WorkspaceAccess,
    id: Id,
    /// Paths in it that are as if nothing were there, as the laxest file system compares them.
    hidden: Vec<String>,
    /// The user's own trash.
    trash: Option<PathBuf>,
    /// What new files and folders get.
    made: Made,
    /// Folders in which nothing is left of a killed process.
    swept: std::sync::Mutex<std::collections::HashSet<Id>>,
}

/// A name in a folder that is held open.
#[derive(Debug)]
struct Place<'a> {
    folder: Folder,
    name: &'a str,
    /// Its path in the workspace, without links on the way to it.
    real: String,
}

/// What somebody is about to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Use {
    Read,
    Write,
}

impl Root {
    /// Opens a granted folder.
    ///
    /// # Errors
    /// `Gone` where it is not there or another one is in its place, `Denied` where it is hidden.
    pub(crate) fn open(grant: &Grant) -> Result<Self, FileError> {
        let path = grant.root.clone();
        let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        #[cfg(target_os = "linux")]
        let flags = flags | OFlags::PATH;
        let fd = match rustix::fs::open(&path, flags, Permissions::empty()) {
            Ok(fd) => fd,
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => return Err(gone(&path)),
            Err(error) => return Err(system(&error.into(), path.to_str())),
        };
        let fd = std::fs::File::from(fd);
        let metadata = fd.metadata().map_err(|error| system(&error, path.to_str()))?;
        if grant.mark.is_some_and(|granted| !granted.is_same(&Mark::of(&metadata))) {
            return Err(gone(&path));
        }
        let id = Id::new(&metadata);
        let hidden = hidden(grant)?;
        let trash = grant.rules.trash.clone();
        let made = Made::with(grant.rules.umask);
        let base = Base::new(fd.into(), grant.rules.resolving);
        let swept = std::sync::Mutex::default();
        Ok(Self { base, path, access: grant.access, id, hidden, trash, made, swept })
    }

    /// Returns what is known of something; links are followed.
    pub(crate) fn stat(&self, path: &str) -> Result<Stat, FileError> {
        let path = self.enter(path, Use::Read)?;
        let found =
            self.base.find(path.as_str()).map_err(|error| resolving(error, path.as_str()))?;
        self.guard(&found.real, path, Use::Read)?;
        Ok(self.stat_of(&found.stat, &found.real))
    }

    /// Returns where the granted folder is.
    pub(crate) fn path(&self) -> &std::path::Path {
        &self.path
    }

    /// Returns the same folder once more.
    pub(crate) fn try_clone(&self) -> std::io::Result<Self> {
        let (path, hidden) = (self.path.clone(), self.hidden.clone());
        let (base, trash) = (self.base.try_clone()?, self.trash.clone());
        let swept = std::sync::Mutex::default();
        let (access, id, made) = (self.access, self.id, self.made);
        Ok(Self { base, path, access, id, hidden, trash, made, swept })
    }

    /// Returns whether folders can be watched by what they are.
    pub(crate) fn is_watched_by_folders(&self) -> bool {
        self.base.is_by_system()
    }

    /// Opens a folder that lies just where its path says, without a link, and that a page may know of.
    pub(crate) fn folder_as_named(&self, real: &str) -> Option<OwnedFd> {
        let path = InnerPath::parse(real).ok()?;
        self.guard(real, path, Use::Read).ok()?;
        let folder = self.base.folder(real).ok()?;
        (folder.real == real).then_some(folder.fd)
    }

    /// Returns where a folder really is, from the workspace on.
    pub(crate) fn folder_to_watch(&self, path: &str) -> Result<String, FileError> {
        let path = self.enter(path, Use::Read)?;
        let folder =
            self.base.folder(path.as_str()).map_err(|error| resolving(error, path.as_str()))?;
        self.guard(&folder.real, path, Use::Read)?;
        Ok(folder.real)
    }

    /// Returns whether something is there, itself and not what a link of that name leads to.
    pub(crate) fn is_there(&self, path: InnerPath<'_>) -> Result<bool, FileError> {
        let place = self.place(path)?;
        self.guard(&place.real, path, Use::Read)?;
        Ok(crate::sys::look(&place.folder.fd, place.name).is_ok())
    }

    /// Checks a path, and that the folder is still there and may be used so.
    fn enter<'a>(&self, path: &'a str, what_for: Use) -> Result<InnerPath<'a>, FileError> {
        let path = self.check(path, what_for)?;
        self.still_there()?;
        Ok(path)
    }

    /// Checks a path by what it says. What is kept from pages is refused here already, so that nobody
    /// learns whether it is there; where links lead is seen later.
    fn check<'a>(&self, path: &'a str, what_for: Use) -> Result<InnerPath<'a>, FileError> {
        let path = InnerPath::parse(path)?;
        self.guard(path.as_str(), path, Use::Read)?;
        if what_for == Use::Write && self.access == WorkspaceAccess::Read {
            let why = format!("`{}` was granted to be read only", self.path.display());
            let error = FileError::new(Code::ReadOnly, why).about(path.as_str());
            return Err(error.hint("grant the folder again, to be read and written"));
        }
        Ok(path)
    }

    /// Refuses where the folder is not where it was granted any more.
    pub(crate) fn still_there(&self) -> Result<(), FileError> {
        let here = rustix::fs::statat(CWD, &self.path, AtFlags::SYMLINK_NOFOLLOW);
        match here {
            Ok(here) if Id::of(&here) == self.id => Ok(()),
            // A process that may look up nothing by its name alone holds the folder all the same.
            Err(Errno::ACCESS) => Ok(()),
            Ok(_) | Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => Err(gone(&self.path)),
            Err(error) => Err(system(&error.into(), self.path.to_str())),
        }
    }

    /// Opens the folder that something is in, and says where it would really be. The workspace itself is
    /// in none.
    fn place<'a>(&self, path: InnerPath<'a>) -> Result<Place<'a>, FileError> {
        let Some((folder, name)) = path.split() else {
            let why = "the granted folder itself is not made, moved, replaced or removed";
            return Err(FileError::new(Code::Denied, why).hint("name something in it"));
        };
        let folder =
            self.base.folder(folder.as_str()).map_err(|error| resolving(error, path.as_str()))?;
        let real = joined(&folder.real, name);
        Ok(Place { folder, name, real })
    }

    /// Refuses what is kept from pages, by the path that it really has.
    fn guard(&self, real: &str, path: InnerPath<'_>, what_for: Use) -> Result<(), FileError> {
        let denied = |why: &str, hint| {
            let error = FileError::new(Code::Denied, format!("`{}` {why}", path.as_str()));
            Err(error.about(path.as_str()).hint(hint))
        };
        if self.hides(real) {
            return denied("is where Oriel keeps its own things", "use another folder");
        }
        match what_for {
            Use::Read if is_kept_from_reading(real) => denied(
                "is a key or holds passwords, and is kept from pages",
                "give the page a copy under another name if it really has to have it",
            ),
            Use::Write if is_kept_from_writing(real) => denied(
                "begins with a dot or is a key, and pages do not change such files",
                "change it yourself, with another program",
            ),
            _ => Ok(()),
        }
    }

    /// Returns whether something lies in a hidden folder, or is one.
    fn hides(&self, real: &str) -> bool {
        !self.hidden.is_empty() && {
            let real = folded(real);
            self.hidden.iter().any(|hidden| is_beneath(&real, hidden))
        }
    }

    /// Returns whether a hidden folder lies somewhere below.
    fn hides_beneath(&self, real: &str) -> bool {
        !self.hidden.is_empty() && {
            let real = folded(real);
            self.hidden.iter().any(|hidden| is_beneath(hidden, &real))
        }
    }

    fn stat_of(&self, stat: &rustix::fs::Stat, real: &str) -> Stat {
        let kind = kind_of(stat);
        let is_writable = self.access == WorkspaceAccess::ReadWrite
            && stat.st_mode & 0o222 != 0
            && !is_kept_from_writing(real);
        Stat {
            kind,
            length: length_of(stat),
            modified_ms: modified_ms(stat),
            is_read_only: !is_writable,
        }
    }
}

/// Takes what may have changed of an open file: how long it is, and when it changed.
pub(crate) fn renew(stat: &mut Stat, file: &std::fs::File) -> std::io::Result<()> {
    let now = rustix::fs::fstat(file)?;
    (stat.length, stat.modified_ms) = (length_of(&now), modified_ms(&now));
    Ok(())
}

fn gone(path: &std::path::Path) -> FileError {
    let why = format!("the granted folder `{}` is not there any more", path.display());
    FileError::new(Code::Gone, why).hint("put it back, or grant the folder that is there now")
}

fn hidden(grant: &Grant) -> Result<Vec<String>, FileError> {
    let root = really(&grant.root);
    let mut found = Vec::new();
    for hidden in &grant.rules.hidden {
        let hidden = really(hidden);
        if root.starts_with(&hidden) {
            let why = format!("`{}` is where Oriel keeps its own things", root.display());
            return Err(FileError::new(Code::Denied, why).hint("grant another folder"));
        }
        if let Ok(beneath) = hidden.strip_prefix(&root) {
            found.push(folded(&beneath.to_string_lossy()));
        }
    }
    Ok(found)
}

fn folded(path: &str) -> String {
    path.split('/').map(fold).collect::<Vec<_>>().join("/")
}

pub(crate) fn is_beneath(path: &str, above: &str) -> bool {
    let rest = path.strip_prefix(above);
    rest.is_some_and(|rest| above.is_empty() || rest.is_empty() || rest.starts_with('/'))
}

fn kind_of(stat: &rustix::fs::Stat) -> Kind {
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => Kind::File,
        FileType::Directory => Kind::Folder,
        FileType::Symlink => Kind::Link,
        _ => Kind::Other,
    }
}

fn length_of(stat: &rustix::fs::Stat) -> u64 {
    let length = u64::try_from(stat.st_size).unwrap_or_default();
    if kind_of(stat) == Kind::File { length } else { 0 }
}

#[expect(clippy::cast_precision_loss, reason = "a double holds milliseconds for 285,000 years")]
fn modified_ms(stat: &rustix::fs::Stat) -> f64 {
    stat.st_mtime as f64 * 1000.0 + stat.st_mtime_nsec as f64 / 1e6
}
