//! Which number of the system stands for which folder.

use std::collections::{BTreeMap, HashMap};
use std::os::fd::AsFd;

use oriel_wire::sync::RelPath;
use rustix::io::Errno;

/// Which folder it is, for as long as it is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Id {
    device: u64,
    inode: u64,
}

impl Id {
    pub(super) fn of(folder: &impl AsFd) -> Result<Self, Errno> {
        let stat = rustix::fs::fstat(folder)?;
        Ok(Self { device: stat.st_dev, inode: stat.st_ino })
    }
}

/// A folder that is watched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Watched {
    /// Its path; nothing where it is the root.
    pub(super) path: Option<RelPath>,
    pub(super) id: Id,
}

/// All of them. A folder has one number, and a path has one. The system bounds how many there are.
#[derive(Debug, Default)]
pub(super) struct Numbers {
    folders: HashMap<i32, Watched>,
    numbers: BTreeMap<Option<RelPath>, i32>,
}

impl Numbers {
    pub(super) fn get(&self, number: i32) -> Option<&Watched> {
        self.folders.get(&number)
    }

    /// Notes where a folder is. Returns the number of another one that was noted there.
    pub(super) fn put(&mut self, number: i32, path: Option<RelPath>, id: Id) -> Option<i32> {
        self.forget(number);
        let stale = self.numbers.insert(path.clone(), number);
        self.folders.insert(number, Watched { path, id });
        stale.inspect(|stale| {
            self.folders.remove(stale);
        })
    }

    pub(super) fn forget(&mut self, number: i32) {
        if let Some(watched) = self.folders.remove(&number) {
            self.numbers.remove(&watched.path);
        }
    }

    /// Forgets a folder and all below it, and returns their numbers.
    pub(super) fn take_beneath(&mut self, folder: &RelPath) -> Vec<i32> {
        let is_beneath =
            |path: &Option<RelPath>| path.as_ref().is_some_and(|path| path.starts_with(folder));
        let paths = self.numbers.range(Some(folder.clone())..);
        let numbers: Vec<_> =
            paths.take_while(|(path, _)| is_beneath(path)).map(|(_, number)| *number).collect();
        numbers.iter().for_each(|number| self.forget(*number));
        numbers
    }
}
