//! Events as tests post them.

use serde_json::{Value, json};

/// Returns a plain event of this name, in the session `s1`.
#[must_use]
pub fn event(id: &str) -> Value {
    json!({
        "event_id": id,
        "session_id": "s1",
        "agent_type": "codex",
        "event_type": "tool_use",
        "tool_name": "Bash",
    })
}

/// Returns an event of this name with further members, which replace those of [`event`].
#[must_use]
pub fn event_with(id: &str, members: &Value) -> Value {
    let mut event = event(id);
    for (name, value) in members.as_object().into_iter().flatten() {
        event[name] = value.clone();
    }
    event
}

/// Returns a batch of events with these names.
#[must_use]
pub fn batch(ids: &[String]) -> Value {
    json!({ "events": ids.iter().map(|id| event(id)).collect::<Vec<_>>() })
}

/// Returns so many names that begin alike.
#[must_use]
pub fn names(prefix: &str, count: usize) -> Vec<String> {
    (0..count).map(|number| format!("{prefix}-{number}")).collect()
}
