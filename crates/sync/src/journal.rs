//! What must outlive the process: the ledger, what each side last had, operations that are not over, and
//! what they left.
#![forbid(unsafe_code)]

use oriel_wire::sync::{Entry, RelPath};

use crate::conflict::{Conflict, ConflictId};
use crate::look::Seen;
use crate::op::{Op, OpId};
use crate::slots::Kept;
use crate::vfs::Fault;

/// What is kept of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// What both sides last agreed on.
    pub agreed: Entry,
    /// What was here when it was last looked at.
    pub here: Seen,
    /// What was there when that was last told.
    pub there: Entry,
    /// The revision of what was there.
    pub rev: u64,
    /// What was last proposed and not answered.
    pub proposed: Option<Proposed>,
}

/// A proposal that waits for its answer. It is sent again, word for word, until one comes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposed {
    /// Its number.
    pub op: OpId,
    /// What is to be there.
    pub new: Entry,
    /// What was there.
    pub base: Entry,
    /// The revision of that.
    pub base_rev: u64,
}

/// Where the whole stands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Head {
    /// The life of the upstream tree that revisions belong to; nothing before the first meeting.
    pub epoch: Option<u64>,
    /// The last revision of which everything is known.
    pub seq: u64,
    /// Why nothing is done, if nothing is.
    pub pause: Option<Pause>,
}

/// Why nothing is done until somebody decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pause {
    /// So many files would be deleted at once.
    MassDelete {
        /// How many.
        files: usize,
        /// Whether they would be deleted here; otherwise upstream.
        here: bool,
    },
    /// The upstream tree began anew and knows nothing of what was agreed.
    RemoteReset,
    /// The folder is not there, or another one is in its place.
    RootGone,
}

/// One thing to write down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Write {
    /// What is known of a path; nothing, where nothing is to be remembered.
    Row(RelPath, Option<Row>),
    /// An operation begins.
    Op(Op),
    /// An operation is over.
    EndOp(OpId),
    /// What an operation left; nothing, once that is gone.
    Kept(OpId, Option<Kept>),
    /// A conflict; nothing, once it is resolved.
    Conflict(ConflictId, Option<Conflict>),
    /// Where the whole stands.
    Head(Head),
}

/// All that was written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Saved {
    /// What is known of each path.
    pub rows: Vec<(RelPath, Row)>,
    /// Operations that are not over.
    pub ops: Vec<Op>,
    /// What operations left.
    pub kept: Vec<(OpId, Kept)>,
    /// Conflicts.
    pub conflicts: Vec<(ConflictId, Conflict)>,
    /// Where the whole stands.
    pub head: Head,
}

/// Where that is kept.
pub trait Journal {
    /// Writes all of it or nothing, and returns once it is on disk.
    fn commit(&self, writes: &[Write]) -> Result<(), Fault>;
    /// Returns what was written.
    fn load(&self) -> Result<Saved, Fault>;
}
