//! One machine of the simulation: its file system, what watches it, its journal and its contents.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use oriel_wire::sync::{Digest, RelPath};

use super::fs::{Ino, SimFs};
use crate::conflict::{Conflict, ConflictId};
use crate::journal::{Head, Row, Saved, Write};
use crate::op::{Op, OpId};
use crate::slots::Kept;

/// What tells of changes. It may lose count.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    pub(super) watched: BTreeMap<Ino, String>,
    pub(crate) events: VecDeque<String>,
    pub(crate) has_overflowed: bool,
    pub(crate) limit: usize,
    /// Of the last event of each path that the engine itself caused, for one of the flaws.
    pub(crate) echoes: BTreeMap<String, u64>,
}

/// What the journal of one side holds.
#[derive(Debug, Default)]
pub(crate) struct Written {
    rows: BTreeMap<RelPath, Row>,
    ops: BTreeMap<OpId, Op>,
    kept: BTreeMap<OpId, Kept>,
    conflicts: BTreeMap<ConflictId, Conflict>,
    head: Head,
    /// How often the machine had lost its power when it was last written.
    boots: u64,
}

impl Written {
    pub(crate) fn saved(&self) -> Saved {
        Saved {
            rows: self.rows.clone().into_iter().collect(),
            ops: self.ops.values().cloned().collect(),
            kept: self.kept.clone().into_iter().collect(),
            conflicts: self.conflicts.clone().into_iter().collect(),
            head: self.head.clone(),
        }
    }

    /// Returns whether a change that is to put a content at a path is not over.
    pub(crate) fn is_under_way(&self, path: &str, digest: Digest) -> bool {
        self.ops.values().any(|op| op.path.as_str() == path && op.new.digest() == Some(digest))
    }

    pub(crate) fn write(&mut self, writes: &[Write], boots: u64) {
        self.boots = boots;
        fn put<K: Ord, V>(map: &mut BTreeMap<K, V>, key: K, value: Option<V>) {
            match value {
                Some(value) => map.insert(key, value),
                None => map.remove(&key),
            };
        }
        for write in writes.iter().cloned() {
            match write {
                Write::Row(path, row) => put(&mut self.rows, path, row),
                Write::Op(op) => put(&mut self.ops, op.id, Some(op)),
                Write::EndOp(id) => put(&mut self.ops, id, None),
                Write::Kept(id, kept) => put(&mut self.kept, id, kept),
                Write::Conflict(id, conflict) => put(&mut self.conflicts, id, conflict),
                Write::Head(head) => self.head = head,
            }
        }
    }
}

/// One machine.
#[derive(Debug)]
pub(crate) struct Machine {
    pub(crate) fs: SimFs,
    pub(crate) blobs: BTreeMap<Digest, Vec<u8>>,
    pub(crate) parts: BTreeMap<Digest, Vec<u8>>,
    pub(crate) journal: Written,
    pub(crate) watch: Watch,
    /// The process has ended and every call fails.
    pub(crate) is_stopped: bool,
    pub(crate) skew_ns: i64,
    /// What the engine removed for good.
    pub(crate) removed: BTreeSet<Ino>,
    /// How often it lost its power.
    pub(crate) boots: u64,
    /// The synced folder is not where it was.
    pub(crate) is_root_away: bool,
}

impl Machine {
    pub(crate) const fn is_same_boot(&self) -> bool {
        self.boots == self.journal.boots
    }

    pub(crate) fn write(&mut self, writes: &[Write]) {
        self.journal.write(writes, self.boots);
    }
}
