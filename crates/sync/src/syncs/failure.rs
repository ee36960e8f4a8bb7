//! Why something that was asked for was not done.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use oriel_wire::sync::{SyncCode, SyncFailed};

use crate::room::RoomError;

/// Why something was not done, for programs and for people.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub(crate) struct Failure {
    pub(crate) code: SyncCode,
    pub(crate) message: String,
}

impl Failure {
    pub(crate) fn new(code: SyncCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    /// The system failed.
    pub(crate) fn system(problem: impl std::fmt::Display) -> Self {
        Self::new(SyncCode::System, problem.to_string())
    }

    /// The engine is being begun anew.
    pub(crate) fn away() -> Self {
        let message = "the sync does not run just now; look at its status, and try again";
        Self::new(SyncCode::System, message)
    }

    const fn status(&self) -> StatusCode {
        match self.code {
            SyncCode::BadCommand | SyncCode::BadContent | SyncCode::TooLarge => {
                StatusCode::BAD_REQUEST
            }
            SyncCode::NoSession
            | SyncCode::NotSyncing
            | SyncCode::NoFolder
            | SyncCode::NoConflict => StatusCode::NOT_FOUND,
            SyncCode::AlreadySyncing
            | SyncCode::FolderRefused
            | SyncCode::FolderNested
            | SyncCode::FolderTaken
            | SyncCode::FolderNotEmpty
            | SyncCode::FolderNotWatched
            | SyncCode::ConflictChanged
            | SyncCode::NotPaused => StatusCode::CONFLICT,
            SyncCode::System => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

impl From<RoomError> for Failure {
    fn from(error: RoomError) -> Self {
        Self::system(error)
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let status = self.status();
        (status, Json(SyncFailed { code: self.code, message: self.message })).into_response()
    }
}
