//! What the gateway tells the monitor.

use serde::{Deserialize, Serialize};

use super::event::SessionEvent;
use super::session::SessionMeta;

/// What the gateway tells the monitor of a session: the body of `POST /api/gateway/events`. Telling the
/// same again changes nothing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Handover {
    /// The session as it is.
    pub session: SessionMeta,
    /// The name under which the monitor knows what the agent tells of itself, if it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// The agent's own name for the session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub native_session: Option<String>,
    /// The events, told before, of what had begun and was not over before `events`: calls that run and
    /// questions that wait.
    #[serde(default)]
    pub open: Vec<SessionEvent>,
    /// What happened, in order and without gaps. Only what is durable matters.
    pub events: Vec<SessionEvent>,
}
