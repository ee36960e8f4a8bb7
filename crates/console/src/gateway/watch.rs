//! A connection that waits for news of the gateway on behalf of one held request.

use std::sync::Arc;

use oriel_gateway_client::{EventStream, GatewayClient, Incoming};
use oriel_wire::gateway::{EventBody, SessionEvent};
use tokio::sync::OwnedSemaphorePermit;

use super::{Gateway, GatewayError};

/// The connection of one held request. It ends when this is dropped.
pub(crate) struct Watch {
    pub(crate) client: GatewayClient,
    events: EventStream,
    _place: OwnedSemaphorePermit,
}

/// What a watch waits for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Of<'a> {
    /// Any session is made, changed or deleted.
    Sessions,
    /// Something that a page shows happens in this session, which was joined.
    Session(&'a str),
}

impl Gateway {
    /// Connects to wait for news, as soon as there is a place for one more.
    pub(crate) async fn watch(&self) -> Result<Watch, GatewayError> {
        let place = Arc::clone(&self.watches).acquire_owned().await;
        let place = place.map_err(|_| GatewayError::Away("the console stops".to_owned()))?;
        let (client, events) = GatewayClient::connect(self.options()?).await?;
        Ok(Watch { client, events, _place: place })
    }
}

impl Watch {
    /// Waits until there is news.
    ///
    /// # Errors
    /// Where the connection is lost. It would come back by itself; another one, which looks up anew where
    /// the gateway is, does so sooner.
    pub(crate) async fn news(&mut self, of: Of<'_>) -> Result<(), GatewayError> {
        loop {
            match self.events.next().await {
                Some(Incoming::Disconnected { reason, .. }) => {
                    return Err(GatewayError::Away(format!("the gateway went away: {reason}")));
                }
                None => return Err(GatewayError::Away("the gateway went away".to_owned())),
                Some(incoming) if tells(&incoming, of) => return Ok(()),
                Some(_) => {}
            }
        }
    }
}

/// Returns whether a page has to be shown anew.
fn tells(incoming: &Incoming, of: Of<'_>) -> bool {
    match (incoming, of) {
        (Incoming::Event(event), Of::Session(id)) => event.session_id == id && is_shown(event),
        (
            Incoming::SessionCreated(_)
            | Incoming::SessionUpdated(_)
            | Incoming::SessionDeleted { .. },
            Of::Sessions,
        ) => true,
        (Incoming::SessionDeleted { session_id }, Of::Session(id)) => session_id == id,
        (Incoming::SessionUpdated(session), Of::Session(id)) => session.id == id,
        (Incoming::Other(frame), Of::Session(id)) => frame.session_id.as_deref() == Some(id),
        _ => false,
    }
}

/// What tools and terminals say while they work is shown once they are done.
fn is_shown(event: &SessionEvent) -> bool {
    !matches!(event.body, EventBody::ToolCallDelta { .. } | EventBody::TerminalStream { .. })
}
