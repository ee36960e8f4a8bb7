//! Reading bodies and writing answers.

use std::hash::{DefaultHasher, Hash, Hasher};

use axum::body::Body;
use axum::extract::Request;
use axum::http::header::{CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http_body_util::{BodyExt, Collected, LengthLimitError, Limited};
use hyper::body::Body as _;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::error::ApiError;

const JSON: HeaderValue = HeaderValue::from_static("application/json; charset=utf-8");

/// Returns an answer in JSON, with JavaScript's numbers.
pub(super) fn json<T: Serialize + ?Sized>(status: StatusCode, value: &T) -> Response {
    (status, [(CONTENT_TYPE, JSON)], oriel_wire::json::to_vec(value)).into_response()
}

/// Returns what was asked for.
pub(super) fn found<T: Serialize + ?Sized>(value: &T) -> Response {
    json(StatusCode::OK, value)
}

/// Reads a whole body of at most so many bytes.
pub(super) async fn read_body(body: Body, bytes_max: usize) -> Result<Bytes, ApiError> {
    let whole = Limited::new(body, bytes_max).collect().await;
    whole.map(Collected::to_bytes).map_err(|error| {
        if error.is::<LengthLimitError>() { ApiError::TooLong(bytes_max) } else { ApiError::Cut }
    })
}

/// The longest body that steers anything.
const CONTROL_BYTES_MAX: usize = 64 * 1024;

/// Reads the body of a request that steers.
pub(super) async fn parsed_body<T: DeserializeOwned>(body: Body) -> Result<T, ApiError> {
    let body = read_body(body, CONTROL_BYTES_MAX).await?;
    serde_json::from_slice(&body)
        .map_err(|error| ApiError::Bad(format!("the request cannot be read: {error}").into()))
}

/// Reads the body of a request that steers and may say nothing.
pub(super) async fn optional_body<T: DeserializeOwned + Default>(
    body: Body,
) -> Result<T, ApiError> {
    let body = read_body(body, CONTROL_BYTES_MAX).await?;
    if body.trim_ascii().is_empty() {
        return Ok(T::default());
    }
    serde_json::from_slice(&body)
        .map_err(|error| ApiError::Bad(format!("the request cannot be read: {error}").into()))
}

/// Returns whether a body says of itself that it is JSON or plain text, in which some senders
/// wrap it.
pub(super) fn is_textual(headers: &HeaderMap) -> bool {
    let Some(kind) = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()) else {
        return false;
    };
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    kind == "application/json"
        || kind == "text/plain"
        || kind.strip_prefix("application/").is_some_and(|kind| kind.ends_with("+json"))
}

/// Gives every whole answer a weak tag, and answers a reader that has it already with only that.
pub(super) async fn with_etag(request: Request, next: Next) -> Response {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return next.run(request).await;
    }
    let known = request.headers().get(IF_NONE_MATCH).cloned();
    let response = next.run(request).await;
    if response.status() != StatusCode::OK || response.body().size_hint().exact().is_none() {
        return response;
    }
    let (mut head, body) = response.into_parts();
    let Ok(body) = body.collect().await else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let body = body.to_bytes();
    let tag = weak_tag(&body);
    let is_known = known.is_some_and(|known| {
        known.to_str().is_ok_and(|known| known.split(',').any(|one| one.trim() == tag))
    });
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        head.headers.insert(ETAG, tag);
    }
    if is_known {
        head.status = StatusCode::NOT_MODIFIED;
        head.headers.remove(CONTENT_TYPE);
        return Response::from_parts(head, Body::empty());
    }
    Response::from_parts(head, Body::from(body))
}

fn weak_tag(body: &[u8]) -> String {
    // The same in every run of the same program, which is all that a weak tag promises here.
    let mut hasher = DefaultHasher::new();
    body.hash(&mut hasher);
    format!("W/\"{:x}-{:016x}\"", body.len(), hasher.finish())
}
