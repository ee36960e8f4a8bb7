//! The audit: every request that changes something is written down once it is done, and what the
//! console refused or did itself is taken.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use oriel_wire::Problem;
use oriel_wire::audit::{AuditNote, AuditPage};
use oriel_wire::control::ACTOR_HEADER;

use super::Shared;
use super::error::ApiError;
use super::guard::Refused;
use super::params::Params;
use super::reply::{found, json, read_body};
use crate::app::App;
use crate::audit::Draft;

/// The longest body that tells of something.
const BODY_BYTES_MAX: usize = 16 * 1024;

/// So many entries are listed unless told,
const USUAL: usize = 50;

/// and no more than this in one page.
const PAGE_MAX: usize = 500;

/// Sessions of the console have shorter names.
const SESSION_CHARS_MAX: usize = 64;

/// What an answer adds to its entry.
#[derive(Clone)]
pub(super) struct Detail(pub String);

/// Lets a request that changes something through, and writes down what came of it.
pub(super) async fn audited(
    State((app, route)): State<(Arc<App>, &'static str)>,
    request: Request,
    next: Next,
) -> Response {
    let mut draft = Draft {
        who: actor(request.headers()),
        what: format!("{} {route}", request.method()),
        target: request.uri().path().to_owned(),
        ..Draft::default()
    };
    // Whoever asked may go away; what they asked for is done and written down all the same.
    let done = tokio::spawn(async move {
        let response = next.run(request).await;
        draft.outcome = response.status().to_string();
        draft.detail = response.extensions().get::<Detail>().map(|Detail(text)| text.clone());
        if response.extensions().get::<Refused>().is_some() {
            draft.refused = true;
            draft.who = "unknown".to_owned();
        }
        app.audit.write(draft).await;
        response
    });
    match done.await {
        Ok(response) => response,
        Err(error) => {
            tracing::error!(%error, "a request failed");
            let problem = Problem { error: "internal server error".into() };
            json(StatusCode::INTERNAL_SERVER_ERROR, &problem).into_response()
        }
    }
}

/// Lists who changed what, the newest first.
#[utoipa::path(get, path = "/control/audit", tag = "control", params(
        ("limit" = Option<i64>, Query, description = "50 unless told, at most 500"),
        ("before" = Option<i64>, Query, description = "The `next` of the page before")),
    responses((status = 200, body = AuditPage), (status = 400, body = Problem)))]
pub(super) async fn list(State(app): Shared, params: Params) -> Result<Response, ApiError> {
    let limit = params.limit("limit", USUAL).min(PAGE_MAX);
    let before =
        match params.text("before") {
            None => None,
            Some(text) => Some(text.parse::<u64>().map_err(|_| {
                ApiError::Bad("`before` must be the `next` of the page before".into())
            })?),
        };
    let audit = Arc::clone(&app.audit);
    let page = tokio::task::spawn_blocking(move || audit.read(limit, before)).await;
    let page = page.map_err(|_| ApiError::Busy("the runtime stops".into()))?;
    Ok(found(&page))
}

/// Takes what the console refused, or did itself. The runtime dates it, and of what was refused it
/// writes so many a minute.
#[utoipa::path(post, path = "/control/audit", tag = "control", request_body = AuditNote,
    responses((status = 202), (status = 400, body = Problem)))]
pub(super) async fn note(State(app): Shared, body: Body) -> Result<Response, ApiError> {
    let body = read_body(body, BODY_BYTES_MAX).await?;
    let note: AuditNote = serde_json::from_slice(&body)
        .map_err(|error| ApiError::Bad(format!("the request cannot be read: {error}").into()))?;
    let AuditNote { at: _, who, what, target, outcome, detail, done } = note;
    app.audit.write(Draft { who, what, target, outcome, detail, refused: !done }).await;
    Ok(json(StatusCode::ACCEPTED, &serde_json::json!({ "taken": true })))
}

/// Returns for whom a request was made, as whoever made it says.
fn actor(headers: &HeaderMap) -> String {
    let said = headers.get(ACTOR_HEADER).and_then(|said| said.to_str().ok()).unwrap_or_default();
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    let is_session = |session: &str| {
        !session.is_empty() && session.len() <= SESSION_CHARS_MAX && session.bytes().all(is_plain)
    };
    match said.strip_prefix("console:") {
        Some(session) if is_session(session) => said.to_owned(),
        _ if said == "cli" => said.to_owned(),
        _ => "control".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn only_known_actors_are_named() {
        let long = format!("console:{}", "x".repeat(65));
        for (said, expected) in [
            ("cli", "cli"),
            ("console:aZ0-_", "console:aZ0-_"),
            ("console:", "control"),
            ("console:a b", "control"),
            (&long, "control"),
            ("somebody", "control"),
            ("", "control"),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(ACTOR_HEADER, HeaderValue::from_str(said).unwrap());
            assert_eq!(actor(&headers), expected, "{said}");
        }
        assert_eq!(actor(&HeaderMap::new()), "control");
    }
}
