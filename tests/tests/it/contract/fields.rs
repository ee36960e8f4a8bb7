//! Every field of an event is checked, priced, cut and written as the first server of this API does
//! it, to the letter of its golden vectors.

use oriel_tests::events::{event, event_with};
use oriel_tests::{Daemon, Home, Launch, Request};
use serde_json::{Value, json};

const WORDS: &str = "tool_use, session_start, session_end, error, llm_request, llm_response, \
    response, file_change, git_commit, plan_step, user_prompt";

#[test]
fn all_that_is_wrong_with_an_event_is_said_at_once_and_in_order() {
    let daemon = Daemon::start();
    let wrong = json!({
        "source": 1, "client_timestamp": 2, "cost_usd": "3", "cache_write_tokens": 1.5,
        "cache_read_tokens": -1, "tokens_out": "1", "tokens_in": null, "duration_ms": true,
        "model": {}, "project": [], "branch": 0, "tool_name": false, "event_id": 9,
        "status": "Success", "agent_type": "\u{feff}\t", "session_id": 7, "metadata": 1,
    });
    let answer = daemon.post("/api/events", &wrong).expect(400);
    let expected = [
        ("session_id", "must be a string"),
        ("agent_type", "must be a non-empty string"),
        ("event_type", "must be a string"),
        ("event_type", &format!("must be one of: {WORDS}, instruction_load")),
        ("status", "must be one of: success, error, timeout"),
        ("event_id", "must be a string when provided"),
        ("tool_name", "must be a string when provided"),
        ("branch", "must be a string when provided"),
        ("project", "must be a string when provided"),
        ("model", "must be a string when provided"),
        ("duration_ms", "must be a non-negative integer when provided"),
        ("tokens_out", "must be a non-negative integer when provided"),
        ("cache_read_tokens", "must be a non-negative integer when provided"),
        ("cache_write_tokens", "must be a non-negative integer when provided"),
        ("cost_usd", "must be a non-negative number when provided"),
        ("client_timestamp", "must be an ISO timestamp string when provided"),
        ("source", "must be a string when provided"),
    ]
    .map(|(field, message)| format!(r#"{{"field":"{field}","message":"{message}"}}"#))
    .join(",");
    let expected = format!(r#"{{"error":"Invalid event payload","details":[{expected}]}}"#);
    assert_eq!(answer.text(), expected);

    let soon = daemon.post("/api/events", &event_with("e", &json!({ "client_timestamp": "soon" })));
    let expected = r#"{"error":"Invalid event payload","details":[{"field":"client_timestamp","message":"must be a valid timestamp"}]}"#;
    assert_eq!((soon.status, soon.text()), (400, expected));
}

#[test]
fn to_the_letter_there_are_only_the_kinds_of_events_that_there_were() {
    let daemon = Launch::new().flag("--compat", "agentmonitor").start();
    let load = event_with("e", &json!({ "event_type": "instruction_load" }));
    let answer = daemon.post("/api/events", &load).expect(400).json();
    assert_eq!(answer["details"][0]["message"], format!("must be one of: {WORDS}"));
    assert_eq!(Daemon::start().post("/api/events", &load).status, 201);
}

#[test]
fn text_is_trimmed_and_blank_text_is_none() {
    let row = stored(&json!({
        "session_id": " s\u{3000}", "agent_type": "\tcodex\n", "tool_name": " ", "branch": "",
        "project": " p q ", "model": null, "source": "  ", "status": null,
    }));
    let expected = [
        ("session_id", json!("s")),
        ("agent_type", json!("codex")),
        ("tool_name", Value::Null),
        ("branch", Value::Null),
        ("project", json!("p q")),
        ("model", Value::Null),
        ("source", json!("api")),
        ("status", json!("success")),
    ];
    for (name, value) in expected {
        assert_eq!(row[name], value, "{name}");
    }
    assert_eq!(stored(&json!({ "event_type": "error" }))["status"], "error");
}

#[test]
fn numbers_are_written_as_javascript_writes_them() {
    let daemon = Daemon::start();
    for (number, text) in [
        ("44000.0", "44000"),
        ("1e3", "1000"),
        ("0", "0"),
        ("-0.0", "0"),
        ("0.00075", "0.00075"),
        ("9.999999999999999e-06", "0.000009999999999999999"),
        ("1.5e-7", "1.5e-7"),
        ("0.1", "0.1"),
        ("999999.99", "999999.99"),
    ] {
        let text = format!(r#","cost_usd":{text},"#);
        check_row(&daemon, &format!(r#""cost_usd":{number}"#), &text);
    }
    for (number, text) in
        [("5.0", "5"), ("1e2", "100"), ("9007199254740992", "9007199254740992"), ("0", "0")]
    {
        let text = format!(r#","tokens_in":{text},"#);
        check_row(&daemon, &format!(r#""tokens_in":{number}"#), &text);
    }
    check_row(&daemon, r#""tokens_in":9007199254740993"#, r#","tokens_in":9007199254740992,"#);
    check_row(&daemon, r#""duration_ms":0"#, r#","duration_ms":null,"#);
}

#[test]
fn costs_are_those_of_the_golden_vectors() {
    let daemon = Daemon::start();
    for (members, text) in [
        (r#""model":"o3","tokens_in":250000,"tokens_out":125000"#, "1.5"),
        (
            r#""model":"claude-sonnet-4-5","tokens_in":10,"tokens_out":5,"cache_read_tokens":1000,"cache_write_tokens":200"#,
            "0.001155",
        ),
        (
            r#""model":"claude-sonnet-4-5","tokens_in":0,"tokens_out":0,"cache_read_tokens":1000,"cache_write_tokens":200"#,
            "null",
        ),
        (r#""model":"gpt-4o-2024-11-20","tokens_in":100,"tokens_out":50"#, "0.00075"),
        (
            r#""model":"anthropic/openai/o3","tokens_in":1,"tokens_out":1"#,
            "0.000009999999999999999",
        ),
        (r#""model":"openai/anthropic/o3","tokens_in":1,"tokens_out":1"#, "null"),
        (r#""model":"O3","tokens_in":1,"tokens_out":1"#, "null"),
        (r#""model":"o3","tokens_in":1,"tokens_out":1,"cost_usd":0"#, "0"),
        (r#""model":"o3","tokens_in":1,"tokens_out":1,"cost_usd":2"#, "2"),
        (r#""tokens_in":1,"tokens_out":1"#, "null"),
    ] {
        check_row(&daemon, members, &format!(r#","cost_usd":{text},"#));
    }
}

#[test]
fn dates_are_those_of_the_golden_vectors() {
    let daemon = Daemon::start();
    for (given, expected) in [
        ("2026-01-02", "2026-01-02T00:00:00.000Z"),
        ("2026-01-02T03:04:05+02:00", "2026-01-02T01:04:05.000Z"),
        ("Tue, 03 Feb 2026 10:00:00 GMT", "2026-02-03T10:00:00.000Z"),
        (" 2026-01-02T03:04:05.678Z ", "2026-01-02T03:04:05.678Z"),
        ("2026-01-02T03:04:05.6789Z", "2026-01-02T03:04:05.678Z"),
    ] {
        let text = format!(r#","client_timestamp":"{expected}","#);
        check_row(&daemon, &format!(r#""client_timestamp":"{given}""#), &text);
    }
    check_row(&daemon, r#""client_timestamp":null"#, r#","client_timestamp":null,"#);
}

#[test]
fn metadata_is_written_as_javascript_writes_it() {
    let daemon = Daemon::start();
    for (given, expected) in [
        (r#"{"z":1,"a":2,"10":3,"2":4}"#, r#"{"2":4,"10":3,"z":1,"a":2}"#),
        (r#" { "a" : [ 1 , 2.0 ] , "a" : 1e2 } "#, r#"{"a":100}"#),
        (r#""plain text""#, r#""plain text""#),
        ("[]", "[]"),
        ("7", "7"),
        ("null", "{}"),
        (r#"{"n":1e400,"t":"\u00e9\/"}"#, r#"{"n":null,"t":"é/"}"#),
    ] {
        let quoted = Value::String(expected.to_owned());
        let text = format!(r#","metadata":{quoted},"payload_truncated":0,"#);
        check_row(&daemon, &format!(r#""metadata":{given}"#), &text);
    }
}

#[test]
fn metadata_over_the_cap_is_cut_as_in_the_golden_vectors_and_stays_valid() {
    let daemon = Launch::new().variable("AGENTMONITOR_MAX_PAYLOAD_KB", "1").start();
    let blob = json!({
        "command": "pnpm test", "blob": "😀".repeat(1200), "path": "p", "type": "y", "zzz": 1,
    });
    let summary =
        r#"{"_truncated":true,"_original_bytes":4863,"command":"pnpm test","path":"p","type":"y"}"#;
    let fits = json!({ "command": "x".repeat(1024 - r#"{"command":""}"#.len()) });
    for (given, expected, truncated) in [
        (blob, summary.to_owned(), 1),
        (
            json!({ "command": "x".repeat(5000) }),
            r#"{"_truncated":true,"_original_bytes":5014}"#.to_owned(),
            1,
        ),
        (json!("é".repeat(1000)), format!("\"{}\"", "é".repeat(511)), 1),
        (json!(["x".repeat(3000)]), r#"{"_truncated":true,"_original_bytes":3004}"#.to_owned(), 1),
        (fits.clone(), fits.to_string(), 0),
    ] {
        let quoted = Value::String(expected);
        let text = format!(r#","metadata":{quoted},"payload_truncated":{truncated},"#);
        check_row(&daemon, &format!(r#""metadata":{given}"#), &text);
    }
}

#[test]
fn an_event_that_does_not_say_where_it_happened_is_told_by_its_session() {
    let daemon = Daemon::start();
    daemon.store(&event_with("e1", &json!({ "project": "oriel", "branch": "main" })));
    daemon.store(&event("e2"));
    daemon.store(&event_with("e3", &json!({ "branch": "dev", "agent_type": "claude_code" })));
    daemon.store(&event("e4"));
    let events = oriel_tests::reads::all_events(&daemon, 0, 10);
    let places: Vec<_> = events.iter().map(|event| [&event["project"], &event["branch"]]).collect();
    assert_eq!(places, [["oriel", "main"], ["oriel", "main"], ["oriel", "dev"], ["oriel", "dev"]]);
    let session = daemon.get("/api/sessions/s1").json();
    assert_eq!(session["session"]["branch"], "dev");
    assert_eq!(session["session"]["agent_type"], "codex", "a session keeps its first agent");
}

#[test]
fn the_branch_of_a_project_is_found_where_projects_are_and_nowhere_else() {
    let home = Home::new();
    for (folder, branch) in
        [("projects/oriel", "main"), ("secret", "leak"), ("projects/a/b", "leak")]
    {
        let git = home.path(folder).join(".git");
        std::fs::create_dir_all(&git).unwrap();
        std::fs::write(git.join("HEAD"), format!("ref: refs/heads/{branch}\n")).unwrap();
    }
    let projects = home.path("projects");
    let daemon = Launch::new().home(&home).set("projects_dir", projects.to_str().unwrap()).start();
    let secret = home.path("secret");
    for (nth, (project, branch)) in [
        ("oriel", json!("main")),
        ("../secret", Value::Null),
        ("oriel/../../secret", Value::Null),
        (secret.to_str().unwrap(), Value::Null),
        ("a/b", Value::Null),
        ("..", Value::Null),
        (".", Value::Null),
        ("none", Value::Null),
    ]
    .into_iter()
    .enumerate()
    {
        let members = json!({ "session_id": format!("s{nth}"), "project": project });
        daemon.store(&event_with(project, &members));
        let row = daemon.get("/api/events?limit=1").json()["events"][0].clone();
        assert_eq!((&row["project"], &row["branch"]), (&json!(project), &branch));
    }
    let said =
        event_with("said", &json!({ "session_id": "x", "project": "oriel", "branch": "dev" }));
    daemon.store(&said);
    assert_eq!(daemon.get("/api/events?limit=1").json()["events"][0]["branch"], "dev");
}

/// Stores an event with these members, and returns its row.
fn stored(members: &Value) -> Value {
    let daemon = Daemon::start();
    daemon.store(&event_with("e", members));
    daemon.get("/api/events").json()["events"][0].clone()
}

/// Posts an event with these members of JSON, and checks that its row has this text in it.
fn check_row(daemon: &Daemon, members: &str, expected: &str) {
    let body =
        format!(r#"{{"session_id":"s","agent_type":"a","event_type":"tool_use",{members}}}"#);
    let request = Request::new("POST", "/api/events").typed("application/json", body);
    let answer = daemon.send(&request);
    assert_eq!(answer.status, 201, "{members}: {}", answer.text());
    let row = daemon.get("/api/events?limit=1").expect(200);
    assert!(row.text().contains(expected), "{expected} is not in {}", row.text());
}
