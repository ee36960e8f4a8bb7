//! Sync for the workbench's page: each command is one request to the daemon, and what the daemon tells is
//! told to the page and, where a person is needed, to the person.
//!
//! Nothing is synced by this process itself: the daemon does, and goes on when the desktop ends.

pub(crate) mod commands;
mod events;

use axum::body::Body;
use axum::http::Method;
use oriel_bridge::policy::is_workbench;
use oriel_launcher::daemon::Peer;
use oriel_wire::Problem;
use oriel_wire::sync::{SyncCode, SyncFailed};
use serde::de::DeserializeOwned;

use crate::desktop::Desktop;
use crate::files::LABEL;
use crate::words::chain;

pub(crate) use events::run;

/// Asks the daemon about sync.
async fn ask<T: DeserializeOwned>(
    daemon: &Peer,
    method: Method,
    path: &str,
    body: Body,
) -> Result<T, SyncFailed> {
    let (status, answer) =
        daemon.exchange(method, path, body).await.map_err(|error| failed(chain(&error)))?;
    if status.is_success() {
        return serde_json::from_slice(&answer).map_err(|error| {
            failed(format!(
                "the daemon's answer cannot be read ({error}); is it of another version?"
            ))
        });
    }
    if let Ok(refused) = serde_json::from_slice(&answer) {
        return Err(refused);
    }
    Err(match serde_json::from_slice::<Problem>(&answer) {
        Ok(problem) => failed(problem.error.into_owned()),
        Err(_) => failed(format!("the daemon answered {status}; is it of another version?")),
    })
}

/// Returns a failure that is none of the service's own.
fn failed(message: String) -> SyncFailed {
    SyncFailed { code: SyncCode::System, message }
}

/// Returns whether the workbench's window shows the workbench's own page, by what the engine loaded.
fn is_shown(desktop: &Desktop) -> bool {
    desktop.shown(LABEL).is_some_and(|path| is_workbench(&path))
}

#[cfg(test)]
mod tests;
