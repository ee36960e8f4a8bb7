//! The one thread that writes.
//!
//! It takes what waits, does it in one transaction, and answers when the transaction is on disk.
//! While it waits for the disk more requests gather, so the busier the store, the larger the
//! groups. A group waits a moment for those who were just answered and will write again; one who
//! writes alone never waits.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender};
use std::time::{Duration, Instant};

use oriel_model::{EventNumber, StoredEvent};
use rusqlite::{Connection, TransactionBehavior};
use tokio::sync::oneshot;

use crate::append::{AppendError, Appended, Ready, Request};
use crate::group::{Group, Inserted};
use crate::notes;
use crate::open::USUAL_CACHE;
use crate::search::Trail;
use crate::store::Committed;

/// A group takes no further request once it holds this many events.
const GROUP_EVENTS_MAX: usize = 4096;

/// A group takes no further request once it has been open for this long.
const GROUP_OPEN_MAX: Duration = Duration::from_millis(2);

/// A group waits this long for events from those who were there before.
const GATHER_MAX: Duration = Duration::from_micros(250);

/// A group of so many events is part of an import.
const LARGE_GROUP_EVENTS: usize = 500;

/// After about this many written pages the log is folded back into the main file.
const CHECKPOINT_PAGES: usize = 4000;

/// Work that has the store to itself.
type Exclusive = Box<dyn FnOnce(&mut Connection, &mut Group) + Send>;

/// What the writer is asked.
pub(crate) enum Job {
    Append(Request),
    /// Something else that needs the connection, between groups.
    Exclusive(Exclusive),
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
    pub committed: Box<dyn Fn(Committed) + Send + Sync>,
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
    let mut writer = Writer { group, pages: 0, expected: 0, cache: Cache::Usual };
    let mut trail = Trail::begin();
    let mut left_over = None;
    while let Some(job) = left_over.take().or_else(|| {
        let next = trail.next_if_waiting(&connection, jobs);
        next.or_else(|| {
            writer.use_cache(&connection, Cache::Usual);
            jobs.recv().ok()
        })
    }) {
        match job {
            Job::Append(first) => {
                left_over = writer.write_group(&mut connection, first, jobs, shared);
                if writer.pages > CHECKPOINT_PAGES && checkpointer.try_send(()).is_ok() {
                    writer.pages = 0;
                }
                if shared.folded.swap(false, Ordering::Relaxed) {
                    fold_rest(&connection);
                }
                trail.after_group(&connection);
            }
            Job::Exclusive(work) => work(&mut connection, &mut writer.group),
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
    cache: Cache,
}

/// How much of the file the writer keeps in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cache {
    /// What those need who tell of one thing after another.
    Usual,
    /// What an import needs, whose names are found all over the indexes. Given back when it is done.
    Large,
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
            amended: BTreeMap::new(),
        };
        let taken = open.fill(&mut self.group, connection, jobs);
        if taken.events >= LARGE_GROUP_EVENTS {
            self.use_cache(connection, Cache::Large);
        }
        // Those who are answered now will write again, and so will those who wait.
        self.expected = shared.waiting.fetch_sub(taken.events, Ordering::Relaxed);
        match taken.result {
            Ok(()) => {
                self.pages += 12 + open.stored.len() / 2;
                self.group.trim();
                let committed = Committed {
                    stored: open.stored,
                    amended: open.amended.into_values().collect(),
                };
                if !committed.stored.is_empty() || !committed.amended.is_empty() {
                    (shared.committed)(committed);
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

    /// Uses so much memory for pages from now on.
    fn use_cache(&mut self, connection: &Connection, cache: Cache) {
        if self.cache == cache {
            return;
        }
        let sql = match cache {
            Cache::Usual => format!("{USUAL_CACHE}; PRAGMA shrink_memory;"),
            Cache::Large => "PRAGMA cache_size = -49152;".to_owned(),
        };
        match connection.execute_batch(&sql) {
            Ok(()) => self.cache = cache,
            Err(error) => tracing::warn!(%error, "the writer's memory is as it was"),
        }
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
    /// The events that changed, as they are now.
    amended: BTreeMap<EventNumber, StoredEvent>,
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
            *taken += request.events.len() + request.notes.len();
            self.answers.push((request.reply, vec![]));
            return begun.map(drop);
        };
        while let Some(Request { events, notes, at, reply }) = self.next.take() {
            *taken += events.len() + notes.len();
            let mut appended = Vec::with_capacity(events.len());
            let inserted = self.insert(group, &transaction, events, at, &mut appended);
            self.answers.push((reply, appended));
            inserted?;
            notes::write(&transaction, &notes)?;
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

    /// Notes an event that changed. One of this very group is told of as it is now.
    fn note_amended(&mut self, event: StoredEvent) {
        match self.stored.binary_search_by_key(&event.number, |stored| stored.number) {
            Ok(place) => self.stored[place] = event,
            Err(_) => _ = self.amended.insert(event.number, event),
        }
    }

    fn insert(
        &mut self,
        group: &mut Group,
        connection: &Connection,
        events: Vec<Ready>,
        at: i64,
        appended: &mut Vec<Appended>,
    ) -> rusqlite::Result<()> {
        for Ready { event, texts } in events {
            let (one, amended) = match group.insert(connection, event, &texts, at)? {
                Inserted::New(event, amended) => {
                    let number = event.number;
                    self.stored.push(*event);
                    (Appended::New(number), amended)
                }
                Inserted::Joined(number, amended) => (Appended::Joined(number), amended),
                Inserted::Duplicate => (Appended::Duplicate, Vec::new()),
            };
            appended.push(one);
            for event in amended {
                self.note_amended(event);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
