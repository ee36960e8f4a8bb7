//! What a file is that no history is in, by its name and its first lines.

use std::path::Path;

use serde_json::Value;

/// How many lines of a file are looked at.
const LINES: usize = 40;

const SQLITE: &[u8] = b"SQLite format 3\0";

/// Lines of Claude Code's histories that name no session.
const CLAUDE_KINDS: [&str; 3] = ["summary", "file-history-snapshot", "ai-title"];

/// Returns what a file is that is surely no history, though a format may claim its name.
pub(super) fn no_history(path: &Path, head: &[u8]) -> Option<&'static str> {
    by_name(path).or_else(|| {
        if head.starts_with(SQLITE) {
            of_sqlite(path)
        } else {
            objects(head).iter().find_map(of_line)
        }
    })
}

/// Returns what a file is that nothing is known of.
pub(super) fn unknown(head: &[u8]) -> &'static str {
    let is_text = || !head.contains(&0) && std::str::from_utf8(whole_characters(head)).is_ok();
    match () {
        () if head.is_empty() => "not a history: it is empty",
        () if head.starts_with(SQLITE) => {
            "not a history: a SQLite file of no program that is known"
        }
        () if !objects(head).is_empty() => "not a history: JSON of no program that is known",
        () if is_text() => "not a history: text",
        () => "not a history: bytes of no form that is known",
    }
}

/// Returns whether the lines of a file are those of Claude Code's histories.
pub(super) fn is_of_claude(path: &Path, head: &[u8]) -> bool {
    path.components().any(|part| part.as_os_str() == "projects")
        || objects(head).iter().any(|line| {
            let kind = line.get("type").and_then(Value::as_str);
            kind.is_some_and(|kind| CLAUDE_KINDS.contains(&kind))
                || (kind.is_some() && line.get("sessionId").is_some())
        })
}

fn by_name(path: &Path) -> Option<&'static str> {
    let name = path.file_name()?.to_string_lossy();
    let is_below = |folder: &str| path.components().any(|part| part.as_os_str() == folder);
    let ends = |endings: &[&str]| endings.iter().any(|ending| name.ends_with(ending));
    Some(match () {
        () if ends(&["-wal", "-shm", "-journal"]) => {
            "not a history: part of the SQLite file that it is named for"
        }
        () if ends(&[".meta.json"]) && is_below("subagents") => {
            "not a history: what Claude Code notes of a sub-agent, whose history says it too"
        }
        () if name == "custom-title.json" => {
            "not a history: a title that Claude Code keeps; the session's history says it too"
        }
        () if is_below("file-history") => {
            "not a history: a file as it was before an edit, kept by Claude Code to undo it"
        }
        () if name == "settings.json" || name == "config.toml" => "not a history: settings",
        () if name == ".project_root" => "not a history: where a project lies, noted by Gemini CLI",
        () => return None,
    })
}

fn of_sqlite(path: &Path) -> Option<&'static str> {
    let name = path.file_name()?.to_string_lossy();
    Some(match () {
        () if name.starts_with("state_") => {
            "not a history: Codex's list of its threads, whose rollouts tell of them"
        }
        () if name.starts_with("thread_history") => {
            "not a history: Codex's copy of its rollouts for its own lists"
        }
        () if name.starts_with("logs_") => "not a history: Codex's log of itself",
        () => return None,
    })
}

/// Returns what a line betrays that no history has.
fn of_line(line: &Value) -> Option<&'static str> {
    let has = |names: &[&str]| names.iter().all(|name| line.get(name).is_some());
    let kind = line.get("type").and_then(Value::as_str).unwrap_or_default();
    let begins = |words: &[&str]| words.iter().any(|word| kind.starts_with(word));
    let is_answer = ["system", "assistant", "user", "result", "stream_event"].contains(&kind);
    Some(match () {
        () if begins(&["thread.", "turn.", "item."]) && !has(&["payload"]) => {
            "not a history: output of `codex exec --json`; the thread's rollout tells the same"
        }
        () if is_answer && has(&["session_id"]) && !has(&["sessionId"]) => {
            "not a history: output of `claude --output-format stream-json`; the session's history \
             tells the same"
        }
        () if kind == "init" && has(&["session_id", "model"]) => {
            "not a history: output of `gemini --output-format stream-json`; the session's history \
             tells the same"
        }
        () if has(&["type", "sessionID", "part"]) => {
            "not a history: output of `opencode run --format json`; its database tells the same"
        }
        () if has(&["session_id", "ts", "text"]) => {
            "not a history: prompts that Codex offers again; rollouts tell of them"
        }
        () if has(&["display", "timestamp", "project"]) => {
            "not a history: prompts that Claude Code offers again; histories tell of them"
        }
        () => return None,
    })
}

/// Returns the JSON objects among the first lines, or the one that the file is.
fn objects(head: &[u8]) -> Vec<Value> {
    let lines = head.split(|&byte| byte == b'\n').take(LINES);
    let mut found: Vec<Value> =
        lines.filter_map(|line| serde_json::from_slice(line).ok()).collect();
    found.retain(Value::is_object);
    if found.is_empty() {
        found.extend(serde_json::from_slice(head).ok().filter(Value::is_object));
    }
    found
}

/// Returns text without a character at its end that was cut.
fn whole_characters(head: &[u8]) -> &[u8] {
    let is_begin = |byte: &u8| *byte & 0xc0 != 0x80;
    match head.iter().rev().take(4).position(is_begin) {
        Some(after) if head[head.len() - 1 - after] >= 0xc0 => &head[..head.len() - 1 - after],
        _ => head,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_history_is_called_by_its_name() {
        check("a.jsonl", r#"{"type":"thread.started","thread_id":"t"}"#, "codex exec");
        check("a.jsonl", r#"{"type":"system","session_id":"s"}"#, "claude --output");
        check("a.jsonl", r#"{"type":"init","session_id":"s","model":"auto"}"#, "gemini");
        check("history.jsonl", r#"{"session_id":"s","ts":1,"text":"x"}"#, "Codex offers");
        check("x.jsonl", r#"{"display":"x","timestamp":1,"project":"/p"}"#, "Claude Code offers");
        check("o.db-wal", "", "SQLite file that it is named for");
        check("state_5.sqlite", "SQLite format 3\0", "list of its threads");
        check("file-history/s/f@v1", "fn main() {}", "undo");
    }

    #[test]
    fn lines_of_histories_are_none_of_these() {
        for line in [
            r#"{"type":"user","sessionId":"s","uuid":"u","message":{"role":"user"}}"#,
            r#"{"type":"session_meta","payload":{"id":"t"}}"#,
            r#"{"type":"turn_context","payload":{}}"#,
        ] {
            assert_eq!(no_history(Path::new("a.jsonl"), line.as_bytes()), None, "{line}");
        }
        let of_claude = br#"{"type":"user","sessionId":"s"}"#;
        assert!(is_of_claude(Path::new("a.jsonl"), of_claude));
        assert!(!is_of_claude(Path::new("a.jsonl"), br#"{"level":"info"}"#));
    }

    #[test]
    fn the_rest_is_told_by_its_form() {
        for (head, expected) in [
            (&b""[..], "empty"),
            (b"SQLite format 3\0...", "SQLite"),
            (b"{\n \"a\": 1\n}", "JSON"),
            ("plain w\u{f6}rds".as_bytes(), "text"),
            (b"cut \xc3", "text"),
            (b"\x00\x01\xff", "bytes"),
        ] {
            assert!(unknown(head).contains(expected), "{head:?} is {}", unknown(head));
        }
    }

    fn check(path: &str, head: &str, expected: &str) {
        let what = no_history(Path::new(path), head.as_bytes()).unwrap_or("a history");
        assert!(what.contains(expected), "{path} is {what}");
    }
}
