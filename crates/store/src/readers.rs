//! Read-only connections, a few at a time.
//!
//! Each question runs in one transaction, so all of its parts are of the same moment, and that
//! moment is after every answered write.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;
use tokio::sync::Semaphore;

use crate::open::open_reader;

/// A question could not be answered.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The store did not answer.
    #[error("the store could not be read: {0}")]
    Sqlite(#[from] rusqlite::Error),
    /// The store is closed, or the question ended without an answer.
    #[error("the store stopped before it answered; ask again when it is back")]
    Stopped,
}

#[derive(Clone)]
pub(crate) struct Readers {
    path: Arc<PathBuf>,
    idle: Arc<Mutex<Vec<Connection>>>,
    permits: Arc<Semaphore>,
    most: u32,
}

impl Readers {
    pub(crate) fn new(path: PathBuf, most: usize) -> Self {
        let most = u32::try_from(most.clamp(1, Semaphore::MAX_PERMITS)).unwrap_or(u32::MAX);
        Self {
            path: Arc::new(path),
            idle: Arc::default(),
            permits: Arc::new(Semaphore::new(most as usize)),
            most,
        }
    }

    /// Asks a question on a thread where it may wait for the disk.
    pub(crate) async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, ReadError> {
        let permit =
            Arc::clone(&self.permits).acquire_owned().await.map_err(|_| ReadError::Stopped)?;
        let readers = self.clone();
        let answer = tokio::task::spawn_blocking(move || {
            let answer = readers.ask_now(question);
            drop(permit);
            answer
        });
        Ok(answer.await.map_err(|_| ReadError::Stopped)??)
    }

    /// Waits for the questions that were asked, refuses those to come, and closes all connections.
    pub(crate) async fn close(&self) {
        let all = self.permits.acquire_many(self.most).await;
        self.permits.close();
        drop(all);
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    fn ask_now<T>(
        &self,
        question: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<T> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let connection = match idle {
            Some(connection) => connection,
            None => open_reader(&self.path)?,
        };
        let transaction = connection.unchecked_transaction()?;
        let answer = question(&transaction);
        transaction.finish()?;
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
        answer
    }
}

#[cfg(test)]
mod plans;
