//! What the gateway keeps: one database of what sessions there are, and one for each session.
//!
//! One thread writes. It takes the work that waits and does what belongs to one database in one
//! transaction, so the busier it is the larger its groups are. Whoever reads does so on a connection of
//! its own. Only so many databases are open at once, however many sessions there are.

mod open;
mod readers;
mod writer;

use std::fs::File;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::JoinHandle;

use rusqlite::Connection;
use tokio::sync::oneshot;

use crate::folders::Folders;
use readers::Readers;
use writer::{Job, Task, Typed};

/// A database.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Base {
    /// That of what sessions there are.
    Registry,
    /// A session's own.
    Session(String),
}

/// What is kept could not be read or written.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// The file is not there or cannot be reached.
    #[error("cannot open {path}: {source}; restore it from a backup")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: Arc<std::io::Error>,
    },
    /// Another program made the file.
    #[error("{0} is not a database of the gateway; move it away or restore it from a backup")]
    NotOurs(PathBuf),
    /// A later program wrote it.
    #[error(
        "{path} has version {found}, and this program knows versions up to {known}; \
         install the program that wrote it"
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: i64,
        /// The newest version that this program knows.
        known: i64,
    },
    /// SQLite could not do it.
    #[error("cannot use {path}: {source}; see to it that the disk has room and the file is whole")]
    Sqlite {
        /// The file.
        path: PathBuf,
        /// Why.
        source: Arc<rusqlite::Error>,
    },
    /// The gateway is stopping.
    #[error("the gateway is stopping; try again once it runs again")]
    Closed,
}

impl StoreError {
    /// Returns what a client may hear of it: no path.
    pub(crate) fn for_people(&self) -> String {
        let why = match self {
            Self::File { source, .. } => format!("its file cannot be opened ({source})"),
            Self::NotOurs(_) => "its file is another program's".to_owned(),
            Self::Newer { found, known, .. } => format!(
                "its file has version {found} and this gateway knows versions up to {known}; install \
                 the newer program"
            ),
            Self::Sqlite { source, .. } => format!("its file cannot be used ({source})"),
            Self::Closed => return self.to_string(),
        };
        format!(
            "what is kept of this session cannot be used: {why}; make room on the disk, restore the \
             session's folder from a backup, or delete the session"
        )
    }
}

/// All databases.
pub(crate) struct Store {
    jobs: mpsc::Sender<Job>,
    readers: Arc<Readers>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Store {
    /// Opens the registry and starts the thread that writes. The lock is let go once that has ended.
    ///
    /// # Errors
    /// Where the registry cannot be used.
    pub(crate) fn open(folders: &Folders, lock: File) -> Result<Self, StoreError> {
        let (jobs, waiting) = mpsc::channel();
        let mut writer = writer::Writer::new(folders.clone());
        writer.open_registry()?;
        let thread =
            std::thread::Builder::new().name("gateway-writer".to_owned()).spawn(move || {
                writer.run(&waiting);
                drop((writer, lock));
            });
        let thread = thread.map_err(|source| StoreError::File {
            path: folders.registry_db(),
            source: Arc::new(source),
        })?;
        let readers = Arc::new(Readers::new(folders.clone()));
        Ok(Self { jobs, readers, thread: Mutex::new(Some(thread)) })
    }

    /// Does some work in a transaction and returns once that is on disk. Where the work fails nothing of
    /// it is kept.
    ///
    /// # Errors
    /// Where it could not be done.
    pub(crate) async fn write<T, F>(&self, base: Base, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        self.ask(base, Box::new(Typed::new(work, reply)))?;
        answer.await.unwrap_or(Err(StoreError::Closed))
    }

    /// Has some work done in its turn, and nobody waits for it. What goes wrong is logged.
    pub(crate) fn write_later<F>(&self, base: Base, work: F)
    where
        F: FnOnce(&Connection) -> rusqlite::Result<()> + Send + 'static,
    {
        let (reply, _) = oneshot::channel();
        // Who stops the gateway waits for whatever has to be on disk by then.
        _ = self.ask(base, Box::new(Typed::new(work, reply)));
    }

    /// There is no bound to the work that waits but this: whoever asks waits for the answer, and what
    /// nobody waits for is a row for a change that somebody did wait for.
    fn ask(&self, base: Base, task: Box<dyn Task>) -> Result<(), StoreError> {
        self.jobs.send(Job::Write { base, task }).map_err(|_| StoreError::Closed)
    }

    /// Reads, on a connection of its own and at one moment.
    ///
    /// # Errors
    /// Where it could not be done.
    pub(crate) async fn read<T, F>(&self, base: Base, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        Arc::clone(&self.readers).read(base, work).await
    }

    /// Closes what is open of a session that is about to be removed.
    pub(crate) async fn forget(&self, session: &str) {
        self.readers.forget(session);
        let (done, closed) = oneshot::channel();
        let base = Base::Session(session.to_owned());
        if self.jobs.send(Job::Forget { base, done }).is_ok() {
            // A writer that has ended has nothing open.
            _ = closed.await;
        }
    }

    /// Writes what waits, then no more, and returns at once.
    pub(crate) fn close_soon(&self) {
        // One that is closed stays closed.
        _ = self.jobs.send(Job::Close);
    }

    /// Writes what waits, then no more, and returns once all is on disk and closed.
    pub(crate) async fn close(&self) {
        self.close_soon();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            let joined = tokio::task::spawn_blocking(move || thread.join()).await;
            if !matches!(joined, Ok(Ok(()))) {
                tracing::error!("the gateway's writer did not end well");
            }
        }
    }
}

#[cfg(test)]
mod tests;
