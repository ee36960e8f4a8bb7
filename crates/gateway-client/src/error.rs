//! What can go wrong, for whoever asked.

use std::time::Duration;

use oriel_wire::gateway::{CLIENT_FRAME_BYTES_MAX, ErrorCode, PROTOCOL_VERSION};

/// No connection to a gateway could be made.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The address cannot be one.
    #[error("{url:?} is no address of a gateway: {reason}; it looks like ws://127.0.0.1:3144/ws")]
    Url {
        /// The address.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Nobody is there.
    #[error("no gateway can be reached at {place}: {reason}; is it running?")]
    Unreachable {
        /// Where.
        place: String,
        /// Why.
        reason: String,
    },
    /// Somebody else is there.
    #[error("what answers at {place} is not a gateway: {reason}; check the address")]
    NotAGateway {
        /// Where.
        place: String,
        /// What it does.
        reason: String,
    },
    /// The gateway does not want this client.
    #[error("the gateway at {place} refuses this client ({status}); check its hosts and origins")]
    Refused {
        /// Where.
        place: String,
        /// The HTTP status.
        status: u16,
    },
    /// The token is not the gateway's.
    #[error("the gateway at {place} does not take this token; read its token file again")]
    WrongToken {
        /// Where.
        place: String,
    },
    /// There were too many wrong tokens.
    #[error("the gateway at {place} was given too many wrong tokens; try again later")]
    TooManyTokens {
        /// Where.
        place: String,
        /// How long to wait, where the gateway says so.
        retry_after: Option<Duration>,
    },
    /// The gateway speaks another version.
    #[error(
        "the gateway at {place} speaks versions {theirs:?} of the protocol, and this program {}; \
         use programs of the same release",
        PROTOCOL_VERSION
    )]
    ProtocolVersionMismatch {
        /// Where.
        place: String,
        /// The versions that it speaks.
        theirs: Vec<u32>,
    },
    /// The gateway said something else than who it is.
    #[error("the gateway at {place} said: {message}")]
    Gateway {
        /// Where.
        place: String,
        /// Its words.
        message: String,
    },
    /// The connection broke.
    #[error("the connection to the gateway at {place} broke: {reason}; try again")]
    Broken {
        /// Where.
        place: String,
        /// Why.
        reason: String,
    },
    /// It took too long.
    #[error("the gateway at {place} did not answer within {seconds} s; is it stuck?")]
    TimedOut {
        /// Where.
        place: String,
        /// How long it was waited.
        seconds: u64,
    },
}

impl ConnectError {
    /// Returns whether the same attempt would fail again however long one waits.
    pub(crate) fn is_final(&self) -> bool {
        matches!(
            self,
            Self::Url { .. } | Self::WrongToken { .. } | Self::ProtocolVersionMismatch { .. }
        )
    }
}

/// Something could not be asked, or was refused.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ClientError {
    /// The link is down. Nothing was sent.
    #[error("the gateway cannot be reached right now; nothing was sent, try again when it is back")]
    NotConnected,
    /// The link broke before the answer came.
    #[error(
        "the connection broke before the gateway answered; it may or may not have done it, so look \
         before trying again"
    )]
    Interrupted,
    /// No answer came.
    #[error(
        "the gateway did not answer within {seconds} s; it may or may not have done it, so look \
         before trying again"
    )]
    NoAnswer {
        /// How long it was waited.
        seconds: u64,
    },
    /// The client was closed, or came to its end.
    #[error("the connection to the gateway is closed; connect again")]
    Closed,
    /// It is longer than a gateway reads.
    #[error(
        "the message is {bytes} bytes long, and a gateway reads at most {}; send less at once",
        CLIENT_FRAME_BYTES_MAX
    )]
    TooLong {
        /// How long it is.
        bytes: usize,
    },
    /// The gateway says no.
    #[error("{message}")]
    Refused {
        /// Why, for programs.
        code: ErrorCode,
        /// Why, and what to do next.
        message: String,
        /// When to try again, where the gateway says so.
        retry_after: Option<Duration>,
    },
    /// The answer is none to what was asked.
    #[error("the gateway answered {asked} with something else; use programs of the same release")]
    Unexpected {
        /// What was asked.
        asked: &'static str,
    },
}
