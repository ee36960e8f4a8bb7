//! Hooks hand on what agents say, whatever the daemon does, and never keep an agent waiting.

mod install;
mod scripts;
mod sink;

use std::fs::File;
use std::process::Command;
use std::time::{Duration, Instant};

use oriel_tests::{Finished, Home};
use serde_json::{Value, json};

use sink::Sink;

#[test]
fn what_an_agent_says_reaches_the_daemon_as_it_is() {
    for agent in ["claude-code", "codex"] {
        let sink = Sink::answering(201);
        let body =
            "{\"hook_event_name\": \"Stop\",  \"session_id\":\"s1\", \"odd\": \"\u{e9}\\ud800\"}";
        let run = hook(&Home::new(), &[agent, "--url", &sink.url()], body);
        assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{run:?}");
        let request = sink.next();
        assert_eq!(request.path, format!("/api/hooks/{agent}"));
        assert_eq!(request.body, body.as_bytes());
        let at: u64 = request.header("x-oriel-at").unwrap().parse().unwrap();
        assert!(1_600_000_000_000 < at, "{at}");
    }
}

#[test]
fn the_address_comes_from_the_environment_too() {
    for name in ["ORIEL_URL", "AGENTMONITOR_URL"] {
        let (home, sink) = (Home::new(), Sink::answering(200));
        let mut command = home.command(&["hook", "codex", "{\"type\":\"agent-turn-complete\"}"]);
        command.env(name, sink.url());
        assert_eq!(home.run(command).code, Some(0));
        assert_eq!(sink.next().body, b"{\"type\":\"agent-turn-complete\"}");
    }
}

#[test]
fn what_no_daemon_takes_waits_in_the_spool() {
    let gone = Sink::answering(201).url();
    for (url, what) in [
        (gone, "nobody listens"),
        (Sink::answering(503).url_kept(), "the daemon is busy"),
        (Sink::answering(404).url_kept(), "the daemon knows no hooks"),
        ("https://example.invalid".to_owned(), "the address is useless"),
    ] {
        let home = Home::new();
        let body = "{\"hook_event_name\":\"Stop\",\"n\":1}";
        let run = hook(&home, &["claude-code", "--url", &url], body);
        assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{what}: {run:?}");
        let spooled = spooled(&home);
        assert_eq!(spooled.len(), 1, "{what}");
        assert_eq!(
            (&spooled[0]["agent"], &spooled[0]["body"]),
            (&json!("claude-code"), &json!(body))
        );
    }
}

#[test]
fn a_daemon_that_hangs_costs_two_seconds_and_no_event() {
    let (home, sink) = (Home::new(), Sink::hanging());
    let began = Instant::now();
    let run = hook(&home, &["claude-code", "--url", &sink.url()], "{\"n\":1}");
    assert_eq!(run.code, Some(0));
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    assert_eq!(spooled(&home).len(), 1);
}

#[test]
fn what_the_daemon_refuses_is_not_kept() {
    let (home, sink) = (Home::new(), Sink::answering(400));
    let run = hook(&home, &["claude-code", "--url", &sink.url()], "{}");
    assert_eq!(run.code, Some(0));
    assert!(run.stderr.contains("refuses"), "{run:?}");
    assert!(spooled(&home).is_empty());
}

#[test]
fn nothing_that_is_given_wrongly_stops_an_agent() {
    let home = Home::new();
    for (arguments, body) in [
        (&["claude-code"][..], "not json"),
        (&["claude-code"], ""),
        (&["claude-code"], "{} {}"),
        (&["claude-code", "--no-such-flag"], "{}"),
        (&["nobody"], "{}"),
        (&[], "{}"),
        (&["claude-code", "--data-dir", "a", "--profile", "b"], "{}"),
    ] {
        let run = hook(&home, arguments, body);
        assert_eq!(run.code, Some(0), "{run:?}");
        assert!(!run.stderr.is_empty() && !run.stderr.contains("panicked"), "{run:?}");
    }
    assert!(spooled(&home).is_empty());
}

#[test]
fn a_command_that_destroys_is_stopped_whether_or_not_a_daemon_runs() {
    let body = before_bash("cd /tmp && sudo rm -r -f \"$HOME\"");
    let sink = Sink::answering(201);
    let run = hook(&Home::new(), &["claude-code", "--url", &sink.url()], &body);
    assert_eq!(run.code, Some(2));
    assert!(run.stderr.contains("blocked") && run.stderr.contains("home folder"), "{run:?}");
    let request = sink.next();
    assert_eq!(request.path, "/api/events");
    let event = request.json();
    assert_eq!((&event["event_type"], &event["status"]), (&json!("error"), &json!("error")));
    assert_eq!(event["metadata"]["reason"], "destructive_command");

    let home = Home::new();
    let run = hook(&home, &["claude-code", "--url", "http://127.0.0.1:1"], &body);
    assert_eq!(run.code, Some(2));
    assert_eq!(spooled(&home)[0]["agent"], "events");
}

#[test]
fn the_guard_can_be_turned_off() {
    for name in ["ORIEL_SAFETY", "AGENTMONITOR_SAFETY"] {
        let (home, sink) = (Home::new(), Sink::answering(201));
        let mut command = home.command(&["hook", "claude-code", "--url", &sink.url()]);
        command.env(name, "0");
        assert_eq!(with_input(&home, command, &before_bash("rm -rf /")).code, Some(0));
        assert_eq!(sink.next().path, "/api/hooks/claude-code");
    }
}

#[test]
fn a_file_with_secrets_is_not_stopped() {
    let sink = Sink::answering(201);
    let body = json!({ "hook_event_name": "PreToolUse", "session_id": "s1", "tool_name": "Read",
        "tool_input": { "file_path": "/w/.env" } });
    let run = hook(&Home::new(), &["claude-code", "--url", &sink.url()], &body.to_string());
    assert_eq!(run.code, Some(0));
    assert_eq!(sink.next().path, "/api/hooks/claude-code");
}

#[test]
fn the_status_line_tells_the_daemon_and_shows_both_lines() {
    let sink = Sink::answering(201);
    let body = json!({ "model": { "display_name": "Model One" }, "cost": { "total_cost_usd": 2 } });
    let arguments = ["statusline", "--url", &sink.url(), "--then", "echo theirs"];
    let run = hook(&Home::new(), &arguments, &body.to_string());
    assert_eq!(run.done(), "theirs\nModel One · $2.00\n");
    assert_eq!(sink.next().path, "/api/hooks/claude-code-statusline");
}

/// Returns the body of a hook before a command.
fn before_bash(command: &str) -> String {
    json!({ "hook_event_name": "PreToolUse", "session_id": "s1", "cwd": "/w/shop",
        "tool_name": "Bash", "tool_input": { "command": command }, "tool_use_id": "toolu_1" })
    .to_string()
}

fn hook(home: &Home, arguments: &[&str], body: &str) -> Finished {
    with_input(home, home.command(&[&["hook"], arguments].concat()), body)
}

/// Runs a command with this as its input.
fn with_input(home: &Home, mut command: Command, input: &str) -> Finished {
    let path = home.path("input");
    std::fs::write(&path, input).unwrap();
    command.stdin(File::open(&path).unwrap());
    home.run(command)
}

/// Returns what waits in the spool.
fn spooled(home: &Home) -> Vec<Value> {
    let entries = std::fs::read_dir(home.data_dir().join("spool")).into_iter().flatten();
    let read = |path: std::path::PathBuf| std::fs::read_to_string(path).unwrap();
    entries.map(|entry| serde_json::from_str(&read(entry.unwrap().path())).unwrap()).collect()
}
