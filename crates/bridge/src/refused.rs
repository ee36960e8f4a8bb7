//! Why the bridge answers itself, and what a person is told.

use std::time::Duration;

use axum::http::StatusCode;
use oriel_link::LinkError;

use crate::body::BodyError;
use crate::headers::HeaderError;
use crate::host::SaveError;
use crate::origin::AddressError;
use crate::policy::Why;
use crate::redirect::HOPS_MAX;
use crate::trace::Event;

/// A request that the bridge answers itself, since something is wrong with it or with what answers it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refused {
    #[error("this window may not ask for pages of the app")]
    Label,
    #[error(transparent)]
    Address(#[from] AddressError),
    #[error("pages are not asked for in this way")]
    Method,
    #[error("this window does not show that page; open it in the console")]
    NotHere,
    #[error("{0}")]
    Foreign(HeaderError),
    #[error("{0}")]
    Asked(HeaderError),
    #[error("the length of what is sent cannot be read")]
    Length,
    #[error("what is sent is longer than {0} bytes; send less at once")]
    TooLong(u64),
    #[error("streams of events are not shown here; a page asks for its news instead")]
    Stream,
    #[error("too many requests are under way; try again in a moment")]
    Busy,
    #[error("the console is not running")]
    NoService,
    #[error("the console could not be reached: {0}")]
    Link(LinkError),
    #[error("the console did not answer within {} s", .0.as_secs_f32())]
    Slow(Duration),
    #[error("the console's answer cannot be shown: {0}")]
    Answered(HeaderError),
    #[error("the console's answer did not come whole: {0}")]
    Answer(#[from] BodyError),
    #[error("the console's answer is a stream of events, which is not shown here")]
    StreamAnswer,
    #[error("the console's answer leads to an address that cannot be read")]
    Nowhere,
    #[error("the console's answers led on more than {HOPS_MAX} times")]
    Circle,
    #[error(
        "the console wants what was sent once more, and it is too long to be kept; send it again"
    )]
    NotKept,
    #[error("the answer leads away from the app, which is not allowed: {0}")]
    Away(Why),
    #[error("the answer leads away from the app, where only a person may lead")]
    Outside,
    #[error(transparent)]
    Save(#[from] SaveError),
    #[error("something went wrong in the desktop itself")]
    Fault,
}

impl Refused {
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::Label | Self::NotHere | Self::Foreign(_) => StatusCode::FORBIDDEN,
            Self::Address(AddressError::TooLong) => StatusCode::URI_TOO_LONG,
            Self::Address(_) | Self::Length => StatusCode::BAD_REQUEST,
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::Asked(_) => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Self::TooLong(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Stream => StatusCode::NOT_ACCEPTABLE,
            Self::Busy => StatusCode::SERVICE_UNAVAILABLE,
            Self::Slow(_) => StatusCode::GATEWAY_TIMEOUT,
            Self::Save(_) | Self::Fault => StatusCode::INTERNAL_SERVER_ERROR,
            Self::NoService
            | Self::Link(_)
            | Self::Answered(_)
            | Self::Answer(_)
            | Self::StreamAnswer
            | Self::Nowhere
            | Self::Circle
            | Self::NotKept
            | Self::Away(_)
            | Self::Outside => StatusCode::BAD_GATEWAY,
        }
    }

    /// What stands above the reason.
    pub(crate) fn title(&self) -> &'static str {
        match self {
            Self::NoService | Self::Link(_) | Self::Slow(_) | Self::Busy => {
                "The console does not answer"
            }
            Self::Save(_) => "The file was not saved",
            Self::Fault => "Something went wrong",
            _ => "This cannot be shown",
        }
    }

    /// Which kind of line the log gets.
    pub(crate) fn event(&self) -> Event {
        match self {
            Self::Away(_) | Self::Outside => Event::TrustedNavigationBlocked,
            _ => Event::AppProtocolProxyError,
        }
    }

    /// What the log is told. What is asked for and answered has no place in it.
    pub(crate) fn reason(&self) -> String {
        match self {
            // Both name the file, whose name is the page's.
            Self::Save(SaveError::Disk { source, .. }) => {
                format!("a file could not be written: {}", source.kind())
            }
            Self::Save(SaveError::Broken { .. }) => "a file did not arrive whole".to_owned(),
            other => other.to_string(),
        }
    }
}
