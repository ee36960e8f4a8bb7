//! What a writer is asked and what it answers.

use std::sync::Arc;

use oriel_model::{EventNumber, NewEvent};
use tokio::sync::oneshot;

/// What became of one event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Appended {
    /// It is on disk under this number.
    New(EventNumber),
    /// An event of its name was there before, and nothing changed.
    Duplicate,
}

/// Events were not stored. None of the request's events were.
#[derive(Debug, Clone, thiserror::Error)]
pub enum AppendError {
    /// More events wait than may wait.
    #[error("{waiting} events wait to be written, and {max} may; send them again in a moment")]
    Full {
        /// How many wait.
        waiting: usize,
        /// How many may.
        max: usize,
    },
    /// The store is closing.
    #[error("the store is closing; send the events again when it is back")]
    Closing,
    /// The disk did not take them.
    #[error("the store could not write to its file: {0}")]
    Disk(Arc<rusqlite::Error>),
}

/// A request to the writer: these events, in this order, all or none.
pub(crate) struct Request {
    pub events: Vec<NewEvent>,
    /// When they were received, in Unix seconds.
    pub at: i64,
    pub reply: oneshot::Sender<Result<Vec<Appended>, AppendError>>,
}
