//! The face of the store: append, ask, maintain, close.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use oriel_model::{NewEvent, Note, StoredEvent};
use rusqlite::Connection;
use tokio::sync::oneshot;

use crate::append::{AppendError, Appended, Ready, Request};
use crate::group::Group;
use crate::open::{OpenError, StoreOptions, open_reader, open_writer};
use crate::readers::Readers;
use crate::writer::{self, Job, Shared};
use crate::{maintain, schema};

/// Events on disk. Cloning it gives another holder of the same store.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    path: PathBuf,
    options: StoreOptions,
    jobs: mpsc::Sender<Job>,
    shared: Arc<Shared>,
    readers: Readers,
    threads: std::sync::Mutex<Vec<JoinHandle<()>>>,
}

/// What a group of requests changed, once it is on disk.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Committed {
    /// The new events, in order.
    pub stored: Vec<StoredEvent>,
    /// The events that were there and have learnt something.
    pub amended: Vec<StoredEvent>,
}

/// How large a store is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// Bytes of the main file.
    pub main_bytes: u64,
    /// Bytes of the log that is not yet folded into it.
    pub log_bytes: u64,
}

impl Store {
    /// The version of the form on disk.
    pub const VERSION: i64 = schema::VERSION;

    /// Opens the store in this file and makes it if it is not there. From then on `committed` is
    /// called for every group, in order, once it is on disk; it must not wait.
    ///
    /// # Errors
    /// Where the file cannot be used; see [`OpenError`].
    pub fn open(
        path: &Path,
        options: StoreOptions,
        committed: impl Fn(Committed) + Send + Sync + 'static,
    ) -> Result<Self, OpenError> {
        Self::open_as(path, options, committed, false)
    }

    /// Opens a store of which whoever calls has made a copy, should it be of an earlier version; see
    /// [`Self::open`], which makes one itself.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_copied(
        path: &Path,
        options: StoreOptions,
        committed: impl Fn(Committed) + Send + Sync + 'static,
    ) -> Result<Self, OpenError> {
        Self::open_as(path, options, committed, true)
    }

    fn open_as(
        path: &Path,
        options: StoreOptions,
        committed: impl Fn(Committed) + Send + Sync + 'static,
        copied: bool,
    ) -> Result<Self, OpenError> {
        let connection = open_writer(path, options.durability, copied)?;
        let sqlite = |source| OpenError::Sqlite { path: path.to_owned(), source };
        let group = Group::resume(&connection).map_err(sqlite)?;
        let (jobs, queue) = mpsc::channel();
        let (wake, woken) = mpsc::sync_channel(1);
        let shared = Arc::new(Shared {
            waiting: AtomicUsize::new(0),
            folded: AtomicBool::new(false),
            committed: Box::new(committed),
        });
        let of_writer = Arc::clone(&shared);
        let writer = spawn("oriel-writer", path, move || {
            writer::run(connection, group, &queue, &of_writer, &wake);
        })?;
        let (file, of_checkpointer) = (path.to_owned(), Arc::clone(&shared));
        let checkpointer = spawn("oriel-checkpoint", path, move || {
            maintain::checkpoint(&file, &woken, &of_checkpointer.folded);
        })?;
        let readers = Readers::new(path.to_owned(), options.readers);
        let threads = std::sync::Mutex::new(vec![writer, checkpointer]);
        let path = path.to_owned();
        Ok(Self { inner: Arc::new(Inner { path, options, jobs, shared, readers, threads }) })
    }

    /// Stores events in this order, all or none, received at `at` (Unix seconds). When it returns
    /// they are on disk, to the store's durability.
    ///
    /// # Errors
    /// Where nothing was stored; see [`AppendError`].
    pub async fn append(
        &self,
        events: Vec<NewEvent>,
        at: i64,
    ) -> Result<Vec<Appended>, AppendError> {
        self.append_told(events, Vec::new(), at).await
    }

    /// Stores events and what is known beside them, all or none; see [`Store::append`].
    ///
    /// # Errors
    /// Where nothing was stored; see [`AppendError`].
    pub async fn append_told(
        &self,
        events: Vec<NewEvent>,
        notes: Vec<Note>,
        at: i64,
    ) -> Result<Vec<Appended>, AppendError> {
        if events.is_empty() && notes.is_empty() {
            return Ok(Vec::new());
        }
        self.take_room(events.len() + notes.len())?;
        self.send(events.into_iter().map(Ready::new).collect(), notes, at).await
    }

    /// Stores events and what is known beside them when there is room, however long that takes; see
    /// [`Store::append`].
    ///
    /// # Errors
    /// Where nothing was stored; see [`AppendError`].
    pub async fn append_in_turn(
        &self,
        events: Vec<Ready>,
        notes: Vec<Note>,
        at: i64,
    ) -> Result<Vec<Appended>, AppendError> {
        /// There is room again soon after there was none.
        const PAUSE: Duration = Duration::from_millis(10);
        if events.is_empty() && notes.is_empty() {
            return Ok(Vec::new());
        }
        while self.take_room(events.len() + notes.len()).is_err() {
            tokio::time::sleep(PAUSE).await;
        }
        self.send(events, notes, at).await
    }

    /// Counts more that waits, if it may.
    fn take_room(&self, more: usize) -> Result<(), AppendError> {
        let (waiting, max) = (&self.inner.shared.waiting, self.inner.options.queue_events_max);
        // A request larger than the queue goes through alone.
        waiting
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |before| {
                (before == 0 || before + more <= max).then_some(before + more)
            })
            .map_err(|waiting| AppendError::Full { waiting, max })?;
        Ok(())
    }

    async fn send(
        &self,
        events: Vec<Ready>,
        notes: Vec<Note>,
        at: i64,
    ) -> Result<Vec<Appended>, AppendError> {
        let (more, (reply, answer)) = (events.len() + notes.len(), oneshot::channel());
        let request = Request { events, notes, at, reply };
        if self.inner.jobs.send(Job::Append(request)).is_err() {
            self.inner.shared.waiting.fetch_sub(more, Ordering::Relaxed);
            return Err(AppendError::Closing);
        }
        answer.await.unwrap_or(Err(AppendError::Closing))
    }

    /// Returns how many events wait for the writer.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.inner.shared.waiting.load(Ordering::Relaxed)
    }

    /// Returns the file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.inner.path
    }

    /// Returns how large the store is.
    #[must_use]
    pub fn size(&self) -> Size {
        let bytes = |path: &Path| std::fs::metadata(path).map_or(0, |file| file.len());
        let mut log = self.inner.path.clone().into_os_string();
        log.push("-wal");
        Size { main_bytes: bytes(&self.inner.path), log_bytes: bytes(Path::new(&log)) }
    }

    /// Lets the writer finish what waits and questions be answered, then closes the file. Whatever
    /// comes later is refused.
    pub async fn close(&self) {
        // Only the last connection to close folds the log into the file, and only one that may
        // write can: so those that read go first.
        self.inner.readers.close().await;
        _ = self.inner.jobs.send(Job::Close);
        let threads = std::mem::take(
            &mut *self.inner.threads.lock().unwrap_or_else(std::sync::PoisonError::into_inner),
        );
        // A thread that panicked has said so already.
        _ = tokio::task::spawn_blocking(move || {
            for thread in threads {
                _ = thread.join();
            }
        })
        .await;
    }

    pub(crate) fn readers(&self) -> &Readers {
        &self.inner.readers
    }

    /// Opens a connection of its own for a long question, so that it keeps no reader busy.
    pub(crate) fn open_reader(&self) -> rusqlite::Result<Connection> {
        open_reader(&self.inner.path)
    }

    /// Does something between two groups, while nothing is written.
    pub(crate) async fn exclusive<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> T + Send + 'static,
    ) -> Option<T> {
        self.exclusive_with_group(|connection, _| work(connection)).await
    }

    /// Does something between two groups with what the writer remembers.
    pub(crate) async fn exclusive_with_group<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection, &mut Group) -> T + Send + 'static,
    ) -> Option<T> {
        let (reply, answer) = oneshot::channel();
        let job = Job::Exclusive(Box::new(move |connection, group| {
            // Whoever asked may have stopped waiting.
            _ = reply.send(work(connection, group));
        }));
        self.inner.jobs.send(job).ok()?;
        answer.await.ok()
    }
}

fn spawn(
    name: &str,
    path: &Path,
    work: impl FnOnce() + Send + 'static,
) -> Result<JoinHandle<()>, OpenError> {
    std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(work)
        .map_err(|source| OpenError::File { path: path.to_owned(), source })
}
