//! What changes left in their slots, and when it is looked at again.
//!
//! Somebody may have opened a file before it was replaced, and write to it afterwards. So what was
//! replaced is looked at twice and once more before it is removed; what was written to it is rescued.
#![forbid(unsafe_code)]

use std::collections::{BTreeMap, BTreeSet};

use oriel_wire::sync::{Entry, RelPath};

use crate::apply::Rechecked;
use crate::journal::Write;
use crate::op::{Left, OpId};
use crate::task::Task;

/// When it is looked at again, in milliseconds, each counted from the time before: a clock that jumps can
/// bring one of them forward and never all. The last time it is removed if nobody has written to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecheckTimes {
    /// The first time, after it was replaced or written to: an editor has finished its save by then.
    pub first_ms: u64,
    /// The second: so has a slow program.
    pub second_ms: u64,
    /// The last.
    pub last_ms: u64,
}

impl Default for RecheckTimes {
    fn default() -> Self {
        Self { first_ms: 2000, second_ms: 30_000, last_ms: 30 * 24 * 3600 * 1000 }
    }
}

/// The wait before what could not be looked at is tried again.
const RETRY_MS: u64 = 1000;

/// What an operation left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// Where it was, or was to be.
    pub path: RelPath,
    /// What it is.
    pub left: Left,
    /// When it was left, or last looked at.
    pub since_ms: u64,
    /// How often it was looked at since.
    pub checks: u8,
}

/// What was written to a file after it had been replaced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Late {
    pub(crate) path: RelPath,
    pub(crate) entry: Entry,
}

/// All that operations left.
#[derive(Debug, Default)]
pub(crate) struct Slots {
    kept: BTreeMap<OpId, Kept>,
    due: BTreeSet<(u64, OpId)>,
    times: RecheckTimes,
}

impl Slots {
    pub(crate) fn new(times: RecheckTimes, kept: Vec<(OpId, Kept)>) -> Self {
        let mut slots = Self { kept: BTreeMap::new(), due: BTreeSet::new(), times };
        for (id, kept) in kept {
            slots.schedule(id, kept);
        }
        slots
    }

    fn schedule(&mut self, id: OpId, kept: Kept) {
        let RecheckTimes { first_ms, second_ms, last_ms } = self.times;
        let after = match kept.checks {
            0 => first_ms,
            1 => second_ms,
            _ => last_ms,
        };
        // A folder that somebody made is nowhere else, so it stays.
        if kept.checks < 2 || kept.left.holds != Entry::Dir {
            self.due.insert((kept.since_ms + after, id));
        }
        self.kept.insert(id, kept);
    }

    /// Keeps what an operation left.
    pub(crate) fn keep(&mut self, now_ms: u64, id: OpId, path: RelPath, left: Left) -> Write {
        let kept = Kept { path, left, since_ms: now_ms, checks: 0 };
        self.schedule(id, kept.clone());
        Write::Kept(id, Some(kept))
    }

    /// Returns when something is to be looked at.
    pub(crate) fn next_ms(&self) -> Option<u64> {
        self.due.first().map(|(due, _)| *due)
    }

    /// Returns what is to be looked at now.
    pub(crate) fn due(&mut self, now_ms: u64) -> Vec<Task> {
        let mut tasks = Vec::new();
        while self.due.first().is_some_and(|(due, _)| *due <= now_ms) {
            let Some((_, id)) = self.due.pop_first() else { break };
            let Some(Kept { path, left, checks, .. }) = self.kept.get(&id).cloned() else {
                continue;
            };
            let is_last = 2 <= checks;
            tasks.push(if is_last {
                Task::Discard(id, path, left)
            } else {
                Task::Recheck(id, path, left)
            });
        }
        tasks
    }

    /// Takes in what became of something. Returns what is to be written, and what was rescued.
    pub(crate) fn rechecked(
        &mut self,
        now_ms: u64,
        id: OpId,
        rechecked: Rechecked,
    ) -> (Option<Write>, Option<Late>) {
        let Some(mut kept) = self.kept.remove(&id) else { return (None, None) };
        let late = match rechecked {
            Rechecked::Gone => return (Some(Write::Kept(id, None)), None),
            Rechecked::Failed(_) => {
                self.kept.insert(id, kept);
                self.due.insert((now_ms + RETRY_MS, id));
                return (None, None);
            }
            Rechecked::Same(seen) => {
                kept.left.stat = seen.stat;
                (kept.since_ms, kept.checks) = (now_ms, kept.checks.saturating_add(1));
                None
            }
            Rechecked::Written(seen) => {
                kept.left = Left::rescued(seen);
                (kept.since_ms, kept.checks) = (now_ms, 0);
                Some(Late { path: kept.path.clone(), entry: kept.left.holds.clone() })
            }
        };
        self.schedule(id, kept.clone());
        (Some(Write::Kept(id, Some(kept))), late)
    }

    /// Returns how many there are.
    pub(crate) fn len(&self) -> usize {
        self.kept.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::look::Seen;

    #[test]
    fn a_clock_that_jumps_brings_only_one_look_forward() {
        let times = RecheckTimes { first_ms: 10, second_ms: 100, last_ms: 1000 };
        let mut slots = Slots::new(times, Vec::new());
        let seen = Seen { entry: Entry::Symlink { target: link() }, stat: None };
        let (id, path) = (OpId(1), RelPath::parse("a").unwrap());
        slots.keep(0, id, path, Left::known(seen.clone()));
        assert!(slots.due(9).is_empty());
        assert!(matches!(slots.due(1_000_000)[..], [Task::Recheck(..)]));
        slots.rechecked(1_000_000, id, Rechecked::Same(seen.clone()));
        assert!(slots.due(1_000_099).is_empty(), "the next one waits in its turn");
        assert!(matches!(slots.due(1_000_100)[..], [Task::Recheck(..)]));
        slots.rechecked(1_000_100, id, Rechecked::Same(seen));
        assert_eq!(slots.next_ms(), Some(1_001_100));
        assert!(matches!(slots.due(1_001_100)[..], [Task::Discard(..)]));
    }

    fn link() -> oriel_wire::sync::LinkTarget {
        oriel_wire::sync::LinkTarget::parse(&RelPath::parse("a").unwrap(), "b").unwrap()
    }
}
