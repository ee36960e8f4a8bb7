//! What is meant to happen at a path, once the folders are looked at as well.
//!
//! A folder that one side deleted goes only if all that is in it goes. What the other side changed in it
//! stays, and so do the folders above it: they come back where they were deleted.
#![forbid(unsafe_code)]

use oriel_wire::sync::{Entry, RelPath};

use super::Engine;
use crate::reconcile::{Action, Clash, Meets, reconcile};

/// What a folder that is to go still has in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Holds {
    /// Nothing.
    Nothing,
    /// Things that are to go, or of which it is not known yet.
    Going,
    /// Something that stays.
    Living,
    /// Something that cannot be synced, and is not deleted with its folder.
    Frozen,
}

impl Engine {
    /// Returns what the three entries of a path alone say.
    pub(super) fn action(&self, path: &RelPath) -> Action {
        reconcile(self.agreed(path), self.here(path), self.there(path))
    }

    /// Returns what is meant to happen at a path; nothing where that depends on what is still going on.
    pub(super) fn intent(&self, path: &RelPath) -> Option<Action> {
        let action = self.action(path);
        let (here, there) = (self.here(path), self.there(path));
        match action {
            Action::Pull(_) if *here == Entry::Dir => match self.holds_here(path) {
                Holds::Nothing => Some(action),
                Holds::Going => None,
                Holds::Frozen => Some(Action::Freeze),
                Holds::Living if *there == Entry::Absent => Some(Action::Push(Meets::Delete)),
                Holds::Living => Some(Action::Conflict(Clash::Type)),
            },
            Action::Push(_) if *there == Entry::Dir => match self.holds_there(path) {
                Holds::Nothing => Some(action),
                Holds::Going => None,
                Holds::Frozen => Some(Action::Freeze),
                Holds::Living if *here == Entry::Absent => Some(Action::Pull(Meets::Delete)),
                Holds::Living => Some(Action::Conflict(Clash::Type)),
            },
            _ => Some(action),
        }
    }

    /// Returns what is in a folder here that the other side does not have any more.
    fn holds_here(&self, folder: &RelPath) -> Holds {
        let mut holds = Holds::Nothing;
        for (path, here) in self.disk.beneath(folder) {
            if self.disk.is_doubtful(path) {
                return Holds::Going;
            }
            match self.action(path) {
                Action::Freeze => return Holds::Frozen,
                Action::Pull(_) if *self.there(path) == Entry::Absent => holds = Holds::Going,
                // The other side has not told yet that it is gone, or it is being agreed on.
                Action::Nothing | Action::Agree => return Holds::Going,
                _ => return Holds::Living,
            }
            // What is in it comes next. A file goes by itself.
            if *here != Entry::Dir {
                return Holds::Going;
            }
        }
        holds
    }

    /// Returns what is in a folder there that is not here any more.
    fn holds_there(&self, folder: &RelPath) -> Holds {
        let mut holds = Holds::Nothing;
        for (path, there) in self.beneath_there(folder) {
            if self.disk.is_doubtful(path) {
                return Holds::Going;
            }
            match self.action(path) {
                Action::Freeze => return Holds::Frozen,
                Action::Push(_) if *self.here(path) == Entry::Absent => holds = Holds::Going,
                Action::Nothing | Action::Agree => return Holds::Going,
                _ => return Holds::Living,
            }
            if *there != Entry::Dir {
                return Holds::Going;
            }
        }
        holds
    }
}
