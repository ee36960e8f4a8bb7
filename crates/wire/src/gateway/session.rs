//! A session as lists and snapshots show it.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use ts_rs::TS;

use super::event::AnswerOption;
use super::state::SessionState;

/// A session as lists show it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct SessionMeta {
    /// Its name for programs.
    pub id: String,
    /// Its name for people.
    pub name: String,
    /// Which agent works in it.
    pub agent_type: String,
    /// The folder in which the agent works.
    pub workspace: String,
    /// Where it stands.
    pub state: SessionState,
    /// Whether it was put away.
    #[serde(default)]
    pub archived: bool,
    /// When it was made, in Unix milliseconds.
    pub created_at: i64,
    /// When something last happened in it, in Unix milliseconds.
    pub updated_at: i64,
    /// The `seq` of its last durable event, or 0.
    pub last_seq: u64,
    /// How many turns it has had.
    #[serde(default)]
    pub turns: u64,
    /// How many questions wait for a person.
    #[serde(default)]
    pub pending: u64,
    /// What its turns used so far.
    #[serde(default)]
    pub usage: Usage,
    /// Why its agent could not be started or went away, while that is its state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub problem: Option<String>,
    /// The name under which the monitor knows the session, once the agent has told it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub monitor_session: Option<String>,
}

/// What turns used.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase", default)]
pub struct Usage {
    /// The model, as the agent calls it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub model: Option<String>,
    /// Tokens read by the model, without those of the cache.
    pub input_tokens: u64,
    /// Tokens written by the model.
    pub output_tokens: u64,
    /// Tokens read from the prompt cache.
    pub cache_read_tokens: u64,
    /// Tokens written to the prompt cache.
    pub cache_write_tokens: u64,
    /// What it cost in US dollars, where the agent says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub cost_usd: Option<f64>,
    /// How many tokens the agent's context holds, where it says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub context_tokens: Option<u64>,
    /// How many it can hold, where it says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub context_limit: Option<u64>,
}

/// Something that was said, by a person or by the agent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Message {
    /// The `seq` of the event that told it. `before` of `get_history` means this number.
    pub seq: u64,
    /// When, in Unix milliseconds.
    pub ts: i64,
    /// The turn it belongs to.
    pub turn_id: String,
    /// Who said it.
    pub role: MessageRole,
    /// The words.
    pub text: String,
    /// Why the turn ended early, on the agent's last message of such a turn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub error: Option<String>,
}

/// Who said something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum MessageRole {
    /// A person.
    User,
    /// The agent.
    Agent,
}

/// The turn that runs, as a snapshot tells it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct CurrentTurn {
    /// Its name.
    pub turn_id: String,
    /// What the agent has said in it so far, all of it.
    pub text: String,
    /// The end of `text` that no `text.complete` has told yet.
    #[serde(default)]
    pub open_text: String,
    /// What it thinks right now, not yet told by a `thinking.complete`.
    #[serde(default)]
    pub thinking: String,
    /// The tools that run.
    #[serde(default)]
    pub open_tools: Vec<OpenTool>,
}

/// A tool that runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct OpenTool {
    /// The name of the call.
    pub tool_call_id: String,
    /// The tool's.
    pub tool_name: String,
    /// What it does, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub title: Option<String>,
    /// What it was given, once that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional, type = "unknown")]
    pub input: Option<Value>,
}

/// A question that waits for a person.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct OpenQuestion {
    /// Its name.
    pub question_id: String,
    /// The turn that waits for it.
    pub turn_id: String,
    /// When it was asked, in Unix milliseconds.
    pub ts: i64,
    /// Whether it asks for leave to do something, and not for words.
    pub is_permission: bool,
    /// The tool call that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub tool_call_id: Option<String>,
    /// What is asked.
    pub prompt: String,
    /// What can be answered; without any, words.
    #[serde(default)]
    pub options: Vec<AnswerOption>,
}
