//! What happens in a session.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use ts_rs::TS;

use super::session::{SessionMeta, Usage};

/// Something that happened in a session. `seq` is one counter for each session, never given twice;
/// gaps mean nothing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct SessionEvent {
    /// The session.
    pub session_id: String,
    /// The turn, for what happens in one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub turn_id: Option<String>,
    /// Its number.
    pub seq: u64,
    /// When, in Unix milliseconds of the gateway's clock. Nobody orders by it.
    pub ts: i64,
    /// What happened.
    #[serde(flatten)]
    pub body: EventBody,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(tag = "type", rename_all = "snake_case", rename_all_fields = "camelCase")]
pub enum EventBody {
    /// The session has another name, state or place.
    SessionUpdated {
        /// As it is now.
        session: SessionMeta,
    },
    /// A turn began.
    TurnStarted {
        /// What the person asked.
        text: String,
        /// The name that the client gave the turn.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        client_turn_id: Option<String>,
    },
    /// The person said more while the turn ran.
    TurnSteered {
        /// What.
        text: String,
    },
    /// The agent says something.
    TextDelta {
        /// What is added.
        text: String,
    },
    /// What the agent said without a break, whole.
    #[serde(rename = "text.complete")]
    TextComplete {
        /// The words.
        text: String,
    },
    /// The agent begins to think.
    #[serde(rename = "thinking.start")]
    ThinkingStart {
        /// The first of it.
        #[serde(default)]
        text: String,
    },
    /// It thinks on.
    #[serde(rename = "thinking.progress")]
    ThinkingProgress {
        /// What is added.
        text: String,
    },
    /// What it thought, whole.
    #[serde(rename = "thinking.complete")]
    ThinkingComplete {
        /// The words.
        text: String,
    },
    /// A tool call begins.
    ToolCallStart {
        /// The name of the call.
        tool_call_id: String,
        /// The tool's.
        tool_name: String,
        /// What it does, for people.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        title: Option<String>,
    },
    /// More is known of a running call: what it is given, or what it gives back so far.
    ToolCallDelta {
        /// The name of the call.
        tool_call_id: String,
        /// What is added.
        delta: String,
    },
    /// What a tool is given is known.
    ToolCall {
        /// The name of the call.
        tool_call_id: String,
        /// The tool's.
        tool_name: String,
        /// What it is given.
        #[ts(type = "unknown")]
        input: Value,
        /// The files that it is about.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        #[ts(as = "Option<Vec<ToolLocation>>", optional)]
        locations: Vec<ToolLocation>,
    },
    /// A tool call ended well.
    ToolResult {
        /// The name of the call.
        tool_call_id: String,
        /// What it gave back.
        output: String,
        /// Whether there was more of it.
        #[serde(default)]
        truncated: bool,
        /// How it changed files.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        #[ts(as = "Option<Vec<FileDiff>>", optional)]
        diff: Vec<FileDiff>,
    },
    /// A tool call failed, or was not allowed.
    ToolError {
        /// The name of the call.
        tool_call_id: String,
        /// What it gave back.
        output: String,
        /// Whether there was more of it.
        #[serde(default)]
        truncated: bool,
        /// How it changed files all the same.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        #[ts(as = "Option<Vec<FileDiff>>", optional)]
        diff: Vec<FileDiff>,
    },
    /// The agent asks a person something.
    QuestionRequested {
        /// The name of the question.
        question_id: String,
        /// What is asked.
        prompt: String,
        /// What can be answered; without any, words.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        #[ts(as = "Option<Vec<AnswerOption>>", optional)]
        options: Vec<AnswerOption>,
    },
    /// The agent asks for leave.
    PermissionRequested {
        /// The name of the question.
        question_id: String,
        /// The call that it wants to make.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        tool_call_id: Option<String>,
        /// What it wants to do.
        title: String,
        /// What can be answered.
        options: Vec<AnswerOption>,
    },
    /// A question has its answer, or needs none any more.
    ApprovalResolved {
        /// The name of the question.
        question_id: String,
        /// What came of it.
        outcome: Outcome,
    },
    /// A terminal says something.
    #[serde(rename = "terminal.stream")]
    TerminalStream {
        /// Which.
        terminal_id: String,
        /// What is added.
        chunk: String,
    },
    /// A terminal's command ended.
    #[serde(rename = "terminal.complete")]
    TerminalComplete {
        /// Which.
        terminal_id: String,
        /// Its exit code; none when a signal ended it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        exit_code: Option<i32>,
        /// The end of what it said.
        output: String,
        /// Whether there was more of it.
        #[serde(default)]
        truncated: bool,
    },
    /// The agent's plan, whole.
    #[serde(rename = "plan.updated")]
    PlanUpdated {
        /// Its steps in order.
        entries: Vec<PlanEntry>,
    },
    /// A file of the workspace changed.
    FileChanged {
        /// The file, from the workspace on.
        path: String,
        /// Which of its iterations it is now.
        iteration: u32,
        /// The BLAKE3 hash of what it holds, in hexadecimal digits; empty for one that is gone.
        hash: String,
        /// Its length in bytes.
        size: u64,
        /// What happened to it.
        kind: FileChange,
    },
    /// What the turn used.
    TurnUsage {
        /// How much.
        #[serde(flatten)]
        usage: Usage,
    },
    /// The turn is over.
    TurnComplete {
        /// What the agent said in it, all of it.
        final_text: String,
        /// Why it ended, in the agent's word, such as `end_turn`.
        stop_reason: String,
    },
    /// The turn ended early.
    TurnError {
        /// Why, for programs.
        code: TurnErrorCode,
        /// Why, for people.
        message: String,
        /// What the agent had said until then.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        #[ts(as = "Option<String>", optional)]
        final_text: String,
    },
}

/// Why a turn ended early.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
pub enum TurnErrorCode {
    /// A person stopped it.
    TurnStopped,
    /// The agent's process ended.
    AgentExited,
    /// The agent said that it failed.
    AgentFailed,
    /// The agent took longer than it may.
    TurnTimedOut,
    /// The gateway ended in the turn.
    GatewayRestarted,
}

/// A file that a tool is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct ToolLocation {
    /// The file, from the workspace on where it lies in it.
    pub path: String,
    /// The line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub line: Option<u32>,
}

/// How a tool changed a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct FileDiff {
    /// The file, from the workspace on where it lies in it.
    pub path: String,
    /// What it held; none for a new one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub old: Option<String>,
    /// What it holds.
    pub new: String,
}

/// What can be answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct AnswerOption {
    /// Its name.
    pub id: String,
    /// What it says.
    pub label: String,
    /// What choosing it means.
    pub kind: OptionKind,
}

/// What choosing an option means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum OptionKind {
    /// Leave for this time.
    AllowOnce,
    /// Leave from now on.
    AllowAlways,
    /// No leave this time.
    RejectOnce,
    /// No leave from now on.
    RejectAlways,
    /// An answer that is neither.
    #[serde(other)]
    Choice,
}

/// What came of a question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "kind", rename_all = "snake_case", rename_all_fields = "camelCase")]
pub enum Outcome {
    /// An option was chosen.
    Selected {
        /// Which.
        option_id: String,
        /// Whether it gave leave; none for a choice that is neither.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        allowed: Option<bool>,
    },
    /// It was answered in words.
    Answered {
        /// The words.
        text: String,
    },
    /// Nobody has to answer any more: the turn ended.
    Cancelled,
}

/// A step of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct PlanEntry {
    /// What is to be done.
    pub text: String,
    /// `pending`, `in_progress` or `completed`.
    pub status: String,
    /// `high`, `medium` or `low`.
    pub priority: String,
}

/// What happened to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum FileChange {
    /// It was not there before.
    Created,
    /// It holds something else.
    Modified,
    /// It is gone.
    Deleted,
}

impl EventBody {
    /// Returns whether the event is stored before it is sent. What is not is told again whole by one
    /// that is.
    #[must_use]
    pub const fn is_durable(&self) -> bool {
        !matches!(
            self,
            Self::TextDelta { .. }
                | Self::ThinkingStart { .. }
                | Self::ThinkingProgress { .. }
                | Self::ToolCallDelta { .. }
                | Self::TerminalStream { .. }
        )
    }

    /// Returns whether it ends a turn.
    #[must_use]
    pub const fn ends_turn(&self) -> bool {
        matches!(self, Self::TurnComplete { .. } | Self::TurnError { .. })
    }
}

impl OptionKind {
    /// Returns whether it gives leave, or none for a choice that is neither.
    #[must_use]
    pub const fn allows(self) -> Option<bool> {
        match self {
            Self::AllowOnce | Self::AllowAlways => Some(true),
            Self::RejectOnce | Self::RejectAlways => Some(false),
            Self::Choice => None,
        }
    }
}
