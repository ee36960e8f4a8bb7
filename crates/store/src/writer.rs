//! The one thread that writes.
//!
//! It takes what waits, does it in one transaction, and answers when the transaction is on disk.
//! While it waits for the disk more requests gather, so the busier the store, the larger the
//! groups. A group waits a moment for those who were just answered and will write again; one who
//! writes alone never waits.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender};
use std::time::{Duration, Instant};

use oriel_model::{NewEvent, StoredEvent};
use rusqlite::{Connection, TransactionBehavior};
use tokio::sync::oneshot;

use crate::append::{AppendError, Appended, Request};
use crate::group::Group;

/// A group takes no further request once it holds this many events.
const GROUP_EVENTS_MAX: usize = 4096;

/// A group takes no further request once it has been open for this long.
const GROUP_OPEN_MAX: Duration = Duration::from_millis(2);

/// A group waits this long for events from those who were there before.
const GATHER_MAX: Duration = Duration::from_micros(250);

/// After about this many written pages the log is folded back into the main file.
const CHECKPOINT_PAGES: usize = 4000;

/// What the writer is asked.
pub(crate) enum Job {
    Append(Request),
    /// Something else that needs the connection, between groups.
    Exclusive(Box<dyn FnOnce(&mut Connection) + Send>),
    /// Nothing more will come.
    Close,
}

/// What a writer shares with those who ask it.
pub(crate) struct Shared {
    /// How many events wait.
    pub waiting: AtomicUsize,
    /// Set once most of the log has been folded into the main file, beside the writer.
    pub folded: AtomicBool,
    /// Called with the events of each group, in order, once they are on disk.
    pub committed: Box<dyn Fn(Vec<StoredEvent>) + Send + Sync>,
}

/// Writes until it is told to close. The connection is closed with it, and without gathering
/// statistics for the query planner: those of a young store mislead it in an old one.
pub(crate) fn run(
    mut connection: Connection,
    group: Group,
    jobs: &Receiver<Job>,
    shared: &Shared,
    checkpointer: &SyncSender<()>,
) {
    let mut writer = Writer { group, pages: 0, expected: 0 };
    let mut left_over = None;
    while let Some(job) = left_over.take().or_else(|| jobs.recv().ok()) {
        match job {
            Job::Append(first) => {
                left_over = writer.write_group(&mut connection, first, jobs, shared);
                if writer.pages > CHECKPOINT_PAGES && checkpointer.try_send(()).is_ok() {
                    writer.pages = 0;
                }
                if shared.folded.swap(false, Ordering::Relaxed) {
                    fold_rest(&connection);
                }
            }
            Job::Exclusive(work) => work(&mut connection),
            // Whoever asks later learns it from the closed channel.
            Job::Close => break,
        }
    }
}

/// Folds what little was written since the checkpoint beside the writer began. Only a log that is
/// folded to its end is written from its start again, and under load no end is ever seen beside
/// the writer.
fn fold_rest(connection: &Connection) {
    let done = connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()));
    if let Err(error) = done {
        tracing::warn!(%error, "the rest of the store's log was not folded into its file");
    }
}

struct Writer {
    group: Group,
    /// About how many pages were written since the last checkpoint.
    pages: usize,
    /// How many events those who write now have under way at a time.
    expected: usize,
}

/// Who waits for an answer, and what it is if the group reaches the disk.
type Answer = (oneshot::Sender<Result<Vec<Appended>, AppendError>>, Vec<Appended>);

impl Writer {
    /// Writes one group. Returns a job that was taken and does not belong to it.
    fn write_group(
        &mut self,
        connection: &mut Connection,
        first: Request,
        jobs: &Receiver<Job>,
        shared: &Shared,
    ) -> Option<Job> {
        let mut open = Open {
            expected: self.expected,
            next: Some(first),
            left_over: None,
            answers: vec![],
            stored: vec![],
        };
        let taken = open.fill(&mut self.group, connection, jobs);
        // Those who are answered now will write again, and so will those who wait.
        self.expected = shared.waiting.fetch_sub(taken.events, Ordering::Relaxed);
        match taken.result {
            Ok(()) => {
                self.pages += 12 + open.stored.len() / 2;
                self.group.trim();
                if !open.stored.is_empty() {
                    (shared.committed)(open.stored);
                }
                for (reply, appended) in open.answers {
                    // A caller that went away will ask again, and then learn of the duplicate.
                    _ = reply.send(Ok(appended));
                }
            }
            Err(error) => self.give_up(connection, error, open.answers),
        }
        open.left_over
    }

    /// Tells everyone in the group that nothing of it was stored, and starts over from the disk.
    fn give_up(&mut self, connection: &Connection, error: rusqlite::Error, answers: Vec<Answer>) {
        tracing::error!(%error, requests = answers.len(), "a group of events was not stored");
        let error = Arc::new(error);
        for (reply, _) in answers {
            _ = reply.send(Err(AppendError::Disk(Arc::clone(&error))));
        }
        match Group::resume(connection) {
            Ok(fresh) => self.group = fresh,
            Err(error) => {
                tracing::error!(%error, "the store cannot be read either");
                self.group.forget();
            }
        }
    }
}

/// A group while it is open.
struct Open {
    expected: usize,
    next: Option<Request>,
    left_over: Option<Job>,
    answers: Vec<Answer>,
    stored: Vec<StoredEvent>,
}

struct Taken {
    events: usize,
    result: rusqlite::Result<()>,
}

impl Open {
    fn fill(
        &mut self,
        group: &mut Group,
        connection: &mut Connection,
        jobs: &Receiver<Job>,
    ) -> Taken {
        let mut events = 0;
        let result = self.transact(group, connection, jobs, &mut events);
        Taken { events, result }
    }

    fn transact(
        &mut self,
        group: &mut Group,
        connection: &mut Connection,
        jobs: &Receiver<Job>,
        taken: &mut usize,
    ) -> rusqlite::Result<()> {
        let opened = Instant::now();
        let begun = connection.transaction_with_behavior(TransactionBehavior::Immediate);
        let Ok(transaction) = begun else {
            let request = self.next.take().expect("a group begins with a request");
            *taken += request.events.len();
            self.answers.push((request.reply, vec![]));
            return begun.map(drop);
        };
        while let Some(Request { events, at, reply }) = self.next.take() {
            *taken += events.len();
            let mut appended = Vec::with_capacity(events.len());
            let inserted = self.insert(group, &transaction, events, at, &mut appended);
            self.answers.push((reply, appended));
            inserted?;
            if *taken < GROUP_EVENTS_MAX && opened.elapsed() < GROUP_OPEN_MAX {
                let more = jobs.try_recv().ok().or_else(|| {
                    let left = GATHER_MAX.checked_sub(opened.elapsed())?;
                    if *taken < self.expected { jobs.recv_timeout(left).ok() } else { None }
                });
                match more {
                    Some(Job::Append(request)) => self.next = Some(request),
                    Some(other) => self.left_over = Some(other),
                    None => {}
                }
            }
        }
        group.finish(&transaction)?;
        transaction.commit()
    }

    fn insert(
        &mut self,
        group: &mut Group,
        connection: &Connection,
        events: Vec<NewEvent>,
        at: i64,
        appended: &mut Vec<Appended>,
    ) -> rusqlite::Result<()> {
        for event in events {
            appended.push(match group.insert(connection, event, at)? {
                Some(event) => {
                    let number = event.number;
                    self.stored.push(event);
                    Appended::New(number)
                }
                None => Appended::Duplicate,
            });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
