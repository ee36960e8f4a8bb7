//! What Gemini CLI and Qwen Code, which grew from it, say in their log records.

use oriel_model::{EventKind, Key, Outcome, Role};

use super::attributes::Attributes;
use super::claude::keyed;
use super::input;
use super::log::{Fate, Log};
use super::notes::Notes;
use super::usage::Inclusive;
use crate::draft::{Draft, clip};
use crate::parsed::Reason;

/// How much of an answer is shown beside its event.
const PREVIEW_UNITS: usize = 500;

/// Returns the fate of a record, where its name is one of theirs.
pub(super) fn fate(log: &Log<'_>, notes: &mut Notes) -> Option<Fate> {
    let own = log.short_name();
    Some(match own {
        "api_response" => Fate::Event(response(log)),
        "api_request" => Fate::LeftOut(Reason::SaidElsewhere),
        "api_error" => Fate::Event(failure(log)),
        "tool_call" => Fate::Event(tool_call(log)),
        "user_prompt" => Fate::Event(prompt(log)),
        "config" => Fate::Event(start(log, notes)),
        "file_operation" => Fate::LeftOut(Reason::SaidElsewhere),
        "hook_call"
        | "startup_stats"
        | "auth"
        | "ripgrep_fallback"
        | "memory.recall"
        | "plan.approval_mode_duration"
        | "approval_mode_duration" => Fate::LeftOut(Reason::Housekeeping),
        "model_routing" | "next_speaker_check" | "content_retry" => {
            Fate::LeftOut(Reason::Internals)
        }
        // They tell each request in words of their own as well.
        _ if own.starts_with("gen_ai.") => Fate::LeftOut(Reason::SaidElsewhere),
        _ => return None,
    })
}

fn response(log: &Log<'_>) -> Draft {
    let told = log.told;
    let count = |name: &str| told.count(&[name]).unwrap_or_default();
    let (input, cached) = (count("input_token_count"), count("cached_content_token_count"));
    let (output, thoughts) = (count("output_token_count"), count("thoughts_token_count"));
    let (thought, tool) = beside(log.agent, told);
    let tokens = Inclusive {
        input: input.saturating_add(tool),
        cached,
        written: 0,
        output: output.saturating_add(thought),
    };
    let names = ["prompt_id", "response_id", "role", "status_code", "subagent_name"];
    let mut draft = log.draft_with(EventKind::LlmResponse, &names).tokens(tokens.parted());
    draft = draft.fact("reasoning_tokens", Some(thoughts).filter(|count| *count > 0));
    if let Some(words) = told.words(&["response_text"]) {
        let words = spoken(&words);
        draft =
            draft.text(Role::Answer, &words).fact("content_preview", clip(&words, PREVIEW_UNITS));
    }
    let id = told.text(&["response_id"]);
    let draft = keyed(draft, id.map(|id| Key::one(log.agent, "response", &id)));
    let session = log.session.as_deref().unwrap_or_default();
    let what = format!("{session} {input} {cached} {output} {thoughts}");
    draft.key(Key::alike(log.agent, "usage", &what))
}

/// Returns the tokens of thoughts and of tools' prompts that are told beside output and input, and
/// not as a part of them. The total shows which it is; it differs by the service that answers.
fn beside(agent: &str, told: &Attributes) -> (u64, u64) {
    let count = |name: &str| told.count(&[name]);
    let thoughts = count("thoughts_token_count").unwrap_or_default();
    let tool = count("tool_token_count").unwrap_or_default();
    let Some(total) = count("total_token_count").filter(|total| *total > 0) else {
        return if agent == "gemini_cli" { (thoughts, tool) } else { (0, 0) };
    };
    let within = count("input_token_count").unwrap_or_default();
    let within = within.saturating_add(count("output_token_count").unwrap_or_default());
    let rest = total.saturating_sub(within);
    let thought = thoughts.min(rest);
    (thought, tool.min(rest - thought))
}

/// Returns the words of an answer, which may be told as the service's whole answer in JSON.
fn spoken(text: &str) -> String {
    let Ok(answer) = serde_json::from_str::<serde_json::Value>(text) else {
        return text.to_owned();
    };
    let parts = answer.pointer("/candidates/0/content/parts").and_then(|parts| parts.as_array());
    let Some(parts) = parts else { return text.to_owned() };
    parts.iter().filter_map(|part| part.get("text")?.as_str()).collect()
}

fn failure(log: &Log<'_>) -> Draft {
    let names = ["error_type", "status_code", "prompt_id", "role"];
    let error = ["error.message", "error", "error_message"];
    log.draft_with(EventKind::Error, &names).fact("error", log.told.words(&error).as_deref())
}

fn tool_call(log: &Log<'_>) -> Draft {
    let told = log.told;
    let name = told.text(&["function_name", "tool_name"]);
    let names = ["prompt_id", "decision", "error_type", "tool_type", "mcp_server_name"];
    let mut draft = log.draft_with(EventKind::ToolUse, &names).tool(name.as_deref());
    if let Some(given) = told.words(&["function_args"]) {
        draft = input::facts(draft, name.as_deref(), &given, usize::MAX).text(Role::Input, &given);
    }
    let id = told.text(&["call_id", "tool_call_id", "gen_ai.tool.call.id"]);
    draft = draft
        .fact("tool_use_id", id.as_deref())
        .fact("error", told.words(&["error", "error.message"]).as_deref());
    let is_refusal = told.text(&["decision"]).as_deref() == Some("reject");
    if is_refusal {
        draft = draft.fact("denied", true);
    }
    if is_refusal || told.flag("success") == Some(false) {
        draft = draft.outcome(Outcome::Error);
    }
    keyed(draft, id.map(|id| Key::one(log.agent, "tool", &id)))
}

fn prompt(log: &Log<'_>) -> Draft {
    log.prompted().fact("prompt_id", log.told.text(&["prompt_id"]).as_deref())
}

fn start(log: &Log<'_>, notes: &mut Notes) -> Draft {
    let session = log.session.as_deref();
    let (told, resource) = (log.told, log.resource);
    for (name, value) in [
        ("model", told.text(&["model"])),
        ("permission_mode", told.text(&["approval_mode"])),
        ("version", resource.text(&["service.version"])),
    ] {
        notes.add(session, name, value.as_deref(), log.at_ms);
    }
    let names = [
        "approval_mode",
        "sandbox_enabled",
        "mcp_servers",
        "extensions",
        "output_format",
        "worktree_active",
    ];
    let draft = log.draft_with(EventKind::SessionStart, &names);
    keyed(draft, session.map(|session| Key::one(log.agent, "start", session)))
}
