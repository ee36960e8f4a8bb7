//! A session of the gateway is told the same however its events are sent: at once, one by one or twice.

use oriel_model::{Amount, EventKind, NewEvent, Note, Outcome, Role, Sign};
use oriel_sources::{Parsed, gateway};
use proptest::prelude::*;
use serde_json::{Value, json};

#[test]
fn a_call_is_one_event_with_all_that_is_told_of_it() {
    let told = read(&[
        json!({ "type": "tool_call_start", "toolCallId": "c", "toolName": "Edit" }),
        json!({ "type": "tool_call", "toolCallId": "c", "toolName": "Edit", "input":
            { "file_path": "/w/shop/a.rs", "old_string": "x", "new_string": "y\nz" } }),
        json!({ "type": "tool_result", "toolCallId": "c", "output": "done",
            "diff": [{ "path": "a.rs", "old": "1\nx\n", "new": "1\ny\nz\n" }] }),
    ]);
    let [call] = &told.events[..] else { panic!("{:?}", told.events) };
    assert_eq!(call.facet.kind, EventKind::ToolUse);
    assert_eq!(call.facet.tool_name.as_deref(), Some("Edit"));
    assert_eq!((call.client_ms, call.duration_ms), (Some(1_001), Some(2)));
    assert_eq!(call.told.keys[0].name, "claude_code tool c");
    let facts = call.metadata.facts();
    assert_eq!((facts.lines_added, facts.lines_removed), (2, 1));
    assert_eq!(facts.file_path.as_deref(), Some("/w/shop/a.rs"));
    let output = call.told.texts.iter().find(|text| text.role == Role::Output);
    assert_eq!(output.map(|text| text.text.as_str()), Some("done"));
    assert_eq!(call.place.project.as_deref(), Some("shop"));
}

#[test]
fn a_call_that_fails_or_is_cut_off_is_an_error_and_changes_no_line() {
    let told = read(&[
        json!({ "type": "tool_call", "toolCallId": "c", "toolName": "t", "input": {} }),
        json!({ "type": "tool_error", "toolCallId": "c", "output": "no",
            "diff": [{ "path": "a", "new": "1" }] }),
        json!({ "type": "tool_call", "toolCallId": "d", "toolName": "t", "input": {} }),
        json!({ "type": "turn_error", "code": "TurnStopped", "message": "stopped" }),
    ]);
    let calls = of_kind(&told, EventKind::ToolUse);
    assert_eq!(calls.len(), 2);
    assert!(calls.iter().all(|call| call.facet.outcome == Outcome::Error));
    assert_eq!(calls[0].metadata.facts().lines_added, 0);
    let over = told.events.last().unwrap();
    assert_eq!((over.facet.kind, over.told.sign), (EventKind::Response, Sign::TurnOver));
    let failed = read(&[json!({ "type": "turn_error", "code": "AgentExited", "message": "gone" })]);
    assert_eq!(failed.events[0].facet.kind, EventKind::Error);
}

#[test]
fn a_session_waits_while_any_question_does() {
    let ask = |id: &str, what: &str| {
        json!({ "type": "permission_requested", "questionId": id,
        "toolCallId": "c", "title": what, "options": [] })
    };
    let resolve = |id: &str| {
        json!({ "type": "approval_resolved", "questionId": id,
        "outcome": { "kind": "cancelled" } })
    };
    let told = read(&[
        json!({ "type": "tool_call", "toolCallId": "c", "toolName": "Bash", "input": {} }),
        ask("1", "rm -r x"),
        ask("2", "rm -r y"),
        resolve("2"),
        resolve("1"),
        json!({ "type": "turn_complete", "finalText": "ok", "stopReason": "end_turn" }),
    ]);
    let waits: Vec<Value> = told
        .notes
        .iter()
        .filter(|note| note.name == "waiting")
        .map(|note| serde_json::from_str(&note.value).unwrap())
        .collect();
    let what: Vec<_> = waits.iter().map(|it| (&it["for"], &it["what"], &it["tool"])).collect();
    let expected = json!([
        ["permission", "rm -r x", "Bash"],
        ["permission", "rm -r y", "Bash"],
        ["permission", "rm -r x", "Bash"],
        [null, null, null],
        ["input", null, null],
    ]);
    assert_eq!(json!(what), expected);
}

#[test]
fn an_agent_that_tells_of_itself_has_its_own_names_and_no_other() {
    let events = [
        json!({ "type": "turn_started", "text": "mend it" }),
        json!({ "type": "text.complete", "text": "mended" }),
        json!({ "type": "turn_usage", "model": "default", "inputTokens": 5, "outputTokens": 1,
            "cacheReadTokens": 0, "cacheWriteTokens": 0, "costUsd": 0.5 }),
    ];
    let known = read(&events);
    assert!(known.events.iter().all(|event| event.session_id.0 == "native"));
    assert!(known.events.iter().all(|event| event.facet.agent_type == "claude_code"));
    assert_eq!(of_kind(&known, EventKind::SessionStart).len(), 0, "its hooks tell that");
    let usage = known.events.last().unwrap();
    assert_eq!((usage.told.amount, usage.facet.model.as_deref()), (Amount::Meter, None));
    assert_eq!((usage.cost_usd, usage.told.cost_is_stated), (Some(0.5), true));

    let mut body = body(&[], &numbered(&events));
    body["nativeSession"] = Value::Null;
    let own = gateway::read(body.to_string().as_bytes()).unwrap();
    assert!(
        own.events
            .iter()
            .all(|event| event.session_id.0 == "g1" && event.facet.agent_type == "claude")
    );
    assert_eq!(of_kind(&own, EventKind::SessionStart).len(), 1);
    assert_eq!(own.events.last().unwrap().facet.model.as_deref(), Some("default"));
}

#[test]
fn codex_and_the_gateway_know_prompts_and_answers_by_the_same_names() {
    let mut body = body(
        &[],
        &numbered(&[
            json!({ "type": "turn_started", "text": "mend it" }),
            json!({ "type": "text.complete", "text": "mended" }),
        ]),
    );
    (body["agent"], body["nativeSession"]) = (json!("codex"), json!("t1"));
    let told = gateway::read(body.to_string().as_bytes()).unwrap();
    let keys = |events: &[NewEvent], kind| {
        let of = events.iter().find(|event| event.facet.kind == kind);
        of.unwrap().told.keys.clone()
    };
    let hook = |name: &str, field: &str, text: &str| {
        let hook = json!({ "session_id": "t1", "hook_event_name": name, field: text });
        oriel_sources::codex::hooks::read(hook.to_string().as_bytes(), 1).unwrap().events
    };
    let prompt = hook("UserPromptSubmit", "prompt", "mend it");
    assert_eq!(keys(&told.events, EventKind::UserPrompt), keys(&prompt, EventKind::UserPrompt));
    let stop = hook("Stop", "last_assistant_message", "mended");
    assert_eq!(keys(&told.events, EventKind::Response), keys(&stop, EventKind::Response));
}

#[test]
fn a_session_ends_once_for_all_that_is_told_of_it_later() {
    let updated = |name: &str, turns: u32| {
        json!({ "type": "session_updated", "session": {
        "id": "g1", "name": name, "agentType": "claude", "workspace": "/w/shop", "state": "inactive",
        "createdAt": 0, "updatedAt": 0, "lastSeq": 0, "turns": turns } })
    };
    let told = read(&[updated("new", 0), updated("a", 1), updated("b", 1), updated("b", 2)]);
    let ends = of_kind(&told, EventKind::SessionEnd);
    let ids: Vec<_> = ends.iter().map(|end| end.event_id.clone().unwrap()).collect();
    assert_eq!(ids.len(), 3, "one that was never asked anything does not end");
    assert!(ids[0] == ids[1] && ids[1] != ids[2]);
    assert_eq!(ends[0].told.sign, Sign::SessionOver);
}

#[test]
fn what_cannot_be_read_is_counted_and_the_rest_is_told() {
    let mut body = body(&[], &numbered(&[json!({ "type": "text.complete", "text": "x" })]));
    let events = body["events"].as_array_mut().unwrap();
    events.insert(0, json!({ "type": "from_the_future", "seq": 1, "ts": 1, "sessionId": "g1" }));
    events.push(json!("what"));
    let told = gateway::read(body.to_string().as_bytes()).unwrap();
    assert_eq!((told.events.len(), told.tally.bad, told.tally.records), (1, 2, 3));
    for bad in ["", "[]", "{}", "{\"session\":1}", "\u{0}"] {
        let error = gateway::read(bad.as_bytes()).unwrap_err().to_string();
        assert!(error.contains("`session`"), "{error}");
    }
}

proptest! {
    #[test]
    fn any_split_of_the_events_tells_the_same(
        steps in prop::collection::vec((0_usize..14, 0_u8..3), 0..24),
        cuts in prop::collection::vec(any::<bool>(), 24),
    ) {
        let events: Vec<Value> = steps.iter().map(|(kind, id)| step(*kind, *id)).collect();
        let events = numbered(&events);
        let whole = read_split(&events, &[]);
        let split = read_split(&events, &cuts);
        prop_assert_eq!(&whole, &split);
        // Told twice, every event has the name that it had.
        let ids = |events: &[NewEvent]| -> Vec<_> {
            events.iter().map(|event| event.event_id.clone()).collect()
        };
        prop_assert_eq!(ids(&whole.0), ids(&read_split(&events, &cuts).0));
        let mut seen = ids(&whole.0);
        seen.sort_by_key(|id| id.as_ref().map(|id| id.0.clone()));
        let count = seen.len();
        seen.dedup();
        // The start and the end of a session are told more than once, under one name.
        let may_repeat = whole.0.iter().filter(|it| it.facet.kind == EventKind::SessionEnd).count();
        prop_assert!(count - seen.len() <= may_repeat);
    }
}

fn step(kind: usize, id: u8) -> Value {
    let (call, question) = (format!("c{id}"), format!("q{id}"));
    match kind {
        0 => json!({ "type": "turn_started", "text": "do it" }),
        1 => json!({ "type": "text.complete", "text": format!("said {id}") }),
        2 => json!({ "type": "tool_call_start", "toolCallId": call, "toolName": "t" }),
        3 => json!({ "type": "tool_call", "toolCallId": call, "toolName": "Bash",
            "input": { "command": "ls" }, "locations": [{ "path": "a" }] }),
        4 => json!({ "type": "tool_result", "toolCallId": call, "output": "out",
            "diff": [{ "path": "a", "old": "1", "new": "2" }] }),
        5 => json!({ "type": "tool_error", "toolCallId": call, "output": "out" }),
        6 => json!({ "type": "permission_requested", "questionId": question, "toolCallId": call,
            "title": "may I", "options": [] }),
        7 => json!({ "type": "question_requested", "questionId": question, "prompt": "which" }),
        8 => json!({ "type": "approval_resolved", "questionId": question,
            "outcome": { "kind": "answered", "text": "yes" } }),
        9 => json!({ "type": "turn_complete", "finalText": "x", "stopReason": "end_turn" }),
        10 => json!({ "type": "turn_error", "code": "AgentExited", "message": "gone" }),
        11 => json!({ "type": "file_changed", "path": "a", "iteration": 1, "hash": "", "size": 1,
            "kind": "modified" }),
        12 => json!({ "type": "turn_usage", "inputTokens": 1, "outputTokens": 1,
            "cacheReadTokens": 0, "cacheWriteTokens": 0 }),
        _ => json!({ "type": "session_updated", "session": { "id": "g1", "name": "n",
            "agentType": "claude", "workspace": "/w", "state": "inactive", "createdAt": 0,
            "updatedAt": 0, "lastSeq": 0, "turns": 1 } }),
    }
}

/// Sends events in pieces, each with what was sent before it.
fn read_split(events: &[Value], cuts: &[bool]) -> (Vec<NewEvent>, Vec<Note>) {
    let (mut told, mut notes, mut from) = (Vec::new(), Vec::new(), 0);
    for to in 1..=events.len() {
        if to < events.len() && !cuts.get(to).copied().unwrap_or_default() {
            continue;
        }
        let body = body(&events[..from], &events[from..to]);
        let parsed = gateway::read(body.to_string().as_bytes()).unwrap();
        assert!(parsed.tally.adds_up() && parsed.tally.bad == 0, "{:?}", parsed.tally);
        told.extend(parsed.events);
        notes.extend(parsed.notes);
        from = to;
    }
    (told, notes)
}

fn read(events: &[Value]) -> Parsed {
    let body = body(&[], &numbered(events));
    let parsed = gateway::read(body.to_string().as_bytes()).unwrap();
    assert!(parsed.tally.adds_up() && parsed.tally.bad == 0, "{:?}", parsed.tally);
    parsed
}

fn numbered(events: &[Value]) -> Vec<Value> {
    let mut events = events.to_vec();
    for (nth, event) in events.iter_mut().enumerate() {
        event["seq"] = json!(nth + 1);
        event["ts"] = json!(1_001 + nth);
        event["sessionId"] = json!("g1");
    }
    events
}

fn body(open: &[Value], events: &[Value]) -> Value {
    json!({
        "session": { "id": "g1", "name": "a name", "agentType": "claude", "workspace": "/w/shop",
            "state": "running", "createdAt": 0, "updatedAt": 0, "lastSeq": 0, "turns": 1 },
        "agent": "claude_code",
        "nativeSession": "native",
        "open": open,
        "events": events,
    })
}

fn of_kind(told: &Parsed, kind: EventKind) -> Vec<&NewEvent> {
    told.events.iter().filter(|event| event.facet.kind == kind).collect()
}
