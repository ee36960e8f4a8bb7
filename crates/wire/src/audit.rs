//! The audit: who changed what, when, and what came of it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// One thing that somebody did or was refused. It never holds a body, a token or the values of a
/// query.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuditEntry {
    /// Its number; a later entry has a larger one.
    pub id: u64,
    /// When it was done, as RFC 3339 with milliseconds.
    pub at: String,
    /// Who did it: `cli`, `console:` and a session, `control`, or `unknown` for one without the
    /// token.
    pub who: String,
    /// What was done: a method and a route, or the console's word for it.
    pub what: String,
    /// To what: a path without its query.
    pub target: String,
    /// What came of it: a status with its words.
    pub outcome: String,
    /// What else there is to say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// Whether it was refused. Such entries are limited in number.
    #[serde(default)]
    pub refused: bool,
}

/// The body of `POST /control/audit`: what the console refused, or did itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AuditNote {
    /// When, as the console's clock has it. The runtime dates the entry by its own.
    #[serde(default)]
    pub at: Option<String>,
    /// Who asked.
    pub who: String,
    /// What for.
    pub what: String,
    /// Of what: a path without its query.
    pub target: String,
    /// What came of it.
    pub outcome: String,
    /// What else there is to say.
    #[serde(default)]
    pub detail: Option<String>,
    /// Whether it was done. Otherwise it was refused, and of those only so many a minute are written.
    #[serde(default)]
    pub done: bool,
}

/// The answer of `GET /control/audit`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AuditPage {
    /// The entries, the newest first.
    pub entries: Vec<AuditEntry>,
    /// Give this as `before` to get the page after; absent where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<u64>,
}
