//! The first words of a connection, as a function of what came: the gateway says who it is, and the
//! client then who it is. The token is said to nobody who does not speak like a gateway.

use std::time::Duration;

use oriel_wire::gateway::{
    ClientFrame, ClientMessage, ErrorCode, HEARTBEAT_MS, PROTOCOL_VERSION, Reply, ServerFrame,
};

use crate::error::ConnectError;

/// No gateway beats faster or slower than this; whatever one says, a link is not called stale at once
/// or never.
const HEARTBEAT_MS_RANGE: std::ops::RangeInclusive<u64> = 1_000..=600_000;

/// How far the greeting is.
#[derive(Debug)]
pub(crate) struct Greeting<'a> {
    place: &'a str,
    token: &'a str,
    stage: Stage,
    greeted: Greeted,
}

/// What is known after it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Greeted {
    /// The gateway's name for the connection.
    pub(crate) client_id: String,
    /// How often something is heard of it.
    pub(crate) heartbeat: Duration,
}

/// What to do next.
#[derive(Debug, PartialEq)]
pub(crate) enum Step {
    /// Wait for the next frame.
    Wait,
    /// Say this, then wait.
    Say(Box<ClientFrame>),
    /// Begin.
    Done(Greeted),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Nothing came.
    Silent,
    /// It is a gateway.
    Welcomed { wants_token: bool },
    /// It has to say whether it knows us.
    Named,
}

impl<'a> Greeting<'a> {
    pub(crate) fn new(place: &'a str, token: &'a str) -> Self {
        let heartbeat = Duration::from_millis(HEARTBEAT_MS);
        let greeted = Greeted { client_id: String::new(), heartbeat };
        Self { place, token, stage: Stage::Silent, greeted }
    }

    /// Takes a frame.
    ///
    /// # Errors
    /// Where there will be no connection.
    pub(crate) fn on(&mut self, text: &str) -> Result<Step, ConnectError> {
        let Ok(frame) = ServerFrame::read(text) else {
            return Err(self.not_a_gateway("it sends no JSON objects"));
        };
        match (self.stage, frame) {
            (_, ServerFrame::Reply(frame)) => self.on_reply(frame.reply),
            (Stage::Silent, _) => Err(self.not_a_gateway("it does not say welcome")),
            // Something of a newer gateway.
            (_, _) => Ok(Step::Wait),
        }
    }

    fn on_reply(&mut self, reply: Reply) -> Result<Step, ConnectError> {
        match (self.stage, reply) {
            (_, Reply::Error { code, message, retry_after_ms }) => {
                Err(self.refused(code, message, retry_after_ms))
            }
            (Stage::Silent, Reply::Welcome { requires_auth, versions, .. }) => {
                if !versions.contains(&PROTOCOL_VERSION) {
                    let place = self.place.to_owned();
                    return Err(ConnectError::ProtocolVersionMismatch { place, theirs: versions });
                }
                self.stage = Stage::Welcomed { wants_token: requires_auth };
                Ok(Step::Wait)
            }
            (Stage::Silent, _) => Err(self.not_a_gateway("it does not say welcome")),
            (
                Stage::Welcomed { wants_token },
                Reply::Connected { client_id, heartbeat_interval_ms, .. },
            ) => {
                let beat = heartbeat_interval_ms
                    .clamp(*HEARTBEAT_MS_RANGE.start(), *HEARTBEAT_MS_RANGE.end());
                self.greeted = Greeted { client_id, heartbeat: Duration::from_millis(beat) };
                self.stage = Stage::Named;
                if !wants_token {
                    return Ok(Step::Wait);
                }
                let message = ClientMessage::Authenticate { token: self.token.to_owned() };
                Ok(Step::Say(Box::new(ClientFrame { request_id: None, message })))
            }
            (Stage::Named, Reply::Authenticated { .. }) => Ok(Step::Done(self.greeted.clone())),
            (_, _) => Ok(Step::Wait),
        }
    }

    fn refused(
        &self,
        code: ErrorCode,
        message: String,
        retry_after_ms: Option<u64>,
    ) -> ConnectError {
        let place = self.place.to_owned();
        match code {
            ErrorCode::AuthFailed => ConnectError::WrongToken { place },
            ErrorCode::AuthRateLimited => ConnectError::TooManyTokens {
                place,
                retry_after: retry_after_ms.map(Duration::from_millis),
            },
            _ => ConnectError::Gateway { place, message },
        }
    }

    fn not_a_gateway(&self, reason: &str) -> ConnectError {
        ConnectError::NotAGateway { place: self.place.to_owned(), reason: reason.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WELCOME: &str =
        r#"{"type":"welcome","protocolVersion":1,"requiresAuth":true,"versions":[1]}"#;
    const OPEN: &str =
        r#"{"type":"welcome","protocolVersion":1,"requiresAuth":false,"versions":[1]}"#;
    const CONNECTED: &str =
        r#"{"type":"connected","clientId":"c","heartbeatIntervalMs":5000,"ts":1}"#;
    const AUTHENTICATED: &str = r#"{"type":"authenticated",
        "identity":{"userId":"u","email":"e","tenantId":"t"}}"#;

    #[test]
    fn the_token_is_said_after_both_words_of_the_gateway_and_not_before() {
        let mut greeting = Greeting::new("here", "secret");
        assert_eq!(greeting.on(WELCOME).unwrap(), Step::Wait);
        assert_eq!(greeting.on(r#"{"type":"weather"}"#).unwrap(), Step::Wait);
        let Step::Say(frame) = greeting.on(CONNECTED).unwrap() else { panic!("no token") };
        let token = "secret".to_owned();
        assert_eq!(frame.message, ClientMessage::Authenticate { token });
        let heartbeat = Duration::from_secs(5);
        let greeted = Greeted { client_id: "c".to_owned(), heartbeat };
        assert_eq!(greeting.on(AUTHENTICATED).unwrap(), Step::Done(greeted));
    }

    #[test]
    fn a_gateway_that_wants_no_token_gets_none() {
        let mut greeting = Greeting::new("here", "secret");
        assert_eq!(greeting.on(OPEN).unwrap(), Step::Wait);
        assert_eq!(greeting.on(CONNECTED).unwrap(), Step::Wait);
        assert!(matches!(greeting.on(AUTHENTICATED).unwrap(), Step::Done(_)));
    }

    #[test]
    fn whoever_is_no_gateway_is_told_so_and_never_the_token() {
        for text in ["hello", "[]", "{}", r#"{"type":"hi"}"#, CONNECTED, AUTHENTICATED] {
            let error = Greeting::new("here", "secret").on(text).unwrap_err();
            assert!(matches!(error, ConnectError::NotAGateway { .. }), "{text}: {error}");
        }
    }

    #[test]
    fn what_the_gateway_refuses_is_told_apart() {
        let last = |text: &str| {
            let mut greeting = Greeting::new("here", "secret");
            greeting.on(WELCOME).unwrap();
            greeting.on(CONNECTED).unwrap();
            greeting.on(text).unwrap_err()
        };
        let wrong = last(r#"{"type":"error","code":"AUTH_FAILED","message":"no"}"#);
        assert!(matches!(wrong, ConnectError::WrongToken { .. }) && wrong.is_final(), "{wrong}");
        let often =
            last(r#"{"type":"error","code":"AUTH_RATE_LIMITED","message":"n","retryAfterMs":9}"#);
        assert!(matches!(often, ConnectError::TooManyTokens { .. }) && !often.is_final());
        let other = last(r#"{"type":"error","code":"Internal","message":"the disk is full"}"#);
        assert!(other.to_string().contains("the disk is full"), "{other}");
        let newer =
            r#"{"type":"welcome","protocolVersion":3,"requiresAuth":true,"versions":[2,3]}"#;
        let newer = Greeting::new("here", "t").on(newer).unwrap_err();
        assert!(newer.to_string().contains("[2, 3]") && newer.is_final(), "{newer}");
    }

    #[test]
    fn a_heartbeat_of_nothing_or_for_ever_is_not_believed() {
        for (said, meant) in [(0, 1_000), (u64::MAX >> 11, 600_000), (30_000, 30_000)] {
            let mut greeting = Greeting::new("here", "t");
            greeting.on(OPEN).unwrap();
            greeting.on(&CONNECTED.replace("5000", &said.to_string())).unwrap();
            let Step::Done(greeted) = greeting.on(AUTHENTICATED).unwrap() else { panic!() };
            assert_eq!(greeted.heartbeat, Duration::from_millis(meant));
        }
    }
}
