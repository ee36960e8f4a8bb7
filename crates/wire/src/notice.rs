//! Notices on the wire.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A notice for a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NoticeRow {
    /// Its name; every later notice has a greater number.
    pub id: i64,
    /// How often it has changed, from 1 on.
    pub version: u32,
    /// Which rule or module posted it.
    pub source: String,
    /// What kind of thing it tells of, such as `agent_waits`.
    pub kind: String,
    /// Whom it is for.
    pub recipient: String,
    /// `low`, `medium` or `high`.
    pub priority: String,
    /// Why it was posted, as a word for programs.
    pub reason: String,
    /// One line.
    pub title: String,
    /// The rest.
    pub body: String,
    /// What it is about.
    pub subject: Option<NoticeSubject>,
    /// What can be done about it.
    #[schema(value_type = Vec<Object>)]
    pub actions: Vec<serde_json::Value>,
    /// When it was posted, as RFC 3339 like every moment here.
    pub created_at: String,
    /// From when on it is of no use.
    pub expires_at: Option<String>,
    /// Until when somebody put it off.
    pub snoozed_until: Option<String>,
    /// When somebody first looked at it.
    pub opened_at: Option<String>,
    /// When it was done with.
    pub handled_at: Option<String>,
    /// How it is to reach the person now.
    pub delivery: NoticeDelivery,
}

/// What a notice is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NoticeSubject {
    /// What kind of thing, such as `session`.
    pub kind: String,
    /// Which one.
    pub id: String,
}

/// How a notice is to reach its person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NoticeDelivery {
    /// `interrupt`, `inbox`, `defer` or `suppress`.
    pub decision: String,
    /// When to decide again, where it is deferred.
    pub until: Option<String>,
    /// Why, as a word for programs.
    pub reason: String,
}

/// A page of notices, the newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NoticeList {
    /// The notices.
    pub notices: Vec<NoticeRow>,
    /// Where to go on, as `before`. Without it there are no more.
    pub next: Option<i64>,
}

/// How many notices are open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NoticeTally {
    /// Those that nobody has looked at.
    pub unopened: u64,
    /// Open ones of low priority.
    pub low: u64,
    /// Open ones of medium priority.
    pub medium: u64,
    /// Open ones of high priority.
    pub high: u64,
}

/// Until when a notice is put off: a moment, or so many minutes from now.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct SnoozeRequest {
    /// The moment, as RFC 3339.
    pub until: Option<String>,
    /// The minutes.
    pub minutes: Option<u32>,
}
