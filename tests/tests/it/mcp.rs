//! An agent asks over the Model Context Protocol: lines in, lines out, and nothing else.

use std::fs::File;
use std::process::Stdio;

use oriel_tests::Home;
use serde_json::{Value, json};

#[test]
fn an_agent_finds_what_was_said() {
    let daemon = super::search::told();
    let answers = talk(
        daemon.home(),
        &[
            json!({ "jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {
                "protocolVersion": "2025-06-18", "capabilities": {},
                "clientInfo": { "name": "test", "version": "1" } } }),
            json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }),
            json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list" }),
            call(2, "search", &json!({ "words": "lighthouse", "project": "harbour" })),
            call(3, "sessions", &json!({ "project": "harbour" })),
            call(4, "session", &json!({ "id": "beacon-1", "limit": 1 })),
            call(5, "session", &json!({ "id": "nobody" })),
            call(6, "search", &json!({ "words": "x", "since": "soon" })),
        ],
    );
    assert_eq!(answers.len(), 7, "{answers:#?}");
    let of = |id: i64| {
        let answer = answers.iter().find(|answer| answer["id"] == id).unwrap();
        assert_eq!(answer["jsonrpc"], "2.0");
        answer["result"].clone()
    };
    assert_eq!(of(0)["protocolVersion"], "2025-06-18");
    let tools = of(1)["tools"].clone();
    let names: Vec<_> =
        tools.as_array().unwrap().iter().map(|tool| tool["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["search", "sessions", "session", "report", "waiting", "limits"]);
    assert!(text(&of(2)).contains("**lighthouse**"), "{:#}", of(2));
    assert_eq!(of(2)["structuredContent"]["hits"][0]["event"]["session_id"], "beacon-1");
    assert_eq!(of(3)["structuredContent"]["sessions"][0]["id"], "beacon-1");
    let session = of(4)["structuredContent"].clone();
    assert_eq!((&session["total"], &session["from"]), (&json!(2), &json!(1)), "{session:#}");
    assert!(text(&of(4)).contains("high at noon"), "{:#}", of(4));
    for id in [5, 6] {
        assert_eq!(of(id)["isError"], true, "{:#}", of(id));
    }
    assert!(text(&of(6)).contains("since"), "{:#}", of(6));
}

#[test]
fn without_a_daemon_the_store_is_opened_only_while_it_is_asked() {
    let home = Home::new();
    let answers = talk(
        &home,
        &[
            json!({ "id": 1, "jsonrpc": "2.0", "method": "server/discover", "params": { "_meta":
                { "io.modelcontextprotocol/protocolVersion": "2026-07-28" } } }),
            call(2, "sessions", &json!({})),
        ],
    );
    assert_eq!(answers[0]["result"]["resultType"], "complete");
    assert_eq!(answers[1]["result"]["structuredContent"]["sessions"], json!([]));
}

#[test]
fn what_is_no_message_is_answered_with_what_is_wrong() {
    let home = Home::new();
    let (code, out) = raw(&home, b"{ not json\n[]\n\xff\n\n7\n{\"id\":1,\"method\":\"nope\"}");
    assert_eq!(code, Some(0));
    let codes: Vec<_> = lines(&out).iter().map(|line| line["error"]["code"].clone()).collect();
    assert_eq!(codes, [-32700, -32600, -32700, -32600, -32601]);
    assert!(!home.data_dir().exists(), "nothing was asked of the store");
}

fn call(id: i64, name: &str, arguments: &Value) -> Value {
    json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call",
        "params": { "name": name, "arguments": arguments } })
}

fn text(result: &Value) -> &str {
    result["content"][0]["text"].as_str().unwrap()
}

/// Sends messages and returns what was answered until the input ended.
fn talk(home: &Home, messages: &[Value]) -> Vec<Value> {
    let input: String = messages.iter().map(|message| format!("{message}\n")).collect();
    let (code, out) = raw(home, input.as_bytes());
    assert_eq!(code, Some(0), "{out}");
    lines(&out)
}

fn raw(home: &Home, input: &[u8]) -> (Option<i32>, String) {
    let path = home.path("input");
    std::fs::write(&path, input).unwrap();
    let mut command = home.command(&["mcp"]);
    command.stdin(Stdio::from(File::open(&path).unwrap()));
    let finished = home.run(command);
    assert!(!finished.stderr.contains("panicked"), "{finished:#?}");
    (finished.code, finished.stdout)
}

fn lines(out: &str) -> Vec<Value> {
    let read = |line: &str| {
        serde_json::from_str(line).unwrap_or_else(|error| panic!("{line:?} is no JSON: {error}"))
    };
    out.lines().map(read).collect()
}
