//! What a client says.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// What a client says. Each is answered by a reply or an error.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(tag = "type", rename_all = "snake_case", rename_all_fields = "camelCase")]
pub enum ClientMessage {
    /// Says who it is. The first message of every connection.
    Authenticate {
        /// The gateway's token.
        token: String,
    },
    /// Asks for the sessions, the one that changed last first.
    ListSessions {
        /// Whether those that were put away are listed too.
        #[serde(default)]
        include_archived: bool,
    },
    /// Makes a session. No agent is started yet.
    CreateSession {
        /// Which agent.
        agent_type: String,
        /// Its name for people; without one, the gateway makes one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        name: Option<String>,
        /// The absolute path of a folder; without one, the gateway makes one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        workspace: Option<String>,
    },
    /// Gives a session another name.
    RenameSession {
        /// Which.
        session_id: String,
        /// The name, 1 to 200 characters.
        name: String,
    },
    /// Puts a session away.
    ArchiveSession {
        /// Which.
        session_id: String,
    },
    /// Takes it out again.
    UnarchiveSession {
        /// Which.
        session_id: String,
    },
    /// Removes a session and all that the gateway keeps of it.
    DeleteSession {
        /// Which.
        session_id: String,
    },
    /// Asks for a snapshot, what came after a number, and all that comes from now on.
    JoinSession {
        /// Which.
        session_id: String,
        /// The last durable event that it has; without one, only the snapshot and what comes.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        after_seq: Option<u64>,
    },
    /// Wants no more of a session.
    LeaveSession {
        /// Which.
        session_id: String,
    },
    /// Gives the agent something to do.
    RunTurn {
        /// Which session.
        session_id: String,
        /// What to do.
        text: String,
        /// The client's name for the turn: the same one twice is the same turn.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        client_turn_id: Option<String>,
    },
    /// Stops the turn that runs, if one does.
    StopTurn {
        /// Which session.
        session_id: String,
    },
    /// Tells the agent something while it works.
    Steer {
        /// Which session.
        session_id: String,
        /// What.
        text: String,
    },
    /// Answers a question of the agent.
    AnswerQuestion {
        /// Which session.
        session_id: String,
        /// Which question.
        question_id: String,
        /// The answer.
        answer: Answer,
    },
    /// Asks for what was said, the newest last.
    GetHistory {
        /// Which session.
        session_id: String,
        /// Only what was said before the message of this `seq`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        before: Option<u64>,
        /// How many, at most 500.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        limit: Option<u32>,
    },
    /// Asks for durable events in order.
    GetEvents {
        /// Which session.
        session_id: String,
        /// Only what came after this one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        after_seq: Option<u64>,
        /// How many, at most 1,000.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        limit: Option<u32>,
    },
    /// Asks whether anybody is there.
    Ping {
        /// Comes back with the answer.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        nonce: Option<String>,
    },
    /// Asks what lies in a folder of the workspace.
    ListFiles {
        /// Which session.
        session_id: String,
        /// The folder, from the workspace on; empty for the workspace itself.
        #[serde(default)]
        path: String,
        /// How many levels down.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        depth: Option<u32>,
    },
    /// Asks for a part of a file as it is now.
    ReadFile {
        /// Which session.
        session_id: String,
        /// The file, from the workspace on.
        path: String,
        /// From which byte.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        offset: Option<u64>,
        /// How many bytes, at most 512 KiB.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        length: Option<u64>,
    },
    /// Asks what is kept of a file's past.
    FileHistory {
        /// Which session.
        session_id: String,
        /// The file, from the workspace on.
        path: String,
    },
    /// Asks for a file as it was.
    FileAtIteration {
        /// Which session.
        session_id: String,
        /// The file, from the workspace on.
        path: String,
        /// Which of its iterations.
        iteration: u32,
    },
    /// Asks who may use a session, or changes that.
    ManageMembers {
        /// Which session.
        session_id: String,
        /// What to do.
        action: MemberAction,
        /// With whom.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        user_id: Option<String>,
    },
}

/// What to do with members.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum MemberAction {
    /// Say who they are.
    List,
    /// Let somebody in.
    Add,
    /// Let somebody in no more.
    Remove,
}

/// An answer to a question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(untagged)]
pub enum Answer {
    /// The id of an option, or words.
    Text(String),
    /// Leave or none, whatever the options are called.
    Leave {
        /// Whether it may.
        allow: bool,
        /// Whether that holds from now on.
        #[serde(default)]
        remember: bool,
    },
}

impl ClientMessage {
    /// Returns the session that it is about.
    #[must_use]
    pub fn session_id(&self) -> Option<&str> {
        match self {
            Self::Authenticate { .. }
            | Self::ListSessions { .. }
            | Self::CreateSession { .. }
            | Self::Ping { .. } => None,
            Self::RenameSession { session_id, .. }
            | Self::ArchiveSession { session_id }
            | Self::UnarchiveSession { session_id }
            | Self::DeleteSession { session_id }
            | Self::JoinSession { session_id, .. }
            | Self::LeaveSession { session_id }
            | Self::RunTurn { session_id, .. }
            | Self::StopTurn { session_id }
            | Self::Steer { session_id, .. }
            | Self::AnswerQuestion { session_id, .. }
            | Self::GetHistory { session_id, .. }
            | Self::GetEvents { session_id, .. }
            | Self::ListFiles { session_id, .. }
            | Self::ReadFile { session_id, .. }
            | Self::FileHistory { session_id, .. }
            | Self::FileAtIteration { session_id, .. }
            | Self::ManageMembers { session_id, .. } => Some(session_id),
        }
    }
}
