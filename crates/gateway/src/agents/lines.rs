//! The pipe between an agent's lines and the protocol.
//!
//! An agent writes one JSON value to a line. Programs around it (package managers, shells) write other
//! things there too, which are put with what it says to its standard error and otherwise skipped. What
//! is read and not yet handled is bounded, so that an agent that is faster than the disk waits.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use agent_client_protocol::{RawJsonRpcMessage, TransportFrame};
use futures_util::{Stream, StreamExt as _};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::tail::Tail;

/// A longer line ends the agent.
pub(super) const LINE_BYTES_MAX: usize = 16 * 1024 * 1024;

/// How many bytes of what the agent says may wait to be handled. At the bound its pipe is not read on.
/// The longest line fits in.
const WAITING_KIB_MAX: usize = LINE_BYTES_MAX / 1024 + 1;

/// How much is read at once.
const READ_BYTES: usize = 64 * 1024;

/// What is read and not yet handled.
#[derive(Debug, Clone)]
pub(super) struct Waiting {
    room: Arc<Semaphore>,
    taken: Arc<Mutex<VecDeque<OwnedSemaphorePermit>>>,
}

impl Waiting {
    pub(super) fn new() -> Self {
        Self { room: Arc::new(Semaphore::new(WAITING_KIB_MAX)), taken: Arc::default() }
    }

    /// Says that the oldest message has been handled.
    pub(super) fn handled(&self) {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
    }

    async fn wait_for(&self, bytes: usize) {
        let kib = u32::try_from((bytes / 1024 + 1).min(WAITING_KIB_MAX)).unwrap_or(u32::MAX);
        // The semaphore is never closed.
        if let Ok(room) = Arc::clone(&self.room).acquire_many_owned(kib).await {
            self.taken.lock().unwrap_or_else(PoisonError::into_inner).push_back(room);
        }
    }
}

/// Reads an agent's lines until they end.
///
/// # Errors
/// Where a line is too long: what is wrong, for people.
pub(super) async fn read(
    mut from: impl AsyncRead + Unpin,
    to: impl Fn(TransportFrame) -> bool,
    waiting: Waiting,
    tail: Tail,
) -> Result<(), String> {
    let mut buffer = Vec::new();
    let mut seen = 0;
    loop {
        buffer.reserve(READ_BYTES);
        match from.read_buf(&mut buffer).await {
            Ok(0) | Err(_) => return Ok(()),
            Ok(_) => {}
        }
        let mut start = 0;
        while let Some(end) = buffer[seen..].iter().position(|&byte| byte == b'\n') {
            let line = &buffer[start..seen + end];
            seen += end + 1;
            start = seen;
            if !take(line, &to, &waiting, &tail).await {
                return Ok(());
            }
        }
        buffer.drain(..start);
        seen = buffer.len();
        if LINE_BYTES_MAX < buffer.len() {
            return Err("it wrote a line of more than 16 MiB".to_owned());
        }
    }
}

/// Hands one line on. Returns whether anybody still listens.
async fn take(
    line: &[u8],
    to: &impl Fn(TransportFrame) -> bool,
    waiting: &Waiting,
    tail: &Tail,
) -> bool {
    let line = line.trim_ascii();
    if line.is_empty() {
        return true;
    }
    let frame = match std::str::from_utf8(line) {
        Ok(text) if text.starts_with('{') => TransportFrame::parse_json(text),
        _ => {
            tail.add(line);
            tail.add(b"\n");
            return true;
        }
    };
    match &frame {
        TransportFrame::Single(RawJsonRpcMessage::Response(_)) => {}
        TransportFrame::Single(_) => waiting.wait_for(line.len()).await,
        // Whoever wrote it gets no answer: it may be no message at all.
        _ => {
            tracing::debug!(bytes = line.len(), "a line of an agent is no message");
            return true;
        }
    }
    to(frame)
}

/// Writes what the protocol says to the agent until there is no more of it.
pub(super) async fn write(
    mut from: impl Stream<Item = TransportFrame> + Unpin,
    mut to: impl AsyncWrite + Unpin,
) {
    while let Some(frame) = from.next().await {
        let Ok(mut line) = frame.to_json() else { continue };
        line.push('\n');
        // An agent that reads no more is about to end, which its output tells.
        if to.write_all(line.as_bytes()).await.is_err() || to.flush().await.is_err() {
            return;
        }
    }
}
