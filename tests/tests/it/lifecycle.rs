//! A session lives as its agent does: it rests between turns, ends when it says so, wakes at any
//! event, and hears nothing of what was told before.

use oriel_tests::events::event_with;
use oriel_tests::{Daemon, reads, wait};
use serde_json::{Value, json};

#[test]
fn the_end_of_a_turn_leaves_claude_code_idle_and_not_ended() {
    let daemon = Daemon::start();
    tell(&daemon, "claude_code", "session_start");
    check(&daemon, "active");
    tell(&daemon, "claude_code", "session_end");
    check(&daemon, "idle");
}

#[test]
fn any_other_agent_ends_when_it_says_so() {
    for agent_type in ["codex", "gemini", "claude-code"] {
        let daemon = Daemon::start();
        tell(&daemon, agent_type, "session_start");
        tell(&daemon, agent_type, "session_end");
        let session = check(&daemon, "ended");
        assert_eq!(session["ended_at"], session["last_event_at"], "{agent_type}");
    }
}

#[test]
fn any_event_wakes_a_session_and_takes_its_end_back() {
    for agent_type in ["claude_code", "codex"] {
        for kind in ["tool_use", "session_start", "error", "user_prompt", "response"] {
            let daemon = Daemon::start();
            tell(&daemon, agent_type, "session_end");
            tell(&daemon, agent_type, kind);
            check(&daemon, "active");
        }
    }
}

#[test]
fn an_old_import_ends_a_session_and_a_recent_one_does_not() {
    let daemon = Daemon::start();
    let old = json!({ "source": "import", "client_timestamp": "2020-01-01T00:00:00Z" });
    daemon.store(&event_with("old", &old));
    check(&daemon, "ended");
    let daemon = Daemon::start();
    daemon.store(&event_with("live", &json!({})));
    let now = daemon.get("/api/events").json()["events"][0]["created_at"].clone();
    let recent = json!({
        "source": "import", "event_type": "response",
        "client_timestamp": format!("{}Z", now.as_str().unwrap().replace(' ', "T")),
    });
    daemon.store(&event_with("recent", &recent));
    check(&daemon, "active");
}

#[test]
fn a_duplicate_changes_nothing_at_all() {
    let daemon = Daemon::start();
    let work = json!({
        "agent_type": "claude_code", "project": "oriel", "branch": "main", "tool_name": "Edit",
        "model": "o3", "tokens_in": 10, "metadata": { "file_path": "a.rs", "lines_added": 3 },
    });
    daemon.store(&event_with("work", &work));
    let end = json!({ "agent_type": "claude_code", "event_type": "session_end" });
    daemon.store(&event_with("end", &end));
    // The second turns, so that a time which is moved is seen to move.
    let uptime = || daemon.get("/api/health").json()["uptime"].as_u64().unwrap();
    let began = uptime();
    wait::until("two seconds to pass", || (uptime() >= began + 2).then_some(()));
    let before = reads::everything(&daemon);

    let other = json!({
        "agent_type": "codex", "event_type": "tool_use", "project": "other", "branch": "dev",
        "tool_name": "Write", "model": "gpt-4o", "tokens_in": 99, "cost_usd": 5,
        "metadata": { "file_path": "b.rs" }, "source": "import", "session_id": "another",
    });
    for members in [&work, &end, &other] {
        for id in ["work", "end"] {
            let answer = daemon.post("/api/events", &event_with(id, members));
            let expected = r#"{"received":0,"ids":[],"duplicates":1}"#;
            assert_eq!((answer.status, answer.text()), (200, expected));
        }
    }
    let batch = json!({ "events": [event_with("work", &other), event_with(" end ", &work)] });
    assert_eq!(daemon.post("/api/events/batch", &batch).expect(201).json()["duplicates"], 2);

    assert_eq!(reads::everything(&daemon), before);
    daemon.verify();
}

#[test]
fn a_restart_changes_nothing() {
    let mut daemon = Daemon::start();
    for agent_type in ["claude_code", "codex", "gemini"] {
        let members = json!({ "session_id": agent_type, "agent_type": agent_type, "model": "o3",
            "tokens_out": 7, "project": "p", "branch": agent_type });
        daemon.store(&event_with(agent_type, &members));
    }
    tell(&daemon, "codex", "session_end");
    let before = reads::everything(&daemon);
    daemon.restart();
    assert_eq!(reads::everything(&daemon), before, "after a good end");
    daemon.kill();
    daemon.restart();
    assert_eq!(reads::everything(&daemon), before, "after a crash");
    assert_eq!(daemon.store(&event_with("next", &json!({}))), 5, "numbers go on");
}

fn tell(daemon: &Daemon, agent_type: &str, kind: &str) {
    let members = json!({ "event_id": null, "agent_type": agent_type, "event_type": kind });
    daemon.store(&event_with("", &members));
}

/// Checks where the session stands, in every answer that tells of it.
fn check(daemon: &Daemon, status: &str) -> Value {
    let listed = daemon.get("/api/sessions").json()["sessions"][0].clone();
    let shown = daemon.get("/api/sessions/s1").json()["session"].clone();
    assert_eq!(listed, shown);
    assert_eq!(shown["status"], status, "{shown}");
    assert_eq!(shown["ended_at"].is_null(), status != "ended", "{shown}");
    let stats = daemon.get("/api/stats").json();
    assert_eq!(stats["active_sessions"], u64::from(status == "active"), "{stats}");
    assert_eq!(stats["live_sessions"], u64::from(status != "ended"), "{stats}");
    shown
}
