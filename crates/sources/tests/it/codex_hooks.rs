//! Hooks of Codex tell what its files tell, under the same keys.

use oriel_model::{EventKind, Outcome, Sign};
use oriel_sources::codex::hooks::{self, HookError};
use oriel_sources::codex::{Codex, notify};
use serde_json::{Value, json};

use crate::reading::{fact, latest, whole};

const ROOT: &str = "01a1fdbc-4879-7ba0-a984-8f43abebfe01";
const AGENT: &str = "01a1fdbc-914f-7da1-a94d-aee42ef7abfc";
const TURN: &str = "01a1fdbc-4918-75c0-b11d-1a481d655fe6";
const RECORDS: &str = include_str!("../fixtures/codex/records.jsonl");

#[test]
fn hooks_and_files_know_things_by_the_same_keys() {
    let file = whole(&Codex, "rollout-x.jsonl", RECORDS);
    let known: Vec<_> = file.events.iter().flat_map(|event| &event.told.keys).collect();
    for hook in [
        hook("SessionStart", json!({ "source": "startup" })),
        hook("UserPromptSubmit", json!({ "prompt": "mend the fence" })),
        hook("PostToolUse", json!({ "tool_name": "Bash", "tool_use_id": "call_b1" })),
        hook("Stop", json!({ "last_assistant_message": "The fence is gone." })),
        hook("PostCompact", json!({ "trigger": "auto" })),
    ] {
        let out = hooks::read(hook.to_string().as_bytes(), 5).unwrap();
        assert!(out.tally.adds_up());
        let key = &out.events[0].told.keys[0];
        assert!(known.contains(&key), "{key:?}");
    }
    let notified = json!({
        "type": "agent-turn-complete", "thread-id": ROOT, "turn-id": TURN, "cwd": "/srv/barley",
        "input-messages": ["mend the fence"], "last-assistant-message": "The fence is gone.",
    });
    let out = notify::read(notified.to_string().as_bytes(), 5).unwrap();
    assert!(known.contains(&&out.events[0].told.keys[0]));
    assert_eq!(out.events[0].told.sign, Sign::TurnOver);
    assert_eq!(out.events[0].place.project.as_deref(), Some("barley"));
}

#[test]
fn a_tool_is_told_with_what_it_was_given() {
    let command = "apply_patch <<X\n*** Begin Patch\n*** Update File: gate.md\n-shut\n+open\n*** End Patch\nX";
    let hook = hook(
        "PostToolUse",
        json!({
            "tool_name": "Bash", "tool_input": { "command": command }, "tool_response": "Done\n",
            "tool_use_id": "call_1", "agent_id": AGENT, "agent_type": "default",
        }),
    );
    let out = hooks::read(hook.to_string().as_bytes(), 5).unwrap();
    let event = &out.events[0];
    assert_eq!(event.session_id.0, AGENT, "a sub-agent's doings belong to its thread");
    assert_eq!(event.facet.tool_name.as_deref(), Some("apply_patch"));
    assert_eq!(event.facet.outcome, Outcome::Success);
    let facts = event.metadata.facts();
    assert_eq!(
        (facts.file_path.as_deref(), facts.lines_added, facts.lines_removed),
        (Some("gate.md"), 1, 1)
    );
    assert_eq!(fact(event, "content_preview"), "Done\n");
    let again = hooks::read(hook.to_string().as_bytes(), 9).unwrap();
    assert_eq!(again.events[0].event_id, event.event_id, "delivered twice, told once");
}

#[test]
fn one_who_waits_for_a_person_is_noted() {
    let asks = hook(
        "PermissionRequest",
        json!({ "tool_name": "Bash", "tool_input": { "command": "dig" } }),
    );
    let out = hooks::read(asks.to_string().as_bytes(), 5).unwrap();
    assert!(out.events.is_empty() && out.tally.adds_up());
    let waiting = json!({ "for": "permission", "what": "dig", "tool": "exec_command" });
    assert_eq!(latest(&out.notes)[&about(ROOT, "waiting")], waiting);

    let out = hooks::read(hook("Stop", json!({})).to_string().as_bytes(), 6).unwrap();
    assert_eq!(latest(&out.notes)[&about(ROOT, "waiting")]["for"], "input");
    assert_eq!(out.events[0].told.sign, Sign::TurnOver);

    let out = hooks::read(hook("SessionEnd", json!({})).to_string().as_bytes(), 7).unwrap();
    assert_eq!(latest(&out.notes)[&about(ROOT, "waiting")], Value::Null);
    assert_eq!(out.events[0].facet.kind, EventKind::SessionEnd);
    assert_eq!(out.events[0].told.sign, Sign::SessionOver);
}

#[test]
fn a_sub_agent_begins_a_session_of_its_own() {
    let hook = hook("SubagentStart", json!({ "agent_id": AGENT, "agent_type": "scout" }));
    let out = hooks::read(hook.to_string().as_bytes(), 5).unwrap();
    assert_eq!(out.events[0].facet.kind, EventKind::SessionStart);
    assert_eq!(out.events[0].session_id.0, AGENT);
    let notes = latest(&out.notes);
    let running = json!({ "type": "scout", "running": true });
    assert_eq!(notes[&about(ROOT, &format!("subagent:{AGENT}"))], running);
    assert_eq!(notes[&about(AGENT, "parent")]["session"], ROOT);
}

#[test]
fn what_cannot_be_read_is_refused_in_words() {
    assert_eq!(hooks::read(b"[]", 5), Err(HookError::NoObject));
    assert_eq!(hooks::read(b"{}", 5), Err(HookError::NoSession));
    assert_eq!(hooks::read(br#"{"session_id":"x"}"#, 5), Err(HookError::NoName));
    assert_eq!(notify::read(br#"{"type":"agent-turn-complete"}"#, 5), Err(HookError::NoSession));
    let odd = br#"{"session_id":"x","hook_event_name":"Sneeze","tool_input":7}"#;
    let out = hooks::read(odd, 5).unwrap();
    assert_eq!(fact(&out.events[0], "record_type"), "Sneeze");
    let out = hooks::read(br#"{"session_id":"x","hook_event_name":"PreModelRequest"}"#, 5).unwrap();
    assert!(out.events.is_empty() && out.notes.is_empty() && out.tally.adds_up());
}

fn hook(name: &str, more: Value) -> Value {
    let mut hook = json!({
        "session_id": ROOT, "turn_id": TURN, "cwd": "/srv/fields/barley", "hook_event_name": name,
        "transcript_path": "/home/x/rollout.jsonl", "model": "gpt-5-codex", "permission_mode": "default",
    });
    if let (Some(hook), Value::Object(more)) = (hook.as_object_mut(), more) {
        hook.extend(more);
    }
    hook
}

fn about(session: &str, name: &str) -> String {
    format!("Session(SessionId({session:?})) {name}")
}
