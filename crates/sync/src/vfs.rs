//! What sync needs of a file system and of a place for contents: one method for each call that matters.
//!
//! The procedures above (`look`, `apply`) are straight code over these two traits. The real file system
//! and the simulated one run the same procedures, and between any two calls the simulation may let
//! somebody else write, fail the call, or end the process.
//!
//! Nothing in the tree is ever opened for writing: what is new is made in a slot and moved into place as
//! a whole.
#![forbid(unsafe_code)]

use oriel_wire::sync::{Digest, RelPath};

use crate::op::OpId;
use crate::stat::Stat;

/// Somewhere that sync reads or moves things.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place<'a> {
    /// In the synced tree.
    Tree(&'a RelPath),
    /// Sync's own place for one operation: what is staged before it, and what was replaced after it.
    Slot(OpId),
    /// Where that is made, until it is whole and on disk.
    Part(OpId),
}

/// A call of the system failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, thiserror::Error)]
pub enum Fault {
    /// Nothing is there, or what should hold it is no folder.
    #[error("there is nothing of that name")]
    NotThere,
    /// Something is there already.
    #[error("something of that name is there already")]
    Exists,
    /// The folder has something in it.
    #[error("the folder is not empty")]
    NotEmpty,
    /// The system does not permit it.
    #[error("the system does not permit it")]
    NotPermitted,
    /// There is no room.
    #[error("there is no room left on the disk")]
    Full,
    /// The folder that is synced is not there any more, or another one is in its place.
    #[error("the synced folder is not there any more; put it back, or stop syncing it")]
    RootGone,
    /// There are as many watches as the system allows.
    #[error("the system allows no more watches; raise its limit or sync a smaller folder")]
    NoMoreWatches,
    /// A content is not in the store of contents.
    #[error("a content is not in the store")]
    NoBlob,
    /// Anything else.
    #[error("reading or writing failed")]
    Io,
    /// The process ends. Only a simulation says so.
    #[error("the process ends")]
    Stopped,
}

/// One name in a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// The name; nothing where it is not Unicode.
    pub name: Option<String>,
    /// What it stands for.
    pub stat: Stat,
}

/// A file system with a synced folder in it. No method follows a link, in any part of a path.
pub trait Vfs {
    /// A file that is open.
    type File;

    /// Fails with `RootGone` unless the folder is the one that was chosen.
    fn check_root(&self) -> Result<(), Fault>;
    /// Returns what the file system's clock says now, in nanoseconds.
    fn now_ns(&self) -> i64;
    /// Returns how far apart two writes must be to have different times, in nanoseconds.
    fn granularity_ns(&self) -> i64;
    /// Returns what is there, if anything; where the names of this file system have no case, only under
    /// exactly this name.
    fn lstat(&self, at: Place<'_>) -> Result<Option<Stat>, Fault>;
    /// Opens a file for reading.
    fn open(&self, at: Place<'_>) -> Result<Self::File, Fault>;
    /// Returns what an open file is now.
    fn fstat(&self, file: &Self::File) -> Result<Stat, Fault>;
    /// Reads from a file; nothing at its end.
    fn read(&self, file: &Self::File, at: u64, buffer: &mut [u8]) -> Result<usize, Fault>;
    /// Returns where a link leads; nothing where that is not Unicode.
    fn read_link(&self, at: Place<'_>) -> Result<Option<String>, Fault>;
    /// Returns what is in a folder, or in the root.
    fn list(&self, folder: Option<&RelPath>) -> Result<Vec<Named>, Fault>;
    /// Begins to watch a folder, or the root. What changes in it after this returns is told.
    fn watch(&self, folder: Option<&RelPath>) -> Result<(), Fault>;

    /// Makes an empty file in a part, in place of what an earlier try left there.
    fn create(&self, part: OpId, mode: u32) -> Result<Self::File, Fault>;
    /// Adds to a file that was made so.
    fn write(&self, file: &mut Self::File, bytes: &[u8]) -> Result<(), Fault>;
    /// Returns once a file's content is on disk.
    fn sync(&self, file: &Self::File) -> Result<(), Fault>;
    /// Makes a link in a part.
    fn make_link(&self, part: OpId, target: &str) -> Result<(), Fault>;
    /// Makes a folder.
    fn make_dir(&self, at: Place<'_>) -> Result<(), Fault>;
    /// Moves something to where nothing is; `Exists` where something is.
    fn rename_new(&self, from: Place<'_>, to: Place<'_>) -> Result<(), Fault>;
    /// Lets two things trade places, at once for everyone who looks.
    fn exchange(&self, one: Place<'_>, other: Place<'_>) -> Result<(), Fault>;
    /// Removes an empty folder.
    fn remove_dir(&self, at: Place<'_>) -> Result<(), Fault>;
    /// Removes what is in a slot or a part, a folder with it. Nothing in the tree is removed so.
    fn discard(&self, at: OpId) -> Result<(), Fault>;
    /// Returns once the names in the folder of something are on disk.
    fn sync_names(&self, at: Place<'_>) -> Result<(), Fault>;

    /// Returns once what is at these paths, and that it is there, is on disk. What changed or went away
    /// meanwhile is its author's business, and where the system fails it is as safe as its author left
    /// it.
    ///
    /// A file system that can bring all of itself to disk at once does that where there are many.
    fn secure(&self, paths: &[RelPath]) {
        for path in paths {
            let at = Place::Tree(path);
            if let Ok(file) = self.open(at) {
                // The caller cannot do more about a failure than go on.
                let _ = self.sync(&file);
            }
            let _ = self.sync_names(at);
        }
    }
}

/// A place for contents, each under its digest. What is kept here stays until it is let go.
pub trait Blobs {
    /// A content that is being written.
    type Draft;

    /// Returns how much of a content is here: all of it, or the first so many bytes.
    fn have(&self, digest: &Digest) -> Result<Have, Fault>;
    /// Reads from a content that is here; nothing at its end.
    fn read(&self, digest: &Digest, at: u64, buffer: &mut [u8]) -> Result<usize, Fault>;
    /// Returns how long a content is that is here.
    ///
    /// Whoever knows it says so. Otherwise it is found by reading single bytes, of which few are needed.
    fn size(&self, digest: &Digest) -> Result<u64, Fault> {
        let is_within = |at| Ok::<_, Fault>(self.read(digest, at, &mut [0])? != 0);
        let mut end = 1;
        while is_within(end - 1)? {
            end *= 2;
        }
        // The byte before `first` is there, and the one before `end` is not.
        let (mut first, mut end) = (end / 2, end);
        while first + 1 < end {
            let middle = first + (end - first) / 2;
            if is_within(middle - 1)? {
                first = middle;
            } else {
                end = middle;
            }
        }
        Ok(first)
    }
    /// Begins a content whose digest is not known yet.
    fn begin(&self) -> Result<Self::Draft, Fault>;
    /// Adds to it.
    fn add(&self, draft: &mut Self::Draft, bytes: &[u8]) -> Result<(), Fault>;
    /// Keeps it, on disk, once its digest is known.
    fn keep(&self, draft: Self::Draft, digest: Digest) -> Result<(), Fault>;
    /// Adds what came from the other side. What does not begin where the last ended is left out. What
    /// is whole and has another digest is thrown away.
    fn receive(&self, digest: &Digest, size: u64, at: u64, bytes: &[u8]) -> Result<Have, Fault>;
}

/// How much of a content is here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Have {
    /// All of it, and it was checked.
    All,
    /// The first so many bytes.
    Part(u64),
}
