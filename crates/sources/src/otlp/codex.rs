//! What Codex says in its log records.

use oriel_model::{EventKind, Key, Outcome, Role};

use super::attributes::Attributes;
use super::claude::keyed;
use super::input;
use super::log::{Fate, Log};
use super::notes::Notes;
use super::usage::Inclusive;
use crate::draft::{Draft, clip};
use crate::parsed::Reason;

/// Codex's name in keys.
const AGENT: &str = "codex";

/// How much of a tool's output is shown beside its event.
const PREVIEW_UNITS: usize = 500;

/// Returns the fate of a record, where its name is one of Codex's.
pub(super) fn fate(log: &Log<'_>, notes: &mut Notes) -> Option<Fate> {
    Some(match log.short_name() {
        "conversation_starts" => Fate::Event(start(log, notes)),
        "user_prompt" => Fate::Event(prompt(log)),
        "sse_event" | "websocket_event" | "websocket.event" => stream(log),
        "api_request" | "websocket_request" => Fate::Event(request(log)),
        "tool_result" | "tool_use" => Fate::Event(tool_result(log)),
        "tool_decision" => Fate::Event(tool_decision(log, notes)),
        "sandbox_outcome" => Fate::Event(
            tool(log, &[]).fact("sandbox_outcome", log.told.text(&["outcome"]).as_deref()),
        ),
        // Who receives a message tells nothing but that it came.
        "agent_communication" if log.told.get("sender_thread_id").is_none() => {
            Fate::LeftOut(Reason::SaidElsewhere)
        }
        "agent_communication" => Fate::Event(communication(log)),
        "turn_ttft" | "startup_phase" | "websocket_connect" => Fate::LeftOut(Reason::Internals),
        "" => Fate::LeftOut(Reason::Internals),
        _ => return None,
    })
}

/// Returns the thread that sends a message to another one: such records name no conversation.
pub(super) fn sender(agent: &str, told: &Attributes) -> Option<String> {
    let id = (agent == AGENT).then(|| told.text(&["sender_thread_id"])).flatten()?;
    Some(id.trim().to_owned())
}

fn thread<'a>(log: &'a Log<'_>) -> &'a str {
    log.session.as_deref().unwrap_or_default()
}

fn start(log: &Log<'_>, notes: &mut Notes) -> Draft {
    let told = log.told;
    for (note, name) in
        [("model", "model"), ("version", "app.version"), ("effort", "reasoning_effort")]
    {
        notes.add(log.session.as_deref(), note, told.text(&[name]).as_deref(), log.at_ms);
    }
    let names = [
        "provider_name",
        "reasoning_effort",
        "reasoning_summary",
        "context_window",
        "max_output_tokens",
        "auto_compact_token_limit",
        "approval_policy",
        "sandbox_policy",
        "mcp_servers",
        "active_profile",
        "originator",
        "app.version",
    ];
    let draft = log.draft_with(EventKind::SessionStart, &names);
    draft.key(Key::one(AGENT, "start", thread(log)))
}

fn prompt(log: &Log<'_>) -> Draft {
    let length = log.told.count(&["prompt_length"]);
    let length = length.or_else(|| Some(log.prompt()?.chars().count() as u64));
    let key =
        length.map(|length| Key::alike(AGENT, "prompt", &format!("{} {length}", thread(log))));
    keyed(log.prompted(), key)
}

/// Returns the fate of what a model streams: the one piece that ends it tells the usage.
fn stream(log: &Log<'_>) -> Fate {
    let told = log.told;
    let kind = told.text(&["event.kind", "kind"]).unwrap_or_default();
    let failed = matches!(&*kind, "response.failed" | "response.incomplete" | "error")
        || told.text(&["error.message", "error"]).is_some()
        || told.flag("success") == Some(false);
    if failed {
        return Fate::Event(failure(log));
    }
    if kind != "response.completed" {
        return Fate::LeftOut(Reason::Internals);
    }
    let count = |name: &str| told.count(&[name]);
    let (Some(input), Some(output)) = (count("input_token_count"), count("output_token_count"))
    else {
        return Fate::LeftOut(Reason::SaidElsewhere);
    };
    let cached = count("cached_token_count").unwrap_or_default();
    let written = count("cache_write_token_count").unwrap_or_default();
    let reasoning = count("reasoning_token_count").unwrap_or_default();
    let tokens = Inclusive { input, cached, written, output }.parted();
    let id = told.text(&["response_id", "response.id"]);
    let what = format!("{} {input} {cached} {output} {reasoning}", thread(log));
    let draft = log.draft_with(EventKind::LlmResponse, &["ttft_ms", "service_tier"]).tokens(tokens);
    let draft = draft.fact("reasoning_tokens", Some(reasoning).filter(|count| *count > 0));
    let draft = keyed(draft, id.map(|id| Key::one(AGENT, "response", &id)));
    Fate::Event(draft.key(Key::alike(AGENT, "usage", &what)))
}

fn request(log: &Log<'_>) -> Draft {
    let told = log.told;
    let status = told.number(&["http.response.status_code"]).unwrap_or_default();
    let failed = status >= 400.0 || told.text(&["error.message"]).is_some();
    if failed || told.flag("success") == Some(false) {
        return failure(log);
    }
    log.draft_with(EventKind::LlmRequest, &["attempt", "endpoint"])
}

fn failure(log: &Log<'_>) -> Draft {
    let status = log.told.plain("http.response.status_code");
    let names = ["attempt", "endpoint", "event.kind"];
    log.draft_with(EventKind::Error, &names)
        .fact("status_code", status)
        .fact("error", log.told.words(&["error.message", "error", "message"]).as_deref())
}

fn tool_result(log: &Log<'_>) -> Draft {
    let told = log.told;
    let name = told.text(&["tool_name"]);
    let names = ["agent_name", "mcp_server", "output_truncated"];
    let mut draft = tool(log, &names);
    if let Some(given) = told.words(&["arguments"]) {
        draft = input::facts(draft, name.as_deref(), &given, usize::MAX).text(Role::Input, &given);
    }
    if let Some(patch) = log.body.get("input").and_then(serde_json::Value::as_str)
        && name.as_deref() == Some("apply_patch")
    {
        draft = input::edit_facts(draft, crate::edits::patch(patch));
    }
    let failed = told.flag("success") == Some(false);
    if let Some(output) = told.words(&["output"]) {
        let preview = clip(&output, PREVIEW_UNITS);
        draft = draft.text(Role::Output, &output).fact("content_preview", preview);
        if failed {
            draft = draft.fact("error", preview);
        }
    }
    if failed { draft.outcome(Outcome::Error) } else { draft }
}

fn tool_decision(log: &Log<'_>, notes: &mut Notes) -> Draft {
    notes.waits_no_more(log.session.as_deref(), log.at_ms);
    let decision = log.told.text(&["decision"]);
    let is_refusal =
        matches!(decision.as_deref(), Some("denied" | "abort" | "reject" | "timed_out"));
    let draft = tool(log, &[])
        .fact("decision", decision.as_deref())
        .fact("decision_source", log.told.text(&["source"]).as_deref());
    if is_refusal { draft.outcome(Outcome::Error).fact("denied", true) } else { draft }
}

/// Begins an event with which call of a tool it is.
fn tool(log: &Log<'_>, names: &[&str]) -> Draft {
    let id = log.told.text(&["call_id"]);
    let draft = log
        .draft_with(EventKind::ToolUse, names)
        .fact("tool_use_id", id.as_deref())
        .fact("namespace", log.told.text(&["tool_namespace"]).as_deref());
    keyed(draft, id.map(|id| Key::one(AGENT, "tool", &id)))
}

/// Makes the event of a message between threads.
fn communication(log: &Log<'_>) -> Draft {
    let names = ["kind", "state", "sender_thread_id", "receiver_thread_id", "communication_id"];
    let mut draft = log.draft_with(EventKind::Response, &names);
    if let Some(words) = log.told.words(&["content"]) {
        draft = draft.text(Role::Answer, &words).fact("message", &*words);
    }
    let id = log.told.text(&["communication_id"]);
    keyed(draft, id.map(|id| Key::one(AGENT, "communication", &id)))
}
