//! A synced folder on a real disk.
//!
//! The folder is held open, and every path is resolved beneath it without following a link, so whatever
//! somebody puts there meanwhile, nothing outside is reached. What is sync's own lies in `.oriel` inside the
//! folder, since only within one file system can two things trade places.

mod change;
mod disk;
mod fault;
mod links;
mod open;
mod own;
mod read;
mod root;

#[cfg(test)]
mod tests;

use std::fmt;
use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;

use oriel_wire::sync::{RelPath, RootId};

use crate::group::GroupSync;
use crate::op::OpId;
use crate::stat::Stat;
use crate::vfs::{Fault, Named, Place, Vfs};
use crate::watcher::Watcher;

use disk::Disk;
use own::Own;

pub(crate) use fault::{of as fault_of, of_io as fault_of_io, retried};
pub use open::{OpenError, Options};
pub use root::Resolving;
pub(crate) use root::Root;

/// How two things trade places.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Means {
    /// The file system does it, at once for everyone who looks.
    Exchange,
    /// What is replaced gets a second name first. Readers never miss the file, but who replaces it as a
    /// whole just then is overwritten unseen.
    Links,
}

/// A synced folder.
pub struct Folder {
    path: PathBuf,
    root: Arc<Root>,
    own: Own,
    disk: Disk,
    means: Means,
    /// What a plain program of this person leaves out of the permissions of what it makes.
    umask: u32,
    /// The same of this process, where that is known.
    process_umask: Option<u32>,
    group: GroupSync,
    /// Nothing where the system has no more of them.
    watcher: Option<Watcher>,
}

impl fmt::Debug for Folder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Folder").field("path", &self.path).finish_non_exhaustive()
    }
}

impl Folder {
    /// Makes what is new with the permissions that a plain program under this umask would give it.
    #[must_use]
    pub fn with_umask(mut self, umask: u32) -> Self {
        self.umask = umask & 0o777;
        self
    }

    /// Returns the folder's marker. Another folder in its place has another.
    #[must_use]
    pub const fn id(&self) -> RootId {
        self.own.id()
    }

    /// Returns how two things trade places here.
    #[must_use]
    pub const fn means(&self) -> Means {
        self.means
    }

    /// Returns whether the folder is on another machine. Then what changes there is not told.
    #[must_use]
    pub const fn is_remote(&self) -> bool {
        self.disk.is_remote
    }

    /// Returns whether names that differ only in their case are the same here.
    #[must_use]
    pub const fn folds_case(&self) -> bool {
        self.disk.folds_case
    }
}

impl Vfs for Folder {
    type File = File;

    fn check_root(&self) -> Result<(), Fault> {
        self.still_there()
    }

    fn now_ns(&self) -> i64 {
        self.disk.now_ns(self.own.lock())
    }

    fn granularity_ns(&self) -> i64 {
        self.disk.granularity_ns
    }

    fn lstat(&self, at: Place<'_>) -> Result<Option<Stat>, Fault> {
        self.stat_of(at)
    }

    fn open(&self, at: Place<'_>) -> Result<File, Fault> {
        self.open_file(at)
    }

    fn fstat(&self, file: &File) -> Result<Stat, Fault> {
        rustix::fs::fstat(file).map(|stat| self.root.stat(&stat)).map_err(fault::of)
    }

    fn read(&self, file: &File, at: u64, buffer: &mut [u8]) -> Result<usize, Fault> {
        fault::retried(|| rustix::io::pread(file, &mut *buffer, at))
    }

    fn read_link(&self, at: Place<'_>) -> Result<Option<String>, Fault> {
        self.target_of(at)
    }

    fn list(&self, folder: Option<&RelPath>) -> Result<Vec<Named>, Fault> {
        self.names_in(folder)
    }

    fn watch(&self, folder: Option<&RelPath>) -> Result<(), Fault> {
        self.watcher.as_ref().map_or(Err(Fault::NoMoreWatches), |watcher| watcher.watch(folder))
    }

    fn create(&self, part: OpId, mode: u32) -> Result<File, Fault> {
        self.make_part(part, mode)
    }

    fn write(&self, file: &mut File, bytes: &[u8]) -> Result<(), Fault> {
        std::io::Write::write_all(file, bytes).map_err(|error| fault::of_io(&error))
    }

    fn sync(&self, file: &File) -> Result<(), Fault> {
        self.group.sync(
            1,
            || fault::retried(|| rustix::fs::fdatasync(file)),
            || self.root.sync_everything(),
        )
    }

    fn make_link(&self, part: OpId, target: &str) -> Result<(), Fault> {
        self.make_link_part(part, target)
    }

    fn make_dir(&self, at: Place<'_>) -> Result<(), Fault> {
        self.make_folder(at)
    }

    fn rename_new(&self, from: Place<'_>, to: Place<'_>) -> Result<(), Fault> {
        self.move_new(from, to)
    }

    fn exchange(&self, one: Place<'_>, other: Place<'_>) -> Result<(), Fault> {
        self.trade(one, other)
    }

    fn remove_dir(&self, at: Place<'_>) -> Result<(), Fault> {
        self.remove_folder(at)
    }

    fn discard(&self, at: OpId) -> Result<(), Fault> {
        self.own.discard(at)
    }

    fn sync_names(&self, at: Place<'_>) -> Result<(), Fault> {
        let spot = self.spot(at)?;
        self.group.sync(1, || spot.sync_names(), || self.root.sync_everything())
    }

    fn secure(&self, paths: &[RelPath]) {
        let own = || {
            for path in paths {
                self.secure_one(Place::Tree(path));
            }
            Ok(())
        };
        // Two for each: what is in the file, and its name. The caller cannot do more about a failure than
        // go on.
        let _ = self.group.sync(2 * paths.len(), own, || self.root.sync_everything());
    }
}
