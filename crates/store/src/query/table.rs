//! The table of sessions: searched, filtered, sorted and read page by page.
//!
//! A page begins after the last row of the one before, by what is sorted by and the session's
//! number. So no row is lost or comes twice while rows stay as they are.

use oriel_model::{EventNumber, QuietLimit};
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, params_from_iter};

use super::entries::Entry;
use super::events::read_event;
use super::sessions::{COLUMNS, PhaseFilter, Session, session_of};
use crate::group::FLAG_PROMPT;
use crate::readers::ReadError;
use crate::search::texts_of_event;
use crate::store::Store;

/// In a store of more sessions than this it is not told how many match: to count them takes longer
/// than the page.
const COUNTED_MAX: i64 = 20_000;

/// So much of what is searched for is read.
const TEXT_BYTES_MAX: usize = 200;

/// So much of the words of a first prompt is read.
const OPENING_BYTES_MAX: usize = 300;

/// Which sessions are asked for. What is absent does not matter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TableFilter {
    /// Whose id begins with this, or whose title, project or branch has it, whatever the case.
    pub text: Option<String>,
    /// Of this agent type.
    pub agent_type: Option<String>,
    /// In this project.
    pub project: Option<String>,
    /// On this branch.
    pub branch: Option<String>,
    /// In this phase.
    pub phase: Option<PhaseFilter>,
    /// That used this model last.
    pub model: Option<String>,
}

/// What sessions are sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TableSort {
    /// When the last event was received.
    #[default]
    Last,
    /// When the first event was received.
    Started,
    /// What they cost.
    Cost,
    /// Tokens of all four kinds.
    Tokens,
    /// From the first event to the last.
    Duration,
    /// How many events they have.
    Events,
    /// How many turns they have.
    Turns,
}

/// Where a page ended: what its last session is sorted by, and the session's number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TableCursor {
    /// What it is sorted by.
    pub key: i64,
    /// Its number.
    pub no: i64,
}

/// Which page is asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TableQuery {
    /// Which sessions.
    pub filter: TableFilter,
    /// In which order.
    pub sort: TableSort,
    /// Whether the least comes first.
    pub ascending: bool,
    /// How many.
    pub limit: usize,
    /// After which one.
    pub after: Option<TableCursor>,
}

/// A session, and what tells it from others.
#[derive(Debug, Clone, PartialEq)]
pub struct TableRow {
    /// The session.
    pub session: Session,
    /// The JSON text of its title.
    pub title: Option<String>,
    /// The first prompt of a session without a title, with the beginning of its words.
    pub opening: Option<Entry>,
}

/// A page of sessions.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TablePage {
    /// The sessions.
    pub rows: Vec<TableRow>,
    /// Where to go on.
    pub next: Option<TableCursor>,
    /// How many match on all pages, where that is quick to tell.
    pub total: Option<u64>,
}

impl TableSort {
    /// Returns the order that a word stands for.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Some(match word {
            "last" => Self::Last,
            "started" => Self::Started,
            "cost" => Self::Cost,
            "tokens" => Self::Tokens,
            "duration" => Self::Duration,
            "events" => Self::Events,
            "turns" => Self::Turns,
            _ => return None,
        })
    }

    /// Returns what is sorted by, and how sessions are gone through. What changes with every event
    /// has no index, and then all sessions are: there are far fewer of them than events.
    fn key_and_source(self) -> (&'static str, &'static str) {
        const ALL: &str = "sessions all_sessions";
        match self {
            Self::Last => ("last_event", "sessions INDEXED BY sessions_by_last_event"),
            Self::Started => ("started_at", "sessions INDEXED BY sessions_by_start"),
            Self::Cost => ("cost", ALL),
            Self::Tokens => ("(tokens_in + tokens_out + cache_read + cache_write)", ALL),
            Self::Duration => ("(last_event - started_at)", ALL),
            Self::Events => ("events", ALL),
            Self::Turns => ("turns", ALL),
        }
    }
}

impl Store {
    /// Returns a page of the table of sessions.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn session_table(
        &self,
        query: TableQuery,
        now: i64,
        quiet: QuietLimit,
    ) -> Result<TablePage, ReadError> {
        self.readers().ask(move |connection| page(connection, &query, now, quiet)).await
    }
}

fn page(
    connection: &Connection,
    query: &TableQuery,
    now: i64,
    quiet: QuietLimit,
) -> rusqlite::Result<TablePage> {
    let limit = query.limit.max(1);
    let mut tests = Tests::of(connection, &query.filter, now, quiet)?;
    let total = match query.after {
        None => tests.count(connection)?,
        Some(_) => None,
    };
    let (key, source) = query.sort.key_and_source();
    let (order, beyond) = if query.ascending { ("ASC", ">") } else { ("DESC", "<") };
    if let Some(TableCursor { key: last, no }) = query.after {
        let (last, no) = (tests.value(last), tests.value(no));
        // The first of these lets an index begin there.
        tests.tests.push(format!("{key} {beyond}= {last}"));
        tests.tests.push(format!("({key} {beyond} {last} OR no {beyond} {no})"));
    }
    let most = tests.value(i64::try_from(limit.saturating_add(1)).unwrap_or(i64::MAX));
    let sql = format!(
        "SELECT {key}, no FROM {source} {} ORDER BY {key} {order}, no {order} LIMIT {most}",
        tests.wheres()
    );
    let mut found: Vec<TableCursor> = connection
        .prepare_cached(&sql)?
        .query_map(params_from_iter(&tests.values), |row| {
            Ok(TableCursor { key: row.get(0)?, no: row.get(1)? })
        })?
        .collect::<rusqlite::Result<_>>()?;
    let is_more = found.len() > limit;
    found.truncate(limit);
    let next = found.last().copied().filter(|_| is_more);
    let mut read =
        connection.prepare_cached(&format!("SELECT {COLUMNS} FROM sessions WHERE no = ?1"))?;
    let mut titled = connection.prepare_cached(
        "SELECT value FROM notes WHERE about = 'session ' || ?1 AND name = 'title' \
         AND value <> 'null'",
    )?;
    let mut rows = Vec::with_capacity(found.len());
    for TableCursor { no, .. } in found {
        let (_, session) = read.query_row([no], session_of)?;
        let title: Option<String> = titled.query_row([&session.id], |row| row.get(0)).optional()?;
        let opening = if title.is_none() { opening(connection, no)? } else { None };
        rows.push(TableRow { session, title, opening });
    }
    Ok(TablePage { rows, next, total })
}

/// Returns the first prompt of a session.
fn opening(connection: &Connection, session: i64) -> rusqlite::Result<Option<Entry>> {
    let first: Option<i64> = connection
        .prepare_cached(&format!(
            "SELECT min(id) FROM events INDEXED BY events_prompts \
             WHERE session = ?1 AND flags & {FLAG_PROMPT}"
        ))?
        .query_row([session], |row| row.get(0))?;
    let Some(number) = first.map(EventNumber) else { return Ok(None) };
    let texts = texts_of_event(connection, number, OPENING_BYTES_MAX)?;
    Ok(Some(Entry { event: read_event(connection, number)?, texts }))
}

/// The conditions that a session has to meet, with their values.
struct Tests {
    tests: Vec<String>,
    values: Vec<Value>,
}

impl Tests {
    fn of(
        connection: &Connection,
        filter: &TableFilter,
        now: i64,
        quiet: QuietLimit,
    ) -> rusqlite::Result<Self> {
        // The conditions of phases name the first two.
        let values = [quiet.idle_since(now), quiet.ended_since(now)].map(Value::from).to_vec();
        let mut tests =
            Self { tests: vec!["?1 IS NOT NULL AND ?2 IS NOT NULL".to_owned()], values };
        for (column, word) in [
            ("agent_type", &filter.agent_type),
            ("project", &filter.project),
            ("branch", &filter.branch),
            ("model", &filter.model),
        ] {
            if let Some(word) = word {
                let place = tests.value(word.clone());
                tests.tests.push(format!("{column} = {place}"));
            }
        }
        if let Some(phase) = filter.phase {
            tests.tests.push(format!("({})", phase.condition()));
        }
        if let Some(text) = filter.text.as_deref().map(str::trim).filter(|text| !text.is_empty()) {
            tests.have(connection, text)?;
        }
        Ok(tests)
    }

    /// Adds that a text is found.
    fn have(&mut self, connection: &Connection, text: &str) -> rusqlite::Result<()> {
        let text = &text[..text.floor_char_boundary(TEXT_BYTES_MAX)];
        let mut either = Vec::new();
        for text in cases(text) {
            let pattern = escaped(&text);
            let begins = self.value(format!("{pattern}%"));
            let has = self.value(format!("%{pattern}%"));
            let titled = self.value(titled(connection, &format!("%{pattern}%"))?);
            either.push(format!(
                "id LIKE {begins} ESCAPE '\\' OR project LIKE {has} ESCAPE '\\' \
                 OR branch LIKE {has} ESCAPE '\\' \
                 OR id IN (SELECT value FROM json_each({titled}))"
            ));
        }
        self.tests.push(format!("({})", either.join(" OR ")));
        Ok(())
    }

    /// Adds a value. Returns how a statement names it.
    fn value(&mut self, value: impl Into<Value>) -> String {
        self.values.push(value.into());
        format!("?{}", self.values.len())
    }

    fn wheres(&self) -> String {
        format!("WHERE {}", self.tests.join(" AND "))
    }

    fn count(&self, connection: &Connection) -> rusqlite::Result<Option<u64>> {
        let sessions: i64 = connection
            .prepare_cached("SELECT ifnull(max(no), 0) FROM sessions")?
            .query_row([], |row| row.get(0))?;
        if sessions > COUNTED_MAX {
            return Ok(None);
        }
        let sql = format!(
            "SELECT count(*) FROM sessions INDEXED BY sessions_by_last_event {}",
            self.wheres()
        );
        connection
            .prepare_cached(&sql)?
            .query_row(params_from_iter(&self.values), |row| row.get(0))
            .map(Some)
    }
}

/// Returns a text in the ways in which it is looked for. SQLite takes letters of ASCII for the same
/// in both cases; others are looked for as they are typed, small and capital.
fn cases(text: &str) -> Vec<String> {
    let mut cases = vec![text.to_owned()];
    if !text.is_ascii() {
        for other in [text.to_lowercase(), text.to_uppercase()] {
            if !cases.contains(&other) {
                cases.push(other);
            }
        }
    }
    cases
}

fn escaped(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len());
    for char in text.chars() {
        if matches!(char, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(char);
    }
    pattern
}

/// Returns the ids of sessions whose title is like this, as a JSON array.
fn titled(connection: &Connection, pattern: &str) -> rusqlite::Result<String> {
    connection
        .prepare_cached(
            "SELECT json_group_array(substr(about, 9)) FROM notes INDEXED BY notes_by_name \
             WHERE name = 'title' AND value <> 'null' AND value LIKE ?1 ESCAPE '\\' \
             AND about >= 'session ' AND about < 'session!'",
        )?
        .query_row([pattern], |row| row.get(0))
}
