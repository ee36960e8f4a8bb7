//! Sync: what stands beside this runtime and keeps folders equal, for those who may steer the daemon.
//!
//! Commands are read here only so far that the audit can say of what they were; who is asked reads the
//! same bytes and decides.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::http::Request;
use axum::http::header::CONTENT_TYPE;
use axum::response::Response;
use futures_util::StreamExt as _;
use oriel_wire::Problem;
use oriel_wire::sync::{
    ConfirmSync, ConflictTexts, ResolveConflict, StartSync, StopSync, SyncEvent, SyncFailed,
    SyncList, SyncStatus, SyncVerified, TEXT_BYTES_MAX, VerifySync,
};
use serde_json::Value;

use super::Shared;
use super::audit::Detail;
use super::error::ApiError;
use super::reply::read_body;
use crate::app::App;

/// The longest body of a command. Line ends and quotes double in JSON, so that a text of the greatest
/// length has room; whatever is longer is refused.
const BODY_BYTES_MAX: usize = 2 * TEXT_BYTES_MAX + 64 * 1024;

/// So much of a field stands in the audit.
const DETAIL_CHARS_MAX: usize = 200;

/// Lists what is synced.
#[utoipa::path(get, path = "/control/sync", tag = "sync",
    responses((status = 200, body = SyncList), (status = 404, body = Problem)))]
pub(super) async fn list(State(app): Shared) -> Result<Response, ApiError> {
    look(&app, "/sync".to_owned()).await
}

/// Tells how the sync of a session stands.
#[utoipa::path(get, path = "/control/sync/{id}", tag = "sync",
    params(("id" = String, Path, description = "The session")),
    responses((status = 200, body = SyncStatus), (status = 404, body = SyncFailed)))]
pub(super) async fn one(State(app): Shared, request: Request<Body>) -> Result<Response, ApiError> {
    look(&app, beneath(&request)).await
}

/// Tells the versions of a path in conflict.
#[utoipa::path(get, path = "/control/sync/{id}/conflict", tag = "sync",
    params(("id" = String, Path, description = "The session"), ("path" = String, Query)),
    responses((status = 200, body = ConflictTexts), (status = 404, body = SyncFailed)))]
pub(super) async fn conflict(
    State(app): Shared,
    RawQuery(query): RawQuery,
    request: Request<Body>,
) -> Result<Response, ApiError> {
    look(&app, format!("{}?{}", beneath(&request), query.unwrap_or_default())).await
}

/// Streams what happens, until whoever listens goes or the runtime stops.
#[utoipa::path(get, path = "/control/sync/events", tag = "sync",
    responses((status = 200, body = SyncEvent, content_type = "text/event-stream"),
        (status = 404, body = Problem)))]
pub(super) async fn events(State(app): Shared) -> Result<Response, ApiError> {
    let (head, body) = look(&app, "/sync/events".to_owned()).await?.into_parts();
    let stopping = Arc::clone(&app);
    let stop = Box::pin(async move { stopping.stopping().await });
    let pieces = body.into_data_stream().take_until(stop);
    Ok(Response::from_parts(head, Body::from_stream(pieces)))
}

/// Begins to keep a session's workspace and a folder equal.
#[utoipa::path(post, path = "/control/sync/start", tag = "sync", request_body = StartSync,
    responses((status = 200, body = SyncStatus), (status = 400, body = SyncFailed),
        (status = 404, body = SyncFailed), (status = 409, body = SyncFailed)))]
pub(super) async fn start(State(app): Shared, body: Body) -> Result<Response, ApiError> {
    act(&app, "start", body).await
}

/// Ends the sync of a session.
#[utoipa::path(post, path = "/control/sync/stop", tag = "sync", request_body = StopSync,
    responses((status = 200, body = SyncStatus), (status = 404, body = SyncFailed)))]
pub(super) async fn stop(State(app): Shared, body: Body) -> Result<Response, ApiError> {
    act(&app, "stop", body).await
}

/// Goes on after a pause that a person was asked about.
#[utoipa::path(post, path = "/control/sync/confirm", tag = "sync", request_body = ConfirmSync,
    responses((status = 200, body = SyncStatus), (status = 404, body = SyncFailed),
        (status = 409, body = SyncFailed)))]
pub(super) async fn confirm(State(app): Shared, body: Body) -> Result<Response, ApiError> {
    act(&app, "confirm", body).await
}

/// Ends a conflict.
#[utoipa::path(post, path = "/control/sync/resolve", tag = "sync", request_body = ResolveConflict,
    responses((status = 200, body = SyncStatus), (status = 400, body = SyncFailed),
        (status = 404, body = SyncFailed), (status = 409, body = SyncFailed)))]
pub(super) async fn resolve(State(app): Shared, body: Body) -> Result<Response, ApiError> {
    act(&app, "resolve", body).await
}

/// Compares both trees of a session whole.
#[utoipa::path(post, path = "/control/sync/verify", tag = "sync", request_body = VerifySync,
    responses((status = 200, body = SyncVerified), (status = 404, body = SyncFailed)))]
pub(super) async fn verify(State(app): Shared, body: Body) -> Result<Response, ApiError> {
    act(&app, "verify", body).await
}

async fn look(app: &App, path: String) -> Result<Response, ApiError> {
    ask(app, Request::get(path), Body::empty()).await
}

async fn act(app: &App, command: &str, body: Body) -> Result<Response, ApiError> {
    let body = read_body(body, BODY_BYTES_MAX).await?;
    let detail = detail(&body);
    let request =
        Request::post(format!("/sync/{command}")).header(CONTENT_TYPE, "application/json");
    let mut response = ask(app, request, Body::from(body)).await?;
    if let Some(detail) = detail {
        response.extensions_mut().insert(Detail(detail));
    }
    Ok(response)
}

async fn ask(
    app: &App,
    request: axum::http::request::Builder,
    body: Body,
) -> Result<Response, ApiError> {
    let sync = app.sync.get().ok_or_else(|| {
        ApiError::NotFound(
            "nothing is synced by this runtime; start the daemon (`oriel serve`) with its gateway on".into(),
        )
    })?;
    let request =
        request.body(body).map_err(|_| ApiError::Bad("the address cannot be read".into()))?;
    sync.send(request).await.map_err(|error| ApiError::Busy(error.to_string().into()))
}

/// Returns the request's path as it is beneath `/control`, with names escaped as they came.
fn beneath(request: &Request<Body>) -> String {
    let path = request.uri().path();
    path.strip_prefix("/control").unwrap_or(path).to_owned()
}

/// Says of what a command is, for the audit: never what a file holds.
fn detail(body: &[u8]) -> Option<String> {
    let command: Value = serde_json::from_slice(body).ok()?;
    let field = |name: &str| {
        let text = command.get(name)?.as_str()?;
        Some(format!("{name} {}", text.chars().take(DETAIL_CHARS_MAX).collect::<String>()))
    };
    let named = ["sessionId", "localDir", "path", "resolution", "reason"].into_iter();
    let said = |name: &'static str| (command.get(name)?.as_bool()?).then(|| name.to_owned());
    let chosen = ["confirmNonEmpty", "allowPolling", "mergeUnasked", "forget", "restore"];
    let parts: Vec<_> =
        named.filter_map(field).chain(chosen.into_iter().filter_map(said)).collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

#[cfg(test)]
mod tests;
