//! Sessions, what was said in them, and what lists can be filtered by.

use std::borrow::Cow;

use axum::extract::{Path, State};
use axum::response::Response;
use oriel_model::{EventKind, Outcome, StoredEvent};
use oriel_store::{PhaseFilter, SessionFilter};
use oriel_wire::time::{iso_text, sqlite_text};
use oriel_wire::{
    BranchOption, FilterOptions, Problem, SessionPage, SessionWithEvents, Transcript,
    TranscriptEntry,
};
use serde_json::Value;

use super::Shared;
use super::error::ApiError;
use super::params::{Params, ROWS_MAX};
use super::reply::found;
use crate::rows::{event_row, session_row};

/// What tells most of an event, the first that says anything.
const DETAILS: [&str; 7] =
    ["content_preview", "command", "file_path", "pattern", "query", "error", "diff_preview"];

/// Lists sessions: active, then idle, then ended ones, each by its last event.
#[utoipa::path(get, path = "/api/sessions", tag = "sessions", params(
        ("status" = Option<String>, Query), ("exclude_status" = Option<String>, Query),
        ("agent_type" = Option<String>, Query), ("since" = Option<String>, Query),
        ("limit" = Option<i64>, Query)),
    responses((status = 200, body = SessionPage)))]
pub(super) async fn list(State(app): Shared, params: Params) -> Result<Response, ApiError> {
    let phase = |name| params.text(name).map(|word| PhaseFilter::from_word(&word));
    let filter = SessionFilter {
        phase: phase("status"),
        not_phase: phase("exclude_status"),
        agent_type: params.text("agent_type"),
        since: params.text("since"),
    };
    let limit = match params.int("limit") {
        None => 50,
        Some(limit) if limit <= 0 => ROWS_MAX,
        Some(limit) => usize::try_from(limit).unwrap_or(ROWS_MAX).min(ROWS_MAX),
    };
    let now = app.now();
    let sessions = app.store()?.sessions(filter, limit, now, app.quiet).await?;
    let sessions: Vec<_> =
        sessions.into_iter().map(|session| session_row(session, now, app.quiet)).collect();
    let total = sessions.len();
    Ok(found(&SessionPage { sessions, total }))
}

/// Shows a session with its latest events.
#[utoipa::path(get, path = "/api/sessions/{id}", tag = "sessions", params(
        ("id" = String, Path), ("event_limit" = Option<i64>, Query),
        ("limit" = Option<i64>, Query, description = "The same as `event_limit`")),
    responses((status = 200, body = SessionWithEvents<'static>), (status = 404, body = Problem)))]
pub(super) async fn one(
    State(app): Shared,
    Path(id): Path<String>,
    params: Params,
) -> Result<Response, ApiError> {
    let limit = match params.int("event_limit").or_else(|| params.int("limit")) {
        None => 10,
        Some(limit) => usize::try_from(limit).map_or(ROWS_MAX, |limit| limit.min(ROWS_MAX)),
    };
    let store = app.store()?;
    let session = store.session(id.clone()).await?;
    let session = session.ok_or(ApiError::NotFound("Session not found".into()))?;
    let events = store.session_events(id, limit).await?;
    let session = session_row(session, app.now(), app.quiet);
    Ok(found(&SessionWithEvents { session, events: events.iter().map(event_row).collect() }))
}

/// Shows what was said and done in a session, oldest first.
#[utoipa::path(get, path = "/api/sessions/{id}/transcript", tag = "sessions",
    params(("id" = String, Path)),
    responses((status = 200, body = Transcript<'static>), (status = 404, body = Problem)))]
pub(super) async fn transcript(
    State(app): Shared,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    let mut events = app.store()?.session_events(id.clone(), ROWS_MAX).await?;
    if events.is_empty() {
        return Err(ApiError::NotFound("No transcript data for this session".into()));
    }
    events.reverse();
    let entries = events.iter().map(entry).collect();
    Ok(found(&Transcript { session_id: Cow::Owned(id), entries }))
}

/// Lists the values that lists can be filtered by.
#[utoipa::path(get, path = "/api/filter-options", tag = "events",
    responses((status = 200, body = FilterOptions)))]
pub(super) async fn filter_options(State(app): Shared) -> Result<Response, ApiError> {
    let options = app.store()?.filter_options().await?;
    let branches = options.branches.into_iter().filter(|(branch, _)| branch != "HEAD");
    Ok(found(&FilterOptions {
        agent_types: options.agent_types,
        event_types: options.event_types,
        tool_names: options.tool_names,
        models: options.models,
        projects: options.projects,
        branches: branches
            .map(|(branch, project)| BranchOption {
                label: match project {
                    Some(project) => format!("{project} / {branch}"),
                    None => branch.clone(),
                },
                value: branch,
            })
            .collect(),
        sources: options.sources,
    }))
}

fn entry(stored: &StoredEvent) -> TranscriptEntry<'_> {
    let event = &stored.event;
    let facet = &event.facet;
    let role = match facet.kind {
        EventKind::SessionStart | EventKind::SessionEnd => "system",
        EventKind::UserPrompt => "user",
        EventKind::ToolUse => "tool",
        _ => "assistant",
    };
    let said = |count: u64| Some(count).filter(|&count| count > 0);
    TranscriptEntry {
        role: role.into(),
        kind: facet.kind.as_str().into(),
        timestamp: event.client_ms.map_or_else(|| sqlite_text(stored.created_at), iso_text),
        tool_name: facet.tool_name.as_deref().map(Cow::Borrowed),
        detail: detail(facet.kind, event.metadata.text()),
        status: (facet.outcome != Outcome::Success).then(|| facet.outcome.as_str().into()),
        model: facet.model.as_deref().map(Cow::Borrowed),
        tokens_in: said(event.tokens.input),
        tokens_out: said(event.tokens.output),
        cost_usd: event.cost_usd.filter(|&cost| cost > 0.0),
        duration_ms: event.duration_ms,
    }
}

fn detail(kind: EventKind, metadata: &str) -> Option<String> {
    let metadata: Value = serde_json::from_str(metadata).ok()?;
    let text = |value: &Value| Some(value.as_str()?.to_owned()).filter(|text| !text.is_empty());
    let message = match kind {
        EventKind::UserPrompt => metadata.get("message").and_then(text),
        _ => None,
    };
    message.or_else(|| {
        DETAILS.iter().find_map(|&key| {
            let value = metadata.get(key)?;
            text(value).or_else(|| if key == "error" { text(value.get("message")?) } else { None })
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_detail_is_the_first_thing_that_says_anything() {
        let tool = EventKind::ToolUse;
        check(tool, r#"{"file_path":"a.rs","command":"ls"}"#, Some("ls"));
        check(tool, r#"{"command":"","file_path":"a.rs"}"#, Some("a.rs"));
        check(tool, r#"{"error":{"message":"broken"}}"#, Some("broken"));
        check(tool, r#"{"message":"for prompts only"}"#, None);
        check(EventKind::UserPrompt, r#"{"message":"hello","command":"ls"}"#, Some("hello"));
        check(tool, r#""text""#, None);
        check(tool, "not json", None);
    }

    fn check(kind: EventKind, metadata: &str, expected: Option<&str>) {
        assert_eq!(detail(kind, metadata).as_deref(), expected, "{metadata}");
    }
}
