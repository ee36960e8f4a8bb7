//! Whatever an agent, a file or a model wrote is shown as text, and does nothing.

use oriel_tests::browser::Options;
use oriel_tests::{Daemon, reads};
use serde_json::{Value, json};

use super::Scene;

/// Sets a flag in whichever way a page would run it.
const SCRIPTS: [&str; 6] = [
    "<script>window.ran=1;alert(1)</script>",
    "\"><img src=/x onerror='window.ran=1'>",
    "' onmouseover=window.ran=1 autofocus onfocus=window.ran=1 x='",
    "javascript:window.ran=1//",
    "</textarea></title></style><svg onload=window.ran=1>",
    "{{ window.ran }}{% raw %}${window.ran=1}",
];

/// Turns the direction of reading, moves the terminal's cursor, and hides.
const TRICKS: &str = "abc\u{202e}txt.exe\u{2066}\u{200b}\u{1b}[2J\u{1b}]0;x\u{7}\u{0}\r\n\u{feff}";

#[test]
fn nothing_that_an_agent_wrote_runs_on_any_page() {
    let daemon = Daemon::start();
    let mut told = 0;
    for (nth, bad) in payloads().iter().enumerate() {
        told += tell(&daemon, nth, bad);
    }
    assert!(payloads().len() * 3 < told, "only {told} events were stored");
    let scene = Scene::of(daemon, Options::default());
    let mut pages = scene.console.pages();
    for (nth, session) in sessions(&scene.daemon).iter().enumerate() {
        let encoded: String = session.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let path = format!("/sessions/{encoded}");
        // A path has an end, and the longest names are further than that.
        if encoded.len() < 6_000 && scene.console.get(&path).status == 200 && nth < 30 {
            pages.push(path);
        }
    }
    let mut shown = String::new();
    for path in &pages {
        scene.visit(path);
        assert!(!scene.browser.has_dialog(), "{path} opened a dialog");
        assert_eq!(
            scene.browser.eval("typeof window.ran"),
            "undefined",
            "{path} ran what it shows"
        );
        scene
            .browser
            .eval("document.querySelectorAll('details').forEach((one) => { one.open = true; })");
        for name in ["onerror", "onmouseover", "onfocus", "onload", "onclick"] {
            assert!(!scene.browser.has(&format!("[{name}]")), "{path} has {name}");
        }
        assert!(!scene.browser.has("a[href^='javascript:']"), "{path} links to a script");
        assert!(!scene.browser.has("img[src='/x'], main script, iframe"), "{path}");
        let text = scene.browser.text("main");
        let steers = |c: &char| {
            matches!(c, '\u{1b}' | '\u{0}' | '\u{7}' | '\u{200b}' | '\u{202e}' | '\u{2066}')
        };
        assert_eq!(text.chars().find(steers), None, "{path} shows what steers");
        shown.push_str(&text);
        scene.no_trouble(path);
    }
    assert_eq!(scene.browser.eval("typeof window.ran"), "undefined");
    if pages.iter().any(|path| path.starts_with("/sessions")) {
        for text in [SCRIPTS[0], "onerror='window.ran=1'", "<svg onload=window.ran=1>"] {
            assert!(shown.contains(text), "{text} is to be read somewhere");
        }
    }
    _ = reads::everything(&scene.daemon);
}

fn payloads() -> Vec<String> {
    let mut payloads: Vec<String> = SCRIPTS.iter().map(ToString::to_string).collect();
    payloads.push(format!("{TRICKS}{}", SCRIPTS[1]));
    payloads.push(format!("{}{}", SCRIPTS[0], "long ".repeat(20_000)));
    payloads.push("W".repeat(100_000));
    payloads
}

/// Tells of a session whose every field is this, once with all of them and once with each alone, since
/// some are too long to be taken. Returns how many events were stored.
fn tell(daemon: &Daemon, nth: usize, bad: &str) -> usize {
    let fields = [
        "session_id",
        "agent_type",
        "project",
        "branch",
        "model",
        "tool_name",
        "source",
        "event_id",
    ];
    let metadata = json!({
        "command": bad, "file_path": bad, "message": bad, "content_preview": bad, "pattern": bad,
        "description": bad, "title": bad, "url": bad, "query": bad, "stop_reason": bad,
        "error": { "message": bad }, "tool_use_id": bad, "lines_added": 3, "lines_removed": 1,
        "old_string": bad, "new_string": bad, "output": bad, "input": { "command": bad, (bad): bad },
        (bad): bad,
    });
    let mut stored = 0;
    let mut post = |event: &Value| {
        let answer = daemon.post("/api/events", event);
        stored += usize::from(answer.status == 201);
    };
    for kind in ["session_start", "user_prompt", "tool_use", "llm_response", "response", "error"] {
        let mut event = json!({
            "session_id": format!("hostile-{nth}"), "agent_type": "claude_code", "event_type": kind,
            "tool_name": "Bash", "status": if kind == "error" { "error" } else { "success" },
            "tokens_in": 10, "tokens_out": 20, "metadata": metadata,
        });
        post(&event);
        for field in fields {
            let usual = event[field].clone();
            event[field] = bad.into();
            post(&event);
            if field != "session_id" {
                event[field] = usual;
            }
        }
        for field in fields {
            event[field] = bad.into();
        }
        post(&event);
    }
    let hook = |name: &str, more: Value| {
        let mut body = json!({
            "session_id": format!("hook-{nth}"), "cwd": bad, "transcript_path": bad,
            "hook_event_name": name, "prompt": bad, "tool_name": bad, "message": bad, "title": bad,
            "tool_input": { "command": bad, "file_path": bad, "description": bad },
            "tool_response": { "stdout": bad, "stderr": bad }, "error": bad,
            "notification_type": "permission_prompt", "last_assistant_message": bad,
        });
        for (name, value) in more.as_object().into_iter().flatten() {
            body[name] = value.clone();
        }
        daemon.post("/api/hooks/claude-code", &body);
    };
    hook("UserPromptSubmit", json!({}));
    hook("PreToolUse", json!({ "tool_use_id": "t1" }));
    hook("PostToolUseFailure", json!({ "tool_use_id": "t1" }));
    hook("Notification", json!({}));
    hook("PermissionRequest", json!({}));
    stored
}

fn sessions(daemon: &Daemon) -> Vec<String> {
    let list = daemon.get("/api/sessions?limit=200").json();
    let all = list["sessions"].as_array().cloned().unwrap_or_default();
    all.iter().filter_map(|one| one["id"].as_str().map(str::to_owned)).collect()
}
