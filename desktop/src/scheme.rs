//! The transport between the engine and the bridge: whole requests and whole answers, on whatever engine.
//! The engine's thread only hands over.

use std::sync::Arc;

use axum::body::Body;
use axum::http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Limited};
use tauri::UriSchemeResponder;

use crate::desktop::Desktop;
use crate::windows::surface_of;

/// The engine takes an answer whole, so a longer one is refused rather than held in memory.
const ANSWER_BYTES_MAX: usize = 512 * 1024 * 1024;

/// Answers a request of a page.
pub(crate) fn answer(
    desktop: &Arc<Desktop>,
    label: &str,
    request: Request<Vec<u8>>,
    responder: UriSchemeResponder,
) {
    // What is no surface of ours is told so by the bridge, under its own label.
    let label = surface_of(label).map_or_else(|| label.to_owned(), |own| own.label().to_owned());
    let Some(bridge) = desktop.bridge.get().cloned() else {
        return responder
            .respond(refused(StatusCode::SERVICE_UNAVAILABLE, "The bridge is not up yet."));
    };
    tauri::async_runtime::spawn(async move {
        let answer = bridge.answer(&label, request.map(Body::from)).await;
        let (head, body) = answer.into_parts();
        let whole = Limited::new(body, ANSWER_BYTES_MAX).collect().await;
        responder.respond(match whole {
            Ok(whole) => Response::from_parts(head, whole.to_bytes().to_vec()),
            Err(_) => refused(
                StatusCode::BAD_GATEWAY,
                "The answer broke off, or is too long to be shown.",
            ),
        });
    });
}

fn refused(status: StatusCode, why: &str) -> Response<Vec<u8>> {
    Response::builder()
        .status(status)
        .header("content-type", "text/plain; charset=utf-8")
        .body(format!("{why}\n").into_bytes())
        .expect("the headers are plain")
}
