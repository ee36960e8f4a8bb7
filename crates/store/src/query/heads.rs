//! Sessions with what tells how they stand: their notes and their latest events, for many at once.

use std::collections::HashSet;

use oriel_model::{About, EventNumber, Note, QuietLimit, SessionId, StoredEvent};
use rusqlite::{Connection, OptionalExtension, params};

use super::events::read_event;
use super::sessions::{COLUMNS, Session, select, session_of};
use crate::notes;
use crate::readers::ReadError;
use crate::store::Store;

/// No more of a session's latest events are read than this.
const EVENTS_MAX: usize = 60;

/// A session and what tells how it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Head {
    /// The session.
    pub session: Session,
    /// What is known of it, by name.
    pub notes: Vec<Note>,
    /// Its latest events, newest first, as far as they were asked for.
    pub events: Vec<StoredEvent>,
}

/// Which sessions are asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HeadsQuery {
    /// These, as far as they exist.
    pub named: Vec<String>,
    /// And so many of the liveliest: active, then idle, then those that ended.
    pub liveliest: usize,
    /// Of these none whose last event came before this moment, in Unix seconds.
    pub since: i64,
}

/// Sessions of one moment.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Heads {
    /// The last event that is in any of it.
    pub last_event: EventNumber,
    /// Each session once.
    pub heads: Vec<Head>,
}

impl Store {
    /// Returns sessions with what tells how they stand. Events of each are read, newest first, until
    /// `enough` says so of its notes and of those that were read.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn heads(
        &self,
        query: HeadsQuery,
        now: i64,
        quiet: QuietLimit,
        enough: impl Fn(&[Note], &[StoredEvent]) -> bool + Send + 'static,
    ) -> Result<Heads, ReadError> {
        self.readers()
            .ask(move |connection| {
                let last_event = connection
                    .prepare_cached("SELECT ifnull(max(id), 0) FROM events")?
                    .query_row([], |row| row.get(0).map(EventNumber))?;
                let mut sessions = select(
                    connection,
                    &super::SessionFilter::default(),
                    query.since,
                    query.liveliest,
                    now,
                    quiet,
                )?;
                let mut known: HashSet<i64> = sessions.iter().map(|(no, _)| *no).collect();
                let mut find = connection
                    .prepare_cached(&format!("SELECT {COLUMNS} FROM sessions WHERE id = ?1"))?;
                for id in &query.named {
                    if let Some((no, session)) = find.query_row([id], session_of).optional()?
                        && known.insert(no)
                    {
                        sessions.push((no, session));
                    }
                }
                let heads = sessions.into_iter().map(|one| head(connection, one, &enough));
                Ok(Heads { last_event, heads: heads.collect::<rusqlite::Result<_>>()? })
            })
            .await
    }
}

fn head(
    connection: &Connection,
    (no, session): (i64, Session),
    enough: &impl Fn(&[Note], &[StoredEvent]) -> bool,
) -> rusqlite::Result<Head> {
    let notes = notes::read(connection, &About::Session(SessionId(session.id.clone())))?;
    let mut numbers = connection.prepare_cached(
        "SELECT id FROM events INDEXED BY events_by_session WHERE session = ?1 \
         ORDER BY created_at DESC, id DESC LIMIT ?2",
    )?;
    let mut numbers = numbers.query(params![no, EVENTS_MAX])?;
    let mut events = Vec::new();
    while let Some(row) = numbers.next()? {
        events.push(read_event(connection, EventNumber(row.get(0)?))?);
        if enough(&notes, &events) {
            break;
        }
    }
    Ok(Head { session, notes, events })
}
