//! One change to a tree: what is expected there, what is to be there instead, and how it went.
#![forbid(unsafe_code)]

use std::fmt;

use oriel_wire::sync::{Entry, RelPath};

use crate::stat::Stat;
use crate::vfs::Fault;

/// The number of an operation. It is never used twice, and names the slot of the operation.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OpId(pub u128);

/// As it is in file names.
impl fmt::Display for OpId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// Short, for what a failed test prints.
impl fmt::Debug for OpId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}-{}", self.0 >> 64, self.0 & u128::from(u64::MAX))
    }
}

/// Makes numbers for operations: one half is drawn when the engine is made, the other counts.
#[derive(Debug, Clone)]
pub(crate) struct OpIds {
    launch: u64,
    last: u64,
}

impl OpIds {
    pub(crate) const fn new(launch: u64) -> Self {
        Self { launch, last: 0 }
    }

    pub(crate) fn next(&mut self) -> OpId {
        self.last += 1;
        OpId(u128::from(self.launch) << 64 | u128::from(self.last))
    }
}

/// A change to a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Op {
    /// Its number.
    pub id: OpId,
    /// Where.
    pub path: RelPath,
    /// What is there.
    pub expected: Entry,
    /// What the system said of it when it was read; nothing where that proves nothing.
    pub stat: Option<Stat>,
    /// What is to be there.
    pub new: Entry,
    /// What both sides have agreed on once it is.
    pub agreed: Entry,
    /// The proposal that it carries out, upstream. One that is tried again is another operation: what the
    /// first try left is still in its slot.
    pub proposal: Option<OpId>,
}

/// How a change went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    /// Whether it was made.
    pub outcome: Outcome,
    /// What is in the operation's slot now, if anything.
    pub left: Option<Left>,
}

/// Whether a change was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It was, and what was there before is what was expected.
    Done,
    /// Something else is there; it is as it was.
    Changed,
    /// A folder is to go and has something in it.
    NotEmpty,
    /// It could not be made; all is as it was.
    Failed(Fault),
    /// It could not be told whether it was made, or not be taken back. It is looked at again.
    Unfinished(Fault),
}

/// What a change leaves in its slot: somebody may have it open still and write to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Left {
    /// What it held when it was last read.
    pub holds: Entry,
    /// What the system said then; nothing where that proves nothing.
    pub stat: Option<Stat>,
    /// Somebody wrote it and nobody has it anywhere else.
    pub is_rescued: bool,
}
