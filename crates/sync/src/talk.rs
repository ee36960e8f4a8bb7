//! What the two engines say to each other, as they understand it. How it is written on the wire is
//! `wire::sync`'s.
#![forbid(unsafe_code)]

use oriel_wire::sync::{Digest, Entry, RelPath};

use crate::op::OpId;

/// What the local side says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Up {
    /// The first word of a connection.
    Hello {
        /// The life of the upstream tree that is known, if one is.
        epoch: Option<u64>,
        /// The last revision of which everything is known.
        seq: u64,
    },
    /// Something is to be changed upstream.
    Propose(Proposal),
    /// A content is wanted, from a place in it on.
    Want {
        /// Which.
        digest: Digest,
        /// From where.
        from: u64,
    },
    /// A piece of a content that is needed.
    Chunk(Chunk),
    /// A content that is needed is not here any more.
    Gone(Digest),
    /// A late write was written down.
    LateKnown(OpId),
}

/// What the upstream side says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Down {
    /// The answer to the first word. What follows are pages, up to `PageEnd`; nothing where it begins anew.
    Welcome {
        /// The life of the tree.
        epoch: u64,
        /// What follows.
        begin: Begin,
    },
    /// What is in the tree, or has changed in it; folders before what is in them.
    Page(Vec<Change>),
    /// There are no more pages.
    PageEnd {
        /// The last revision that is in them.
        seq: u64,
    },
    /// What changed. Each follows the one before it without a gap.
    Delta {
        /// Its revision.
        seq: u64,
        /// The changes, of one moment.
        changes: Vec<Change>,
    },
    /// A content is needed, from a place in it on.
    Need {
        /// Which.
        digest: Digest,
        /// From where.
        from: u64,
    },
    /// A proposal was carried out.
    Committed {
        /// Which.
        op: OpId,
        /// The revision that it made, or that had it already.
        rev: u64,
    },
    /// A proposal was not carried out.
    Rejected {
        /// Which.
        op: OpId,
        /// Why.
        why: Why,
        /// What is there.
        current: Entry,
        /// The revision of that.
        rev: u64,
    },
    /// A piece of a content that is wanted.
    Chunk(Chunk),
    /// A content that is wanted is not here any more.
    Gone(Digest),
    /// Somebody upstream wrote to a file that a proposal had just replaced. Said again until it is known.
    Late {
        /// Its number.
        id: OpId,
        /// Where.
        path: RelPath,
        /// What was written.
        entry: Entry,
    },
}

/// What follows a welcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Begin {
    /// What has changed since the last revision that is known.
    Resume,
    /// The whole tree.
    Snapshot,
    /// Nothing: the tree has another life, and its revisions say nothing about the known ones.
    Reset,
}

/// A change that is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal {
    /// Its number. The same number is the same proposal.
    pub op: OpId,
    /// Where.
    pub path: RelPath,
    /// What is there, as far as is known.
    pub base: Entry,
    /// The revision of that.
    pub base_rev: u64,
    /// What is to be there.
    pub new: Entry,
}

/// A change that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Where.
    pub path: RelPath,
    /// What is there.
    pub entry: Entry,
    /// Since which revision.
    pub rev: u64,
}

/// A piece of a content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chunk {
    /// Of the whole content.
    pub digest: Digest,
    /// Its length.
    pub size: u64,
    /// Where the piece begins.
    pub at: u64,
    /// The piece.
    pub bytes: Vec<u8>,
}

/// Why a proposal was not carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// Something else is there.
    Stale,
    /// A folder is to go and has something in it.
    NotEmpty,
    /// It failed, and may succeed later.
    Failed,
}
