//! What sessions there are: a row for each, so that a list of them opens no other database.
//!
//! A session's own database is the truth; the row is what was true when nobody had the session in memory
//! last. `is_open` stands while somebody has, so that after a crash exactly those are looked at again.

use oriel_wire::gateway::SessionMeta;
use rusqlite::types::Type;
use rusqlite::{Connection, Row, params};

pub(crate) const VERSION: i64 = 1;

pub(crate) const SCHEMA: &str = "
    CREATE TABLE sessions (
        id TEXT PRIMARY KEY,
        meta TEXT NOT NULL,
        made_workspace INTEGER NOT NULL,
        is_open INTEGER NOT NULL DEFAULT 0,
        is_deleting INTEGER NOT NULL DEFAULT 0,
        handed_seq INTEGER NOT NULL DEFAULT 0
    ) STRICT, WITHOUT ROWID;
";

/// A session as the registry knows it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Known {
    /// As it was last.
    pub(crate) meta: SessionMeta,
    /// Whether the gateway made its workspace, and so removes it.
    pub(crate) made_workspace: bool,
    /// Whether somebody had it in memory.
    pub(crate) is_open: bool,
    /// Whether somebody began to delete it.
    pub(crate) is_deleting: bool,
    /// The last durable event that the monitor has taken.
    pub(crate) handed_seq: u64,
}

/// Returns every session. A row that cannot be read is passed over: the session's own database tells it
/// again.
pub(crate) fn all(connection: &Connection) -> rusqlite::Result<Vec<Known>> {
    let sql = "SELECT meta, made_workspace, is_open, is_deleting, handed_seq, id FROM sessions";
    let mut statement = connection.prepare(sql)?;
    let mut rows = statement.query([])?;
    let mut sessions = vec![];
    while let Some(row) = rows.next()? {
        match known(row) {
            Ok(session) => sessions.push(session),
            Err(error) => {
                let id: String = row.get(5)?;
                tracing::warn!(session = id, %error, "the row of a session cannot be read");
            }
        }
    }
    Ok(sessions)
}

/// Adds a session, or puts it in the place of a row that could not be read.
pub(crate) fn add(
    connection: &Connection,
    meta: &SessionMeta,
    made_workspace: bool,
) -> rusqlite::Result<()> {
    let sql = "INSERT OR REPLACE INTO sessions (id, meta, made_workspace) VALUES (?1, ?2, ?3)";
    connection.execute(sql, params![meta.id, json(meta)?, made_workspace]).map(drop)
}

/// Writes a session as it is now, and whether somebody has it in memory.
pub(crate) fn put(
    connection: &Connection,
    meta: &SessionMeta,
    is_open: bool,
) -> rusqlite::Result<()> {
    let sql = "UPDATE sessions SET meta = ?2, is_open = ?3 WHERE id = ?1";
    connection.execute(sql, params![meta.id, json(meta)?, is_open]).map(drop)
}

/// Says that a session is in somebody's memory from now on.
pub(crate) fn set_open(connection: &Connection, id: &str) -> rusqlite::Result<()> {
    connection.execute("UPDATE sessions SET is_open = 1 WHERE id = ?1", [id]).map(drop)
}

/// Says that a session is being deleted. From now on there is no way back.
pub(crate) fn set_deleting(connection: &Connection, id: &str) -> rusqlite::Result<()> {
    connection.execute("UPDATE sessions SET is_deleting = 1 WHERE id = ?1", [id]).map(drop)
}

/// Removes the row of a session of which nothing else is left.
pub(crate) fn remove(connection: &Connection, id: &str) -> rusqlite::Result<()> {
    connection.execute("DELETE FROM sessions WHERE id = ?1", [id]).map(drop)
}

/// Says how far the monitor has taken a session's events. It never goes back.
pub(crate) fn set_handed(connection: &Connection, id: &str, seq: u64) -> rusqlite::Result<()> {
    let sql = "UPDATE sessions SET handed_seq = max(handed_seq, ?2) WHERE id = ?1";
    connection.execute(sql, params![id, seq]).map(drop)
}

fn known(row: &Row<'_>) -> rusqlite::Result<Known> {
    let meta: String = row.get(0)?;
    let meta = serde_json::from_str(&meta).map_err(|error| unread(0, error))?;
    Ok(Known {
        meta,
        made_workspace: row.get(1)?,
        is_open: row.get(2)?,
        is_deleting: row.get(3)?,
        handed_seq: row.get(4)?,
    })
}

/// Returns a value as JSON, for a column.
pub(crate) fn json<T: serde::Serialize>(value: &T) -> rusqlite::Result<String> {
    serde_json::to_string(value)
        .map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))
}

/// Returns the error of a column whose JSON cannot be read.
pub(crate) fn unread(column: usize, error: serde_json::Error) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, Type::Text, Box::new(error))
}
