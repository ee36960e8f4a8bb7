//! After a crash, and later: what the slots of operations hold.
//!
//! The slot tells how far an operation came. Nothing in it: nothing was staged, or all was done. What is
//! new: it has not traded places, or was put back. Anything else came out of the tree.
#![forbid(unsafe_code)]

use oriel_wire::sync::{Entry, RelPath};

use super::Work;
use crate::look::{Seen, look};
use crate::op::{Applied, Left, Op, OpId, Outcome};
use crate::vfs::{Blobs, Fault, Place, Vfs};

/// Finishes or undoes an operation that did not come to its end.
pub fn recover<V: Vfs, B: Blobs>(vfs: &V, blobs: &B, op: &Op) -> Applied {
    let work = Work { vfs, blobs, op };
    work.recover().unwrap_or_else(|fault| Outcome::Unfinished(fault).into())
}

impl<V: Vfs, B: Blobs> Work<'_, V, B> {
    fn recover(&self) -> Result<Applied, Fault> {
        if self.vfs.lstat(self.slot())?.is_none() {
            self.vfs.discard(self.op.id)?;
            return self.recover_without_slot();
        }
        if self.op.new == Entry::Absent {
            return Ok(self.settle());
        }
        let out = self.look(self.slot())?;
        if out.entry != self.op.new {
            return Ok(self.settle());
        }
        // It may have been in the tree for a moment, and be open there still.
        Ok(Applied { outcome: Outcome::Changed, left: Some(Left::known(out)) })
    }

    /// What was put where nothing was, and a folder that was made or removed, leave nothing in the slot.
    /// That it was made here and not by somebody must be known: what the other side deletes now is not to
    /// come back as if it were new.
    fn recover_without_slot(&self) -> Result<Applied, Fault> {
        let leaves_nothing = matches!(
            (&self.op.expected, &self.op.new),
            (Entry::Absent, _) | (Entry::Dir, Entry::Absent)
        );
        if leaves_nothing && self.look(self.tree())?.entry == self.op.new {
            return self.done(None);
        }
        Ok(Outcome::Changed.into())
    }
}

/// What became of what an operation left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rechecked {
    /// It holds what it held.
    Same(Seen),
    /// Somebody who had it open has written to it since.
    Written(Seen),
    /// It is not there any more.
    Gone,
    /// It could not be looked at.
    Failed(Fault),
}

/// Looks again at what an operation left.
pub fn recheck<V: Vfs, B: Blobs>(
    vfs: &V,
    blobs: &B,
    id: OpId,
    path: &RelPath,
    left: &Left,
) -> Rechecked {
    let known = Seen { entry: left.holds.clone(), stat: left.stat };
    match look(vfs, blobs, Place::Slot(id), path, Some(&known)) {
        Err(fault) => Rechecked::Failed(fault),
        Ok(seen) if seen.entry == Entry::Absent => Rechecked::Gone,
        Ok(seen) if seen.entry == left.holds => Rechecked::Same(seen),
        Ok(seen) if seen.entry.is_known() => Rechecked::Written(seen),
        // It is being written at this moment.
        Ok(_) => Rechecked::Failed(Fault::Io),
    }
}

/// Looks at what an operation left for the last time, and removes it if nobody wrote to it.
pub fn discard<V: Vfs, B: Blobs>(
    vfs: &V,
    blobs: &B,
    id: OpId,
    path: &RelPath,
    left: &Left,
) -> Rechecked {
    match recheck(vfs, blobs, id, path, left) {
        Rechecked::Same(_) => match vfs.discard(id) {
            Ok(()) => Rechecked::Gone,
            Err(fault) => Rechecked::Failed(fault),
        },
        other => other,
    }
}
