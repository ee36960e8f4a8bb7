//! The folder that is held open, and how a path is resolved beneath it: by the system itself, or where it is
//! too old for that, part by part. No link is followed, and nothing that is mounted inside is entered.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use oriel_wire::sync::RelPath;
use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, ResolveFlags};
use rustix::io::Errno;

use super::fault;
use crate::stat::{Kind, Stat};
use crate::vfs::Fault;

/// How paths are resolved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Resolving {
    /// By the system where it can, otherwise part by part.
    #[default]
    Best,
    /// Always part by part.
    Steps,
}

/// How often it is tried again when somebody moves things on the way.
const TRIES: usize = 64;

const BENEATH: ResolveFlags = ResolveFlags::BENEATH
    .union(ResolveFlags::NO_SYMLINKS)
    .union(ResolveFlags::NO_MAGICLINKS)
    .union(ResolveFlags::NO_XDEV);

/// A folder is opened to find things in it.
const TO_FIND: OFlags = OFlags::PATH.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

/// The folder.
#[derive(Debug)]
pub(crate) struct Root {
    fd: OwnedFd,
    by_system: bool,
    device: u64,
    inode: u64,
}

/// A folder in it that is open, or the folder itself.
#[derive(Debug)]
pub(crate) enum Held<'a> {
    /// It was open before.
    Before(BorrowedFd<'a>),
    /// It was opened to be used once.
    Now(OwnedFd),
}

impl AsFd for Held<'_> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Before(fd) => *fd,
            Self::Now(fd) => fd.as_fd(),
        }
    }
}

impl Root {
    pub(super) fn open(path: &Path, resolving: Resolving) -> Result<Self, Errno> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let fd = rustix::fs::openat(CWD, path, flags, Mode::empty())?;
        let stat = rustix::fs::fstat(&fd)?;
        let can = || rustix::fs::openat2(&fd, ".", TO_FIND, Mode::empty(), BENEATH).is_ok();
        let by_system = resolving == Resolving::Best && can();
        Ok(Self { by_system, device: stat.st_dev, inode: stat.st_ino, fd })
    }

    pub(super) fn fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }

    /// Returns whether a path leads to it.
    pub(super) fn is_at(&self, path: &Path) -> bool {
        let stat = rustix::fs::statat(CWD, path, AtFlags::empty());
        stat.is_ok_and(|stat| stat.st_dev == self.device && stat.st_ino == self.inode)
    }

    /// Opens a folder to find things in, or to watch it.
    pub(crate) fn folder(&self, path: Option<&RelPath>) -> Result<Held<'_>, Errno> {
        let Some(path) = path else { return Ok(Held::Before(self.fd.as_fd())) };
        if !self.by_system {
            return self.by_steps(path).map(Held::Now);
        }
        for _ in 0..TRIES {
            match rustix::fs::openat2(&self.fd, path.as_str(), TO_FIND, Mode::empty(), BENEATH) {
                Err(Errno::AGAIN | Errno::INTR) => {}
                done => return done.map(Held::Now),
            }
        }
        Err(Errno::AGAIN)
    }

    fn by_steps(&self, path: &RelPath) -> Result<OwnedFd, Errno> {
        let mut at: Option<OwnedFd> = None;
        for part in path.parts() {
            let from = at.as_ref().map_or(self.fd.as_fd(), |fd| fd.as_fd());
            let next = rustix::fs::openat(from, part, TO_FIND | OFlags::NOFOLLOW, Mode::empty())?;
            if rustix::fs::fstat(&next)?.st_dev != self.device {
                return Err(Errno::XDEV);
            }
            at = Some(next);
        }
        at.ok_or(Errno::NOENT)
    }

    /// Returns what the system says of something, in sync's own words. A folder of another disk that is
    /// mounted here is nothing that can be synced.
    pub(super) fn stat(&self, stat: &rustix::fs::Stat) -> Stat {
        let kind = match FileType::from_raw_mode(stat.st_mode) {
            FileType::RegularFile => Kind::File,
            FileType::Directory if stat.st_dev == self.device => Kind::Dir,
            FileType::Symlink => Kind::Symlink,
            _ => Kind::Special,
        };
        Stat {
            kind,
            dev: stat.st_dev,
            ino: stat.st_ino,
            size: u64::try_from(stat.st_size).unwrap_or_default(),
            mtime_ns: nanoseconds(stat.st_mtime, stat.st_mtime_nsec),
            ctime_ns: nanoseconds(stat.st_ctime, stat.st_ctime_nsec),
            mode: stat.st_mode & 0o7777,
        }
    }

    /// Returns once all that was written on this file system before is on disk.
    pub(super) fn sync_everything(&self) -> Result<(), Fault> {
        fault::retried(|| rustix::fs::syncfs(&self.fd))
    }
}

/// Opens a folder that is open to find things in, to read its names or to sync them.
pub(super) fn readable(folder: impl AsFd) -> Result<OwnedFd, Errno> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    rustix::fs::openat(folder, ".", flags, Mode::empty())
}

pub(super) fn nanoseconds(seconds: i64, rest: u64) -> i64 {
    let rest = i64::try_from(rest).unwrap_or_default();
    seconds.saturating_mul(1_000_000_000).saturating_add(rest)
}
