//! An HTTP/1.1 answer, read from whatever pieces the socket hands over.
//!
//! Only what a measurement needs is understood: the status, and where the body ends.

use std::io;

use memchr::{memchr, memmem};

use crate::chunks::Dechunker;

/// The longest head that is waited for; a longer one is a fault of the server.
const HEAD_BYTES_MAX: usize = 16 * 1024;

/// What stands before a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) status: u16,
    /// How many bytes the head takes, its blank line included.
    pub(crate) bytes: usize,
    pub(crate) framing: Framing,
}

/// How the end of a body is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Framing {
    Length(usize),
    Chunked,
    UntilClose,
}

impl Head {
    /// Reads the head at the start of `bytes`, or returns `None` while it is not all there.
    pub(crate) fn parse(bytes: &[u8]) -> io::Result<Option<Self>> {
        let Some(end) = memmem::find(bytes, b"\r\n\r\n") else {
            if bytes.len() > HEAD_BYTES_MAX {
                return Err(malformed("the head of an answer does not end"));
            }
            return Ok(None);
        };
        let (line, mut fields) = split_line(&bytes[..end + 2]);
        let status = parse_status(line)?;
        let mut framing = match status {
            204 | 304 => Framing::Length(0),
            _ => Framing::UntilClose,
        };
        while !fields.is_empty() {
            let (line, rest) = split_line(fields);
            fields = rest;
            if let Some(value) = field(line, b"content-length") {
                let length = std::str::from_utf8(value).ok().and_then(|text| text.parse().ok());
                framing =
                    Framing::Length(length.ok_or_else(|| malformed("a length is no number"))?);
            } else if let Some(value) = field(line, b"transfer-encoding")
                && value.eq_ignore_ascii_case(b"chunked")
            {
                framing = Framing::Chunked;
            }
        }
        Ok(Some(Self { status, bytes: end + 4, framing }))
    }
}

/// One answer in the making, with a buffer that is kept for the next one.
#[derive(Debug)]
pub(crate) struct Reply {
    bytes: Vec<u8>,
    filled: usize,
    head: Option<Head>,
    /// The body of a chunked answer; other bodies stay where they were read.
    unchunked: Vec<u8>,
    dechunker: Dechunker,
    dechunked: usize,
}

impl Reply {
    pub(crate) fn new(capacity: usize) -> Self {
        Self {
            bytes: vec![0; capacity],
            filled: 0,
            head: None,
            unchunked: Vec::new(),
            dechunker: Dechunker::default(),
            dechunked: 0,
        }
    }

    /// Returns where the next bytes go; never empty.
    pub(crate) fn spare(&mut self) -> &mut [u8] {
        if self.filled == self.bytes.len() {
            self.bytes.resize(self.bytes.len() * 2, 0);
        }
        &mut self.bytes[self.filled..]
    }

    /// Takes the `count` bytes that were put into `spare`; true once the answer is complete.
    pub(crate) fn add(&mut self, count: usize) -> io::Result<bool> {
        self.filled += count;
        if self.head.is_none() {
            self.head = Head::parse(&self.bytes[..self.filled])?;
            self.dechunked = self.head.map_or(0, |head| head.bytes);
        }
        let Some(head) = self.head else { return Ok(false) };
        match head.framing {
            Framing::Length(length) => match (head.bytes + length).cmp(&self.filled) {
                std::cmp::Ordering::Greater => Ok(false),
                std::cmp::Ordering::Equal => Ok(true),
                std::cmp::Ordering::Less => Err(malformed("more was answered than asked for")),
            },
            Framing::Chunked => {
                let news = &self.bytes[self.dechunked..self.filled];
                self.dechunked = self.filled;
                self.dechunker.feed(news, &mut self.unchunked)?;
                Ok(self.dechunker.is_done())
            }
            Framing::UntilClose => Err(malformed("an answer says neither length nor chunks")),
        }
    }

    /// The status of a complete answer.
    pub(crate) fn status(&self) -> u16 {
        self.head.map_or(0, |head| head.status)
    }

    /// The body of a complete answer.
    pub(crate) fn body(&self) -> &[u8] {
        match self.head {
            Some(Head { framing: Framing::Chunked, .. }) => &self.unchunked,
            Some(head) => &self.bytes[head.bytes..self.filled],
            None => &[],
        }
    }

    /// Makes room for the next answer.
    pub(crate) fn clear(&mut self) {
        self.filled = 0;
        self.head = None;
        self.unchunked.clear();
        self.dechunker = Dechunker::default();
    }
}

/// Splits off the first line, without its line end.
fn split_line(bytes: &[u8]) -> (&[u8], &[u8]) {
    match memchr(b'\n', bytes) {
        Some(end) => {
            let line = &bytes[..end];
            (line.strip_suffix(b"\r").unwrap_or(line), &bytes[end + 1..])
        }
        None => (bytes, &[]),
    }
}

fn parse_status(line: &[u8]) -> io::Result<u16> {
    let digits = line.strip_prefix(b"HTTP/1.1 ").and_then(|rest| rest.get(..3));
    let digits = digits.filter(|digits| digits.iter().all(u8::is_ascii_digit));
    let digits = digits.ok_or_else(|| malformed("an answer does not start as HTTP/1.1 does"))?;
    Ok(digits.iter().fold(0, |status, digit| status * 10 + u16::from(digit - b'0')))
}

/// Returns the value of a header line if it has this name.
fn field<'a>(line: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    // The first letter decides for nearly every line, and is cheap to compare.
    if line.first()?.to_ascii_lowercase() != name[0] {
        return None;
    }
    let (start, value) = line.split_at_checked(name.len())?;
    (start.eq_ignore_ascii_case(name) && value.first() == Some(&b':'))
        .then(|| value[1..].trim_ascii())
}

pub(crate) fn malformed(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: &[u8] = b"HTTP/1.1 201 Created\r\nContent-Type: application/json\r\n\
        Content-Length: 15\r\n\r\n{\"received\":50}";
    const CHUNKED: &[u8] = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n\
        6;x=y\r\nhello \r\n1\r\nw\r\n4\r\norld\r\n0\r\nage: 1\r\n\r\n";

    #[test]
    fn an_answer_is_the_same_however_it_is_split() {
        for (answer, status, body) in
            [(PLAIN, 201, &b"{\"received\":50}"[..]), (CHUNKED, 200, b"hello world")]
        {
            for step in 1..=answer.len() {
                let mut reply = Reply::new(8);
                let pieces: Vec<_> = answer.chunks(step).collect();
                for (at, piece) in pieces.iter().enumerate() {
                    let complete = put(&mut reply, piece).unwrap();
                    assert_eq!(complete, at + 1 == pieces.len(), "piece {at} of {step} bytes");
                }
                assert_eq!((reply.status(), reply.body()), (status, body), "in {step}s");
            }
        }
    }

    #[test]
    fn the_next_answer_starts_afresh() {
        let mut reply = Reply::new(8);
        for (answer, body) in [(CHUNKED, &b"hello world"[..]), (PLAIN, b"{\"received\":50}")] {
            assert!(put(&mut reply, answer).unwrap());
            assert_eq!(reply.body(), body);
            reply.clear();
        }
    }

    #[test]
    fn answers_without_a_body_end_with_their_head() {
        let mut reply = Reply::new(64);
        assert!(put(&mut reply, b"HTTP/1.1 304 Not Modified\r\netag: W/\"1\"\r\n\r\n").unwrap());
        assert_eq!((reply.status(), reply.body()), (304, &b""[..]));
    }

    #[test]
    fn what_is_not_http_is_refused() {
        for bytes in [
            &b"SSH-2.0-x\r\n\r\n"[..],
            b"HTTP/1.1 2x0 OK\r\n\r\n",
            b"HTTP/1.1 200 OK\r\n\r\n",
            b"HTTP/1.1 200 OK\r\ncontent-length: ten\r\n\r\n",
            b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nab",
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nab\r\n",
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nffffffffffffffffff\r\n",
        ] {
            let text = String::from_utf8_lossy(bytes);
            assert!(put(&mut Reply::new(64), bytes).is_err(), "{text}");
        }
    }

    fn put(reply: &mut Reply, mut bytes: &[u8]) -> io::Result<bool> {
        let mut complete = false;
        while !bytes.is_empty() {
            let spare = reply.spare();
            let count = spare.len().min(bytes.len());
            spare[..count].copy_from_slice(&bytes[..count]);
            bytes = &bytes[count..];
            complete = reply.add(count)?;
        }
        Ok(complete)
    }
}
