//! One request to the monitor.

use std::time::Duration;

use axum::body::Body;
use http::header::CONTENT_TYPE;
use http::{Request, StatusCode};
use oriel_link::Link;
use oriel_wire::gateway::Handover;

use super::Batch;
use super::open::Open;

/// Where the monitor takes what the gateway tells.
const PATH: &str = "/api/gateway/events";

/// The events of one request are no longer than this together, but for one that is so by itself.
const BYTES_MAX: usize = 1024 * 1024;

/// A request that takes longer has failed.
const WITHIN: Duration = Duration::from_secs(30);

/// What of an answer that refuses something is told.
const PROBLEM_CHARACTERS: usize = 300;

/// What became of a request.
pub(super) enum Sent {
    /// The first so many events were taken.
    Taken(usize),
    /// They will never be, and this is why.
    Refused(String),
}

/// Sends as many of a batch's events as one request holds.
///
/// # Errors
/// Where the monitor is away, or cannot take them now.
pub(super) async fn send(link: &Link, batch: &Batch, open: &Open) -> Result<Sent, String> {
    let count = fitting(batch);
    let mut handover = Handover {
        session: batch.session.clone(),
        agent: batch.agent.clone(),
        native_session: batch.native_session.clone(),
        open: open.events(),
        events: batch.events[..count].to_vec(),
    };
    let mut problem = match post(link, &handover).await? {
        None => return Ok(Sent::Taken(count)),
        Some(problem) => problem,
    };
    if batch.events.len() == 1 && !handover.open.is_empty() {
        // It may be what was sent beside it.
        handover.open.clear();
        match post(link, &handover).await? {
            None => return Ok(Sent::Taken(count)),
            Some(again) => problem = again,
        }
    }
    Ok(Sent::Refused(problem))
}

fn fitting(batch: &Batch) -> usize {
    let mut sum = 0_usize;
    let fits = batch.events.iter().take_while(|event| {
        sum = sum.saturating_add(serde_json::to_vec(event).map_or(0, |text| text.len()));
        sum <= BYTES_MAX
    });
    fits.count().max(1)
}

/// Posts a handover. Returns why it is refused, if it is.
async fn post(link: &Link, handover: &Handover) -> Result<Option<String>, String> {
    let body = serde_json::to_vec(handover).map_err(|error| error.to_string())?;
    let request = Request::post(PATH)
        .header(CONTENT_TYPE, "application/json")
        .body(Body::from(body))
        .map_err(|error| error.to_string())?;
    let answered = tokio::time::timeout(WITHIN, link.bytes(request)).await;
    let (status, answer) = answered
        .map_err(|_| format!("the monitor did not answer within {} s", WITHIN.as_secs()))?
        .map_err(|error| error.to_string())?;
    let problem = || String::from_utf8_lossy(&answer).chars().take(PROBLEM_CHARACTERS).collect();
    match status {
        status if status.is_success() => Ok(None),
        StatusCode::BAD_REQUEST
        | StatusCode::PAYLOAD_TOO_LARGE
        | StatusCode::UNPROCESSABLE_ENTITY => Ok(Some(problem())),
        status => Err(format!("{status}: {}", problem())),
    }
}
