//! Every way in which a request is not answered as it wished.

use std::borrow::Cow;

use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use oriel_store::{AppendError, MaintainError, ReadError};
use oriel_wire::{FieldError, Invalid, Problem};

use super::reply::json;

/// A request was refused, which the caller can mend, or failed, which we must.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ApiError {
    /// There is nothing of that name.
    #[error("{0}")]
    NotFound(Cow<'static, str>),
    /// The request makes no sense.
    #[error("{0}")]
    Bad(Cow<'static, str>),
    /// An event is not valid.
    #[error("Invalid event payload")]
    Invalid(Vec<FieldError>),
    /// Whoever asks may not.
    #[error("{0}")]
    Forbidden(Cow<'static, str>),
    /// The token is missing or wrong.
    #[error("{0}")]
    NoToken(&'static str),
    /// The body is too long.
    #[error("the body is longer than {0} bytes; send it in smaller parts")]
    TooLong(usize),
    /// The batch has too many events.
    #[error("a batch holds {0} events at most; send them in smaller batches")]
    TooMany(usize),
    /// The body did not come whole.
    #[error("the body did not arrive whole; send it again")]
    Cut,
    /// Too many listen.
    #[error("SSE client limit reached")]
    TooManyListeners(usize),
    /// Too much of it waits already.
    #[error("{0}")]
    Busy(Cow<'static, str>),
    /// Something must be mended first.
    #[error(
        "the runtime takes no events until something is mended ({0} to mend) and it is restarted; \
         `oriel doctor` and GET /control/readiness say what"
    )]
    Blocked(usize),
    /// It is not possible as things are.
    #[error("{0}")]
    Conflict(Cow<'static, str>),
    /// Something must be made first.
    #[error("{0}")]
    Locked(Cow<'static, str>),
    /// The disk is full.
    #[error("{0}")]
    NoRoom(String),
    /// Events were not stored.
    #[error(transparent)]
    Append(#[from] AppendError),
    /// The store did not answer.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The store was not maintained.
    #[error(transparent)]
    Maintain(#[from] MaintainError),
    /// Fields of a form are not what they must be.
    #[error("some fields cannot be taken")]
    Fields(Vec<FieldError>),
    /// The operator's key cannot be made.
    #[error("the operator's key was not made: {0}")]
    Key(String),
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let status = self.status();
        if status == StatusCode::INTERNAL_SERVER_ERROR {
            tracing::error!(error = %self, "a request failed");
        }
        let mut response = match self {
            Self::Invalid(details) => {
                json(status, &Invalid { error: "Invalid event payload".into(), details })
            }
            Self::Fields(details) => {
                json(status, &Invalid { error: "some fields cannot be taken".into(), details })
            }
            Self::TooManyListeners(max) => {
                let full = TooManyListeners { error: "SSE client limit reached", max_clients: max };
                json(status, &full)
            }
            // A fault's reason is in the log; the caller can do nothing with it.
            _ if status == StatusCode::INTERNAL_SERVER_ERROR => {
                json(status, &Problem { error: "internal server error".into() })
            }
            other => json(status, &Problem { error: other.to_string().into() }),
        };
        if status == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}

#[derive(serde::Serialize)]
struct TooManyListeners {
    error: &'static str,
    max_clients: usize,
}

impl ApiError {
    /// Returns the refusal where a file of the user could not be written, which they can mend.
    pub(crate) fn file(source: &std::io::Error, message: String) -> Self {
        match source.kind() {
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => {
                Self::NoRoom(message)
            }
            _ => Self::Conflict(message.into()),
        }
    }

    fn status(&self) -> StatusCode {
        match self {
            Self::NotFound(_) => StatusCode::NOT_FOUND,
            Self::Bad(_) | Self::Invalid(_) | Self::Cut => StatusCode::BAD_REQUEST,
            Self::Forbidden(_) => StatusCode::FORBIDDEN,
            Self::NoToken(_) => StatusCode::UNAUTHORIZED,
            Self::TooLong(_) | Self::TooMany(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooManyListeners(_)
            | Self::Busy(_)
            | Self::Blocked(_)
            | Self::Append(AppendError::Full { .. } | AppendError::Closing)
            | Self::Maintain(MaintainError::Closing) => StatusCode::SERVICE_UNAVAILABLE,
            Self::NoRoom(_) => StatusCode::INSUFFICIENT_STORAGE,
            // The disk may be full: the sender keeps its events and tries again.
            Self::Append(AppendError::Disk(_)) => StatusCode::INSUFFICIENT_STORAGE,
            Self::Conflict(_)
            | Self::Maintain(MaintainError::Exists(_) | MaintainError::File { .. }) => {
                StatusCode::CONFLICT
            }
            Self::Fields(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Locked(_) => StatusCode::LOCKED,
            Self::Key(_) | Self::Read(_) | Self::Maintain(MaintainError::Sqlite(_)) => {
                StatusCode::INTERNAL_SERVER_ERROR
            }
        }
    }
}
