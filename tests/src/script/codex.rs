//! A script as Codex tells of it. Its input counts what was cached, too.

use serde_json::{Value, json};

use super::{Asked, Call, Place, Script};
use crate::told::{self, record};

const FOLDER: &str = "/home/u/meadow";

/// Tokens of the answer that are thoughts.
const REASONING: u64 = 16;

pub(super) fn hooks(script: &Script) -> Vec<(i64, Value)> {
    let mut hooks = Vec::new();
    let mut tell = |place: Place, name: &str, members: Value| {
        let mut body = json!({
            "session_id": script.session,
            "transcript_path": format!("{FOLDER}/rollout-{}.jsonl", script.session),
            "cwd": FOLDER,
            "hook_event_name": name,
            "model": script.model,
            "permission_mode": "default",
        });
        for (name, value) in members.as_object().into_iter().flatten() {
            body[name] = value.clone();
        }
        hooks.push((place.at_ms(), body));
    };
    tell(Place(0, 0, 0), "SessionStart", json!({ "source": "startup" }));
    for (t, turn) in script.turns.iter().enumerate() {
        let turn_id = turn_id(script, t);
        let prompt = json!({ "turn_id": turn_id, "prompt": turn.prompt });
        tell(Place(t, 0, 0), "UserPromptSubmit", prompt);
        for (r, asked) in turn.requests.iter().enumerate() {
            tell(Place(t, r, 0), "PreModelRequest", json!({ "turn_id": turn_id }));
            for (c, call) in asked.calls.iter().enumerate() {
                let place = Place(t, r, c + 1);
                // Hooks call the shell by another name.
                let mut members = json!({
                    "turn_id": turn_id,
                    "tool_name": "Bash",
                    "tool_input": { "command": call.input["cmd"] },
                    "tool_use_id": place.name("call_", &script.session),
                });
                tell(place, "PreToolUse", members.clone());
                members["tool_response"] = json!(format!("{}\n", call.output));
                tell(place, "PostToolUse", members);
            }
        }
        let last = turn.requests.last().map_or("", |asked| &asked.says);
        let stop = json!({
            "turn_id": turn_id, "stop_hook_active": false, "last_assistant_message": last,
        });
        tell(Place(t, turn.requests.len(), 0), "Stop", stop);
    }
    tell(Place(script.turns.len(), 0, 0), "SessionEnd", json!({ "reason": "other" }));
    hooks
}

pub(super) fn logs(script: &Script) -> Value {
    let mut records = Vec::new();
    let mut tell = |place: Place, name: &str, members: Value| {
        let mut members = members;
        members["conversation.id"] = json!(script.session);
        members["app.version"] = json!("0.169.0");
        members["event.timestamp"] = json!(place.at());
        members["model"] = json!(script.model);
        let mut record = record(&format!("codex.{name}"), 0, &members);
        // Its records have no time of their own and no body.
        record["timeUnixNano"] = json!("0");
        record["observedTimeUnixNano"] = json!(format!("{}000000", place.at_ms()));
        record["body"] = Value::Null;
        records.push(record);
    };
    tell(Place(0, 0, 0), "conversation_starts", json!({ "approval_policy": "never" }));
    for (t, turn) in script.turns.iter().enumerate() {
        let length = turn.prompt.chars().count().to_string();
        let prompt = json!({ "prompt": turn.prompt, "prompt_length": length });
        tell(Place(t, 0, 0), "user_prompt", prompt);
        for (r, asked) in turn.requests.iter().enumerate() {
            let place = Place(t, r, 0);
            for kind in ["response.created", "response.completed"] {
                tell(place, "sse_event", json!({ "event.kind": kind, "duration_ms": "0" }));
            }
            let used = json!({
                "event.kind": "response.completed",
                "input_token_count": (asked.input + asked.cache_read).to_string(),
                "output_token_count": asked.output.to_string(),
                "cached_token_count": asked.cache_read,
                "cache_write_token_count": 0,
                "reasoning_token_count": REASONING,
            });
            tell(place, "sse_event", used);
            for (c, call) in asked.calls.iter().enumerate() {
                let place = Place(t, r, c + 1);
                let id = place.name("call_", &script.session);
                let decision = json!({
                    "tool_name": call.tool, "call_id": id, "decision": "approved",
                    "source": "Config",
                });
                tell(place, "tool_decision", decision);
                let result = json!({
                    "tool_name": call.tool, "call_id": id, "duration_ms": "80",
                    "success": (!call.fails).to_string(), "arguments": call.input.to_string(),
                    "output": output(call),
                });
                tell(place, "tool_result", result);
            }
        }
    }
    told::logs("codex_exec", &records)
}

pub(super) fn history(script: &Script) -> Vec<Value> {
    let mut lines: Vec<Value> = Vec::new();
    let mut tell = |place: Place, kind: &str, payload: Value| {
        let (at, ordinal) = (place.at(), lines.len());
        let line = json!({ "timestamp": at, "ordinal": ordinal, "type": kind, "payload": payload });
        lines.push(line);
    };
    let meta = json!({
        "session_id": script.session, "id": script.session, "timestamp": Place(0, 0, 0).at(),
        "cwd": FOLDER, "originator": "codex_exec", "cli_version": "0.169.0", "source": "exec",
        "thread_source": "user", "git": { "branch": "main" },
    });
    tell(Place(0, 0, 0), "session_meta", meta);
    let mut total = Used::default();
    for (t, turn) in script.turns.iter().enumerate() {
        let (turn_id, start) = (turn_id(script, t), Place(t, 0, 0));
        let started = json!({ "type": "task_started", "turn_id": turn_id });
        tell(start, "event_msg", started);
        let context = json!({ "turn_id": turn_id, "cwd": FOLDER, "model": script.model });
        tell(start, "turn_context", context);
        tell(start, "response_item", message("user", "input_text", &turn.prompt));
        let item = json!({ "type": "UserMessage", "content": [text("text", &turn.prompt)] });
        tell(start, "event_msg", completed(script, &turn_id, &item));
        let mut of_turn = Used::default();
        for (r, asked) in turn.requests.iter().enumerate() {
            let place = Place(t, r, 0);
            if !asked.says.is_empty() {
                let item =
                    json!({ "type": "AgentMessage", "content": [text("Text", &asked.says)] });
                tell(place, "event_msg", completed(script, &turn_id, &item));
                tell(place, "response_item", message("assistant", "output_text", &asked.says));
            }
            for (c, call) in asked.calls.iter().enumerate() {
                let call_id = Place(t, r, c + 1).name("call_", &script.session);
                let payload = json!({
                    "type": "function_call", "status": "completed", "name": call.tool,
                    "arguments": call.input.to_string(), "call_id": call_id,
                });
                tell(place, "response_item", payload);
            }
            total.add(asked);
            of_turn.add(asked);
            let mut used = Used::default();
            used.add(asked);
            let record = json!({
                "thread_id": script.session, "turn_id": turn_id, "session_id": script.session,
                "response_id": place.name("resp_0", &script.session),
                "usage": used.json(), "turn_token_usage": of_turn.json(),
                "thread_token_usage": total.json(),
            });
            tell(place, "token_usage_record", record);
            for (c, call) in asked.calls.iter().enumerate() {
                let place = Place(t, r, c + 1);
                let call_id = place.name("call_", &script.session);
                let item = json!({
                    "type": "CommandExecution", "id": call_id,
                    "command": ["/bin/bash", "-lc", call.input["cmd"]],
                    "status": if call.fails { "failed" } else { "completed" },
                    "aggregated_output": format!("{}\n", call.output),
                    "exit_code": i32::from(call.fails),
                });
                tell(place, "event_msg", completed(script, &turn_id, &item));
                let payload = json!({
                    "type": "function_call_output", "call_id": call_id, "output": output(call),
                });
                tell(place, "response_item", payload);
            }
            let info = json!({
                "total_token_usage": total.json(), "last_token_usage": used.json(),
                "model_context_window": 258_400,
            });
            let limits = json!({
                "limit_id": "codex",
                "primary": { "used_percent": 37.5, "window_minutes": 300, "resets_at": null },
            });
            let counted = json!({ "type": "token_count", "info": info, "rate_limits": limits });
            tell(place, "event_msg", counted);
        }
        let last = turn.requests.last().map_or("", |asked| &asked.says);
        let done =
            json!({ "type": "task_complete", "turn_id": turn_id, "last_agent_message": last });
        tell(Place(t, turn.requests.len(), 0), "event_msg", done);
    }
    lines
}

/// Sums of tokens as a rollout has them.
#[derive(Clone, Copy, Default)]
struct Used {
    input: u64,
    cached: u64,
    output: u64,
    reasoning: u64,
}

impl Used {
    fn add(&mut self, asked: &Asked) {
        self.input += asked.input + asked.cache_read;
        self.cached += asked.cache_read;
        self.output += asked.output;
        self.reasoning += REASONING;
    }

    fn json(self) -> Value {
        json!({
            "input_tokens": self.input,
            "cached_input_tokens": self.cached,
            "cache_write_input_tokens": 0,
            "output_tokens": self.output,
            "reasoning_output_tokens": self.reasoning,
            "total_tokens": self.input + self.output,
        })
    }
}

fn text(kind: &str, words: &str) -> Value {
    json!({ "type": kind, "text": words })
}

fn message(role: &str, kind: &str, words: &str) -> Value {
    json!({ "type": "message", "role": role, "content": [text(kind, words)] })
}

fn completed(script: &Script, turn_id: &str, item: &Value) -> Value {
    let session = &script.session;
    json!({ "type": "item_completed", "thread_id": session, "turn_id": turn_id, "item": item })
}

/// Returns what a shell gives back, with what Codex says of it.
fn output(call: &Call) -> String {
    let code = i32::from(call.fails);
    format!(
        "Chunk ID: 1a2b3c\nWall time: 0.0100 seconds\nProcess exited with code {code}\nOutput:\n{}\n",
        call.output
    )
}

fn turn_id(script: &Script, turn: usize) -> String {
    Place(turn, 0, 0).name("turn-", &script.session)
}
