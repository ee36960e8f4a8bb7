//! Connections that read.

use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::{Connection, TransactionBehavior};
use tokio::sync::Semaphore;

use super::{Base, StoreError, open};
use crate::folders::Folders;

/// How many read at once. Others wait.
const READING_MAX: usize = 4;

/// How many connections are kept for the next reader. Beyond it the one that was not needed for the
/// longest time is closed.
const IDLE_MAX: usize = 12;

/// The connections that nobody reads on right now, the one that was needed last at the end.
pub(super) struct Readers {
    folders: Folders,
    places: Semaphore,
    idle: Mutex<Vec<(Base, Connection)>>,
}

impl Readers {
    pub(super) fn new(folders: Folders) -> Self {
        Self { folders, places: Semaphore::new(READING_MAX), idle: Mutex::new(vec![]) }
    }

    pub(super) async fn read<T, F>(self: Arc<Self>, base: Base, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        let readers = Arc::clone(&self);
        let place = readers.places.acquire().await;
        let read = tokio::task::spawn_blocking(move || self.read_now(base, work)).await;
        drop(place);
        read.unwrap_or(Err(StoreError::Closed))
    }

    fn read_now<T>(
        &self,
        base: Base,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        let mut connection = match self.take(&base) {
            Some(connection) => connection,
            None => open::reader(&self.folders, &base)?,
        };
        let moment = connection.transaction_with_behavior(TransactionBehavior::Deferred);
        let read = moment.and_then(|moment| work(&moment));
        match read {
            Ok(value) => {
                self.give_back(base, connection);
                Ok(value)
            }
            Err(source) => Err(open::sqlite(&open::path(&self.folders, &base), source)),
        }
    }

    /// Closes the connections to a session's database.
    pub(super) fn forget(&self, session: &str) {
        let is_it = |base: &Base| matches!(base, Base::Session(id) if id == session);
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).retain(|(base, _)| !is_it(base));
    }

    fn take(&self, base: &Base) -> Option<Connection> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let at = idle.iter().rposition(|(known, _)| known == base)?;
        Some(idle.remove(at).1)
    }

    fn give_back(&self, base: Base, connection: Connection) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() >= IDLE_MAX {
            idle.remove(0);
        }
        idle.push((base, connection));
    }
}
