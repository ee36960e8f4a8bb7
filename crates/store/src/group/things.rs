//! Which event is the one of a thing that several sources tell of, and who told of it.
//!
//! A thing is found by its keys. The first telling makes the event and the others are kept beside
//! it, each with its own numbers, so that what one source knows and another does not stays visible.

use oriel_model::{EventNumber, Key, NewEvent, StoredEvent};
use rusqlite::{Connection, OptionalExtension, params};
use sha2::{Digest, Sha256};

/// The tables of things and of what was told of them.
pub(crate) const TABLES: &str = "
CREATE TABLE things (key BLOB PRIMARY KEY, event INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE tellings (
    event INTEGER NOT NULL, nth INTEGER NOT NULL, source TEXT NOT NULL, event_id TEXT,
    told_at INTEGER NOT NULL, tokens_in INTEGER NOT NULL, tokens_out INTEGER NOT NULL,
    cache_read INTEGER NOT NULL, cache_write INTEGER NOT NULL, cache_write_1h INTEGER NOT NULL,
    cost_usd REAL, stated INTEGER NOT NULL, duration_ms INTEGER, client_ms INTEGER, model TEXT,
    PRIMARY KEY (event, nth)
) WITHOUT ROWID;
CREATE UNIQUE INDEX tellings_by_event_id ON tellings (event_id) WHERE event_id IS NOT NULL;
";

/// An event keeps the numbers of so many tellings. Further ones are learnt from and not kept.
const TELLINGS_MAX: i64 = 64;

/// A name is tried for so many things that look alike. Beyond it, alike things are not joined.
const ALIKE_MAX: usize = 256;

/// An event has at most so many keys.
const KEYS_MAX: usize = 8;

/// Where an event stands among the things that are known.
pub(crate) enum Found {
    /// Nobody told of it yet. These keys are to lead to it.
    New(Vec<[u8; 16]>),
    /// This event is of the same thing. These keys are to lead to it too.
    Known(EventNumber, Vec<[u8; 16]>),
    /// This very telling is known.
    Duplicate,
}

/// Finds the event of the thing that an event tells of.
pub(crate) fn find(connection: &Connection, event: &NewEvent) -> rusqlite::Result<Found> {
    let mut unknown = Vec::new();
    let mut known = None;
    let (shared, own): (Vec<_>, Vec<_>) =
        event.told.keys.iter().take(KEYS_MAX).partition(|key| key.repeats);
    for key in own {
        let hash = hash(&key.name);
        match event_of(connection, &hash)? {
            Some(number) => known = known.or(Some(number)),
            None => unknown.push(hash),
        }
    }
    for key in shared {
        // A name that many things share says nothing that a surer one did not.
        if known.is_some() {
            break;
        }
        match find_alike(connection, key, event)? {
            Alike::At(number) => known = Some(number),
            Alike::Free(hash) => unknown.push(hash),
            Alike::Duplicate => return Ok(Found::Duplicate),
            Alike::TooMany => {}
        }
    }
    match known {
        None => Ok(Found::New(unknown)),
        Some(number) if is_told(connection, number, event)? => Ok(Found::Duplicate),
        Some(number) => Ok(Found::Known(number, unknown)),
    }
}

/// Lets keys lead to an event.
pub(crate) fn name(
    connection: &Connection,
    number: EventNumber,
    keys: &[[u8; 16]],
) -> rusqlite::Result<()> {
    let mut insert =
        connection.prepare_cached("INSERT INTO things VALUES (?1, ?2) ON CONFLICT DO NOTHING")?;
    for key in keys {
        insert.execute(params![key, number.0])?;
    }
    Ok(())
}

/// Keeps what was told of an event that another source had told of. The first time, what the event
/// itself was made of is kept too, since it may change now.
pub(crate) fn keep(
    connection: &Connection,
    first: &StoredEvent,
    event: &NewEvent,
    at: i64,
) -> rusqlite::Result<()> {
    let kept: i64 = connection
        .prepare_cached("SELECT count(*) FROM tellings WHERE event = ?1")?
        .query_row([first.number.0], |row| row.get(0))?;
    if kept == 0 {
        // The name of the first telling is that of the event itself.
        insert(connection, first.number, 0, None, &first.event, first.created_at)?;
    }
    if kept >= TELLINGS_MAX {
        return Ok(());
    }
    let event_id = event.event_id.as_ref().map(|id| id.0.as_str());
    insert(connection, first.number, kept.max(1), event_id, event, at)
}

fn insert(
    connection: &Connection,
    number: EventNumber,
    nth: i64,
    event_id: Option<&str>,
    event: &NewEvent,
    at: i64,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO tellings VALUES \
             (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15) \
             ON CONFLICT DO NOTHING",
        )?
        .execute(params![
            number.0,
            nth,
            event.facet.source,
            event_id,
            at,
            event.tokens.input,
            event.tokens.output,
            event.tokens.cache_read,
            event.tokens.cache_write,
            event.tokens.cache_write_1h,
            event.cost_usd,
            event.told.cost_is_stated,
            event.duration_ms,
            event.client_ms,
            event.facet.model,
        ])?;
    Ok(())
}

enum Alike {
    /// The first of that name that this source has not told of.
    At(EventNumber),
    /// It has told of all of them; this is where the next one goes.
    Free([u8; 16]),
    Duplicate,
    TooMany,
}

fn find_alike(connection: &Connection, key: &Key, event: &NewEvent) -> rusqlite::Result<Alike> {
    for nth in 0..ALIKE_MAX {
        let hash = hash(&format!("{} #{nth}", key.name));
        let Some(number) = event_of(connection, &hash)? else { return Ok(Alike::Free(hash)) };
        if is_told(connection, number, event)? {
            return Ok(Alike::Duplicate);
        }
        if !has_told(connection, number, &event.facet.source)? {
            return Ok(Alike::At(number));
        }
    }
    Ok(Alike::TooMany)
}

fn event_of(connection: &Connection, key: &[u8; 16]) -> rusqlite::Result<Option<EventNumber>> {
    connection
        .prepare_cached("SELECT event FROM things WHERE key = ?1")?
        .query_row([key], |row| row.get(0).map(EventNumber))
        .optional()
}

/// Returns whether this very telling of an event is known.
fn is_told(
    connection: &Connection,
    number: EventNumber,
    event: &NewEvent,
) -> rusqlite::Result<bool> {
    let Some(id) = &event.event_id else { return Ok(false) };
    connection
        .prepare_cached(
            "SELECT 1 FROM events WHERE id = ?1 AND event_id = ?2 \
             UNION ALL SELECT 1 FROM tellings WHERE event_id = ?2",
        )?
        .exists(params![number.0, id.0])
}

fn has_told(connection: &Connection, number: EventNumber, source: &str) -> rusqlite::Result<bool> {
    connection
        .prepare_cached(
            "SELECT 1 FROM events e JOIN facets f ON f.no = e.facet \
             WHERE e.id = ?1 AND f.source = ?2 \
             UNION ALL SELECT 1 FROM tellings WHERE event = ?1 AND source = ?2",
        )?
        .exists(params![number.0, source])
}

fn hash(name: &str) -> [u8; 16] {
    let digest = Sha256::digest(name.as_bytes());
    let mut key = [0; 16];
    key.copy_from_slice(&digest[..16]);
    key
}
