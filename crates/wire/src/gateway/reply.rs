//! What a gateway says to one connection.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::event::SessionEvent;
use super::session::{CurrentTurn, Message, OpenQuestion, SessionMeta};

/// What a gateway says to one connection: how it stands, and answers to what it was asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(tag = "type", rename_all = "snake_case", rename_all_fields = "camelCase")]
pub enum Reply {
    /// The first thing on every connection.
    Welcome {
        /// The version that is spoken.
        protocol_version: u32,
        /// Whether the client must say who it is.
        requires_auth: bool,
        /// Every version that could be.
        versions: Vec<u32>,
    },
    /// The second.
    Connected {
        /// The gateway's name for the connection.
        client_id: String,
        /// How often to expect a heartbeat.
        heartbeat_interval_ms: u64,
        /// The gateway's clock, in Unix milliseconds.
        ts: i64,
    },
    /// The gateway knows who this is.
    Authenticated {
        /// Who.
        identity: Identity,
    },
    /// The gateway is there.
    Heartbeat {
        /// Its clock, in Unix milliseconds.
        ts: i64,
    },
    /// Answers `list_sessions`.
    SessionList {
        /// The sessions.
        sessions: Vec<SessionMeta>,
    },
    /// Answers `create_session`; other connections hear of it too.
    SessionCreated {
        /// As it is.
        session: SessionMeta,
    },
    /// Answers what changes a session. Connections that have not joined it hear of it so too.
    SessionUpdated {
        /// As it is now.
        session: SessionMeta,
    },
    /// Answers `delete_session`; other connections hear of it too.
    SessionDeleted {
        /// Which is gone.
        session_id: String,
    },
    /// Answers `join_session`.
    StateSnapshot(Box<Snapshot>),
    /// Answers `leave_session`.
    Left {
        /// Which.
        session_id: String,
    },
    /// Answers what asks the agent for something.
    Accepted {
        /// Which session.
        session_id: String,
        /// The turn that it is about.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        turn_id: Option<String>,
    },
    /// Answers `get_history`.
    History {
        /// Which session.
        session_id: String,
        /// What was said, the newest last.
        messages: Vec<Message>,
        /// Whether there is more before.
        has_more: bool,
    },
    /// Answers `get_events`.
    Events {
        /// Which session.
        session_id: String,
        /// The events in order.
        events: Vec<SessionEvent>,
        /// Whether there is more after.
        has_more: bool,
        /// The `seq` of the session's last durable event.
        last_seq: u64,
    },
    /// Answers `ping`.
    Pong {
        /// What the ping said.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        nonce: Option<String>,
        /// The gateway's clock, in Unix milliseconds.
        ts: i64,
    },
    /// Answers `list_files`.
    FileList {
        /// Which session.
        session_id: String,
        /// What lies there, by path.
        entries: Vec<FileEntry>,
        /// Whether there was more than is listed.
        #[serde(default)]
        truncated: bool,
    },
    /// Answers `read_file` and `file_at_iteration`.
    FileContent(FileContent),
    /// Answers `file_history`.
    FileHistory {
        /// Which session.
        session_id: String,
        /// The file, from the workspace on.
        path: String,
        /// Its iterations, the oldest first.
        iterations: Vec<FileIteration>,
    },
    /// Answers `manage_members`.
    Members {
        /// Which session.
        session_id: String,
        /// Who may use it.
        members: Vec<Member>,
    },
    /// What was asked could not be done.
    Error {
        /// Why, for programs.
        code: ErrorCode,
        /// Why, and what to do next, for people.
        message: String,
        /// When to try again.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        retry_after_ms: Option<u64>,
    },
}

/// A session at one moment: all before it is told by it, all after it follows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Snapshot {
    /// As it is.
    pub session: SessionMeta,
    /// The number of the last event before this moment, stored or not.
    pub last_seq: u64,
    /// The turn that runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub current_turn: Option<CurrentTurn>,
    /// The questions that wait, the oldest first.
    #[serde(default)]
    pub pending: Vec<OpenQuestion>,
    /// What was said last, at most 100, the newest last.
    #[serde(default)]
    pub messages: Vec<Message>,
}

/// Who a client is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Identity {
    /// The person's name for programs.
    pub user_id: String,
    /// An address.
    pub email: String,
    /// Whose data it is.
    pub tenant_id: String,
}

/// Somebody who may use a session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Member {
    /// The person's name for programs.
    pub user_id: String,
    /// `owner`.
    pub role: String,
}

/// Something in a folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct FileEntry {
    /// Where it lies, from the workspace on.
    pub path: String,
    /// What it is.
    pub kind: FileKind,
    /// Its length in bytes.
    pub size: u64,
    /// When it changed last, in Unix milliseconds.
    pub modified_at: i64,
}

/// What something in a folder is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum FileKind {
    /// A file.
    File,
    /// A folder.
    Folder,
    /// A symbolic link. It is not followed.
    Link,
    /// Something else.
    Other,
}

/// A part of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct FileContent {
    /// Which session.
    pub session_id: String,
    /// The file, from the workspace on.
    pub path: String,
    /// The length of the whole file in bytes.
    pub size: u64,
    /// The BLAKE3 hash of the whole file, in hexadecimal digits; none for one that is too long to
    /// be hashed for a reader of a part.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub hash: Option<String>,
    /// How `content` is to be read.
    pub encoding: Encoding,
    /// The part.
    pub content: String,
    /// Whether it reaches the end.
    pub eof: bool,
    /// Which iteration it is, where one was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub iteration: Option<u32>,
}

/// How a file's bytes stand in JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Encoding {
    /// As they are.
    Utf8,
    /// In Base64, with padding.
    Base64,
}

/// A state of a file that is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct FileIteration {
    /// Its number, from 1.
    pub iteration: u32,
    /// When it was seen, in Unix milliseconds.
    pub ts: i64,
    /// The file's length in bytes.
    pub size: u64,
    /// The BLAKE3 hash of what it held; empty where it was gone.
    pub hash: String,
    /// Whose work it is.
    pub author: Author,
    /// Whether what it held is kept. A file that is too long is only told of.
    pub is_kept: bool,
}

/// Whose work a state of a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Author {
    /// The agent's.
    Agent,
    /// A person's.
    User,
}

/// Why something could not be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, TS)]
pub enum ErrorCode {
    /// The frame is not a JSON object.
    #[serde(rename = "INVALID_JSON")]
    InvalidJson,
    /// It is one, and no message.
    #[serde(rename = "INVALID_MESSAGE")]
    InvalidMessage,
    /// The frame is too long.
    #[serde(rename = "MESSAGE_TOO_LARGE")]
    MessageTooLarge,
    /// Too many messages came.
    #[serde(rename = "RATE_LIMITED")]
    RateLimited,
    /// The token is not the gateway's.
    #[serde(rename = "AUTH_FAILED")]
    AuthFailed,
    /// Too many tokens were wrong.
    #[serde(rename = "AUTH_RATE_LIMITED")]
    AuthRateLimited,
    /// The client has not said who it is.
    Unauthenticated,
    /// There is no such session.
    SessionNotFound,
    /// A turn runs.
    TurnInProgress,
    /// No turn runs.
    NoActiveTurn,
    /// The question has its answer.
    AlreadyResolved,
    /// The other end speaks another version.
    ProtocolVersionMismatch,
    /// The agent cannot be started.
    AgentUnavailable,
    /// There is no such file.
    FileNotFound,
    /// The path leads out of the workspace.
    PathRefused,
    /// This gateway does not do that.
    Unsupported,
    /// The gateway failed.
    Internal,
    /// One that this end does not know.
    #[serde(other)]
    Other,
}
