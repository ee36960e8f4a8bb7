//! Leaving the readiness gate: doing something about what blocks, and starting again.

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use oriel_wire::Problem;
use oriel_wire::readiness::{ActionReport, ActionRequest};

use super::Shared;
use super::audit::Detail;
use super::error::ApiError;
use super::reply::{found, json, read_body};
use crate::gate;

/// The longest body that says how to do something.
const BODY_BYTES_MAX: usize = 16 * 1024;

/// Does something about what keeps the daemon from taking events.
///
/// What is offered stands in the blocker's `actions`. `inspect` only shows; `restore-backup`
/// without a `path` lists what can be restored. The daemon stays in its gate until it is restarted,
/// even when nothing blocks any more.
#[utoipa::path(post, path = "/control/readiness/{id}/{action}", tag = "control",
    params(("id" = String, Path), ("action" = String, Path)),
    request_body = ActionRequest,
    responses((status = 200, body = ActionReport), (status = 400, body = Problem),
        (status = 404, body = Problem), (status = 409, body = Problem),
        (status = 423, body = Problem, description = "there is no key to sign with")))]
pub(super) async fn act(
    State(app): Shared,
    Path((id, action)): Path<(String, String)>,
    body: Body,
) -> Result<Response, ApiError> {
    let body = read_body(body, BODY_BYTES_MAX).await?;
    let request = match body.trim_ascii() {
        b"" => ActionRequest::default(),
        text => serde_json::from_slice(text).map_err(|error| {
            ApiError::Bad(format!("the request cannot be read: {error}").into())
        })?,
    };
    let report = gate::act(&app, &id, &action, request).await?;
    let mut response = found(&report);
    response.extensions_mut().insert(Detail(report.message));
    Ok(response)
}

/// Stops the daemon in good order and starts it again with the same arguments.
#[utoipa::path(post, path = "/control/restart", tag = "control",
    responses((status = 202), (status = 409, body = Problem)))]
pub(super) async fn restart(State(app): Shared) -> Result<Response, ApiError> {
    app.restart()?;
    tracing::info!("asked to start again through the control API");
    Ok(json(StatusCode::ACCEPTED, &serde_json::json!({ "restarting": true })))
}
