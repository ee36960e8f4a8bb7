//! What was said and done in a session, with the very words, read part by part.
//!
//! A part begins beside an event and goes on in the order in which events were received, so that a
//! session of any length is read in steps that each cost what they return.

use oriel_model::{EventNumber, Role, StoredEvent};
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, params, params_from_iter};

use super::events::read_event;
use crate::readers::ReadError;
use crate::search::texts_of_event;
use crate::store::Store;

/// So many bytes of texts and metadata fill a part, however few entries that are.
const PART_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Which part of a session is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// What came after an event; 0 is before all.
    After(EventNumber),
    /// What came before an event.
    Before(EventNumber),
    /// The last of all.
    Last,
}

/// Which entries are asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntriesQuery {
    /// Of this session.
    pub session: String,
    /// Which of them.
    pub part: Part,
    /// None that came after this event.
    pub until: Option<EventNumber>,
    /// How many.
    pub limit: usize,
    /// How many bytes of each text.
    pub text_bytes: usize,
}

/// Words of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryText {
    /// Whose they are.
    pub role: Role,
    /// Their beginning.
    pub text: String,
    /// How long they are altogether, in bytes.
    pub bytes: usize,
}

/// An event with its words.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The event.
    pub event: StoredEvent,
    /// What was said in it.
    pub texts: Vec<EntryText>,
}

/// A part of a session, oldest first.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Entries {
    /// The entries.
    pub entries: Vec<Entry>,
    /// Whether there are some before these.
    pub has_older: bool,
    /// Whether there are some after these.
    pub has_newer: bool,
}

impl Store {
    /// Returns a part of a session, or nothing where there is no such session.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn entries(&self, query: EntriesQuery) -> Result<Option<Entries>, ReadError> {
        self.readers().ask(move |connection| read(connection, &query)).await
    }

    /// Returns the words of an event, each up to so many bytes.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn texts(
        &self,
        event: EventNumber,
        text_bytes: usize,
    ) -> Result<Vec<EntryText>, ReadError> {
        self.readers().ask(move |connection| texts_of_event(connection, event, text_bytes)).await
    }
}

fn read(connection: &Connection, query: &EntriesQuery) -> rusqlite::Result<Option<Entries>> {
    let session: Option<i64> = connection
        .prepare_cached("SELECT no FROM sessions WHERE id = ?1")?
        .query_row([&query.session], |row| row.get(0))
        .optional()?;
    let Some(session) = session else { return Ok(None) };
    let until = query.until.map_or(i64::MAX, |number| number.0);
    let limit = query.limit.max(1);
    let (backwards, from) = match query.part {
        Part::After(number) => (false, number.0),
        Part::Before(number) => (true, number.0),
        Part::Last => (true, i64::MAX),
    };
    let mut numbers = walk(connection, session, from, backwards, until, limit + 1)?;
    let mut is_more = numbers.len() > limit;
    numbers.truncate(limit);
    let (mut entries, mut bytes) = (Vec::new(), 0);
    for number in numbers {
        if bytes >= PART_BYTES_MAX {
            is_more = true;
            break;
        }
        let event = read_event(connection, EventNumber(number))?;
        let texts = texts_of_event(connection, EventNumber(number), query.text_bytes)?;
        bytes += event.event.metadata.text().len();
        bytes += texts.iter().map(|text| text.text.len()).sum::<usize>();
        entries.push(Entry { event, texts });
    }
    if backwards {
        entries.reverse();
    }
    // Beyond the end where reading began there is something, unless that is the end of all.
    let beyond = match entries.first().zip(entries.last()) {
        Some((first, last)) => {
            let edge = if backwards { last } else { first }.event.number.0;
            !walk(connection, session, edge, !backwards, until, 1)?.is_empty()
        }
        // The event that reading began beside is one of them.
        None => {
            let edge = from.saturating_add(if backwards { -1 } else { 1 });
            !walk(connection, session, edge, !backwards, until, 1)?.is_empty()
        }
    };
    let (has_older, has_newer) = if backwards { (is_more, beyond) } else { (beyond, is_more) };
    Ok(Some(Entries { entries, has_older, has_newer }))
}

/// Returns the numbers of the events of a session beside an event, which need not be there any more.
fn walk(
    connection: &Connection,
    session: i64,
    from: i64,
    backwards: bool,
    until: i64,
    limit: usize,
) -> rusqlite::Result<Vec<i64>> {
    // An index has a session's events by when they were received, so this is where to begin.
    let at: Option<i64> = connection
        .prepare_cached("SELECT created_at FROM events WHERE id <= ?1 ORDER BY id DESC LIMIT 1")?
        .query_row(params![from], |row| row.get(0))
        .optional()?;
    let (than, order) = if backwards { ("<", "DESC") } else { (">", "ASC") };
    let sql = format!(
        "SELECT id FROM events INDEXED BY events_by_session WHERE session = ? \
         AND (created_at, id) {than} (?, ?) AND id <= ? \
         ORDER BY created_at {order}, id {order} LIMIT ?"
    );
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let at = at.unwrap_or(i64::MIN);
    let at = if from == i64::MAX { i64::MAX } else { at };
    let values = [session, at, from, until, limit].map(Value::from);
    connection
        .prepare_cached(&sql)?
        .query_map(params_from_iter(values), |row| row.get(0))?
        .collect()
}
