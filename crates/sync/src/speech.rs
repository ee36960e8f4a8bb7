//! What the engines say, as frames: one of these stands between an engine and each connection of its side.
//!
//! Nothing here knows of sockets or of time. Whoever runs a connection hands in what the engine says and what
//! frames come, hands on what was heard, and sends frames as long as there are any. What the other side may not
//! say, or not now, is an error: then one more frame tells it so, and the connection is over.
//!
//! Contents go in pieces beside everything else and never before it, a piece of each in turn, and no more than
//! the other side has room for. So nothing is held up for longer than one piece takes.

mod giving;
mod lane;
mod local;
mod pack;
mod taking;
mod upstream;
mod words;

#[cfg(test)]
mod tests;

use oriel_wire::sync::{
    Bye, ByeReason, CAP_VERIFY, CAP_ZSTD, ClientId, Digest, FILE_BYTES_MAX, FrameError, Limits,
    PROTOCOL_VERSION, RelPath, RootId, Verify, VerifyDiff, WANTS_MAX, WINDOW_BYTES,
};

pub use local::Local;
pub use upstream::Upstream;

/// What this program can: the sum of `CAP_` numbers.
pub const CAPS: u32 = CAP_ZSTD | CAP_VERIFY;

/// The most bytes of frames that wait to be sent, pages of a tree not counted, of which there are only so many.
/// Who reads more slowly than that is left, and told what changed when they come back.
pub const WAITING_BYTES_MAX: usize = 256 * 1024 * 1024;

/// How many folders may be asked about and not answered.
pub const VERIFIES_MAX: usize = 64;

/// Who syncs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Who {
    /// The program.
    pub client: ClientId,
    /// The session whose workspace it is.
    pub session: String,
    /// The local root.
    pub root: RootId,
}

/// What the upstream side takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    /// What it can: the sum of `CAP_` numbers.
    pub caps: u32,
    /// What it does not take.
    pub limits: Limits,
}

impl Default for Terms {
    fn default() -> Self {
        let limits = Limits {
            window_bytes: WINDOW_BYTES,
            file_bytes_max: FILE_BYTES_MAX,
            paths_max: 1_000_000,
        };
        Self { caps: CAPS, limits }
    }
}

/// What was heard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard<T> {
    /// This is for the engine. Where it is a piece of a content, say with `received` once it is kept or
    /// thrown away.
    Said(T),
    /// Who is there. It comes once, before everything else.
    Who(Who),
    /// The log is taken in up to here.
    Acked(u64),
    /// A folder is to be compared.
    Verify(Verify),
    /// What is in a folder that was asked about.
    Differs(VerifyDiff),
    /// The other side ends the connection.
    Bye(Bye),
}

/// A connection cannot go on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SpeechError {
    /// A frame cannot be read, or what is to be said cannot be written.
    #[error("a frame of sync is refused: {0}")]
    Frame(#[from] FrameError),
    /// The other side speaks another version.
    #[error(
        "the other side speaks version {0} of sync and this one version {PROTOCOL_VERSION}; \
         bring both to the same version of the program"
    )]
    Version(u32),
    /// Something was said that may not be said now.
    #[error("{0} does not belong here in the stream of sync; connect again")]
    Order(&'static str),
    /// Pages told of a path that does not follow, or is not in the tree that they tell of.
    #[error("`{0}` has no place in the pages of the tree; connect again")]
    Path(RelPath),
    /// Not as many paths came as were told.
    #[error("{told} paths were told of and {came} came; connect again")]
    Paths {
        /// How many there were to be.
        told: u64,
        /// How many there were.
        came: u64,
    },
    /// A content came that nobody wants now, or another piece of it.
    #[error("a piece of {0:?} came that was not asked for; connect again")]
    Piece(Digest),
    /// A content was asked for that is on its way, or too many were.
    #[error("at most {WANTS_MAX} contents are asked for at once, and each once; connect again")]
    Wants,
    /// More content came than there is room for, or more was granted than there can be.
    #[error("more content came or was granted than the window has room for; connect again")]
    Window,
    /// A piece cannot be unpacked to what it is to be.
    #[error("a piece of {0:?} cannot be unpacked; connect again")]
    Packing(Digest),
    /// Too much changed at one moment.
    #[error("too much changed at one moment to be told as one; connect again to hear it in pages")]
    Moment,
    /// The other side does not read what it is told.
    #[error("the other side is more than {WAITING_BYTES_MAX} bytes behind; it may connect again")]
    Behind,
    /// A content was said in pieces.
    #[error("contents are sent by `send_blob`, which minds the window")]
    Content,
    /// It has ended.
    #[error("the connection is over")]
    Over,
}

impl SpeechError {
    /// Returns how it is told to the other side.
    #[must_use]
    pub const fn reason(&self) -> ByeReason {
        match self {
            Self::Version(_) => ByeReason::Version,
            Self::Behind | Self::Moment => ByeReason::Busy,
            Self::Content => ByeReason::Failed,
            _ => ByeReason::Protocol,
        }
    }
}
