//! One client of the event stream, and what it has received.

use std::io::{self, Read};

use mio::net::TcpStream;

use crate::chunks::Dechunker;
use crate::events::EventIds;
use crate::frames::{Frame, Frames};
use crate::response::{Framing, Head};

/// One client.
pub(super) struct Listener {
    stream: TcpStream,
    /// The head of the answer while it is not complete.
    head: Vec<u8>,
    /// How the body is framed, once the head is complete.
    framing: Option<Framing>,
    dechunker: Dechunker,
    frames: Frames,
    pub(super) tally: Tally,
    pub(super) ended: bool,
}

/// What one client has received.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) connected: bool,
    /// A bit for each event, from the first one on.
    bits: Vec<u64>,
    pub(super) received: u64,
    pub(super) repeated: u64,
    pub(super) resyncs: u64,
}

impl Listener {
    pub(super) fn new(stream: TcpStream) -> Self {
        Self {
            stream,
            head: Vec::new(),
            framing: None,
            dechunker: Dechunker::default(),
            frames: Frames::default(),
            tally: Tally::default(),
            ended: false,
        }
    }

    pub(super) fn waits_for(&self, count: u64) -> bool {
        !self.ended && self.tally.received < count
    }

    /// Takes what has arrived; true if an event that it waited for was among it.
    pub(super) fn receive(
        &mut self,
        read: &mut [u8],
        ids: &EventIds,
        first: u64,
    ) -> io::Result<bool> {
        let before = self.tally.received;
        while !self.ended {
            match self.stream.read(read) {
                Ok(0) => self.ended = true,
                Ok(count) => {
                    self.take(&read[..count], ids, first)?;
                    if count < read.len() {
                        break;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::ConnectionReset => self.ended = true,
                Err(error) => return Err(error),
            }
        }
        Ok(before < self.tally.received)
    }

    fn take(&mut self, bytes: &[u8], ids: &EventIds, first: u64) -> io::Result<()> {
        match self.framing {
            None => {
                self.head.extend_from_slice(bytes);
                let Some(head) = Head::parse(&self.head)? else { return Ok(()) };
                if head.status != 200 {
                    return Err(io::Error::other(format!("/api/stream answers {}", head.status)));
                }
                self.framing = Some(head.framing);
                let body = self.head.split_off(head.bytes);
                return self.take(&body, ids, first);
            }
            Some(Framing::Chunked) => self.dechunker.feed(bytes, &mut self.frames.bytes)?,
            Some(Framing::UntilClose | Framing::Length(_)) => {
                self.frames.bytes.extend_from_slice(bytes);
            }
        }
        let tally = &mut self.tally;
        self.frames.drain(|frame| tally.note(frame, ids, first));
        self.ended |= self.dechunker.is_done();
        Ok(())
    }
}

impl Tally {
    fn note(&mut self, frame: Frame<'_>, ids: &EventIds, first: u64) {
        match frame {
            Frame::Connected => self.connected = true,
            Frame::Resync => self.resyncs += 1,
            Frame::Event(Some(id)) => {
                // Events of others, and of before, are not waited for.
                let number = ids.number(id).and_then(|number| number.checked_sub(first));
                if let Some(number) = number {
                    self.note_event(number as usize);
                }
            }
            Frame::Event(None) | Frame::Other => {}
        }
    }

    fn note_event(&mut self, number: usize) {
        let (word, bit) = (number / 64, 1 << (number % 64));
        if self.bits.len() <= word {
            self.bits.resize(word + 1, 0);
        }
        if self.bits[word] & bit == 0 {
            self.bits[word] |= bit;
            self.received += 1;
        } else {
            self.repeated += 1;
        }
    }
}
