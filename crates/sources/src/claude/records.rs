//! What lines are for, by their type: which of them tell what happened, and why the others do not.

use crate::parsed::Reason;

/// What a line is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// It is read.
    Read,
    /// It tells nothing that happened.
    Ignored(Reason),
    /// Nobody knows; it is kept as it is.
    Unknown,
}

/// Returns what lines of a type are for.
pub(super) fn purpose(kind: &str) -> Purpose {
    match kind {
        "assistant" | "user" | "system" | "attachment" | "summary" | "ai-title"
        | "custom-title" | "agent-name" | "permission-mode" | "cost-state" | "worktree-state"
        | "tool_use" | "tool_result" | "error" | "session_start" | "session_end" => Purpose::Read,
        "last-prompt" | "queue-operation" => Purpose::Ignored(Reason::SaidElsewhere),
        "mode"
        | "agent-setting"
        | "atis-latch"
        | "tools-used"
        | "file-history-snapshot"
        | "file-history-delta" => Purpose::Ignored(Reason::Housekeeping),
        "api-request" | "api-request-shape" | "api-request-blob" => {
            Purpose::Ignored(Reason::Scaffolding)
        }
        "progress" => Purpose::Ignored(Reason::Internals),
        _ => Purpose::Unknown,
    }
}

/// Returns what lines of type `system` are for.
pub(super) fn system_purpose(subtype: &str) -> Purpose {
    match subtype {
        "compact_boundary" | "api_error" => Purpose::Read,
        "stop_hook_summary" => Purpose::Ignored(Reason::Internals),
        "turn_duration" | "local_command" | "informational" | "microcompact_boundary" => {
            Purpose::Ignored(Reason::Housekeeping)
        }
        _ => Purpose::Unknown,
    }
}
