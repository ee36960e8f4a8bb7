//! Carrying out what somebody chose for a conflict.
//!
//! A choice only moves the ledger: to keep what is here is to agree that the other version was seen, and
//! what is here is then a change like any other. So a choice goes through the same checks as every
//! change, and what came after the versions that were shown is never overwritten by it.
#![forbid(unsafe_code)]

use oriel_wire::sync::{Entry, RelPath};

use super::Engine;
use crate::conflict::{Choice, ChoiceError, Conflict, ConflictId, ConflictKind};

impl Engine {
    pub(super) fn chosen(
        &mut self,
        id: ConflictId,
        choice: Choice,
        local: &Entry,
        upstream: &Entry,
    ) -> Result<(), ChoiceError> {
        let conflict = self.conflicts.get(&id).cloned().ok_or(ChoiceError::Unknown)?;
        if conflict.local != *local || conflict.upstream != *upstream {
            return Err(ChoiceError::Changed);
        }
        let path = &conflict.path;
        let is_busy = self.pair(path).running.is_some() || self.pair(path).proposed.is_some();
        if is_busy || self.disk.is_doubtful(path) || self.is_outdated(&conflict) {
            return Err(ChoiceError::Changed);
        }
        if let Choice::Merged(entry) = &choice
            && !matches!(entry, Entry::File { .. })
        {
            return Err(ChoiceError::NoFile);
        }
        match conflict.kind {
            ConflictKind::Both(_) => self.choose_version(id, &conflict, choice),
            ConflictKind::LateHere | ConflictKind::LateThere => {
                return self.choose_late(id, &conflict, choice);
            }
        }
        Ok(())
    }

    /// Something newer may have come than is written in the conflict yet.
    fn is_outdated(&self, conflict: &Conflict) -> bool {
        let Conflict { path, kind, local, upstream, .. } = conflict;
        let is_same = self.here(path) == local && self.there(path) == upstream;
        matches!(kind, ConflictKind::Both(_)) && !is_same
    }

    fn choose_version(&mut self, id: ConflictId, conflict: &Conflict, choice: Choice) {
        let path = &conflict.path;
        match choice {
            Choice::KeepLocal => {
                for path in self.with_deleted(path, true) {
                    let there = self.there(&path).clone();
                    self.agree(&path, there);
                }
            }
            Choice::AcceptUpstream => {
                for path in self.with_deleted(path, false) {
                    let here = self.here(&path).clone();
                    self.agree(&path, here);
                }
            }
            // Only once it is here have both versions been dealt with.
            Choice::Merged(entry) => {
                let agreed = self.there(path).clone();
                self.begin(path, entry, agreed, Some(id));
            }
        }
    }

    /// A path, and where a folder clashes with something else, what is in it and was deleted on the side
    /// that was chosen.
    fn with_deleted(&self, path: &RelPath, here: bool) -> Vec<RelPath> {
        let beneath: Vec<_> = if here {
            self.beneath_there(path).map(|(path, _)| path.clone()).collect()
        } else {
            self.disk.beneath(path).map(|(path, _)| path.clone()).collect()
        };
        let is_deleted = |path: &RelPath| {
            *(if here { self.here(path) } else { self.there(path) }) == Entry::Absent
        };
        let deleted = beneath.into_iter().filter(is_deleted);
        std::iter::once(path.clone()).chain(deleted).collect()
    }

    /// What was written late is put in place of what is there now, or let go.
    fn choose_late(
        &mut self,
        id: ConflictId,
        conflict: &Conflict,
        choice: Choice,
    ) -> Result<(), ChoiceError> {
        let (is_here, path) = (conflict.kind == ConflictKind::LateHere, &conflict.path);
        let entry = match choice {
            Choice::Merged(entry) => Some(entry),
            Choice::KeepLocal if is_here => Some(conflict.local.clone()),
            Choice::AcceptUpstream if !is_here => Some(conflict.upstream.clone()),
            Choice::KeepLocal | Choice::AcceptUpstream => None,
        };
        let Some(entry) = entry.filter(|entry| entry != self.here(path)) else {
            self.end_conflict(id);
            return Ok(());
        };
        self.check_replaced(id, conflict)?;
        let agreed = self.agreed(path).clone();
        self.begin(path, entry, agreed, Some(id));
        Ok(())
    }

    /// What is replaced must be what was shown, and be on both sides: what is on one side only is nowhere
    /// else. The conflict tells of what there is now.
    fn check_replaced(&mut self, id: ConflictId, conflict: &Conflict) -> Result<(), ChoiceError> {
        let path = &conflict.path;
        let here = self.here(path).clone();
        let is_here = conflict.kind == ConflictKind::LateHere;
        let shown = if is_here { &conflict.upstream } else { &conflict.local };
        if *shown != here {
            let mut conflict = conflict.clone();
            *(if is_here { &mut conflict.upstream } else { &mut conflict.local }) = here;
            self.add_conflict(id, conflict);
            return Err(ChoiceError::Changed);
        }
        let is_on_both = *self.agreed(path) == here && *self.there(path) == here;
        if is_on_both { Ok(()) } else { Err(ChoiceError::Changed) }
    }
}
