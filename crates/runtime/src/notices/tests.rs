//! Those who commit never wait for the rules, whatever is committed.

use oriel_model::{EventNumber, Facet, Metadata, NewEvent, Place, SessionId, Tokens, Told};

use super::*;

#[test]
fn only_sessions_of_which_a_rule_may_say_something_are_looked_at() {
    let notices = Notices::new(Counter::default());
    notices.locked().watched.insert("watched".to_owned());
    let commit = |event: StoredEvent| {
        let committed = Committed { stored: vec![event], amended: Vec::new() };
        notices.tell(&committed);
        notices.drain().len()
    };
    assert_eq!(commit(event("s", |_| {})), 0, "a tool worked");
    assert_eq!(commit(event("watched", |_| {})), 1);
    assert_eq!(commit(event("s", |event| event.facet.outcome = Outcome::Error)), 1);
    assert_eq!(commit(event("s", |event| event.told.sign = Sign::TurnOver)), 1);
    let hook = |event: &mut NewEvent| {
        event.facet.kind = EventKind::Response;
        event.facet.source = "hook".to_owned();
    };
    assert_eq!(commit(event("s", hook)), 1);
    let old = event("watched", |event| event.historical = true);
    assert_eq!(commit(old), 0, "the past is no news");
}

#[test]
fn what_is_too_much_is_passed_over_and_counted() {
    let notices = Notices::new(Counter::default());
    let failed =
        |nth: usize| event(&format!("s{nth}"), |event| event.facet.outcome = Outcome::Error);
    let stored = (0..PENDING_MAX + 7).map(failed).collect();
    notices.tell(&Committed { stored, amended: Vec::new() });
    assert_eq!((notices.drain().len(), notices.dropped.get()), (PENDING_MAX, 7));
}

fn event(session: &str, change: impl FnOnce(&mut NewEvent)) -> StoredEvent {
    let mut event = NewEvent {
        event_id: None,
        session_id: SessionId(session.to_owned()),
        facet: Facet {
            agent_type: "claude_code".to_owned(),
            kind: EventKind::ToolUse,
            outcome: Outcome::Success,
            tool_name: None,
            model: None,
            source: "hook".to_owned(),
        },
        place: Place::default(),
        tokens: Tokens::default(),
        cost_usd: None,
        duration_ms: None,
        client_ms: None,
        metadata: Metadata::default(),
        historical: false,
        told: Told::default(),
    };
    change(&mut event);
    StoredEvent { number: EventNumber(1), created_at: 1, event }
}
