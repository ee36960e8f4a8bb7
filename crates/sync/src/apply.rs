//! Making one change to a tree that somebody else writes to at the same moment.
//!
//! What is new is made beside the tree, and then *trades places* with what is there. Only then is what
//! came out compared with what was expected: a check before would leave a moment in which a save is
//! lost. If it is something else, the two trade places again, and nobody has lost anything.
//!
//! What came out stays in the operation's slot. Somebody may have opened it before and write to it
//! later, so it is looked at again (`recheck`) before it goes.
#![forbid(unsafe_code)]

mod back;
mod recover;
mod stage;

use oriel_wire::sync::Entry;

use crate::look::{Seen, look};
use crate::op::{Applied, Left, Op, Outcome};
use crate::vfs::{Blobs, Fault, Place, Vfs};

use back::{put_back, put_back_removed};

pub use recover::{Rechecked, discard, recheck, recover};

/// A file system, a store of contents, and what is to be done with them.
pub(crate) struct Work<'a, V, B> {
    pub(crate) vfs: &'a V,
    pub(crate) blobs: &'a B,
    pub(crate) op: &'a Op,
}

/// Makes a change, or leaves all as it is and says why.
///
/// The process may end between any two of its steps: `recover` then finishes or undoes it.
pub fn apply<V: Vfs, B: Blobs>(vfs: &V, blobs: &B, op: &Op) -> Applied {
    let work = Work { vfs, blobs, op };
    let made = match (&op.expected, &op.new) {
        (Entry::Dir, Entry::Absent) => work.remove_folder(),
        (_, Entry::Absent) => work.take_away(),
        (Entry::Absent, Entry::Dir) => work.make_folder(),
        (Entry::Absent, _) => work.put_new(),
        _ => work.replace(),
    };
    // What fails before anything was moved leaves the tree as it was; later failures are caught below.
    made.unwrap_or_else(|fault| work.give_up(fault))
}

impl<V: Vfs, B: Blobs> Work<'_, V, B> {
    pub(crate) fn tree(&self) -> Place<'_> {
        Place::Tree(&self.op.path)
    }

    pub(crate) fn slot(&self) -> Place<'_> {
        Place::Slot(self.op.id)
    }

    fn remove_folder(&self) -> Result<Applied, Fault> {
        match self.vfs.remove_dir(self.tree()) {
            Ok(()) => self.done(None),
            Err(Fault::NotEmpty) => Ok(Outcome::NotEmpty.into()),
            Err(Fault::NotThere | Fault::Exists) => Ok(Outcome::Changed.into()),
            Err(fault) => moved_or_not(fault),
        }
    }

    fn make_folder(&self) -> Result<Applied, Fault> {
        match self.vfs.make_dir(self.tree()) {
            Ok(()) => self.done(None),
            Err(Fault::NotThere | Fault::Exists) => Ok(Outcome::Changed.into()),
            Err(fault) => moved_or_not(fault),
        }
    }

    fn put_new(&self) -> Result<Applied, Fault> {
        self.stage()?;
        match self.vfs.rename_new(self.slot(), self.tree()) {
            Ok(()) => self.done(None),
            Err(Fault::NotThere | Fault::Exists) => self.not_made(Outcome::Changed),
            Err(fault) => moved_or_not(fault),
        }
    }

    fn replace(&self) -> Result<Applied, Fault> {
        self.stage()?;
        if !self.is_expected(self.tree())? {
            return self.not_made(Outcome::Changed);
        }
        match self.vfs.exchange(self.tree(), self.slot()) {
            Ok(()) => Ok(self.settle()),
            Err(Fault::NotThere | Fault::Exists) => self.not_made(Outcome::Changed),
            Err(fault) => moved_or_not(fault),
        }
    }

    fn take_away(&self) -> Result<Applied, Fault> {
        if !self.is_expected(self.tree())? {
            return Ok(Outcome::Changed.into());
        }
        match self.vfs.rename_new(self.tree(), self.slot()) {
            Ok(()) => Ok(self.settle()),
            Err(Fault::NotThere | Fault::Exists) => Ok(Outcome::Changed.into()),
            Err(fault) => moved_or_not(fault),
        }
    }

    /// Judges what came out of the tree, which is in the slot now.
    pub(crate) fn settle(&self) -> Applied {
        self.try_settle().unwrap_or_else(|fault| Outcome::Unfinished(fault).into())
    }

    fn try_settle(&self) -> Result<Applied, Fault> {
        if self.op.expected == Entry::Dir {
            return self.settle_folder();
        }
        match self.expected_at(self.slot())? {
            Ok(seen) => self.done(Some(Left::known(seen))),
            Err(other) if self.op.new == Entry::Absent => put_back_removed(self, other),
            Err(other) => put_back(self, other, Outcome::Changed),
        }
    }

    /// A folder was expected, empty. Removing it is the check.
    fn settle_folder(&self) -> Result<Applied, Fault> {
        match self.vfs.remove_dir(self.slot()) {
            Ok(()) => self.done(None),
            Err(Fault::NotEmpty) => {
                put_back(self, Seen { entry: Entry::Dir, stat: None }, Outcome::NotEmpty)
            }
            // It is no folder.
            Err(Fault::Exists) => {
                let other = self.look(self.slot())?;
                put_back(self, other, Outcome::Changed)
            }
            Err(fault) => Err(fault),
        }
    }

    /// The names are on disk before anybody is told that the change was made.
    pub(crate) fn done(&self, left: Option<Left>) -> Result<Applied, Fault> {
        let synced = self.vfs.sync_names(self.tree()).and_then(|()| match left {
            Some(_) => self.vfs.sync_names(self.slot()),
            None => Ok(()),
        });
        Ok(match synced {
            // The folder it is in was removed since; so was what was put there.
            Ok(()) | Err(Fault::NotThere) => Applied { outcome: Outcome::Done, left },
            Err(fault) => Outcome::Unfinished(fault).into(),
        })
    }

    /// Nothing was moved, and nobody has seen what was staged.
    fn not_made(&self, outcome: Outcome) -> Result<Applied, Fault> {
        self.vfs.discard(self.op.id)?;
        Ok(outcome.into())
    }

    fn give_up(&self, fault: Fault) -> Applied {
        match self.vfs.discard(self.op.id) {
            Ok(()) => Outcome::Failed(fault).into(),
            Err(_) => Outcome::Unfinished(fault).into(),
        }
    }

    fn is_expected(&self, at: Place<'_>) -> Result<bool, Fault> {
        self.expected_at(at).map(|seen| seen.is_ok())
    }

    /// Returns what is at a place, as an error where it is not what is expected.
    fn expected_at(&self, at: Place<'_>) -> Result<Result<Seen, Seen>, Fault> {
        if let Some(stat) = self.op.stat
            && let Some(now) = self.vfs.lstat(at)?
            && now.is_same_but_for_name(&stat)
        {
            return Ok(Ok(Seen { entry: self.op.expected.clone(), stat: Some(now) }));
        }
        let seen = self.look(at)?;
        Ok(if seen.entry == self.op.expected { Ok(seen) } else { Err(seen) })
    }

    pub(crate) fn look(&self, at: Place<'_>) -> Result<Seen, Fault> {
        look(self.vfs, self.blobs, at, &self.op.path, None)
    }
}

/// Returns what a call that changes names and failed has come to. Only this failure may come after it was
/// done, and what was done must be known to be sync's own; the others say that it was not made.
fn moved_or_not(fault: Fault) -> Result<Applied, Fault> {
    match fault {
        Fault::Io => Ok(Outcome::Unfinished(fault).into()),
        _ => Err(fault),
    }
}

impl From<Outcome> for Applied {
    fn from(outcome: Outcome) -> Self {
        Self { outcome, left: None }
    }
}

impl Left {
    /// What both sides have had.
    pub(crate) fn known(seen: Seen) -> Self {
        Self { holds: seen.entry, stat: seen.stat, is_rescued: false }
    }

    /// What only somebody who wrote it here has had.
    pub(crate) fn rescued(seen: Seen) -> Self {
        Self { holds: seen.entry, stat: seen.stat, is_rescued: true }
    }
}
