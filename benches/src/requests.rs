//! The requests that carry events, made in buffers that are used again and again.

use std::io::Write;
use std::ops::Range;

use crate::events::{EventIds, Events, Template};

/// Digits kept free for the length of a batch; the server takes a megabyte at most.
const LENGTH_DIGITS: usize = 7;

/// Makes requests for one server.
#[derive(Debug)]
pub struct Requests {
    events: Events,
    /// Each event template behind the head of its own request.
    singles: Vec<Template>,
    /// The head of a batch up to the digits of its length.
    batch_head: Vec<u8>,
}

impl Requests {
    /// Prepares requests to this `Host`.
    #[must_use]
    pub fn new(events: Events, host: &str) -> Self {
        let head = |path: &str| {
            format!(
                "POST {path} HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json\r\ncontent-length: "
            )
        };
        let single_head = head("/api/events");
        let singles = events
            .templates()
            .iter()
            .map(|event| event.behind(format!("{single_head}{}\r\n\r\n", event.len()).as_bytes()))
            .collect();
        Self { events, singles, batch_head: head("/api/events/batch").into_bytes() }
    }

    /// How the numbers that `write` returns become ids.
    #[must_use]
    pub fn ids(&self) -> EventIds {
        self.events.ids()
    }

    /// Writes a request for the next event into the empty `out`, and returns its number.
    pub(crate) fn write_single(&mut self, out: &mut Vec<u8>) -> Range<u64> {
        let numbers = self.events.take(1);
        self.events.write(&self.singles, numbers.start, out);
        numbers
    }

    /// Writes a request for the next `count` events into the empty `out`, and returns their numbers.
    pub(crate) fn write_batch(&mut self, count: u64, out: &mut Vec<u8>) -> Range<u64> {
        let numbers = self.events.take(count);
        out.extend_from_slice(&self.batch_head);
        let length_at = out.len();
        out.extend_from_slice(&[b' '; LENGTH_DIGITS]);
        out.extend_from_slice(b"\r\n\r\n");
        let body_at = out.len();
        out.extend_from_slice(br#"{"events":["#);
        for number in numbers.clone() {
            if number != numbers.start {
                out.push(b',');
            }
            self.events.write(self.events.templates(), number, out);
        }
        out.extend_from_slice(b"]}");
        // Spaces may stand before a header's value, so the digits are simply put to the right.
        let length = out.len() - body_at;
        let mut place = &mut out[length_at..length_at + LENGTH_DIGITS];
        write!(place, "{length:>LENGTH_DIGITS$}").expect("a batch of so many bytes is never made");
        numbers
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::events::Style;

    #[test]
    fn a_single_request_says_its_length_and_carries_one_event() {
        let mut requests = requests();
        for number in 0..1_000 {
            let mut out = Vec::new();
            assert_eq!(requests.write_single(&mut out), number..number + 1);
            let (head, event) = split(&out);
            assert!(
                head.starts_with("POST /api/events HTTP/1.1\r\nhost: 127.0.0.1:1\r\n"),
                "{head}"
            );
            assert_eq!(event["event_id"], requests.ids().text(number));
        }
    }

    #[test]
    fn a_batch_says_its_length_and_carries_its_events_in_order() {
        let mut requests = requests();
        let mut first = 0;
        for count in [1, 50, 500] {
            let mut out = Vec::new();
            assert_eq!(requests.write_batch(count, &mut out), first..first + count);
            let (head, body) = split(&out);
            assert!(head.starts_with("POST /api/events/batch HTTP/1.1\r\n"), "{head}");
            let ids: Vec<_> = body["events"]
                .as_array()
                .unwrap()
                .iter()
                .map(|e| e["event_id"].as_str().unwrap())
                .collect();
            let expected: Vec<_> = (first..first + count).map(|n| requests.ids().text(n)).collect();
            assert_eq!(ids, expected);
            first += count;
        }
    }

    fn requests() -> Requests {
        let style = Style { tag: 7, sessions: 100, scatter_before: None };
        Requests::new(Events::new(style), "127.0.0.1:1")
    }

    fn split(request: &[u8]) -> (String, Value) {
        let text = std::str::from_utf8(request).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        let (_, length) = head.split_once("content-length:").unwrap();
        assert_eq!(length.trim().parse::<usize>().unwrap(), body.len());
        (head.to_owned(), serde_json::from_str(body).unwrap())
    }
}
