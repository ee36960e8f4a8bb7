//! What requests used, by a quarter of an hour of the sender's clock, session and facet. A day of
//! any time zone is made of whole quarters, so every report is a sum over these. What all sessions used
//! together is kept besides, by longer spans.

use std::collections::{BTreeMap, HashMap};

use oriel_model::{Money, NewEvent, StoredEvent, Tokens};
use rusqlite::{Connection, Row, params};

use super::usage_spans::{self, Change, Changes};
use super::{effective_ms, span_start};
use crate::sums::signed;

/// The table. A request is unpriced where it used tokens and nobody knows what they cost.
pub(crate) const TABLES: &str = "
CREATE TABLE usage (
    quarter INTEGER NOT NULL, session INTEGER NOT NULL, facet INTEGER NOT NULL,
    requests INTEGER NOT NULL, tokens_in INTEGER NOT NULL, tokens_out INTEGER NOT NULL,
    cache_read INTEGER NOT NULL, cache_write INTEGER NOT NULL, cache_write_1h INTEGER NOT NULL,
    cost INTEGER NOT NULL, unpriced INTEGER NOT NULL,
    PRIMARY KEY (quarter, session, facet)
) WITHOUT ROWID;
CREATE INDEX usage_by_session ON usage (session);
";

/// The seconds of a quarter of an hour.
pub(crate) const QUARTER: i64 = 900;

/// No sum goes further, so that two of them can always be added.
pub(super) const SUM_MAX: i64 = 1 << 61;

/// What requests used together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    /// How many they were.
    pub requests: i64,
    /// Tokens of the prompts that no cache was involved in.
    pub tokens_in: i64,
    /// Tokens of the answers.
    pub tokens_out: i64,
    /// Tokens of the prompts that were found in a cache.
    pub cache_read: i64,
    /// Tokens of the prompts that were put into a cache.
    pub cache_write: i64,
    /// How many of those live for an hour.
    pub cache_write_1h: i64,
    /// What they cost, in ten-billionths of a dollar.
    pub cost: i64,
    /// How many of them have no price.
    pub unpriced: i64,
}

impl Usage {
    /// Returns what an event says that was used, unless that is nothing.
    pub(crate) fn of(event: &NewEvent) -> Option<Self> {
        Self::of_parts(event.tokens, event.cost_usd)
    }

    pub(crate) fn of_parts(tokens: Tokens, cost_usd: Option<f64>) -> Option<Self> {
        let any = tokens.input | tokens.output | tokens.cache_read | tokens.cache_write;
        if any == 0 && cost_usd.is_none_or(|cost| cost <= 0.0) {
            return None;
        }
        Some(Self {
            requests: 1,
            tokens_in: signed(tokens.input),
            tokens_out: signed(tokens.output),
            cache_read: signed(tokens.cache_read),
            cache_write: signed(tokens.cache_write),
            cache_write_1h: signed(tokens.cache_write_1h),
            cost: cost_usd.map_or(Money::ZERO, Money::from_dollars).units(),
            unpriced: i64::from(cost_usd.is_none()),
        })
    }

    /// Adds what others used, or takes it away.
    pub fn add(&mut self, other: &Self, times: i64) {
        let mut mine = self.columns();
        for (mine, theirs) in mine.iter_mut().zip(other.columns()) {
            *mine = mine.saturating_add(theirs.saturating_mul(times)).clamp(-SUM_MAX, SUM_MAX);
        }
        *self = Self::from_columns(mine);
    }

    /// Returns what they cost.
    #[must_use]
    pub fn money(&self) -> Money {
        Money::from_units(self.cost)
    }

    /// Reads it from the columns of a row that begin at `first`.
    pub(crate) fn read(row: &Row<'_>, first: usize) -> rusqlite::Result<Self> {
        let mut columns = [0; 8];
        for (nth, column) in columns.iter_mut().enumerate() {
            *column = row.get(first + nth)?;
        }
        Ok(Self::from_columns(columns))
    }

    /// Returns its numbers, in the order of the columns.
    pub(super) fn columns(&self) -> [i64; 8] {
        [
            self.requests,
            self.tokens_in,
            self.tokens_out,
            self.cache_read,
            self.cache_write,
            self.cache_write_1h,
            self.cost,
            self.unpriced,
        ]
    }

    fn from_columns(columns: [i64; 8]) -> Self {
        let [
            requests,
            tokens_in,
            tokens_out,
            cache_read,
            cache_write,
            cache_write_1h,
            cost,
            unpriced,
        ] = columns;
        Self {
            requests,
            tokens_in,
            tokens_out,
            cache_read,
            cache_write,
            cache_write_1h,
            cost,
            unpriced,
        }
    }
}

/// What the events of one group change.
#[derive(Default)]
pub(crate) struct UsageTotals(HashMap<(i64, i64, i64), Usage>);

impl UsageTotals {
    /// Counts an event.
    pub(crate) fn count(&mut self, stored: &StoredEvent, session: i64, facet: i64) {
        self.add(stored, session, facet, 1);
    }

    /// Takes an event away, as it was counted.
    pub(crate) fn uncount(&mut self, stored: &StoredEvent, session: i64, facet: i64) {
        self.add(stored, session, facet, -1);
    }

    fn add(&mut self, stored: &StoredEvent, session: i64, facet: i64, times: i64) {
        if let Some(usage) = Usage::of(&stored.event) {
            self.0.entry((quarter_of(stored), session, facet)).or_default().add(&usage, times);
        }
    }

    /// Writes all of it. The events must be on disk as they are to be.
    pub(crate) fn write(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        // Most of what changes is taken away and counted again as it was.
        self.0.retain(|_, usage| *usage != Usage::default());
        let mut all: Changes = BTreeMap::new();
        for (&(quarter, _, facet), usage) in &self.0 {
            let change = all.entry((quarter, facet)).or_insert(Change::of_quarter(quarter));
            change.add(usage);
        }
        self.write_sessions(connection)?;
        usage_spans::write(connection, all)
    }

    fn write_sessions(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        let mut write = connection.prepare_cached(
            "INSERT INTO usage VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11) \
             ON CONFLICT DO UPDATE SET requests = requests + ?4, \
             tokens_in = max(min(tokens_in + ?5, ?12), 0), \
             tokens_out = max(min(tokens_out + ?6, ?12), 0), \
             cache_read = max(min(cache_read + ?7, ?12), 0), \
             cache_write = max(min(cache_write + ?8, ?12), 0), \
             cache_write_1h = max(min(cache_write_1h + ?9, ?12), 0), \
             cost = max(min(cost + ?10, ?12), 0), unpriced = max(unpriced + ?11, 0)",
        )?;
        for (key, mut usage) in self.0.drain() {
            let (quarter, session, facet) = key;
            let takes = usage.columns().iter().any(|column| *column < 0);
            if takes && is_capped(connection, key)? {
                // What is taken from a sum at its cap is not known to leave anything; its events are.
                connection
                    .prepare_cached(
                        "DELETE FROM usage WHERE quarter = ?1 AND session = ?2 AND facet = ?3",
                    )?
                    .execute([quarter, session, facet])?;
                usage = of_events(connection, key)?;
            }
            let [a, b, c, d, e, f, g, h] = usage.columns();
            write.execute(params![quarter, session, facet, a, b, c, d, e, f, g, h, SUM_MAX])?;
            if usage.requests <= 0 {
                connection
                    .prepare_cached(
                        "DELETE FROM usage WHERE quarter = ?1 AND session = ?2 AND facet = ?3 \
                         AND requests <= 0",
                    )?
                    .execute([quarter, session, facet])?;
            }
        }
        Ok(())
    }
}

/// Returns whether any sum of a session is at its cap.
fn is_capped(connection: &Connection, key: (i64, i64, i64)) -> rusqlite::Result<bool> {
    connection
        .prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM usage WHERE quarter = ?1 AND session = ?2 AND facet = ?3 \
             AND max(tokens_in, tokens_out, cache_read, cache_write, cache_write_1h, cost) >= ?4)",
        )?
        .query_row([key.0, key.1, key.2, SUM_MAX], |row| row.get(0))
}

/// Adds up what the events of a session used in a quarter.
fn of_events(
    connection: &Connection,
    (quarter_start, session, facet): (i64, i64, i64),
) -> rusqlite::Result<Usage> {
    let mut read = connection.prepare_cached(
        "SELECT created_at, client_ms, tokens_in, tokens_out, cache_read, cache_write, \
         cache_write_1h, cost_usd FROM events INDEXED BY events_by_session \
         WHERE session = ?1 AND facet = ?2",
    )?;
    let mut rows = read.query([session, facet])?;
    let mut sum = Usage::default();
    while let Some(row) = rows.next()? {
        if quarter(row.get(1)?, row.get(0)?) != quarter_start {
            continue;
        }
        let tokens = Tokens {
            input: row.get(2)?,
            output: row.get(3)?,
            cache_read: row.get(4)?,
            cache_write: row.get(5)?,
            cache_write_1h: row.get(6)?,
        };
        if let Some(usage) = Usage::of_parts(tokens, row.get(7)?) {
            sum.add(&usage, 1);
        }
    }
    Ok(sum)
}

/// Counts every event of a store that was written before usage was kept.
pub(crate) fn count_all(connection: &Connection) -> rusqlite::Result<()> {
    let mut totals = UsageTotals::default();
    let mut read = connection.prepare(
        "SELECT session, facet, created_at, client_ms, tokens_in, tokens_out, cache_read, \
         cache_write, cost_usd FROM events",
    )?;
    let mut rows = read.query([])?;
    while let Some(row) = rows.next()? {
        let tokens = Tokens {
            input: row.get(4)?,
            output: row.get(5)?,
            cache_read: row.get(6)?,
            cache_write: row.get(7)?,
            cache_write_1h: 0,
        };
        if let Some(usage) = Usage::of_parts(tokens, row.get(8)?) {
            let key = (quarter(row.get(3)?, row.get(2)?), row.get(0)?, row.get(1)?);
            totals.0.entry(key).or_default().add(&usage, 1);
        }
    }
    totals.write_sessions(connection)
}

/// Returns the beginning of the quarter of an hour in which an event happened.
pub(crate) fn quarter_of(stored: &StoredEvent) -> i64 {
    quarter(stored.event.client_ms, stored.created_at)
}

fn quarter(client_ms: Option<i64>, created_at: i64) -> i64 {
    span_start(effective_ms(client_ms, created_at).div_euclid(1000), QUARTER)
}
