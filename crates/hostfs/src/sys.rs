//! How a path is resolved beneath a folder that is held open: by the system itself where it can do that
//! without a moment between check and use, and step by step elsewhere.
//!
//! Either way says where something really is, so that a link is no way around a rule about names. What
//! is done with one name in a folder that is held open needs no resolving, and is the same for both.

#[cfg(target_os = "linux")]
mod linux;
mod portable;

use std::fs::File;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt as _;

use rustix::fs::{AtFlags, FileType, Mode, OFlags, Stat};
use rustix::io::Errno;

/// How paths are resolved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Resolving {
    /// By the system where it can, otherwise step by step.
    #[default]
    Best,
    /// Always step by step.
    Steps,
}

/// Which thing it is, for as long as the system runs and the thing is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Id {
    device: u64,
    inode: u64,
}

impl Id {
    pub(crate) fn of(stat: &Stat) -> Self {
        Self { device: stat.st_dev, inode: stat.st_ino }
    }

    pub(crate) fn new(metadata: &std::fs::Metadata) -> Self {
        Self { device: metadata.dev(), inode: metadata.ino() }
    }
}

/// A folder that is held open.
#[derive(Debug)]
pub(crate) struct Folder {
    /// The folder. Where the system can, it is held to find things in and not to be read.
    pub(crate) fd: OwnedFd,
    /// Its path in the workspace, without links.
    pub(crate) real: String,
}

/// Something that was found at the end of a path, links followed, and that is not open yet.
#[derive(Debug)]
pub(crate) struct Found {
    /// What it is.
    pub(crate) stat: Stat,
    /// Its path in the workspace, without links.
    pub(crate) real: String,
    held: Held,
}

#[derive(Debug)]
enum Held {
    /// The thing itself.
    #[cfg(target_os = "linux")]
    Itself(OwnedFd),
    /// The folder it is in, and its name there.
    Within(OwnedFd, String),
    /// A folder that is open.
    Open(OwnedFd),
}

/// Resolves paths beneath one folder.
#[derive(Debug)]
pub(crate) struct Base {
    pub(crate) fd: OwnedFd,
    #[cfg_attr(not(target_os = "linux"), expect(dead_code, reason = "there is one way only"))]
    by_system: bool,
}

impl Base {
    /// Takes a folder.
    pub(crate) fn new(fd: OwnedFd, resolving: Resolving) -> Self {
        #[cfg(target_os = "linux")]
        let by_system = resolving == Resolving::Best && linux::can(&fd);
        #[cfg(not(target_os = "linux"))]
        let by_system = resolving == Resolving::Best && false;
        Self { fd, by_system }
    }

    /// Returns whether the system itself resolves paths.
    pub(crate) fn is_by_system(&self) -> bool {
        #[cfg(target_os = "linux")]
        return self.by_system;
        #[cfg(not(target_os = "linux"))]
        false
    }

    /// Holds the same folder once more.
    pub(crate) fn try_clone(&self) -> std::io::Result<Self> {
        Ok(Self { fd: self.fd.try_clone()?, by_system: self.by_system })
    }

    /// Finds what is at the end of a path, where no link leads out. `XDEV` says that one does.
    pub(crate) fn find(&self, path: &str) -> Result<Found, Errno> {
        #[cfg(target_os = "linux")]
        if self.by_system {
            return linux::find(&self.fd, path);
        }
        portable::find(&self.fd, path)
    }

    /// Opens the file at the end of a path by one call of the system; nothing where this system needs
    /// more, a link is on the way, or it will not. What is there must be known to be a file.
    pub(crate) fn open_at_once(&self, path: &str, flags: OFlags) -> Option<File> {
        #[cfg(target_os = "linux")]
        if self.by_system {
            return linux::open(&self.fd, path, opening(flags)).ok();
        }
        let _ = (path, flags);
        None
    }

    /// Opens the folder at the end of a path, as [`Self::find`] finds it.
    pub(crate) fn folder(&self, path: &str) -> Result<Folder, Errno> {
        #[cfg(target_os = "linux")]
        if self.by_system {
            return linux::folder(&self.fd, path);
        }
        let found = portable::find(&self.fd, path)?;
        let real = found.real.clone();
        found.into_folder().map(|fd| Folder { fd, real })
    }

    /// Opens a folder in a folder, where it is no link and nothing else is mounted there. `XDEV` says
    /// that there is.
    pub(crate) fn step(&self, folder: &OwnedFd, name: &std::ffi::CStr) -> Result<OwnedFd, Errno> {
        let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::RDONLY | OFlags::CLOEXEC;
        #[cfg(target_os = "linux")]
        if self.by_system {
            return linux::step(folder, name, flags);
        }
        let inner = rustix::fs::openat(folder, name, flags, Mode::empty())?;
        let is_same = rustix::fs::fstat(&inner)?.st_dev == rustix::fs::fstat(folder)?.st_dev;
        if is_same { Ok(inner) } else { Err(Errno::XDEV) }
    }
}

impl Found {
    /// Returns what kind of thing it is.
    pub(crate) fn kind(&self) -> FileType {
        FileType::from_raw_mode(self.stat.st_mode)
    }

    /// Opens it, where it is a file. `AGAIN` says that something else is there by now.
    pub(crate) fn open(&self, flags: OFlags) -> Result<File, Errno> {
        let flags = opening(flags);
        match &self.held {
            #[cfg(target_os = "linux")]
            Held::Itself(fd) => linux::reopen(fd, flags),
            Held::Within(folder, name) => {
                let opened =
                    rustix::fs::openat(folder, name, flags | OFlags::NOFOLLOW, Mode::empty());
                // It was no link and is one now.
                let opened = opened.map_err(|error| match error {
                    Errno::LOOP => Errno::AGAIN,
                    error => error,
                })?;
                let stat = rustix::fs::fstat(&opened)?;
                let is_same = Id::of(&stat) == Id::of(&self.stat);
                if is_same { Ok(opened.into()) } else { Err(Errno::AGAIN) }
            }
            Held::Open(_) => Err(Errno::ISDIR),
        }
    }

    /// Returns the open folder, where it is one.
    fn into_folder(self) -> Result<OwnedFd, Errno> {
        match self.held {
            Held::Open(fd) => Ok(fd),
            _ => Err(Errno::NOTDIR),
        }
    }
}

/// Returns how a file is opened besides what for. A lease that somebody has on it would make us wait for
/// them.
fn opening(flags: OFlags) -> OFlags {
    flags | OFlags::CLOEXEC | OFlags::NOCTTY | OFlags::NONBLOCK
}

/// Returns what a name in a folder is; a link is not followed.
pub(crate) fn look(folder: &OwnedFd, name: &str) -> Result<Stat, Errno> {
    rustix::fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW)
}

/// Opens a folder that is held to find things in, to read its names or to sync it.
pub(crate) fn readable(folder: &OwnedFd) -> Result<OwnedFd, Errno> {
    let flags = OFlags::DIRECTORY | OFlags::RDONLY | OFlags::CLOEXEC;
    rustix::fs::openat(folder, ".", flags, Mode::empty())
}
