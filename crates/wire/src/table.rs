//! The table of sessions, and the turns and files of one, on the wire.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::state::Waiting;

/// A page of the table of sessions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SessionTable {
    /// The sessions.
    pub rows: Vec<SessionTableRow>,
    /// The `cursor` of the next page, if there is one.
    pub next: Option<String>,
    /// How many match on all pages. Told with the first page, unless there are very many sessions.
    pub total: Option<u64>,
}

/// A session in the table. Moments are as in `2026-02-03 10:00:00`, in UTC.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SessionTableRow {
    /// Its name, as its agent gave it.
    pub session_id: String,
    /// The program that acts in it.
    pub agent_type: String,
    /// What it is about, in its agent's words.
    pub title: Option<String>,
    /// The beginning of what was asked first in it, where it has no title.
    #[serde(default)]
    pub opening: Option<String>,
    /// The project.
    pub project: Option<String>,
    /// The git branch.
    pub branch: Option<String>,
    /// Its phase by its events: active, idle or ended.
    pub phase: String,
    /// The model that was named last.
    pub model: Option<String>,
    /// How often a person asked something.
    pub turns: u64,
    /// How many events it has.
    pub events: u64,
    /// Tokens read by models, without those of caches.
    pub tokens_in: u64,
    /// Tokens written by models.
    pub tokens_out: u64,
    /// Tokens read from prompt caches.
    pub cache_read: u64,
    /// Tokens written to prompt caches.
    pub cache_write: u64,
    /// What it cost, in US dollars.
    pub cost_usd: f64,
    /// Whether some of it has no price, so that it cost more.
    pub unpriced: bool,
    /// When its first event arrived.
    pub started_at: String,
    /// When its last event arrived.
    pub last_event_at: String,
    /// How long it is from one to the other.
    pub duration_seconds: i64,
    /// Whom it waits for.
    pub waiting: Option<Waiting>,
}

/// A page of a session's turns, newest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TurnPage {
    /// The turns.
    pub turns: Vec<TurnRow>,
    /// The `before` of the next page, if there are earlier turns.
    pub next: Option<i64>,
}

/// A turn: from one prompt to the next. Moments are by the sender's clock where it told, as in
/// `2026-02-03 10:00:00`, in UTC.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TurnRow {
    /// Which it is, from 1 on; 0 is what was done before the first prompt.
    pub number: u64,
    /// The number of its first event: its prompt, but for turn 0.
    pub first_event: i64,
    /// The number of its last event.
    pub last_event: i64,
    /// How the prompt begins, in a line.
    pub prompt: Option<String>,
    /// When it began.
    pub started_at: String,
    /// When its last event happened.
    pub ended_at: String,
    /// How long it is from one to the other.
    pub duration_seconds: i64,
    /// How many events it has.
    pub events: u64,
    /// Requests to models.
    pub requests: u64,
    /// Calls of tools.
    pub tool_calls: u64,
    /// Events that failed.
    pub errors: u64,
    /// Tokens read by models, without those of caches.
    pub tokens_in: u64,
    /// Tokens written by models.
    pub tokens_out: u64,
    /// Tokens read from prompt caches.
    pub cache_read: u64,
    /// Tokens written to prompt caches.
    pub cache_write: u64,
    /// What it cost, in US dollars.
    pub cost_usd: f64,
    /// How many requests have no price, so that it cost more.
    pub unpriced: u64,
    /// The models that were named.
    pub models: Vec<String>,
}

/// A page of the files that a session edited, those edited last first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SessionFiles {
    /// The files.
    pub files: Vec<SessionFile>,
    /// How many there are on all pages.
    pub total: u64,
    /// The `cursor` of the next page, if there is one.
    pub next: Option<String>,
}

/// A file that a session edited.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SessionFile {
    /// Its path, as the agent gave it.
    pub path: String,
    /// How often it was edited.
    pub edits: u64,
    /// Lines that were added to it.
    pub lines_added: u64,
    /// Lines that were removed from it.
    pub lines_removed: u64,
    /// The number of the last event that edited it.
    pub last_event: i64,
}
