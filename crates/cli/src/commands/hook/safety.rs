//! What an agent is about to do, judged before it does it.

use oriel_sources::safety::{self as rules, Verdict};
use serde_json::{Value, json};

use super::lenient;
use oriel_daemon::Surroundings;

/// The most of a command that is kept in the event about it.
const COMMAND_CHARS_MAX: usize = 4_000;

/// A command that must not run.
pub(super) struct Blocked {
    /// The event that tells of it.
    pub event: String,
    /// Why.
    pub reason: String,
}

/// Judges the body of a hook that comes before a tool runs; all others are of no interest.
pub(super) fn examine(body: &[u8], surroundings: &Surroundings, at: u64) -> Option<Blocked> {
    // Most hooks are of another kind and need not be read at all.
    let names_it = |body: &[u8]| body.windows(10).any(|ten| ten == b"PreToolUse");
    let body = names_it(body).then(|| lenient(body)).flatten()?;
    if body.get("hook_event_name")?.as_str()? != "PreToolUse" {
        return None;
    }
    if body.get("tool_name")?.as_str()? != "Bash" {
        return None;
    }
    let command = body.get("tool_input")?.get("command")?.as_str()?;
    let home = surroundings.folders.home.as_ref().and_then(|home| home.to_str());
    let folder = body.get("cwd").and_then(Value::as_str);
    let Verdict::Dangerous(danger) = rules::judge_in(command, home.unwrap_or(""), folder) else {
        return None;
    };
    let detail = danger.reason();
    let event = blocked(&body, command, detail, at).to_string();
    Some(Blocked { event, reason: detail.to_owned() })
}

fn blocked(body: &Value, command: &str, detail: &str, at: u64) -> Value {
    let command: String = command.chars().take(COMMAND_CHARS_MAX).collect();
    let metadata = json!({
        "blocked": true, "reason": "destructive_command", "command": command, "detail": detail,
        "tool_use_id": body.get("tool_use_id"),
    });
    event(body, &metadata, at)
}

/// Makes an event with a name that is the same however often it is told.
fn event(body: &Value, metadata: &Value, at: u64) -> Value {
    let text = |name: &str| body.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    let session = text("session_id").unwrap_or("unknown");
    let id = match text("tool_use_id") {
        Some(id) => format!("hook-blocked-{id}"),
        None => format!("hook-blocked-{session}-{at}"),
    };
    let project = text("cwd").and_then(|cwd| cwd.trim_end_matches('/').rsplit('/').next());
    json!({
        "event_id": id, "session_id": session, "agent_type": "claude_code", "event_type": "error",
        "status": "error", "tool_name": "Bash",
        "project": project.filter(|project| !project.is_empty()), "source": "hook",
        "client_timestamp": timestamp(at), "metadata": metadata,
    })
}

fn timestamp(at: u64) -> Option<String> {
    let time = jiff::Timestamp::from_millisecond(i64::try_from(at).ok()?).ok()?;
    Some(format!("{time:.3}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    #[test]
    fn a_command_that_destroys_is_blocked_with_its_reason() {
        let body = json!({ "hook_event_name": "PreToolUse", "session_id": "s1", "cwd": "/w/shop",
            "tool_name": "Bash", "tool_input": { "command": "sudo rm -r -f /" },
            "tool_use_id": "toolu_1" });
        let Some(Blocked { event, reason }) = examined(&body) else { panic!("it is let") };
        assert!(reason.contains("root folder"), "{reason}");
        let event: Value = serde_json::from_str(&event).unwrap();
        assert_eq!(
            event,
            json!({
                "event_id": "hook-blocked-toolu_1", "session_id": "s1", "agent_type": "claude_code",
                "event_type": "error", "status": "error", "tool_name": "Bash", "project": "shop",
                "source": "hook", "client_timestamp": "2026-03-01T12:00:00.000Z",
                "metadata": { "blocked": true, "reason": "destructive_command",
                    "command": "sudo rm -r -f /", "detail": reason, "tool_use_id": "toolu_1" },
            })
        );
    }

    #[test]
    fn everything_else_is_of_no_interest() {
        let bash = |command: Value| {
            json!({ "hook_event_name": "PreToolUse", "session_id": "s1",
            "tool_name": "Bash", "tool_input": { "command": command } })
        };
        for body in [
            bash(json!("rm -rf build")),
            bash(json!(7)),
            bash(Value::Null),
            json!({ "hook_event_name": "PostToolUse", "tool_name": "Bash",
                "tool_input": { "command": "rm -rf / # PreToolUse" } }),
            json!({ "hook_event_name": "PreToolUse" }),
            json!({ "hook_event_name": "PreToolUse", "tool_name": "Read",
                "tool_input": { "file_path": "a.rs" } }),
            json!("PreToolUse"),
            json!([]),
        ] {
            assert!(examined(&body).is_none(), "{body}");
        }
    }

    fn examined(body: &Value) -> Option<Blocked> {
        examine(body.to_string().as_bytes(), &testing::surroundings(), 1_772_366_400_000)
    }
}
