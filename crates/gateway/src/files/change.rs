//! What is told of a workspace's files: states of them, and what happened to them.

use std::path::PathBuf;

use oriel_wire::gateway::{Author, EventBody, FileChange, FileDiff, FileIteration};

/// A state of a file that is remembered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Iteration {
    /// The file, from the workspace on.
    pub(crate) path: String,
    /// Its number, from 1.
    pub(crate) iteration: u32,
    /// When it was seen, in Unix milliseconds.
    pub(crate) ts: i64,
    /// The file's length in bytes.
    pub(crate) size: u64,
    /// The BLAKE3 hash of what it held; empty where it was gone, too long or never at rest.
    pub(crate) hash: String,
    /// Whose work it is.
    pub(crate) author: Author,
    /// Whether what it held is kept.
    pub(crate) is_kept: bool,
}

/// Something that happened to a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Change {
    /// What the file is now.
    pub(crate) iteration: Iteration,
    /// What happened to it.
    pub(crate) kind: FileChange,
}

/// What an agent says of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Touch {
    /// It read or wrote it.
    Path(PathBuf),
    /// It changed it so.
    Diff(FileDiff),
}

/// What was found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Found {
    /// What happened, in the order in which it is to be remembered and told.
    pub(crate) changes: Vec<Change>,
    /// How many changes of the turn are not told, since there were too many.
    pub(crate) untold: u64,
    /// Whether the workspace has too many files to look at, so that only those are looked at that the
    /// agent names.
    pub(crate) is_partial: bool,
}

impl Change {
    /// Returns the event that tells clients of it. A person's own work is none: it is in the file's
    /// history.
    pub(crate) fn event(&self) -> Option<EventBody> {
        let Iteration { path, iteration, size, hash, author, .. } = &self.iteration;
        (*author == Author::Agent).then(|| EventBody::FileChanged {
            path: path.clone(),
            iteration: *iteration,
            hash: hash.clone(),
            size: *size,
            kind: self.kind,
        })
    }
}

impl From<Iteration> for FileIteration {
    fn from(it: Iteration) -> Self {
        let Iteration { iteration, ts, size, hash, author, is_kept, path: _ } = it;
        Self { iteration, ts, size, hash, author, is_kept }
    }
}

impl Found {
    /// Takes what was found later.
    pub(super) fn add(&mut self, later: Self) {
        self.changes.extend(later.changes);
        self.untold = self.untold.saturating_add(later.untold);
        self.is_partial = later.is_partial;
    }
}
