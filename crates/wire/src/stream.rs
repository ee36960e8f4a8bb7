//! Frames of the live stream, and the small answers around it.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::event::EventRow;
use crate::imports::ImportPhase;
use crate::stats::Stats;

/// A frame of the live stream.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
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
    /// An event that was stored before has learnt something from another source.
    Amended {
        /// The event as it is now.
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
    /// An import goes on, or is over.
    ImportProgress {
        /// By which it can be asked after.
        id: u64,
        /// Where it stands.
        phase: ImportPhase,
        /// Files that were read.
        files_done: u64,
        /// Files that are to be read.
        files_total: u64,
        /// Bytes that were read.
        bytes_done: u64,
        /// Bytes that are to be read.
        bytes_total: u64,
        /// Events that are new.
        imported: u64,
    },
    /// Histories were imported without anybody asking for it.
    AutoImport {
        /// How many events are new.
        imported: u64,
    },
    /// Notices came, or were looked at or done with.
    Notices {
        /// How many are open that nobody has looked at.
        unopened: u64,
        /// How many open ones are of high priority.
        high: u64,
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
