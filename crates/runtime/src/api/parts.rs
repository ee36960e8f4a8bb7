//! What a session is made of: its turns and the files that it edited.

use axum::extract::{Path, State};
use axum::response::Response;
use oriel_store::Turn;
use oriel_wire::time::sqlite_text;
use oriel_wire::{Problem, SessionFile, SessionFiles, TurnPage, TurnRow};

use super::Shared;
use super::error::ApiError;
use super::params::Params;
use super::reply::found;
use crate::rows::{detail_line, happened_ms};

/// A page has so many turns where nothing is said,
const TURNS: usize = 20;

/// and no more than this.
const TURNS_MAX: usize = 100;

/// A page has so many files where nothing is said,
const FILES: usize = 100;

/// and no more than this.
const FILES_MAX: usize = 1000;

/// Lists a session's turns, newest first: what each asked, did and cost.
///
/// A page may have fewer turns than asked for where much was done in them.
#[utoipa::path(get, path = "/api/sessions/{id}/turns", tag = "sessions", params(
        ("id" = String, Path),
        ("limit" = Option<i64>, Query, description = "20 unless told, 100 at most"),
        ("before" = Option<i64>, Query, description = "`next` of the page before")),
    responses((status = 200, body = TurnPage), (status = 404, body = Problem)))]
pub(super) async fn turns(
    State(app): Shared,
    Path(id): Path<String>,
    params: Params,
) -> Result<Response, ApiError> {
    let limit = params.limit("limit", TURNS).min(TURNS_MAX);
    let page = app.store()?.turns(id, limit, params.int("before")).await?;
    let page = page.ok_or(ApiError::NotFound("Session not found".into()))?;
    Ok(found(&TurnPage { turns: page.turns.into_iter().map(turn).collect(), next: page.next }))
}

/// Lists the files that a session edited, those edited last first.
#[utoipa::path(get, path = "/api/sessions/{id}/files", tag = "sessions", params(
        ("id" = String, Path),
        ("limit" = Option<i64>, Query, description = "100 unless told, 1000 at most"),
        ("cursor" = Option<String>, Query, description = "`next` of the page before")),
    responses((status = 200, body = SessionFiles), (status = 400, body = Problem),
        (status = 404, body = Problem)))]
pub(super) async fn files(
    State(app): Shared,
    Path(id): Path<String>,
    params: Params,
) -> Result<Response, ApiError> {
    let limit = params.limit("limit", FILES).min(FILES_MAX);
    let after = params.text("cursor").map(|text| {
        let place = text
            .split_once('.')
            .and_then(|(event, path)| Some((event.parse::<i64>().ok()?, path.to_owned())));
        place.ok_or(ApiError::Bad("`cursor` is no `next` of a page before".into()))
    });
    let page = app.store()?.session_files(id, limit, after.transpose()?).await?;
    let page = page.ok_or(ApiError::NotFound("Session not found".into()))?;
    let files = page.files.into_iter().map(|file| SessionFile {
        path: file.path,
        edits: file.edits,
        lines_added: file.lines_added,
        lines_removed: file.lines_removed,
        last_event: file.last_event,
    });
    Ok(found(&SessionFiles {
        files: files.collect(),
        total: page.total,
        next: page.next.map(|(event, path)| format!("{event}.{path}")),
    }))
}

fn turn(turn: Turn) -> TurnRow {
    let started_ms = happened_ms(&turn.first);
    let ended_ms = turn.ended_ms.max(started_ms);
    TurnRow {
        number: turn.number,
        first_event: turn.first.number.0,
        last_event: turn.last_event,
        prompt: detail_line(&turn.first).filter(|_| turn.number > 0),
        started_at: sqlite_text(started_ms.div_euclid(1000)),
        ended_at: sqlite_text(ended_ms.div_euclid(1000)),
        duration_seconds: ended_ms.saturating_sub(started_ms) / 1000,
        events: turn.events,
        requests: turn.requests,
        tool_calls: turn.tool_calls,
        errors: turn.errors,
        tokens_in: turn.tokens.input,
        tokens_out: turn.tokens.output,
        cache_read: turn.tokens.cache_read,
        cache_write: turn.tokens.cache_write,
        cost_usd: turn.cost.dollars(),
        unpriced: turn.unpriced,
        models: turn.models.into_iter().collect(),
    }
}
