//! Two versions of which only one can be at a path. Both are kept until somebody chooses.
#![forbid(unsafe_code)]

use oriel_wire::sync::{Entry, RelPath};

use crate::op::OpId;
use crate::reconcile::Clash;

/// The number of a conflict. Another conflict at the same path later has another number.
pub type ConflictId = OpId;

/// Two versions of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// Where.
    pub path: RelPath,
    /// How they came to be two.
    pub kind: ConflictKind,
    /// What both sides last agreed on.
    pub base: Entry,
    /// The version of this side. It is also what is on disk, but for a late write.
    pub local: Entry,
    /// The version of the other side.
    pub upstream: Entry,
    /// When it was found.
    pub opened_ms: u64,
}

/// How two versions came to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ConflictKind {
    /// Both sides changed it. Nothing is done about the path until somebody chooses.
    Both(Clash),
    /// Somebody here wrote to a file that had just been replaced. The path goes on being synced.
    LateHere,
    /// The same happened upstream.
    LateThere,
}

/// What somebody chose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Choice {
    /// The version of this side, everywhere.
    KeepLocal,
    /// The version of the other side, everywhere.
    AcceptUpstream,
    /// This instead of both. Its content is in the store already.
    Merged(Entry),
}

/// A choice could not be carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ChoiceError {
    /// There is no such conflict.
    #[error("there is no such conflict any more; look at the list again")]
    Unknown,
    /// One of the versions is another one by now.
    #[error("the conflict has changed since it was shown; look at both versions again")]
    Changed,
    /// Nothing else can be put there.
    #[error("only a file can be put there in place of both versions")]
    NoFile,
}
