//! Frames of the live stream, and the small answers around it.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::event::EventRow;
use crate::stats::Stats;

/// A frame of the live stream.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
#[expect(
    clippy::large_enum_variant,
    reason = "a frame is written where it is made, so its size is never paid for"
)]
pub enum Frame<'a> {
    /// The first frame of every stream.
    Connected {
        /// When the stream began.
        timestamp: String,
    },
    /// An event was stored.
    Event {
        /// The event.
        payload: EventRow<'a>,
    },
    /// The totals, at intervals.
    Stats {
        /// The totals.
        payload: Stats,
    },
    /// Something changed in the sessions.
    SessionUpdate {
        /// What changed.
        payload: SessionChange,
    },
    /// This client fell behind what is held in memory: what follows comes from the store, from the
    /// event after this number.
    Resync {
        /// The last event that this client got.
        after: i64,
    },
}

/// What changed in the sessions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum SessionChange {
    /// Sessions fell silent.
    IdleCheck {
        /// How many.
        idled: u64,
    },
}

/// How the runtime is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Health {
    /// `ok`, or `local_readiness_gate` while something blocks.
    pub status: Cow<'static, str>,
    /// Whole seconds since the start.
    pub uptime: u64,
    /// The size of the store with its log.
    pub db_size_bytes: u64,
    /// Listening stream clients.
    pub sse_clients: usize,
}

/// The answer to a request that cannot be served.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// What happened, to what, and what to do next.
    pub error: Cow<'static, str>,
}
