//! Qwen Code's chats tell each request and call once, though telemetry repeats them.

use oriel_model::{EventKind, Outcome, Tokens};
use oriel_sources::Qwen;

use crate::reading::{both_ways, fact, of_kind, usage};

const CHAT: &str = include_str!("../fixtures/qwen/chat.jsonl");

#[test]
fn a_chat_is_told_once() {
    let events = both_ways(&Qwen, "chats/x.jsonl", CHAT);
    // The first total says that thoughts are part of the candidates, the second that they are not.
    let tokens = Tokens { input: 826, output: 42, cache_read: 1024, ..Tokens::default() };
    assert_eq!(usage(&events), (tokens, 2));
    let calls = of_kind(&events, EventKind::ToolUse);
    assert_eq!(calls.len(), 1, "a call and its result are one event");
    assert_eq!(calls[0].facet.outcome, Outcome::Error);
    assert_eq!(
        (fact(calls[0], "command"), fact(calls[0], "error")),
        ("pour milk".into(), "no milk".into())
    );
    assert_eq!(of_kind(&events, EventKind::UserPrompt).len(), 1);
    assert_eq!(of_kind(&events, EventKind::Error).len(), 1);
    assert_eq!(of_kind(&events, EventKind::SessionStart).len(), 1);
    assert!(events.iter().any(|event| fact(event, "record_type") == "purr"));
    assert!(events.iter().all(|event| event.place.branch.as_deref() == Some("sowing")));
}
