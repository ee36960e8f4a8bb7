//! What an engine wants done, and how it went. An engine decides and touches nothing; whoever runs it
//! performs its tasks, those about the same in their order, and hands back what came of them, in any
//! order.
#![forbid(unsafe_code)]

use oriel_wire::sync::{Digest, Entry, RelPath};

use crate::apply::{self, Rechecked};
use crate::disk::Look;
use crate::journal::{Journal, Write};
use crate::look::{List, Listing, Seen, list, look};
use crate::op::{Applied, Left, Op, OpId, Outcome};
use crate::rules::LeftOut;
use crate::stat::Kind;
use crate::vfs::{Blobs, Fault, Have, Place, Vfs};

/// Work for whoever runs an engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Task {
    /// Write to the journal, all or nothing. What follows is not begun before it is on disk.
    Commit(Vec<Write>),
    /// See to it that what is at these paths is on disk, before the other side is told of it or the
    /// ledger says so. If a loss of power undid it afterwards, what was there before would look like a
    /// change, and take the place of the newer content on the other side.
    Secure(Vec<RelPath>),
    /// See what is at a path.
    Look(Look),
    /// See what is in a folder.
    List(List),
    /// Change the tree.
    Apply(Op),
    /// Finish or undo a change that did not come to its end.
    Recover(Op),
    /// Look again at what a change left in its slot.
    Recheck(OpId, RelPath, Left),
    /// Do so for the last time, and remove it.
    Discard(OpId, RelPath, Left),
    /// See how much of a content is here.
    Have(Digest),
    /// Keep a piece of a content that came from the other side.
    Receive {
        /// Of the whole content.
        digest: Digest,
        /// Its length.
        size: u64,
        /// Where the piece begins.
        at: u64,
        /// The piece.
        bytes: Vec<u8>,
    },
}

/// What a task is about. Tasks about the same are performed in their order; others at once or in any
/// order, as long as none is begun before the commits and the securing in front of it are over.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum About {
    /// What is at a path.
    Path(RelPath),
    /// What is in a folder, or in the root.
    Folder(Option<RelPath>),
    /// A content.
    Content(Digest),
}

impl Task {
    /// Returns what it is about; nothing, where everything after it waits for its end.
    #[must_use]
    pub fn about(&self) -> Option<About> {
        Some(match self {
            Self::Commit(_) | Self::Secure(_) => return None,
            Self::Look(look) => About::Path(look.path.clone()),
            Self::List(list) => About::Folder(list.folder.clone()),
            Self::Apply(op) | Self::Recover(op) => About::Path(op.path.clone()),
            Self::Recheck(_, path, _) | Self::Discard(_, path, _) => About::Path(path.clone()),
            Self::Have(digest) | Self::Receive { digest, .. } => About::Content(*digest),
        })
    }
}

/// What came of a task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Done {
    /// A path was looked at.
    Looked(Look, Result<Seen, Fault>),
    /// A folder was listed.
    Listed(List, Result<Listing, Fault>),
    /// A change was made or not, at first or when it was recovered.
    Applied(OpId, Applied),
    /// What a change left was looked at.
    Rechecked(OpId, Rechecked),
    /// How much of a content is here.
    Have(Digest, Result<Have, Fault>),
}

/// Where tasks are performed.
#[derive(Debug)]
pub struct Hands<'a, V, B, J> {
    /// The file system.
    pub vfs: &'a V,
    /// The store of contents.
    pub blobs: &'a B,
    /// The journal.
    pub journal: &'a J,
    /// What is left out of the tree.
    pub left_out: &'a LeftOut,
}

impl<V: Vfs, B: Blobs, J: Journal> Hands<'_, V, B, J> {
    /// Performs a task.
    ///
    /// # Errors
    /// Where the journal cannot be written: then the engine knows more than the disk does, and is to be
    /// dropped and made again from the journal.
    pub fn perform(&self, task: Task) -> Result<Option<Done>, Fault> {
        Ok(Some(match task {
            Task::Commit(writes) => {
                self.journal.commit(&writes)?;
                return Ok(None);
            }
            Task::Secure(paths) => {
                self.vfs.secure(&paths);
                return Ok(None);
            }
            Task::Look(wanted) => {
                let seen = self.rooted(|| self.look(&wanted));
                Done::Looked(wanted, seen)
            }
            Task::List(wanted) => {
                let listing = self.rooted(|| list(self.vfs, self.left_out, &wanted));
                Done::Listed(wanted, listing)
            }
            Task::Apply(op) => {
                let applied = match self.vfs.check_root() {
                    Ok(()) => self.still_rooted(apply::apply(self.vfs, self.blobs, &op)),
                    Err(fault) => Outcome::Failed(fault).into(),
                };
                Done::Applied(op.id, applied)
            }
            Task::Recover(op) => {
                let applied = match self.vfs.check_root() {
                    Ok(()) => self.still_rooted(apply::recover(self.vfs, self.blobs, &op)),
                    Err(fault) => Outcome::Unfinished(fault).into(),
                };
                Done::Applied(op.id, applied)
            }
            Task::Recheck(id, path, left) => {
                let recheck = || Ok(apply::recheck(self.vfs, self.blobs, id, &path, &left));
                Done::Rechecked(id, self.rooted(recheck).unwrap_or_else(Rechecked::Failed))
            }
            Task::Discard(id, path, left) => {
                let discard = || Ok(apply::discard(self.vfs, self.blobs, id, &path, &left));
                Done::Rechecked(id, self.rooted(discard).unwrap_or_else(Rechecked::Failed))
            }
            Task::Have(digest) => Done::Have(digest, self.blobs.have(&digest)),
            Task::Receive { digest, size, at, bytes } => {
                Done::Have(digest, self.blobs.receive(&digest, size, at, &bytes))
            }
        }))
    }

    fn look(&self, wanted: &Look) -> Result<Seen, Fault> {
        let Look { path, known, .. } = wanted;
        // What is left out is not read, and what the system says of it proves nothing: by other rules it is
        // not left out any more.
        let untracked = Seen { entry: Entry::Untracked, stat: None };
        let there = self.vfs.lstat(Place::Tree(path))?;
        let is_folder = there.is_some_and(|stat| stat.kind == Kind::Dir);
        if there.is_some() && self.left_out.has(path, is_folder) {
            return Ok(untracked);
        }
        let known = known.as_ref().filter(|known| known.entry != Entry::Untracked);
        let seen = look(self.vfs, self.blobs, Place::Tree(path), path, known)?;
        let is_left_out =
            seen.entry.is_known() && self.left_out.has(path, seen.entry == Entry::Dir);
        Ok(if is_left_out { untracked } else { seen })
    }

    /// Where the folder went away meanwhile, nothing that a change found or did not find counts, slots
    /// included: it is recovered when the folder is back.
    fn still_rooted(&self, applied: Applied) -> Applied {
        match self.vfs.check_root() {
            Ok(()) => applied,
            Err(fault) => Outcome::Unfinished(fault).into(),
        }
    }

    /// Sees to it that what was seen was seen in the folder that was chosen: where that is not there,
    /// everything in it looks as if it were deleted.
    fn rooted<T>(&self, see: impl FnOnce() -> Result<T, Fault>) -> Result<T, Fault> {
        self.vfs.check_root()?;
        let seen = see()?;
        self.vfs.check_root()?;
        Ok(seen)
    }
}
