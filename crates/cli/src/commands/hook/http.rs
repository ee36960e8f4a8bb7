//! The least of HTTP that it takes to post a body and hear what became of it.
//!
//! A hook lives for a moment, and a runtime for many connections would take longer to start than
//! its one request takes.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs as _};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// A longer head of an answer is none.
const HEAD_BYTES_MAX: usize = 64 * 1024;

/// Where to connect to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// A TCP address that is known.
    Tcp(SocketAddr),
    /// A name and a port.
    Name(String, u16),
    /// A Unix socket.
    Unix(PathBuf),
}

/// A request to post something.
#[derive(Debug, Clone)]
pub(super) struct Post {
    pub(super) path: String,
    /// Further headers, as lines that end.
    pub(super) headers: String,
    pub(super) body: Vec<u8>,
}

/// Posts a body, and returns the status and the beginning of the answer.
pub(super) fn post(place: &Place, post: &Post, deadline: Instant) -> io::Result<(u16, String)> {
    let head = format!(
        "POST {} HTTP/1.1\r\nhost: {}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\
         connection: close\r\n{}\r\n",
        post.path,
        host(place),
        post.body.len(),
        post.headers,
    );
    // One write for a small body: the daemon then reads it at once.
    let request = [head.as_bytes(), &post.body].concat();
    match place {
        Place::Unix(path) => {
            let mut stream = UnixStream::connect(path)?;
            stream.set_write_timeout(Some(left(deadline)?))?;
            write(&mut stream, &request);
            answer(deadline, |buffer, left| {
                stream.set_read_timeout(Some(left))?;
                stream.read(buffer)
            })
        }
        Place::Tcp(addr) => over_tcp(*addr, &request, deadline),
        Place::Name(name, port) => {
            let mut failed = io::Error::from(io::ErrorKind::NotFound);
            for addr in (name.as_str(), *port).to_socket_addrs()? {
                match over_tcp(addr, &request, deadline) {
                    // A name may stand for two addresses of which one is listened on.
                    Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
                        failed = error;
                    }
                    answered => return answered,
                }
            }
            Err(failed)
        }
    }
}

fn over_tcp(addr: SocketAddr, request: &[u8], deadline: Instant) -> io::Result<(u16, String)> {
    let mut stream = TcpStream::connect_timeout(&addr, left(deadline)?)?;
    stream.set_nodelay(true)?;
    stream.set_write_timeout(Some(left(deadline)?))?;
    write(&mut stream, request);
    answer(deadline, |buffer, left| {
        stream.set_read_timeout(Some(left))?;
        stream.read(buffer)
    })
}

/// Writes a request. Who refuses a long body answers before it is all written, so the answer tells
/// what became of it and not the writing.
fn write(stream: &mut impl Write, request: &[u8]) {
    _ = stream.write_all(request);
}

/// Reads the status and what came with it.
fn answer(
    deadline: Instant,
    mut read: impl FnMut(&mut [u8], Duration) -> io::Result<usize>,
) -> io::Result<(u16, String)> {
    let mut text = Vec::new();
    let mut buffer = [0; 4096];
    let status = loop {
        let count = read(&mut buffer, left(deadline)?)?;
        text.extend_from_slice(&buffer[..count]);
        match status(&text) {
            Some(status) => break status,
            None if count == 0 || HEAD_BYTES_MAX < text.len() => {
                return Err(io::Error::from(io::ErrorKind::InvalidData));
            }
            None => {}
        }
    };
    let text = String::from_utf8_lossy(&text).into_owned();
    let body = text.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    Ok((status, body.to_owned()))
}

/// Returns the status in the head of an answer, once the head is whole.
fn status(text: &[u8]) -> Option<u16> {
    let end = text.windows(4).position(|four| four == b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(&text[..end]);
    let mut words = head.lines().next()?.split_ascii_whitespace();
    words.next().filter(|version| version.starts_with("HTTP/"))?;
    words.next()?.parse().ok()
}

fn host(place: &Place) -> String {
    match place {
        Place::Tcp(addr) => addr.to_string(),
        Place::Name(name, port) => format!("{name}:{port}"),
        Place::Unix(_) => "localhost".to_owned(),
    }
}

fn left(deadline: Instant) -> io::Result<Duration> {
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() { Err(io::Error::from(io::ErrorKind::TimedOut)) } else { Ok(left) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_read_once_the_head_is_whole() {
        for (text, expected) in [
            ("HTTP/1.1 201 Created\r\n\r\n{}", Some(201)),
            ("HTTP/1.1 503\r\nretry-after: 1\r\n\r\n", Some(503)),
            ("HTTP/1.1 201 Created\r\n", None),
            ("SSH-2.0-x\r\n\r\n", None),
            ("HTTP/1.1 abc\r\n\r\n", None),
            ("\r\n\r\n", None),
        ] {
            assert_eq!(status(text.as_bytes()), expected, "{text:?}");
        }
    }
}
