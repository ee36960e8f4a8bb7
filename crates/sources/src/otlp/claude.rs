//! What Claude Code says in its log records.

use oriel_model::{EventKind, Key, Outcome, Role};

use super::input;
use super::log::{Fate, Log};
use super::notes::Notes;
use super::usage;
use crate::claude::usage_key;
use crate::draft::{Draft, clip};
use crate::parsed::Reason;

/// Claude Code's name in keys.
pub(super) const AGENT: &str = "claude_code";

/// Values of a tool's input with fewer UTF-16 units than this are whole. Claude Code shortens long
/// ones, and the lines of what is left would be too few.
pub(super) const WHOLE_INPUT_MAX: usize = 500;

/// How much of an answer is shown beside its event.
const PREVIEW_UNITS: usize = 500;

/// What stands before a notice that the program writes as if a person had.
const NOTICE: &str = "<task-notification>";

/// Returns the fate of a record, where its name is one of Claude Code's.
pub(super) fn fate(log: &Log<'_>, notes: &mut Notes) -> Option<Fate> {
    let told = log.told;
    notes.add(
        log.session.as_deref(),
        "version",
        log.resource.text(&["service.version"]).as_deref(),
        log.at_ms,
    );
    Some(match log.short_name() {
        "api_request" => Fate::Event(request(log, notes)),
        "assistant_response" => answer(log),
        "user_prompt" | "user_prompt_submit" => prompt(log),
        "tool_result" | "tool_use" => Fate::Event(tool_result(log)),
        "tool_decision" => tool_decision(log, notes),
        "api_error" | "api_retries_exhausted" | "api_refusal" | "internal_error" => {
            Fate::Event(failure(log))
        }
        "compaction" => {
            let names = ["trigger", "pre_tokens", "post_tokens", "error", "prompt.id"];
            let draft = outcome(log, log.draft_with(EventKind::Response, &names));
            let prompt = told.text(&["prompt.id"]);
            Fate::Event(keyed(draft, prompt.map(|id| Key::alike(AGENT, "compaction", &id))))
        }
        "subagent_completed" => Fate::Event(subagent(log)),
        "skill_activated" => Fate::Event(log.draft_with(
            EventKind::Response,
            &["skill.name", "skill.source", "invocation_trigger", "plugin.name"],
        )),
        "mcp_server_connection" => Fate::Event(log.draft_with(
            EventKind::Response,
            &[
                "status",
                "transport_type",
                "server_scope",
                "server_name",
                "mcp_server.name",
                "error",
            ],
        )),
        "permission_mode_changed" => {
            let mode = told.text(&["to_mode", "new_mode", "permission_mode", "mode"]);
            notes.add(log.session.as_deref(), "permission_mode", mode.as_deref(), log.at_ms);
            let names = ["from_mode", "to_mode", "permission_mode", "mode", "trigger"];
            Fate::Event(log.draft_with(EventKind::Response, &names))
        }
        "response" => Fate::LeftOut(Reason::SaidElsewhere),
        "system_prompt" => Fate::LeftOut(Reason::Scaffolding),
        "hook_registered"
        | "hook_execution_start"
        | "hook_execution_complete"
        | "hook_plugin_metrics"
        | "plugin_loaded"
        | "managed_settings_resolved"
        | "auth" => Fate::LeftOut(Reason::Housekeeping),
        _ => return None,
    })
}

pub(super) fn keyed(draft: Draft, key: Option<Key>) -> Draft {
    match key {
        Some(key) => draft.key(key),
        None => draft,
    }
}

fn request(log: &Log<'_>, notes: &mut Notes) -> Draft {
    let told = log.told;
    let tokens = usage::common(told, &log.body);
    let has_cost = told.number(&["cost_usd", "cost_usd_micros"]).is_some();
    if usage::is_none(tokens) && !has_cost {
        return keyed(log.draft(EventKind::LlmRequest), request_key(log));
    }
    let asker = told.text(&["query_source"]);
    let is_main = matches!(asker.as_deref(), None | Some("sdk" | "repl_main_thread" | "main"));
    if is_main && told.get("agent_id").is_none() {
        for (name, value) in [("model", told.text(&["model"])), ("effort", told.text(&["effort"]))]
        {
            notes.add(log.session.as_deref(), name, value.as_deref(), log.at_ms);
        }
    }
    let names = [
        "request_id",
        "query_source",
        "effort",
        "speed",
        "ttft_ms",
        "agent_id",
        "agent.name",
        "skill.name",
        "mcp_server.name",
        "mcp_tool.name",
        "stop_reason",
    ];
    let draft = log.draft_with(EventKind::LlmResponse, &names);
    let session = log.session.as_deref().unwrap_or_default();
    let alike = || usage_key(session, told.text(&["model"]).as_deref(), tokens);
    keyed(prompt_id(log, draft), request_key(log).or_else(alike))
}

/// Makes more of a request: what the model answered.
fn answer(log: &Log<'_>) -> Fate {
    let told = log.told;
    let words = told.words(&["response"]);
    let key = request_key(log);
    if words.is_none() && key.is_some() {
        return Fate::LeftOut(Reason::Empty);
    }
    // Without a name for its request it would be counted as one more.
    let kind = if key.is_some() { EventKind::LlmResponse } else { EventKind::Response };
    let mut draft = log.draft_with(kind, &["request_id", "query_source", "agent_id"]);
    if let Some(words) = words {
        draft =
            draft.text(Role::Answer, &words).fact("content_preview", clip(&words, PREVIEW_UNITS));
    }
    Fate::Event(keyed(prompt_id(log, draft), key))
}

fn prompt(log: &Log<'_>) -> Fate {
    if log.prompt().is_some_and(|prompt| prompt.trim_start().starts_with(NOTICE)) {
        return Fate::LeftOut(Reason::Scaffolding);
    }
    let mut draft = log.prompted();
    for name in ["prompt_length", "command_name", "command_source"] {
        draft = draft.fact(name, log.told.plain(name));
    }
    let id = log.told.text(&["prompt.id"]);
    Fate::Event(keyed(prompt_id(log, draft), id.map(|id| Key::one(AGENT, "prompt", &id))))
}

fn tool_result(log: &Log<'_>) -> Draft {
    let names =
        ["error_type", "agent_id", "decision_type", "decision_source", "tool_result_size_bytes"];
    let draft = tool(log, log.draft_with(EventKind::ToolUse, &names));
    outcome(log, draft).fact("error", log.told.words(&["error"]).as_deref())
}

fn tool_decision(log: &Log<'_>, notes: &mut Notes) -> Fate {
    let told = log.told;
    let session = log.session.as_deref();
    notes.waits_no_more(session, log.at_ms);
    let mode = told.text(&["permission_mode"]);
    notes.add(session, "permission_mode", mode.as_deref(), log.at_ms);
    let decision = told.text(&["decision"]);
    let is_refusal = matches!(decision.as_deref(), Some("reject" | "deny" | "denied"));
    if !is_refusal && told.text(&["tool_use_id"]).is_none() {
        // The result tells of the same call, and nothing would join the two.
        return Fate::LeftOut(Reason::SaidElsewhere);
    }
    let draft = tool(log, log.draft_with(EventKind::ToolUse, &["agent_id", "permission_mode"]))
        .fact("decision", decision.as_deref())
        .fact("decision_source", told.text(&["source"]).as_deref());
    Fate::Event(if is_refusal { draft.outcome(Outcome::Error).fact("denied", true) } else { draft })
}

/// Adds which call of a tool it is and what the tool was given.
fn tool(log: &Log<'_>, mut draft: Draft) -> Draft {
    let told = log.told;
    let name = told.text(&["tool_name"]);
    // What is known of the input in full comes last, since that is what stays.
    for given in ["tool_parameters", "tool_input"] {
        if let Some(given) = told.words(&[given]) {
            draft = input::facts(draft, name.as_deref(), &given, WHOLE_INPUT_MAX);
        }
    }
    if let Some(given) = told.words(&["tool_input", "tool_parameters"]) {
        draft = draft.text(Role::Input, &given);
    }
    if let Some(patch) = log.body.get("input").and_then(serde_json::Value::as_str)
        && name.as_deref() == Some("apply_patch")
    {
        draft = input::edit_facts(draft, crate::edits::patch(patch));
    }
    let id = told.text(&["tool_use_id"]);
    let draft = draft.fact("tool_use_id", id.as_deref());
    keyed(prompt_id(log, draft), id.map(|id| Key::one(AGENT, "tool", &id)))
}

fn failure(log: &Log<'_>) -> Draft {
    let names = [
        "status_code",
        "attempt",
        "total_attempts",
        "request_id",
        "query_source",
        "error_type",
        "error_name",
        "error_code",
    ];
    let draft = log
        .draft_with(EventKind::Error, &names)
        .fact("error", log.told.words(&["error", "error.message", "message"]).as_deref());
    let id = log.told.text(&["request_id"]);
    keyed(prompt_id(log, draft), id.map(|id| Key::one(AGENT, "error", &id)))
}

fn subagent(log: &Log<'_>) -> Draft {
    let names =
        ["agent_id", "agent_type", "agent.source", "is_async", "total_tokens", "total_tool_uses"];
    let draft = log.draft_with(EventKind::Response, &names);
    let id = log.told.text(&["agent_id"]);
    keyed(prompt_id(log, draft), id.map(|id| Key::one(AGENT, "subagent", &id)))
}

fn request_key(log: &Log<'_>) -> Option<Key> {
    log.told.text(&["request_id"]).map(|id| Key::one(AGENT, "request", &id))
}

fn prompt_id(log: &Log<'_>, draft: Draft) -> Draft {
    draft.fact("prompt_id", log.told.text(&["prompt.id"]).as_deref())
}

fn outcome(log: &Log<'_>, draft: Draft) -> Draft {
    match log.told.flag("success") {
        Some(false) => draft.outcome(Outcome::Error),
        _ => draft,
    }
}
