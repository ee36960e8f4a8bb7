//! Statistics on the wire.

use std::fmt;

use serde::de::{MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use utoipa::ToSchema;

/// Named counts in a meaningful order, written as one object.
#[derive(Debug, Clone, PartialEq, Eq, Default, ToSchema)]
#[schema(value_type = std::collections::BTreeMap<String, u64>)]
pub struct Counts(pub Vec<(String, u64)>);

impl Serialize for Counts {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, count) in &self.0 {
            map.serialize_entry(name, count)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Counts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries;
        impl<'de> Visitor<'de> for Entries {
            type Value = Counts;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of counts")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Counts, A::Error> {
                let mut counts = Counts::default();
                while let Some(entry) = map.next_entry()? {
                    counts.0.push(entry);
                }
                Ok(counts)
            }
        }
        deserializer.deserialize_map(Entries)
    }
}

/// The totals.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Stats {
    /// Events that match.
    pub total_events: u64,
    /// Sessions at work.
    pub active_sessions: u64,
    /// All sessions.
    pub total_sessions: u64,
    /// Sessions that have not ended.
    pub live_sessions: u64,
    /// Agent types with a session that has not ended.
    pub active_agents: u64,
    /// Tokens read by models.
    pub total_tokens_in: u64,
    /// Tokens written by models.
    pub total_tokens_out: u64,
    /// What it all cost.
    pub total_cost_usd: f64,
    /// Events by tool, most first.
    pub tool_breakdown: Counts,
    /// Events by agent type, most first.
    pub agent_breakdown: Counts,
    /// Events by model, most first.
    pub model_breakdown: Counts,
    /// The sessions' branches, most recent first.
    pub branches: Vec<String>,
    /// Usage windows; in stream frames only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage_monitor: Option<Vec<AgentUsage>>,
}

/// How each tool does.
#[derive(Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ToolTable {
    /// The tools, most called first.
    pub tools: Vec<ToolStats>,
}

/// How one tool does.
#[derive(Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ToolStats {
    /// The tool.
    pub tool_name: String,
    /// How often it ran.
    pub total_calls: u64,
    /// How often it failed.
    pub error_count: u64,
    /// Failures in calls, to four places.
    pub error_rate: f64,
    /// How long a call takes, to whole milliseconds.
    pub avg_duration_ms: Option<u64>,
    /// Calls by agent type, most first.
    pub by_agent: Counts,
}

/// Where the money goes.
#[derive(Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CostReport {
    /// By hour, oldest first.
    pub timeline: Vec<CostBucket>,
    /// By project, dearest first.
    pub by_project: Vec<ProjectCost>,
    /// By model, dearest first.
    pub by_model: Vec<ModelCost>,
}

/// What an hour cost.
#[derive(Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CostBucket {
    /// When the hour begins.
    pub bucket: String,
    /// What it cost.
    pub cost_usd: f64,
    /// Tokens read by models.
    pub tokens_in: u64,
    /// Tokens written by models.
    pub tokens_out: u64,
    /// Events, whether they cost anything or not.
    pub event_count: u64,
}

/// What a project cost.
#[derive(Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ProjectCost {
    /// The project, or `unknown`.
    pub project: String,
    /// What it cost.
    pub cost_usd: f64,
    /// Sessions that cost something.
    pub session_count: u64,
    /// Events that cost something.
    pub event_count: u64,
}

/// What a model cost.
#[derive(Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ModelCost {
    /// The model.
    pub model: String,
    /// What it cost.
    pub cost_usd: f64,
    /// Events that cost something.
    pub event_count: u64,
    /// Tokens read by the model in those.
    pub tokens_in: u64,
    /// Tokens written by the model in those.
    pub tokens_out: u64,
}

/// How much of its windows an agent has used.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AgentUsage {
    /// The agent type.
    pub agent_type: String,
    /// What is counted: tokens or cost.
    #[serde(rename = "limitType")]
    pub limit_type: String,
    /// The short window.
    pub session: UsageOfWindow,
    /// The long window, where it has a limit.
    pub extended: Option<UsageOfWindow>,
}

/// How much of one window is used.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct UsageOfWindow {
    /// The amount used.
    pub used: f64,
    /// The amount that is called full.
    pub limit: f64,
    /// The length of the window.
    #[serde(rename = "windowHours")]
    pub window_hours: u32,
}
