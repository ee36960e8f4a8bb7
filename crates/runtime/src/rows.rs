//! From what the store holds to the rows that readers get.

use std::borrow::Cow;

use oriel_model::{Phase, QuietLimit, StoredEvent};
use oriel_store::Session;
use oriel_wire::time::{iso_text, sqlite_text};
use oriel_wire::{EventRow, SessionRow};

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
