//! What was said is found again, whoever told of it, over HTTP and by the command.

use oriel_tests::{Daemon, Home};
use serde_json::{Value, json};

#[test]
fn what_hooks_and_exporters_told_is_found() {
    let daemon = told();
    let page = daemon.get("/api/search?q=lighthouse").expect(200).json();
    assert_eq!(page["hits"].as_array().unwrap().len(), 2, "{page:#}");
    assert_eq!((&page["next"], &page["total_is_at_least"]), (&Value::Null, &json!(2)));
    for hit in page["hits"].as_array().unwrap() {
        assert!(hit["text"].as_str().unwrap().contains("**lighthouse**"), "{hit:#}");
        let marked = |part: &&Value| part["matched"] == true;
        let parts = hit["snippet"].as_array().unwrap();
        assert_eq!(parts.iter().find(marked).unwrap()["text"], "lighthouse");
        let row = &daemon.get("/api/events?limit=100").json()["events"];
        let same = |event: &&Value| event["id"] == hit["event"]["id"];
        assert_eq!(row.as_array().unwrap().iter().find(same).unwrap(), &hit["event"]);
    }
    for (query, hits) in [
        ("q=lighthouse&role=prompt", 2),
        ("q=lighthouse&role=answer", 0),
        ("q=lighthouse&agent_type=codex", 0),
        ("q=lighthouse&session_id=beacon-1", 1),
        ("q=lighthouse&project=harbour", 1),
        ("q=lighthouse%20-keeper", 1),
        ("q=light*", 2),
        ("q=%22the+lighthouse+keeper%22", 1),
        ("q=keeper+OR+lamps", 2),
        ("q=tide&tool_name=Bash&role=input", 1),
        ("q=lighthouse&until=2001-01-01", 0),
        ("q=lighthouse&since=2001-01-01", 2),
        ("q=-", 0),
    ] {
        let page = daemon.get(&format!("/api/search?{query}")).expect(200).json();
        assert_eq!(page["hits"].as_array().unwrap().len(), hits, "{query}: {page:#}");
    }
    for query in ["q=x&role=all", "q=x&since=soon", "q=x&cursor=y", "q=x&q=y"] {
        let answer = daemon.get(&format!("/api/search?{query}")).expect(400);
        assert!(!answer.json()["error"].as_str().unwrap().is_empty(), "{query}");
    }
}

#[test]
fn pages_go_on_where_the_one_before_ended() {
    let daemon = told();
    let mut found = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = daemon.get(&format!("/api/search?q=lighthouse&limit=1{cursor}")).json();
        found.extend(page["hits"].as_array().unwrap().iter().map(|hit| hit["event"]["id"].clone()));
        let Some(next) = page["next"].as_i64() else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(found.len(), 2);
    assert_ne!(found[0], found[1]);
}

#[test]
fn the_command_finds_with_a_daemon_and_without() {
    let mut daemon = told();
    for _ in 0..2 {
        let said = daemon.oriel(&["search", "lighthouse", "-keeper"]);
        let line = said.done();
        assert!(line.contains("claude_code") && line.contains("prompt"), "{line}");
        assert_eq!(line.lines().count(), 1, "{line}");
        let colored =
            daemon.oriel(&["search", "lighthouse", "--session", "beac", "--color=always"]);
        assert!(colored.done().contains("\u{1b}[1mlighthouse\u{1b}[0m"), "{colored:?}");
        let json = daemon.oriel(&["search", "lighthouse", "--json", "--limit", "1"]).json();
        assert_eq!(json["hits"].as_array().unwrap().len(), 1);
        assert!(json["next"].is_i64(), "{json:#}");
        let nothing = daemon.oriel(&["search", "no", "such", "words"]);
        assert_eq!((nothing.code, nothing.stdout.as_str()), (Some(1), "nothing is found\n"));
        let wrong = daemon.oriel(&["search", "x", "--role", "all"]);
        wrong.failed(2);
        // From here on the command opens the store itself.
        daemon.kill();
    }
    let nowhere = Home::new().oriel(&["search", "anything"]);
    assert_eq!(nowhere.code, Some(1), "{nowhere:?}");
}

/// Starts a daemon that was told of two prompts, by a hook and by an exporter, and of a tool call.
pub(crate) fn told() -> Daemon {
    let daemon = Daemon::start();
    let hook = |body: Value| drop(daemon.post("/api/hooks/claude-code", &body).expect(201));
    hook(json!({ "hook_event_name": "UserPromptSubmit", "session_id": "beacon-1",
        "cwd": "/w/harbour", "prompt_id": "p1", "prompt": "Ask the lighthouse keeper again" }));
    hook(json!({ "hook_event_name": "PostToolUse", "session_id": "beacon-1", "cwd": "/w/harbour",
        "prompt_id": "p1", "tool_name": "Bash", "tool_use_id": "toolu_1",
        "tool_input": { "command": "tide --today" },
        "tool_response": { "stdout": "high at noon", "stderr": "" } }));
    let text = |key: &str, value: &str| json!({ "key": key, "value": { "stringValue": value } });
    let record = json!({ "timeUnixNano": "1770112800000000000",
        "body": { "stringValue": "claude_code.user_prompt" },
        "attributes": [text("event.name", "user_prompt"), text("session.id", "pier-2"),
            text("prompt.id", "p2"), text("prompt", "Paint the lighthouse and its lamps")] });
    let logs = json!({ "resourceLogs": [{ "resource": { "attributes":
        [text("service.name", "claude-code")] }, "scopeLogs": [{ "scope":
        { "name": "com.anthropic.claude_code.events" }, "logRecords": [record] }] }] });
    drop(daemon.post("/api/otel/v1/logs", &logs).expect(200));
    daemon
}
