//! Reports on the wire: what was used and what it cost, where that is known from, and budgets.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::event::EventRow;
use crate::session::EntryText;
use crate::stats::Counts;

/// What requests to models used together, and what is known of its cost.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, ToSchema)]
pub struct UsageSums {
    /// How many requests.
    pub requests: u64,
    /// Tokens of the prompts that no cache was involved in.
    pub input_tokens: u64,
    /// Tokens of the answers.
    pub output_tokens: u64,
    /// Tokens of the prompts that were found in a cache.
    pub cache_read_tokens: u64,
    /// Tokens of the prompts that were put into a cache.
    pub cache_write_tokens: u64,
    /// How many of those live for an hour.
    pub cache_write_1h_tokens: u64,
    /// All tokens together.
    pub total_tokens: u64,
    /// What the requests that have a price cost; null where none of them has one.
    pub cost_usd: Option<f64>,
    /// How many requests have no price and so are not part of the cost.
    pub unpriced_requests: u64,
    /// The models of those; `unknown` where a request names none.
    pub unpriced_models: Vec<String>,
}

/// What was used, by one thing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Report {
    /// What the rows are: `day`, `week`, `month`, `session`, `project`, `branch`, `model`, `agent`,
    /// `block`.
    pub by: String,
    /// The time zone whose days these are.
    pub tz: String,
    /// The rows. Times come oldest first, sessions newest first, everything else dearest first.
    pub rows: Vec<ReportRow>,
    /// How many rows more there are than one answer holds; the totals count them too.
    pub rows_left_out: usize,
    /// All rows together.
    pub totals: UsageSums,
}

/// One row of a report.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, ToSchema)]
pub struct ReportRow {
    /// What the row is about: a day such as `2026-11-21`, the Monday of a week, a month such as
    /// `2026-11`, when a block begins, or a name; `unknown` where nobody told.
    pub key: String,
    /// The project, in rows of sessions and branches.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// The branch, in rows of sessions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub branch: Option<String>,
    /// When the first usage was, to a quarter of an hour.
    pub first_usage: String,
    /// When the last usage was, to a quarter of an hour.
    pub last_usage: String,
    /// The agents that used it.
    pub agent_types: Vec<String>,
    /// What was used.
    #[serde(flatten)]
    pub usage: UsageSums,
    /// The same by model, dearest first.
    pub models: Vec<ModelUsage>,
    /// What is known of a block, in rows of blocks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub block: Option<Block>,
}

/// What was used of one model.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, ToSchema)]
pub struct ModelUsage {
    /// The model; `unknown` where nobody told.
    pub model: String,
    /// What was used.
    #[serde(flatten)]
    pub usage: UsageSums,
}

/// Five hours that begin at the whole hour of their first usage, or the time between two of them.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, ToSchema)]
pub struct Block {
    /// When it begins.
    pub starts_at: String,
    /// When it ends.
    pub ends_at: String,
    /// Whether it is the time between two blocks, in which nothing was used.
    pub is_gap: bool,
    /// Whether it is the one that runs.
    pub is_active: bool,
    /// How it goes, where it runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pace: Option<Pace>,
    /// How far the limits of agents are used up in it, where it runs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub limits: Vec<BlockLimit>,
}

/// How far the limit of one agent is used up in a running block, by the settings under `usage`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, ToSchema)]
pub struct BlockLimit {
    /// The agent type.
    pub agent_type: String,
    /// What is counted: `tokens`, of input and output, or `cost`, in US dollars.
    pub unit: String,
    /// The limit.
    pub limit: f64,
    /// What is used.
    pub used: f64,
    /// How much of the limit that is.
    pub percent: f64,
    /// Of that unit an hour, since the agent's first usage in the block.
    pub per_hour: f64,
    /// Whether it is used up.
    pub is_reached: bool,
    /// When it was used up, to a quarter of an hour, or will be, if it goes on so; null where the block
    /// ends before.
    pub reached_at: Option<String>,
}

/// How fast a running block uses up, and where that leads.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize, ToSchema)]
pub struct Pace {
    /// Tokens a minute since its first usage.
    pub tokens_per_minute: f64,
    /// US dollars an hour since its first usage.
    pub usd_per_hour: Option<f64>,
    /// The minutes until it ends.
    pub minutes_left: u64,
    /// The tokens at its end, if it goes on so.
    pub projected_tokens: u64,
    /// The cost at its end, if it goes on so.
    pub projected_cost_usd: Option<f64>,
}

/// Which sources know of a session.
#[derive(Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ProvenanceReport {
    /// The session.
    pub session_id: String,
    /// What the very same sources told, by kind.
    pub parts: Vec<ProvenancePart>,
    /// What one source alone told of.
    pub only: Vec<SourcePart>,
}

/// What the very same sources told of one kind of event.
#[derive(Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ProvenancePart {
    /// The sources.
    pub sources: Vec<String>,
    /// The kind of event.
    pub event_type: String,
    /// How many events.
    pub events: u64,
    /// All tokens of those.
    pub total_tokens: u64,
    /// What those cost.
    pub cost_usd: f64,
    /// How many of them used tokens and have no price.
    pub unpriced_requests: u64,
}

/// What nobody but one source told of.
#[derive(Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SourcePart {
    /// The source.
    pub source: String,
    /// How many events.
    pub events: u64,
    /// All tokens of those.
    pub total_tokens: u64,
    /// What those cost.
    pub cost_usd: f64,
}

/// One event with what each source told of it.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct EventWithTellings<'a> {
    /// The event.
    pub event: EventRow<'a>,
    /// What was told, the first telling first.
    pub tellings: Vec<TellingRow>,
    /// What was said in it, as far as it is kept.
    #[serde(default)]
    pub texts: Vec<EntryText>,
}

/// What one source told of an event.
#[derive(Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TellingRow {
    /// The source.
    pub source: String,
    /// Its name for the event.
    pub event_id: Option<String>,
    /// When it told.
    pub told_at: String,
    /// When the event happened by its clock.
    pub client_timestamp: Option<String>,
    /// The model that it named.
    pub model: Option<String>,
    /// Tokens of the prompt that no cache was involved in.
    pub tokens_in: u64,
    /// Tokens of the answer.
    pub tokens_out: u64,
    /// Tokens of the prompt that were found in a cache.
    pub cache_read_tokens: u64,
    /// Tokens of the prompt that were put into a cache.
    pub cache_write_tokens: u64,
    /// How many of those live for an hour.
    pub cache_write_1h_tokens: u64,
    /// What it cost.
    pub cost_usd: Option<f64>,
    /// Whether the cost is the agent's own word and not worked out from a price list.
    pub cost_is_stated: bool,
    /// How long it took.
    pub duration_ms: Option<u64>,
}

/// What may be spent, and what is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Budgets {
    /// The time zone whose days these are.
    pub tz: String,
    /// From how much of a limit on it is warned of.
    pub warn_percent: f64,
    /// The day, the week and the month that run.
    pub budgets: Vec<BudgetState>,
}

/// What may be spent in a period, and what is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct BudgetState {
    /// `day`, `week` or `month`.
    pub period: String,
    /// What may be spent; null where there is no limit.
    pub limit_usd: Option<f64>,
    /// What is spent.
    pub spent_usd: f64,
    /// How much of the limit that is; null where there is none.
    pub percent: Option<f64>,
    /// `off`, `ok`, `warning` or `over`.
    pub state: String,
    /// When the period began.
    pub starts_at: String,
    /// When the next one begins.
    pub resets_at: String,
    /// How many requests have no price and so are not part of it.
    pub unpriced_requests: u64,
    /// The models of those.
    pub unpriced_models: Vec<String>,
}

/// What models cost, and which of those in use have no price.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PriceList {
    /// Every model that has a price.
    pub models: Vec<ModelPrice>,
    /// Every model that was used and has none.
    pub unpriced: Vec<UnpricedModel>,
}

/// What a model costs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ModelPrice {
    /// Its name.
    pub model: String,
    /// Who sells it, or `custom`.
    pub provider: String,
    /// Its other names.
    pub aliases: Vec<String>,
    /// Whether it is withdrawn, or will be.
    pub is_deprecated: bool,
    /// What rates are multiplied by for batches.
    pub batch: Option<f64>,
    /// What rates are multiplied by for priority.
    pub priority: Option<f64>,
    /// Its rates over time, oldest first.
    pub prices: Vec<PricePeriod>,
    /// The requests to it that are in the store.
    pub requests: u64,
}

/// A stretch of time in which prices stay the same.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PricePeriod {
    /// When it begins; null for the first one.
    pub from: Option<String>,
    /// The rates.
    #[serde(flatten)]
    pub rates: PriceRates,
    /// Other rates for long prompts.
    pub bands: Vec<PriceBand>,
}

/// Rates for prompts longer than a threshold.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PriceBand {
    /// A prompt of exactly so many tokens is still outside.
    pub prompt_over: u64,
    /// The rates.
    #[serde(flatten)]
    pub rates: PriceRates,
}

/// US dollars per million tokens.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PriceRates {
    /// For input.
    pub input: f64,
    /// For output.
    pub output: f64,
    /// For what a cache is read for.
    pub cache_read: f64,
    /// For what is put into a cache.
    pub cache_write: f64,
    /// For what is put there for an hour, where that is known.
    pub cache_write_1h: Option<f64>,
}

/// A model that was used and has no price.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UnpricedModel {
    /// Its name as the agent told it.
    pub model: String,
    /// The requests to it.
    pub requests: u64,
    /// All of their tokens.
    pub total_tokens: u64,
}

/// Whether costs are only looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
pub struct RecalculateRequest {
    /// Whether nothing is to be changed.
    #[serde(default)]
    pub dry_run: bool,
}

/// What became of the costs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RecalculateReport {
    /// Whether nothing was changed.
    pub dry_run: bool,
    /// Events whose cost is another now.
    pub updated: u64,
    /// Events whose cost is the same.
    pub unchanged: u64,
    /// Events whose cost the agent stated, which is not touched.
    pub stated: u64,
    /// Events of each model that has no price.
    pub unknown_models: Counts,
    /// What all of these events cost before.
    pub cost_before_usd: f64,
    /// What they cost now.
    pub cost_after_usd: f64,
    /// How long it took.
    pub elapsed_ms: u64,
}
