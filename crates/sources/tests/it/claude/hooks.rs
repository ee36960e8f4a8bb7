//! Hooks tell of the same things as a history, under the same names, and how a session stands.

use oriel_model::{EventKind, NewEvent, Outcome, Sign};
use oriel_sources::claude::hooks;
use oriel_sources::{Parsed, Reason};
use serde_json::{Value, json};

use super::joined::{count, join};
use super::{MAIN, main_file, read};

/// Every hook that is known, with the fields that are its own.
fn every_hook() -> Vec<(&'static str, Value)> {
    let bash = json!({ "command": "cat gate.txt", "description": "Show the gate" });
    vec![
        ("SessionStart", json!({ "source": "startup", "model": "claude-opus-4-8[1m]" })),
        ("SessionEnd", json!({ "reason": "clear" })),
        ("Setup", json!({ "trigger": "init" })),
        ("UserPromptSubmit", json!({ "prompt": "paint the gate" })),
        ("UserPromptExpansion", json!({ "command_name": "tidy", "prompt": "/tidy" })),
        ("PreToolUse", json!({ "tool_name": "Bash", "tool_input": bash, "tool_use_id": "t" })),
        (
            "PostToolUse",
            json!({ "tool_name": "Bash", "tool_input": bash, "tool_use_id": "t",
            "tool_response": { "stdout": "green", "stderr": "" }, "duration_ms": 9 }),
        ),
        ("PostToolUseFailure", json!({ "tool_name": "Bash", "tool_use_id": "t", "error": "no" })),
        ("PostToolBatch", json!({ "tool_calls": [] })),
        ("PermissionRequest", json!({ "tool_name": "Bash", "tool_input": bash })),
        ("PermissionDenied", json!({ "tool_name": "Bash", "tool_use_id": "t", "reason": "no" })),
        ("Notification", json!({ "message": "look here", "notification_type": "idle_prompt" })),
        ("Stop", json!({ "last_assistant_message": "The gate is blue." })),
        ("StopFailure", json!({ "error": "overloaded", "last_assistant_message": "busy" })),
        ("SubagentStart", json!({ "agent_id": "7f", "agent_type": "Explore" })),
        ("SubagentStop", json!({ "agent_id": "7f", "agent_type": "Explore" })),
        ("PreCompact", json!({ "trigger": "auto" })),
        ("PostCompact", json!({ "trigger": "auto", "compact_summary": "In short." })),
        ("PreModelSwitch", json!({ "to_model": "claude-haiku-4-5" })),
        ("PostModelSwitch", json!({ "to_model": "claude-haiku-4-5" })),
        ("TaskCreated", json!({ "task_id": "1", "task_subject": "Paint" })),
        ("TaskCompleted", json!({ "task_id": "1", "task_subject": "Paint" })),
        ("TeammateIdle", json!({ "teammate_name": "ann", "team_name": "yard" })),
        ("Elicitation", json!({ "mcp_server_name": "bank", "message": "Which account?" })),
        ("ElicitationResult", json!({ "mcp_server_name": "bank", "action": "accept" })),
        ("ConfigChange", json!({ "source": "userSettings" })),
        ("InstructionsLoaded", json!({ "file_path": "/a.md", "memory_type": "Project" })),
        ("CwdChanged", json!({ "old_cwd": "/a", "new_cwd": "/b" })),
        ("FileChanged", json!({ "file_path": "/a.md", "event": "change" })),
        ("DirectoryAdded", json!({ "path": "/c" })),
        ("WorktreeCreate", json!({ "name": "w1" })),
        ("WorktreeRemove", json!({ "worktree_path": "/w1" })),
        ("MessageDisplay", json!({ "delta": "The", "index": 0 })),
    ]
}

#[test]
fn every_hook_is_understood_and_has_a_fate() {
    for (name, fields) in every_hook() {
        let parsed = hook(name, &fields);
        assert_eq!(parsed.tally.records, 1, "{name}");
        assert!(parsed.tally.adds_up(), "{name}");
        let is_raw = |event: &NewEvent| event.metadata.text().contains("\"raw\"");
        assert!(!parsed.events.iter().any(is_raw), "{name} is not understood");
    }
    assert_eq!(every_hook().len(), 33);
}

#[test]
fn a_hook_that_nobody_knows_is_kept() {
    let parsed = hook("MoonRisen", &json!({ "phase": "full" }));
    assert!(parsed.events[0].metadata.text().contains("MoonRisen"));
    assert_eq!(parsed.events[0].told.sign, Sign::Aside);
}

#[test]
fn kinds_and_signs_are_those_of_what_happened() {
    let found = |name: &str| {
        let fields = every_hook().into_iter().find(|(known, _)| *known == name).unwrap().1;
        let event = hook(name, &fields).events.remove(0);
        (event.facet.kind, event.facet.outcome, event.told.sign)
    };
    let (good, bad) = (Outcome::Success, Outcome::Error);
    assert_eq!(found("SessionStart"), (EventKind::SessionStart, good, Sign::Kind));
    assert_eq!(found("SessionEnd"), (EventKind::SessionEnd, good, Sign::SessionOver));
    assert_eq!(found("Stop"), (EventKind::Response, good, Sign::TurnOver));
    assert_eq!(found("StopFailure"), (EventKind::Error, bad, Sign::TurnOver));
    assert_eq!(found("Notification"), (EventKind::Response, good, Sign::Aside));
    assert_eq!(found("PermissionRequest"), (EventKind::Response, good, Sign::Kind));
    assert_eq!(found("PermissionDenied"), (EventKind::ToolUse, bad, Sign::Kind));
    assert_eq!(found("PostToolUseFailure"), (EventKind::ToolUse, bad, Sign::Kind));
    assert_eq!(found("TaskCreated"), (EventKind::PlanStep, good, Sign::Kind));
    assert_eq!(found("FileChanged"), (EventKind::FileChange, good, Sign::Kind));
    assert_eq!(found("InstructionsLoaded"), (EventKind::InstructionLoad, good, Sign::Kind));
}

#[test]
fn notes_tell_whom_a_session_waits_for() {
    let bash = json!({ "tool_name": "Bash", "tool_input": { "command": "rm -r rust" } });
    let permission = r#"{"for":"permission","what":"rm -r rust","tool":"Bash"}"#;
    assert_eq!(note(&hook("PermissionRequest", &bash), "waiting"), permission);
    let question = json!({ "tool_name": "AskUserQuestion",
        "tool_input": { "questions": [{ "question": "Which colour?" }] } });
    let answer = r#"{"for":"answer","what":"Which colour?","tool":"AskUserQuestion"}"#;
    assert_eq!(note(&hook("PermissionRequest", &question), "waiting"), answer);
    let input = r#"{"for":"input","what":null,"tool":null}"#;
    assert_eq!(note(&hook("Stop", &json!({})), "waiting"), input);
    for name in ["UserPromptSubmit", "PostToolUse", "SessionEnd"] {
        assert_eq!(note(&hook(name, &json!({ "prompt": "go on" })), "waiting"), "null", "{name}");
    }
}

#[test]
fn notes_tell_what_a_session_does() {
    let bash =
        json!({ "tool_name": "Bash", "tool_input": { "command": "ls" }, "tool_use_id": "t" });
    let doing = r#"{"tool":"Bash","detail":"ls","id":"t"}"#;
    assert_eq!(note(&hook("PreToolUse", &bash), "doing"), doing);
    assert_eq!(note(&hook("PostToolUse", &bash), "doing"), "null");
    let sub_agent = json!({ "agent_id": "7f", "tool_name": "Bash", "tool_use_id": "t" });
    assert!(hook("PreToolUse", &sub_agent).notes.is_empty());
}

#[test]
fn what_the_program_does_for_itself_is_left_out() {
    let fork = hook("SubagentStop", &json!({ "agent_id": "7f", "agent_type": "" }));
    assert_eq!(fork.tally.left_out[&("SubagentStop".to_owned(), Reason::Internals)], 1);
    let notice =
        json!({ "prompt": "<task-notification><task-id>7f</task-id></task-notification>" });
    let notice = hook("UserPromptSubmit", &notice);
    assert_eq!(notice.tally.left_out[&("UserPromptSubmit".to_owned(), Reason::SaidElsewhere)], 1);
}

#[test]
fn a_history_tells_nothing_twice_that_hooks_have_told() {
    let edit = json!({ "file_path": "/home/dev/shop/gate.txt", "old_string": "green",
        "new_string": "blue\nwith stars" });
    let told = [
        ("UserPromptSubmit", json!({ "prompt_id": "p1", "prompt": "paint the gate" })),
        (
            "PostToolUse",
            json!({ "prompt_id": "p1", "tool_name": "Edit", "tool_use_id": "toolu_t3",
            "tool_input": edit, "tool_response": {} }),
        ),
        (
            "PostToolUseFailure",
            json!({ "prompt_id": "p1", "tool_name": "Read",
            "tool_use_id": "toolu_t2", "error": "no such file" }),
        ),
        ("UserPromptSubmit", json!({ "prompt_id": "p5", "prompt": "/tidy shed" })),
        ("PostCompact", json!({ "prompt_id": "p6", "trigger": "manual" })),
        ("StopFailure", json!({ "prompt_id": "p7", "error": "server_error" })),
    ];
    let told: Vec<_> = told.iter().flat_map(|(name, fields)| hook(name, fields).events).collect();
    assert_eq!(told.len(), 6);
    let history = read(&main_file()).events;
    let alone = join(history.clone());
    for events in [[told.clone(), history.clone()].concat(), [history, told].concat()] {
        let both = join(events);
        assert_eq!(both.len(), alone.len());
        assert_eq!(count(&both, EventKind::UserPrompt), count(&alone, EventKind::UserPrompt));
        let lines: u64 = both.iter().map(|event| event.metadata.facts().lines_added).sum();
        assert_eq!(lines, 2);
    }
}

fn hook(name: &str, fields: &Value) -> Parsed {
    let mut body = json!({ "session_id": MAIN, "hook_event_name": name, "cwd": "/home/dev/shop",
        "transcript_path": "/t.jsonl", "prompt_id": "p0" });
    for (field, value) in fields.as_object().expect("fields") {
        body[field] = value.clone();
    }
    hooks::read(body.to_string().as_bytes(), 1_772_618_400_000).expect("a hook")
}

fn note(parsed: &Parsed, name: &str) -> String {
    let found = parsed.notes.iter().rev().find(|note| note.name == name);
    found.map(|note| note.value.clone()).unwrap_or_default()
}
