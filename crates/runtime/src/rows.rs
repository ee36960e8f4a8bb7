//! From what the store holds to the rows that readers get.

use std::borrow::Cow;

use oriel_model::{EventKind, Phase, QuietLimit, StoredEvent};
use oriel_store::Session;
use oriel_wire::time::{iso_text, sqlite_text};
use oriel_wire::{EventBrief, EventRow, SessionRow};

use crate::fields::{pick, text};

/// What tells most of an event, the first that says anything.
const DETAILS: [&str; 7] =
    ["content_preview", "command", "file_path", "pattern", "query", "error", "diff_preview"];

/// A line about an event has no more characters than this.
const LINE_CHARS_MAX: usize = 160;

/// The version of an event's form.
const SCHEMA_VERSION: u8 = 1;

/// Returns an event as readers get it.
pub(crate) fn event_row(stored: &StoredEvent) -> EventRow<'_> {
    fn word(word: Option<&String>) -> Option<Cow<'_, str>> {
        word.map(|word| Cow::Borrowed(word.as_str()))
    }
    let event = &stored.event;
    let facet = &event.facet;
    EventRow {
        id: stored.number.0,
        event_id: word(event.event_id.as_ref().map(|id| &id.0)),
        schema_version: SCHEMA_VERSION,
        session_id: Cow::Borrowed(&event.session_id.0),
        agent_type: Cow::Borrowed(&facet.agent_type),
        event_type: Cow::Borrowed(facet.kind.as_str()),
        tool_name: word(facet.tool_name.as_ref()),
        status: Cow::Borrowed(facet.outcome.as_str()),
        tokens_in: event.tokens.input,
        tokens_out: event.tokens.output,
        branch: word(event.place.branch.as_ref()),
        project: word(event.place.project.as_ref()),
        duration_ms: event.duration_ms,
        created_at: Cow::Owned(sqlite_text(stored.created_at)),
        client_timestamp: event.client_ms.map(|at| Cow::Owned(iso_text(at))),
        metadata: Cow::Borrowed(event.metadata.text()),
        payload_truncated: u8::from(event.metadata.truncated()),
        model: word(facet.model.as_ref()),
        cost_usd: event.cost_usd,
        cache_read_tokens: event.tokens.cache_read,
        cache_write_tokens: event.tokens.cache_write,
        source: Cow::Borrowed(&facet.source),
    }
}

/// Returns words of an event as readers get them.
pub(crate) fn text_row(text: oriel_store::EntryText) -> oriel_wire::EntryText {
    let oriel_store::EntryText { role, text, bytes } = text;
    oriel_wire::EntryText { role: role.as_str().to_owned(), text, bytes: bytes as u64 }
}

/// Returns a session as readers get it at `now`.
pub(crate) fn session_row(session: Session, now: i64, quiet: QuietLimit) -> SessionRow {
    let phase = session.phase(now, quiet);
    SessionRow {
        agent_id: format!("{}-default", session.agent_type),
        id: session.id,
        agent_type: session.agent_type,
        project: session.project,
        branch: session.branch,
        status: phase.as_str().to_owned(),
        started_at: sqlite_text(session.started_at),
        ended_at: match phase {
            Phase::Ended { at } => Some(sqlite_text(at)),
            Phase::Active | Phase::Idle => None,
        },
        last_event_at: sqlite_text(session.life.last_event),
        metadata: "{}".to_owned(),
        event_count: session.events,
        tokens_in: session.tokens_in,
        tokens_out: session.tokens_out,
        total_cost_usd: session.cost.dollars(),
        files_edited: session.files_edited,
        lines_added: session.lines_added,
        lines_removed: session.lines_removed,
    }
}

/// Returns an event in a line.
pub(crate) fn brief(stored: &StoredEvent) -> EventBrief {
    let facet = &stored.event.facet;
    EventBrief {
        id: stored.number.0,
        event_type: facet.kind.as_str().to_owned(),
        tool_name: facet.tool_name.clone(),
        status: facet.outcome.as_str().to_owned(),
        detail: detail_line(stored),
        created_at: sqlite_text(stored.created_at),
    }
}

/// Returns the most telling text of an event, in a line.
pub(crate) fn detail_line(stored: &StoredEvent) -> Option<String> {
    let text = detail(stored.event.facet.kind, stored.event.metadata.text())?;
    let line = text.lines().map(str::trim).find(|line| !line.is_empty())?;
    let end = line.char_indices().nth(LINE_CHARS_MAX).map(|(end, _)| end);
    Some(match end {
        Some(end) => format!("{}…", line[..end].trim_end()),
        None => line.to_owned(),
    })
}

/// Returns when an event happened, in Unix milliseconds: by its sender's clock where it told, else
/// when it was received.
pub(crate) fn happened_ms(stored: &StoredEvent) -> i64 {
    stored.event.client_ms.unwrap_or(stored.created_at.saturating_mul(1000))
}

/// Returns the most telling text of an event.
pub(crate) fn detail(kind: EventKind, metadata: &str) -> Option<String> {
    let message = match kind {
        EventKind::UserPrompt => pick(metadata, ["message"])[0].and_then(text),
        _ => None,
    };
    message.or_else(|| {
        DETAILS.iter().zip(pick(metadata, DETAILS)).find_map(|(&name, value)| {
            let value = value?;
            text(value).or_else(|| match name {
                "error" => pick(value.get(), ["message"])[0].and_then(text),
                _ => None,
            })
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_detail_is_the_first_thing_that_says_anything() {
        let tool = EventKind::ToolUse;
        check(tool, r#"{"file_path":"a.rs","command":"ls"}"#, Some("ls"));
        check(tool, r#"{"command":"","file_path":"a.rs"}"#, Some("a.rs"));
        check(tool, r#"{"error":{"message":"broken"}}"#, Some("broken"));
        check(tool, r#"{"message":"for prompts only"}"#, None);
        check(EventKind::UserPrompt, r#"{"message":"hello","command":"ls"}"#, Some("hello"));
        check(tool, r#""text""#, None);
        check(tool, "not json", None);
    }

    #[test]
    fn a_line_is_the_first_that_says_anything_and_not_too_long() {
        let long = "ä".repeat(LINE_CHARS_MAX + 1);
        for (text, expected) in [
            ("\\n  \\n one \\n two", Some("one".to_owned())),
            (&long, Some(format!("{}…", "ä".repeat(LINE_CHARS_MAX)))),
            ("  ", None),
        ] {
            assert_eq!(detail_line(&stored(&format!(r#"{{"command":"{text}"}}"#))), expected);
        }
    }

    fn stored(metadata: &str) -> StoredEvent {
        StoredEvent {
            number: oriel_model::EventNumber(1),
            created_at: 0,
            event: oriel_model::NewEvent {
                event_id: None,
                session_id: oriel_model::SessionId("s".to_owned()),
                facet: oriel_model::Facet {
                    agent_type: "codex".to_owned(),
                    kind: EventKind::ToolUse,
                    outcome: oriel_model::Outcome::Success,
                    tool_name: None,
                    model: None,
                    source: "hook".to_owned(),
                },
                place: oriel_model::Place::default(),
                tokens: oriel_model::Tokens::default(),
                cost_usd: None,
                duration_ms: None,
                client_ms: None,
                metadata: oriel_model::Metadata::new(metadata.to_owned(), false),
                historical: false,
                told: oriel_model::Told::default(),
            },
        }
    }

    fn check(kind: EventKind, metadata: &str, expected: Option<&str>) {
        assert_eq!(detail(kind, metadata).as_deref(), expected, "{metadata}");
    }
}
