//! Every way in which a page is not shown, as a page: with its real status, in place, and with what to
//! do next.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use minijinja::context;

use crate::ask::AskError;
use crate::gateway::GatewayError;
use crate::page::Page;

/// A page cannot be shown, or what was posted was not done.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PageError {
    /// There is nothing of that name.
    #[error("{0}")]
    NotFound(String),
    /// What was asked makes no sense.
    #[error("{0}")]
    Bad(String),
    /// Whoever asks may not.
    #[error("{0}")]
    Forbidden(String),
    /// The path takes other methods.
    #[error("this address takes {0} only")]
    Method(&'static str),
    /// What was posted is too long.
    #[error("what was sent is longer than {0} bytes")]
    TooLong(usize),
    /// The runtime is away, refused, or is of another version.
    #[error(transparent)]
    Ask(#[from] AskError),
    /// The gateway is away, or refused.
    #[error(transparent)]
    Gateway(#[from] GatewayError),
    /// We must mend it.
    #[error("{0}")]
    Fault(String),
}

impl PageError {
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::NotFound(_) => StatusCode::NOT_FOUND,
            Self::Bad(_) => StatusCode::BAD_REQUEST,
            Self::Forbidden(_) => StatusCode::FORBIDDEN,
            Self::Method(_) => StatusCode::METHOD_NOT_ALLOWED,
            Self::TooLong(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Ask(AskError::Down(_)) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Ask(AskError::Refused { status, .. }) => match *status {
                // The runtime's refusal of our token is no refusal of the reader.
                StatusCode::UNAUTHORIZED => StatusCode::BAD_GATEWAY,
                status => status,
            },
            Self::Ask(AskError::Form { .. }) => StatusCode::BAD_GATEWAY,
            Self::Gateway(error) => error.status(),
            Self::Fault(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn heading(&self) -> &'static str {
        match self.status() {
            StatusCode::NOT_FOUND => "Nothing here",
            StatusCode::BAD_REQUEST => "That makes no sense here",
            StatusCode::FORBIDDEN => "Not allowed",
            StatusCode::METHOD_NOT_ALLOWED => "Not in this way",
            StatusCode::PAYLOAD_TOO_LARGE => "Too long",
            StatusCode::CONFLICT => "That has changed meanwhile",
            StatusCode::LOCKED => "Locked",
            StatusCode::TOO_MANY_REQUESTS => "Too much at once",
            StatusCode::SERVICE_UNAVAILABLE => match self {
                Self::Ask(AskError::Down(_)) => "The runtime does not answer",
                Self::Gateway(_) => "The gateway does not answer",
                _ => "Not now",
            },
            StatusCode::BAD_GATEWAY if matches!(self, Self::Gateway(_)) => {
                "The gateway's answer cannot be used"
            }
            StatusCode::BAD_GATEWAY => "The runtime's answer cannot be used",
            _ => "Something went wrong",
        }
    }

    /// Returns whether asking again may help, so that the page does so by itself.
    fn passes(&self) -> bool {
        matches!(self.status(), StatusCode::SERVICE_UNAVAILABLE | StatusCode::BAD_GATEWAY)
    }

    pub(crate) fn page(&self) -> Page {
        let status = self.status();
        let is_away = matches!(self, Self::Ask(AskError::Down(_)))
            || (matches!(self, Self::Gateway(_)) && status == StatusCode::SERVICE_UNAVAILABLE);
        if status.is_server_error() && !is_away {
            tracing::error!(error = %self, "a page was not shown");
        }
        let shows = context! {
            heading => self.heading(),
            reason => self.to_string(),
            status => status.as_u16(),
            passes => self.passes(),
        };
        Page::new("error", self.heading(), shows).status(status)
    }
}

impl IntoResponse for PageError {
    fn into_response(self) -> Response {
        self.page().into_response()
    }
}
