//! Running an engine: one thread takes in what happens, asks the engine, writes down what must outlive the
//! process, and hands on the rest.
//!
//! What happens at once is taken in at once, and what is to be written for all of it is one commit. A
//! commit holds what was decided and never what will be, so it may come before the tasks of an earlier
//! decision; only its own must wait for it.
#![forbid(unsafe_code)]

mod inbox;
mod keeper;
mod peers;
mod tasks;

use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

use oriel_wire::sync::RelPath;

use crate::journal::{Journal, Write};
use crate::local::Notice;
use crate::rules::LeftOut;
use crate::side::{Effect, Side};
use crate::task::Task;
use crate::upstream::Peer;
use crate::vfs::{Blobs, Fault, Vfs};

pub(crate) use inbox::Inbox;
use keeper::Proposed;
use peers::Peers;
pub(crate) use peers::{Heard, ToPeer};
use tasks::Tasks;

/// How much that happened is taken in at once, before anything of it is done.
const AT_ONCE_MAX: usize = 1024;

/// The whole tree is looked through so often although it is watched: nobody knows of every event that a
/// system may lose.
const LOOK_THROUGH_EVERY: Duration = Duration::from_secs(60);

/// And so often where it is not watched, or not all of it.
const UNWATCHED_EVERY: Duration = Duration::from_secs(5);

/// A folder that is gone is looked for so often.
const ROOT_EVERY: Duration = Duration::from_secs(1);

/// A journal that cannot be written is tried again after so long.
const JOURNAL_EVERY: Duration = Duration::from_secs(2);

/// What a desk is made with.
pub(crate) struct Plan<E: Side, V, B, J> {
    pub(crate) setup: E::Setup,
    pub(crate) vfs: Arc<V>,
    pub(crate) blobs: Arc<B>,
    pub(crate) journal: Arc<J>,
    /// Whether the journal is one of this boot.
    pub(crate) is_same_boot: bool,
    pub(crate) inbox: Arc<Inbox>,
    pub(crate) surroundings: Surroundings,
}

/// What a desk needs of the world.
pub(crate) struct Surroundings {
    /// Unix milliseconds.
    pub(crate) now_ms: Box<dyn Fn() -> u64 + Send>,
    /// Draws a number that no engine has had.
    pub(crate) launch: Box<dyn Fn() -> u64 + Send>,
    /// Reads what is left out as it is now.
    pub(crate) rules: Box<dyn Fn() -> Result<NowLeftOut, Fault> + Send>,
    /// Hears that all was told by the other side while this was left out.
    pub(crate) heard_all: Box<HeardAll>,
    /// Whether a path says what is left out.
    pub(crate) is_rule: fn(&RelPath) -> bool,
    /// Before anything is committed that a content may be nowhere else for.
    pub(crate) secure_blobs: Box<dyn Fn() + Send>,
    /// Hears what a person is to know.
    pub(crate) notice: Box<dyn Fn(Notice) + Send>,
    /// Hears that something may be otherwise than it was.
    pub(crate) changed: Box<dyn Fn() + Send>,
    /// How many threads look, read and write.
    pub(crate) threads: usize,
}

/// Hears that all was told, and of the rules by which.
type HeardAll = dyn Fn(&[u8]) + Send;

/// Asks an engine something, and returns what is to be done because of it.
type Ask<E> = dyn FnOnce(&mut E, u64) -> Vec<Effect<<E as Side>::Says>> + Send;

/// What is left out.
pub(crate) struct NowLeftOut {
    pub(crate) rule: LeftOut,
    /// Of what says so.
    pub(crate) digest: Vec<u8>,
    /// The same was left out when all was last told by the other side.
    pub(crate) is_as_heard: bool,
}

/// Something for the desk.
pub(crate) enum Message<E: Side> {
    /// A task of the engine of this era was performed.
    Done(u64, crate::task::Done),
    /// A content is in the store again that somebody is to be sent.
    Refilled(u64, Peer, oriel_wire::sync::Digest, u64),
    /// Something is in the inbox.
    Inbox,
    /// There is a connection.
    Joined(Peer, tokio::sync::mpsc::UnboundedSender<ToPeer<E::Says>>),
    /// There is none any more.
    Left(Peer),
    /// Somebody says something.
    Said(Peer, Heard<E::Hears>),
    /// Somebody asks, or decides something.
    Ask(Box<Ask<E>>),
    /// It is over. What was begun is finished.
    Stop,
}

/// A way to the desk.
pub(crate) struct Desk<E: Side> {
    sender: Sender<Message<E>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl<E: Side> Desk<E> {
    /// Begins.
    ///
    /// # Errors
    /// Where the system allows no more threads.
    pub(crate) fn open<V, B, J>(plan: Plan<E, V, B, J>) -> std::io::Result<Self>
    where
        V: Vfs + Send + Sync + 'static,
        B: Blobs + Send + Sync + 'static,
        J: Journal + Send + Sync + 'static,
    {
        let (sender, messages) = channel();
        let left_out = Arc::new(RwLock::new(LeftOut::nothing()));
        let tasks = Tasks::new(&plan, Arc::clone(&left_out), sender.clone())?;
        let wake = sender.clone();
        // Whoever is gone needs no waking.
        plan.inbox.wakes(move || _ = wake.send(Message::Inbox));
        let keeper = Keeper {
            engine: None,
            era: 0,
            rules: Vec::new(),
            has_heard_all: false,
            left_out,
            tasks,
            peers: Peers::new(sender.clone()),
            messages,
            wake_ms: None,
            looked_at: Instant::now(),
            root_at: None,
            journal_at: None,
            has_committed: false,
            proposed: BTreeMap::new(),
            are_rules_doubtful: false,
            plan,
        };
        let thread = Builder::new().name("sync".to_owned()).spawn(move || keeper.keep())?;
        Ok(Self { sender, thread: Mutex::new(Some(thread)) })
    }

    pub(crate) fn send(&self, message: Message<E>) {
        // Whoever stopped answers nobody.
        _ = self.sender.send(message);
    }

    /// Returns a way to it that stays usable when it is gone, and does nothing then.
    pub(crate) fn sender(&self) -> Sender<Message<E>> {
        self.sender.clone()
    }

    /// Finishes what was begun, and ends. Whatever is said afterwards is not heard.
    pub(crate) fn close(&self) {
        self.send(Message::Stop);
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            // One that panicked has said so.
            _ = thread.join();
        }
    }
}

impl<E: Side> Drop for Desk<E> {
    fn drop(&mut self) {
        self.close();
    }
}

/// Whoever sits at the desk.
struct Keeper<E: Side, V, B, J> {
    plan: Plan<E, V, B, J>,
    engine: Option<E>,
    /// How many engines there were. What came of an earlier one's tasks means nothing to a later one.
    era: u64,
    /// The digest of what is left out.
    rules: Vec<u8>,
    /// All is told by these rules.
    has_heard_all: bool,
    left_out: Arc<RwLock<LeftOut>>,
    tasks: Tasks<V, B, J>,
    peers: Peers<E>,
    messages: Receiver<Message<E>>,
    wake_ms: Option<u64>,
    /// When the whole tree was last looked through, or that was begun.
    looked_at: Instant,
    /// When it is looked whether the folder is back.
    root_at: Option<Instant>,
    /// When it is tried again to read the journal.
    journal_at: Option<Instant>,
    /// The journal is one of this boot since.
    has_committed: bool,
    proposed: Proposed,
    /// What says what is left out has changed.
    are_rules_doubtful: bool,
}

/// What one batch of happenings comes to.
struct Batch<W> {
    secure: Vec<RelPath>,
    writes: Vec<Write>,
    rest: Vec<Effect<W>>,
}

impl<W> Default for Batch<W> {
    fn default() -> Self {
        Self { secure: Vec::new(), writes: Vec::new(), rest: Vec::new() }
    }
}

impl<W> Batch<W> {
    fn is_empty(&self) -> bool {
        self.secure.is_empty() && self.writes.is_empty() && self.rest.is_empty()
    }

    fn add(&mut self, effects: Vec<Effect<W>>) {
        for effect in effects {
            match effect {
                Effect::Task(Task::Secure(paths)) => self.secure.extend(paths),
                Effect::Task(Task::Commit(writes)) => self.writes.extend(writes),
                other => self.rest.push(other),
            }
        }
    }
}
