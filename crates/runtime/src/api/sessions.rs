//! Sessions, what was said in them, and what lists can be filtered by.

use std::borrow::Cow;

use axum::extract::{Path, State};
use axum::response::Response;
use oriel_model::{EventKind, EventNumber, Outcome, StoredEvent};
use oriel_store::{EntriesQuery, Entry, Part, PhaseFilter, SessionFilter};
use oriel_wire::time::{iso_text, sqlite_text};
use oriel_wire::{
    BranchOption, FilterOptions, Problem, SessionEntries, SessionEntry, SessionPage,
    SessionWithEvents, Transcript, TranscriptEntry,
};

use super::Shared;
use super::error::ApiError;
use super::params::{Params, ROWS_MAX};
use super::reply::found;
use crate::rows::{detail, event_row, session_row, text_row};

/// A part of a session has so many entries where nothing is said.
const ENTRIES: usize = 100;

/// A part of a session has no more entries than this; the rest is read in further parts.
const ENTRIES_MAX: usize = 500;

/// So much of each text is shown where nothing is said.
const TEXT_BYTES: usize = 16 * 1024;

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

/// Shows what was said and done in a session with the very words, part by part, each oldest first.
#[utoipa::path(get, path = "/api/sessions/{id}/entries", tag = "sessions", params(
        ("id" = String, Path),
        ("after" = Option<i64>, Query, description = "What came after this event; 0 is before all"),
        ("before" = Option<i64>, Query, description = "What came before this event; the end unless told"),
        ("until" = Option<i64>, Query, description = "Nothing that came after this event"),
        ("limit" = Option<i64>, Query, description = "100 unless told, 500 at most"),
        ("text_bytes" = Option<i64>, Query, description = "How much of each text; 16384 unless told")),
    responses((status = 200, body = SessionEntries<'static>), (status = 400, body = Problem),
        (status = 404, body = Problem)))]
pub(super) async fn entries(
    State(app): Shared,
    Path(id): Path<String>,
    params: Params,
) -> Result<Response, ApiError> {
    let part = match (params.int("after"), params.int("before")) {
        (Some(_), Some(_)) => {
            return Err(ApiError::Bad("say `after` or `before`, not both".into()));
        }
        (Some(number), None) => Part::After(EventNumber(number)),
        (None, Some(number)) => Part::Before(EventNumber(number)),
        (None, None) => Part::Last,
    };
    let text_bytes =
        params.int("text_bytes").map_or(TEXT_BYTES, |bytes| usize::try_from(bytes).unwrap_or(0));
    let query = EntriesQuery {
        session: id.clone(),
        part,
        until: params.int("until").map(EventNumber),
        limit: params.limit("limit", ENTRIES).min(ENTRIES_MAX),
        text_bytes,
    };
    let found_part = app.store()?.entries(query).await?;
    let page = found_part.ok_or(ApiError::NotFound("Session not found".into()))?;
    let number = |entry: Option<&Entry>| entry.map(|entry| entry.event.number.0);
    // Where nothing is left in this direction, the other one begins where this one was asked from.
    let edge = params.int("after").or(params.int("before"));
    let (older, newer) = (
        number(page.entries.first()).or(edge.map(|edge| edge.saturating_add(1))),
        number(page.entries.last()).or(edge.map(|edge| edge.saturating_sub(1))),
    );
    let (older, newer) = (older.filter(|_| page.has_older), newer.filter(|_| page.has_newer));
    let events: Vec<_> = page.entries;
    let (events, texts): (Vec<_>, Vec<_>) =
        events.into_iter().map(|entry| (entry.event, entry.texts)).unzip();
    let entries = events.iter().zip(texts).map(|(event, texts)| SessionEntry {
        event: event_row(event),
        texts: texts.into_iter().map(text_row).collect(),
    });
    let entries = entries.collect();
    Ok(found(&SessionEntries { session_id: Cow::Owned(id), entries, older, newer }))
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
