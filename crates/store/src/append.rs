//! What a writer is asked and what it answers.

use std::sync::Arc;

use oriel_model::{EventNumber, NewEvent, Note};
use tokio::sync::oneshot;

use crate::search::{Packed, take_texts};

/// What became of one event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Appended {
    /// It is on disk under this number.
    New(EventNumber),
    /// Another source had told of the same thing: the event of this number has learnt what this one
    /// says.
    Joined(EventNumber),
    /// This very event was there before, and nothing changed.
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

/// An event whose texts are packed, which takes longer than anything else before it is written. Who
/// stores many packs them elsewhere than where they are handed over.
#[derive(Debug, Clone, PartialEq)]
pub struct Ready {
    pub(crate) event: NewEvent,
    pub(crate) texts: Vec<Packed>,
}

impl Ready {
    /// Packs the texts of an event.
    #[must_use]
    pub fn new(mut event: NewEvent) -> Self {
        let texts = take_texts(&mut event);
        Self { event, texts }
    }

    /// Returns about how many bytes it takes.
    #[must_use]
    pub fn weight(&self) -> usize {
        /// What an event takes beside its words.
        const EVENT_BYTES: usize = 256;
        let texts: usize = self.texts.iter().map(Packed::weight).sum();
        EVENT_BYTES + self.event.metadata.text().len() + texts
    }
}

/// A request to the writer: these events, in this order, all or none.
pub(crate) struct Request {
    pub events: Vec<Ready>,
    /// What else is to be known with them.
    pub notes: Vec<Note>,
    /// When they were received, in Unix seconds.
    pub at: i64,
    pub reply: oneshot::Sender<Result<Vec<Appended>, AppendError>>,
}
