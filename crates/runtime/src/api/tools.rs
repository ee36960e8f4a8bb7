//! How tools do, in detail.

use axum::extract::State;
use axum::response::Response;
use oriel_model::StoredEvent;
use oriel_store::{CallSums, ToolsQuery};
use oriel_wire::time::rfc3339;
use oriel_wire::{
    AgentToolCalls, Problem, ToolCall, ToolCalls, ToolDetail, ToolsDetail, ToolsSpan,
};

use super::Shared;
use super::error::ApiError;
use super::params::Params;
use super::reply::found;
use super::stats::ratio;
use crate::rows::{detail_line, happened_ms};

/// Shows how often each tool ran and failed, how long that took, which calls to look at, and how
/// that went over time. Time is the sender's, and whole hours count.
#[utoipa::path(get, path = "/api/stats/tools/detail", tag = "statistics", params(
        ("since" = Option<String>, Query, description = "A day in UTC, or a time"),
        ("until" = Option<String>, Query, description = "A day in UTC with all of it, or a time"),
        ("agent_type" = Option<String>, Query), ("tool_name" = Option<String>, Query)),
    responses((status = 200, body = ToolsDetail), (status = 400, body = Problem)))]
pub(super) async fn detail(State(app): Shared, params: Params) -> Result<Response, ApiError> {
    let query = ToolsQuery {
        agent_type: params.text("agent_type"),
        tool_name: params.text("tool_name"),
        since: params.since()?,
        until: params.until()?,
        now: app.now(),
    };
    let detail = app.store()?.tools_detail(query).await?;
    let tools = detail.tools.into_iter().map(|tool| ToolDetail {
        tool_name: tool.tool_name,
        calls: calls(tool.calls),
        by_agent: tool
            .by_agent
            .into_iter()
            .map(|(agent_type, of)| AgentToolCalls { agent_type, calls: calls(of) })
            .collect(),
        slowest: tool.slowest.iter().map(call).collect(),
        failures: tool.failures.iter().map(call).collect(),
    });
    let series = detail.series.into_iter();
    Ok(found(&ToolsDetail {
        tools: tools.collect(),
        more_tools: detail.more_tools,
        series: series
            .map(|span| ToolsSpan { start: rfc3339(span.start), calls: calls(span.calls) })
            .collect(),
        series_seconds: detail.series_seconds,
    }))
}

fn calls(sums: CallSums) -> ToolCalls {
    ToolCalls {
        calls: sums.calls,
        errors: sums.errors,
        timeouts: sums.timeouts,
        error_rate: ratio(sums.errors.saturating_add(sums.timeouts), sums.calls),
        timed_calls: sums.timed,
        p50_ms: sums.p50_ms,
        p95_ms: sums.p95_ms,
        max_ms: sums.max_ms,
    }
}

fn call(stored: &StoredEvent) -> ToolCall {
    let event = &stored.event;
    ToolCall {
        event: stored.number.0,
        session_id: event.session_id.0.clone(),
        agent_type: event.facet.agent_type.clone(),
        status: event.facet.outcome.as_str().to_owned(),
        duration_ms: event.duration_ms,
        at: rfc3339(happened_ms(stored).div_euclid(1000)),
        detail: detail_line(stored),
    }
}
