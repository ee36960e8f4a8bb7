//! A message that Gemini CLI writes again counts once, with all that was said of it.

use oriel_model::{EventKind, Outcome, Tokens};
use oriel_sources::{GeminiLines, GeminiWhole};

use crate::reading::{both_ways, fact, of_kind, usage, whole};

const LINES: &str = include_str!("../fixtures/gemini/session-lines.jsonl");
const WHOLE: &str = include_str!("../fixtures/gemini/session-whole.json");
const FILE: &str = "/home/x/.gemini/tmp/barn/chats/session-1.jsonl";

#[test]
fn tokens_of_a_message_count_once() {
    for events in [both_ways(&GeminiLines, FILE, LINES), both_ways(&GeminiWhole, FILE, WHOLE)] {
        let tokens = Tokens { input: 810, output: 66, cache_read: 1200, ..Tokens::default() };
        assert_eq!(usage(&events), (tokens, 2));
        assert_eq!(of_kind(&events, EventKind::SessionStart).len(), 1);
        let prompts = of_kind(&events, EventKind::UserPrompt);
        assert_eq!(prompts.len(), 1, "what the agent adds is no prompt");
        assert_eq!(fact(prompts[0], "message"), "count the hens");
        assert_eq!(events[0].place.project.as_deref(), Some("barn"));
        let calls = of_kind(&events, EventKind::ToolUse);
        let outcomes: Vec<_> = calls.iter().map(|call| call.facet.outcome).collect();
        assert_eq!(outcomes, [Outcome::Success, Outcome::Error]);
        assert_eq!(fact(calls[0], "command"), "ls hens");
        let facts = calls[1].metadata.facts();
        assert_eq!((facts.lines_added, facts.lines_removed), (2, 1));
    }
}

#[test]
fn a_file_that_is_read_again_tells_nothing_new() {
    let once = whole(&GeminiLines, FILE, LINES);
    let twice = whole(&GeminiLines, FILE, &LINES.repeat(2));
    assert_eq!(once.tally.bad, 1, "the half-written line");
    let ids = |events: &[oriel_model::NewEvent]| {
        let mut ids: Vec<_> =
            events.iter().map(|event| event.event_id.clone().unwrap().0).collect();
        ids.sort();
        ids.dedup();
        ids
    };
    let (once, twice) = (ids(&once.events), ids(&twice.events));
    assert!(once.iter().all(|id| twice.contains(id)));
    assert!(twice.len() <= once.len() + 1, "only what a message was before is told anew");
}
