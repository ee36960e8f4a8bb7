//! Every answer has its members in the order that readers of the first server saw, compared to the
//! byte for a small history that is always the same.
//!
//! The golden texts are broken into lines for people: a line break and the space around it stand
//! for nothing, and `NOW` for the second in which the history was told.

use oriel_tests::{Daemon, Launch};
use serde_json::{Value, json};

#[test]
fn the_list_of_events_is_as_it_always_was() {
    let daemon = told();
    check(&daemon, "/api/events?limit=3&offset=3", &page(&[ERROR, ANSWER, EDIT], 8));
    check(&daemon, "/api/events?agent_type=codex&event_type=llm_response", &page(&[THOUGHT], 1));
    let after = format!(r#"{{"events":[{PROMPT},{EDIT}],"next":3,"last":8}}"#);
    check(&daemon, "/api/events?after=1&limit=2", &after);
    check(&daemon, "/api/events/wait?after=1&limit=2", &after);
    check(&daemon, "/api/events?after=8", r#"{"events":[],"next":8,"last":8}"#);
    check(&daemon, "/api/events?tool_name=none", r#"{"events":[],"total":0}"#);
}

#[test]
fn statistics_are_as_they_always_were() {
    let daemon = told();
    check(&daemon, "/api/stats", STATS);
    check(
        &daemon,
        "/api/stats?agent_type=codex",
        r#"{"total_events":4,"active_sessions":1,"total_sessions":2,"live_sessions":1,
            "active_agents":1,"total_tokens_in":250000,"total_tokens_out":125000,
            "total_cost_usd":1.5,"tool_breakdown":{"Bash":1},"agent_breakdown":{"codex":4},
            "model_breakdown":{"o3":1},"branches":["main"]}"#,
    );
    check(
        &daemon,
        "/api/stats/tools",
        r#"{"tools":[
            {"tool_name":"Edit","total_calls":2,"error_count":0,"error_rate":0,
             "avg_duration_ms":121,"by_agent":{"claude_code":2}},
            {"tool_name":"Bash","total_calls":1,"error_count":1,"error_rate":1,
             "avg_duration_ms":null,"by_agent":{"codex":1}}]}"#,
    );
    check(
        &daemon,
        "/api/stats/cost",
        r#"{"timeline":[
            {"bucket":"2026-02-03T10:00:00Z","cost_usd":0.001155,"tokens_in":10,"tokens_out":5,
             "event_count":4},
            {"bucket":"2026-02-03T11:00:00Z","cost_usd":1.5,"tokens_in":250000,
             "tokens_out":125000,"event_count":4}],
            "by_project":[
            {"project":"unknown","cost_usd":1.5,"session_count":1,"event_count":1},
            {"project":"oriel","cost_usd":0.001155,"session_count":1,"event_count":1}],
            "by_model":[
            {"model":"o3","cost_usd":1.5,"event_count":1,"tokens_in":250000,"tokens_out":125000},
            {"model":"claude-sonnet-4-5","cost_usd":0.001155,"event_count":1,"tokens_in":10,
             "tokens_out":5}]}"#,
    );
    check(&daemon, "/api/stats/usage-monitor", USAGE);
}

#[test]
fn sessions_are_as_they_always_were() {
    let daemon = told();
    check(&daemon, "/api/sessions", &format!(r#"{{"sessions":[{CLAUDE},{CODEX}],"total":2}}"#));
    let ended = format!(r#"{{"sessions":[{CODEX}],"total":1}}"#);
    check(&daemon, "/api/sessions?status=ended", &ended);
    let others = format!(r#"{{"sessions":[{CLAUDE}],"total":1}}"#);
    check(&daemon, "/api/sessions?exclude_status=ended", &others);
    check(&daemon, "/api/sessions?agent_type=codex&limit=1", &ended);
    check(&daemon, "/api/sessions?since=2999-01-01", r#"{"sessions":[],"total":0}"#);
    let one = format!(r#"{{"session":{CLAUDE},"events":[{ANSWER},{EDIT}]}}"#);
    check(&daemon, "/api/sessions/s-claude?event_limit=2", &one);
    let none = format!(r#"{{"session":{CODEX},"events":[]}}"#);
    check(&daemon, "/api/sessions/s-codex?event_limit=0", &none);
}

#[test]
fn transcripts_and_filter_options_are_as_they_always_were() {
    let daemon = told();
    check(
        &daemon,
        "/api/sessions/s-claude/transcript",
        r#"{"session_id":"s-claude","entries":[
            {"role":"tool","type":"tool_use","timestamp":"2026-02-03T10:00:00.000Z",
             "tool_name":"Edit","detail":"src/lib.rs","duration_ms":120},
            {"role":"user","type":"user_prompt","timestamp":"2026-02-03T10:00:01.000Z",
             "detail":"mend it"},
            {"role":"tool","type":"tool_use","timestamp":"2026-02-03T10:00:02.000Z",
             "tool_name":"Edit","detail":"src/lib.rs","duration_ms":121},
            {"role":"assistant","type":"llm_response","timestamp":"2026-02-03T10:00:03.000Z",
             "detail":"done","model":"claude-sonnet-4-5","tokens_in":10,"tokens_out":5,
             "cost_usd":0.001155}]}"#,
    );
    check(
        &daemon,
        "/api/sessions/s-codex/transcript",
        r#"{"session_id":"s-codex","entries":[
            {"role":"tool","type":"tool_use","timestamp":"2026-02-03T11:00:00.000Z",
             "tool_name":"Bash","detail":"cargo test","status":"error"},
            {"role":"assistant","type":"llm_response","timestamp":"2026-02-03T11:00:01.000Z",
             "model":"o3","tokens_in":250000,"tokens_out":125000,"cost_usd":1.5},
            {"role":"assistant","type":"error","timestamp":"2026-02-03T11:00:02.000Z",
             "detail":"too slow","status":"timeout"},
            {"role":"system","type":"session_end","timestamp":"2026-02-03T11:00:03.000Z"}]}"#,
    );
    check(
        &daemon,
        "/api/filter-options",
        r#"{"agent_types":["claude_code","codex"],
            "event_types":["error","llm_response","session_end","tool_use","user_prompt"],
            "tool_names":["Bash","Edit"],"models":["claude-sonnet-4-5","o3"],
            "projects":["oriel"],"branches":[{"value":"main","label":"oriel / main"}],
            "sources":["api","hook"]}"#,
    );
}

#[test]
fn what_is_not_known_is_refused_as_it_always_was() {
    let daemon = told();
    for (target, expected) in [
        ("/api/sessions/none", r#"{"error":"Session not found"}"#),
        ("/api/sessions/none/transcript", r#"{"error":"No transcript data for this session"}"#),
    ] {
        let answer = daemon.get(target);
        assert_eq!((answer.status, answer.text()), (404, expected));
    }
}

#[test]
fn health_says_how_the_runtime_is() {
    let daemon = told();
    let health = daemon.get("/api/health").expect(200);
    let (before, after) = health.text().split_once(r#""uptime":"#).unwrap();
    assert_eq!(before, r#"{"status":"ok","#);
    let (_, after) = after.split_once(r#","db_size_bytes":"#).unwrap();
    let (bytes, after) = after.split_once(',').unwrap();
    assert!(bytes.parse::<u64>().unwrap() > 4096, "the log counts as well: {bytes}");
    assert_eq!(after, r#""sse_clients":0}"#);
}

#[test]
fn stream_frames_are_as_they_always_were() {
    let daemon = Launch::new().set("stream.stats_interval_ms", "250").start();
    let mut stream = daemon.stream("/api/stream");
    daemon.store_all(&history());
    for row in ROWS {
        let frame = stream.next_of("event");
        let expected = format!(r#"{{"type":"event","payload":{}}}"#, golden(row));
        assert_eq!(at_rest(frame.data().unwrap()), expected);
    }
    let stats = golden(STATS);
    let stats = stats.strip_suffix('}').unwrap();
    let expected =
        format!(r#"{{"type":"stats","payload":{stats},"usage_monitor":{}}}}}"#, golden(USAGE));
    let frame = stream.next_of("stats");
    assert_eq!(frame.data().unwrap(), expected);
}

/// Starts a daemon and tells it the history.
fn told() -> Daemon {
    let daemon = Daemon::start();
    assert_eq!(daemon.store_all(&history()), (1..=8).collect::<Vec<_>>());
    daemon
}

/// Told in one request, so that it all happened in the same second.
fn history() -> Value {
    json!({ "events": [
        {
            "session_id": "s-claude", "agent_type": "claude_code", "event_type": "tool_use",
            "tool_name": "Edit", "project": "oriel", "branch": "main", "duration_ms": 120,
            "client_timestamp": "2026-02-03T10:00:00Z", "source": "hook",
            "metadata": { "file_path": "src/lib.rs", "lines_added": 3, "lines_removed": 1 },
        },
        {
            "session_id": "s-claude", "agent_type": "claude_code", "event_type": "user_prompt",
            "client_timestamp": "2026-02-03T10:00:01Z", "metadata": { "message": "mend it" },
        },
        {
            "session_id": "s-claude", "agent_type": "claude_code", "event_type": "tool_use",
            "tool_name": "Edit", "duration_ms": 121, "client_timestamp": "2026-02-03T10:00:02Z",
            "metadata": { "file_path": "src/lib.rs", "lines_added": 4 },
        },
        {
            "event_id": "a-1", "session_id": "s-claude", "agent_type": "claude_code",
            "event_type": "llm_response", "model": "claude-sonnet-4-5", "tokens_in": 10,
            "tokens_out": 5, "cache_read_tokens": 1000, "cache_write_tokens": 200,
            "client_timestamp": "2026-02-03T10:00:03Z", "metadata": { "content_preview": "done" },
        },
        {
            "session_id": "s-codex", "agent_type": "codex", "event_type": "tool_use",
            "tool_name": "Bash", "status": "error", "client_timestamp": "2026-02-03T11:00:00Z",
            "metadata": { "command": "cargo test" },
        },
        {
            "session_id": "s-codex", "agent_type": "codex", "event_type": "llm_response",
            "model": "o3", "tokens_in": 250_000, "tokens_out": 125_000,
            "client_timestamp": "2026-02-03T11:00:01Z",
        },
        {
            "session_id": "s-codex", "agent_type": "codex", "event_type": "error",
            "status": "timeout", "client_timestamp": "2026-02-03T11:00:02Z",
            "metadata": { "error": { "message": "too slow" } },
        },
        {
            "session_id": "s-codex", "agent_type": "codex", "event_type": "session_end",
            "client_timestamp": "2026-02-03T11:00:03Z",
        },
    ]})
}

const ROWS: [&str; 8] = [START, PROMPT, EDIT, ANSWER, ERROR, THOUGHT, TIMEOUT, END];

const START: &str = r#"
    {"id":1,"event_id":null,"schema_version":1,"session_id":"s-claude","agent_type":"claude_code",
     "event_type":"tool_use","tool_name":"Edit","status":"success","tokens_in":0,"tokens_out":0,
     "branch":"main","project":"oriel","duration_ms":120,"created_at":"NOW",
     "client_timestamp":"2026-02-03T10:00:00.000Z",
     "metadata":"{\"file_path\":\"src/lib.rs\",\"lines_added\":3,\"lines_removed\":1}",
     "payload_truncated":0,"model":null,"cost_usd":null,"cache_read_tokens":0,
     "cache_write_tokens":0,"source":"hook"}"#;
const PROMPT: &str = r#"
    {"id":2,"event_id":null,"schema_version":1,"session_id":"s-claude","agent_type":"claude_code",
     "event_type":"user_prompt","tool_name":null,"status":"success","tokens_in":0,"tokens_out":0,
     "branch":"main","project":"oriel","duration_ms":null,"created_at":"NOW",
     "client_timestamp":"2026-02-03T10:00:01.000Z","metadata":"{\"message\":\"mend it\"}",
     "payload_truncated":0,"model":null,"cost_usd":null,"cache_read_tokens":0,
     "cache_write_tokens":0,"source":"api"}"#;
const EDIT: &str = r#"
    {"id":3,"event_id":null,"schema_version":1,"session_id":"s-claude","agent_type":"claude_code",
     "event_type":"tool_use","tool_name":"Edit","status":"success","tokens_in":0,"tokens_out":0,
     "branch":"main","project":"oriel","duration_ms":121,"created_at":"NOW",
     "client_timestamp":"2026-02-03T10:00:02.000Z",
     "metadata":"{\"file_path\":\"src/lib.rs\",\"lines_added\":4}",
     "payload_truncated":0,"model":null,"cost_usd":null,"cache_read_tokens":0,
     "cache_write_tokens":0,"source":"api"}"#;
const ANSWER: &str = r#"
    {"id":4,"event_id":"a-1","schema_version":1,"session_id":"s-claude","agent_type":"claude_code",
     "event_type":"llm_response","tool_name":null,"status":"success","tokens_in":10,"tokens_out":5,
     "branch":"main","project":"oriel","duration_ms":null,"created_at":"NOW",
     "client_timestamp":"2026-02-03T10:00:03.000Z","metadata":"{\"content_preview\":\"done\"}",
     "payload_truncated":0,"model":"claude-sonnet-4-5","cost_usd":0.001155,
     "cache_read_tokens":1000,"cache_write_tokens":200,"source":"api"}"#;
const ERROR: &str = r#"
    {"id":5,"event_id":null,"schema_version":1,"session_id":"s-codex","agent_type":"codex",
     "event_type":"tool_use","tool_name":"Bash","status":"error","tokens_in":0,"tokens_out":0,
     "branch":null,"project":null,"duration_ms":null,"created_at":"NOW",
     "client_timestamp":"2026-02-03T11:00:00.000Z","metadata":"{\"command\":\"cargo test\"}",
     "payload_truncated":0,"model":null,"cost_usd":null,"cache_read_tokens":0,
     "cache_write_tokens":0,"source":"api"}"#;
const THOUGHT: &str = r#"
    {"id":6,"event_id":null,"schema_version":1,"session_id":"s-codex","agent_type":"codex",
     "event_type":"llm_response","tool_name":null,"status":"success","tokens_in":250000,
     "tokens_out":125000,"branch":null,"project":null,"duration_ms":null,"created_at":"NOW",
     "client_timestamp":"2026-02-03T11:00:01.000Z","metadata":"{}","payload_truncated":0,
     "model":"o3","cost_usd":1.5,"cache_read_tokens":0,"cache_write_tokens":0,"source":"api"}"#;
const TIMEOUT: &str = r#"
    {"id":7,"event_id":null,"schema_version":1,"session_id":"s-codex","agent_type":"codex",
     "event_type":"error","tool_name":null,"status":"timeout","tokens_in":0,"tokens_out":0,
     "branch":null,"project":null,"duration_ms":null,"created_at":"NOW",
     "client_timestamp":"2026-02-03T11:00:02.000Z",
     "metadata":"{\"error\":{\"message\":\"too slow\"}}","payload_truncated":0,"model":null,
     "cost_usd":null,"cache_read_tokens":0,"cache_write_tokens":0,"source":"api"}"#;
const END: &str = r#"
    {"id":8,"event_id":null,"schema_version":1,"session_id":"s-codex","agent_type":"codex",
     "event_type":"session_end","tool_name":null,"status":"success","tokens_in":0,"tokens_out":0,
     "branch":null,"project":null,"duration_ms":null,"created_at":"NOW",
     "client_timestamp":"2026-02-03T11:00:03.000Z","metadata":"{}","payload_truncated":0,
     "model":null,"cost_usd":null,"cache_read_tokens":0,"cache_write_tokens":0,"source":"api"}"#;

const CLAUDE: &str = r#"
    {"id":"s-claude","agent_id":"claude_code-default","agent_type":"claude_code",
     "project":"oriel","branch":"main","status":"active","started_at":"NOW","ended_at":null,
     "last_event_at":"NOW","metadata":"{}","event_count":4,"tokens_in":10,"tokens_out":5,
     "total_cost_usd":0.001155,"files_edited":1,"lines_added":7,"lines_removed":1}"#;
const CODEX: &str = r#"
    {"id":"s-codex","agent_id":"codex-default","agent_type":"codex","project":null,"branch":null,
     "status":"ended","started_at":"NOW","ended_at":"NOW","last_event_at":"NOW","metadata":"{}",
     "event_count":4,"tokens_in":250000,"tokens_out":125000,"total_cost_usd":1.5,
     "files_edited":0,"lines_added":0,"lines_removed":0}"#;

const STATS: &str = r#"
    {"total_events":8,"active_sessions":1,"total_sessions":2,"live_sessions":1,"active_agents":1,
     "total_tokens_in":250010,"total_tokens_out":125005,"total_cost_usd":1.501155,
     "tool_breakdown":{"Edit":2,"Bash":1},"agent_breakdown":{"claude_code":4,"codex":4},
     "model_breakdown":{"claude-sonnet-4-5":1,"o3":1},"branches":["main"]}"#;
const USAGE: &str = r#"
    [{"agent_type":"claude_code","limitType":"tokens",
      "session":{"used":15,"limit":44000,"windowHours":5},"extended":null},
     {"agent_type":"codex","limitType":"cost","session":{"used":1.5,"limit":500,"windowHours":5},
      "extended":{"used":1.5,"limit":1500,"windowHours":168}}]"#;

fn page(rows: &[&str], total: usize) -> String {
    format!(r#"{{"events":[{}],"total":{total}}}"#, rows.join(","))
}

fn check(daemon: &Daemon, target: &str, expected: &str) {
    let answer = daemon.get(target).expect(200);
    assert_eq!(answer.header("content-type"), Some("application/json; charset=utf-8"));
    assert_eq!(at_rest(answer.text()), golden(expected), "{target}");
}

/// Returns a golden text as it comes over the wire.
fn golden(text: &str) -> String {
    text.lines().map(str::trim).collect()
}

/// Writes `NOW` for every time that the server gave.
fn at_rest(text: &str) -> String {
    const FORM: &[u8] = b"\"0000-00-00 00:00:00\"";
    let is_time = |part: &[u8]| {
        part.len() == FORM.len()
            && part.iter().zip(FORM).all(|(byte, form)| match form {
                b'0' => byte.is_ascii_digit(),
                _ => byte == form,
            })
    };
    let mut rest = text;
    let mut at_rest = String::new();
    while let Some(quote) = rest.find('"') {
        let (before, quoted) = rest.split_at(quote);
        at_rest.push_str(before);
        if quoted.as_bytes().get(..FORM.len()).is_some_and(is_time) {
            at_rest.push_str("\"NOW\"");
            rest = &quoted[FORM.len()..];
        } else {
            at_rest.push('"');
            rest = &quoted[1..];
        }
    }
    at_rest + rest
}
