//! Opening a folder: what must be true of it before anything in it is synced.

use std::os::fd::AsFd as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use oriel_wire::sync::RootId;
use rustix::fs::{AtFlags, Mode, OFlags, RenameFlags};
use rustix::io::Errno;

use super::disk::Disk;
use super::own::{self, MARKER_FOLDED, Own, OwnError};
use super::{Folder, Means, Resolving, Root};
use crate::group::GroupSync;
use crate::watcher::{Heard, Watcher};

/// How a folder is used. The default is what is best on this system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Options {
    /// How paths are resolved.
    pub resolving: Resolving,
    /// How two things trade places, where the file system is not to be asked.
    pub means: Option<Means>,
}

/// A folder cannot be synced.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Nothing is there.
    #[error("there is no folder at `{}`; make it, or choose another one", .path.display())]
    NotThere {
        /// Where.
        path: PathBuf,
    },
    /// It may not be used.
    #[error("`{}` may not be read and written; give yourself access to it, or choose another folder", .path.display())]
    NotPermitted {
        /// Where.
        path: PathBuf,
    },
    /// Another process or another part of this one syncs it.
    #[error("`{}` is being synced already; stop that first, or choose another folder", .path.display())]
    InUse {
        /// Where.
        path: PathBuf,
    },
    /// No file can be replaced there without a moment in which it is lost.
    #[error("the file system of `{}` can neither exchange nor link files; choose a folder on another disk", .path.display())]
    NoMeans {
        /// Where.
        path: PathBuf,
    },
    /// Anything else.
    #[error("`{}` could not be prepared for syncing; see what is wrong with `.oriel` in it, or choose another folder", .path.display())]
    System {
        /// Where.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: std::io::Error,
    },
}

impl Folder {
    /// Opens a folder, and makes in it what sync needs. What is heard of it is told from a thread of its
    /// own, from when [`crate::vfs::Vfs::watch`] is first called until the folder is dropped.
    ///
    /// # Errors
    /// Where there is no such folder, it is in use, or the system will not.
    pub fn open(
        root: &Path,
        hear: impl Fn(Heard) + Send + Sync + 'static,
    ) -> Result<Self, OpenError> {
        Self::open_with(root, Options::default(), hear)
    }

    /// Opens a folder to use it in a certain way.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_with(
        path: &Path,
        options: Options,
        hear: impl Fn(Heard) + Send + Sync + 'static,
    ) -> Result<Self, OpenError> {
        let path = std::path::absolute(path)
            .map_err(|source| OpenError::System { path: path.to_owned(), source })?;
        let failed = |error: Errno| of_path(&path, error);
        let root = Arc::new(Root::open(&path, options.resolving).map_err(failed)?);
        let mut fresh = [0; 16];
        getrandom::fill(&mut fresh).map_err(|_| failed(Errno::IO))?;
        let own = Own::open(root.fd(), RootId(fresh)).map_err(|error| match error {
            OwnError::InUse => OpenError::InUse { path: path.clone() },
            OwnError::System(error) => failed(error),
        })?;
        let disk = Disk::of(own.folder(), own.lock(), MARKER_FOLDED).map_err(failed)?;
        let found = match options.means {
            Some(means) => Some(means),
            None => probe(&own).map_err(failed)?,
        };
        let means = found.ok_or_else(|| OpenError::NoMeans { path: path.clone() })?;
        let process_umask = process_umask();
        let watcher = Watcher::new(Arc::clone(&root), hear).map_err(failed)?;
        let group = GroupSync::new();
        let umask = process_umask.unwrap_or(0o022);
        Ok(Self { path, root, own, disk, means, umask, process_umask, group, watcher })
    }
}

fn of_path(path: &Path, error: Errno) -> OpenError {
    let path = path.to_owned();
    match error {
        Errno::NOENT | Errno::NOTDIR | Errno::LOOP => OpenError::NotThere { path },
        Errno::ACCESS | Errno::PERM | Errno::ROFS => OpenError::NotPermitted { path },
        error => OpenError::System { path, source: error.into() },
    }
}

/// Finds out what the file system can, with two files in sync's own place.
fn probe(own: &Own) -> Result<Option<Means>, Errno> {
    let stage = own.stage();
    let names = ["probe-one", "probe-other", "probe-link"];
    for name in &names[..2] {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        rustix::fs::openat(stage, *name, flags, Mode::RUSR | Mode::WUSR)?;
    }
    let rename = |to, flags| rustix::fs::renameat_with(stage, names[0], stage, to, flags);
    let exchanges = rename(names[1], RenameFlags::EXCHANGE).is_ok();
    let refuses = rename(names[1], RenameFlags::NOREPLACE) == Err(Errno::EXIST);
    let links = rustix::fs::linkat(stage, names[0], stage, names[2], AtFlags::empty()).is_ok();
    for name in names {
        own::remove(stage.as_fd(), name, 0)?;
    }
    Ok(match (exchanges && refuses, links) {
        (true, _) => Some(Means::Exchange),
        (false, true) => Some(Means::Links),
        (false, false) => None,
    })
}

/// Returns the umask of this process, where the system tells it. Only setting it would tell it everywhere,
/// and for a moment every thread would have another one.
fn process_umask() -> Option<u32> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("Umask:"))?;
    u32::from_str_radix(line.trim(), 8).ok()
}
