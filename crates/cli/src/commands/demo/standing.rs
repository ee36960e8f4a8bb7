//! How things stand when somebody first looks: who waits, who has helpers, which limits are nearly
//! used up, and what nobody knows the price of.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::cast::{Said, Session};
use super::tales::TALES;

/// How often a tool fails in the session that gets nowhere.
const FAILURES: u32 = 6;

/// Returns everything that is told at once.
pub(super) fn scenes(now: Timestamp) -> Vec<Said> {
    [waits_for_permission(), waits_for_an_answer(), has_helpers(), gets_nowhere(), limits(now)]
        .concat()
}

/// Returns requests to a model without a price, so that sums have to say what they lack.
pub(super) fn unpriced(now: Timestamp) -> Vec<Value> {
    let event = |nth: i64| {
        let at = now - SignedDuration::from_mins(70 + 11 * nth);
        json!({
            "event_id": format!("demo-house-{nth}"), "session_id": "demo-house",
            "agent_type": "opencode", "event_type": "llm_response", "project": "ledger-import",
            "branch": "main", "source": "import", "model": "house-coder-32b",
            "tokens_in": 4_100 + 90 * nth, "tokens_out": 610, "duration_ms": 8_200,
            "client_timestamp": format!("{at:.3}"), "metadata": { "stop_reason": "stop" },
        })
    };
    (0..12).map(event).collect()
}

fn waits_for_permission() -> Vec<Said> {
    let tale = &TALES[3];
    let mut session = Session::new("demo-waits", tale);
    let turn = &tale.turns[0];
    let mut said = [session.start(), session.prompt(turn.prompt)].concat();
    for step in turn.steps {
        said.extend(session.begin(step));
        said.extend(session.end(step));
    }
    let call = json!({ "command": "terraform apply -auto-approve" });
    let asked = json!({ "tool_name": "Bash", "tool_input": call, "tool_use_id": "toolu-waits" });
    said.push(session.hook("PreToolUse", asked.clone()));
    said.push(session.hook("PermissionRequest", asked));
    said
}

fn waits_for_an_answer() -> Vec<Said> {
    let mut session = Session::new("demo-asks", &TALES[2]);
    let question = json!({ "questions": [{
        "question": "Amounts like 1.234 can mean two things. Which one holds for old files?",
        "options": [{ "label": "a thousand" }, { "label": "one and a bit" }],
    }] });
    let asked = json!({
        "tool_name": "AskUserQuestion", "tool_input": question, "tool_use_id": "toolu-asks",
    });
    let mut said = session.start();
    said.extend(session.prompt(TALES[2].turns[0].prompt));
    said.push(session.hook("PreToolUse", asked.clone()));
    said.push(session.hook("PermissionRequest", asked));
    said
}

fn has_helpers() -> Vec<Said> {
    let mut session = Session::new("demo-helpers", &TALES[0]);
    let mut said = session.start();
    said.extend(session.prompt("Review the whole queue: one helper for locking, one for errors."));
    for (agent, kind, task) in [
        ("a1f3", "reviewer", "Look for locks that are held over a wait"),
        ("b7c2", "reviewer", "Look for errors that are dropped"),
        ("c9d4", "Explore", "List every caller of send"),
    ] {
        let start = json!({ "agent_id": agent, "agent_type": kind, "description": task });
        said.push(session.hook("SubagentStart", start));
        let call = json!({
            "agent_id": agent, "agent_type": kind, "tool_name": "Grep",
            "tool_input": { "pattern": task }, "tool_use_id": format!("toolu-{agent}"),
            "tool_response": { "stdout": "src/queue.rs:41\nsrc/upload.rs:88" }, "duration_ms": 90,
        });
        said.push(session.hook("PostToolUse", call));
    }
    let stop = json!({
        "agent_id": "c9d4", "agent_type": "Explore",
        "last_assistant_message": "Four callers; two of them ignore what it returns.",
    });
    said.push(session.hook("SubagentStop", stop));
    said
}

fn gets_nowhere() -> Vec<Said> {
    let mut session = Session::new("demo-stuck", &TALES[1]);
    let mut said = session.start();
    said.extend(session.prompt("The build broke after the last merge. What changed?"));
    for nth in 0..FAILURES {
        let failed = json!({
            "tool_name": "Bash", "tool_input": { "command": "npm run build" },
            "tool_use_id": format!("toolu-stuck-{nth}"), "duration_ms": 21_000 + nth,
            "error": "src/api/client.ts:14:9 - error TS2322: Type 'undefined' is not assignable",
        });
        said.push(session.hook("PostToolUseFailure", failed));
    }
    said
}

fn limits(now: Timestamp) -> Vec<Said> {
    let session = Session::new("demo-waits", &TALES[3]);
    let limits = json!({
        "five_hour": { "used_percentage": 83.0, "resets_at": now.as_second() + 5_400 },
        "seven_day": { "used_percentage": 41.5, "resets_at": now.as_second() + 260_000 },
    });
    vec![session.status_line(Some(limits))]
}
