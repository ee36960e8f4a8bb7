//! Histories as Claude Code keeps them, in the demonstration's own home, for the daemon to import.

use std::fs;
use std::path::Path;

use anyhow::Context as _;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::tales::{TALES, Tale, Turn};

/// Writes what was done some days ago, once with each tale.
pub(super) fn write(home: &Path, now: Timestamp) -> anyhow::Result<()> {
    for (nth, tale) in TALES.iter().enumerate() {
        let folder = home.join(format!(".claude/projects/-home-demo-{}", tale.project));
        let session = format!("0d3a0000-0000-4000-8000-{nth:012}");
        let path = folder.join(format!("{session}.jsonl"));
        let begin = now - SignedDuration::from_hours(20 + 31 * nth as i64);
        let mut text = String::new();
        for line in lines(tale, &session, begin) {
            text += &line.to_string();
            text.push('\n');
        }
        fs::create_dir_all(&folder)
            .and_then(|()| fs::write(&path, text))
            .with_context(|| format!("{} cannot be written", path.display()))?;
    }
    Ok(())
}

fn lines(tale: &Tale, session: &str, begin: Timestamp) -> Vec<Value> {
    let mut history = History { tale, session, at: begin, lines: Vec::new() };
    for (nth, turn) in tale.turns.iter().enumerate() {
        history.turn(nth, turn);
    }
    history.lines
}

struct History<'a> {
    tale: &'a Tale,
    session: &'a str,
    at: Timestamp,
    lines: Vec<Value>,
}

impl History<'_> {
    fn turn(&mut self, nth: usize, turn: &Turn) {
        let asked = json!({ "role": "user", "content": turn.prompt });
        self.add("user", &asked, Value::Null, 4_000);
        for (at, step) in turn.steps.iter().enumerate() {
            let id = format!("toolu_{}{nth}{at}", self.session);
            let call =
                json!({ "type": "tool_use", "id": id, "name": step.tool, "input": step.input() });
            self.answer(&format!("{nth}{at}"), &call);
            let result = json!({ "type": "tool_result", "tool_use_id": id, "is_error": step.fails,
                "content": step.output });
            let more = match step.patch() {
                Some(patch) => json!({ "filePath": step.about, "structuredPatch": patch }),
                None => json!({ "stdout": step.output, "stderr": "" }),
            };
            let message = json!({ "role": "user", "content": [result] });
            self.add("user", &message, more, i64::from(step.millis));
        }
        self.answer(&format!("{nth}end"), &json!({ "type": "text", "text": turn.answer }));
    }

    fn answer(&mut self, name: &str, block: &Value) {
        let count = self.lines.len() as u64;
        let id = format!("{}-{name}", self.session);
        let message = json!({
            "id": format!("msg_{id}"), "type": "message", "role": "assistant",
            "model": self.tale.model, "content": [block], "stop_reason": "tool_use",
            "usage": {
                "input_tokens": 12 + count, "output_tokens": 180 + 41 * count,
                "cache_creation_input_tokens": 1_900, "cache_read_input_tokens": 14_000 + 2_100 * count,
            },
        });
        self.add("assistant", &message, Value::Null, 5_200);
        if let Some(line) = self.lines.last_mut() {
            line["requestId"] = format!("req_{id}").into();
        }
    }

    fn add(&mut self, kind: &str, message: &Value, result: Value, took_ms: i64) {
        self.at += SignedDuration::from_millis(took_ms);
        let mut line = json!({
            "type": kind, "message": message, "sessionId": self.session, "isSidechain": false,
            "uuid": format!("{}-{}", self.session, self.lines.len()), "version": "2.1.104",
            "timestamp": format!("{:.3}", self.at), "gitBranch": self.tale.branch,
            "cwd": format!("/home/demo/{}", self.tale.project),
        });
        if !result.is_null() {
            line["toolUseResult"] = result;
        }
        self.lines.push(line);
    }
}
