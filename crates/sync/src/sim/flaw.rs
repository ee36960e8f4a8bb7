//! Mistakes that others made, to be switched on in a simulation that must find each of them.

use oriel_wire::sync::Entry;

use super::calls::Process;
use crate::apply::apply;
use crate::op::{Applied, Op, Outcome};
use crate::vfs::{Fault, Place, Vfs};

/// A mistake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flaw {
    /// Events are taken for echoes, and left out, for a while after the engine wrote to their paths.
    TimedEcho,
    /// What is there is removed, and then what is new gets its name.
    DeleteThenRename,
    /// What was replaced is never looked at again.
    NoLateRecheck,
    /// That events were lost is told without paths, and a loop over paths does nothing.
    DroppedRescan,
    /// What was seen counts, whatever happened since it was asked for.
    StaleGeneration,
}

impl Flaw {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::TimedEcho,
        Self::DeleteThenRename,
        Self::NoLateRecheck,
        Self::DroppedRescan,
        Self::StaleGeneration,
    ];
}

/// For how long events are taken for echoes, in milliseconds.
pub(super) const ECHO_MS: u64 = 500;

/// Replaces as a careless program does.
pub(super) fn delete_then_rename(process: &Process, op: &Op) -> Applied {
    let is_replace = matches!(op.expected, Entry::File { .. }) && op.new.digest().is_some();
    if !is_replace {
        return apply(process, process, op);
    }
    let staged = Op { expected: Entry::Absent, ..op.clone() };
    let stages = crate::apply::Work { vfs: process, blobs: process, op: &staged };
    let tree = Place::Tree(&op.path);
    let done = || -> Result<(), Fault> {
        process.rename_new(tree, Place::Part(op.id))?;
        process.discard(op.id)?;
        stages.stage()?;
        process.rename_new(Place::Slot(op.id), tree)
    };
    match done() {
        Ok(()) => Outcome::Done.into(),
        Err(_) => Outcome::Changed.into(),
    }
}
