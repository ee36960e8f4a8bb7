//! The task while the link is there.

use std::collections::VecDeque;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{Sink, SinkExt, StreamExt};
use oriel_wire::gateway::{
    CLIENT_FRAME_BYTES_MAX, ClientMessage, RawFrame, Reply, ReplyFrame, ServerFrame,
};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_tungstenite::tungstenite::{Error, Message};

use super::{Command, Driver, End};
use crate::error::ClientError;
use crate::incoming::Incoming;
use crate::pending::{Answer, Asker};
use crate::rejoin::Refusal;
use crate::socket::{self, Linked, Socket};

/// How many frames wait to be sent. At the bound no command is taken.
const OUTGOING_MAX: usize = 64;

/// How long the gateway may take to hear that it is over.
const GOODBYE_WITHIN: Duration = Duration::from_secs(1);

/// After so long without a word the gateway is gone, in parts of ten of its heartbeat.
const STALE_TENTHS: u32 = 25;

impl Driver {
    /// Runs until the link breaks or is wanted no more.
    pub(super) async fn live(&mut self, linked: Linked) -> End {
        let Linked { socket, greeted } = linked;
        let (sink, mut frames) = socket.split();
        let mut outgoing = Outgoing { sink, waiting: VecDeque::new(), is_flushed: true };
        self.feed.push(Incoming::Connected { client_id: greeted.client_id }, 0);
        self.joined.link_is_up();
        let patience = greeted.heartbeat * STALE_TENTHS / 10;
        let mut stale_at = Instant::now() + patience;
        loop {
            self.join_next(&mut outgoing);
            let reads = self.feed.has_room();
            let takes = !self.is_deaf && outgoing.has_room() && self.pending.has_room();
            let wakes_at = self.joined.wakes_at();
            tokio::select! {
                frame = frames.next(), if reads => {
                    stale_at = Instant::now() + patience;
                    if let Some(reason) = self.on_message(frame) {
                        return End::Lost(reason);
                    }
                }
                // What was not read could not be heard, so patience begins again.
                () = self.feed.room(), if !reads => stale_at = Instant::now() + patience,
                command = self.commands.recv(), if takes => match command {
                    Some(Command::Ask { message, answer }) => self.ask(message, answer, &mut outgoing),
                    Some(Command::Close { done }) => {
                        say_goodbye(outgoing, frames).await;
                        return End::Asked(done);
                    }
                    None => self.is_deaf = true,
                },
                () = self.feed.left(), if self.is_deaf => {
                    say_goodbye(outgoing, frames).await;
                    return End::Unwanted;
                }
                sent = std::future::poll_fn(|context| outgoing.poll_send(context)),
                    if !outgoing.is_empty() => if let Err(error) = sent {
                        return End::Lost(error.to_string());
                    },
                () = sleep_until(stale_at), if reads => {
                    let seconds = patience.as_secs();
                    return End::Lost(format!("nothing was heard of the gateway for {seconds} s"));
                }
                () = sleep_until(wakes_at.unwrap_or(stale_at)), if wakes_at.is_some() => {
                    if self.joined.is_overdue(Instant::now()) {
                        return End::Lost("the gateway did not join a session again".to_owned());
                    }
                }
            }
        }
    }

    fn ask(&mut self, message: ClientMessage, answer: Answer, outgoing: &mut Outgoing) {
        let asker = match &message {
            ClientMessage::JoinSession { after_seq, .. } => {
                Asker::Joins { after: *after_seq, answer }
            }
            ClientMessage::LeaveSession { session_id } => {
                // Whatever becomes of the link, it is not to be joined again.
                self.joined.left(session_id);
                Asker::Asks { answer }
            }
            _ => Asker::Asks { answer },
        };
        let frame = self.pending.ask(message, asker);
        let said = socket::message(&frame);
        if CLIENT_FRAME_BYTES_MAX < said.len() {
            let asker = frame.request_id.and_then(|id| self.pending.answered(&id));
            if let Some(Asker::Joins { answer, .. } | Asker::Asks { answer }) = asker {
                // Whoever gave up waits for no answer.
                let _ = answer.send(Err(ClientError::TooLong { bytes: said.len() }));
            }
            return;
        }
        outgoing.push(said);
    }

    fn join_next(&mut self, outgoing: &mut Outgoing) {
        if let Some((session_id, message)) = self.joined.next(Instant::now()) {
            let frame = self.pending.ask(message, Asker::Rejoins { session_id });
            outgoing.push(socket::message(&frame));
        }
    }

    /// Takes what came. Returns why the link is lost, where it is.
    fn on_message(&mut self, message: Option<Result<Message, Error>>) -> Option<String> {
        match message {
            Some(Ok(Message::Text(text))) => {
                if let Some(frame) = socket::read(&text) {
                    self.on_frame(frame, text.len());
                }
                None
            }
            Some(Ok(Message::Close(frame))) => Some(socket::why_closed(frame.as_ref())),
            // The protocol has no binary frames, and pings are answered below us.
            Some(Ok(_)) => None,
            Some(Err(error)) => Some(error.to_string()),
            None => Some("the connection was closed".to_owned()),
        }
    }

    fn on_frame(&mut self, frame: ServerFrame, bytes: usize) {
        match frame {
            ServerFrame::Event(event) => {
                if self.joined.tells(&event) {
                    self.feed.push(Incoming::Event(event), bytes);
                }
            }
            ServerFrame::Reply(frame) => self.on_reply(frame, bytes),
            ServerFrame::Other(raw) => self.on_unknown(raw, bytes),
        }
    }

    fn on_unknown(&mut self, raw: RawFrame, bytes: usize) {
        let asker = raw.request_id.as_deref().and_then(|id| self.pending.answered(id));
        match asker {
            Some(asker) => self.on_answer(asker, None, bytes),
            None => {
                let is_new = match (&raw.session_id, raw.seq) {
                    (Some(session_id), Some(seq)) => self.joined.is_new(session_id, seq),
                    _ => true,
                };
                if is_new {
                    self.feed.push(Incoming::Other(raw), bytes);
                }
            }
        }
    }

    fn on_reply(&mut self, frame: ReplyFrame, bytes: usize) {
        if let Some(id) = &frame.request_id {
            match self.pending.answered(id) {
                Some(asker) => self.on_answer(asker, Some(frame.reply), bytes),
                None => tracing::debug!(id, "an answer came that nobody waits for"),
            }
            return;
        }
        let incoming = match frame.reply {
            Reply::Heartbeat { .. } => return,
            Reply::SessionCreated { session } => Incoming::SessionCreated(session),
            Reply::SessionUpdated { session } => Incoming::SessionUpdated(session),
            Reply::SessionDeleted { session_id } => {
                self.joined.left(&session_id);
                Incoming::SessionDeleted { session_id }
            }
            reply => match raw(&reply) {
                Some(raw) => Incoming::Other(raw),
                None => return,
            },
        };
        self.feed.push(incoming, bytes);
    }

    /// Takes an answer, or none for one that this client does not know.
    fn on_answer(&mut self, asker: Asker, reply: Option<Reply>, bytes: usize) {
        let answer = match asker {
            Asker::Rejoins { session_id } => return self.on_rejoin(&session_id, reply, bytes),
            Asker::Joins { after, answer } => {
                if let Some(Reply::StateSnapshot(snapshot)) = &reply {
                    self.joined.joined(snapshot, after);
                }
                answer
            }
            Asker::Asks { answer } => answer,
        };
        if let Some(Reply::SessionDeleted { session_id }) = &reply {
            self.joined.left(session_id);
        }
        let given = match reply {
            Some(Reply::Error { code, message, retry_after_ms }) => Err(ClientError::Refused {
                code,
                message,
                retry_after: retry_after_ms.map(Duration::from_millis),
            }),
            Some(reply) => Ok(reply),
            None => Err(ClientError::Unexpected { asked: "it" }),
        };
        // Whoever gave up waits for no answer.
        let _ = answer.send(given);
    }

    fn on_rejoin(&mut self, session_id: &str, reply: Option<Reply>, bytes: usize) {
        use oriel_wire::gateway::ErrorCode;

        let now = Instant::now();
        let (code, retry_after) = match reply {
            Some(Reply::StateSnapshot(snapshot)) => {
                if self.joined.rejoined(session_id, &snapshot) {
                    self.feed.push(Incoming::Snapshot(snapshot), bytes);
                }
                return;
            }
            Some(Reply::Error { code, retry_after_ms, message }) => {
                tracing::debug!(session_id, message, "a session cannot be joined again");
                (code, retry_after_ms.map(Duration::from_millis))
            }
            _ => (ErrorCode::Other, None),
        };
        if self.joined.refused(session_id, code, retry_after, now) == Refusal::Gone {
            let session_id = session_id.to_owned();
            self.feed.push(Incoming::SessionDeleted { session_id }, 0);
        }
    }
}

/// Returns an answer that belongs to no question as what it was on the wire.
fn raw(reply: &Reply) -> Option<RawFrame> {
    let serde_json::Value::Object(fields) = serde_json::to_value(reply).ok()? else { return None };
    let word = |name: &str| fields.get(name).and_then(|it| it.as_str()).map(str::to_owned);
    let (kind, session_id) = (word("type")?, word("sessionId"));
    Some(RawFrame { kind, session_id, seq: None, request_id: None, fields })
}

/// What is still to be sent.
struct Outgoing {
    sink: SplitSink<Socket, Message>,
    waiting: VecDeque<Message>,
    is_flushed: bool,
}

impl Outgoing {
    fn push(&mut self, message: Message) {
        self.waiting.push_back(message);
    }

    fn has_room(&self) -> bool {
        self.waiting.len() < OUTGOING_MAX
    }

    fn is_empty(&self) -> bool {
        self.waiting.is_empty() && self.is_flushed
    }

    /// Sends as much as can be sent. What could not be is still there when this is given up.
    fn poll_send(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        while !self.waiting.is_empty() {
            let mut sink = std::pin::Pin::new(&mut self.sink);
            ready!(sink.as_mut().poll_ready(context))?;
            if let Some(message) = self.waiting.pop_front() {
                sink.start_send(message)?;
                self.is_flushed = false;
            }
        }
        ready!(self.sink.poll_flush_unpin(context))?;
        self.is_flushed = true;
        Poll::Ready(Ok(()))
    }
}

/// Sends what waits, and says that it is over. A gateway that does not listen is left alone.
async fn say_goodbye(mut outgoing: Outgoing, mut frames: SplitStream<Socket>) {
    let goodbye = async {
        std::future::poll_fn(|context| outgoing.poll_send(context)).await?;
        outgoing.sink.close().await?;
        // The gateway's own word ends the stream.
        while let Some(Ok(_)) = frames.next().await {}
        Ok::<_, Error>(())
    };
    match timeout(GOODBYE_WITHIN, goodbye).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::debug!(%error, "the gateway did not hear that it is over"),
        Err(_) => tracing::debug!("the gateway did not hear in time that it is over"),
    }
}
