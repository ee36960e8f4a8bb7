//! A session of the gateway stands in the monitor beside all others, and what its agent tells of itself
//! besides is counted once.

use std::path::Path;

use oriel_sources::claude::ClaudeCode;
use oriel_sources::{Format, Parsed};
use serde_json::{Value, json};

use super::*;

/// The runtime's clock, in Unix milliseconds.
const NOW_MS: i64 = 1_770_112_800_000;

#[tokio::test]
async fn a_session_is_there_with_what_it_used_and_is_found_by_its_words() {
    let house = House::new(Access::Loopback, "127.0.0.1").await;
    let events = [
        json!({ "type": "turn_started", "text": "mend the weathercock" }),
        json!({ "type": "tool_call", "toolCallId": "c", "toolName": "Bash", "input": { "command": "make" } }),
        json!({ "type": "tool_result", "toolCallId": "c", "output": "all oiled" }),
        json!({ "type": "text.complete", "text": "It turns again." }),
        usage("m-1", 120, 0.25),
        json!({ "type": "turn_complete", "finalText": "It turns again.", "stopReason": "end_turn" }),
    ];
    let (status, receipt) = house.tell(None, &events, 0).await;
    assert_eq!((status, &receipt["received"]), (StatusCode::CREATED, &json!(6)));
    let before = house.get("/api/stats").await;
    let (status, again) = house.tell(None, &events, 0).await;
    assert_eq!(
        (status, &again["received"]),
        (StatusCode::OK, &json!(0)),
        "a retry changes nothing"
    );
    assert_eq!(house.get("/api/stats").await, before);

    let session = &house.get("/api/sessions").await["sessions"][0];
    assert_eq!((&session["id"], &session["agent_type"]), (&json!("g1"), &json!("claude")));
    assert_eq!((&session["tokens_in"], &session["total_cost_usd"]), (&json!(120), &json!(0.25)));
    assert_eq!(session["project"], "shop");
    for words in ["weathercock", "oiled", "turns"] {
        let found = house.get(&format!("/api/search?q={words}")).await;
        assert!(found.to_string().contains("\"g1\""), "{words}: {found}");
    }
    let state = house.get("/api/sessions/g1/state").await;
    assert_eq!((&state["phase"], &state["waiting"]["for"]), (&json!("idle"), &json!("input")));
    assert_eq!((&state["title"], &state["cwd"]), (&json!("a name"), &json!("/w/shop")));
}

#[tokio::test]
async fn a_session_waits_for_a_person_and_goes_on() {
    let house = House::new(Access::Loopback, "127.0.0.1").await;
    let events = [
        json!({ "type": "turn_started", "text": "tidy up" }),
        json!({ "type": "tool_call", "toolCallId": "c", "toolName": "Bash", "input": { "command": "rm -r x" } }),
        json!({ "type": "permission_requested", "questionId": "q", "toolCallId": "c", "title": "rm -r x",
            "options": [] }),
        json!({ "type": "approval_resolved", "questionId": "q", "outcome": { "kind": "cancelled" } }),
    ];
    house.tell(None, &events[..3], 0).await;
    let waiting = house.get("/api/waiting").await;
    assert_eq!(waiting["sessions"][0]["session_id"], "g1", "{waiting}");
    let state = house.get("/api/sessions/g1/state").await;
    assert_eq!(state["waiting"]["for"], "permission");
    assert_eq!(
        (&state["waiting"]["what"], &state["waiting"]["tool"]),
        (&json!("rm -r x"), &json!("Bash"))
    );
    house.tell(None, &events[3..], 3).await;
    let state = house.get("/api/sessions/g1/state").await;
    assert_eq!((&state["waiting"], &state["doing"]["tool"]), (&Value::Null, &json!("Bash")));
}

#[tokio::test]
async fn a_call_that_a_hook_tells_of_too_is_one_event() {
    let call = [
        json!({ "type": "tool_call", "toolCallId": "toolu_1", "toolName": "Bash", "input": { "command": "make" } }),
        json!({ "type": "tool_result", "toolCallId": "toolu_1", "output": "made" }),
    ];
    let hook = json!({ "session_id": "native", "hook_event_name": "PostToolUse", "tool_name": "Bash",
        "tool_use_id": "toolu_1", "tool_input": { "command": "make" }, "tool_response": { "stdout": "made" },
        "duration_ms": 7 });
    for hook_first in [true, false] {
        let house = House::new(Access::Loopback, "127.0.0.1").await;
        if hook_first {
            house.send_json("/api/hooks/claude-code", &hook).await;
        }
        house.tell(Some("native"), &call, 0).await;
        if !hook_first {
            house.send_json("/api/hooks/claude-code", &hook).await;
        }
        let events = house.get("/api/events").await;
        assert_eq!(events["total"], 1, "{events}");
        assert_eq!(events["events"][0]["session_id"], "native");
        assert_eq!(events["events"][0]["duration_ms"], 7);
    }
}

#[tokio::test]
async fn what_a_history_tells_too_is_counted_once_whoever_tells_first() {
    let told = [
        json!({ "type": "turn_started", "text": "mend it" }),
        json!({ "type": "text.complete", "text": "Mended." }),
        usage("default", 100, 0.02),
    ];
    let history = [
        json!({ "type": "user", "sessionId": "native", "uuid": "u1", "promptId": "p1", "cwd": "/w/shop",
            "timestamp": "2026-02-03T10:00:00.000Z", "message": { "role": "user", "content": "mend it" } }),
        json!({ "type": "assistant", "sessionId": "native", "uuid": "a1", "requestId": "r1", "costUSD": 0.02,
            "timestamp": "2026-02-03T10:00:00.000Z", "message": { "id": "m1", "role": "assistant",
            "model": "claude-opus-4-8", "content": [{ "type": "text", "text": "Mended." }],
            "usage": { "input_tokens": 100, "output_tokens": 9 } } }),
    ];
    for history_first in [true, false] {
        let house = House::new(Access::Loopback, "127.0.0.1").await;
        if history_first {
            house.import(&history).await;
        }
        house.tell(Some("native"), &told, 0).await;
        if !history_first {
            house.import(&history).await;
        }
        let session = &house.get("/api/sessions").await["sessions"][0];
        assert_eq!((&session["tokens_in"], &session["tokens_out"]), (&json!(100), &json!(9)));
        assert_eq!(session["total_cost_usd"], 0.02, "history first: {history_first}");
        let events = house.get("/api/events").await;
        let kinds: Vec<_> = events["events"]
            .as_array()
            .unwrap()
            .iter()
            .map(|event| event["event_type"].as_str().unwrap())
            .collect();
        let count = |kind: &str| kinds.iter().filter(|one| **one == kind).count();
        // The prompt, the answer, and the meter's step, of which nothing is left.
        assert_eq!((count("user_prompt"), count("llm_response")), (1, 2), "{kinds:?}");
    }
}

#[tokio::test]
async fn what_is_old_wakes_nobody() {
    let house = House::new(Access::Loopback, "127.0.0.1").await;
    let mut event = json!({ "type": "turn_started", "text": "long ago" });
    event["ts"] = json!(NOW_MS - 3 * 3_600_000);
    house.tell(None, &[event], 0).await;
    assert_eq!(house.get("/api/sessions/g1/state").await["phase"], "ended");
}

#[tokio::test]
async fn what_is_no_handover_is_refused_in_words() {
    let house = House::new(Access::Loopback, "127.0.0.1").await;
    for body in [json!({}), json!([]), json!({ "session": "x" })] {
        let (status, answer) = house.send_json("/api/gateway/events", &body).await;
        assert_eq!(status, StatusCode::BAD_REQUEST);
        assert!(answer["error"].as_str().unwrap().contains("`session`"), "{answer}");
    }
}

fn usage(model: &str, input: u64, cost_usd: f64) -> Value {
    json!({ "type": "turn_usage", "model": model, "inputTokens": input, "outputTokens": 0,
        "cacheReadTokens": 0, "cacheWriteTokens": 0, "costUsd": cost_usd })
}

impl House {
    /// Tells events of the one session, after so many others. Of an agent that the monitor knows, it
    /// says by which name.
    async fn tell(
        &self,
        native: Option<&str>,
        events: &[Value],
        before: u64,
    ) -> (StatusCode, Value) {
        let mut events = events.to_vec();
        for (nth, event) in (before + 1..).zip(&mut events) {
            event["seq"] = json!(nth);
            event["sessionId"] = json!("g1");
            if event["ts"].is_null() {
                event["ts"] = json!(NOW_MS - 1_000 + i64::try_from(nth).unwrap());
            }
        }
        let session = json!({ "id": "g1", "name": "a name", "agentType": "claude", "workspace": "/w/shop",
            "state": "running", "createdAt": NOW_MS, "updatedAt": NOW_MS, "lastSeq": 0, "turns": 1 });
        let body = json!({ "session": session, "agent": native.map(|_| "claude_code"),
            "nativeSession": native, "events": events });
        self.send_json("/api/gateway/events", &body).await
    }

    async fn send_json(&self, path: &str, body: &Value) -> (StatusCode, Value) {
        let request = Request::post(path).header("host", "localhost");
        let request = request.body(Body::from(body.to_string())).unwrap();
        let answer = self.router.clone().oneshot(request).await.unwrap();
        let status = answer.status();
        let body = axum::body::to_bytes(answer.into_body(), usize::MAX).await.unwrap();
        (status, serde_json::from_slice(&body).unwrap())
    }

    async fn import(&self, lines: &[Value]) {
        let mut parsed = Parsed::default();
        let mut reader = ClaudeCode.reader(Path::new("/h/projects/-w-shop/native.jsonl"), None);
        for line in lines {
            reader.line(line.to_string().as_bytes(), &mut parsed);
        }
        reader.pause(&mut parsed);
        crate::told::take(&self.runtime.app(), parsed, NOW_MS).await.unwrap();
    }
}
