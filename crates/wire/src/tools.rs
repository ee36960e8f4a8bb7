//! How tools do, on the wire.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How tools did. Percentiles are within 1.6 %.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ToolsDetail {
    /// Each tool, most called first.
    pub tools: Vec<ToolDetail>,
    /// How many further tools there are.
    pub more_tools: usize,
    /// What all of them did over time. Spans in which nothing happened are left out.
    pub series: Vec<ToolsSpan>,
    /// How long a span of the series is: an hour up to three days, else a day.
    pub series_seconds: i64,
}

/// How one tool did.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ToolDetail {
    /// The tool.
    pub tool_name: String,
    /// What all agents did with it.
    #[serde(flatten)]
    pub calls: ToolCalls,
    /// What each agent did with it, most calls first.
    pub by_agent: Vec<AgentToolCalls>,
    /// The slowest calls: of each hour or day only the slowest.
    pub slowest: Vec<ToolCall>,
    /// The latest calls that failed: of each hour or day only the latest.
    pub failures: Vec<ToolCall>,
}

/// What calls add up to.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ToolCalls {
    /// How many they are.
    pub calls: u64,
    /// How many went wrong.
    pub errors: u64,
    /// How many took too long.
    pub timeouts: u64,
    /// The part that went wrong or took too long.
    pub error_rate: f64,
    /// How many were timed.
    pub timed_calls: u64,
    /// What half of those do not exceed.
    pub p50_ms: Option<u64>,
    /// What 95 of a hundred of those do not exceed.
    pub p95_ms: Option<u64>,
    /// How long the slowest took.
    pub max_ms: Option<u64>,
}

/// What one agent did with a tool.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AgentToolCalls {
    /// The agent type.
    pub agent_type: String,
    /// What it did.
    #[serde(flatten)]
    pub calls: ToolCalls,
}

/// What tools did within a span.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ToolsSpan {
    /// When it begins, as RFC 3339.
    pub start: String,
    /// What they did.
    #[serde(flatten)]
    pub calls: ToolCalls,
}

/// One call of a tool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ToolCall {
    /// The number of its event.
    pub event: i64,
    /// Its session.
    pub session_id: String,
    /// The program that acted.
    pub agent_type: String,
    /// How it went.
    pub status: String,
    /// How long it took.
    pub duration_ms: Option<u64>,
    /// When it happened, by the sender's clock where it told, as RFC 3339.
    pub at: String,
    /// The most telling text of it, in a line.
    pub detail: Option<String>,
}
