//! HTTP/1.1, as little of it as is needed, and able to send what no good client would.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::Path;

use rustix::net::{AddressFamily, SocketType, connect, socket, sockopt};
use serde_json::Value;

use crate::wait::PATIENCE;

/// The longest answer that is read.
const ANSWER_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// A request to be sent.
#[derive(Debug, Clone)]
pub struct Request {
    method: String,
    target: String,
    headers: Vec<(String, Vec<u8>)>,
    body: Vec<u8>,
}

/// An answer that came whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The headers in the order they came, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

/// One connection, used for any number of requests.
pub struct Connection {
    stream: BufReader<Box<dyn Wire>>,
    host: String,
}

/// What carries bytes both ways.
trait Wire: Read + Write + Send {}
impl<T: Read + Write + Send> Wire for T {}

impl Request {
    /// Makes a request without a body.
    #[must_use]
    pub fn new(method: &str, target: &str) -> Self {
        let (method, target) = (method.to_owned(), target.to_owned());
        Self { method, target, headers: Vec::new(), body: Vec::new() }
    }

    /// Makes a GET request.
    #[must_use]
    pub fn get(target: &str) -> Self {
        Self::new("GET", target)
    }

    /// Makes a POST request that carries JSON.
    #[must_use]
    pub fn post(target: &str, body: &Value) -> Self {
        Self::new("POST", target).typed("application/json", body.to_string())
    }

    /// Adds a header. `host` replaces the one that is sent of itself.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.headers.push((name.to_ascii_lowercase(), value.as_ref().to_vec()));
        self
    }

    /// Gives the request a body, and no type.
    #[must_use]
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// Gives the request a body of a type.
    #[must_use]
    pub fn typed(self, kind: &str, body: impl Into<Vec<u8>>) -> Self {
        self.header("content-type", kind).body(body)
    }

    fn bytes(&self, host: &str) -> Vec<u8> {
        let mut bytes = format!("{} {} HTTP/1.1\r\n", self.method, self.target).into_bytes();
        if self.headers.iter().all(|(name, _)| name != "host") {
            bytes.extend_from_slice(format!("host: {host}\r\n").as_bytes());
        }
        for (name, value) in &self.headers {
            bytes.extend_from_slice(name.as_bytes());
            bytes.extend_from_slice(b": ");
            bytes.extend_from_slice(value);
            bytes.extend_from_slice(b"\r\n");
        }
        if !self.body.is_empty() || self.method == "POST" {
            let length = format!("content-length: {}\r\n", self.body.len());
            bytes.extend_from_slice(length.as_bytes());
        }
        bytes.extend_from_slice(b"\r\n");
        bytes.extend_from_slice(&self.body);
        bytes
    }
}

impl Answer {
    /// Returns a header, the first of its name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Returns the body as text.
    ///
    /// # Panics
    /// Where it is not UTF-8.
    #[must_use]
    pub fn text(&self) -> &str {
        match std::str::from_utf8(&self.body) {
            Ok(text) => text,
            Err(error) => panic!("the answer is no text, {error}: {self:?}"),
        }
    }

    /// Returns the body as JSON.
    ///
    /// # Panics
    /// Where it is none.
    #[must_use]
    pub fn json(&self) -> Value {
        match serde_json::from_slice(&self.body) {
            Ok(value) => value,
            Err(error) => panic!("the answer is no JSON, {error}: {self:?}"),
        }
    }

    /// Returns the answer if it has this status.
    ///
    /// # Panics
    /// Where it has another.
    #[must_use]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", String::from_utf8_lossy(&self.body));
        self
    }
}

impl Connection {
    /// Connects to an address.
    ///
    /// # Errors
    /// Where nothing listens there.
    pub fn tcp(addr: SocketAddr) -> io::Result<Self> {
        Self::over_tcp(TcpStream::connect(addr)?, addr)
    }

    /// Connects to an IPv4 address with as little room for incoming bytes as the system allows, so that
    /// whoever sends soon notices that nobody reads.
    ///
    /// # Errors
    /// Where nothing listens there.
    pub fn cramped(addr: SocketAddr) -> io::Result<Self> {
        let room = socket(AddressFamily::INET, SocketType::STREAM, None)?;
        // Only what is said before connecting is told to the other side.
        sockopt::set_socket_recv_buffer_size(&room, 1)?;
        connect(&room, &addr)?;
        Self::over_tcp(room.into(), addr)
    }

    /// Connects to a Unix socket.
    ///
    /// # Errors
    /// Where nothing listens there.
    pub fn unix(path: &Path) -> io::Result<Self> {
        let stream = UnixStream::connect(path)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(Self { stream: BufReader::new(Box::new(stream)), host: "localhost".to_owned() })
    }

    fn over_tcp(stream: TcpStream, addr: SocketAddr) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(Self { stream: BufReader::new(Box::new(stream)), host: addr.to_string() })
    }

    /// Sends a request and reads its answer.
    ///
    /// # Errors
    /// Where the connection breaks before the answer is whole.
    pub fn send(&mut self, request: &Request) -> io::Result<Answer> {
        self.ask(request)?;
        self.read(&request.method)
    }

    /// Sends a request whose answer is read later.
    ///
    /// # Errors
    /// Where the connection breaks.
    pub fn ask(&mut self, request: &Request) -> io::Result<()> {
        self.write(&request.bytes(&self.host))
    }

    /// Sends bytes as they are.
    ///
    /// # Errors
    /// Where the connection breaks.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.get_mut().write_all(bytes)?;
        self.stream.get_mut().flush()
    }

    /// Reads one answer to a request of this method.
    ///
    /// # Errors
    /// Where the connection breaks before the answer is whole.
    pub fn read(&mut self, method: &str) -> io::Result<Answer> {
        let (status, headers) = self.read_head()?;
        let mut answer = Answer { status, headers, body: Vec::new() };
        if method == "HEAD" || matches!(status, 204 | 304) {
            return Ok(answer);
        }
        if answer.header("transfer-encoding") == Some("chunked") {
            while let Some(chunk) = self.read_chunk()? {
                answer.body.extend_from_slice(&chunk);
            }
        } else if let Some(length) = answer.header("content-length") {
            answer.body = vec![0; number(length, 10)?];
            self.stream.read_exact(&mut answer.body)?;
        } else {
            self.stream.by_ref().take(ANSWER_BYTES_MAX).read_to_end(&mut answer.body)?;
        }
        Ok(answer)
    }

    /// Reads all that comes until the other side closes, as it is.
    ///
    /// # Errors
    /// Where it does not close.
    pub fn read_to_end(&mut self) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.stream.by_ref().take(ANSWER_BYTES_MAX).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// Reads the head of an answer.
    pub(crate) fn read_head(&mut self) -> io::Result<(u16, Vec<(String, String)>)> {
        let first = self.read_line()?;
        let status = first.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3));
        let status = status.ok_or_else(|| odd(&format!("an answer begins with {first:?}")))?;
        let status = u16::try_from(number(status, 10)?).unwrap_or_default();
        let mut headers = Vec::new();
        loop {
            let line = self.read_line()?;
            if line.is_empty() {
                return Ok((status, headers));
            }
            let Some((name, value)) = line.split_once(':') else {
                return Err(odd(&format!("{line:?} is no header")));
            };
            headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
    }

    /// Reads one chunk of a body, or learns that it is whole.
    pub(crate) fn read_chunk(&mut self) -> io::Result<Option<Vec<u8>>> {
        let size = number(&self.read_line()?, 16)?;
        let mut chunk = vec![0; size];
        self.stream.read_exact(&mut chunk)?;
        let end = self.read_line()?;
        if !end.is_empty() {
            return Err(odd(&format!("a chunk ends with {end:?}")));
        }
        Ok(if size == 0 { None } else { Some(chunk) })
    }

    fn read_line(&mut self) -> io::Result<String> {
        let mut line = Vec::new();
        self.stream.read_until(b'\n', &mut line)?;
        if line.pop() != Some(b'\n') || line.pop() != Some(b'\r') {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        String::from_utf8(line).map_err(|_| odd("a head is no text"))
    }
}

fn number(text: &str, radix: u32) -> io::Result<usize> {
    usize::from_str_radix(text.trim(), radix).map_err(|_| odd(&format!("{text:?} is no number")))
}

fn odd(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}
