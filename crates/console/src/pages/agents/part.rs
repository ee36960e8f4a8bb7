//! A part of a session's events, the newest first to be asked for. The gateway gives events forward from
//! a number, and numbers have gaps: pieces of text take one too and are not kept. So a stretch of numbers
//! is asked for, then the ones before it, each wider than the last, until there is enough for a part.

use oriel_gateway_client::PastEvents;
use oriel_wire::gateway::{EventBody, SessionEvent};

use super::entry::{Conversation, Entry};
use crate::app::App;
use crate::gateway::GatewayError;

/// So many events are enough for a part. Most entries are made of two or three.
const EVENTS: usize = 120;

/// So many events are asked for at once.
const EVENTS_AT_ONCE: u32 = 500;

/// The first stretch of numbers that is asked for.
const STRETCH: u64 = 400;

/// So often is asked for one part. What was found until then is a part as well, with the way to what is
/// before it.
const QUESTIONS_MAX: usize = 10;

/// A part of a session, the oldest first.
#[derive(Debug)]
pub(crate) struct Part {
    pub(crate) entries: Vec<Entry>,
    /// What is before this number is in an earlier part.
    pub(crate) earlier: Option<u64>,
}

impl Part {
    /// Reads the part that ends with the event of this number.
    pub(crate) async fn read(app: &App, session: &str, until: u64) -> Result<Self, GatewayError> {
        let mut search = Search::new(until);
        let mut asked = 0;
        while let Some(after) = search.asks()
            && asked < QUESTIONS_MAX
        {
            let events = app.gateway.ask(|gateway| async move {
                gateway.get_events(session, Some(after), Some(EVENTS_AT_ONCE)).await
            });
            search.found(events.await?);
            asked += 1;
        }
        let (events, earlier) = search.part();
        Ok(Self { entries: Conversation::of(&events).entries, earlier })
    }
}

/// What was found so far, and where to look next.
#[derive(Debug)]
struct Search {
    /// Everything after this number and up to the end is found.
    known_after: u64,
    stretch: u64,
    /// The events that were found, the newest stretch first, each in order.
    stretches: Vec<Vec<SessionEvent>>,
    count: usize,
}

impl Search {
    fn new(until: u64) -> Self {
        Self { known_after: until, stretch: STRETCH, stretches: Vec::new(), count: 0 }
    }

    /// Returns after which number to ask next; none where there is enough, or nothing more.
    fn asks(&self) -> Option<u64> {
        let is_enough = EVENTS <= self.count || self.known_after == 0;
        (!is_enough).then(|| self.known_after.saturating_sub(self.stretch))
    }

    /// Takes the answer to what was asked.
    fn found(&mut self, mut past: PastEvents) {
        let after = self.known_after.saturating_sub(self.stretch);
        let has_all =
            !past.has_more || past.events.last().is_some_and(|last| self.known_after <= last.seq);
        if !has_all && 1 < self.stretch {
            // There is more than comes at once, and the end of it is wanted.
            self.stretch = (self.stretch / 4).max(1);
            return;
        }
        past.events.retain(|event| after < event.seq && event.seq <= self.known_after);
        self.count += past.events.len();
        self.stretches.push(past.events);
        self.known_after = after;
        self.stretch = self.stretch.saturating_mul(4);
    }

    /// Returns the events of the part in order, and the number before which the earlier ones are. A part
    /// begins with a turn where one begins in its first half.
    fn part(self) -> (Vec<SessionEvent>, Option<u64>) {
        let mut events: Vec<SessionEvent> = self.stretches.into_iter().rev().flatten().collect();
        let mut earlier = (self.known_after > 0).then_some(self.known_after + 1);
        if earlier.is_some() || EVENTS < events.len() {
            let begins = |event: &SessionEvent| matches!(event.body, EventBody::TurnStarted { .. });
            // Of more than is needed, as much is left out as leaves enough.
            let spare = events.len().saturating_sub(EVENTS);
            let half = spare + (events.len() - spare) / 2;
            let first = (spare..half).find(|at| events.get(*at).is_some_and(begins));
            let first = first.unwrap_or(spare);
            if 0 < first
                && let Some(event) = events.get(first)
            {
                earlier = Some(event.seq);
                events.drain(..first);
            }
        }
        (events, earlier)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// A gateway with events at any numbers, which gives so many at once.
        #[test]
        fn parts_join_without_gap_or_overlap_and_no_part_takes_long(
            gaps in proptest::collection::vec((1..60_u64, any::<bool>()), 0..900),
            at_once in 1..200_usize,
        ) {
            let mut seq = 0;
            let events: Vec<SessionEvent> = gaps.into_iter().map(|(gap, begins)| {
                seq += gap;
                event(seq, begins)
            }).collect();
            let mut until = events.last().map_or(0, |event| event.seq);
            let (mut seen, mut parts) = (Vec::new(), 0);
            while until > 0 {
                let (mut search, mut asked) = (Search::new(until), 0);
                while let Some(after) = search.asks() && asked < QUESTIONS_MAX {
                    search.found(past(&events, after, at_once));
                    asked += 1;
                }
                let (part, earlier) = search.part();
                seen.splice(0..0, part.iter().map(|event| event.seq));
                until = earlier.map_or(0, |earlier| earlier - 1);
                parts += 1;
                prop_assert!(parts < 2_000);
            }
            prop_assert_eq!(seen, events.iter().map(|event| event.seq).collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_part_begins_with_a_turn_where_it_can() {
        let events: Vec<SessionEvent> = (1..=300).map(|seq| event(seq, seq % 50 == 1)).collect();
        let mut search = Search::new(300);
        while let Some(after) = search.asks() {
            search.found(past(&events, after, 500));
        }
        let (part, earlier) = search.part();
        assert_eq!((part[0].seq, earlier, part.len()), (201, Some(201), 100));
    }

    #[test]
    fn a_long_answer_before_the_last_event_takes_few_questions() {
        let mut events: Vec<SessionEvent> = (1..=50).map(|seq| event(seq, seq == 1)).collect();
        events.push(event(100_000, false));
        let (mut search, mut asked) = (Search::new(100_000), 0);
        while let Some(after) = search.asks() {
            search.found(past(&events, after, 500));
            asked += 1;
        }
        assert!(asked <= 6, "{asked}");
        assert_eq!(search.part().0.len(), 51);
    }

    fn past(events: &[SessionEvent], after: u64, at_once: usize) -> PastEvents {
        let mut later = events.iter().filter(|event| after < event.seq);
        let events: Vec<_> = later.by_ref().take(at_once).cloned().collect();
        PastEvents { events, has_more: later.next().is_some(), last_seq: 0 }
    }

    fn event(seq: u64, begins: bool) -> SessionEvent {
        let text = String::new();
        let body = if begins {
            EventBody::TurnStarted { text, client_turn_id: None }
        } else {
            EventBody::TextComplete { text }
        };
        SessionEvent { session_id: "s".to_owned(), turn_id: None, seq, ts: 0, body }
    }
}
