//! Statistics: totals, tools, costs, usage windows.

use axum::extract::State;
use axum::response::Response;
use oriel_store::Used;
use oriel_wire::time::rfc3339;
use oriel_wire::{
    AgentUsage, CostBucket, CostReport, Counts, ModelCost, ProjectCost, Stats, ToolStats,
    ToolTable, UsageOfWindow,
};

use super::Shared;
use super::error::ApiError;
use super::params::{Params, ROWS_MAX};
use super::reply::found;
use crate::app::App;
use crate::config::{UsageUnit, UsageWindow};

/// How many projects are listed where nothing is said.
const PROJECTS: usize = 10;

/// Shows the totals.
#[utoipa::path(get, path = "/api/stats", tag = "statistics",
    params(("agent_type" = Option<String>, Query), ("since" = Option<String>, Query)),
    responses((status = 200, body = Stats)))]
pub(super) async fn totals(State(app): Shared, params: Params) -> Result<Response, ApiError> {
    Ok(found(&read_totals(&app, params.text("agent_type"), params.text("since")).await?))
}

/// Shows how each tool does.
#[utoipa::path(get, path = "/api/stats/tools", tag = "statistics",
    params(("agent_type" = Option<String>, Query), ("since" = Option<String>, Query)),
    responses((status = 200, body = ToolTable)))]
pub(super) async fn tools(State(app): Shared, params: Params) -> Result<Response, ApiError> {
    let tools = app.store()?.tools(params.text("agent_type"), params.text("since")).await?;
    let tools = tools.into_iter().map(|tool| ToolStats {
        error_rate: ratio(tool.errors, tool.calls),
        avg_duration_ms: average(tool.duration_ms, tool.timed_calls),
        tool_name: tool.tool_name,
        total_calls: tool.calls,
        error_count: tool.errors,
        by_agent: Counts(tool.by_agent),
    });
    Ok(found(&ToolTable { tools: tools.collect() }))
}

/// Shows where the money goes.
#[utoipa::path(get, path = "/api/stats/cost", tag = "statistics", params(
        ("agent_type" = Option<String>, Query), ("since" = Option<String>, Query),
        ("limit" = Option<i64>, Query, description = "How many projects, 10 unless told")),
    responses((status = 200, body = CostReport)))]
pub(super) async fn costs(State(app): Shared, params: Params) -> Result<Response, ApiError> {
    let projects = params.limit("limit", PROJECTS);
    let store = app.store()?;
    let report = store.costs(params.text("agent_type"), params.text("since"), projects).await?;
    let timeline = report.hours.into_iter().map(|hour| CostBucket {
        bucket: rfc3339(hour.start),
        cost_usd: hour.cost.dollars(),
        tokens_in: hour.tokens_in,
        tokens_out: hour.tokens_out,
        event_count: hour.events,
    });
    let by_project = report.projects.into_iter().map(|project| ProjectCost {
        project: project.project.unwrap_or_else(|| "unknown".to_owned()),
        cost_usd: project.cost.dollars(),
        session_count: project.sessions,
        event_count: project.events,
    });
    let by_model = report.models.into_iter().map(|model| ModelCost {
        model: model.model,
        cost_usd: model.cost.dollars(),
        event_count: model.events,
        tokens_in: model.tokens_in,
        tokens_out: model.tokens_out,
    });
    Ok(found(&CostReport {
        timeline: timeline.collect(),
        by_project: by_project.collect(),
        by_model: by_model.take(ROWS_MAX).collect(),
    }))
}

/// Shows how much of their windows known agents have used.
#[utoipa::path(get, path = "/api/stats/usage-monitor", tag = "statistics",
    responses((status = 200, body = Vec<AgentUsage>)))]
pub(super) async fn usage(State(app): Shared) -> Result<Response, ApiError> {
    Ok(found(&read_usage(&app).await?))
}

/// Returns the totals as stream clients get them.
pub(crate) async fn stats_frame(app: &App) -> Result<Stats, ApiError> {
    let usage_monitor = Some(read_usage(app).await?);
    Ok(Stats { usage_monitor, ..read_totals(app, None, None).await? })
}

async fn read_totals(
    app: &App,
    agent_type: Option<String>,
    since: Option<String>,
) -> Result<Stats, ApiError> {
    let stats = app.store()?.stats(agent_type, since, app.now(), app.quiet).await?;
    Ok(Stats {
        total_events: stats.events,
        active_sessions: stats.active_sessions,
        total_sessions: stats.sessions,
        live_sessions: stats.live_sessions,
        active_agents: stats.active_agents,
        total_tokens_in: stats.tokens_in,
        total_tokens_out: stats.tokens_out,
        total_cost_usd: stats.cost.dollars(),
        tool_breakdown: Counts(stats.by_tool),
        agent_breakdown: Counts(stats.by_agent),
        model_breakdown: Counts(stats.by_model),
        branches: stats.branches,
        usage_monitor: None,
    })
}

async fn read_usage(app: &App) -> Result<Vec<AgentUsage>, ApiError> {
    let limits: Vec<_> = app
        .config
        .usage_limits
        .iter()
        .filter(|limit| limit.session.limit > 0.0 || limit.extended.limit > 0.0)
        .collect();
    let now = app.now();
    let since = |window: UsageWindow| now.saturating_sub(i64::from(window.hours) * 3600);
    let windows = limits.iter().flat_map(|limit| {
        [limit.session, limit.extended].map(|window| (limit.agent_type.clone(), since(window)))
    });
    let used = app.store()?.used(windows.collect()).await?;
    let rows = limits.iter().zip(used.chunks_exact(2)).filter_map(|(limit, used)| {
        let amount = |used: Used| match limit.unit {
            UsageUnit::Tokens => used.tokens as f64,
            UsageUnit::Cost => used.cost.dollars(),
        };
        let row = |window: UsageWindow, used: Option<Used>| {
            Some(UsageOfWindow {
                used: amount(used?),
                limit: window.limit,
                window_hours: window.hours,
            })
        };
        Some(AgentUsage {
            agent_type: limit.agent_type.clone(),
            limit_type: match limit.unit {
                UsageUnit::Tokens => "tokens".to_owned(),
                UsageUnit::Cost => "cost".to_owned(),
            },
            session: row(limit.session, used[0])?,
            extended: row(limit.extended, used[1]).filter(|window| window.limit > 0.0),
        })
    });
    Ok(rows.collect())
}

/// Returns a share, to four places.
pub(super) fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { (part as f64 / whole as f64 * 10_000.0).round() / 10_000.0 }
}

/// Returns an average, to a whole number.
fn average(sum: u64, count: u64) -> Option<u64> {
    (count > 0).then(|| (sum as f64 / count as f64).round() as u64)
}
