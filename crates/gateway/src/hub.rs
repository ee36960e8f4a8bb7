//! What all parts of the gateway share: which sessions there are, who listens, and what the gateway was
//! told. Locks guard plain data and are never held while anything is waited for.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use oriel_sync::Workspaces;
use oriel_wire::gateway::{Reply, ReplyFrame, SessionEvent, SessionMeta};
use tokio::sync::{Notify, mpsc};
use tokio_tungstenite::tungstenite::Utf8Bytes;
use tokio_util::sync::CancellationToken;

use crate::agent::StartsAgents;
use crate::asker::{Asker, Client, Refusal};
use crate::config::{Clock, Limits};
use crate::folders::Folders;
use crate::monitor::Behind;
use crate::outbox::Outbox;
use crate::session::{self, Command};
use crate::store::{Base, Store, StoreError};
use crate::{journal, registry};

/// How many commands wait for one session. Whoever gives one more waits until there is room.
const COMMANDS_MAX: usize = 64;

/// How long the events are that are handed to the monitor at once. One at least is.
const HANDED_BYTES_MAX: usize = 4 * 1024 * 1024;

/// What all parts share.
pub(crate) struct Hub {
    pub(crate) clock: Clock,
    pub(crate) limits: Limits,
    pub(crate) agents: Arc<dyn StartsAgents>,
    pub(crate) folders: Folders,
    pub(crate) store: Store,
    /// The workspaces that somebody syncs.
    pub(crate) workspaces: Arc<Workspaces>,
    /// Told when durable events were stored that the monitor has not taken.
    pub(crate) stored: Notify,
    /// Cancelled when the gateway is dropped: every task ends where it stands.
    pub(crate) dropped: CancellationToken,
    is_stopping: AtomicBool,
    sessions: Mutex<BTreeMap<String, Slot>>,
    listeners: Mutex<HashMap<u64, Arc<Outbox>>>,
    client_numbers: AtomicU64,
}

/// A session as the gateway knows it without its database.
pub(crate) struct Slot {
    pub(crate) meta: SessionMeta,
    /// Whether the gateway made its workspace, and so removes it.
    pub(crate) made_workspace: bool,
    /// The last durable event that the monitor has taken.
    pub(crate) handed_seq: u64,
    /// Reaches whoever has the session in memory, if somebody does.
    owner: Option<mpsc::Sender<Command>>,
}

impl Slot {
    pub(crate) fn new(meta: SessionMeta, made_workspace: bool, handed_seq: u64) -> Self {
        Self { meta, made_workspace, handed_seq, owner: None }
    }
}

impl Hub {
    pub(crate) fn new(
        clock: Clock,
        limits: Limits,
        agents: Arc<dyn StartsAgents>,
        folders: Folders,
        store: Store,
        workspaces: Arc<Workspaces>,
    ) -> Self {
        Self {
            clock,
            limits,
            agents,
            folders,
            store,
            workspaces,
            stored: Notify::new(),
            dropped: CancellationToken::new(),
            is_stopping: AtomicBool::new(false),
            sessions: Mutex::default(),
            listeners: Mutex::default(),
            client_numbers: AtomicU64::new(1),
        }
    }

    /// Runs something until it ends or the gateway is dropped.
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let dropped = self.dropped.clone();
        tokio::spawn(async move {
            // What is dropped half-way is what a crash would have left.
            _ = dropped.run_until_cancelled(task).await;
        });
    }

    /// Returns whether no new turn begins any more.
    pub(crate) fn is_stopping(&self) -> bool {
        self.is_stopping.load(Ordering::Acquire)
    }

    /// From now on no new turn begins.
    pub(crate) fn stop(&self) {
        self.is_stopping.store(true, Ordering::Release);
    }

    /// Returns the sessions, the one that changed last first.
    pub(crate) fn list(&self, include_archived: bool) -> Vec<SessionMeta> {
        let sessions = self.sessions();
        let shown = sessions.values().filter(|slot| include_archived || !slot.meta.archived);
        let mut metas: Vec<SessionMeta> = shown.map(|slot| slot.meta.clone()).collect();
        drop(sessions);
        metas.sort_by(|a, b| (b.updated_at, &b.id).cmp(&(a.updated_at, &a.id)));
        metas
    }

    /// Returns a session as it is.
    pub(crate) fn meta(&self, id: &str) -> Option<SessionMeta> {
        self.sessions().get(id).map(|slot| slot.meta.clone())
    }

    /// Returns whether the gateway made a session's workspace.
    pub(crate) fn made_workspace(&self, id: &str) -> bool {
        self.sessions().get(id).is_some_and(|slot| slot.made_workspace)
    }

    /// Adds a session to the list.
    pub(crate) fn add(&self, slot: Slot) {
        self.sessions().insert(slot.meta.id.clone(), slot);
    }

    /// Returns whether another session may be made.
    pub(crate) fn has_room(&self) -> bool {
        self.sessions().len() < self.limits.sessions
    }

    /// Takes a session off the list. Nobody finds it from now on.
    pub(crate) fn remove(&self, id: &str) -> Option<Slot> {
        self.sessions().remove(id)
    }

    /// Remembers a session as it is now.
    pub(crate) fn publish(&self, meta: &SessionMeta) {
        if let Some(slot) = self.sessions().get_mut(&meta.id) {
            slot.meta.clone_from(meta);
        }
    }

    /// Gives a command to a session's owner, and has it taken into memory where nobody has it.
    pub(crate) async fn command(self: &Arc<Self>, id: &str, mut command: Command) {
        loop {
            let Some(owner) = self.owner(id) else {
                command.refuse(no_session());
                return;
            };
            match owner.send(command).await {
                Ok(()) => return,
                // That owner was just put out of memory. The next one takes it.
                Err(mpsc::error::SendError(back)) => command = back,
            }
        }
    }

    /// Gives a command to a session's owner if somebody has it in memory.
    pub(crate) async fn command_if_owned(&self, id: &str, command: Command) {
        let owner = self.sessions().get(id).and_then(|slot| slot.owner.clone());
        if let Some(owner) = owner {
            // One that has just ended has nobody to tell either.
            _ = owner.send(command).await;
        }
    }

    /// Returns the sessions that somebody has in memory.
    pub(crate) fn owned(&self) -> Vec<String> {
        let sessions = self.sessions();
        let owned = sessions.iter().filter(|(_, slot)| slot.owner.is_some());
        owned.map(|(id, _)| id.clone()).collect()
    }

    fn owner(self: &Arc<Self>, id: &str) -> Option<mpsc::Sender<Command>> {
        let mut sessions = self.sessions();
        let slot = sessions.get_mut(id)?;
        if let Some(owner) = &slot.owner
            && !owner.is_closed()
        {
            return Some(owner.clone());
        }
        let (sender, commands) = mpsc::channel(COMMANDS_MAX);
        slot.owner = Some(sender.clone());
        drop(sessions);
        self.spawn(session::own(Arc::clone(self), id.to_owned(), commands));
        Some(sender)
    }

    /// Puts a session's owner out of memory, unless somebody has a command for it. Whoever comes later
    /// starts another one.
    pub(crate) fn retire(&self, id: &str, commands: &mpsc::Receiver<Command>) -> bool {
        let mut sessions = self.sessions();
        let Some(slot) = sessions.get_mut(id) else { return true };
        let Some(owner) = &slot.owner else { return true };
        // Whoever is about to send holds a sender too, and gets one only under this lock.
        let is_free = commands.is_empty() && owner.strong_count() == 1;
        if is_free {
            slot.owner = None;
        }
        is_free
    }

    /// Returns a number for a new connection.
    pub(crate) fn number_client(&self) -> u64 {
        self.client_numbers.fetch_add(1, Ordering::Relaxed)
    }

    /// Lets a connection hear of sessions.
    pub(crate) fn listen(&self, client: &Client) {
        self.listeners().insert(client.number, Arc::clone(&client.outbox));
    }

    /// Lets it hear no more.
    pub(crate) fn unlisten(&self, number: u64) {
        self.listeners().remove(&number);
    }

    /// Says something to every connection but some.
    pub(crate) fn announce(&self, reply: Reply, is_left_out: impl Fn(u64) -> bool) {
        let frame = match serde_json::to_string(&ReplyFrame { request_id: None, reply }) {
            Ok(text) => Utf8Bytes::from(text),
            Err(error) => {
                tracing::error!(%error, "an announcement could not be written");
                return;
            }
        };
        for (number, outbox) in &*self.listeners() {
            if !is_left_out(*number) {
                outbox.announce(&frame);
            }
        }
    }

    /// Ends every connection that listens once what waits for it was sent.
    pub(crate) fn close_connections(&self, code: u16, reason: &'static str) {
        for outbox in self.listeners().values() {
            outbox.close(code, reason);
        }
    }

    fn sessions(&self) -> MutexGuard<'_, BTreeMap<String, Slot>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn listeners(&self) -> MutexGuard<'_, HashMap<u64, Arc<Outbox>>> {
        self.listeners.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the part that hands events to the monitor asks.
impl Hub {
    /// Returns the sessions that have events which the monitor has not taken.
    pub(crate) fn unhanded(&self) -> Vec<Behind> {
        let sessions = self.sessions();
        let behind = sessions.iter().filter(|(_, slot)| slot.handed_seq < slot.meta.last_seq);
        let behind = behind.map(|(id, slot)| Behind {
            session: id.clone(),
            handed_seq: slot.handed_seq,
            last_seq: slot.meta.last_seq,
        });
        behind.collect()
    }

    /// Returns a session as it is, the agent's own name for it, and its durable events after a number, at
    /// most so many; nothing where there is no such session.
    ///
    /// # Errors
    /// Where they cannot be read.
    pub(crate) async fn events_after(
        &self,
        id: &str,
        after: u64,
        count: usize,
    ) -> Result<Option<(SessionMeta, Option<String>, Vec<SessionEvent>)>, StoreError> {
        let Some(meta) = self.meta(id) else { return Ok(None) };
        let up_to = meta.last_seq;
        let read = move |c: &rusqlite::Connection| {
            let page = journal::frames(c, after, up_to, count, HANDED_BYTES_MAX)?;
            let events = page.frames.iter().map(|(_, frame)| journal::event(frame));
            let events = events.collect::<rusqlite::Result<Vec<_>>>()?;
            Ok((journal::native_session(c)?, events))
        };
        let (native, events) = self.store.read(Base::Session(id.to_owned()), read).await?;
        Ok(Some((meta, native, events)))
    }

    /// Remembers that the monitor has taken a session's events up to a number.
    ///
    /// # Errors
    /// Where it could not be written. The monitor is then told of them again.
    pub(crate) async fn set_handed(&self, id: &str, seq: u64) -> Result<(), StoreError> {
        let name = id.to_owned();
        let write = move |c: &rusqlite::Connection| registry::set_handed(c, &name, seq);
        self.store.write(Base::Registry, write).await?;
        if let Some(slot) = self.sessions().get_mut(id) {
            slot.handed_seq = slot.handed_seq.max(seq);
        }
        Ok(())
    }
}

impl Command {
    /// Says to whoever asked that there is nobody to do it.
    pub(crate) fn refuse(self, refusal: Refusal) {
        if let Self::Asked(asker, _) = self {
            asker.refuse(refusal);
        }
    }
}

/// Says that there is no such session.
pub(crate) fn no_session() -> Refusal {
    use oriel_wire::gateway::ErrorCode::SessionNotFound;
    Refusal::new(SessionNotFound, "there is no such session; list_sessions says which there are")
}

/// Answers whoever asked with a value or a refusal.
pub(crate) fn answer(asker: Asker, outcome: Result<Reply, Refusal>) {
    match outcome {
        Ok(reply) => asker.reply(reply),
        Err(refusal) => asker.refuse(refusal),
    }
}
