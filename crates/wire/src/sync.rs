//! Two file trees kept equal: what both sides say to each other, and what a person asks of it.
//!
//! The sides speak over a WebSocket of their own, in binary frames, each of which is an [`Up`] or a [`Down`];
//! `golden/sync` has one of every kind. Commands and what they answer are JSON.

mod command;
mod digest;
mod entry;
mod frame;
mod id;
mod limits;
mod message;
mod path;
mod snapshot;
mod target;
mod typescript;
mod windows;

#[cfg(test)]
mod golden;

pub use command::{
    ConfirmSync, Conflict, ConflictKind, ConflictTexts, ConflictVersions, LISTED_MAX, MergedText,
    Notice, PathProblem, PauseReason, Phase, Resolution, ResolveConflict, StartSync, StopSync,
    SyncCode, SyncEvent, SyncFailed, SyncList, SyncState, SyncStatus, SyncStatusOf, SyncVerified,
    TEXT_BYTES_MAX, VerifySync, Version, VersionText, Watching,
};
pub use digest::{Digest, DigestError};
pub use entry::{Entry, Problem};
pub use frame::{FrameError, pages};
pub use id::{ClientId, Epoch, OpId, Rev, RootId, Seq};
pub use limits::{
    BYE_BYTES_MAX, CHANGES_MAX, CHILDREN_MAX, CHUNK_BYTES_MAX, FILE_BYTES_MAX, FRAME_BYTES_MAX,
    MARKS_MAX, MOMENT_BYTES_MAX, MOMENT_CHANGES_MAX, PROPOSALS_MAX, SESSION_BYTES_MAX, SPANS_MAX,
    WANTS_MAX, WINDOW_BYTES,
};
pub use message::{
    Ack, Bye, ByeReason, Change, Child, Chunk, ChunkMark, Committed, Credit, Delta, Down, Gone,
    Hello, Known, Late, LateKnown, Limits, Outline, Packing, Part, Proposal, Propose, Refusal,
    Rejected, SnapEnd, SnapPage, Span, Start, Up, Verify, VerifyDiff, Want, Welcome,
};
pub use path::{Name, PathError, RelPath};
pub use path::{OWN_FOLDER, PART_BYTES_MAX, PATH_BYTES_MAX, same_somewhere};
pub use snapshot::{Snapshot, SnapshotError};
pub use target::{LinkTarget, TargetError};
pub use typescript::typescript;
pub use windows::NameProblem;

/// The version of the protocol.
pub const PROTOCOL_VERSION: u32 = 1;

/// The header in which a gateway tells whoever begins to sync which folder the workspace is: what names this
/// start of its machine, a space, and the path's bytes in hexadecimal digits. Two folders of one machine that
/// lie one in the other cannot be equal.
pub const WORKSPACE_HEADER: &str = "oriel-workspace";

/// In `caps`: chunks may be packed by zstd.
pub const CAP_ZSTD: u32 = 1;

/// In `caps`: folders are compared with [`Verify`].
pub const CAP_VERIFY: u32 = 2;

/// In `caps`: how large contents are cut is told, and what is there already is not sent.
pub const CAP_OUTLINE: u32 = 4;
