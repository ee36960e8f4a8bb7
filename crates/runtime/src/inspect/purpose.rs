//! What a captured request is for, by where it was sent and by what it says.

use std::path::Path;

use serde_json::Value;

/// What a request is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// It exports log records.
    Logs,
    /// It exports spans.
    Traces,
    /// It exports meters.
    Metrics,
    /// It is what a hook, a status line or a `notify` program was given.
    Hook,
    /// It asks a model.
    Model,
    /// It is for something else.
    Other,
}

/// Stands for Gemini CLI, whose hooks Oriel does not read.
pub(super) const GEMINI: &str = "gemini-cli";

/// Hooks that only Gemini CLI has.
const GEMINI_HOOKS: [&str; 8] = [
    "BeforeAgent",
    "AfterAgent",
    "BeforeModel",
    "AfterModel",
    "BeforeTool",
    "AfterTool",
    "BeforeToolSelection",
    "PreCompress",
];

/// Returns what a request to this path is for.
pub(super) fn purpose(path: &str) -> Purpose {
    let path = plain(path);
    let ends = |endings: &[&str]| endings.iter().any(|ending| path.ends_with(ending));
    let is_asking = || {
        ends(&["/messages", "/responses", "/completions", "/count_tokens", "/compact"])
            || ends(&[":generateContent", ":streamGenerateContent", ":countTokens"])
    };
    match () {
        () if ends(&["/v1/logs"]) => Purpose::Logs,
        () if ends(&["/v1/traces"]) => Purpose::Traces,
        () if ends(&["/v1/metrics"]) => Purpose::Metrics,
        () if path.contains("/hook") || path.contains("/notify") => Purpose::Hook,
        () if is_asking() => Purpose::Model,
        () => Purpose::Other,
    }
}

/// Returns what a body is for by the name of its file.
pub(super) fn purpose_of_name(path: &Path) -> Purpose {
    let name = path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
    match () {
        () if name.contains("logs") => Purpose::Logs,
        () if name.contains("traces") => Purpose::Traces,
        () if name.contains("metrics") => Purpose::Metrics,
        () => Purpose::Other,
    }
}

/// Returns which export a body is, by either spelling of what they hold.
pub(super) fn purpose_of_body(body: &Value) -> Option<Purpose> {
    let has = |fields: [&str; 2]| fields.iter().any(|field| body.get(field).is_some());
    match () {
        () if has(["resourceLogs", "resource_logs"]) => Some(Purpose::Logs),
        () if has(["resourceSpans", "resource_spans"]) => Some(Purpose::Traces),
        () if has(["resourceMetrics", "resource_metrics"]) => Some(Purpose::Metrics),
        () => None,
    }
}

/// Returns whose hook is posted to a path that says so.
pub(super) fn agent_of_path(path: &str) -> Option<&'static str> {
    let path = plain(path);
    let last = path.rsplit('/').next().unwrap_or_default();
    ["claude-code", "claude-code-statusline", "codex", "codex-notify"]
        .into_iter()
        .find(|agent| *agent == last)
        .or_else(|| (last == "notify").then_some("codex-notify"))
}

/// Returns whose hook a body is of.
pub(super) fn agent_of(body: &Value) -> Option<&'static str> {
    let word = |name: &str| body.get(name).and_then(Value::as_str);
    let has = |name: &str| body.get(name).is_some_and(|value| !value.is_null());
    let names = |part: &str| {
        let paths = ["transcript_path", "agent_transcript_path"];
        paths.into_iter().filter_map(word).any(|path| path.contains(part))
    };
    let Some(hook) = word("hook_event_name") else {
        return match () {
            () if word("type") == Some("agent-turn-complete") => Some("codex-notify"),
            () if has("session_id") && has("workspace") => Some("claude-code-statusline"),
            () => None,
        };
    };
    Some(match () {
        () if names("/.gemini/") || GEMINI_HOOKS.contains(&hook) || has("timestamp") => GEMINI,
        () if names("rollout-") || names("/.codex/") => "codex",
        // Codex names its model with every hook, and no file for a thread that it does not keep.
        () if !has("transcript_path") && has("model") && has("permission_mode") => "codex",
        () => "claude-code",
    })
}

fn plain(path: &str) -> &str {
    path.split('?').next().unwrap_or_default().trim_end_matches('/')
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_path_says_what_a_request_is_for() {
        for (path, expected) in [
            ("/v1/logs", Purpose::Logs),
            ("/api/otel/v1/metrics?x=1", Purpose::Metrics),
            ("/hook/cmd", Purpose::Hook),
            ("/api/hooks/codex", Purpose::Hook),
            ("/hook/notify", Purpose::Hook),
            ("/v1/messages?beta=true", Purpose::Model),
            ("/v1beta/models/g:streamGenerateContent", Purpose::Model),
            ("/oai/v1/analytics/turn-costs", Purpose::Other),
        ] {
            assert_eq!(purpose(path), expected, "{path}");
        }
        assert_eq!(agent_of_path("/api/hooks/codex/"), Some("codex"));
        assert_eq!(agent_of_path("/hook/notify"), Some("codex-notify"));
        assert_eq!(agent_of_path("/hook/cmd"), None);
    }

    #[test]
    fn a_body_says_whose_hook_it_is_of() {
        let stop = |rest: Value| {
            let mut body = json!({ "hook_event_name": "Stop", "session_id": "s" });
            for (name, value) in rest.as_object().unwrap() {
                body[name] = value.clone();
            }
            body
        };
        for (body, expected) in [
            (stop(json!({})), Some("claude-code")),
            (stop(json!({ "transcript_path": "/h/rollout-1.jsonl" })), Some("codex")),
            (stop(json!({ "model": "m", "permission_mode": "default" })), Some("codex")),
            (json!({ "hook_event_name": "BeforeTool" }), Some(GEMINI)),
            (json!({ "type": "agent-turn-complete" }), Some("codex-notify")),
            (json!({ "session_id": "s", "workspace": {} }), Some("claude-code-statusline")),
            (json!({ "session_id": "s" }), None),
        ] {
            assert_eq!(agent_of(&body), expected, "{body}");
        }
    }
}
