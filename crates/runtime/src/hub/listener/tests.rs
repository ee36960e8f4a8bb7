//! Nobody who listens misses an event, gets one twice, or costs the others anything.

use std::collections::BTreeSet;

use oriel_model::{
    EventKind, Facet, Metadata, NewEvent, Outcome, Place, SessionId, StoredEvent, Tokens, Told,
};
use oriel_store::{Durability, StoreOptions};
use oriel_wire::SessionChange;

use super::super::RING_FRAMES_MAX;
use super::*;

#[tokio::test]
async fn a_listener_gets_what_comes_after_it_and_one_with_a_cursor_what_it_missed() {
    let house = House::new(3).await;
    house.append(2, "a").await;
    let mut now = house.listen(EventFilter::default(), None);
    let mut later = house.listen(EventFilter::default(), Some(1));
    house.append(2, "a").await;
    assert_eq!(house.numbers(&mut now, 2).await, [3, 4]);
    assert_eq!(house.numbers(&mut later, 3).await, [2, 3, 4]);
}

#[tokio::test]
async fn a_listener_that_stalls_is_told_so_and_then_gets_everything() {
    let house = House::new(2).await;
    let mut stalled = house.listen(EventFilter::default(), None);
    let mut lively = house.listen(EventFilter::default(), None);
    house.append(1, "a").await;
    assert_eq!(house.numbers(&mut stalled, 1).await, [1]);
    let many = RING_FRAMES_MAX + 1000;
    let mut seen = 0;
    while seen < many {
        house.append(500, "a").await;
        seen += 500;
        house.numbers(&mut lively, if seen == 500 { 501 } else { 500 }).await;
    }
    let first = text(&stalled.next(&house.store).await.unwrap());
    assert_eq!(first, "data: {\"type\":\"resync\",\"after\":1}\n\n");
    assert_eq!(house.hub.resyncs.get(), 1);
    let rest = house.numbers(&mut stalled, seen).await;
    assert_eq!(rest, (2..=seen as i64 + 1).collect::<Vec<_>>());
    house.append(1, "a").await;
    assert_eq!(house.numbers(&mut stalled, 1).await, [seen as i64 + 2], "it is live again");
}

#[tokio::test]
async fn the_ring_is_bounded_and_empty_while_nobody_listens() {
    let house = House::new(1).await;
    house.append(500, "a").await;
    assert_eq!(house.hub.ring().entries.len(), 0);
    let listener = house.listen(EventFilter::default(), None);
    for _ in 0..40 {
        house.append(500, "a").await;
    }
    assert!(house.hub.ring().entries.len() <= RING_FRAMES_MAX);
    drop(listener);
    assert_eq!(house.hub.ring().entries.len(), 0);
    assert_eq!(house.hub.listeners(), 0);
}

#[tokio::test]
async fn only_so_many_may_listen_and_one_that_leaves_makes_room() {
    let house = House::new(1).await;
    let first = house.listen(EventFilter::default(), None);
    assert!(house.hub.listen(EventFilter::default(), None).is_err());
    drop(first);
    house.listen(EventFilter::default(), None);
}

#[tokio::test]
async fn a_filter_passes_only_what_matches_and_notes_reach_everyone() {
    let house = House::new(1).await;
    house.append(3, "a").await;
    let filter = EventFilter { agent_type: Some("b".to_owned()), ..EventFilter::default() };
    let mut listener = house.listen(filter, Some(0));
    house.append(1, "b").await;
    house.append(1, "a").await;
    assert_eq!(house.numbers(&mut listener, 1).await, [4]);
    let payload = SessionChange::IdleCheck { idled: 2 };
    house.hub.note(&Frame::SessionUpdate { payload });
    let note = text(&listener.next(&house.store).await.unwrap());
    assert!(
        note.contains(r#"{"type":"session_update","payload":{"type":"idle_check","idled":2}}"#)
    );
}

#[tokio::test]
async fn a_wait_that_is_given_up_loses_nothing() {
    let house = House::new(1).await;
    let mut listener = house.listen(EventFilter::default(), None);
    let mut seen = BTreeSet::new();
    for round in 0..20 {
        // The wait is polled once and dropped, before and after there is something.
        let waited = futures_util::poll!(Box::pin(listener.next(&house.store)));
        if let std::task::Poll::Ready(chunk) = waited {
            seen.extend(numbers_in(&text(&chunk.unwrap())));
        }
        house.append(1 + round % 3, "a").await;
    }
    let total = (0..20).map(|round| 1 + round % 3).sum::<usize>();
    while seen.len() < total {
        seen.extend(numbers_in(&text(&listener.next(&house.store).await.unwrap())));
    }
    assert_eq!(seen, (1..=total as i64).collect());
}

/// A hub over a store of its own.
struct House {
    _folder: tempfile::TempDir,
    hub: Arc<Hub>,
    store: Store,
}

impl House {
    async fn new(listeners_max: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let hub = Arc::new(Hub::new(listeners_max, Counter::default()));
        let of_store = Arc::clone(&hub);
        let options =
            StoreOptions { durability: Durability::Normal, readers: 2, queue_events_max: 10_000 };
        let path = folder.path().join("oriel.db");
        let store = Store::open(&path, options, move |events| of_store.publish(events)).unwrap();
        Self { _folder: folder, hub, store }
    }

    fn listen(&self, filter: EventFilter, after: Option<i64>) -> Listener {
        self.hub.listen(filter, after.map(EventNumber)).unwrap()
    }

    async fn append(&self, count: usize, agent_type: &str) {
        self.store.append(vec![event(agent_type); count], 1_770_112_800).await.unwrap();
    }

    /// Reads until so many events came, and returns their numbers.
    async fn numbers(&self, listener: &mut Listener, count: usize) -> Vec<i64> {
        let mut numbers = Vec::new();
        while numbers.len() < count {
            numbers.extend(numbers_in(&text(&listener.next(&self.store).await.unwrap())));
        }
        numbers
    }
}

fn numbers_in(frames: &str) -> Vec<i64> {
    frames.lines().filter_map(|line| line.strip_prefix("id: ")?.parse().ok()).collect()
}

fn text(chunk: &Bytes) -> String {
    String::from_utf8(chunk.to_vec()).unwrap()
}

fn event(agent_type: &str) -> NewEvent {
    NewEvent {
        event_id: None,
        session_id: SessionId("s".to_owned()),
        facet: Facet {
            agent_type: agent_type.to_owned(),
            kind: EventKind::ToolUse,
            outcome: Outcome::Success,
            tool_name: None,
            model: None,
            source: "api".to_owned(),
        },
        place: Place::default(),
        tokens: Tokens::default(),
        cost_usd: None,
        duration_ms: None,
        client_ms: None,
        metadata: Metadata::default(),
        historical: false,
        told: Told::default(),
    }
}

#[test]
fn a_stored_event_is_the_frame_that_readers_expect() {
    let stored =
        StoredEvent { number: EventNumber(7), created_at: 1_770_112_800, event: event("a") };
    let frame = text(&event_frame(&stored));
    assert!(
        frame.starts_with("id: 7\ndata: {\"type\":\"event\",\"payload\":{\"id\":7,"),
        "{frame}"
    );
    assert!(frame.ends_with("}}\n\n"), "{frame}");
}
