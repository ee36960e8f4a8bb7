//! One connection: a WebSocket from its first word to its last. What comes is read one message after
//! another; what goes waits in its outbox, so neither waits for the other.

mod guest;
mod requests;

use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use oriel_wire::gateway::{CLIENT_FRAME_BYTES_MAX, PROTOCOL_VERSION, Reply};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt, ReadBuf};
use tokio::time::{Instant, MissedTickBehavior};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message};

use crate::asker::Client;
use crate::config::Clock;
use crate::gateway::House;
use crate::outbox::{Close, Outbox, Step};
use guest::Guest;

/// What a connection that says nothing costs is mostly this. Longer messages are read in steps.
const READ_BUFFER_BYTES: usize = 8 * 1024;

/// A frame that could not be written by then is the last one: nobody is there.
const WRITE_WITHIN: Duration = Duration::from_secs(60);

/// How long the other end has to read why it is closed.
const CLOSE_WITHIN: Duration = Duration::from_secs(5);

/// With these codes a connection is closed that breaks the rules of WebSockets.
const CLOSE_PROTOCOL: u16 = 1002;
const CLOSE_NOT_UTF8: u16 = 1007;
const CLOSE_TOO_LARGE: u16 = 1009;

type Socket = WebSocketStream<TokioIo<Upgraded>>;

/// Why nothing more is read.
enum Ended {
    /// The other end has gone.
    Gone,
    /// It broke a rule, after which nothing can be understood any more.
    Broke(u16, &'static str),
}

/// Speaks with a client until one of both ends it.
pub(crate) async fn converse(house: Arc<House>, upgraded: Upgraded, peer: Option<IpAddr>) {
    let config = WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER_BYTES)
        .write_buffer_size(0)
        .max_message_size(Some(CLIENT_FRAME_BYTES_MAX))
        .max_frame_size(Some(CLIENT_FRAME_BYTES_MAX));
    let stream = TokioIo::new(upgraded);
    let socket = WebSocketStream::from_raw_socket(stream, Role::Server, Some(config)).await;
    let (mut sink, mut stream) = socket.split();
    let hub = Arc::clone(&house.hub);
    let outbox = Arc::new(Outbox::new(hub.limits.queued_bytes));
    let client = Client { number: hub.number_client(), outbox: Arc::clone(&outbox) };
    greet(&house, &outbox);
    let beat = Beat { every: hub.limits.heartbeat, clock: hub.clock.clone() };
    let mut guest = Guest::new(house, client, peer);
    let is_there = tokio::select! {
        ended = listen(&mut guest, &mut stream, &outbox) => match ended {
            Ended::Gone => false,
            Ended::Broke(code, reason) => {
                outbox.close(code, reason);
                true
            }
        },
        is_there = speak(&mut sink, &outbox, &beat) => is_there,
        () = outbox.given_up() => true,
    };
    // From now on nobody tells this connection anything.
    outbox.close(CloseCode::Normal.into(), "");
    guest.leave().await;
    if is_there
        && let Ok(socket) = stream.reunite(sink)
        && tokio::time::timeout(CLOSE_WITHIN, finish(socket, &outbox)).await.is_err()
    {
        tracing::debug!("a client did not read why it is closed");
    }
}

/// What a connection needs to say that the gateway is there.
struct Beat {
    every: Duration,
    clock: Clock,
}

/// Says the first two things on every connection, and in development that the client is known.
fn greet(house: &House, outbox: &Outbox) {
    outbox.say(
        None,
        Reply::Welcome {
            protocol_version: PROTOCOL_VERSION,
            requires_auth: !house.is_dev,
            versions: vec![PROTOCOL_VERSION],
        },
    );
    let interval = house.hub.limits.heartbeat.as_millis();
    outbox.say(
        None,
        Reply::Connected {
            client_id: crate::token::fresh_id("client"),
            heartbeat_interval_ms: u64::try_from(interval).unwrap_or(u64::MAX),
            ts: house.hub.clock.unix_ms(),
        },
    );
}

/// Reads what the client says until nothing more can be read.
async fn listen(guest: &mut Guest, stream: &mut SplitStream<Socket>, outbox: &Outbox) -> Ended {
    loop {
        let message = match guest.deadline() {
            None => stream.next().await,
            Some(by) => match tokio::time::timeout_at(by, stream.next()).await {
                Ok(message) => message,
                Err(_) => {
                    guest.turn_away("the client did not say who it is in time");
                    continue;
                }
            },
        };
        match message {
            None => return Ended::Gone,
            Some(Ok(Message::Text(text))) => {
                if !guest.take(text.as_str()).await {
                    return Ended::Broke(CLOSE_TOO_LARGE, "the message was too long");
                }
            }
            Some(Ok(Message::Binary(_))) => guest.refuse_binary(),
            Some(Ok(_)) => {}
            Some(Err(Error::Capacity(_))) => {
                guest.refuse_too_large();
                return Ended::Broke(CLOSE_TOO_LARGE, "the message was too long");
            }
            Some(Err(Error::Utf8(_))) => return Ended::Broke(CLOSE_NOT_UTF8, "text must be UTF-8"),
            Some(Err(Error::Protocol(error))) => {
                tracing::debug!(%error, "a client broke the rules of WebSockets");
                return Ended::Broke(CLOSE_PROTOCOL, "that is not WebSocket, version 13");
            }
            Some(Err(_)) => return Ended::Gone,
        }
        if !outbox.room().await {
            // Nothing more is taken up. Whoever sends says when the connection is over.
            std::future::pending::<()>().await;
        }
    }
}

/// Tells the client what waits for it, and that the gateway is there. Returns whether somebody is at the
/// other end when there is nothing more to send.
async fn speak(sink: &mut SplitSink<Socket, Message>, outbox: &Outbox, beat: &Beat) -> bool {
    let mut beats = tokio::time::interval_at(Instant::now() + beat.every, beat.every);
    beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let step = tokio::select! {
            step = outbox.next() => step,
            _ = beats.tick() => {
                outbox.say(None, Reply::Heartbeat { ts: beat.clock.unix_ms() });
                continue;
            }
        };
        let Step::Send(frame) = step else { return true };
        match tokio::time::timeout(WRITE_WITHIN, sink.send(Message::Text(frame))).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                tracing::debug!(%error, "a client has gone");
                return false;
            }
            Err(_) => return false,
        }
    }
}

/// Says what is still to be said and why the connection ends, and waits until the other end has read it.
/// What comes meanwhile is read and thrown away: an end that is still writing does not read, and a
/// connection that is closed with something unread loses what was sent last.
async fn finish(mut socket: Socket, outbox: &Outbox) {
    let close = loop {
        match outbox.next().await {
            Step::Send(frame) => {
                if socket.start_send_unpin(Message::Text(frame)).is_err() {
                    return;
                }
            }
            Step::Close(close) => break close,
        }
    };
    let Close { code, reason } = close;
    let frame = CloseFrame { code: code.into(), reason: reason.into() };
    if socket.start_send_unpin(Message::Close(Some(frame))).is_err() {
        return;
    }
    let mut waste = [0_u8; 4096];
    let mut is_at_end = false;
    std::future::poll_fn(|cx| {
        while !is_at_end {
            let mut unread = ReadBuf::new(&mut waste);
            match Pin::new(socket.get_mut()).poll_read(cx, &mut unread) {
                Poll::Ready(Ok(())) if !unread.filled().is_empty() => {}
                Poll::Ready(_) => is_at_end = true,
                Poll::Pending => break,
            }
        }
        socket.poll_flush_unpin(cx).map(drop)
    })
    .await;
    let stream = socket.get_mut();
    if stream.shutdown().await.is_ok() {
        while !is_at_end {
            is_at_end = !matches!(stream.read(&mut waste).await, Ok(1..));
        }
    }
}
