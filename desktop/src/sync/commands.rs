//! The workbench's native commands for sync. What a command says is read as the wire has it, whole, so
//! that a page which leaves out what has to be said is refused and not taken for saying nothing.

use std::sync::Arc;

use axum::body::Body;
use axum::http::Method;
use oriel_wire::sync::{
    ConfirmSync, ConflictTexts, ConflictVersions, ResolveConflict, StartSync, StopSync, SyncCode,
    SyncFailed, SyncStatus, SyncStatusOf,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tauri::ipc::{InvokeBody, Request};
use tauri::{State, Webview};

use super::{ask, failed, is_shown};
use crate::desktop::Desktop;
use crate::files::LABEL;
use crate::trace::Event;

/// The desktop, as commands are given it.
type Shared<'a> = State<'a, Arc<Desktop>>;

/// Begins to keep a session's workspace and a folder equal.
#[tauri::command]
pub(crate) async fn start_sync(
    desktop: Shared<'_>,
    webview: Webview,
    request: Request<'_>,
) -> Result<SyncStatus, SyncFailed> {
    let command: StartSync = said(&desktop, &webview, &request, "start_sync")?;
    tell(&desktop, "start", &command).await
}

/// Ends it.
#[tauri::command]
pub(crate) async fn stop_sync(
    desktop: Shared<'_>,
    webview: Webview,
    request: Request<'_>,
) -> Result<SyncStatus, SyncFailed> {
    let command: StopSync = said(&desktop, &webview, &request, "stop_sync")?;
    tell(&desktop, "stop", &command).await
}

/// Tells how it stands.
#[tauri::command]
pub(crate) async fn sync_status(
    desktop: Shared<'_>,
    webview: Webview,
    request: Request<'_>,
) -> Result<SyncStatus, SyncFailed> {
    let asked: SyncStatusOf = said(&desktop, &webview, &request, "sync_status")?;
    look(&desktop, &place(&asked.session_id)).await
}

/// Goes on after a pause.
#[tauri::command]
pub(crate) async fn confirm_sync(
    desktop: Shared<'_>,
    webview: Webview,
    request: Request<'_>,
) -> Result<SyncStatus, SyncFailed> {
    let command: ConfirmSync = said(&desktop, &webview, &request, "confirm_sync")?;
    tell(&desktop, "confirm", &command).await
}

/// Ends a conflict.
#[tauri::command]
pub(crate) async fn resolve_conflict(
    desktop: Shared<'_>,
    webview: Webview,
    request: Request<'_>,
) -> Result<SyncStatus, SyncFailed> {
    let command: ResolveConflict = said(&desktop, &webview, &request, "resolve_conflict")?;
    tell(&desktop, "resolve", &command).await
}

/// Tells the versions of a path in conflict.
#[tauri::command]
pub(crate) async fn conflict_versions(
    desktop: Shared<'_>,
    webview: Webview,
    request: Request<'_>,
) -> Result<ConflictTexts, SyncFailed> {
    let asked: ConflictVersions = said(&desktop, &webview, &request, "conflict_versions")?;
    let path = format!("{}/conflict?path={}", place(&asked.session_id), part(asked.path.as_str()));
    look(&desktop, &path).await
}

/// Reads what the workbench's own page says. Others are refused.
fn said<T: DeserializeOwned>(
    desktop: &Desktop,
    webview: &Webview,
    request: &Request<'_>,
    command: &str,
) -> Result<T, SyncFailed> {
    if webview.label() != LABEL || !is_shown(desktop) {
        desktop.traces.tell(Event::CommandRefused { surface: webview.label(), command });
        return Err(failed("only the workbench's page may ask for sync".to_owned()));
    }
    read(request.body())
}

/// Reads a command's arguments as one value.
pub(super) fn read<T: DeserializeOwned>(body: &InvokeBody) -> Result<T, SyncFailed> {
    let bad = |message: String| SyncFailed { code: SyncCode::BadCommand, message };
    let InvokeBody::Json(value) = body else {
        return Err(bad("a command is said as JSON, and not as bytes".to_owned()));
    };
    T::deserialize(value).map_err(|error| bad(format!("the command cannot be read: {error}")))
}

async fn tell(
    desktop: &Desktop,
    command: &str,
    said: &impl Serialize,
) -> Result<SyncStatus, SyncFailed> {
    let up = desktop.services.up().ok_or_else(away)?;
    let body = serde_json::to_vec(said).map_err(|error| failed(error.to_string()))?;
    let path = format!("/control/sync/{command}");
    ask(&up.runtime, Method::POST, &path, Body::from(body)).await
}

async fn look<T: DeserializeOwned>(desktop: &Desktop, path: &str) -> Result<T, SyncFailed> {
    let up = desktop.services.up().ok_or_else(away)?;
    ask(&up.runtime, Method::GET, path, Body::empty()).await
}

fn away() -> SyncFailed {
    failed("the services do not answer; wait until they do".to_owned())
}

pub(super) fn place(session: &str) -> String {
    format!("/control/sync/{}", part(session))
}

/// Writes a text as one part of an address.
fn part(text: &str) -> String {
    let text: String = url::form_urlencoded::byte_serialize(text.as_bytes()).collect();
    text.replace('+', "%20")
}
