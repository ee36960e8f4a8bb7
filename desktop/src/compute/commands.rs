//! The workbench's native commands for scripts.

#![expect(clippy::needless_pass_by_value, reason = "the host hands a command its own handles")]

use std::sync::Arc;

use oriel_wire::compute::{Answer, Event, Request};
use tauri::ipc::Channel;
use tauri::{State, Webview};

use super::Held;
use crate::desktop::Desktop;
use crate::files;
use crate::files::commands::own_page;
use crate::words::chain;

/// The desktop, as commands are given it.
type Shared<'a> = State<'a, Arc<Desktop>>;

/// Starts a session for a workspace, and returns its name.
#[tauri::command]
pub(crate) async fn compute_start(
    desktop: Shared<'_>,
    webview: Webview,
    workspace: String,
    events: Channel<Event>,
) -> Result<String, String> {
    // Before anything else: where the page leaves from here on, what is started is not its successor's.
    let load = desktop.compute.load();
    own_page(&desktop, &webview, "compute_start")?;
    let grants = desktop.files.grants().of(files::LABEL);
    let grant = grants.into_iter().find(|grant| grant.id.0 == workspace);
    let grant = grant.ok_or("this page was not granted that folder; grant it first")?;
    let (asks, granted) = (Arc::downgrade(&desktop), grant.clone());
    let is_granted = move || {
        asks.upgrade()
            .is_some_and(|desktop| desktop.files.grants().of(files::LABEL).contains(&granted))
    };
    let tell = move |event| events.send(event).is_ok();
    desktop.compute.start(load, &grant, is_granted, tell).map_err(|error| chain(&error))
}

/// Asks a session for something.
#[tauri::command]
pub(crate) async fn compute_ask(
    desktop: Shared<'_>,
    webview: Webview,
    session: String,
    request: Request,
) -> Result<Answer, String> {
    own_page(&desktop, &webview, "compute_ask")?;
    let held = held(&desktop, &session)?;
    held.ask(request).await.map_err(|error| chain(&error))
}

/// Stops the script that runs: asks it to, or ends its process.
#[tauri::command]
pub(crate) async fn compute_interrupt(
    desktop: Shared<'_>,
    webview: Webview,
    session: String,
    hard: bool,
) -> Result<(), String> {
    own_page(&desktop, &webview, "compute_interrupt")?;
    let held = held(&desktop, &session)?;
    held.session.interrupt(hard).await.map_err(|error| chain(&error))
}

/// Ends a session.
#[tauri::command]
pub(crate) fn compute_stop(
    desktop: Shared<'_>,
    webview: Webview,
    session: String,
) -> Result<(), String> {
    own_page(&desktop, &webview, "compute_stop")?;
    if desktop.compute.forget(&session) { Ok(()) } else { Err(NO_SESSION.to_owned()) }
}

const NO_SESSION: &str = "there is no such session; start one";

fn held(desktop: &Desktop, name: &str) -> Result<Arc<Held>, String> {
    desktop.compute.session(name).ok_or_else(|| NO_SESSION.to_owned())
}
