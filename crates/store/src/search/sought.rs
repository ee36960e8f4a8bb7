//! Words that are looked for in what an event says of itself, beside its texts.

use oriel_model::{EventNumber, NewEvent};
use rusqlite::Connection;

use super::ask::Ask;
use super::index::first_text;
use super::matching::marks;
use super::pack::unpack;

/// What someone typed to look for among events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sought {
    typed: String,
    ask: Ask,
}

impl Sought {
    /// Reads what was typed, as [`super::SearchQuery::words`] is read.
    #[must_use]
    pub fn of(typed: &str) -> Self {
        Self { typed: typed.to_owned(), ask: Ask::of(typed) }
    }

    pub(crate) fn typed(&self) -> &str {
        &self.typed
    }

    /// Returns whether an event says it: in its metadata, its tool, its model, its project or its
    /// branch.
    #[must_use]
    pub fn is_said_by(&self, event: &NewEvent) -> bool {
        if self.ask.is_nothing() {
            return false;
        }
        let mut text = event.metadata.said();
        let words =
            [&event.facet.tool_name, &event.facet.model, &event.place.project, &event.place.branch];
        for word in words.into_iter().flatten() {
            text.push('\n');
            text.push_str(word);
        }
        marks(&self.ask, &text).is_some()
    }
}

/// Returns whether a text of an event has what is looked for.
pub(crate) fn texts_have(
    connection: &Connection,
    event: EventNumber,
    sought: &Sought,
) -> rusqlite::Result<bool> {
    if sought.ask.is_nothing() {
        return Ok(false);
    }
    let mut read =
        connection.prepare_cached("SELECT text FROM texts WHERE no >= ?1 AND no < ?2")?;
    let ends = [first_text(event), first_text(EventNumber(event.0.saturating_add(1)))];
    let mut rows = read.query(ends)?;
    while let Some(row) = rows.next()? {
        if marks(&sought.ask, &unpack(row.get_ref(0)?)?).is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}
