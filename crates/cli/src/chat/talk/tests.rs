//! A conversation is the same however it was told: live, again after a broken link, or from the past.

use oriel_wire::gateway::{CurrentTurn, MessageRole, Outcome, TurnErrorCode};
use proptest::prelude::*;

use super::*;
use crate::chat::testing::{delta, ended, event, message, permission, snapshot, started, whole};

proptest! {
    #[test]
    fn durable_events_told_again_change_nothing(again in proptest::collection::vec(0..6_usize, 0..30)) {
        let told = turn();
        let mut once = Talk::default();
        told.iter().cloned().for_each(|event| once.on(event));
        let mut often = Talk::default();
        for event in &told {
            often.on(event.clone());
            for nth in &again {
                // Only what was told before and is durable comes again.
                if told[*nth].seq <= event.seq && told[*nth].body.is_durable() {
                    often.on(told[*nth].clone());
                }
            }
        }
        prop_assert_eq!(once.items, often.items);
    }
}

#[test]
fn pieces_grow_and_the_whole_takes_their_place() {
    let mut talk = Talk::default();
    talk.on(event(1, started("hello")));
    talk.on(event(2, delta("Hel")));
    talk.on(event(3, delta("lo")));
    assert!(talk.has_turn);
    assert_eq!(talk.items[1], Item::Agent { text: "Hello".to_owned(), is_open: true });
    talk.on(event(4, whole("Hello!")));
    assert_eq!(talk.items[1], Item::Agent { text: "Hello!".to_owned(), is_open: false });
    talk.on(event(5, ended()));
    assert!(!talk.has_turn);
    assert_eq!(talk.items.len(), 2);
}

#[test]
fn after_a_broken_link_the_open_text_comes_after_all_that_was_missed() {
    let mut talk = Talk::default();
    talk.on(event(1, started("hello")));
    talk.on(event(2, delta("One")));
    let mut now = snapshot("s", 9);
    now.session.last_seq = 6;
    now.current_turn = Some(CurrentTurn {
        turn_id: "t".to_owned(),
        text: "One two. Thr".to_owned(),
        open_text: "Thr".to_owned(),
        thinking: String::new(),
        open_tools: Vec::new(),
    });
    talk.follow(&now);
    assert_eq!(talk.items.len(), 1, "what was open is told again by what follows");
    talk.on(event(5, whole("One two. ")));
    assert_eq!(talk.items.len(), 2, "the tail waits for all durable events before it");
    talk.on(event(6, EventBody::TurnSteered { text: "more".to_owned() }));
    talk.on(event(10, delta("ee")));
    let texts: Vec<_> = talk.items.iter().map(text_of).collect();
    assert_eq!(texts, ["hello", "One two. ", "more", "Three"]);
}

#[test]
fn a_tool_call_is_one_card_from_its_start_to_its_end() {
    let mut talk = Talk::default();
    let tool_call_id = || "c".to_owned();
    let title = Some("Read a file".to_owned());
    talk.on(event(
        1,
        EventBody::ToolCallStart {
            tool_call_id: tool_call_id(),
            tool_name: "read".to_owned(),
            title,
        },
    ));
    talk.on(event(
        2,
        EventBody::ToolCall {
            tool_call_id: tool_call_id(),
            tool_name: "read".to_owned(),
            input: serde_json::json!({ "path": "a" }),
            locations: Vec::new(),
        },
    ));
    talk.on(event(
        3,
        EventBody::ToolCallDelta { tool_call_id: tool_call_id(), delta: "so far".to_owned() },
    ));
    talk.on(event(
        4,
        EventBody::ToolResult {
            tool_call_id: tool_call_id(),
            output: "all".to_owned(),
            truncated: true,
            diff: Vec::new(),
        },
    ));
    let [Item::Tool(tool)] = &talk.items[..] else { panic!("{:?}", talk.items) };
    assert_eq!((tool.step, tool.output.as_str()), (Step::Done, "all\n… and more"));
    assert!(tool.input.as_ref().unwrap().contains("\"path\""));
}

#[test]
fn whatever_a_turn_leaves_open_ends_with_it() {
    let mut talk = Talk::default();
    talk.on(event(1, started("go")));
    talk.on(event(
        2,
        EventBody::ToolCallStart {
            tool_call_id: "c".to_owned(),
            tool_name: "run".to_owned(),
            title: None,
        },
    ));
    talk.on(event(3, permission()));
    assert!(talk.open_question().is_some());
    let (message, final_text) = ("the agent went away".to_owned(), String::new());
    talk.on(event(
        4,
        EventBody::TurnError { code: TurnErrorCode::AgentExited, message, final_text },
    ));
    assert!(talk.open_question().is_none() && !talk.has_turn);
    assert!(matches!(&talk.items[1], Item::Tool(tool) if tool.step == Step::Failed));
    assert_eq!(talk.items.last(), Some(&Item::Error("the agent went away".to_owned())));
}

#[test]
fn an_answer_is_told_by_its_label() {
    let mut talk = Talk::default();
    talk.on(event(1, permission()));
    let outcome = Outcome::Selected { option_id: "once".to_owned(), allowed: Some(true) };
    talk.on(event(2, EventBody::ApprovalResolved { question_id: "q".to_owned(), outcome }));
    let [Item::Question(question)] = &talk.items[..] else { panic!("{:?}", talk.items) };
    assert_eq!(question.outcome.as_deref(), Some("Allow"));
}

#[test]
fn a_plan_stands_once_in_its_turn_and_is_kept_up_to_date() {
    let entry = |status: &str| PlanEntry {
        text: "step".to_owned(),
        status: status.to_owned(),
        priority: "high".to_owned(),
    };
    let mut talk = Talk::default();
    talk.on(event(1, started("one")));
    talk.on(event(2, EventBody::PlanUpdated { entries: vec![entry("pending")] }));
    talk.on(event(3, whole("text")));
    talk.on(event(4, EventBody::PlanUpdated { entries: vec![entry("completed")] }));
    assert_eq!(talk.items[1], Item::Plan(vec![entry("completed")]));
    talk.on(event(5, started("two")));
    talk.on(event(6, EventBody::PlanUpdated { entries: vec![entry("pending")] }));
    assert_eq!(talk.items.len(), 5);
}

#[test]
fn output_without_end_keeps_its_end() {
    let mut talk = Talk::default();
    for seq in 0..3_000 {
        let chunk = "你".repeat(100);
        talk.on(event(seq, EventBody::TerminalStream { terminal_id: "x".to_owned(), chunk }));
    }
    let [Item::Terminal { output, .. }] = &talk.items[..] else { panic!("{:?}", talk.items.len()) };
    assert!(output.len() <= OUTPUT_BYTES_MAX, "{}", output.len());
    let mut talk = Talk::default();
    for seq in 1..5_000 {
        talk.on(event(seq, whole("x")));
    }
    assert_eq!(talk.items.len(), ITEMS_MAX);
}

#[test]
fn older_messages_come_before_and_only_as_words() {
    let mut now = snapshot("s", 40);
    now.messages = vec![
        message(20, MessageRole::User, "before"),
        message(25, MessageRole::Agent, "answer"),
        message(30, MessageRole::User, "in full"),
    ];
    let mut talk = Talk::default();
    talk.begin(&now, 30);
    assert_eq!(talk.older, Some(20));
    talk.on(event(25, whole("not twice")));
    talk.on(event(30, started("in full")));
    talk.prepend(&[message(1, MessageRole::User, "first")], false);
    let texts: Vec<_> = talk.items.iter().map(text_of).collect();
    assert_eq!(texts, ["first", "before", "answer", "in full"]);
    assert_eq!(talk.older, None);
}

/// A turn, told live.
fn turn() -> Vec<SessionEvent> {
    vec![
        event(1, started("hello")),
        event(2, delta("Hel")),
        event(3, delta("lo")),
        event(4, whole("Hello")),
        event(5, permission()),
        event(6, ended()),
    ]
}

fn text_of(item: &Item) -> &str {
    match item {
        Item::User { text } | Item::Agent { text, .. } => text,
        other => panic!("{other:?}"),
    }
}
