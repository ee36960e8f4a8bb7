//! The live stream: server-sent events, from now on or from where a client left off.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONNECTION, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderName};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream::unfold;
use oriel_model::EventNumber;
use oriel_wire::time::iso_text;
use oriel_wire::{Frame, Problem, json};
use tokio::time::{Interval, MissedTickBehavior, interval};

use super::Shared;
use super::error::ApiError;
use super::params::Params;
use crate::app::App;
use crate::hub::Listener;

const HEARTBEAT: Bytes = Bytes::from_static(b": heartbeat\n\n");
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
const ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// Streams events as they are stored, with statistics in between.
///
/// `Last-Event-ID` or `after` begins with what was stored after that event. A client that falls
/// behind is told so by a `resync` frame and then gets what it missed.
#[utoipa::path(get, path = "/api/stream", tag = "events", params(
        ("after" = Option<i64>, Query), ("agent_type" = Option<String>, Query),
        ("event_type" = Option<String>, Query), ("session_id" = Option<String>, Query),
        ("tool_name" = Option<String>, Query), ("branch" = Option<String>, Query),
        ("project" = Option<String>, Query), ("model" = Option<String>, Query),
        ("source" = Option<String>, Query), ("status" = Option<String>, Query),
        ("text" = Option<String>, Query,
            description = "Words, as `q` of `/api/search`, in what an event says of itself")),
    responses((status = 200, body = Frame<'static>, content_type = "text/event-stream"),
        (status = 503, body = Problem)))]
pub(super) async fn stream(
    State(app): Shared,
    headers: HeaderMap,
    params: Params,
) -> Result<Response, ApiError> {
    app.store()?;
    let resumed = headers.get(LAST_EVENT_ID).and_then(|id| id.to_str().ok()?.trim().parse().ok());
    let after = resumed.or_else(|| params.int("after")).map(EventNumber);
    let listener = app
        .hub
        .listen(params.event_filter(), after)
        .map_err(|full| ApiError::TooManyListeners(full.max))?;
    let mut heartbeat = interval(app.config.stream.heartbeat.max(Duration::from_millis(1)));
    heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    // The first tick is at once.
    heartbeat.reset();
    let client = Client {
        greeting: Some(greeting(&app)),
        stopping: Box::pin(app.stopping()),
        app,
        listener,
        heartbeat,
    };
    let frames = unfold(client, |mut client| async move {
        let chunk = client.next().await?;
        Some((Ok::<_, Infallible>(chunk), client))
    });
    let headers = [
        (CONTENT_TYPE, "text/event-stream"),
        (CACHE_CONTROL, "no-cache"),
        (CONNECTION, "keep-alive"),
        (ACCEL_BUFFERING, "no"),
    ];
    Ok((headers, Body::from_stream(frames)).into_response())
}

/// One connection's side of the stream.
struct Client {
    app: Arc<App>,
    greeting: Option<Bytes>,
    listener: Listener,
    heartbeat: Interval,
    stopping: Pin<Box<dyn Future<Output = ()> + Send>>,
}

impl Client {
    /// Returns what goes out next, or nothing at the end of the stream.
    async fn next(&mut self) -> Option<Bytes> {
        if let Some(greeting) = self.greeting.take() {
            return Some(greeting);
        }
        let store = self.app.store().ok()?;
        tokio::select! {
            biased;
            () = &mut self.stopping => None,
            chunk = self.listener.next(store) => match chunk {
                Ok(chunk) => Some(chunk),
                Err(error) => {
                    // The client comes again with the last number it got, and misses nothing.
                    tracing::error!(%error, "a stream ended");
                    None
                }
            },
            _ = self.heartbeat.tick() => Some(HEARTBEAT),
        }
    }
}

fn greeting(app: &App) -> Bytes {
    let mut text = b"data: ".to_vec();
    json::append(&mut text, &Frame::Connected { timestamp: iso_text(app.now_ms()) });
    text.extend_from_slice(b"\n\n");
    text.into()
}
