//! A connection: a WebSocket, what is said over it, and the desk behind it. What comes, what goes and what
//! the engine says go on beside each other, so two sides that both have much to say never wait for one
//! another.
#![forbid(unsafe_code)]

use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use oriel_wire::sync::{Bye, ByeReason, Digest, Verify, VerifyDiff};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::sync::{Notify, Semaphore};
use tokio::time::{Instant, timeout, timeout_at};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error, Message as Frame};
use tokio_util::sync::CancellationToken;

use crate::desk::{Heard, Message, ToPeer};
use crate::side::Side;
use crate::speech::{self, SpeechError, Who};
use crate::talk;
use crate::upstream::Peer;
use crate::vfs::Blobs;

/// So many words may wait to be taken in by the engine. Beyond it nothing more is read.
const WAITING_MAX: usize = 1024;

/// Whoever has said nothing for so long is asked whether they are there.
const PING_EVERY: Duration = Duration::from_secs(15);

/// And is gone, where they did not answer by then.
const SILENCE_MAX: Duration = Duration::from_secs(45);

/// A frame that could not be sent by then is the last one.
const SEND_WITHIN: Duration = Duration::from_secs(60);

/// How long the other end has to read why it is over.
const CLOSE_WITHIN: Duration = Duration::from_secs(2);

/// What is said over a connection, by one of the sides.
pub(crate) trait Speech: Send {
    /// What this side's engine says.
    type Says: Send;
    /// What it hears.
    type Hears: Send;

    fn say(&mut self, says: Self::Says) -> Result<(), SpeechError>;
    fn send_blob(&mut self, digest: Digest, from: u64);
    fn received(&mut self, bytes: usize);
    fn hear(&mut self, frame: &[u8]) -> Result<Vec<speech::Heard<Self::Hears>>, SpeechError>;
    fn next_frame<B: Blobs>(&mut self, blobs: &B) -> Result<Option<Vec<u8>>, SpeechError>;
    fn ask(&mut self, asked: Asked) -> Result<(), SpeechError>;
    fn end(&mut self, why: ByeReason, message: &str);
    /// How many bytes of content come with this.
    fn bytes_of(heard: &Self::Hears) -> usize;
}

/// What is heard beside what is for the engine.
pub(crate) trait Listens: Send + Sync {
    /// Who is there. Returns whether they may be.
    fn who(&self, who: &Who) -> bool;
    /// A folder is to be compared. The answer goes back.
    fn verify(&self, verify: Verify);
    /// What is in a folder that was asked about.
    fn differs(&self, diff: VerifyDiff);
}

/// Why a connection is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Over {
    /// Nobody is at the other end, or nobody listens here any more.
    Gone,
    /// The other side ended it.
    Bye(Bye),
    /// It cannot go on.
    Broke(SpeechError),
}

/// Returns how frames of sync are read and written.
pub(crate) fn socket_config() -> WebSocketConfig {
    WebSocketConfig::default()
        .max_message_size(Some(oriel_wire::sync::FRAME_BYTES_MAX))
        .max_frame_size(Some(oriel_wire::sync::FRAME_BYTES_MAX))
        .write_buffer_size(0)
}

/// One end of a connection.
pub(crate) struct Line<E: Side, S, B> {
    pub(crate) peer: Peer,
    pub(crate) speech: S,
    pub(crate) desk: Sender<Message<E>>,
    pub(crate) blobs: Arc<B>,
    pub(crate) stop: CancellationToken,
}

impl<E, S, B> Line<E, S, B>
where
    E: Side,
    S: Speech<Says = E::Says, Hears = E::Hears>,
    B: Blobs + Send + Sync,
{
    /// Speaks until it is over.
    pub(crate) async fn talk<T>(
        self,
        socket: WebSocketStream<T>,
        listens: &impl Listens,
        asks: UnboundedReceiver<Asked>,
    ) -> Over
    where
        T: AsyncRead + AsyncWrite + Unpin + Send,
    {
        let Self { peer, speech, desk, blobs, stop } = self;
        let (to, from_desk) = unbounded_channel();
        // A desk that is closed drops its end of the channel, which is noticed below.
        _ = desk.send(Message::Joined(peer, to));
        let (mut sink, mut stream) = socket.split();
        let shared = Shared { speech: Mutex::new(speech), news: Notify::new() };
        let room = Arc::new(Semaphore::new(WAITING_MAX));
        let over = tokio::select! {
            over = listen(&shared, &mut stream, listens, &desk, peer, &room) => over,
            over = speak(&shared, &mut sink, &*blobs) => over,
            () = relay(&shared, from_desk) => Over::Gone,
            () = relay_asks(&shared, asks) => Over::Gone,
            () = stop.cancelled() => {
                shared.speech().end(ByeReason::Leaving, "the program ends");
                Over::Gone
            }
        };
        _ = desk.send(Message::Left(peer));
        if let Over::Broke(error) = &over {
            shared.speech().end(error.reason(), &error.to_string());
        }
        if over != Over::Gone || stop.is_cancelled() {
            let last = async {
                while let Ok(Some(frame)) = shared.next_frame(&*blobs) {
                    sink.send(Frame::Binary(frame.into())).await?;
                }
                sink.close().await
            };
            // Whoever does not read it finds out by themselves.
            _ = timeout(CLOSE_WITHIN, last).await;
        }
        over
    }
}

/// Something to say beside what the engine says.
#[derive(Debug)]
pub(crate) enum Asked {
    /// Asks the other side to compare a folder.
    Verify(Verify),
    /// Answers the other side.
    Differs(VerifyDiff),
}

struct Shared<S> {
    speech: Mutex<S>,
    /// There may be something to send.
    news: Notify,
}

impl<S: Speech> Shared<S> {
    fn speech(&self) -> MutexGuard<'_, S> {
        self.speech.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn next_frame<B: Blobs>(&self, blobs: &B) -> Result<Option<Vec<u8>>, SpeechError> {
        self.speech().next_frame(blobs)
    }
}

/// Hands on what comes.
async fn listen<E, S, T>(
    shared: &Shared<S>,
    stream: &mut SplitStream<WebSocketStream<T>>,
    listens: &impl Listens,
    desk: &Sender<Message<E>>,
    peer: Peer,
    room: &Arc<Semaphore>,
) -> Over
where
    E: Side,
    S: Speech<Says = E::Says, Hears = E::Hears>,
    T: AsyncRead + AsyncWrite + Unpin + Send,
{
    loop {
        let by = Instant::now() + SILENCE_MAX;
        let frame = match timeout_at(by, stream.next()).await {
            Ok(Some(Ok(Frame::Binary(frame)))) => frame,
            // A ping is answered by the socket when it is next written to.
            Ok(Some(Ok(Frame::Ping(_)))) => {
                shared.news.notify_one();
                continue;
            }
            Ok(Some(Ok(Frame::Pong(_)))) => continue,
            Ok(Some(Ok(Frame::Text(_) | Frame::Frame(_)))) => {
                return Over::Broke(SpeechError::Order("text"));
            }
            Ok(Some(Ok(Frame::Close(_)) | Err(Error::ConnectionClosed)) | None) => {
                return Over::Gone;
            }
            Ok(Some(Err(error))) => {
                tracing::debug!(%error, "a connection of sync broke");
                return Over::Gone;
            }
            Err(_) => return Over::Gone,
        };
        let heard = shared.speech().hear(&frame);
        shared.news.notify_one();
        let heard = match heard {
            Ok(heard) => heard,
            Err(error) => return Over::Broke(error),
        };
        for heard in heard {
            match heard {
                speech::Heard::Said(said) => {
                    let permit = Arc::clone(room).acquire_owned().await.ok();
                    let heard = Heard { bytes: S::bytes_of(&said), said, _room: permit };
                    if desk.send(Message::Said(peer, heard)).is_err() {
                        return Over::Gone;
                    }
                }
                speech::Heard::Who(who) => {
                    if !listens.who(&who) {
                        return Over::Broke(SpeechError::Order("another session"));
                    }
                }
                speech::Heard::Acked(_) => {}
                speech::Heard::Verify(verify) => listens.verify(verify),
                speech::Heard::Differs(diff) => listens.differs(diff),
                speech::Heard::Bye(bye) => return Over::Bye(bye),
            }
        }
    }
}

/// Sends whatever there is to send.
async fn speak<S, B, T>(
    shared: &Shared<S>,
    sink: &mut SplitSink<WebSocketStream<T>, Frame>,
    blobs: &B,
) -> Over
where
    S: Speech,
    B: Blobs,
    T: AsyncRead + AsyncWrite + Unpin + Send,
{
    let mut ping_at = Instant::now() + PING_EVERY;
    loop {
        let frame = match shared.next_frame(blobs) {
            Ok(Some(frame)) => Some(Frame::Binary(frame.into())),
            Ok(None) => None,
            Err(error) => return Over::Broke(error),
        };
        let sent = match frame {
            Some(frame) => timeout(SEND_WITHIN, sink.send(frame)).await,
            None if ping_at <= Instant::now() => {
                ping_at = Instant::now() + PING_EVERY;
                timeout(SEND_WITHIN, sink.send(Frame::Ping(Vec::new().into()))).await
            }
            None => {
                _ = timeout_at(ping_at, shared.news.notified()).await;
                // A pong that the socket owes goes with this.
                timeout(SEND_WITHIN, sink.flush()).await
            }
        };
        match sent {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                tracing::debug!(%error, "a connection of sync broke");
                return Over::Gone;
            }
            Err(_) => return Over::Gone,
        }
    }
}

/// Says what the desk wants said, until the desk hangs up.
async fn relay<S: Speech>(shared: &Shared<S>, mut from: UnboundedReceiver<ToPeer<S::Says>>) {
    while let Some(word) = from.recv().await {
        let mut speech = shared.speech();
        let said = match word {
            ToPeer::Say(says) => speech.say(says),
            ToPeer::Blob(digest, from) => {
                speech.send_blob(digest, from);
                Ok(())
            }
            ToPeer::Kept(bytes) => {
                speech.received(bytes);
                Ok(())
            }
        };
        drop(speech);
        if let Err(error) = said {
            tracing::warn!(%error, "a connection of sync is ended");
            return;
        }
        shared.news.notify_one();
    }
}

/// Says what is asked for beside what the engine says.
async fn relay_asks<S: Speech>(shared: &Shared<S>, mut asks: UnboundedReceiver<Asked>) {
    while let Some(asked) = asks.recv().await {
        if let Err(error) = shared.speech().ask(asked) {
            tracing::debug!(%error, "folders are not compared now");
        }
        shared.news.notify_one();
    }
    // Whoever asks nothing does not end the connection.
    std::future::pending::<()>().await;
}

impl Speech for speech::Local {
    type Says = talk::Up;
    type Hears = talk::Down;

    fn say(&mut self, says: talk::Up) -> Result<(), SpeechError> {
        Self::say(self, says)
    }

    fn ask(&mut self, asked: Asked) -> Result<(), SpeechError> {
        match asked {
            Asked::Verify(verify) if self.can_verify() => self.verify(verify),
            Asked::Verify(_) | Asked::Differs(_) => Ok(()),
        }
    }

    fn send_blob(&mut self, digest: Digest, from: u64) {
        Self::send_blob(self, digest, from);
    }

    fn received(&mut self, bytes: usize) {
        Self::received(self, bytes);
    }

    fn hear(&mut self, frame: &[u8]) -> Result<Vec<speech::Heard<talk::Down>>, SpeechError> {
        Self::hear(self, frame)
    }

    fn next_frame<B: Blobs>(&mut self, blobs: &B) -> Result<Option<Vec<u8>>, SpeechError> {
        Self::next_frame(self, blobs)
    }

    fn end(&mut self, why: ByeReason, message: &str) {
        Self::end(self, why, message);
    }

    fn bytes_of(heard: &talk::Down) -> usize {
        match heard {
            talk::Down::Chunk(chunk) => chunk.bytes.len(),
            _ => 0,
        }
    }
}

impl Speech for speech::Upstream {
    type Says = talk::Down;
    type Hears = talk::Up;

    fn say(&mut self, says: talk::Down) -> Result<(), SpeechError> {
        Self::say(self, says)
    }

    fn ask(&mut self, asked: Asked) -> Result<(), SpeechError> {
        match asked {
            Asked::Differs(diff) => self.differs(diff),
            Asked::Verify(_) => Ok(()),
        }
    }

    fn send_blob(&mut self, digest: Digest, from: u64) {
        Self::send_blob(self, digest, from);
    }

    fn received(&mut self, bytes: usize) {
        Self::received(self, bytes);
    }

    fn hear(&mut self, frame: &[u8]) -> Result<Vec<speech::Heard<talk::Up>>, SpeechError> {
        Self::hear(self, frame)
    }

    fn next_frame<B: Blobs>(&mut self, blobs: &B) -> Result<Option<Vec<u8>>, SpeechError> {
        Self::next_frame(self, blobs)
    }

    fn end(&mut self, why: ByeReason, message: &str) {
        Self::end(self, why, message);
    }

    fn bytes_of(heard: &talk::Up) -> usize {
        match heard {
            talk::Up::Chunk(chunk) => chunk.bytes.len(),
            _ => 0,
        }
    }
}
