//! One blocking keep-alive connection, for measuring one request at a time.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use crate::response::Reply;

/// How long one answer may take before the measurement gives up.
const ANSWER_SECONDS_MAX: u64 = 120;

/// A connection for GET requests.
#[derive(Debug)]
pub(crate) struct Client {
    stream: TcpStream,
    addr: SocketAddr,
    request: Vec<u8>,
    reply: Reply,
}

impl Client {
    pub(crate) fn connect(addr: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(addr)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(ANSWER_SECONDS_MAX)))?;
        Ok(Self { stream, addr, request: Vec::new(), reply: Reply::new(64 * 1024) })
    }

    /// Makes ready the request that `send` sends, so that making it is not measured.
    pub(crate) fn prepare(&mut self, target: &str) {
        self.request = get(target, self.addr);
    }

    /// Sends the prepared request and reads the whole answer.
    pub(crate) fn send(&mut self) -> io::Result<&Reply> {
        self.reply.clear();
        self.stream.write_all(&self.request)?;
        loop {
            let count = match self.stream.read(self.reply.spare()) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            if self.reply.add(count)? {
                return Ok(&self.reply);
            }
        }
    }
}

/// The bytes of a GET request.
pub(crate) fn get(target: &str, host: SocketAddr) -> Vec<u8> {
    format!("GET {target} HTTP/1.1\r\nhost: {host}\r\naccept: */*\r\n\r\n").into_bytes()
}
