//! Sessions, the liveliest first.

use oriel_model::{Life, Money, Phase, QuietLimit};
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, Row, params_from_iter};

use super::{seconds_of, told};
use crate::group::read_life;
use crate::readers::ReadError;
use crate::store::Store;

/// A session and what its events add up to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Its name, as its agent gave it.
    pub id: String,
    /// The program that began it.
    pub agent_type: String,
    /// The project it was last in.
    pub project: Option<String>,
    /// The branch it was last on.
    pub branch: Option<String>,
    /// When its first event was received.
    pub started_at: i64,
    /// What tells its phase.
    pub life: Life,
    /// How many events it has.
    pub events: u64,
    /// Tokens read by models.
    pub tokens_in: u64,
    /// Tokens written by models.
    pub tokens_out: u64,
    /// What it cost.
    pub cost: Money,
    /// How many files it edited.
    pub files_edited: u64,
    /// Lines that were added.
    pub lines_added: u64,
    /// Lines that were removed.
    pub lines_removed: u64,
    /// Tokens read from prompt caches.
    pub cache_read: u64,
    /// Tokens written to prompt caches.
    pub cache_write: u64,
    /// How often a person asked something.
    pub turns: u64,
    /// How many requests have no price.
    pub unpriced: u64,
    /// The model that was named last.
    pub model: Option<String>,
}

/// Which sessions are asked for. What is absent does not matter.
#[derive(Debug, Clone, Default)]
pub struct SessionFilter {
    /// In this phase.
    pub phase: Option<PhaseFilter>,
    /// Not in this phase.
    pub not_phase: Option<PhaseFilter>,
    /// Of this agent type.
    pub agent_type: Option<String>,
    /// Whose last event came at this moment or later, in any form that SQLite reads.
    pub since: Option<String>,
}

/// A phase, or a word that is none and so matches no session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PhaseFilter {
    /// At work.
    Active,
    /// Silent, or between turns.
    Idle,
    /// Over.
    Ended,
    /// None of them.
    Other,
}

const ORDER: [PhaseFilter; 3] = [PhaseFilter::Active, PhaseFilter::Idle, PhaseFilter::Ended];

/// The columns of [`session_of`].
pub(crate) const COLUMNS: &str = "id, agent_type, project, branch, started_at, last_event, rest, over_at, \
    events, tokens_in, tokens_out, cost, files, lines_added, lines_removed, cache_read, \
    cache_write, turns, unpriced, model, no";

impl PhaseFilter {
    /// Returns the phase that a word stands for.
    #[must_use]
    pub fn from_word(word: &str) -> Self {
        match word {
            "active" => Self::Active,
            "idle" => Self::Idle,
            "ended" => Self::Ended,
            _ => Self::Other,
        }
    }

    /// Returns the condition of this phase. Its parameters are the moments up to which a last event
    /// leaves a session idle (?1) and ended (?2).
    pub(crate) fn condition(self) -> &'static str {
        match self {
            Self::Active => "rest = 0 AND last_event > ?1",
            Self::Idle => "last_event > ?2 AND (rest = 1 OR (rest = 0 AND last_event <= ?1))",
            Self::Ended => "(rest = 2 OR last_event <= ?2)",
            Self::Other => "false",
        }
    }
}

impl Session {
    /// Returns where the session stands.
    #[must_use]
    pub fn phase(&self, now: i64, limit: QuietLimit) -> Phase {
        self.life.phase(now, limit)
    }
}

impl Store {
    /// Returns a session.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn session(&self, id: String) -> Result<Option<Session>, ReadError> {
        self.readers()
            .ask(move |connection| {
                connection
                    .prepare_cached(&format!("SELECT {COLUMNS} FROM sessions WHERE id = ?1"))?
                    .query_row([id], |row| session_of(row).map(|(_, session)| session))
                    .optional()
            })
            .await
    }

    /// Returns up to `limit` sessions that match: active ones first, then idle ones, then those
    /// that ended, and each by its last event, newest first.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn sessions(
        &self,
        filter: SessionFilter,
        limit: usize,
        now: i64,
        quiet: QuietLimit,
    ) -> Result<Vec<Session>, ReadError> {
        self.readers()
            .ask(move |connection| {
                let since = match &filter.since {
                    None => i64::MIN,
                    Some(text) => match seconds_of(connection, text)? {
                        Some(since) => since,
                        None => return Ok(Vec::new()),
                    },
                };
                let found = select(connection, &filter, since, limit, now, quiet)?;
                Ok(found.into_iter().map(|(_, session)| session).collect())
            })
            .await
    }

    /// Counts the sessions that fell silent after one moment and up to another.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn fell_silent(
        &self,
        after: i64,
        until: i64,
        quiet: QuietLimit,
    ) -> Result<u64, ReadError> {
        let (from, to) = (quiet.idle_since(after), quiet.idle_since(until));
        self.readers()
            .ask(move |connection| {
                connection
                    .prepare_cached(
                        "SELECT count(*) FROM sessions \
                         WHERE last_event > ?1 AND last_event <= ?2 AND rest = 0",
                    )?
                    .query_row([from, to], |row| row.get(0))
            })
            .await
    }
}

/// Returns sessions that match and whose last event came at a moment or later, each with its number.
/// The moment that the filter names is not looked at.
pub(crate) fn select(
    connection: &Connection,
    filter: &SessionFilter,
    since: i64,
    limit: usize,
    now: i64,
    quiet: QuietLimit,
) -> rusqlite::Result<Vec<(i64, Session)>> {
    let mut sessions = Vec::new();
    let wanted = ORDER.into_iter().filter(|&phase| {
        filter.phase.is_none_or(|only| only == phase)
            && filter.not_phase.is_none_or(|not| not != phase)
    });
    for phase in wanted {
        let left = limit - sessions.len();
        if left == 0 {
            break;
        }
        let mut values = vec![
            Value::from(quiet.idle_since(now)),
            Value::from(quiet.ended_since(now)),
            Value::from(since),
            Value::from(i64::try_from(left).unwrap_or(i64::MAX)),
        ];
        let of_agent = match &filter.agent_type {
            None => "",
            Some(agent_type) => {
                values.push(Value::from(agent_type.clone()));
                "AND agent_type = ?5"
            }
        };
        // The first two parameters are named even by a phase that needs one of them.
        let sql = format!(
            "SELECT {COLUMNS} FROM sessions WHERE {} AND last_event >= ?3 {of_agent} \
             ORDER BY last_event DESC, no DESC LIMIT ?4",
            phase.condition()
        );
        let mut read = connection.prepare_cached(&sql)?;
        for session in read.query_map(params_from_iter(values), session_of)? {
            sessions.push(session?);
        }
    }
    Ok(sessions)
}

/// Reads a session and its number.
pub(crate) fn session_of(row: &Row<'_>) -> rusqlite::Result<(i64, Session)> {
    let session = Session {
        id: row.get(0)?,
        agent_type: row.get(1)?,
        project: told(row.get(2)?),
        branch: told(row.get(3)?),
        started_at: row.get(4)?,
        life: read_life(row, 5)?,
        events: row.get(8)?,
        tokens_in: row.get(9)?,
        tokens_out: row.get(10)?,
        cost: Money::from_units(row.get(11)?),
        files_edited: row.get(12)?,
        lines_added: row.get(13)?,
        lines_removed: row.get(14)?,
        cache_read: row.get(15)?,
        cache_write: row.get(16)?,
        turns: row.get(17)?,
        unpriced: row.get(18)?,
        model: told(row.get(19)?),
    };
    Ok((row.get(20)?, session))
}
