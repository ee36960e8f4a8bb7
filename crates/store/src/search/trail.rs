//! When the writer indexes: when nobody wants anything of it, or when too much waits.

use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use rusqlite::Connection;

use super::index::{Batch, index_some, waiting};
use crate::writer::Job;

/// The writer begins to index when nobody has asked anything of it for so long.
const IDLE: Duration = Duration::from_millis(20);

/// How often, under load, the writer looks at how much waits.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Once so many texts wait, or so many bytes of them, they are indexed under load too: a question
/// goes through all that waits.
const WAITING_TEXTS_MAX: usize = 400_000;
const WAITING_BYTES_MAX: usize = 512 * 1024 * 1024;

/// How many texts are indexed at once while nothing else is to be done, so that whoever comes does
/// not wait long.
const IDLE_BATCH: Batch = Batch { texts: 400, bytes: 512 * 1024 };

/// How many are indexed at once under load: larger batches cost less.
const BUSY_BATCH: Batch = Batch { texts: 4000, bytes: 4 * 1024 * 1024 };

/// Follows the writer with the index.
pub(crate) struct Trail {
    /// Whether texts may wait.
    is_behind: bool,
    looked: Instant,
}

impl Trail {
    /// Begins with whatever an earlier process left waiting.
    pub(crate) fn begin() -> Self {
        Self { is_behind: true, looked: Instant::now() }
    }

    /// Returns the next job if it comes while there is something to index. Nothing is returned when
    /// all is indexed, or when no job will come.
    pub(crate) fn next_if_waiting(
        &mut self,
        connection: &Connection,
        jobs: &Receiver<Job>,
    ) -> Option<Job> {
        let mut wait = IDLE;
        while self.is_behind {
            match jobs.recv_timeout(wait) {
                Ok(job) => return Some(job),
                Err(RecvTimeoutError::Disconnected) => return None,
                Err(RecvTimeoutError::Timeout) => {
                    self.is_behind = index(connection, IDLE_BATCH);
                    wait = Duration::ZERO;
                }
            }
        }
        None
    }

    /// Called after every group. Indexes if too much waits, which also holds back whoever writes
    /// faster than can be indexed.
    pub(crate) fn after_group(&mut self, connection: &Connection) {
        self.is_behind = true;
        if self.looked.elapsed() < LOOK_EVERY {
            return;
        }
        let too_much = waiting(connection, WAITING_TEXTS_MAX)
            .is_ok_and(|now| now.texts == WAITING_TEXTS_MAX || now.bytes >= WAITING_BYTES_MAX);
        // Where something was done, it looks again after the next group: there may be more.
        if !(too_much && index(connection, BUSY_BATCH)) {
            self.looked = Instant::now();
        }
    }
}

/// Indexes a batch. Returns whether something was done, so that more may wait. What fails is tried
/// again after the next group, and found without the index until then.
fn index(connection: &Connection, batch: Batch) -> bool {
    match index_some(connection, batch) {
        Ok(texts) => texts > 0,
        Err(error) => {
            tracing::warn!(%error, "texts were not indexed; searching them takes longer");
            false
        }
    }
}
