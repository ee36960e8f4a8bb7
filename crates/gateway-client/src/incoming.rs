//! What a gateway tells without being asked.

use std::time::Duration;

use oriel_wire::gateway::{RawFrame, SessionEvent, SessionMeta, Snapshot};

/// What a gateway tells without being asked, in order.
#[derive(Debug, Clone, PartialEq)]
pub enum Incoming {
    /// The link is there, for the first time or again.
    Connected {
        /// The gateway's name for the connection.
        client_id: String,
    },
    /// The link is down.
    Disconnected {
        /// Why, for people.
        reason: String,
        /// When it is tried again; without that, it is not, and this is the last that comes.
        retry_in: Option<Duration>,
    },
    /// A joined session as it is now that the link is back. The durable events that were missed
    /// follow.
    Snapshot(Box<Snapshot>),
    /// Something happened in a joined session.
    Event(SessionEvent),
    /// Another client made a session.
    SessionCreated(SessionMeta),
    /// A session changed.
    SessionUpdated(SessionMeta),
    /// A session is gone.
    SessionDeleted {
        /// Which.
        session_id: String,
    },
    /// Something that this client does not know, as it came.
    Other(RawFrame),
}
