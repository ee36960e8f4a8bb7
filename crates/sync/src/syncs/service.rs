//! The service: what can be asked of syncs, over HTTP.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, Query, State};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Json, Response};
use axum::routing::{get, post};
use axum::{Router, body::Body, http::StatusCode};
use futures_util::stream::{Stream, unfold};
use oriel_wire::sync::{
    ConfirmSync, RelPath, ResolveConflict, StartSync, StopSync, SyncCode, SyncEvent,
    TEXT_BYTES_MAX, VerifySync,
};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use super::Syncs;
use super::failure::Failure;

/// The longest command: a text of the greatest length, in which every character may be written as several.
const BODY_BYTES_MAX: usize = 2 * TEXT_BYTES_MAX + 64 * 1024;

/// Whoever listens hears something at least so often.
const ALIVE_EVERY: Duration = Duration::from_secs(15);

type Shared = State<Arc<Syncs>>;

/// Returns the service.
pub(super) fn router(syncs: &Arc<Syncs>) -> Router {
    Router::new()
        .route("/sync", get(list))
        .route("/sync/start", post(start))
        .route("/sync/stop", post(stop))
        .route("/sync/confirm", post(confirm))
        .route("/sync/resolve", post(resolve))
        .route("/sync/verify", post(verify))
        .route("/sync/events", get(events))
        .route("/sync/{session}", get(one))
        .route("/sync/{session}/conflict", get(conflict))
        .fallback(|| async { StatusCode::NOT_FOUND })
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .with_state(Arc::clone(syncs))
}

async fn list(State(syncs): Shared) -> Response {
    Json(syncs.list().await).into_response()
}

async fn one(State(syncs): Shared, Path(session): Path<String>) -> Response {
    answer(syncs.status(&session).await)
}

async fn start(State(syncs): Shared, body: Bytes) -> Response {
    match read::<StartSync>(&body) {
        Ok(command) => answer(syncs.start(command).await),
        Err(failure) => failure.into_response(),
    }
}

async fn stop(State(syncs): Shared, body: Bytes) -> Response {
    match read::<StopSync>(&body) {
        Ok(command) => answer(syncs.stop(command).await),
        Err(failure) => failure.into_response(),
    }
}

async fn confirm(State(syncs): Shared, body: Bytes) -> Response {
    match read::<ConfirmSync>(&body) {
        Ok(command) => answer(syncs.confirm(command).await),
        Err(failure) => failure.into_response(),
    }
}

async fn resolve(State(syncs): Shared, body: Bytes) -> Response {
    match read::<ResolveConflict>(&body) {
        Ok(command) => answer(syncs.resolve(command).await),
        Err(failure) => failure.into_response(),
    }
}

async fn verify(State(syncs): Shared, body: Bytes) -> Response {
    match read::<VerifySync>(&body) {
        Ok(command) => answer(syncs.verify(&command.session_id).await),
        Err(failure) => failure.into_response(),
    }
}

#[derive(Deserialize)]
struct AtPath {
    path: String,
}

async fn conflict(
    State(syncs): Shared,
    Path(session): Path<String>,
    Query(AtPath { path }): Query<AtPath>,
) -> Response {
    match RelPath::parse(&path) {
        Ok(path) => answer(syncs.versions(&session, path).await),
        Err(error) => Failure::new(SyncCode::BadCommand, error.to_string()).into_response(),
    }
}

/// Tells what happens, from how everything stands on.
async fn events(State(syncs): Shared) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let heard = syncs.listen();
    let standing = standing(&syncs).await;
    let told = unfold((standing, heard, syncs), |(mut waiting, mut heard, syncs)| async move {
        loop {
            if let Some(event) = waiting.pop() {
                let told = Event::default().json_data(&event).unwrap_or_default();
                return Some((Ok(told), (waiting, heard, syncs)));
            }
            waiting = next(&mut heard, &syncs).await?;
        }
    });
    Sse::new(told).keep_alive(KeepAlive::new().interval(ALIVE_EVERY))
}

async fn next(heard: &mut Receiver<SyncEvent>, syncs: &Arc<Syncs>) -> Option<Vec<SyncEvent>> {
    match heard.recv().await {
        Ok(event) => Some(vec![event]),
        // Whoever was too slow is told how everything stands now.
        Err(RecvError::Lagged(_)) => Some(standing(syncs).await),
        Err(RecvError::Closed) => None,
    }
}

async fn standing(syncs: &Arc<Syncs>) -> Vec<SyncEvent> {
    let all = syncs.list().await.syncs.into_iter();
    let mut told: Vec<_> =
        all.map(|status| SyncEvent::Status { status: Box::new(status) }).collect();
    told.reverse();
    told
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Failure> {
    serde_json::from_slice(body).map_err(|error| {
        Failure::new(SyncCode::BadCommand, format!("the command cannot be read: {error}"))
    })
}

fn answer<T: serde::Serialize>(answer: Result<T, Failure>) -> Response<Body> {
    match answer {
        Ok(answer) => Json(answer).into_response(),
        Err(failure) => failure.into_response(),
    }
}
