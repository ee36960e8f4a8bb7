//! Copilot CLI's sums are meters, and its calls are told once.

use oriel_model::{Amount, EventKind, Outcome, Sign, Tokens};
use oriel_sources::Copilot;

use crate::reading::{both_ways, fact, of_kind, usage};

const EVENTS: &str = include_str!("../fixtures/copilot/events.jsonl");

#[test]
fn a_session_is_told_once() {
    let events = both_ways(&Copilot, "session-state/x/events.jsonl", EVENTS);
    let tokens =
        Tokens { input: 1000, output: 120, cache_read: 2000, cache_write: 50, cache_write_1h: 0 };
    assert_eq!(usage(&events), (tokens, 1));
    let sum = of_kind(&events, EventKind::LlmResponse)[0];
    assert_eq!(sum.told.amount, Amount::Meter);
    assert_eq!(sum.facet.model.as_deref(), Some("claude-sonnet-4.5"));
    let calls = of_kind(&events, EventKind::ToolUse);
    assert_eq!((calls.len(), calls[0].facet.outcome), (1, Outcome::Error));
    assert_eq!(
        (fact(calls[0], "command"), fact(calls[0], "error")),
        ("mow".into(), "out of petrol".into())
    );
    let ends = of_kind(&events, EventKind::SessionEnd);
    assert_eq!(ends[0].told.sign, Sign::SessionOver);
    let session = "7d2f9a10-0000-4000-8000-000000000001";
    assert!(events.iter().all(|event| event.session_id.0 == session));
}
