//! How the runtime is.

use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use oriel_store::Store;
use oriel_wire::Health;

use super::Shared;
use super::reply::found;
use crate::app::{App, Gate};
use crate::metrics::Moment;

/// How the runtime is, for whoever waits for it to be ready.
#[utoipa::path(get, path = "/api/health", tag = "health", responses((status = 200, body = Health)))]
pub(super) async fn health(State(app): Shared) -> Response {
    let status = match &app.gate {
        Gate::Open(_) => "ok",
        Gate::Blocked(_) => "local_readiness_gate",
    };
    found(&Health {
        status: status.into(),
        uptime: app.started.elapsed().as_secs(),
        db_size_bytes: store_bytes(&app),
        sse_clients: app.hub.listeners(),
    })
}

/// Counts for Prometheus.
#[utoipa::path(get, path = "/metrics", tag = "health", responses((status = 200, body = String)))]
pub(super) async fn metrics(State(app): Shared) -> Response {
    let text = app.metrics.text(&Moment {
        listeners: app.hub.listeners(),
        queue: app.store().map_or(0, Store::waiting),
        store_bytes: store_bytes(&app),
        last_event: app.hub.last_event().borrow().0,
        uptime_seconds: app.started.elapsed().as_secs_f64(),
    });
    ([(CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")], text)
        .into_response()
}

fn store_bytes(app: &App) -> u64 {
    app.store().map_or(0, |store| store.size().main_bytes + store.size().log_bytes)
}
