//! One connection that carries one request at a time, without ever blocking.
//!
//! Readiness is edge-triggered, and a read that leaves room in the buffer has emptied the socket:
//! a request and its answer therefore cost one write and one read.

use std::io::{self, Read, Write};
use std::net::{self, SocketAddr};

use mio::net::TcpStream;
use mio::{Interest, Registry, Token};

use crate::response::Reply;

/// Room for the answers ingest gives; it grows where that is not enough.
const REPLY_BYTES: usize = 4 * 1024;

/// A connection with its buffers.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: TcpStream,
    request: Vec<u8>,
    written: usize,
    reply: Reply,
}

/// What reading brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Received {
    /// The answer is not complete yet.
    Waiting,
    /// The answer stands in `reply`.
    Answer,
    /// The server ended the connection.
    Closed,
}

impl Connection {
    /// Connects, and asks `registry` to tell of this connection as `token`.
    pub(crate) fn open(addr: SocketAddr, registry: &Registry, token: Token) -> io::Result<Self> {
        let stream = net::TcpStream::connect(addr)?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        let mut stream = TcpStream::from_std(stream);
        registry.register(&mut stream, token, Interest::READABLE | Interest::WRITABLE)?;
        Ok(Self { stream, request: Vec::new(), written: 0, reply: Reply::new(REPLY_BYTES) })
    }

    /// Returns the emptied buffer for the next request.
    pub(crate) fn request(&mut self) -> &mut Vec<u8> {
        self.request.clear();
        self.written = 0;
        self.reply.clear();
        &mut self.request
    }

    /// Writes as much of the request as the socket takes; called again when it takes more.
    pub(crate) fn send(&mut self) -> io::Result<()> {
        while self.written < self.request.len() {
            match self.stream.write(&self.request[self.written..]) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => self.written += count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Reads what has arrived.
    pub(crate) fn receive(&mut self) -> io::Result<Received> {
        loop {
            let spare = self.reply.spare();
            let room = spare.len();
            match self.stream.read(spare) {
                Ok(0) => return Ok(Received::Closed),
                Ok(count) => {
                    if self.reply.add(count)? {
                        return Ok(Received::Answer);
                    }
                    if count < room {
                        return Ok(Received::Waiting);
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    return Ok(Received::Waiting);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// The answer, once `receive` said that it is complete.
    pub(crate) fn reply(&self) -> &Reply {
        &self.reply
    }
}
