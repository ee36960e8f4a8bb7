//! The gateway protocol, version 1: what a client and a gateway say to each other over `GET /ws`.
//!
//! One WebSocket frame is one JSON object with a string `type`; keys are camelCase. A client says
//! [`ClientMessage`]s in a [`ClientFrame`]; a gateway says [`Reply`]s and [`SessionEvent`]s. Both ends
//! ignore fields that they do not know, and a client keeps an event of a kind that it does not know
//! ([`ServerFrame::Other`]), so that events can be added without a new version.

mod client;
mod delta;
mod event;
mod frame;
mod handover;
mod reply;
mod session;
mod state;
mod typescript;

#[cfg(test)]
mod golden;

pub use client::{Answer, ClientMessage, MemberAction};
pub use event::{
    AnswerOption, EventBody, FileChange, FileDiff, OptionKind, Outcome, PlanEntry, SessionEvent,
    ToolLocation, TurnErrorCode,
};
pub use frame::{ClientFrame, FrameError, RawFrame, ReplyFrame, ServerFrame, read_client};
pub use handover::Handover;
pub use reply::{
    Author, Encoding, ErrorCode, FileContent, FileEntry, FileIteration, FileKind, Identity, Member,
    Reply, Snapshot,
};
pub use session::{CurrentTurn, Message, MessageRole, OpenQuestion, OpenTool, SessionMeta, Usage};
pub use state::SessionState;
pub use typescript::typescript;

/// The version of the protocol that these types are.
pub const PROTOCOL_VERSION: u32 = 1;

/// The longest frame that a gateway reads.
pub const CLIENT_FRAME_BYTES_MAX: usize = 1024 * 1024;

/// The longest frame that a client reads.
pub const SERVER_FRAME_BYTES_MAX: usize = 16 * 1024 * 1024;

/// How often a gateway sends a heartbeat.
pub const HEARTBEAT_MS: u64 = 30_000;

/// The longest `requestId`.
pub const REQUEST_ID_BYTES_MAX: usize = 64;

/// With this code a gateway closes a connection that did not authenticate in time.
pub const CLOSE_UNAUTHENTICATED: u16 = 4401;

/// With this code a gateway closes a connection that does not read what it is sent.
pub const CLOSE_SLOW: u16 = 4408;
