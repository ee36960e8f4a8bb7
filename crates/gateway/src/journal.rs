//! A session's own database: what happened in it, in order, and what is needed to go on after a crash.
//!
//! Everything here is plain SQL on a connection that somebody else opened. A durable event is kept as the
//! very frame that clients were sent, so whoever asks again gets the same bytes.

pub(crate) mod files;
mod messages;

use oriel_wire::gateway::{OpenQuestion, SessionEvent, SessionMeta};
use rusqlite::{Connection, OptionalExtension, params};

use crate::files::Iteration;
use crate::registry::{json, unread};

pub(crate) use messages::messages;

pub(crate) const VERSION: i64 = 1;

pub(crate) const SCHEMA: &str = "
    CREATE TABLE session (
        one INTEGER PRIMARY KEY CHECK (one = 1),
        meta TEXT NOT NULL,
        native_session TEXT,
        seq_reserved INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE events (
        seq INTEGER PRIMARY KEY,
        turn_id TEXT,
        ts INTEGER NOT NULL,
        kind TEXT NOT NULL,
        is_said INTEGER NOT NULL,
        frame TEXT NOT NULL
    ) STRICT;
    CREATE INDEX said ON events (seq) WHERE is_said = 1;
    CREATE TABLE turn_names (
        client_turn_id TEXT PRIMARY KEY,
        turn_id TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE open_turn (
        one INTEGER PRIMARY KEY CHECK (one = 1),
        turn_id TEXT NOT NULL,
        started_seq INTEGER NOT NULL,
        open_text TEXT NOT NULL
    ) STRICT;
    CREATE TABLE questions (
        question_id TEXT PRIMARY KEY,
        asked_seq INTEGER NOT NULL,
        is_resolved INTEGER NOT NULL DEFAULT 0,
        body TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX waiting ON questions (asked_seq) WHERE is_resolved = 0;
    CREATE TABLE iterations (
        path TEXT NOT NULL,
        iteration INTEGER NOT NULL,
        ts INTEGER NOT NULL,
        size INTEGER NOT NULL,
        hash TEXT NOT NULL,
        author TEXT NOT NULL,
        is_kept INTEGER NOT NULL,
        PRIMARY KEY (path, iteration)
    ) STRICT, WITHOUT ROWID;
";

/// What is written together.
#[derive(Debug, Default)]
pub(crate) struct Entry {
    /// Durable events in order.
    pub(crate) events: Vec<EventRow>,
    /// The session as it is after them.
    pub(crate) meta: Option<SessionMeta>,
    /// The agent's own name for the session.
    pub(crate) native_session: Option<String>,
    /// No number up to this one is ever given again.
    pub(crate) seq_reserved: Option<u64>,
    /// Questions that wait from now on, with the number of the event that asked.
    pub(crate) asked: Vec<(u64, OpenQuestion)>,
    /// Questions that wait no more.
    pub(crate) resolved: Vec<String>,
    /// The turn that runs after this, or that none does; none where nothing changes.
    pub(crate) turn: Option<Option<OpenTurn>>,
    /// States of files that were seen.
    pub(crate) iterations: Vec<Iteration>,
    /// The client's name for a turn, and the turn.
    pub(crate) turn_name: Option<(String, String)>,
}

/// A durable event on its way to disk.
#[derive(Debug, Clone)]
pub(crate) struct EventRow {
    pub(crate) seq: u64,
    pub(crate) turn_id: Option<String>,
    pub(crate) ts: i64,
    /// What kind of event it is, where somebody looks for that kind.
    pub(crate) kind: Kind,
    pub(crate) frame: String,
}

/// The kinds of events that are looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// It holds what somebody said, for the history.
    Said,
    /// It holds a stretch of the agent's text.
    Stretch,
    /// Anything else.
    Other,
}

/// A turn that runs, as far as it must be known after a crash: what the agent said up to its last
/// `text.complete` stands in the events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OpenTurn {
    pub(crate) turn_id: String,
    /// The number of the event that began it.
    pub(crate) started_seq: u64,
    /// What the agent said since its last `text.complete`.
    pub(crate) open_text: String,
}

/// A session as it was left.
#[derive(Debug, PartialEq)]
pub(crate) struct Left {
    pub(crate) meta: SessionMeta,
    pub(crate) native_session: Option<String>,
    pub(crate) seq_reserved: u64,
    pub(crate) turn: Option<OpenTurn>,
    pub(crate) waiting: Vec<OpenQuestion>,
}

impl Entry {
    /// Returns whether there is nothing to write.
    pub(crate) fn is_empty(&self) -> bool {
        let Self { events, meta, native_session, seq_reserved, asked, resolved, .. } = self;
        let Self { iterations, turn, turn_name, .. } = self;
        (events.is_empty() && iterations.is_empty())
            && (meta.is_none() && native_session.is_none() && seq_reserved.is_none())
            && (asked.is_empty() && resolved.is_empty() && turn.is_none() && turn_name.is_none())
    }
}

impl Kind {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Said => "said",
            Self::Stretch => "stretch",
            Self::Other => "other",
        }
    }
}

/// Makes the row of a session in its new database.
pub(crate) fn create(connection: &Connection, meta: &SessionMeta) -> rusqlite::Result<()> {
    let sql = "INSERT INTO session (one, meta, seq_reserved) VALUES (1, ?1, 0)";
    connection.execute(sql, [json(meta)?]).map(drop)
}

/// Reads a session as it was left.
pub(crate) fn load(connection: &Connection) -> rusqlite::Result<Left> {
    let sql = "SELECT meta, native_session, seq_reserved FROM session";
    let (meta, native_session, reserved): (String, _, u64) =
        connection.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    let newest: u64 =
        connection.query_row("SELECT coalesce(max(seq), 0) FROM events", [], |row| row.get(0))?;
    let turn =
        connection.query_row("SELECT turn_id, started_seq, open_text FROM open_turn", [], |row| {
            Ok(OpenTurn { turn_id: row.get(0)?, started_seq: row.get(1)?, open_text: row.get(2)? })
        });
    let sql = "SELECT body FROM questions WHERE is_resolved = 0 ORDER BY asked_seq";
    let mut statement = connection.prepare(sql)?;
    let waiting = statement.query_map([], |row| {
        let body: String = row.get(0)?;
        serde_json::from_str(&body).map_err(|error| unread(0, error))
    })?;
    Ok(Left {
        meta: serde_json::from_str(&meta).map_err(|error| unread(0, error))?,
        native_session,
        // The events are looked at too: a number that stands there was given, whatever else is told.
        seq_reserved: reserved.max(newest),
        turn: turn.optional()?,
        waiting: waiting.collect::<rusqlite::Result<_>>()?,
    })
}

/// Writes what belongs together.
pub(crate) fn append(connection: &Connection, entry: &Entry) -> rusqlite::Result<()> {
    if let Some(seq) = entry.seq_reserved {
        let sql = "UPDATE session SET seq_reserved = ?1";
        connection.prepare_cached(sql)?.execute([seq])?;
    }
    let sql =
        "INSERT INTO events (seq, turn_id, ts, kind, is_said, frame) VALUES (?, ?, ?, ?, ?, ?)";
    let mut insert = connection.prepare_cached(sql)?;
    for EventRow { seq, turn_id, ts, kind, frame } in &entry.events {
        let is_said = *kind == Kind::Said;
        insert.execute(params![seq, turn_id, ts, kind.as_str(), is_said, frame])?;
    }
    for (seq, question) in &entry.asked {
        let sql = "INSERT INTO questions (question_id, asked_seq, body) VALUES (?, ?, ?)";
        connection.prepare_cached(sql)?.execute(params![
            question.question_id,
            seq,
            json(question)?
        ])?;
    }
    for question in &entry.resolved {
        let sql = "UPDATE questions SET is_resolved = 1 WHERE question_id = ?1";
        connection.prepare_cached(sql)?.execute([question])?;
    }
    match &entry.turn {
        None => {}
        Some(None) => drop(connection.prepare_cached("DELETE FROM open_turn")?.execute([])?),
        Some(Some(OpenTurn { turn_id, started_seq, open_text })) => {
            let sql = "INSERT OR REPLACE INTO open_turn (one, turn_id, started_seq, open_text) \
                       VALUES (1, ?, ?, ?)";
            connection.prepare_cached(sql)?.execute(params![turn_id, started_seq, open_text])?;
        }
    }
    for iteration in &entry.iterations {
        files::add(connection, iteration)?;
    }
    if let Some((name, turn_id)) = &entry.turn_name {
        let sql = "INSERT INTO turn_names (client_turn_id, turn_id) VALUES (?, ?)";
        connection.prepare_cached(sql)?.execute([name, turn_id])?;
    }
    if let Some(meta) = &entry.meta {
        connection.prepare_cached("UPDATE session SET meta = ?1")?.execute([json(meta)?])?;
    }
    if let Some(native) = &entry.native_session {
        connection.prepare_cached("UPDATE session SET native_session = ?1")?.execute([native])?;
    }
    Ok(())
}

/// Frames of durable events, and where the next ones begin.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Page {
    /// The frames in order with their numbers.
    pub(crate) frames: Vec<(u64, String)>,
    /// Whether there are more after these.
    pub(crate) has_more: bool,
}

/// Returns the frames of durable events after one number and up to another: as many as asked for, and no
/// more than so many bytes, but one at least.
pub(crate) fn frames(
    connection: &Connection,
    after: u64,
    up_to: u64,
    count: usize,
    bytes_max: usize,
) -> rusqlite::Result<Page> {
    let sql = "SELECT seq, frame FROM events WHERE seq > ?1 AND seq <= ?2 ORDER BY seq";
    let mut statement = connection.prepare_cached(sql)?;
    // SQLite's numbers have a sign.
    let most = |seq: u64| i64::try_from(seq).unwrap_or(i64::MAX);
    let mut rows = statement.query(params![most(after), most(up_to)])?;
    let mut page = Page::default();
    let mut bytes = 0_usize;
    while let Some(row) = rows.next()? {
        let frame: String = row.get(1)?;
        bytes += frame.len();
        let is_full = page.frames.len() >= count || bytes > bytes_max;
        if is_full && !page.frames.is_empty() {
            page.has_more = true;
            break;
        }
        page.frames.push((row.get(0)?, frame));
    }
    Ok(page)
}

/// Returns the number of the last durable event, or 0.
pub(crate) fn last_seq(connection: &Connection) -> rusqlite::Result<u64> {
    connection.query_row("SELECT coalesce(max(seq), 0) FROM events", [], |row| row.get(0))
}

/// Returns the agent's own name for the session, once it has told it.
pub(crate) fn native_session(connection: &Connection) -> rusqlite::Result<Option<String>> {
    connection.query_row("SELECT native_session FROM session", [], |row| row.get(0))
}

/// Returns the turn to which a client gave a name.
pub(crate) fn turn_named(connection: &Connection, name: &str) -> rusqlite::Result<Option<String>> {
    let sql = "SELECT turn_id FROM turn_names WHERE client_turn_id = ?1";
    connection.query_row(sql, [name], |row| row.get(0)).optional()
}

/// Returns whether a question was ever asked.
pub(crate) fn was_asked(connection: &Connection, question: &str) -> rusqlite::Result<bool> {
    let sql = "SELECT EXISTS (SELECT 1 FROM questions WHERE question_id = ?1)";
    connection.query_row(sql, [question], |row| row.get(0))
}

/// Returns what the agent said from an event on, in stretches that were told whole.
pub(crate) fn stretches(connection: &Connection, from: u64) -> rusqlite::Result<Vec<SessionEvent>> {
    let sql = "SELECT frame FROM events WHERE seq >= ?1 AND kind = 'stretch' ORDER BY seq";
    let mut statement = connection.prepare(sql)?;
    let events = statement.query_map([from], |row| event(&row.get::<_, String>(0)?))?;
    events.collect()
}

/// Reads an event from its frame.
pub(crate) fn event(frame: &str) -> rusqlite::Result<SessionEvent> {
    serde_json::from_str(frame).map_err(|error| unread(0, error))
}

#[cfg(test)]
mod tests;
