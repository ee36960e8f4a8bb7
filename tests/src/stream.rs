//! A client of the event stream.

use std::time::Instant;

use serde_json::Value;

use crate::http::{Connection, Request};
use crate::wait::PATIENCE;

/// An open stream.
pub struct Stream {
    connection: Connection,
    headers: Vec<(String, String)>,
    /// What has arrived and is not yet a whole frame.
    rest: String,
}

/// One frame, as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// The text between two blank lines.
    pub text: String,
}

impl Stream {
    /// Opens a stream, without waiting for its first frame.
    ///
    /// # Panics
    /// Where it is refused.
    #[must_use]
    pub fn open(mut connection: Connection, request: &Request) -> Self {
        connection.ask(request).expect("the daemon takes a request");
        let (status, headers) = connection.read_head().expect("the daemon answers");
        assert_eq!(status, 200, "the stream is refused: {headers:?}");
        Self { connection, headers, rest: String::new() }
    }

    /// Returns a header of the answer.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Waits for the next frame. There is none after the end of the stream.
    ///
    /// # Panics
    /// Where neither comes in time.
    #[expect(clippy::should_implement_trait, reason = "a stream that is looped over has no end")]
    pub fn next(&mut self) -> Option<Frame> {
        loop {
            if let Some((frame, rest)) = self.rest.split_once("\n\n") {
                let frame = Frame { text: frame.to_owned() };
                self.rest = rest.to_owned();
                return Some(frame);
            }
            let chunk = match self.connection.read_chunk() {
                Ok(chunk) => chunk,
                Err(error) => panic!("the stream broke off: {error}"),
            };
            let Some(chunk) = chunk else {
                assert_eq!(self.rest, "", "the stream ends within a frame");
                return None;
            };
            let text = String::from_utf8(chunk).expect("a chunk holds whole characters");
            self.rest.push_str(&text);
        }
    }

    /// Waits for the next frame of this type, whatever else comes before it.
    ///
    /// # Panics
    /// Where none comes in time.
    pub fn next_of(&mut self, kind: &str) -> Frame {
        let started = Instant::now();
        loop {
            let frame = self.next().unwrap_or_else(|| panic!("the stream ended before {kind}"));
            assert!(started.elapsed() < PATIENCE, "no {kind} frame came in time, last {frame:?}");
            if frame.kind() == kind {
                return frame;
            }
        }
    }

    /// Waits for so many events and returns their numbers, as they came.
    ///
    /// # Panics
    /// Where they do not come in time.
    pub fn numbers(&mut self, count: usize) -> Vec<i64> {
        (0..count).map(|_| self.next_of("event").number()).collect()
    }
}

impl Frame {
    /// Returns the number that the frame carries as its id.
    ///
    /// # Panics
    /// Where it carries none.
    #[must_use]
    pub fn number(&self) -> i64 {
        let id = self.text.lines().find_map(|line| line.strip_prefix("id: "));
        match id.and_then(|id| id.parse().ok()) {
            Some(number) => number,
            None => panic!("{self:?} has no number"),
        }
    }

    /// Returns the JSON text that the frame carries. A comment carries none.
    #[must_use]
    pub fn data(&self) -> Option<&str> {
        self.text.lines().find_map(|line| line.strip_prefix("data: "))
    }

    /// Returns what the frame carries.
    ///
    /// # Panics
    /// Where that is no JSON.
    #[must_use]
    pub fn json(&self) -> Value {
        match self.data().map(serde_json::from_str) {
            Some(Ok(value)) => value,
            _ => panic!("{self:?} carries no JSON"),
        }
    }

    /// Returns the word that tells what the frame is about; nothing for a comment.
    #[must_use]
    pub fn kind(&self) -> &str {
        // A frame of a burst is not parsed for its first member.
        let after = self.data().and_then(|data| data.strip_prefix("{\"type\":\""));
        after.and_then(|rest| rest.split('"').next()).unwrap_or_default()
    }
}
