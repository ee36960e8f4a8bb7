//! Asking the daemon about sync. Its refusals have a code, on which a command may act.

use std::path::Path;

use axum::body::Body;
use axum::http::{Method, StatusCode};
use oriel_wire::Problem;
use oriel_wire::sync::{SyncCode, SyncFailed};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::daemon::{self, CallError, FindError, Peer, Reached};
use crate::text;

/// The longest refusal that is read.
const REFUSAL_BYTES_MAX: usize = 64 * 1024;

/// The daemon that runs.
pub(super) struct Daemon {
    peer: Peer,
}

/// It was not done.
#[derive(Debug, thiserror::Error)]
pub(super) enum SyncError {
    #[error("{}", .0.message)]
    Failed(SyncFailed),
    #[error("{problem}")]
    Refused { problem: String },
    #[error(transparent)]
    Call(#[from] CallError),
    #[error("the daemon's answer to {path} cannot be read; is it of another version?")]
    Form { path: String, source: serde_json::Error },
}

impl SyncError {
    /// Returns the code of what the service refused.
    pub(super) fn code(&self) -> Option<SyncCode> {
        match self {
            Self::Failed(failed) => Some(failed.code),
            _ => None,
        }
    }
}

impl Daemon {
    /// Finds the daemon of the data directory. A runtime in this process would end with it, and so
    /// sync nothing.
    pub(super) async fn find(data_dir: &Path) -> Result<Option<Self>, FindError> {
        match daemon::find(data_dir).await? {
            Reached::Live(live) => Ok(Some(Self { peer: live.peer })),
            _ => Ok(None),
        }
    }

    /// Asks for something.
    pub(super) async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, SyncError> {
        self.ask(Method::GET, path, Body::empty()).await
    }

    /// Has something done.
    pub(super) async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        command: &impl Serialize,
    ) -> Result<T, SyncError> {
        let body = serde_json::to_vec(command).expect("a command has plain keys and values");
        self.ask(Method::POST, path, Body::from(body)).await
    }

    /// Opens the stream of what happens.
    pub(super) async fn events(&self) -> Result<Body, SyncError> {
        let answer = self.peer.open(Method::GET, "/control/sync/events", Body::empty()).await?;
        let status = answer.status();
        if status.is_success() {
            return Ok(answer.into_body());
        }
        // What cannot be read of a refusal is told by its status.
        let body = axum::body::to_bytes(answer.into_body(), REFUSAL_BYTES_MAX).await;
        Err(refused(status, &body.unwrap_or_default()))
    }

    async fn ask<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Body,
    ) -> Result<T, SyncError> {
        let (status, body) = self.peer.exchange(method, path, body).await?;
        if !status.is_success() {
            return Err(refused(status, &body));
        }
        serde_json::from_slice(&body)
            .map_err(|source| SyncError::Form { path: path.to_owned(), source })
    }
}

/// Reads a refusal: the service's own, or that of the daemon before it.
fn refused(status: StatusCode, body: &[u8]) -> SyncError {
    if let Ok(failed) = serde_json::from_slice::<SyncFailed>(body) {
        return SyncError::Failed(failed);
    }
    let problem = match serde_json::from_slice::<Problem>(body) {
        Ok(problem) => problem.error.into_owned(),
        Err(_) => format!("the daemon answered {status}; is it of another version?"),
    };
    SyncError::Refused { problem }
}

/// Says something beside the answer.
pub(super) fn note(line: &str) {
    use std::io::Write as _;
    let line = format!("oriel: {}\n", text::clean(line));
    // With standard error closed there is nobody left to tell.
    let _ = std::io::stderr().write_all(line.as_bytes());
}
