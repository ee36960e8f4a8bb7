//! OpenCode's rows tell whole messages, with the cost that OpenCode states.

use oriel_model::{EventKind, Outcome, Sign, Tokens};
use oriel_sources::OpenCode;

use crate::reading::{both_ways, fact, of_kind, usage, whole};

const ROWS: &str = include_str!("../fixtures/opencode/rows.jsonl");

#[test]
fn a_message_is_told_once_and_whole() {
    let events = both_ways(&OpenCode, "opencode.db", ROWS);
    let tokens =
        Tokens { input: 826, output: 42, cache_read: 1024, cache_write: 7, cache_write_1h: 0 };
    let (sum, requests) = usage(&events);
    assert_eq!(sum, tokens);
    assert_eq!(requests, 2, "one that failed used nothing");
    let answers = of_kind(&events, EventKind::LlmResponse);
    assert_eq!(answers[0].cost_usd, Some(0.000_481_2));
    assert!(answers[0].told.cost_is_stated);
    assert_eq!(answers[1].cost_usd, None, "a cost of 0 says that no price is known");
    assert_eq!(answers[1].told.sign, Sign::TurnOver);
    let prompts = of_kind(&events, EventKind::UserPrompt);
    assert_eq!(fact(prompts[0], "message"), "shear the sheep");
    assert_eq!(of_kind(&events, EventKind::Error).len(), 1);
}

#[test]
fn a_call_that_runs_is_left_for_later() {
    let events = both_ways(&OpenCode, "opencode.db", ROWS);
    let calls = of_kind(&events, EventKind::ToolUse);
    let told: Vec<_> = calls
        .iter()
        .map(|call| {
            (call.facet.tool_name.as_deref().unwrap(), call.facet.outcome, call.duration_ms)
        })
        .collect();
    assert_eq!(told, [("bash", Outcome::Error, Some(400)), ("edit", Outcome::Success, Some(100))]);
    let facts = calls[1].metadata.facts();
    assert_eq!((facts.file_path.as_deref(), facts.lines_added), (Some("wool.md"), 2));
    let out = whole(&OpenCode, "opencode.db", ROWS);
    assert_eq!(out.tally.bad, 1, "the message that is not JSON");
    assert!(
        out.notes.iter().any(|note| note.name == "title" && note.value == "\"Shear the sheep\"")
    );
}
