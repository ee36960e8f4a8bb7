//! Putting back what came out of the tree and was not expected, while its owner goes on writing.
#![forbid(unsafe_code)]

use oriel_wire::sync::Entry;

use super::Work;
use crate::look::Seen;
use crate::op::{Applied, Left, Outcome};
use crate::vfs::{Blobs, Fault, Vfs};

/// How often two things trade places again because somebody saved in between. Beyond it what is in the
/// slot stays there, rescued.
const EXCHANGES: usize = 8;

/// Lets what is in the slot (`out`) and what was put into the tree trade places again.
///
/// What comes out now must be what was put there. If it is not, somebody replaced that in between: it is
/// newer than what just went back, so they trade places once more, until what comes out is what went in.
pub(super) fn put_back<V: Vfs, B: Blobs>(
    work: &Work<'_, V, B>,
    out: Seen,
    outcome: Outcome,
) -> Result<Applied, Fault> {
    let mut put = Seen { entry: work.op.new.clone(), stat: None };
    let mut held = out;
    for _ in 0..EXCHANGES {
        match work.vfs.exchange(work.tree(), work.slot()) {
            Ok(()) => {
                let out = work.look(work.slot())?;
                if out.entry == put.entry {
                    let is_rescued = out.entry != work.op.new;
                    let left = Left { holds: out.entry, stat: out.stat, is_rescued };
                    return synced(work, Applied { outcome, left: Some(left) });
                }
                put = std::mem::replace(&mut held, out);
            }
            // Somebody removed what was put there.
            Err(Fault::NotThere) => match work.vfs.rename_new(work.slot(), work.tree()) {
                Ok(()) => return synced(work, outcome.into()),
                Err(Fault::Exists) => {}
                Err(Fault::NotThere) => break,
                Err(fault) => return Err(fault),
            },
            Err(fault) => return Err(fault),
        }
    }
    synced(work, Applied { outcome, left: Some(Left::rescued(held)) })
}

/// Puts back what was to be removed and is not what was expected.
pub(super) fn put_back_removed<V: Vfs, B: Blobs>(
    work: &Work<'_, V, B>,
    out: Seen,
) -> Result<Applied, Fault> {
    debug_assert_eq!(work.op.new, Entry::Absent, "something else would be in the tree");
    match work.vfs.rename_new(work.slot(), work.tree()) {
        Ok(()) => synced(work, Outcome::Changed.into()),
        // Somebody has put something new there, or removed the folder.
        Err(Fault::Exists | Fault::NotThere) => {
            let left = Some(Left::rescued(out));
            synced(work, Applied { outcome: Outcome::Changed, left })
        }
        Err(fault) => Err(fault),
    }
}

fn synced<V: Vfs, B: Blobs>(work: &Work<'_, V, B>, applied: Applied) -> Result<Applied, Fault> {
    for place in [work.tree(), work.slot()] {
        match work.vfs.sync_names(place) {
            Ok(()) | Err(Fault::NotThere) => {}
            Err(fault) => return Err(fault),
        }
    }
    Ok(applied)
}
