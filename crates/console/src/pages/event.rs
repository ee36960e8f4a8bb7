//! One event: what it is, what each source told of it, its words, and whatever else its sender said.

use axum::extract::{Path, State};
use minijinja::context;
use oriel_wire::EventWithTellings;
use serde_json::Value;

use super::sessions::entry::Entry;
use crate::address::{Address, of_session};
use crate::app::Shared;
use crate::error::PageError;
use crate::page::{Page, shown};

/// Shows an event.
pub(crate) async fn page(
    State(app): Shared,
    Path(number): Path<String>,
) -> Result<Page, PageError> {
    let number: i64 = number
        .parse()
        .map_err(|_| PageError::NotFound(format!("{number:?} is no number of an event")))?;
    let found = app.runtime.get(&format!("/api/events/{number}")).await;
    let EventWithTellings { event, tellings, texts } = found?;
    let metadata = serde_json::from_str::<Value>(&event.metadata)
        .ok()
        .and_then(|value| serde_json::to_string_pretty(&value).ok())
        .unwrap_or_else(|| event.metadata.clone().into_owned());
    let whole = oriel_wire::SessionEntry { event, texts };
    let entry = Entry::of(&whole);
    let session = of_session(&whole.event.session_id);
    let there = Address::new(&session).with("at", Some(number));
    let shows = context! {
        event => shown(&whole.event),
        texts => shown(&whole.texts),
        entry => shown(&entry),
        tellings => shown(&tellings),
        metadata => if metadata == "{}" { None } else { Some(metadata) },
        session_url => session,
        there_url => format!("{}#e-{number}", there.as_str()),
    };
    Ok(Page::new("event", format!("Event {number}"), shows))
}
