//! The life of one session: a task owns it, takes commands from connections and news from the agent, and
//! tells those who joined. What is durable is on disk before anybody hears of it or of anything after it.
//!
//! The task is started when somebody needs the session and ends when nobody does, so sessions that nobody
//! looks at cost nothing but their row.

mod deadlines;
mod hold;
mod join;
mod news;
mod questions;
mod recover;
pub(crate) mod removal;
mod speech;
mod tell;
mod turn;
mod wishes;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use oriel_wire::gateway::{Answer, ErrorCode, Reply, SessionMeta, SessionState, TurnErrorCode};
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use crate::asker::{Asker, Refusal};
use crate::files::Watch;
use crate::hub::Hub;
use crate::journal::{self, Entry};
use crate::limits::{PROBLEM_BYTES_MAX, beginning};
use crate::outbox::Outbox;
use crate::registry;
use crate::state::{self, Signal};
use crate::store::{Base, StoreError};
use hold::Hold;
use questions::Waiting;
use tell::Effect;
use turn::{Ending, Turn};

/// So much news is taken before those who joined hear of any of it, and no more once so many bytes are to
/// be told: they should come as fast as they can be read, and not all at once.
const NEWS_TAKEN_MAX: usize = 128;
const UNTOLD_BYTES_MAX: usize = 256 * 1024;

/// With this code a connection is closed that joined a session which could not be kept.
const CLOSE_FAILED: u16 = 1011;

/// What a session's owner is asked.
pub(crate) enum Command {
    /// A connection wants something.
    Asked(Asker, Wish),
    /// A connection is no more.
    Left(u64),
    /// The gateway stops. Told when the session is on disk and its agent has ended.
    Stop(oneshot::Sender<()>),
}

/// What a connection wants of a session.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Wish {
    Rename(String),
    Archive(bool),
    Delete,
    Join { after_seq: Option<u64> },
    Leave,
    RunTurn { text: String, client_turn_id: Option<String> },
    StopTurn,
    Steer(String),
    Answer { question_id: String, answer: Answer },
}

/// A session in memory.
struct Session {
    hub: Arc<Hub>,
    meta: SessionMeta,
    /// The agent's own name for the session.
    native_session: Option<String>,
    /// The last number that was given.
    seq: u64,
    /// No number up to this one is given again after a crash.
    seq_reserved: u64,
    hold: Hold,
    turn: Option<Turn>,
    /// The questions that wait, the oldest first.
    questions: Vec<Waiting>,
    /// What finds the files that change, once a turn began.
    watch: Option<Watch>,
    /// The connections that joined, by number.
    joined: BTreeMap<u64, Arc<Outbox>>,
    /// What is to be written next.
    entry: Entry,
    /// What is to be done once that is on disk.
    effects: Vec<Effect>,
    /// The length of the events among them.
    untold_bytes: usize,
    /// When something last happened.
    busy_at: Instant,
    /// Those who wait for the session to end with the gateway.
    stopping: Vec<oneshot::Sender<()>>,
    is_deleted: bool,
}

/// Owns a session until nobody needs it.
pub(crate) async fn own(hub: Arc<Hub>, id: String, mut commands: mpsc::Receiver<Command>) {
    match Session::load(&hub, &id).await {
        Ok(session) => session.live(&mut commands).await,
        Err(error) => be_broken(&hub, &id, &error, &mut commands).await,
    }
}

/// Brings a session that a crash left in the middle of something in order, and puts it out of memory.
pub(crate) async fn settle(hub: &Arc<Hub>, id: &str) {
    let settled = async {
        let mut session = Session::load(hub, id).await?;
        session.forgive().await?;
        session.put_away().await
    };
    if let Err(error) = settled.await {
        tracing::error!(session = id, %error, "a session cannot be used");
        if let Some(meta) = hub.meta(id) {
            hub.publish(&broken(meta, &error));
        }
    }
}

impl Session {
    /// Reads a session as it was left and ends what was open in it.
    async fn load(hub: &Arc<Hub>, id: &str) -> Result<Self, StoreError> {
        let name = id.to_owned();
        hub.store.write(Base::Registry, move |c| registry::set_open(c, &name)).await?;
        // Asked of the writer, which makes the database of this version first where it is not.
        let left = hub.store.write(Base::Session(id.to_owned()), journal::load).await?;
        let mut session = Self {
            hub: Arc::clone(hub),
            meta: left.meta,
            native_session: left.native_session,
            seq: left.seq_reserved,
            seq_reserved: left.seq_reserved,
            hold: Hold::Nothing,
            turn: None,
            questions: vec![],
            watch: None,
            joined: BTreeMap::new(),
            entry: Entry::default(),
            effects: vec![],
            untold_bytes: 0,
            busy_at: Instant::now(),
            stopping: vec![],
            is_deleted: false,
        };
        session.recover(left.turn, left.waiting).await?;
        Ok(session)
    }

    async fn live(mut self, commands: &mut mpsc::Receiver<Command>) {
        loop {
            if let Err(error) = self.step(commands).await {
                return self.give_up(&error, commands).await;
            }
            if self.is_deleted {
                return refuse_all(commands, &crate::hub::no_session()).await;
            }
            let is_over =
                !self.stopping.is_empty() && self.turn.is_none() && self.hold.is_nothing();
            let is_forgotten = self.is_free() && self.busy_at.elapsed() >= self.hub.limits.linger;
            if is_over || is_forgotten {
                if let Err(error) = self.put_away().await {
                    return self.give_up(&error, commands).await;
                }
                if self.hub.retire(&self.meta.id, commands) {
                    for stopped in self.stopping.drain(..) {
                        // Whoever stops the gateway may have lost patience.
                        _ = stopped.send(());
                    }
                    return;
                }
                if let Err(error) = self.take_back().await {
                    return self.give_up(&error, commands).await;
                }
            }
        }
    }

    /// Does one thing: a command, news, or what it is time for.
    async fn step(&mut self, commands: &mut mpsc::Receiver<Command>) -> Result<(), StoreError> {
        let deadline = self.deadline();
        tokio::select! {
            command = commands.recv() => match command {
                Some(command) => self.obey(command).await?,
                // Nobody has a way to the session any more.
                None => self.is_deleted = true,
            },
            heard = self.hold.next() => self.hear(heard).await,
            () = tokio::time::sleep_until(deadline) => return self.on_time().await,
        }
        self.busy_at = Instant::now();
        self.flush().await
    }

    async fn obey(&mut self, command: Command) -> Result<(), StoreError> {
        match command {
            Command::Asked(asker, wish) => self.grant(asker, wish).await?,
            Command::Left(client) => drop(self.joined.remove(&client)),
            Command::Stop(stopped) => {
                self.stopping.push(stopped);
                let message = "the gateway was stopped; run the turn again once it runs again";
                self.stop(Ending::new(TurnErrorCode::TurnStopped, message)).await;
                self.rest_if_stopping();
            }
        }
        Ok(())
    }

    /// Returns whether nobody needs the session in memory.
    fn is_free(&self) -> bool {
        let rests = matches!(self.meta.state, SessionState::Inactive | SessionState::Error);
        rests && self.hold.is_nothing() && self.turn.is_none() && self.joined.is_empty()
    }

    /// Moves the session. A step that is none is a fault of ours, and changes nothing.
    fn signal(&mut self, signal: Signal) {
        match state::after(self.meta.state, signal) {
            Ok(state) => self.meta.state = state,
            Err(error) => tracing::error!(session = self.meta.id, %error, "a step was refused"),
        }
    }

    /// Moves the session to where its agent could not be started or went away.
    fn fail(&mut self, problem: &str) {
        self.signal(Signal::Failed);
        self.meta.problem = Some(beginning(problem, PROBLEM_BYTES_MAX).to_owned());
    }

    /// Writes everything of the session, so that it can be put out of memory.
    async fn put_away(&mut self) -> Result<(), StoreError> {
        // What was not given of the reserved numbers can be given later.
        self.seq_reserved = self.seq;
        self.entry.seq_reserved = Some(self.seq);
        self.flush().await?;
        let meta = self.meta.clone();
        self.hub.store.write(Base::Registry, move |c| registry::put(c, &meta, false)).await
    }

    async fn take_back(&mut self) -> Result<(), StoreError> {
        self.busy_at = Instant::now();
        let id = self.meta.id.clone();
        self.hub.store.write(Base::Registry, move |c| registry::set_open(c, &id)).await
    }

    /// Ends a session that cannot be written. It is as if the gateway had crashed for it alone: whoever
    /// needs it next finds it as it is on disk.
    async fn give_up(mut self, error: &StoreError, commands: &mut mpsc::Receiver<Command>) {
        tracing::error!(session = self.meta.id, %error, "a session could not be kept");
        let refusal = Refusal::from(error);
        for effect in self.effects.drain(..) {
            if let Effect::Answer(asker, _) = effect {
                asker.refuse(refusal.clone());
            }
        }
        for outbox in self.joined.values() {
            outbox.close(CLOSE_FAILED, "the session could not be kept; connect again");
        }
        let id = self.meta.id.clone();
        let hub = Arc::clone(&self.hub);
        if let Some(meta) = hub.meta(&id) {
            tell_broken(&hub, broken(meta, error));
        }
        // The agent ends with this, and whoever waits for the session's end sees that it has.
        drop(self);
        be_refused(&hub, &id, &refusal, commands).await;
    }
}

/// How long a session that cannot be used answers why, before somebody looks at it again.
const BROKEN_FOR: Duration = Duration::from_secs(1);

/// Answers for a session that cannot be used. It can be deleted.
async fn be_broken(
    hub: &Arc<Hub>,
    id: &str,
    error: &StoreError,
    commands: &mut mpsc::Receiver<Command>,
) {
    let Some(meta) = hub.meta(id) else {
        return refuse_all(commands, &crate::hub::no_session()).await;
    };
    tracing::error!(session = id, %error, "a session cannot be used");
    tell_broken(hub, broken(meta, error));
    let refusal = Refusal::from(error);
    let until = Instant::now() + BROKEN_FOR;
    while let Ok(Some(command)) = tokio::time::timeout_at(until, commands.recv()).await {
        match command {
            Command::Asked(asker, Wish::Delete) => {
                removal::remove(hub, id, asker).await;
                return refuse_all(commands, &crate::hub::no_session()).await;
            }
            other => other.refuse(refusal.clone()),
        }
    }
    be_refused(hub, id, &refusal, commands).await;
}

/// Refuses what is still asked until nobody asks, and puts the session out of memory.
async fn be_refused(
    hub: &Arc<Hub>,
    id: &str,
    refusal: &Refusal,
    commands: &mut mpsc::Receiver<Command>,
) {
    const PAUSE: Duration = Duration::from_millis(50);

    while !hub.retire(id, commands) {
        // Whoever holds a way here may have gone without using it.
        if let Ok(Some(command)) = tokio::time::timeout(PAUSE, commands.recv()).await {
            command.refuse(refusal.clone());
        }
    }
}

/// Refuses everything that is asked of a session which is no more.
async fn refuse_all(commands: &mut mpsc::Receiver<Command>, refusal: &Refusal) {
    commands.close();
    while let Some(command) = commands.recv().await {
        command.refuse(refusal.clone());
    }
}

fn broken(meta: SessionMeta, error: &StoreError) -> SessionMeta {
    let problem = beginning(&error.for_people(), PROBLEM_BYTES_MAX).to_owned();
    SessionMeta { state: SessionState::Error, problem: Some(problem), ..meta }
}

/// Tells everybody of a session that cannot be used, unless they know.
fn tell_broken(hub: &Hub, meta: SessionMeta) {
    if hub.meta(&meta.id).as_ref() != Some(&meta) {
        hub.publish(&meta);
        hub.announce(Reply::SessionUpdated { session: meta }, |_| false);
    }
}

/// Says that the gateway stops.
fn stopping() -> Refusal {
    Refusal::new(ErrorCode::Internal, "the gateway is stopping; try again once it runs again")
}
