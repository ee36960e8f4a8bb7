//! What waits to be read: a queue that stays small when its reader is slow.
//!
//! Pieces of the same stretch of text or output become one piece, since whoever reads late wants the
//! words and not the pieces. Everything else waits as it came. Nothing is ever thrown away: whoever
//! fills the queue asks [`Inbox::has_room`] first.

use std::collections::VecDeque;

use oriel_wire::gateway::{EventBody, SessionEvent};

use crate::incoming::Incoming;

/// How much waits before no more is taken from the socket. The gateway then closes a connection that
/// does not read, and the client comes back for what it missed.
pub(crate) const ENTRIES_MAX: usize = 1024;

/// The same, in bytes of the frames that it came in.
pub(crate) const BYTES_MAX: usize = 32 * 1024 * 1024;

/// How far back a piece looks for its stretch. When more than this came in between, the piece waits by
/// itself.
const LOOK_BACK: usize = 64;

/// The queue.
#[derive(Debug, Default)]
pub(crate) struct Inbox {
    queue: VecDeque<(Incoming, usize)>,
    bytes: usize,
}

impl Inbox {
    /// Returns whether more may be put in.
    pub(crate) fn has_room(&self) -> bool {
        self.queue.len() < ENTRIES_MAX && self.bytes < BYTES_MAX
    }

    /// Puts in what came in a frame of so many bytes.
    pub(crate) fn push(&mut self, incoming: Incoming, bytes: usize) {
        self.bytes += bytes;
        let left = match incoming {
            Incoming::Event(event) if !event.body.is_durable() => self.merge_piece(event, bytes),
            Incoming::SessionUpdated(_) | Incoming::Disconnected { .. } => {
                self.replace(incoming, bytes)
            }
            other => Some(other),
        };
        if let Some(incoming) = left {
            self.queue.push_back((incoming, bytes));
        }
    }

    /// Takes out what came first.
    pub(crate) fn pop(&mut self) -> Option<Incoming> {
        let (incoming, bytes) = self.queue.pop_front()?;
        self.bytes -= bytes;
        Some(incoming)
    }

    /// Adds a piece to the one before it of the same stretch, or gives it back.
    fn merge_piece(&mut self, event: SessionEvent, bytes: usize) -> Option<Incoming> {
        for (incoming, size) in self.queue.iter_mut().rev().take(LOOK_BACK) {
            match incoming {
                Incoming::Event(before) if before.session_id == event.session_id => {
                    if before.body.is_durable() {
                        break;
                    }
                    if before.turn_id == event.turn_id && append(&mut before.body, &event.body) {
                        // It is now as new as its newest part.
                        (before.seq, before.ts) = (event.seq, event.ts);
                        *size += bytes;
                        return None;
                    }
                }
                Incoming::Event(_)
                | Incoming::SessionUpdated(_)
                | Incoming::SessionCreated(_)
                | Incoming::SessionDeleted { .. } => {}
                _ => break,
            }
        }
        Some(Incoming::Event(event))
    }

    /// Puts what says how something is now in the place of what said it before, or gives it back.
    fn replace(&mut self, new: Incoming, bytes: usize) -> Option<Incoming> {
        for (old, size) in self.queue.iter_mut().rev().take(LOOK_BACK) {
            match (&*old, &new) {
                (Incoming::SessionUpdated(old_one), Incoming::SessionUpdated(new_one))
                    if old_one.id == new_one.id => {}
                (Incoming::Disconnected { .. }, Incoming::Disconnected { .. }) => {}
                (Incoming::SessionUpdated(_) | Incoming::Event(_), Incoming::SessionUpdated(_)) => {
                    continue;
                }
                _ => break,
            }
            *size += bytes;
            *old = new;
            return None;
        }
        Some(new)
    }
}

/// Adds a piece to another of the same stretch. Returns whether it was one.
fn append(before: &mut EventBody, after: &EventBody) -> bool {
    let (text, more) = match (before, after) {
        (EventBody::TextDelta { text }, EventBody::TextDelta { text: more }) => (text, more),
        (
            EventBody::ThinkingStart { text } | EventBody::ThinkingProgress { text },
            EventBody::ThinkingProgress { text: more },
        ) => (text, more),
        (
            EventBody::ToolCallDelta { tool_call_id, delta },
            EventBody::ToolCallDelta { tool_call_id: id, delta: more },
        ) if tool_call_id == id => (delta, more),
        (
            EventBody::TerminalStream { terminal_id, chunk },
            EventBody::TerminalStream { terminal_id: id, chunk: more },
        ) if terminal_id == id => (chunk, more),
        _ => return false,
    };
    text.push_str(more);
    true
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use oriel_wire::gateway::TurnErrorCode;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn however_slow_the_reader_each_stretch_reads_the_same_and_in_order(
            steps in proptest::collection::vec((0..2_u8, 0..7_u8, any::<bool>()), 0..200)
        ) {
            let mut inbox = Inbox::default();
            let (mut sent, mut read) = (Told::default(), Told::default());
            let mut total = 0;
            for (number, (session, what, pops)) in steps.into_iter().enumerate() {
                let event = event(session, what, number as u64);
                sent.take(&event);
                total += 1;
                inbox.push(Incoming::Event(event), 10);
                if pops && let Some(Incoming::Event(event)) = inbox.pop() {
                    read.take(&event);
                }
            }
            prop_assert!(inbox.queue.len() <= total);
            while let Some(Incoming::Event(event)) = inbox.pop() {
                read.take(&event);
            }
            prop_assert_eq!(inbox.bytes, 0);
            prop_assert_eq!(sent, read);
        }
    }

    #[test]
    fn a_flood_of_pieces_is_one_piece() {
        let mut inbox = Inbox::default();
        for number in 0..100_000 {
            let what = if number % 2 == 0 { 0 } else { 2 };
            inbox.push(Incoming::Event(event(0, what, number)), 10);
        }
        assert_eq!(inbox.queue.len(), 2);
        assert!(inbox.has_room());
        let Some(Incoming::Event(first)) = inbox.pop() else { panic!("it was told") };
        let EventBody::TextDelta { text } = &first.body else { panic!("it was text") };
        let wanted: String = (0..100_000).step_by(2).map(|number| format!("{number};")).collect();
        assert_eq!((text, first.seq), (&wanted, 99_998));
    }

    #[test]
    fn what_must_not_be_lost_fills_the_queue_and_is_all_there() {
        let mut inbox = Inbox::default();
        let mut number = 0;
        while inbox.has_room() {
            inbox.push(Incoming::Event(event(0, 6, number)), 10);
            number += 1;
        }
        assert_eq!(number as usize, ENTRIES_MAX);
        inbox.pop();
        assert!(inbox.has_room());
        inbox.push(Incoming::Event(event(0, 6, number)), BYTES_MAX);
        inbox.pop();
        assert!(!inbox.has_room(), "so many bytes are enough, however few they came in");
        assert_eq!(std::iter::from_fn(|| inbox.pop()).count(), ENTRIES_MAX - 1);
    }

    #[test]
    fn attempts_that_failed_are_told_as_the_last_one() {
        let mut inbox = Inbox::default();
        for reason in ["one", "two", "three"] {
            let reason = reason.to_owned();
            inbox.push(Incoming::Disconnected { reason, retry_in: None }, 0);
        }
        let last = Incoming::Disconnected { reason: "three".to_owned(), retry_in: None };
        assert_eq!(inbox.pop(), Some(last));
        assert_eq!(inbox.pop(), None);
    }

    #[test]
    fn pieces_on_both_sides_of_a_broken_link_stay_apart() {
        let mut inbox = Inbox::default();
        inbox.push(Incoming::Event(event(0, 0, 1)), 10);
        inbox.push(Incoming::Disconnected { reason: String::new(), retry_in: None }, 0);
        inbox.push(Incoming::Connected { client_id: String::new() }, 0);
        inbox.push(Incoming::Event(event(0, 0, 2)), 10);
        assert_eq!(inbox.queue.len(), 4);
    }

    /// What a reader makes of events: the durable ones, and the words of each stretch up to the next
    /// durable one.
    #[derive(Debug, Default, PartialEq)]
    struct Told {
        durable: BTreeMap<String, Vec<u64>>,
        words: BTreeMap<(String, usize, u8), String>,
    }

    impl Told {
        fn take(&mut self, event: &SessionEvent) {
            let durable = self.durable.entry(event.session_id.clone()).or_default();
            let (kind, words) = match &event.body {
                EventBody::TextDelta { text } => (0, text),
                EventBody::ThinkingStart { text } | EventBody::ThinkingProgress { text } => {
                    (1, text)
                }
                EventBody::ToolCallDelta { tool_call_id, delta } => {
                    (2 + u8::from(tool_call_id == "b"), delta)
                }
                EventBody::TerminalStream { chunk, .. } => (4, chunk),
                _ => return durable.push(event.seq),
            };
            let key = (event.session_id.clone(), durable.len(), kind);
            self.words.entry(key).or_default().push_str(words);
        }
    }

    fn event(session: u8, what: u8, number: u64) -> SessionEvent {
        let text = format!("{number};");
        let tool_call_id = if what == 2 { "a" } else { "b" }.to_owned();
        let body = match what {
            0 => EventBody::TextDelta { text },
            1 => EventBody::ThinkingProgress { text },
            2 | 3 => EventBody::ToolCallDelta { tool_call_id, delta: text },
            4 => EventBody::TerminalStream { terminal_id: "t".to_owned(), chunk: text },
            5 => EventBody::ThinkingStart { text },
            _ => EventBody::TurnError {
                code: TurnErrorCode::AgentFailed,
                message: text,
                final_text: String::new(),
            },
        };
        let session_id = format!("s{session}");
        SessionEvent { session_id, turn_id: Some("t".to_owned()), seq: number, ts: 0, body }
    }
}
