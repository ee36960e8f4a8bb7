//! What requests used, by a quarter of an hour of the sender's clock, session and facet. A day of
//! any time zone is made of whole quarters, so every report is a sum over these.

use std::collections::HashMap;

use oriel_model::{Money, NewEvent, StoredEvent, Tokens};
use rusqlite::{Connection, Row, params};

use super::{effective_ms, span_start};
use crate::sums::signed;

/// The table. A request is unpriced where it used tokens and nobody knows what they cost. What all
/// sessions used together is a row of [`ALL`], so that a report over time need not read one for each.
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

/// Stands for all sessions. None has this number.
pub(crate) const ALL: i64 = 0;

/// The seconds of a quarter of an hour.
pub(crate) const QUARTER: i64 = 900;

/// No sum goes further, so that two of them can always be added.
const SUM_MAX: i64 = 1 << 61;

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

    fn columns(&self) -> [i64; 8] {
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
            for session in [session, ALL] {
                let key = (quarter_of(stored), session, facet);
                self.0.entry(key).or_default().add(&usage, times);
            }
        }
    }

    /// Writes all of it.
    pub(crate) fn write(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        let mut anew = Vec::new();
        for (&(quarter, session, facet), usage) in &self.0 {
            if session != ALL {
                continue;
            }
            // A session that is forgotten may have been at the cap itself, and then nothing tells what
            // it had of the sum.
            let takes = usage.columns().iter().any(|column| *column < 0);
            if usage.requests < 0 || takes && is_capped(connection, quarter, facet)? {
                anew.push((quarter, facet));
            }
        }
        self.add_to_rows(connection)?;
        // What is taken from a sum at its cap is not known to leave anything; its parts are.
        for (quarter, facet) in anew {
            add_up(connection, quarter, facet)?;
        }
        Ok(())
    }

    fn add_to_rows(&mut self, connection: &Connection) -> rusqlite::Result<()> {
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
        for ((quarter, session, facet), usage) in self.0.drain() {
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

/// Returns whether any sum over all sessions is at its cap.
fn is_capped(connection: &Connection, quarter: i64, facet: i64) -> rusqlite::Result<bool> {
    connection
        .prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM usage WHERE quarter = ?1 AND session = ?2 AND facet = ?3 \
             AND max(tokens_in, tokens_out, cache_read, cache_write, cache_write_1h, cost) >= ?4)",
        )?
        .query_row([quarter, ALL, facet, SUM_MAX], |row| row.get(0))
}

/// Makes the row of all sessions anew from those of each.
fn add_up(connection: &Connection, quarter: i64, facet: i64) -> rusqlite::Result<()> {
    let mut all = Usage::default();
    let mut read = connection.prepare_cached(
        "SELECT requests, tokens_in, tokens_out, cache_read, cache_write, cache_write_1h, cost, \
         unpriced FROM usage WHERE quarter = ?1 AND session <> ?2 AND facet = ?3",
    )?;
    for part in read.query_map([quarter, ALL, facet], |row| Usage::read(row, 0))? {
        all.add(&part?, 1);
    }
    put_all(connection, quarter, facet, &all)
}

fn put_all(connection: &Connection, quarter: i64, facet: i64, all: &Usage) -> rusqlite::Result<()> {
    if all.requests <= 0 {
        let mut delete = connection.prepare_cached(
            "DELETE FROM usage WHERE quarter = ?1 AND session = ?2 AND facet = ?3",
        )?;
        delete.execute([quarter, ALL, facet])?;
        return Ok(());
    }
    let [a, b, c, d, e, f, g, h] = all.columns();
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO usage VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
        )?
        .execute(params![quarter, ALL, facet, a, b, c, d, e, f, g, h])?;
    Ok(())
}

/// Adds up what all sessions used, for a store that kept only what each did.
pub(crate) fn add_up_all(connection: &Connection) -> rusqlite::Result<()> {
    let mut sums: HashMap<(i64, i64), Usage> = HashMap::new();
    let mut read = connection.prepare(
        "SELECT quarter, facet, requests, tokens_in, tokens_out, cache_read, cache_write, \
         cache_write_1h, cost, unpriced FROM usage WHERE session <> ?1",
    )?;
    let mut rows = read.query([ALL])?;
    while let Some(row) = rows.next()? {
        let key = (row.get(0)?, row.get(1)?);
        sums.entry(key).or_default().add(&Usage::read(row, 2)?, 1);
    }
    for ((quarter, facet), all) in sums {
        put_all(connection, quarter, facet, &all)?;
    }
    Ok(())
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
    totals.write(connection)
}

/// Returns the beginning of the quarter of an hour in which an event happened.
pub(crate) fn quarter_of(stored: &StoredEvent) -> i64 {
    quarter(stored.event.client_ms, stored.created_at)
}

fn quarter(client_ms: Option<i64>, created_at: i64) -> i64 {
    span_start(effective_ms(client_ms, created_at).div_euclid(1000), QUARTER)
}
