//! Who is at the other end of a connection: whether it has said who it is, how often it speaks, and what
//! it has joined.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::{Arc, PoisonError};

use oriel_wire::gateway::{
    CLIENT_FRAME_BYTES_MAX, CLOSE_UNAUTHENTICATED, ClientFrame, ClientMessage, ErrorCode, Identity,
    Reply, read_client,
};
use tokio::sync::Semaphore;
use tokio::time::Instant;

use super::requests;
use crate::asker::{Asker, Client, Refusal};
use crate::gateway::House;
use crate::rate::Window;
use crate::session::Command;

/// With so many wrong tokens a connection is closed.
const WRONG_TOKENS_MAX: u8 = 3;

/// How many requests of a connection are under way. While there are as many, no further one is read.
const REQUESTS_MAX: usize = 8;

/// Who is at the other end.
pub(super) struct Guest {
    pub(super) house: Arc<House>,
    client: Client,
    /// Its address; none for one in this process.
    peer: Option<IpAddr>,
    is_known: bool,
    /// It must have said who it is by then.
    known_by: Instant,
    wrong_tokens: u8,
    messages: Window,
    places: Arc<Semaphore>,
    /// The sessions that it may have joined.
    pub(super) joined: BTreeSet<String>,
}

impl Guest {
    pub(super) fn new(house: Arc<House>, client: Client, peer: Option<IpAddr>) -> Self {
        let known_by = Instant::now() + house.hub.limits.authenticate_within;
        let mut guest = Self {
            house,
            client,
            peer,
            is_known: false,
            known_by,
            wrong_tokens: 0,
            messages: Window::of_messages(),
            places: Arc::new(Semaphore::new(REQUESTS_MAX)),
            joined: BTreeSet::new(),
        };
        if guest.house.is_dev {
            guest.welcome(None);
        }
        guest
    }

    /// Returns when it must have said who it is, if it has not and is still listened to.
    pub(super) fn deadline(&self) -> Option<Instant> {
        (!self.is_known && self.wrong_tokens < WRONG_TOKENS_MAX).then_some(self.known_by)
    }

    /// Ends the connection of one that has not said who it is.
    pub(super) fn turn_away(&mut self, reason: &'static str) {
        self.wrong_tokens = WRONG_TOKENS_MAX;
        self.client.outbox.close(CLOSE_UNAUTHENTICATED, reason);
    }

    /// Takes a message. Returns whether the next one can be read.
    pub(super) async fn take(&mut self, text: &str) -> bool {
        let read = read_client(text);
        let request_id = match &read {
            Ok(frame) => frame.request_id.clone(),
            Err(error) => error.request_id.clone(),
        };
        if let Err(wait) = self.messages.count(Instant::now()) {
            let message = format!(
                "more than {} messages came in 10 s; this one was not taken, send it again later",
                crate::rate::MESSAGES_MAX
            );
            self.refuse_for(request_id, ErrorCode::RateLimited, message, wait);
            return true;
        }
        match read {
            Ok(ClientFrame { message: ClientMessage::Authenticate { token }, .. }) => {
                self.authenticate(request_id, &token);
            }
            Ok(_) if !self.is_known => {
                let message = "say who you are first: authenticate, with the token of the gateway";
                self.refuse(request_id, ErrorCode::Unauthenticated, message);
            }
            Ok(ClientFrame { message, .. }) => self.request(request_id, message).await,
            Err(error) => {
                let is_too_large = error.code == ErrorCode::MessageTooLarge;
                self.refuse(request_id, error.code, error.message);
                return !is_too_large;
            }
        }
        true
    }

    pub(super) fn refuse_binary(&mut self) {
        let message = "binary frames are not understood; send JSON in a text frame";
        // They count like any other message, and one that is one too many gets the same answer.
        _ = self.messages.count(Instant::now());
        self.refuse(None, ErrorCode::InvalidMessage, message);
    }

    pub(super) fn refuse_too_large(&self) {
        let message = format!(
            "the message is longer than {CLIENT_FRAME_BYTES_MAX} bytes, which is the most that is read; \
             connect again and send less at once"
        );
        self.refuse(None, ErrorCode::MessageTooLarge, message);
    }

    /// Says to those who may tell this connection something that it has gone.
    pub(super) async fn leave(self) {
        self.house.hub.unlisten(self.client.number);
        for session in &self.joined {
            let left = Command::Left(self.client.number);
            self.house.hub.command_if_owned(session, left).await;
        }
    }

    async fn request(&mut self, request_id: Option<String>, message: ClientMessage) {
        let place = Arc::clone(&self.places).acquire_owned().await.ok();
        let asker = Asker::new(self.client.clone(), request_id, place);
        requests::answer(self, asker, message).await;
    }

    fn authenticate(&mut self, request_id: Option<String>, token: &str) {
        let now = Instant::now();
        let mut failures = self.house.failures.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(peer) = self.peer
            && let Err(wait) = failures.may_try(peer, now)
        {
            drop(failures);
            let message =
                "too many wrong tokens came from this address; try again later".to_owned();
            self.refuse_for(request_id, ErrorCode::AuthRateLimited, message, wait);
            return;
        }
        if self.house.token.is(token) {
            drop(failures);
            self.welcome(request_id);
            return;
        }
        if let Some(peer) = self.peer {
            failures.failed(peer, now);
        }
        drop(failures);
        let message = "this is not the gateway's token; it stands in the file gateway/token of the data \
                       directory";
        self.refuse(request_id, ErrorCode::AuthFailed, message);
        self.wrong_tokens = self.wrong_tokens.saturating_add(1);
        if self.wrong_tokens >= WRONG_TOKENS_MAX {
            self.turn_away("three tokens were wrong");
        }
    }

    fn welcome(&mut self, request_id: Option<String>) {
        self.is_known = true;
        self.client.outbox.say(request_id, Reply::Authenticated { identity: owner() });
        self.house.hub.listen(&self.client);
    }

    fn refuse(&self, request_id: Option<String>, code: ErrorCode, message: impl Into<String>) {
        self.client.outbox.say(request_id, Refusal::new(code, message).into());
    }

    fn refuse_for(
        &self,
        request_id: Option<String>,
        code: ErrorCode,
        message: String,
        wait: std::time::Duration,
    ) {
        // Rounded up, so that whoever waits so long does not come a moment too early.
        let retry_after_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX).saturating_add(1);
        let refusal = Refusal { code, message, retry_after_ms: Some(retry_after_ms) };
        self.client.outbox.say(request_id, refusal.into());
    }
}

/// Whoever knows the token of a gateway on one's own machine is its owner.
fn owner() -> Identity {
    Identity {
        user_id: requests::OWNER.to_owned(),
        email: "owner@localhost".to_owned(),
        tenant_id: "local".to_owned(),
    }
}
