//! How sessions stand, and how much of agents' limits is used, on the wire.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How a session stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SessionState {
    /// Its name, as its agent gave it.
    pub session_id: String,
    /// The program that acts in it.
    pub agent_type: String,
    /// The project.
    pub project: Option<String>,
    /// The git branch.
    pub branch: Option<String>,
    /// The folder that it works in.
    pub cwd: Option<String>,
    /// What it is about, in its agent's words.
    pub title: Option<String>,
    /// Its phase, by what is known of its process too: active, idle or ended.
    pub phase: String,
    /// Whether its process runs; nothing where that is not known.
    pub alive: Option<bool>,
    /// The number of its process.
    pub pid: Option<u32>,
    /// `interactive` or `headless`, where that is known.
    pub mode: Option<String>,
    /// The model.
    pub model: Option<String>,
    /// What it may do without asking.
    pub permission_mode: Option<String>,
    /// What it does now.
    pub doing: Option<Doing>,
    /// Whom it waits for.
    pub waiting: Option<Waiting>,
    /// How full its context window is.
    pub context: Option<ContextUse>,
    /// What the agent itself says that it cost, in US dollars.
    pub client_cost_usd: Option<f64>,
    /// Which session started it.
    pub parent: Option<ParentSession>,
    /// The agents that it started.
    pub subagents: Vec<SubAgent>,
    /// When its last event arrived.
    pub last_event_at: String,
}

/// What a session does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Doing {
    /// The tool that it uses.
    pub tool: Option<String>,
    /// What that is given, in a line.
    pub detail: Option<String>,
    /// Since when, as RFC 3339.
    pub since: String,
}

/// What a session waits for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Waiting {
    /// `permission`, `answer` or `input`.
    #[serde(rename = "for")]
    pub whom: String,
    /// What is to be allowed or answered.
    pub what: Option<String>,
    /// The tool that asks.
    pub tool: Option<String>,
    /// Since when, as RFC 3339.
    pub since: String,
    /// For how long, in seconds.
    pub seconds: i64,
}

/// How full a context window is.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ContextUse {
    /// Tokens in it.
    pub used: u64,
    /// Tokens that fit, where that is known.
    pub size: Option<u64>,
    /// The part that is used.
    pub percent: Option<f64>,
}

/// Which session started another one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ParentSession {
    /// The session.
    pub session: Option<String>,
    /// The agent within it.
    pub agent: Option<String>,
}

/// An agent that a session started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SubAgent {
    /// Its name.
    pub id: String,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// What it was started for.
    pub description: Option<String>,
    /// Whether it works still.
    pub running: bool,
}

/// The sessions that wait for a person, those that began to wait last first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct WaitingSessions {
    /// The sessions.
    pub sessions: Vec<SessionState>,
    /// How many there are.
    pub total: usize,
}

/// How much of each limit is used, as agents told.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Limits {
    /// The limits.
    pub limits: Vec<Limit>,
}

/// How much of a limit is used, as an agent told. Nothing of it is guessed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Limit {
    /// The agent that told.
    pub agent_type: String,
    /// The window, as the agent calls it.
    pub window: String,
    /// The length of the window.
    pub window_minutes: Option<u64>,
    /// The part that was used when it was told.
    pub used_percent: f64,
    /// When the window begins anew, as RFC 3339.
    pub resets_at: Option<String>,
    /// When it was told, as RFC 3339.
    pub told_at: String,
    /// Whether the window has begun anew since, so that the part does not hold any more.
    pub stale: bool,
}
