//! What the two sides say to each other. The local side speaks `up`, the upstream side `down`.

use serde::{Deserialize, Serialize};

use super::limits::{
    BYE_BYTES_MAX, CHANGES_MAX, CHILDREN_MAX, MARKS_MAX, PROPOSALS_MAX, SESSION_BYTES_MAX,
    SPANS_MAX, listed, short,
};
use super::{ClientId, Digest, Entry, Epoch, Name, OpId, RelPath, Rev, RootId, Seq};

/// What the local side says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Up {
    /// Who it is and what it has. It is the first frame.
    Hello(Hello),
    /// Changes that were made here.
    Propose(Propose),
    /// Bytes of a content that was asked for.
    Chunk(Chunk),
    /// How a large content is cut.
    Outline(Outline),
    /// Asks for content.
    Want(Want),
    /// A content that was asked for is not there any more.
    Gone(Gone),
    /// The log is taken in up to here, and kept.
    Ack(Ack),
    /// Asks whether a folder is the same.
    Verify(Verify),
    /// A late write was written down.
    LateKnown(LateKnown),
    /// More bytes may come.
    Credit(Credit),
    /// It is over.
    Bye(Bye),
}

/// What the upstream side says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Down {
    /// What there is, and how it goes on. It is the first frame.
    Welcome(Welcome),
    /// Part of the tree, or of what changed in it.
    SnapPage(SnapPage),
    /// That was all of it.
    SnapEnd(SnapEnd),
    /// Changes, in the order in which they were made.
    Delta(Delta),
    /// Asks for content that was proposed.
    Need(Want),
    /// A proposal is done and on disk.
    Committed(Committed),
    /// A proposal is not done.
    Rejected(Rejected),
    /// Bytes of a content that was asked for.
    Chunk(Chunk),
    /// How a large content is cut.
    Outline(Outline),
    /// A content that was asked for is not there any more.
    Gone(Gone),
    /// What is in a folder, to compare.
    VerifyDiff(VerifyDiff),
    /// Somebody wrote to what a proposal had just replaced.
    Late(Late),
    /// More bytes may come.
    Credit(Credit),
    /// It is over.
    Bye(Bye),
}

/// Who syncs, and what it has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// The version of the protocol.
    pub proto: u32,
    /// The program.
    pub client: ClientId,
    /// The session whose workspace it is.
    #[serde(deserialize_with = "short::<_, SESSION_BYTES_MAX>")]
    pub session: String,
    /// The local root.
    pub root: RootId,
    /// The life of the upstream tree that it knows, where it knows one.
    pub epoch: Option<Epoch>,
    /// How far it took in the log of that life.
    pub cursor: Option<Seq>,
    /// What it can: the sum of `CAP_` numbers. Those that are not known mean nothing.
    pub caps: u32,
}

/// What there is, and how it goes on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Welcome {
    /// The version of the protocol.
    pub proto: u32,
    /// The life of the tree.
    pub epoch: Epoch,
    /// What comes now.
    pub start: Start,
    /// What both can: the sum of `CAP_` numbers.
    pub caps: u32,
    /// What is not taken.
    pub limits: Limits,
}

/// What comes after the welcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Start {
    /// Pages with all that changed since the cursor, what is there no longer included.
    Resume,
    /// Pages with the whole tree.
    Snapshot,
    /// Nothing: the tree is another than the one that was known. Who wants it says hello anew, as one that
    /// knows none.
    Reset,
}

/// What the upstream side does not take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Limits {
    /// Bytes of content, unpacked, that may be on their way in each direction, beyond what was granted since:
    /// at least one, and at most [`WINDOW_BYTES`](super::WINDOW_BYTES).
    pub window_bytes: u32,
    /// The longest file.
    pub file_bytes_max: u64,
    /// The most paths of a tree.
    pub paths_max: u32,
}

/// What a path is upstream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// Which path.
    pub path: RelPath,
    /// What is there now.
    pub entry: Entry,
    /// Which version that is.
    pub rev: Rev,
    /// The proposal that it comes from, where it does.
    pub origin: Option<OpId>,
    /// What it was called before, where that is known. It saves work and means nothing: the old
    /// path's end is a change of its own.
    pub renamed_from: Option<RelPath>,
}

/// Part of the tree, or of what changed in it since the cursor: paths in their order over all pages, so each
/// folder before what is in it. Of a whole tree they tell only what is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SnapPage {
    /// What there is.
    #[serde(deserialize_with = "listed::<_, _, CHANGES_MAX>")]
    pub changes: Vec<Change>,
}

/// That was all of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SnapEnd {
    /// The change of the log up to which it is; the next delta is the one after.
    pub seq: Seq,
    /// How many paths there were on all pages.
    pub paths: u64,
}

/// Changes that were made at once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delta {
    /// Its number: one more than the last one's. A gap means that something was lost.
    pub seq: Seq,
    /// Whether what was changed at the same moment goes on in the next delta, of the same number. Nothing of it
    /// counts before the last of them is there.
    pub more: bool,
    /// What changed.
    #[serde(deserialize_with = "listed::<_, _, CHANGES_MAX>")]
    pub changes: Vec<Change>,
}

/// The log is taken in up to here, and what came of it is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ack {
    /// The last change.
    pub cursor: Seq,
}

/// Changes that were made here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Propose {
    /// Them. Each stands for itself.
    #[serde(deserialize_with = "listed::<_, _, PROPOSALS_MAX>")]
    pub proposals: Vec<Proposal>,
}

/// A change that was made here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proposal {
    /// By what it is known again.
    pub op: OpId,
    /// Which path.
    pub path: RelPath,
    /// What the path has to be upstream.
    pub base: Known,
    /// What it is to become.
    pub new: Entry,
    /// What it was called before, where that is known.
    pub renamed_from: Option<RelPath>,
}

/// What a path is upstream, as one of the sides knows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Known {
    /// Which version.
    pub rev: Rev,
    /// What is there.
    pub entry: Entry,
}

/// A proposal is done and on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Committed {
    /// Which.
    pub op: OpId,
    /// Which version of the path it made.
    pub rev: Rev,
}

/// A proposal is not done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rejected {
    /// Which.
    pub op: OpId,
    /// Why.
    pub why: Refusal,
    /// What the path is.
    pub current: Known,
}

/// Why a proposal is not done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Refusal {
    /// The path is not what the proposal was made from.
    Stale,
    /// The folder that it is in is not there.
    NoParent,
    /// The folder is not empty.
    NotEmpty,
    /// What it is to become cannot be there.
    NotHere,
    /// The path is left out upstream.
    LeftOut,
    /// It is too long, or there are too many.
    TooLarge,
    /// There is no room.
    DiskFull,
    /// Too much is waiting. It may be proposed again later.
    Busy,
    /// The system failed. It may be proposed again later.
    Failed,
}

/// Asks for content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Want {
    /// Of the whole content.
    pub digest: Digest,
    /// What of it.
    pub part: Part,
}

/// What of a content is wanted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Part {
    /// How it is cut, from the chunk of this number on.
    Outline {
        /// The first.
        first: u32,
    },
    /// Its bytes from here to the end. The last chunk is the one that ends where the content does, and has no
    /// bytes where there are none left.
    From {
        /// The first.
        offset: u64,
    },
    /// Its bytes, in their order and none twice.
    Bytes {
        /// Where they are.
        #[serde(deserialize_with = "listed::<_, _, SPANS_MAX>")]
        spans: Vec<Span>,
    },
}

/// Where bytes are in a content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Span {
    /// The first.
    pub offset: u64,
    /// How many, at least one.
    pub length: u64,
}

impl Span {
    /// Returns where the byte after the last one is.
    #[must_use]
    pub const fn end(self) -> u64 {
        self.offset.saturating_add(self.length)
    }
}

/// Bytes of a content. They are the frame's payload.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chunk {
    /// Of the whole content.
    pub digest: Digest,
    /// How long the whole content is.
    pub size: u64,
    /// Where these bytes are in it.
    pub offset: u64,
    /// How many they are, unpacked.
    pub length: u32,
    /// How they are packed.
    pub packing: Packing,
    /// Them.
    #[serde(skip)]
    pub bytes: Vec<u8>,
}

/// How bytes are packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Packing {
    /// Not at all.
    Plain,
    /// By zstd, one frame. It is never longer than the bytes themselves.
    Zstd,
}

/// How a content is cut: what of it the other side has already need not be sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outline {
    /// Of the whole content.
    pub digest: Digest,
    /// How long it is.
    pub size: u64,
    /// How many chunks there are in all.
    pub total: u32,
    /// The number of the first of these, from 0.
    pub first: u32,
    /// Chunks, in their order. Those after them are asked for.
    #[serde(deserialize_with = "listed::<_, _, MARKS_MAX>")]
    pub marks: Vec<ChunkMark>,
}

/// By what a chunk is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ChunkMark {
    /// Of its bytes.
    pub digest: Digest,
    /// How many they are.
    pub length: u32,
}

/// A content that was asked for is not there any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gone {
    /// Which.
    pub digest: Digest,
}

/// Asks whether a folder is the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verify {
    /// Which; none is the root.
    pub folder: Option<RelPath>,
    /// Up to which change of the log the digest tells.
    pub cursor: Seq,
    /// Of all that is in the folder.
    pub digest: Digest,
    /// Only names after this one are wanted.
    pub after: Option<Name>,
}

/// What is in a folder, to compare.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerifyDiff {
    /// Which; none is the root.
    pub folder: Option<RelPath>,
    /// The last change of the log, of which this tells.
    pub head: Seq,
    /// Of all that is in the folder; none where there is no such folder.
    pub digest: Option<Digest>,
    /// What is in it, in the order of names; none where the digest is the one that was sent.
    #[serde(deserialize_with = "listed::<_, _, CHILDREN_MAX>")]
    pub children: Vec<Child>,
    /// Whether there are more after the last one.
    pub has_more: bool,
}

/// Something in a folder, to compare.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Child {
    /// What it is called.
    pub name: Name,
    /// Whether it is a folder.
    pub is_folder: bool,
    /// Of what it is, and of all that is in it.
    pub digest: Digest,
}

/// Somebody wrote to a file that a proposal had just replaced. It is said again on every connection, until
/// the other side knows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Late {
    /// By what it is known again.
    pub id: OpId,
    /// Where.
    pub path: RelPath,
    /// What was written.
    pub entry: Entry,
}

/// A late write was written down, and is not said again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LateKnown {
    /// Which.
    pub id: OpId,
}

/// More bytes of content may come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credit {
    /// How many more.
    pub bytes: u32,
}

/// It is over, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bye {
    /// For programs.
    pub why: ByeReason,
    /// For people.
    #[serde(deserialize_with = "short::<_, BYE_BYTES_MAX>")]
    pub message: String,
}

/// Why it is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ByeReason {
    /// The other side said what cannot be.
    Protocol,
    /// It speaks another version.
    Version,
    /// There is no such session, or it has no workspace.
    NoSession,
    /// Another connection of the same client took its place.
    Superseded,
    /// The program ends. Come back.
    Leaving,
    /// Too many sync already. Come back later.
    Busy,
    /// The system failed. Come back later.
    Failed,
}
