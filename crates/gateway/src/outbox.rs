//! What waits to be sent on one connection. Whoever fills it never waits, and it never grows past a bound.
//!
//! Replies are few: a connection's requests are taken up only while little waits, so they are not counted
//! against it. Events come as fast as agents work: where a connection lags, pieces of one text are put
//! together, and past a bound of bytes the connection is given up, which costs it nothing but joining
//! again.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use oriel_wire::gateway::{CLOSE_SLOW, EventBody, Reply, ReplyFrame, SessionEvent};
use tokio::sync::Notify;
use tokio_tungstenite::tungstenite::Utf8Bytes;

/// Pieces of a text are put together up to this length.
const MERGED_BYTES_MAX: usize = 4 * 1024;

/// While more than this waits, no further request of the connection is taken up and nothing is replayed.
const ROOM_BYTES: usize = 1024 * 1024;

/// Every frame costs this much beside its bytes, so that many small ones are bounded too.
const FRAME_BYTES: usize = 64;

/// What waits to be sent on one connection.
pub(crate) struct Outbox {
    state: Mutex<State>,
    /// Told when there is something to send.
    filled: Notify,
    /// Told when something was taken.
    taken: Notify,
    queued_bytes_max: usize,
}

/// An event as it is sent, made once for all who hear it.
pub(crate) struct Sent {
    frame: Utf8Bytes,
    /// The event, where it is a piece of a text.
    piece: Option<SessionEvent>,
}

/// Why and how a connection ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Close {
    pub(crate) code: u16,
    pub(crate) reason: &'static str,
}

/// What to do next on a connection.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Send(Utf8Bytes),
    Close(Close),
}

/// A replay that a connection waits for. What happens meanwhile is held back until it is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Replay(u64);

#[derive(Default)]
struct State {
    queue: VecDeque<Item>,
    /// The length of what waits of events, held back or not.
    event_bytes: usize,
    /// The part of it that is held back.
    held_bytes: usize,
    /// The length of what waits of replies.
    reply_bytes: usize,
    /// What happened in sessions whose replay is not done, by session.
    held: BTreeMap<String, Held>,
    replays: u64,
    closing: Option<Close>,
}

struct Held {
    replay: Replay,
    queue: VecDeque<Item>,
}

struct Item {
    content: Content,
    /// As it was counted.
    bytes: usize,
    is_reply: bool,
}

enum Content {
    Frame(Utf8Bytes),
    Event(Arc<Sent>),
    /// Pieces that were put together, with the number of the last one.
    Merged(Box<SessionEvent>),
}

impl Sent {
    /// Writes an event. One that cannot be written is none.
    pub(crate) fn new(event: SessionEvent) -> Result<Self, serde_json::Error> {
        let frame = Utf8Bytes::from(serde_json::to_string(&event)?);
        let piece = text_of(&event.body).is_some().then_some(event);
        Ok(Self { frame, piece })
    }

    /// Returns its frame.
    pub(crate) fn frame(&self) -> &str {
        self.frame.as_str()
    }
}

impl Outbox {
    pub(crate) fn new(queued_bytes_max: usize) -> Self {
        Self {
            state: Mutex::default(),
            filled: Notify::new(),
            taken: Notify::new(),
            queued_bytes_max,
        }
    }

    /// Says something to this connection alone.
    pub(crate) fn say(&self, request_id: Option<String>, reply: Reply) {
        match serde_json::to_string(&ReplyFrame { request_id, reply }) {
            Ok(text) => self.say_frame(Utf8Bytes::from(text)),
            Err(error) => tracing::error!(%error, "a reply could not be written"),
        }
    }

    /// Says something that is already written.
    pub(crate) fn say_frame(&self, frame: Utf8Bytes) {
        let mut state = self.state();
        if state.closing.is_none() {
            let bytes = frame.len() + FRAME_BYTES;
            state.reply_bytes += bytes;
            state.queue.push_back(Item { content: Content::Frame(frame), bytes, is_reply: true });
            self.filled.notify_one();
        }
    }

    /// Tells of an event. Returns whether the connection still takes any.
    pub(crate) fn tell(&self, session: &str, sent: &Arc<Sent>) -> bool {
        let mut state = self.state();
        if state.closing.is_some() {
            return false;
        }
        let State { queue, held, event_bytes, held_bytes, .. } = &mut *state;
        if let Some(held) = held.get_mut(session) {
            let added = put(&mut held.queue, sent);
            *held_bytes += added;
            *event_bytes += added;
        } else {
            *event_bytes += put(queue, sent);
        }
        self.look_at(&mut state)
    }

    /// Tells of something that every connection hears.
    pub(crate) fn announce(&self, frame: &Utf8Bytes) {
        let mut state = self.state();
        if state.closing.is_none() {
            let bytes = frame.len() + FRAME_BYTES;
            state.event_bytes += bytes;
            let content = Content::Frame(frame.clone());
            state.queue.push_back(Item { content, bytes, is_reply: false });
            self.look_at(&mut state);
        }
    }

    /// Gives the connection up where too much waits. Returns whether it still takes anything.
    fn look_at(&self, state: &mut State) -> bool {
        let is_slow = state.event_bytes > self.queued_bytes_max;
        if is_slow {
            let reason = "events waited too long to be read; join again with afterSeq";
            state.give_up(Close { code: CLOSE_SLOW, reason });
            self.taken.notify_waiters();
        }
        self.filled.notify_one();
        !is_slow
    }

    /// Holds back what happens in a session until its replay is done. Any earlier replay of it is over.
    pub(crate) fn hold(&self, session: &str) -> Replay {
        let mut state = self.state();
        state.let_go(session);
        state.replays += 1;
        let replay = Replay(state.replays);
        let held = Held { replay, queue: VecDeque::new() };
        state.held.insert(session.to_owned(), held);
        replay
    }

    /// Ends a session's replay, and drops what was held back for it.
    pub(crate) fn let_go(&self, session: &str) {
        self.state().let_go(session);
    }

    /// Sends a frame of a replay. Returns whether that is still wanted.
    pub(crate) fn replay(&self, session: &str, replay: Replay, frame: String) -> bool {
        let mut state = self.state();
        if !state.replays_now(session, replay) {
            return false;
        }
        let bytes = frame.len() + FRAME_BYTES;
        state.reply_bytes += bytes;
        let content = Content::Frame(Utf8Bytes::from(frame));
        state.queue.push_back(Item { content, bytes, is_reply: true });
        self.filled.notify_one();
        true
    }

    /// Says that a replay is done: what was held back follows it, and from now on events come as they
    /// happen.
    pub(crate) fn replayed(&self, session: &str, replay: Replay) {
        let mut state = self.state();
        if state.replays_now(session, replay)
            && let Some(mut held) = state.held.remove(session)
        {
            state.held_bytes -= held.bytes();
            state.queue.append(&mut held.queue);
            self.filled.notify_one();
        }
    }

    /// Waits until little waits. Returns whether the connection still takes anything.
    pub(crate) async fn room(&self) -> bool {
        loop {
            let taken = self.taken.notified();
            {
                let state = self.state();
                if state.closing.is_some() {
                    return false;
                }
                // What is held back goes out only after a replay, so a replay cannot wait for it.
                let waits = state.event_bytes + state.reply_bytes - state.held_bytes;
                if waits <= ROOM_BYTES {
                    return true;
                }
            }
            taken.await;
        }
    }

    /// Ends the connection once what waits was sent.
    pub(crate) fn close(&self, code: u16, reason: &'static str) {
        let mut state = self.state();
        if state.closing.is_none() {
            state.closing = Some(Close { code, reason });
        }
        self.filled.notify_one();
        self.taken.notify_waiters();
    }

    /// Waits for what is to be done next.
    pub(crate) async fn next(&self) -> Step {
        loop {
            let filled = self.filled.notified();
            if let Some(step) = self.take() {
                return step;
            }
            filled.await;
        }
    }

    /// Waits until the connection has been given up, whatever else waits.
    pub(crate) async fn given_up(&self) {
        loop {
            let taken = self.taken.notified();
            let is_slow = |close: &Close| close.code == CLOSE_SLOW;
            if self.state().closing.as_ref().is_some_and(is_slow) {
                return;
            }
            taken.await;
        }
    }

    fn take(&self) -> Option<Step> {
        let mut state = self.state();
        let Some(item) = state.queue.pop_front() else {
            return state.closing.clone().map(Step::Close);
        };
        if item.is_reply {
            state.reply_bytes -= item.bytes;
        } else {
            state.event_bytes -= item.bytes;
        }
        drop(state);
        self.taken.notify_waiters();
        Some(match item.content {
            Content::Frame(frame) => Step::Send(frame),
            Content::Event(sent) => Step::Send(sent.frame.clone()),
            Content::Merged(event) => match serde_json::to_string(&event) {
                Ok(text) => Step::Send(Utf8Bytes::from(text)),
                Err(error) => {
                    tracing::error!(%error, "an event could not be written");
                    return self.take();
                }
            },
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn replays_now(&self, session: &str, replay: Replay) -> bool {
        self.held.get(session).is_some_and(|held| held.replay == replay)
    }

    fn let_go(&mut self, session: &str) {
        if let Some(held) = self.held.remove(session) {
            self.event_bytes -= held.bytes();
            self.held_bytes -= held.bytes();
        }
    }

    fn give_up(&mut self, close: Close) {
        self.queue.clear();
        self.held.clear();
        (self.event_bytes, self.held_bytes, self.reply_bytes) = (0, 0, 0);
        self.closing = Some(close);
    }
}

impl Held {
    fn bytes(&self) -> usize {
        self.queue.iter().map(|item| item.bytes).sum()
    }
}

/// Puts an event at the end of a queue, or adds it to the last one where both are pieces of one text.
/// Returns how much longer the queue is.
fn put(queue: &mut VecDeque<Item>, sent: &Arc<Sent>) -> usize {
    if let Some(piece) = &sent.piece
        && let Some(last) = queue.back_mut()
        && let Some(added) = last.add(piece)
    {
        return added;
    }
    let bytes = sent.frame.len() + FRAME_BYTES;
    queue.push_back(Item { content: Content::Event(Arc::clone(sent)), bytes, is_reply: false });
    bytes
}

impl Item {
    /// Adds a piece of the same text. Returns how much longer that made it.
    fn add(&mut self, piece: &SessionEvent) -> Option<usize> {
        let known = match &self.content {
            Content::Frame(_) => return None,
            Content::Event(sent) => sent.piece.as_ref()?,
            Content::Merged(event) => event.as_ref(),
        };
        let (text, more) = (text_of(&known.body)?, text_of(&piece.body)?);
        let fits = text.len() + more.len() <= MERGED_BYTES_MAX;
        if !fits || !is_one_text(known, piece) {
            return None;
        }
        let more = more.to_owned();
        let mut event =
            match std::mem::replace(&mut self.content, Content::Frame(Utf8Bytes::default())) {
                Content::Merged(event) => event,
                Content::Event(sent) => Box::new(sent.piece.clone()?),
                Content::Frame(_) => return None,
            };
        event.seq = piece.seq;
        event.ts = piece.ts;
        text_mut(&mut event.body)?.push_str(&more);
        self.content = Content::Merged(event);
        self.bytes += more.len();
        Some(more.len())
    }
}

/// Returns whether one event goes on with the text of another.
fn is_one_text(first: &SessionEvent, next: &SessionEvent) -> bool {
    use EventBody::{TerminalStream, TextDelta, ThinkingProgress, ThinkingStart, ToolCallDelta};

    let is_one = match (&first.body, &next.body) {
        (TextDelta { .. }, TextDelta { .. })
        | (ThinkingStart { .. } | ThinkingProgress { .. }, ThinkingProgress { .. }) => true,
        (ToolCallDelta { tool_call_id: one, .. }, ToolCallDelta { tool_call_id: other, .. })
        | (TerminalStream { terminal_id: one, .. }, TerminalStream { terminal_id: other, .. }) => {
            one == other
        }
        _ => false,
    };
    is_one && first.session_id == next.session_id && first.turn_id == next.turn_id
}

/// Returns the text of an event that is a piece of one.
fn text_of(body: &EventBody) -> Option<&str> {
    match body {
        EventBody::TextDelta { text }
        | EventBody::ThinkingStart { text }
        | EventBody::ThinkingProgress { text } => Some(text),
        EventBody::ToolCallDelta { delta, .. } => Some(delta),
        EventBody::TerminalStream { chunk, .. } => Some(chunk),
        _ => None,
    }
}

fn text_mut(body: &mut EventBody) -> Option<&mut String> {
    match body {
        EventBody::TextDelta { text }
        | EventBody::ThinkingStart { text }
        | EventBody::ThinkingProgress { text } => Some(text),
        EventBody::ToolCallDelta { delta, .. } => Some(delta),
        EventBody::TerminalStream { chunk, .. } => Some(chunk),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
