//! What Codex hands to the program that its setting `notify` names: one JSON argument, once a turn
//! is over.

use oriel_model::{About, EventKind, Note, SessionId, Sign};
use serde_json::json;

use super::AGENT;
use super::hooks::HookError;
use super::rollout::{folder_name, turn_key};
use crate::draft::{Draft, clip};
use crate::ids::hashed;
use crate::loose::{Fields, line_text};
use crate::parsed::{Parsed, Reason};

/// Reads the argument. The time is when it came, since it does not say so.
pub fn read(body: &[u8], now_ms: i64) -> Result<Parsed, HookError> {
    let text = line_text(body);
    let fields = Fields::read(&text).ok_or(HookError::NoObject)?;
    let word = |names: &[&str]| {
        let text = fields.first(names)?.text()?;
        Some(clip(text.trim(), 1_000).to_owned()).filter(|text| !text.is_empty())
    };
    let kind = word(&["type"]).ok_or(HookError::NoName)?;
    let mut out = Parsed::default();
    if kind != "agent-turn-complete" {
        out.tally.left_out(clip(&kind, 60), Reason::Housekeeping);
        return Ok(out);
    }
    let thread = word(&["thread-id", "thread_id", "session_id"]).ok_or(HookError::NoSession)?;
    let turn = word(&["turn-id", "turn_id"]).unwrap_or_default();
    let cwd = word(&["cwd"]);
    let answer = fields.first(&["last-assistant-message", "last_assistant_message"]);
    let answer = answer.and_then(crate::loose::Loose::text).unwrap_or_default();
    let draft = Draft::new(AGENT, "hook", &thread, EventKind::Response)
        .id(hashed("hook-cdx-", &text))
        .key(turn_key(&thread, &turn))
        .at(Some(now_ms))
        .place(cwd.as_deref().map(folder_name), None)
        .sign(Sign::TurnOver)
        .fact("prompt_id", turn)
        .fact("content_preview", clip(&answer, 500));
    out.events.push(draft.build());
    let about = || About::Session(SessionId(thread.clone()));
    let waiting = json!({ "for": "input", "what": null, "tool": null }).to_string();
    out.notes.push(Note {
        about: about(),
        name: "waiting".to_owned(),
        value: waiting,
        at_ms: now_ms,
    });
    if let Some(cwd) = cwd {
        let value = json!(cwd).to_string();
        out.notes.push(Note { about: about(), name: "cwd".to_owned(), value, at_ms: now_ms });
    }
    out.tally.told();
    Ok(out)
}
