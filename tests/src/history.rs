//! Histories as large as a test needs them: sessions of Claude Code with requests, calls and what
//! came of them, the same for the same seed.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

/// Histories that were written.
#[derive(Debug, Clone, Default)]
pub struct Made {
    /// Where they are.
    pub files: Vec<PathBuf>,
    /// How many bytes they have together.
    pub bytes: u64,
    /// How many requests to a model they tell of.
    pub requests: u64,
    /// How many calls of tools.
    pub calls: u64,
    /// The tokens of all answers.
    pub output_tokens: u64,
}

/// Writes so many histories of about so many bytes each below a folder.
///
/// # Panics
/// Where they cannot be written.
#[must_use]
pub fn write(folder: &Path, files: usize, bytes_each: usize) -> Made {
    let mut made = Made::default();
    for nth in 0..files {
        let path = folder.join(format!("-home-u-p{}/{}.jsonl", nth % 3, session(nth)));
        let parent = path.parent().expect("a file lies in a folder");
        std::fs::create_dir_all(parent).expect("the folder is ours");
        let text = one(nth, bytes_each, &mut made);
        std::fs::write(&path, &text).expect("the folder is ours");
        made.bytes += text.len() as u64;
        made.files.push(path);
    }
    made
}

/// Returns the name of a session.
#[must_use]
pub fn session(nth: usize) -> String {
    format!("7c1d5a00-0000-4000-8000-{nth:012x}")
}

/// Returns the lines of one request that calls a tool, and of what came of it.
#[must_use]
pub fn exchange(session: &str, nth: usize, words: usize) -> String {
    let dice = dice(session, nth);
    let id = format!("{}{nth:06}", &session[session.len() - 6..]);
    let text = "the otter looked, wrote it down and looked again ".repeat(1 + words / 49);
    let base = |kind: &str, part: &str, message: Value| {
        json!({
            "parentUuid": null, "isSidechain": false, "type": kind, "message": message,
            "uuid": format!("line-{id}-{part}"), "timestamp": at(nth), "cwd": "/home/u/river",
            "sessionId": session, "version": "2.1.104", "gitBranch": "main",
        })
    };
    let usage = json!({
        "input_tokens": 1 + dice % 30,
        "cache_creation_input_tokens": dice % 5_000,
        "cache_read_input_tokens": dice % 90_000,
        "output_tokens": output_tokens(session, nth),
    });
    let answer = |block: Value| {
        json!({
            "id": format!("msg_{id}"), "type": "message", "role": "assistant",
            "model": "claude-sonnet-4-5", "content": [block], "stop_reason": "tool_use",
            "usage": usage,
        })
    };
    let mut says = base("assistant", "a", answer(json!({ "type": "text", "text": text })));
    let input = json!({ "command": "look river" });
    let call =
        json!({ "type": "tool_use", "id": format!("toolu_{id}"), "name": "Bash", "input": input });
    let mut calls = base("assistant", "b", answer(call));
    for line in [&mut says, &mut calls] {
        line["requestId"] = json!(format!("req_{id}"));
    }
    let block =
        json!({ "type": "tool_result", "tool_use_id": format!("toolu_{id}"), "content": text });
    let mut back = base("user", "c", json!({ "role": "user", "content": [block] }));
    back["toolUseResult"] = json!({ "stdout": text, "stderr": "", "interrupted": false });
    format!("{says}\n{calls}\n{back}\n")
}

fn one(nth: usize, bytes: usize, made: &mut Made) -> String {
    let session = session(nth);
    let mut text = String::new();
    let mut exchanges = 0;
    while text.len() < bytes {
        let words = (dice(&session, exchanges) % 900) as usize;
        write!(text, "{}", exchange(&session, exchanges, words)).expect("a string takes all");
        made.output_tokens += output_tokens(&session, exchanges);
        exchanges += 1;
    }
    made.requests += exchanges as u64;
    made.calls += exchanges as u64;
    text
}

fn output_tokens(session: &str, nth: usize) -> u64 {
    1 + dice(session, nth) % 700
}

fn at(nth: usize) -> String {
    let minutes = nth % (24 * 60);
    format!(
        "2026-11-{:02}T{:02}:{:02}:00.000Z",
        1 + nth / (24 * 60) % 20,
        minutes / 60,
        minutes % 60
    )
}

/// Returns a number that looks drawn and is the same every time.
fn dice(session: &str, nth: usize) -> u64 {
    let seed = session.bytes().fold(nth as u64 + 1, |seed, byte| {
        seed.wrapping_mul(0x100_0000_01b3).wrapping_add(u64::from(byte))
    });
    (seed ^ seed >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 33
}
