//! Steering the daemon, for those who can read its data directory.

use std::path::PathBuf;

use axum::body::Body;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use oriel_store::Store;
use oriel_wire::Problem;
use oriel_wire::control::{
    BackupReport, BackupRequest, CompactReport, DaemonStatus, Readiness, StoreStatus, StreamStatus,
    VerifyCheck, VerifyReport,
};
use oriel_wire::time::rfc3339;
use tokio::time::Instant;

use super::Shared;
use super::error::ApiError;
use super::reply::{found, json, read_body};
use crate::app::App;
use crate::config::Access;

/// The longest body that steers anything.
const BODY_BYTES_MAX: usize = 64 * 1024;

/// Tells how the daemon stands.
#[utoipa::path(get, path = "/control/status", tag = "control",
    responses((status = 200, body = DaemonStatus)))]
pub(super) async fn status(State(app): Shared) -> Result<Response, ApiError> {
    let address = app.address.get().cloned().unwrap_or_default();
    let phase = *app.phase.borrow();
    Ok(found(&DaemonStatus {
        pid: std::process::id(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        phase,
        started_at: rfc3339(app.started_at),
        uptime_seconds: app.started.elapsed().as_secs(),
        addr: address.tcp.map(|addr| addr.to_string()),
        socket: address.socket.map(|path| path.display().to_string()),
        data_dir: app.home.folder().display().to_string(),
        access: match app.config.access {
            Access::Loopback => "loopback".to_owned(),
            Access::Token => "token".to_owned(),
        },
        store: store_status(&app).await?,
        stream: StreamStatus { clients: app.hub.listeners(), clients_max: app.hub.listeners_max() },
    }))
}

/// Tells what keeps the daemon from taking events.
#[utoipa::path(get, path = "/control/readiness", tag = "control",
    responses((status = 200, body = Readiness)))]
pub(super) async fn readiness(State(app): Shared) -> Response {
    let (blockers, restartable) = (app.blockers(), app.restartable());
    found(&Readiness { phase: *app.phase.borrow(), blockers, restartable })
}

/// Stops the daemon in good order.
#[utoipa::path(post, path = "/control/shutdown", tag = "control", responses((status = 202)))]
pub(super) async fn shutdown(State(app): Shared) -> Response {
    tracing::info!("asked to stop through the control API");
    app.again.store(false, std::sync::atomic::Ordering::SeqCst);
    app.stop.send_replace(true);
    json(StatusCode::ACCEPTED, &serde_json::json!({ "stopping": true }))
}

/// Adds up every event again and compares that with what is kept.
#[utoipa::path(post, path = "/control/store/verify", tag = "control",
    responses((status = 200, body = VerifyReport)))]
pub(super) async fn verify(State(app): Shared) -> Result<Response, ApiError> {
    let began = Instant::now();
    let verification = app.store()?.verify().await?;
    let checks = verification.checks.iter().map(|check| VerifyCheck {
        name: check.name.to_owned(),
        ok: check.problems.is_empty(),
        problems: check.problems.clone(),
    });
    Ok(found(&VerifyReport {
        ok: verification.is_clean(),
        events: signed(verification.events),
        sessions: signed(verification.sessions),
        checks: checks.collect(),
        elapsed_ms: elapsed_ms(began),
    }))
}

/// Writes a copy of the store while events go on being stored.
#[utoipa::path(post, path = "/control/store/backup", tag = "control",
    request_body = BackupRequest,
    responses((status = 200, body = BackupReport), (status = 409, body = Problem)))]
pub(super) async fn backup(State(app): Shared, body: Body) -> Result<Response, ApiError> {
    let began = Instant::now();
    let body = read_body(body, BODY_BYTES_MAX).await?;
    let BackupRequest { path } = serde_json::from_slice(&body)
        .map_err(|error| ApiError::Bad(format!("the request cannot be read: {error}").into()))?;
    let path = PathBuf::from(path);
    if !path.is_absolute() {
        return Err(ApiError::Bad("`path` must be absolute: the daemon has its own folder".into()));
    }
    let backup = app.store()?.backup(path).await?;
    Ok(found(&BackupReport {
        path: backup.path.display().to_string(),
        bytes: backup.bytes,
        events: signed(backup.events),
        elapsed_ms: elapsed_ms(began),
    }))
}

/// Rewrites the store without its empty pages. Events wait while it does.
#[utoipa::path(post, path = "/control/store/compact", tag = "control",
    responses((status = 200, body = CompactReport)))]
pub(super) async fn compact(State(app): Shared) -> Result<Response, ApiError> {
    let began = Instant::now();
    let compaction = app.store()?.compact().await?;
    Ok(found(&CompactReport {
        bytes_before: compaction.bytes_before,
        bytes_after: compaction.bytes_after,
        elapsed_ms: elapsed_ms(began),
    }))
}

async fn store_status(app: &App) -> Result<StoreStatus, ApiError> {
    let mut status = StoreStatus {
        path: app.home.store().display().to_string(),
        durability: app.config.store.durability.as_str().to_owned(),
        schema_version: Store::VERSION,
        events: 0,
        last_event: 0,
        sessions: 0,
        size_bytes: 0,
        wal_bytes: 0,
        queue_depth: 0,
        queue_max: app.config.store.queue_events_max,
    };
    // A blocked runtime still tells how it stands.
    if let Ok(store) = app.store() {
        let stats = store.stats(None, None, app.now(), app.quiet).await?;
        let size = store.size();
        status.events = signed(stats.events);
        status.sessions = signed(stats.sessions);
        status.last_event = app.hub.last_event().borrow().0;
        status.size_bytes = size.main_bytes;
        status.wal_bytes = size.log_bytes;
        status.queue_depth = store.waiting();
    }
    Ok(status)
}

fn elapsed_ms(began: Instant) -> u64 {
    u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX)
}

fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
