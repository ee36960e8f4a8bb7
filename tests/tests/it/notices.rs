//! A person learns which sessions wait for them, and no session works or waits for ever: neither
//! after it was answered, nor after it crashed.

use std::fs;

use oriel_tests::events::event_with;
use oriel_tests::{Daemon, Launch, Request, wait};
use serde_json::{Value, json};

const SESSION: &str = "5f0c";

/// No process has this number.
const NOBODY: u32 = u32::MAX - 7;

#[test]
fn what_a_session_waits_for_is_shown_from_its_question_to_its_answer() {
    let daemon = Daemon::start();
    hook(&daemon, "SessionStart", &json!({ "source": "startup" }));
    hook(&daemon, "UserPromptSubmit", &json!({ "prompt": "clear rust away" }));
    assert_eq!(state(&daemon)["phase"], "active");
    let bash = json!({ "tool_name": "Bash", "tool_use_id": "toolu_1",
        "tool_input": { "command": "rm -r rust" } });
    hook(&daemon, "PreToolUse", &bash);
    let doing = &state(&daemon)["doing"];
    assert_eq!((&doing["tool"], &doing["detail"]), (&json!("Bash"), &json!("rm -r rust")));
    assert_eq!(state(&daemon)["waiting"], Value::Null);

    hook(&daemon, "PermissionRequest", &bash);
    let waiting = state(&daemon)["waiting"].clone();
    assert_eq!(
        (&waiting["for"], &waiting["tool"], &waiting["what"]),
        (&json!("permission"), &json!("Bash"), &json!("rm -r rust"))
    );
    assert!(waiting["since"].as_str().unwrap().ends_with('Z'), "{waiting}");
    let all = daemon.get("/api/waiting").expect(200).json();
    assert_eq!((&all["total"], &all["sessions"][0]["session_id"]), (&json!(1), &json!(SESSION)));
    let shown = daemon.oriel(&["waiting"]);
    assert!(shown.done().contains("Bash: rm -r rust"), "{shown:?}");
    assert_eq!(daemon.oriel(&["waiting", "--json"]).json()["total"], 1);

    hook(&daemon, "PostToolUse", &merged(&bash, &json!({ "tool_response": { "stdout": "" } })));
    let after = state(&daemon);
    assert_eq!((&after["waiting"], &after["doing"]), (&Value::Null, &Value::Null));
    assert_eq!(daemon.get("/api/waiting").json()["total"], 0);

    hook(&daemon, "Stop", &json!({ "last_assistant_message": "the rust is gone" }));
    assert_eq!(state(&daemon)["waiting"]["for"], "input");
    assert_eq!(state(&daemon)["phase"], "idle");
    hook(&daemon, "SessionEnd", &json!({ "reason": "prompt_input_exit" }));
    let ended = state(&daemon);
    assert_eq!((&ended["phase"], &ended["waiting"]), (&json!("ended"), &Value::Null));
    assert_eq!(daemon.get("/api/waiting").json()["total"], 0);
    assert_eq!(daemon.get("/api/sessions/nobody/state").status, 404);
    let rows = daemon.get("/api/sessions").json();
    assert!(rows["sessions"][0].get("state").is_none(), "rows stay as readers know them");
}

#[test]
fn a_question_is_a_notice_until_it_is_answered() {
    let daemon = Daemon::start();
    let mut stream = daemon.stream("/api/stream");
    hook(&daemon, "UserPromptSubmit", &json!({ "prompt": "clear rust away" }));
    let bash = json!({ "tool_name": "Bash", "tool_use_id": "toolu_1",
        "tool_input": { "command": "rm -r rust" } });
    hook(&daemon, "PermissionRequest", &bash);
    let told = wait::until("a frame of notices", || {
        let frame = stream.next_of("session_update").json();
        Some(frame["payload"].clone()).filter(|payload| payload["type"] == "notices")
    });
    let counts = json!({ "type": "notices", "unopened": 1, "high": 1 });
    assert_eq!(told, counts, "it says how many, and not what");
    let page = daemon.get("/api/notices").expect(200).json();
    let notice = &page["notices"][0];
    assert_eq!(
        (&notice["kind"], &notice["reason"], &notice["priority"], &notice["body"]),
        (&json!("agent_waits"), &json!("permission"), &json!("high"), &json!("rm -r rust"))
    );
    assert_eq!(notice["subject"], json!({ "kind": "session", "id": SESSION }));
    let delivery = json!({ "decision": "interrupt", "until": null, "reason": "matters" });
    assert_eq!(notice["delivery"], delivery);
    // The same hook may come twice.
    hook(&daemon, "PermissionRequest", &bash);
    assert_eq!(daemon.get("/api/notices/counts").json()["high"], 1);

    hook(&daemon, "PostToolUse", &merged(&bash, &json!({ "tool_response": { "stdout": "" } })));
    wait::until("the notice to be handled", || {
        let counts = daemon.get("/api/notices/counts").json();
        (counts["high"] == 0).then_some(())
    });
    assert_eq!(daemon.get("/api/notices").json()["notices"], json!([]));
    let all = daemon.get("/api/notices?state=all").json();
    assert!(all["notices"][0]["handled_at"].is_string(), "{all}");
    assert_eq!(daemon.get("/api/notices?state=odd").status, 400);
    daemon.verify();
}

#[test]
fn a_notice_is_looked_at_put_off_and_done_with() {
    let daemon = Daemon::start();
    hook(&daemon, "PermissionRequest", &json!({ "tool_name": "Bash", "tool_input": {} }));
    let id = notice(&daemon)["id"].clone();
    let target = |what: &str| format!("/control/notices/{id}/{what}");
    assert_eq!(daemon.post(&target("open"), &json!({})).status, 401, "it takes the token");
    let opened = daemon.control("POST", &target("open")).expect(200).json();
    assert!(opened["opened_at"].is_string() && opened["delivery"]["reason"] == "opened");
    assert_eq!(daemon.get("/api/notices/counts").json()["unopened"], 0);
    for odd in [json!({}), json!({ "minutes": 5, "until": "2030-01-01" }), json!({ "until": "x" })]
    {
        assert_eq!(snooze(&daemon, &target("snooze"), &odd).0, 400, "{odd}");
    }
    let (status, snoozed) = snooze(&daemon, &target("snooze"), &json!({ "minutes": 5 }));
    assert_eq!((status, &snoozed["delivery"]["decision"]), (200, &json!("defer")), "{snoozed}");
    assert_eq!(daemon.get("/api/notices").json()["notices"], json!([]));
    let number = id.to_string();
    let until = ["notices", "snooze", &number, "--until", "2001-01-01", "--json"];
    assert_eq!(daemon.oriel(&until).json()["snoozed_until"], Value::Null);
    let listed = daemon.oriel(&["notices"]);
    assert!(listed.done().contains("asks for permission"), "{listed:?}");
    let handled = daemon.oriel(&["notices", "handle", &number, "--json"]).json();
    assert_eq!(handled["delivery"]["decision"], "suppress");
    assert!(daemon.oriel(&["notices"]).done().contains("no notices"));
    assert_eq!(daemon.oriel(&["notices", "--all", "--json"]).json()["notices"][0]["id"], id);
    for odd in ["999999", "x", "-1"] {
        let answer = daemon.control("POST", &format!("/control/notices/{odd}/handle"));
        assert_eq!(answer.status, 404, "{odd}");
    }
}

#[test]
fn muted_kinds_and_quiet_hours_interrupt_nobody() {
    let muted = Launch::new().set("notify.mute", "agent_waits").start();
    let quiet = Launch::new().set("notify.quiet_from", "00:00").set("notify.quiet_until", "23:59");
    let quiet = quiet.start();
    for (daemon, expected, reason) in
        [(&muted, "suppress", "muted"), (&quiet, "defer", "quiet_hours")]
    {
        hook(daemon, "PermissionRequest", &json!({ "tool_name": "Bash", "tool_input": {} }));
        let delivery = notice(daemon)["delivery"].clone();
        // For one minute of the day it is not quiet.
        if delivery["reason"] != "matters" {
            assert_eq!(
                (&delivery["decision"], &delivery["reason"]),
                (&expected.into(), &reason.into())
            );
        }
    }
}

#[test]
fn failures_one_after_another_are_told_of() {
    let daemon = Launch::new().set("notify.failures", "3").start();
    hook(&daemon, "UserPromptSubmit", &json!({ "prompt": "try", "prompt_id": "p1" }));
    for nth in 0..4 {
        let failed = json!({ "tool_name": "Bash", "tool_use_id": format!("toolu_{nth}"),
            "tool_input": { "command": "false" }, "error": "exit 1" });
        hook(&daemon, "PostToolUseFailure", &failed);
    }
    let notice = notice(&daemon);
    assert_eq!((&notice["kind"], &notice["priority"]), (&json!("failures"), &json!("medium")));
}

#[test]
fn a_session_whose_process_is_gone_has_ended() {
    let daemon = Daemon::start();
    hook(&daemon, "UserPromptSubmit", &json!({ "prompt": "clear rust away" }));
    hook(&daemon, "PermissionRequest", &json!({ "tool_name": "Bash", "tool_input": {} }));
    assert_eq!(state(&daemon)["alive"], Value::Null);
    // The test itself runs, and has done so for longer than the session.
    let own = std::process::id();
    register(&daemon, own, "busy");
    let alive = wait::until("the process to be found", || {
        Some(state(&daemon)).filter(|state| state["alive"] == true)
    });
    assert_eq!((&alive["pid"], &alive["mode"]), (&json!(own), &json!("interactive")));
    assert_eq!(alive["waiting"]["for"], "permission");

    fs::remove_file(entry(&daemon, own)).unwrap();
    register(&daemon, NOBODY, "busy");
    let ended = wait::until("the session to have ended", || {
        Some(state(&daemon)).filter(|state| state["phase"] == "ended")
    });
    assert_eq!((&ended["alive"], &ended["waiting"]), (&json!(false), &Value::Null));
    assert_eq!(daemon.get("/api/waiting").json()["total"], 0);
    wait::until("the notice to be handled", || {
        (daemon.get("/api/notices/counts").json()["unopened"] == 0).then_some(())
    });
    hook(&daemon, "UserPromptSubmit", &json!({ "prompt": "once more" }));
    assert_eq!(state(&daemon)["phase"], "active", "it was resumed");
}

#[test]
fn limits_are_as_agents_told_them() {
    let daemon = Daemon::start();
    assert_eq!(daemon.get("/api/limits").expect(200).json(), json!({ "limits": [] }));
    let empty = daemon.oriel(&["limits"]);
    assert!(empty.done().contains("no agent has told"), "{empty:?}");
    let line = json!({ "session_id": SESSION, "rate_limits": {
        "five_hour": { "used_percentage": 85.5, "resets_at": 7_500_000_000_i64 },
        "seven_day": { "used_percentage": 40, "resets_at": 1_500_000_000 } } });
    let told = daemon.post("/api/hooks/claude-code-statusline", &line);
    assert!(matches!(told.status, 200 | 201), "{told:?}");
    let limits = daemon.get("/api/limits").json()["limits"].clone();
    let fields = ["agent_type", "window", "used_percent", "window_minutes", "resets_at", "stale"];
    let found: Vec<Value> = limits
        .as_array()
        .unwrap()
        .iter()
        .map(|limit| fields.iter().map(|field| limit[field].clone()).collect())
        .collect();
    assert_eq!(
        json!(found),
        json!([
            ["claude_code", "five_hour", 85.5, 300, "2207-09-01T13:20:00Z", false],
            ["claude_code", "seven_day", 40, 10080, "2017-07-14T02:40:00Z", true],
        ])
    );
    let shown = daemon.oriel(&["limits"]);
    assert!(shown.done().contains("85.5 %"), "{shown:?}");
}

#[test]
fn the_end_of_a_long_turn_is_a_notice_and_that_of_a_short_one_is_none() {
    let daemon = Daemon::start();
    let prompt = json!({ "session_id": SESSION, "agent_type": "claude_code",
        "event_type": "user_prompt", "client_timestamp": "2020-01-01T00:00:00Z" });
    daemon.store(&event_with("prompt", &prompt));
    hook(&daemon, "Stop", &json!({ "prompt_id": "p1" }));
    let notice = notice(&daemon);
    assert_eq!((&notice["kind"], &notice["reason"]), (&json!("agent_waits"), &json!("input")));
    assert!(notice["body"].as_str().unwrap().contains("The turn took"), "{notice}");
    hook(&daemon, "UserPromptSubmit", &json!({ "prompt": "and now?", "prompt_id": "p2" }));
    wait::until("the notice to be handled", || {
        (daemon.get("/api/notices/counts").json()["unopened"] == 0).then_some(())
    });
    hook(&daemon, "Stop", &json!({ "prompt_id": "p2" }));
    assert_eq!(state(&daemon)["waiting"]["for"], "input");
    hook(&daemon, "PermissionRequest", &json!({ "tool_name": "Bash", "tool_input": {} }));
    wait::until("the question", || {
        (daemon.get("/api/notices/counts").json()["high"] == 1).then_some(())
    });
    let all = daemon.get("/api/notices?state=all").json();
    assert_eq!(all["notices"].as_array().unwrap().len(), 2, "the short turn is no news: {all}");
}

#[test]
fn a_budget_that_is_spent_is_told_of_once() {
    let mut daemon = Launch::new().set("budget.monthly_usd", "1").start();
    daemon.store(&event_with("dear", &json!({ "cost_usd": 3.5 })));
    let told = notice(&daemon);
    assert_eq!((&told["kind"], &told["reason"]), (&json!("budget"), &json!("limit")));
    assert_eq!(told["body"], "3.50 of 1.00 US dollars.");
    daemon.restart();
    assert_eq!(notice(&daemon)["id"], told["id"]);
}

#[test]
fn what_blocks_the_daemon_is_a_notice_though_nothing_can_be_kept() {
    use std::os::unix::fs::PermissionsExt;
    let mut daemon = Daemon::start();
    assert!(daemon.terminate().status.success());
    let data_dir = daemon.home().data_dir();
    fs::set_permissions(&data_dir, fs::Permissions::from_mode(0o755)).unwrap();
    daemon.restart();
    let blocker = notice(&daemon);
    assert_eq!((&blocker["kind"], &blocker["id"]), (&json!("blocker"), &json!(-1)));
    assert!(blocker["body"].as_str().unwrap().contains("chmod"), "{blocker}");
    assert_eq!(daemon.get("/api/notices/counts").json()["high"], 1);
    assert_eq!(daemon.control("POST", "/control/notices/-1/handle").status, 503);
    fs::set_permissions(&data_dir, fs::Permissions::from_mode(0o700)).unwrap();
    daemon.restart();
    assert_eq!(daemon.get("/api/notices").json()["notices"], json!([]));
}

/// Tells of a hook, as the program that Claude Code runs does.
fn hook(daemon: &Daemon, name: &str, fields: &Value) {
    let hook = json!({ "session_id": SESSION, "hook_event_name": name, "cwd": "/srv/shop",
        "transcript_path": "/srv/t.jsonl" });
    let answer = daemon.post("/api/hooks/claude-code", &merged(&hook, fields));
    assert!(matches!(answer.status, 200 | 201), "{name}: {answer:?}");
}

fn merged(one: &Value, other: &Value) -> Value {
    let mut merged = one.clone();
    for (name, value) in other.as_object().unwrap() {
        merged[name] = value.clone();
    }
    merged
}

fn state(daemon: &Daemon) -> Value {
    daemon.get(&format!("/api/sessions/{SESSION}/state")).expect(200).json()
}

/// Waits for the first notice.
fn notice(daemon: &Daemon) -> Value {
    wait::until("a notice", || {
        let page = daemon.get("/api/notices").json();
        page["notices"].get(0).cloned()
    })
}

fn snooze(daemon: &Daemon, target: &str, body: &Value) -> (u16, Value) {
    let request = Request::post(target, body).header("x-oriel-authtok", daemon.token());
    let answer = daemon.send(&request);
    (answer.status, answer.json())
}

/// Writes an entry of Claude Code's register.
fn register(daemon: &Daemon, pid: u32, status: &str) {
    let path = entry(daemon, pid);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    // After the year 2200 every process has been started before.
    let entry = json!({ "pid": pid, "sessionId": SESSION, "startedAt": 7_500_000_000_000_i64,
        "kind": "interactive", "status": status, "statusUpdatedAt": 1 });
    fs::write(path, entry.to_string()).unwrap();
}

fn entry(daemon: &Daemon, pid: u32) -> std::path::PathBuf {
    daemon.home().path(&format!(".claude/sessions/{pid}.json"))
}
