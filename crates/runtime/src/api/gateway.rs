//! The gateway: what happens in the sessions that a person has with agents through it.

use axum::body::Body;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use oriel_sources::gateway;
use oriel_wire::{Problem, Receipt};

use super::Shared;
use super::error::ApiError;
use super::reply::{json, read_body};
use crate::told;

/// The longest body. The gateway sends far less at a time, but for a call that gave back a lot.
const BODY_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Takes what happened in a session of the gateway. Telling the same again changes nothing.
#[utoipa::path(post, path = "/api/gateway/events", tag = "sources",
    request_body(content = Object, description = "A session of the gateway, what is open in it, and its events"),
    responses((status = 201, body = Receipt), (status = 200, body = Receipt, description = "Nothing new"),
        (status = 400, body = Problem), (status = 413, body = Problem), (status = 503, body = Problem)))]
pub(super) async fn events(State(app): Shared, body: Body) -> Result<Response, ApiError> {
    let mut body = read_body(body, BODY_BYTES_MAX).await?.to_vec();
    oriel_wire::json::mend_lone_surrogates(&mut body);
    let parsed = gateway::read(&body).map_err(|error| ApiError::Bad(error.to_string().into()))?;
    let taken = told::take(&app, parsed, app.now_ms()).await?;
    let status = if taken.numbers.is_empty() { StatusCode::OK } else { StatusCode::CREATED };
    let (received, ids, duplicates) = (taken.numbers.len(), taken.numbers, taken.duplicates);
    Ok(json(status, &Receipt { received, ids, duplicates }))
}
