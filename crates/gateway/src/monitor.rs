//! What happens in sessions is handed on to the monitor: at least once, in order for each session, and
//! without any session ever waiting for it.
//!
//! The journal is the queue. This task reads on from where the monitor has taken everything, and tells the
//! journal how far that is. What is sent twice changes nothing there.

mod kept;
mod open;
mod sending;

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use oriel_link::Link;
use oriel_wire::gateway::{EventBody, SessionEvent, SessionMeta};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

pub(crate) use kept::Kept;
use open::Open;
use sending::{Sent, send};

/// How many events go in one request. With more, the next request goes at once.
const EVENTS_MAX: usize = 500;

/// How long what waits may still be handed on when the gateway ends. The rest is handed on when it runs
/// again.
const FLUSH: Duration = Duration::from_secs(2);

/// Where events are read, and where it is remembered how far they were taken.
pub(crate) trait Feed: Send + Sync + 'static {
    /// Returns the sessions with durable events that the monitor has not taken.
    fn behind(&self) -> Vec<Behind>;

    /// Reads a session as it is and its durable events after one, at most so many; nothing where the
    /// session is gone.
    fn read(
        &self,
        session: &str,
        after_seq: u64,
        limit: usize,
    ) -> BoxFuture<'static, Result<Option<Batch>, String>>;

    /// Remembers that the monitor has all events of a session up to this one.
    fn taken(&self, session: &str, seq: u64) -> BoxFuture<'static, Result<(), String>>;

    /// Returns once something was stored since it returned last.
    fn news(&self) -> BoxFuture<'static, ()>;
}

/// A session with events that the monitor has not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Behind {
    /// Which.
    pub(crate) session: String,
    /// The last event that the monitor has, or 0.
    pub(crate) handed_seq: u64,
    /// The last durable event that there is.
    pub(crate) last_seq: u64,
}

/// A session and some of its events.
#[derive(Debug, Clone)]
pub(crate) struct Batch {
    /// The session as it is.
    pub(crate) session: SessionMeta,
    /// The name under which the monitor knows its agent, if it does.
    pub(crate) agent: Option<String>,
    /// The agent's own name for the session, once it is known.
    pub(crate) native_session: Option<String>,
    /// The events, in order.
    pub(crate) events: Vec<SessionEvent>,
}

/// How fast events are handed on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    /// What is stored within this time is sent together.
    pub(crate) settle: Duration,
    /// How long it rests after a request that failed. Each further failure doubles that,
    pub(crate) retry: Duration,
    /// up to this.
    pub(crate) retry_max: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            settle: Duration::from_millis(100),
            retry: Duration::from_millis(500),
            retry_max: Duration::from_secs(30),
        }
    }
}

/// The task that hands events on.
#[derive(Debug)]
pub(crate) struct Monitor {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Monitor {
    /// Begins to hand events on to the runtime that is reached so.
    pub(crate) fn start(link: Link, feed: Arc<dyn Feed>, pace: Pace) -> Self {
        let (stop, stopped) = watch::channel(false);
        let desk = Desk { link, feed, sessions: HashMap::new(), pace };
        Self { stop, task: tokio::spawn(desk.run(stopped)) }
    }

    /// Hands on what waits, as far as that takes a moment, and ends.
    pub(crate) async fn stop(self) {
        // A task that has ended needs no telling.
        let _ = self.stop.send(true);
        if let Err(error) = self.task.await {
            tracing::error!(%error, "handing events on to the monitor failed");
        }
    }
}

/// Why a round of handing on came to no end: it is tried again.
struct Away(String);

struct Desk {
    link: Link,
    feed: Arc<dyn Feed>,
    /// What was sent of the sessions that are not done with.
    sessions: HashMap<String, Progress>,
    pace: Pace,
}

/// How far a session was sent.
#[derive(Default)]
struct Progress {
    sent_seq: u64,
    handed_seq: u64,
    open: Open,
    /// How many events go in the next request, once one was refused.
    few: Option<usize>,
}

impl Desk {
    async fn run(mut self, mut stopped: watch::Receiver<bool>) {
        let mut rest = self.pace.retry;
        loop {
            let pause = match self.round(&stopped).await {
                Ok(()) => {
                    rest = self.pace.retry;
                    None
                }
                Err(Away(problem)) => {
                    tracing::debug!(problem, "the monitor does not take events; they wait");
                    let pause = rest;
                    rest = (rest * 2).min(self.pace.retry_max);
                    Some(pause)
                }
            };
            let news = self.feed.news();
            let wait = async {
                match pause {
                    Some(pause) => sleep(pause).await,
                    None => {
                        news.await;
                        sleep(self.pace.settle).await;
                    }
                }
            };
            tokio::select! {
                () = wait => {}
                // Whoever could say so is gone, which says the same.
                _ = stopped.wait_for(|stop| *stop) => break,
            }
        }
        // What does not go now waits in the journal.
        let _ = timeout(FLUSH, self.round(&watch::channel(false).1)).await;
    }

    /// Sends all that waits, one request of each session after another. Ends early once it is to stop.
    async fn round(&mut self, stopped: &watch::Receiver<bool>) -> Result<(), Away> {
        loop {
            let behind = self.feed.behind();
            self.sessions.retain(|id, _| behind.iter().any(|one| one.session == *id));
            let mut has_sent = false;
            for one in behind {
                if *stopped.borrow() {
                    return Ok(());
                }
                has_sent |= self.session(&one).await?;
            }
            if !has_sent {
                return Ok(());
            }
        }
    }

    /// Sends some events of a session. Returns whether there may be more.
    async fn session(&mut self, behind: &Behind) -> Result<bool, Away> {
        let id = behind.session.as_str();
        let (handed_seq, sent_seq) = (behind.handed_seq, behind.handed_seq);
        let progress = self.sessions.entry(id.to_owned()).or_insert_with(|| Progress {
            sent_seq,
            handed_seq,
            ..Progress::default()
        });
        if progress.sent_seq >= behind.last_seq {
            return Ok(false);
        }
        let limit = progress.few.unwrap_or(EVENTS_MAX);
        let batch = self.feed.read(id, progress.sent_seq, limit).await.map_err(Away)?;
        let Some(batch) = batch.filter(|batch| !batch.events.is_empty()) else { return Ok(false) };
        if waits_for_name(&batch) {
            return Ok(false);
        }
        match send(&self.link, &batch, &progress.open).await.map_err(Away)? {
            Sent::Taken(count) => {
                progress.few = progress.few.map(|few| few * 2).filter(|few| *few < EVENTS_MAX);
                progress.pass(&batch.events[..count]);
            }
            Sent::Refused(problem) if batch.events.len() == 1 => {
                let seq = batch.events[0].seq;
                tracing::warn!(
                    session = id,
                    seq,
                    problem,
                    "the monitor refuses an event; it is left out"
                );
                progress.pass(&batch.events);
            }
            // One of them is what it refuses. The others are for it.
            Sent::Refused(_) => progress.few = Some(batch.events.len() / 2),
        }
        let done_seq = progress.done_seq();
        if done_seq > progress.handed_seq {
            self.feed.taken(id, done_seq).await.map_err(Away)?;
            progress.handed_seq = done_seq;
        }
        Ok(true)
    }
}

impl Progress {
    fn pass(&mut self, events: &[SessionEvent]) {
        for event in events {
            self.open.see(event);
            self.sent_seq = self.sent_seq.max(event.seq);
        }
    }

    /// Returns up to where nothing is ever needed again. What is open is needed with its end, and after
    /// a restart only the journal has it.
    fn done_seq(&self) -> u64 {
        match self.open.first_seq() {
            Some(first) => first.saturating_sub(1).min(self.sent_seq),
            None => self.sent_seq,
        }
    }
}

/// Returns whether a session's first turn is about to begin and the agent has not said yet by which name
/// the monitor may know the session. Told now, it would be told under two.
fn waits_for_name(batch: &Batch) -> bool {
    batch.agent.is_some()
        && batch.native_session.is_none()
        && batch.events.iter().any(|event| matches!(event.body, EventBody::TurnStarted { .. }))
        && batch.events.iter().all(|event| {
            matches!(
                event.body,
                EventBody::TurnStarted { .. }
                    | EventBody::TurnSteered { .. }
                    | EventBody::SessionUpdated { .. }
            )
        })
}
