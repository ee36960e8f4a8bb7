//! A script as Claude Code tells of it.

use serde_json::{Value, json};

use super::{Asked, Call, OF_SERVER, Place, Script};
use crate::told::{self, record};

const FOLDER: &str = "/home/u/meadow";

pub(super) fn hooks(script: &Script) -> Vec<(i64, Value)> {
    let mut hooks = Vec::new();
    let mut tell = |place: Place, name: &str, members: Value| {
        let mut body = json!({
            "session_id": script.session,
            "transcript_path": format!("{FOLDER}/{}.jsonl", script.session),
            "cwd": FOLDER,
            "hook_event_name": name,
        });
        for (name, value) in members.as_object().into_iter().flatten() {
            body[name] = value.clone();
        }
        hooks.push((place.at_ms(), body));
    };
    tell(Place(0, 0, 0), "SessionStart", json!({ "source": "startup" }));
    for (t, turn) in script.turns.iter().enumerate() {
        let prompt_id = prompt_id(script, t);
        let start = json!({
            "prompt_id": prompt_id, "permission_mode": "default", "prompt": turn.prompt,
        });
        tell(Place(t, 0, 0), "UserPromptSubmit", start);
        for (r, asked) in turn.requests.iter().enumerate() {
            for (c, call) in asked.calls.iter().enumerate() {
                let place = Place(t, r, c + 1);
                let mut members = json!({
                    "prompt_id": prompt_id, "permission_mode": "default",
                    "tool_name": call.tool, "tool_input": call.input,
                    "tool_use_id": place.name("toolu_01", &script.session),
                });
                tell(place, "PreToolUse", members.clone());
                members["duration_ms"] = json!(20);
                if call.fails {
                    members["error"] = json!(call.output);
                    members["is_interrupt"] = json!(false);
                    tell(place, "PostToolUseFailure", members);
                } else {
                    members["tool_response"] =
                        json!({ "stdout": call.output, "stderr": "", "interrupted": false });
                    tell(place, "PostToolUse", members);
                }
            }
        }
        let last = turn.requests.last().map_or("", |asked| &asked.says);
        let stop = json!({
            "prompt_id": prompt_id, "permission_mode": "default", "stop_hook_active": false,
            "last_assistant_message": last,
        });
        tell(Place(t, turn.requests.len(), 0), "Stop", stop);
    }
    tell(Place(script.turns.len(), 0, 0), "SessionEnd", json!({ "reason": "other" }));
    hooks
}

pub(super) fn logs(script: &Script) -> Value {
    let mut records = Vec::new();
    let mut tell = |place: Place, name: &str, turn: usize, members: Value| {
        let mut members = members;
        members["session.id"] = json!(script.session);
        members["event.sequence"] = json!(records.len());
        members["prompt.id"] = json!(prompt_id(script, turn));
        records.push(record(&format!("claude_code.{name}"), place.at_ms(), &members));
    };
    for (t, turn) in script.turns.iter().enumerate() {
        let length = turn.prompt.len().to_string();
        let prompt = json!({ "prompt": turn.prompt, "prompt_length": length });
        tell(Place(t, 0, 0), "user_prompt", t, prompt);
        for (r, asked) in turn.requests.iter().enumerate() {
            let place = Place(t, r, 0);
            let request_id = place.name("req_011C", &script.session);
            tell(place, "api_request", t, request(script, asked, &request_id));
            if !asked.says.is_empty() {
                let answer = json!({
                    "response": asked.says, "request_id": request_id, "model": script.model,
                    "query_source": "sdk",
                });
                tell(place, "assistant_response", t, answer);
            }
            for (c, call) in asked.calls.iter().enumerate() {
                let place = Place(t, r, c + 1);
                let id = place.name("toolu_01", &script.session);
                let tool = if call.tool == OF_SERVER { "mcp_tool" } else { &call.tool };
                let decision = json!({
                    "tool_name": tool, "tool_use_id": id, "decision": "accept",
                    "source": "config",
                });
                tell(place, "tool_decision", t, decision);
                let mut result = json!({
                    "tool_name": tool, "tool_use_id": id, "duration_ms": "20",
                    "success": (!call.fails).to_string(), "tool_input": call.input.to_string(),
                });
                if call.fails {
                    result["error"] = json!(call.output);
                }
                tell(place, "tool_result", t, result);
            }
        }
    }
    told::logs("claude-code", &records)
}

fn request(script: &Script, asked: &Asked, request_id: &str) -> Value {
    json!({
        "model": script.model,
        "input_tokens": asked.input,
        "output_tokens": asked.output,
        "cache_read_tokens": asked.cache_read,
        "cache_creation_tokens": asked.cache_write[0] + asked.cache_write[1],
        "cache_creation_5m_tokens": asked.cache_write[0],
        "cache_creation_1h_tokens": asked.cache_write[1],
        "cost_usd": asked.claude_cost_usd(),
        "duration_ms": 30,
        "request_id": request_id,
        "query_source": "sdk",
    })
}

pub(super) fn history(script: &Script) -> Vec<Value> {
    let mut lines: Vec<Value> = Vec::new();
    let mut tell = |place: Place, kind: &str, members: Value| {
        let mut line = members;
        line["type"] = json!(kind);
        line["parentUuid"] = lines.last().map_or(Value::Null, |last| last["uuid"].clone());
        line["isSidechain"] = json!(false);
        line["uuid"] = json!(format!("{}-line-{}", script.session, lines.len()));
        line["timestamp"] = json!(place.at());
        line["cwd"] = json!(FOLDER);
        line["sessionId"] = json!(script.session);
        line["version"] = json!("2.1.329");
        line["gitBranch"] = json!("main");
        lines.push(line);
    };
    for (t, turn) in script.turns.iter().enumerate() {
        let prompt_id = prompt_id(script, t);
        let message = json!({ "role": "user", "content": turn.prompt });
        tell(Place(t, 0, 0), "user", json!({ "promptId": prompt_id, "message": message }));
        for (r, asked) in turn.requests.iter().enumerate() {
            let place = Place(t, r, 0);
            let mut blocks = vec![json!({ "type": "thinking", "thinking": "", "signature": "x" })];
            if !asked.says.is_empty() {
                blocks.push(json!({ "type": "text", "text": asked.says }));
            }
            for (c, call) in asked.calls.iter().enumerate() {
                let id = Place(t, r, c + 1).name("toolu_01", &script.session);
                let (name, input) = (&call.tool, &call.input);
                blocks.push(json!({ "type": "tool_use", "id": id, "name": name, "input": input }));
            }
            let whole = blocks.len();
            for (nth, block) in blocks.into_iter().enumerate() {
                // Lines that are written while the answer still comes know less of its length.
                let output = if nth + 1 == whole { asked.output } else { 1 };
                tell(place, "assistant", part(script, place, asked, &block, output));
            }
            for (c, call) in asked.calls.iter().enumerate() {
                let place = Place(t, r, c + 1);
                tell(place, "user", result(script, place, call, &prompt_id));
            }
        }
    }
    lines
}

fn part(script: &Script, place: Place, asked: &Asked, block: &Value, output: u64) -> Value {
    let [minutes, hour] = asked.cache_write;
    json!({
        "requestId": place.name("req_011C", &script.session),
        "message": {
            "id": place.name("msg_01", &script.session),
            "type": "message",
            "role": "assistant",
            "model": script.model,
            "content": [block],
            "stop_reason": if asked.calls.is_empty() { "end_turn" } else { "tool_use" },
            "usage": {
                "input_tokens": asked.input,
                "cache_creation_input_tokens": minutes + hour,
                "cache_read_input_tokens": asked.cache_read,
                "output_tokens": output,
                "cache_creation": {
                    "ephemeral_5m_input_tokens": minutes,
                    "ephemeral_1h_input_tokens": hour,
                },
            },
        },
    })
}

fn result(script: &Script, place: Place, call: &Call, prompt_id: &str) -> Value {
    let mut block = json!({
        "tool_use_id": place.name("toolu_01", &script.session),
        "type": "tool_result",
        "content": call.output,
    });
    if call.fails {
        block["is_error"] = json!(true);
    }
    let told = match call.fails {
        true => json!(format!("Error: {}", call.output)),
        false => json!({ "stdout": call.output, "stderr": "", "interrupted": false }),
    };
    json!({
        "promptId": prompt_id,
        "message": { "role": "user", "content": [block] },
        "toolUseResult": told,
    })
}

fn prompt_id(script: &Script, turn: usize) -> String {
    Place(turn, 0, 0).name("prompt-", &script.session)
}
