//! Who asked for something: a connection, and the name it gave its message. Whoever asks is answered
//! exactly once, even where whoever was to answer goes away.

use std::sync::Arc;

use oriel_wire::gateway::{ErrorCode, Reply};
use tokio::sync::OwnedSemaphorePermit;

use crate::outbox::Outbox;
use crate::store::StoreError;

/// Who asked for something.
pub(crate) struct Asker {
    client: Client,
    request_id: Option<String>,
    is_answered: bool,
    /// A connection has only so many requests under way.
    _place: Option<OwnedSemaphorePermit>,
}

/// A connection as those who answer it see it.
#[derive(Clone)]
pub(crate) struct Client {
    /// Its number.
    pub(crate) number: u64,
    /// What waits to be sent to it.
    pub(crate) outbox: Arc<Outbox>,
}

/// Why something is not done, for whoever asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) code: ErrorCode,
    pub(crate) message: String,
    pub(crate) retry_after_ms: Option<u64>,
}

impl Asker {
    pub(crate) fn new(
        client: Client,
        request_id: Option<String>,
        place: Option<OwnedSemaphorePermit>,
    ) -> Self {
        Self { client, request_id, is_answered: false, _place: place }
    }

    /// Returns the connection.
    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    pub(crate) fn reply(mut self, reply: Reply) {
        self.is_answered = true;
        self.client.outbox.say(self.request_id.take(), reply);
    }

    pub(crate) fn refuse(self, refusal: Refusal) {
        self.reply(refusal.into());
    }
}

impl Drop for Asker {
    fn drop(&mut self) {
        if !self.is_answered {
            let refusal = Refusal::new(
                ErrorCode::Internal,
                "the gateway stopped before it could answer; ask again to see whether it was done",
            );
            self.client.outbox.say(self.request_id.take(), refusal.into());
        }
    }
}

impl Refusal {
    pub(crate) fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), retry_after_ms: None }
    }

    /// A message that can be read and asks for what is not possible.
    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::InvalidMessage, message)
    }
}

impl From<Refusal> for Reply {
    fn from(refusal: Refusal) -> Self {
        let Refusal { code, message, retry_after_ms } = refusal;
        Self::Error { code, message, retry_after_ms }
    }
}

impl From<&StoreError> for Refusal {
    fn from(error: &StoreError) -> Self {
        Self::new(ErrorCode::Internal, error.for_people())
    }
}
