use serde_json::json;

use super::*;

#[test]
fn text_and_thoughts_are_told_as_they_come() {
    let events = tell(&[
        json!({"sessionUpdate": "agent_message_chunk", "content": {"type": "text", "text": "hi"}}),
        json!({"sessionUpdate": "agent_thought_chunk", "content": {"type": "text", "text": "hm"}}),
        json!({"sessionUpdate": "agent_message_chunk", "content":
            {"type": "image", "data": "AAAA", "mimeType": "image/png"}}),
        json!({"sessionUpdate": "agent_message_chunk", "content":
            {"type": "resource_link", "name": "a.txt", "uri": "file:///w/a.txt"}}),
        json!({"sessionUpdate": "agent_message_chunk", "content": {"type": "text", "text": ""}}),
        json!({"sessionUpdate": "user_message_chunk", "content": {"type": "text", "text": "me"}}),
    ]);
    let text = |text: &str| EventBody::TextDelta { text: text.to_owned() };
    let thought = EventBody::ThinkingProgress { text: "hm".to_owned() };
    let link = text("[a.txt](file:///w/a.txt)");
    assert_eq!(events, [text("hi"), thought, text("[image image/png]"), link]);
}

#[test]
fn a_call_begins_is_given_its_input_once_grows_and_ends_once() {
    let events = tell(&[
        json!({"sessionUpdate": "tool_call", "toolCallId": "c", "title": "Run", "kind": "execute",
            "rawInput": {}, "_meta": {"claudeCode": {"toolName": "Bash"}}}),
        json!({"sessionUpdate": "tool_call_update", "toolCallId": "c", "rawInput": {"command": "ls"},
            "locations": [{"path": "/w/sub/a.txt", "line": 3}, {"path": "/etc/hosts"}]}),
        json!({"sessionUpdate": "tool_call_update", "toolCallId": "c", "status": "in_progress",
            "content": [{"type": "content", "content": {"type": "text", "text": "one"}}]}),
        json!({"sessionUpdate": "tool_call_update", "toolCallId": "c", "status": "in_progress",
            "content": [{"type": "content", "content": {"type": "text", "text": "one two"}}]}),
        json!({"sessionUpdate": "tool_call_update", "toolCallId": "c", "status": "completed",
            "content": [{"type": "content", "content": {"type": "text", "text": "one two three"}}]}),
        json!({"sessionUpdate": "tool_call_update", "toolCallId": "c", "status": "completed"}),
    ]);
    let locations = vec![
        ToolLocation { path: "sub/a.txt".to_owned(), line: Some(3) },
        ToolLocation { path: "/etc/hosts".to_owned(), line: None },
    ];
    let delta = |delta: &str| EventBody::ToolCallDelta {
        tool_call_id: "c".to_owned(),
        delta: delta.to_owned(),
    };
    assert_eq!(
        events,
        [
            EventBody::ToolCallStart {
                tool_call_id: "c".to_owned(),
                tool_name: "Bash".to_owned(),
                title: Some("Run".to_owned()),
            },
            EventBody::ToolCall {
                tool_call_id: "c".to_owned(),
                tool_name: "Bash".to_owned(),
                input: json!({"command": "ls"}),
                locations,
            },
            delta("one"),
            delta(" two"),
            EventBody::ToolResult {
                tool_call_id: "c".to_owned(),
                output: "one two three".to_owned(),
                truncated: false,
                diff: Vec::new(),
            },
        ]
    );
}

#[test]
fn an_input_that_comes_in_parts_is_told_whole() {
    let events = tell(&[
        json!({"sessionUpdate": "tool_call", "toolCallId": "c", "title": "bash", "status": "pending",
            "rawInput": {"cwd": "/w"}}),
        json!({"sessionUpdate": "tool_call_update", "toolCallId": "c", "status": "in_progress",
            "rawInput": {"command": "ls", "cwd": "/w"}}),
    ]);
    let Some(EventBody::ToolCall { input, .. }) = events.get(1) else { panic!("{events:?}") };
    assert_eq!(*input, json!({"command": "ls", "cwd": "/w"}));
}

#[test]
fn what_a_terminal_of_the_agents_own_says_is_the_output() {
    let chunk = |data: &str| json!({"terminal_output_delta": {"terminal_id": "c", "data": data}});
    let events = tell(&[
        json!({"sessionUpdate": "tool_call", "toolCallId": "c", "title": "ls",
            "status": "in_progress", "content": [{"type": "terminal", "terminalId": "c"}]}),
        json!({"sessionUpdate": "tool_call_update", "toolCallId": "c", "_meta": chunk("one\n")}),
        json!({"sessionUpdate": "tool_call_update", "toolCallId": "c", "status": "completed",
            "rawOutput": {"exit_code": 0}, "_meta": chunk("two\n")}),
    ]);
    let deltas =
        events.iter().filter(|event| matches!(event, EventBody::ToolCallDelta { .. })).count();
    let Some(EventBody::ToolResult { output, .. }) = events.last() else { panic!("{events:?}") };
    assert_eq!((deltas, output.as_str()), (2, "one\ntwo\n"));
}

#[test]
fn a_change_told_before_the_end_is_the_change_that_was_made() {
    let events = tell(&[
        json!({"sessionUpdate": "tool_call", "toolCallId": "c", "title": "Edit", "kind": "edit",
            "content": [{"type": "diff", "path": "/w/a.txt", "oldText": "x", "newText": "y"}]}),
        json!({"sessionUpdate": "tool_call_update", "toolCallId": "c", "status": "failed",
            "rawOutput": {"output": "no leave"}}),
    ]);
    let Some(EventBody::ToolError { output, diff, .. }) = events.last() else {
        panic!("{events:?}");
    };
    let made =
        FileDiff { path: "a.txt".to_owned(), old: Some("x".to_owned()), new: "y".to_owned() };
    assert_eq!((output.as_str(), diff.as_slice()), ("no leave", &[made][..]));
}

#[test]
fn an_output_is_cut_between_letters() {
    let long = "ü".repeat(OUTPUT_BYTES_MAX);
    let events = tell(&[
        json!({"sessionUpdate": "tool_call", "toolCallId": "c", "title": "Big"}),
        json!({"sessionUpdate": "tool_call_update", "toolCallId": "c", "status": "completed",
            "content": [{"type": "content", "content": {"type": "text", "text": long}}]}),
    ]);
    let Some(EventBody::ToolResult { output, truncated: true, .. }) = events.last() else {
        panic!("it is not cut");
    };
    assert_eq!(output.len(), OUTPUT_BYTES_MAX);
}

#[test]
fn a_call_that_is_only_asked_about_begins_there() {
    let mut telling = Telling::new("/w".into());
    let asked = json!({"toolCallId": "c", "title": "Write a.txt", "kind": "edit",
        "rawInput": {"path": "a.txt"}});
    let (events, title) = telling.asked(serde_json::from_value(asked).unwrap());
    assert_eq!((events.len(), title.as_str()), (2, "Write a.txt"), "{events:?}");
    let (events, title) =
        telling.asked(serde_json::from_value(json!({"toolCallId": "c"})).unwrap());
    assert_eq!((events.len(), title.as_str()), (0, "Write a.txt"), "{events:?}");
}

#[test]
fn what_was_told_before_is_not_told_again() {
    let mut telling = Telling::new("/w".into());
    telling.is_replay = true;
    let chunk =
        json!({"sessionUpdate": "agent_message_chunk", "content": {"type": "text", "text": "x"}});
    assert_eq!(telling.update(serde_json::from_value(chunk).unwrap()), []);
}

#[test]
fn the_calls_that_are_remembered_are_bounded() {
    let mut telling = Telling::new("/w".into());
    for number in 0..CALLS_MAX + 10 {
        let call =
            json!({"sessionUpdate": "tool_call", "toolCallId": number.to_string(), "title": "t"});
        telling.update(serde_json::from_value(call).unwrap());
    }
    assert_eq!((telling.calls.len(), telling.order.len()), (CALLS_MAX, CALLS_MAX));
}

#[test]
fn a_turns_cost_is_what_the_session_cost_more() {
    let mut telling = Telling::new("/w".into());
    let costs = |telling: &mut Telling, cost: f64| {
        let update = json!({"sessionUpdate": "usage_update", "used": 10, "size": 100,
            "cost": {"amount": cost, "currency": "USD"}});
        telling.update(serde_json::from_value(update).unwrap());
        telling.meter.turn(&json!({"stopReason": "end_turn"})).unwrap()
    };
    assert_eq!(costs(&mut telling, 0.5).cost_usd, Some(0.5));
    assert_eq!(costs(&mut telling, 0.75).cost_usd, Some(0.25));
    assert_eq!(costs(&mut telling, 0.125).cost_usd, Some(0.125), "it is counted from zero again");
    assert_eq!(costs(&mut telling, 0.125).context_tokens, Some(10));
    let mut silent = Telling::new("/w".into());
    assert_eq!(silent.meter.turn(&json!({"stopReason": "end_turn"})), None);
}

fn tell(updates: &[Value]) -> Vec<EventBody> {
    let mut telling = Telling::new("/w".into());
    let updates = updates.iter().map(|it| serde_json::from_value(it.clone()).unwrap());
    updates.flat_map(|update| telling.update(update)).collect()
}
