//! The board of sessions on the wire: what every session does at a glance.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::state::SessionState;

/// The sessions that are at work, wait for a person, or ended a short while ago.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Board {
    /// The last event that is in any of it, from which on changes can be waited for.
    pub last_event: i64,
    /// The sessions: those that wait, then active, idle and ended ones, each the latest first.
    pub cards: Vec<Card>,
}

/// A session at a glance.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Card {
    /// How it stands.
    pub state: SessionState,
    /// What its events add up to.
    pub totals: CardTotals,
    /// When its first event arrived, `2026-02-03 10:00:00` in UTC.
    pub started_at: String,
    /// Its last event.
    pub last_event: Option<EventBrief>,
    /// Its last six events, newest first.
    pub recent: Vec<EventBrief>,
}

/// What a session's events add up to.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CardTotals {
    /// How many they are.
    pub events: u64,
    /// How often a person asked something.
    pub turns: u64,
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
    /// How many files it edited.
    pub files_edited: u64,
    /// Lines that were added.
    pub lines_added: u64,
    /// Lines that were removed.
    pub lines_removed: u64,
}

/// An event in a line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EventBrief {
    /// Its number.
    pub id: i64,
    /// What kind of thing happened.
    pub event_type: String,
    /// The tool that ran.
    pub tool_name: Option<String>,
    /// How it went.
    pub status: String,
    /// The most telling text of it, in a line.
    pub detail: Option<String>,
    /// When it was received, `2026-02-03 10:00:00` in UTC.
    pub created_at: String,
}
