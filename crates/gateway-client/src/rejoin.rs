//! Which sessions are joined and how far each is told, and how they are joined again after the link
//! broke. A function of what came and when; the driver sends what it says.
//!
//! Sessions are joined again one after the other, so that a client with many of them neither floods the
//! gateway nor gets all their snapshots at once.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use oriel_wire::gateway::{ClientMessage, ErrorCode, SessionEvent, Snapshot};
use tokio::time::Instant;

/// How long to wait before a session is asked for again that could not be joined, where the gateway
/// does not say.
const AGAIN_AFTER: Duration = Duration::from_secs(2);

/// The joined sessions.
#[derive(Debug)]
pub(crate) struct Joined {
    /// The last durable event of each that was handed on.
    told: BTreeMap<String, u64>,
    /// Those that are still to be joined again.
    waiting: VecDeque<String>,
    /// The one that was asked for, and when.
    asked: Option<(String, Instant)>,
    /// Nothing is asked before.
    not_before: Option<Instant>,
    answer_within: Duration,
}

/// What a refusal means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The session is no more.
    Gone,
    /// It is asked for again later.
    Later,
}

impl Joined {
    pub(crate) fn new(answer_within: Duration) -> Self {
        Self {
            told: BTreeMap::new(),
            waiting: VecDeque::new(),
            asked: None,
            not_before: None,
            answer_within,
        }
    }

    /// A session was joined, after this event or as it is.
    pub(crate) fn joined(&mut self, snapshot: &Snapshot, after: Option<u64>) {
        // Nobody can have seen more than there is: what says so comes from another life of the gateway,
        // and believing it would hide everything up to there.
        let told = after.unwrap_or(snapshot.last_seq).min(snapshot.last_seq);
        self.told.insert(snapshot.session.id.clone(), told);
        self.waiting.retain(|session_id| *session_id != snapshot.session.id);
    }

    /// A session was left, or is no more.
    pub(crate) fn left(&mut self, session_id: &str) {
        self.told.remove(session_id);
        self.waiting.retain(|waiting| waiting != session_id);
    }

    /// Returns whether an event is to be handed on, and counts it as told.
    pub(crate) fn tells(&mut self, event: &SessionEvent) -> bool {
        !event.body.is_durable() || self.is_new(&event.session_id, event.seq)
    }

    /// Returns whether this number of a session was not told yet, and counts it as told. What is not
    /// joined is always new.
    ///
    /// An event of a kind that nobody knows counts too: only durable ones come a second time, and after
    /// any other the durable ones still follow.
    pub(crate) fn is_new(&mut self, session_id: &str, seq: u64) -> bool {
        match self.told.get_mut(session_id) {
            Some(told) if seq <= *told => false,
            Some(told) => {
                *told = seq;
                true
            }
            None => true,
        }
    }

    /// The link is there again, or for the first time.
    pub(crate) fn link_is_up(&mut self) {
        self.waiting = self.told.keys().cloned().collect();
        (self.asked, self.not_before) = (None, None);
    }

    /// Returns what to ask now.
    pub(crate) fn next(&mut self, now: Instant) -> Option<(String, ClientMessage)> {
        if self.asked.is_some() || self.not_before.is_some_and(|time| now < time) {
            return None;
        }
        let session_id = self.waiting.pop_front()?;
        let after_seq = self.told.get(&session_id).copied();
        self.asked = Some((session_id.clone(), now));
        let join = ClientMessage::JoinSession { session_id: session_id.clone(), after_seq };
        Some((session_id, join))
    }

    /// Returns when there is something to do.
    pub(crate) fn wakes_at(&self) -> Option<Instant> {
        match &self.asked {
            Some((_, since)) => Some(*since + self.answer_within),
            None if self.waiting.is_empty() => None,
            None => self.not_before,
        }
    }

    /// Returns whether the gateway owes an answer for too long.
    pub(crate) fn is_overdue(&self, now: Instant) -> bool {
        self.asked.as_ref().is_some_and(|(_, since)| *since + self.answer_within <= now)
    }

    /// A session was joined again. Returns whether anybody still wants it.
    pub(crate) fn rejoined(&mut self, session_id: &str, snapshot: &Snapshot) -> bool {
        self.asked = None;
        let Some(told) = self.told.get_mut(session_id) else { return false };
        *told = (*told).min(snapshot.last_seq);
        true
    }

    /// A session could not be joined again.
    pub(crate) fn refused(
        &mut self,
        session_id: &str,
        code: ErrorCode,
        retry_after: Option<Duration>,
        now: Instant,
    ) -> Refusal {
        self.asked = None;
        if code == ErrorCode::SessionNotFound {
            self.left(session_id);
            return Refusal::Gone;
        }
        if self.told.contains_key(session_id) {
            self.waiting.push_back(session_id.to_owned());
        }
        self.not_before = Some(now + retry_after.unwrap_or(AGAIN_AFTER));
        Refusal::Later
    }
}

#[cfg(test)]
mod tests {
    use oriel_wire::gateway::{EventBody, SessionMeta, SessionState, Usage};
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// A gateway with durable events 2, 4, 6 and so on, a link that breaks anywhere, and replays that
        /// begin anywhere before what was told.
        #[test]
        fn each_durable_event_is_told_once_wherever_the_link_breaks(
            breaks in proptest::collection::vec((1..20_u64, 0..10_u64), 1..20)
        ) {
            let mut joined = joined_at(0, Some(0));
            let (mut told, mut at) = (Vec::new(), 0);
            for (further, back) in breaks {
                joined.link_is_up();
                let (_, message) = joined.next(Instant::now()).unwrap();
                let ClientMessage::JoinSession { after_seq, .. } = message else { panic!() };
                prop_assert_eq!(after_seq, Some(at));
                prop_assert!(joined.rejoined("s", &snapshot(1_000)));
                let from = at.saturating_sub(back * 2);
                at += further * 2;
                for seq in (from / 2 + 1..=at / 2).map(|half| half * 2) {
                    if joined.tells(&event(seq)) {
                        told.push(seq);
                    }
                }
            }
            let wanted: Vec<u64> = (1..=at / 2).map(|half| half * 2).collect();
            prop_assert_eq!(told, wanted);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn sessions_are_joined_again_one_after_the_other() {
        let now = Instant::now();
        let mut joined = joined_at(5, None);
        let mut other = snapshot(9);
        other.session.id = "t".to_owned();
        joined.joined(&other, Some(3));
        joined.link_is_up();
        let (first, _) = joined.next(now).unwrap();
        assert_eq!((first.as_str(), joined.next(now)), ("s", None));
        assert!(joined.rejoined("s", &snapshot(5)));
        let (second, message) = joined.next(now).unwrap();
        let session_id = second.clone();
        assert_eq!(message, ClientMessage::JoinSession { session_id, after_seq: Some(3) });
        joined.refused("t", ErrorCode::RateLimited, Some(Duration::from_secs(4)), now);
        assert_eq!(
            (joined.next(now), joined.wakes_at()),
            (None, Some(now + Duration::from_secs(4)))
        );
        let later = now + Duration::from_secs(4);
        assert_eq!(joined.next(later).unwrap().0, "t");
        assert_eq!(joined.refused("t", ErrorCode::SessionNotFound, None, later), Refusal::Gone);
        joined.link_is_up();
        assert_eq!(joined.waiting, ["s"]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_gateway_that_owes_an_answer_is_overdue() {
        let now = Instant::now();
        let mut joined = joined_at(5, None);
        joined.link_is_up();
        assert_eq!(joined.wakes_at(), None);
        joined.next(now).unwrap();
        assert!(!joined.is_overdue(now) && joined.is_overdue(joined.wakes_at().unwrap()));
    }

    #[test]
    fn numbers_from_another_life_of_the_gateway_hide_nothing() {
        let mut joined = joined_at(5, Some(900));
        assert!(!joined.tells(&event(5)) && joined.tells(&event(6)));
        joined.link_is_up();
        joined.rejoined("s", &snapshot(2));
        assert!(joined.tells(&event(3)), "the gateway began anew");
    }

    #[test]
    fn a_session_that_was_left_is_not_joined_again() {
        let mut joined = joined_at(5, None);
        joined.link_is_up();
        joined.left("s");
        assert_eq!(joined.next(Instant::now()), None);
        assert!(!joined.rejoined("s", &snapshot(5)));
        assert!(joined.tells(&event(1)));
    }

    fn joined_at(last_seq: u64, after: Option<u64>) -> Joined {
        let mut joined = Joined::new(Duration::from_secs(60));
        joined.joined(&snapshot(last_seq), after);
        joined
    }

    fn event(seq: u64) -> SessionEvent {
        let body = EventBody::TurnSteered { text: String::new() };
        SessionEvent { session_id: "s".to_owned(), turn_id: None, seq, ts: 0, body }
    }

    fn snapshot(last_seq: u64) -> Snapshot {
        let session = SessionMeta {
            id: "s".to_owned(),
            name: String::new(),
            agent_type: String::new(),
            workspace: String::new(),
            state: SessionState::Inactive,
            archived: false,
            created_at: 0,
            updated_at: 0,
            last_seq,
            turns: 0,
            pending: 0,
            usage: Usage::default(),
            problem: None,
            monitor_session: None,
        };
        Snapshot {
            session,
            last_seq,
            current_turn: None,
            pending: Vec::new(),
            messages: Vec::new(),
        }
    }
}
