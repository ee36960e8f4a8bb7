//! Sessions on the wire.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::event::EventRow;

/// A session as readers get it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SessionRow {
    /// Its name, as its agent gave it.
    pub id: String,
    /// The agent it belongs to.
    pub agent_id: String,
    /// The program that acts in it.
    pub agent_type: String,
    /// The project.
    pub project: Option<String>,
    /// The git branch.
    pub branch: Option<String>,
    /// Its phase: active, idle or ended.
    pub status: String,
    /// When its first event arrived.
    pub started_at: String,
    /// When it ended.
    pub ended_at: Option<String>,
    /// When its last event arrived.
    pub last_event_at: String,
    /// Always `{}`.
    pub metadata: String,
    /// How many events it has.
    pub event_count: u64,
    /// Tokens read by models.
    pub tokens_in: u64,
    /// Tokens written by models.
    pub tokens_out: u64,
    /// What it cost.
    pub total_cost_usd: f64,
    /// How many files it edited.
    pub files_edited: u64,
    /// Lines that were added.
    pub lines_added: u64,
    /// Lines that were removed.
    pub lines_removed: u64,
}

/// A list of sessions.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct SessionPage {
    /// The sessions.
    pub sessions: Vec<SessionRow>,
    /// How many there are in this list.
    pub total: usize,
}

/// A session with its latest events.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct SessionWithEvents<'a> {
    /// The session.
    pub session: SessionRow,
    /// Its latest events, newest first.
    pub events: Vec<EventRow<'a>>,
}

/// What was said and done in a session, in order.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Transcript<'a> {
    /// The session.
    pub session_id: Cow<'a, str>,
    /// What was said and done.
    pub entries: Vec<TranscriptEntry<'a>>,
}

/// One thing said or done.
#[derive(Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TranscriptEntry<'a> {
    /// Who: system, user, tool or assistant.
    pub role: Cow<'a, str>,
    /// What kind of event it was.
    #[serde(rename = "type")]
    pub kind: Cow<'a, str>,
    /// When it happened, by the sender's clock where it told.
    pub timestamp: String,
    /// The tool that ran.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool_name: Option<Cow<'a, str>>,
    /// The most telling text of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// How it went, unless well.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<Cow<'a, str>>,
    /// The model that answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<Cow<'a, str>>,
    /// Tokens read by the model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokens_in: Option<u64>,
    /// Tokens written by the model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokens_out: Option<u64>,
    /// What it cost.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost_usd: Option<f64>,
    /// How long it took.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<u64>,
}

/// A part of what was said and done in a session, with the very words.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct SessionEntries<'a> {
    /// The session.
    pub session_id: Cow<'a, str>,
    /// The entries, in the order in which they were received.
    pub entries: Vec<SessionEntry<'a>>,
    /// The `before` of the part that precedes this one.
    pub older: Option<i64>,
    /// The `after` of the part that follows this one.
    pub newer: Option<i64>,
}

/// An event with its words.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct SessionEntry<'a> {
    /// The event.
    pub event: EventRow<'a>,
    /// What was said in it, as far as it is kept.
    pub texts: Vec<EntryText>,
}

/// Words of an event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EntryText {
    /// Whose they are: prompt, answer, input or output.
    pub role: String,
    /// Their beginning, or all of them.
    pub text: String,
    /// How long they are altogether, in bytes.
    pub bytes: u64,
}

/// The values that lists can be filtered by.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FilterOptions {
    /// Agent types.
    pub agent_types: Vec<String>,
    /// Event types.
    pub event_types: Vec<String>,
    /// Tools.
    pub tool_names: Vec<String>,
    /// Models.
    pub models: Vec<String>,
    /// Projects.
    pub projects: Vec<String>,
    /// Branches, most recent first.
    pub branches: Vec<BranchOption>,
    /// Sources.
    pub sources: Vec<String>,
}

/// A branch to filter by.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BranchOption {
    /// The branch.
    pub value: String,
    /// How to show it: `project / branch`.
    pub label: String,
}
