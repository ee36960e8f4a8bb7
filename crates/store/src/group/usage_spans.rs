//! What all sessions used together, by quarter of an hour, hour and day of the sender's clock, so that
//! a report costs the days and hours it is made of and not the sessions behind them.
//!
//! An hour is the sum of its quarters and a day the sum of its hours. Where something was taken away,
//! the longer span is made anew from the shorter ones: its ends may have moved, and what is left of a
//! sum at its cap is not known.

use std::collections::BTreeMap;

use rusqlite::{Connection, params};

use super::usage::{QUARTER, SUM_MAX, Usage};
use super::{SPANS, span_start};

/// The table. `first` and `last` are the quarters between which something was used.
pub(crate) const TABLES: &str = "
CREATE TABLE usage_spans (
    seconds INTEGER NOT NULL, start INTEGER NOT NULL, facet INTEGER NOT NULL,
    first INTEGER NOT NULL, last INTEGER NOT NULL,
    requests INTEGER NOT NULL, tokens_in INTEGER NOT NULL, tokens_out INTEGER NOT NULL,
    cache_read INTEGER NOT NULL, cache_write INTEGER NOT NULL, cache_write_1h INTEGER NOT NULL,
    cost INTEGER NOT NULL, unpriced INTEGER NOT NULL,
    PRIMARY KEY (seconds, start, facet)
) WITHOUT ROWID;
";

/// The columns of [`Usage`], in its order.
pub(crate) const COLUMNS: &str = "requests, tokens_in, tokens_out, cache_read, cache_write, \
                                  cache_write_1h, cost, unpriced";

/// What changes, by the beginning of a span and the facet.
pub(super) type Changes = BTreeMap<(i64, i64), Change>;

/// What a span changes by.
#[derive(Debug, Clone, Copy)]
pub(super) struct Change {
    more: Usage,
    /// Whether anything was taken from it, even if as much was added.
    takes: bool,
    first: i64,
    last: i64,
}

impl Change {
    /// Returns what changes nothing in a quarter.
    pub(super) fn of_quarter(quarter: i64) -> Self {
        Self { more: Usage::default(), takes: false, first: quarter, last: quarter }
    }

    /// Adds what one session used more, or less.
    pub(super) fn add(&mut self, usage: &Usage) {
        self.takes |= usage.columns().iter().any(|column| *column < 0);
        self.more.add(usage, 1);
    }

    fn add_part(&mut self, part: &Self) {
        self.takes |= part.takes;
        self.first = self.first.min(part.first);
        self.last = self.last.max(part.last);
        self.more.add(&part.more, 1);
    }
}

/// Writes what the quarters change by. What each session used must be on disk.
pub(super) fn write(connection: &Connection, quarters: Changes) -> rusqlite::Result<()> {
    for (&(quarter, facet), change) in &quarters {
        if change.takes && is_capped(connection, quarter, facet)? {
            put(connection, QUARTER, quarter, facet, of_sessions(connection, quarter, facet)?)?;
        } else {
            add(connection, QUARTER, quarter, facet, change)?;
        }
    }
    let mut parts = quarters;
    let mut shorter = QUARTER;
    for seconds in SPANS {
        let mut spans = Changes::new();
        for ((start, facet), part) in parts {
            let key = (span_start(start, seconds), facet);
            spans.entry(key).and_modify(|span| span.add_part(&part)).or_insert(part);
        }
        for (&(start, facet), change) in &spans {
            if change.takes {
                let sum = of_parts(connection, (shorter, start, seconds), facet)?;
                put(connection, seconds, start, facet, sum)?;
            } else {
                add(connection, seconds, start, facet, change)?;
            }
        }
        (parts, shorter) = (spans, seconds);
    }
    Ok(())
}

/// What a span is to be: what was used, and between which quarters. Nothing where nobody used anything.
type Whole = Option<(Usage, i64, i64)>;

fn add(
    connection: &Connection,
    seconds: i64,
    start: i64,
    facet: i64,
    change: &Change,
) -> rusqlite::Result<()> {
    let Change { more, first, last, .. } = change;
    let [a, b, c, d, e, f, g, h] = more.columns();
    connection
        .prepare_cached(
            "INSERT INTO usage_spans \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13) \
             ON CONFLICT DO UPDATE SET first = min(first, ?4), last = max(last, ?5), \
             requests = requests + ?6, tokens_in = max(min(tokens_in + ?7, ?14), 0), \
             tokens_out = max(min(tokens_out + ?8, ?14), 0), \
             cache_read = max(min(cache_read + ?9, ?14), 0), \
             cache_write = max(min(cache_write + ?10, ?14), 0), \
             cache_write_1h = max(min(cache_write_1h + ?11, ?14), 0), \
             cost = max(min(cost + ?12, ?14), 0), unpriced = max(unpriced + ?13, 0)",
        )?
        .execute(params![seconds, start, facet, first, last, a, b, c, d, e, f, g, h, SUM_MAX])?;
    if more.requests < 0 {
        connection
            .prepare_cached(
                "DELETE FROM usage_spans WHERE seconds = ?1 AND start = ?2 AND facet = ?3 \
                 AND requests <= 0",
            )?
            .execute([seconds, start, facet])?;
    }
    Ok(())
}

fn put(
    connection: &Connection,
    seconds: i64,
    start: i64,
    facet: i64,
    whole: Whole,
) -> rusqlite::Result<()> {
    let Some((usage, first, last)) = whole else {
        connection
            .prepare_cached(
                "DELETE FROM usage_spans WHERE seconds = ?1 AND start = ?2 AND facet = ?3",
            )?
            .execute([seconds, start, facet])?;
        return Ok(());
    };
    let [a, b, c, d, e, f, g, h] = usage.columns();
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO usage_spans \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
        )?
        .execute([seconds, start, facet, first, last, a, b, c, d, e, f, g, h])?;
    Ok(())
}

/// Returns whether any sum of a quarter is at its cap.
fn is_capped(connection: &Connection, quarter: i64, facet: i64) -> rusqlite::Result<bool> {
    connection
        .prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM usage_spans \
             WHERE seconds = ?1 AND start = ?2 AND facet = ?3 \
             AND max(tokens_in, tokens_out, cache_read, cache_write, cache_write_1h, cost) >= ?4)",
        )?
        .query_row([QUARTER, quarter, facet, SUM_MAX], |row| row.get(0))
}

/// Adds a quarter up from what each session used.
fn of_sessions(connection: &Connection, quarter: i64, facet: i64) -> rusqlite::Result<Whole> {
    let sql = format!("SELECT {COLUMNS} FROM usage WHERE quarter = ?1 AND facet = ?2");
    let mut read = connection.prepare_cached(&sql)?;
    let mut whole: Whole = None;
    for part in read.query_map([quarter, facet], |row| Usage::read(row, 0))? {
        whole.get_or_insert((Usage::default(), quarter, quarter)).0.add(&part?, 1);
    }
    Ok(whole)
}

/// Adds a span up from the shorter ones in it.
fn of_parts(
    connection: &Connection,
    (shorter, start, seconds): (i64, i64, i64),
    facet: i64,
) -> rusqlite::Result<Whole> {
    let sql = format!(
        "SELECT first, last, {COLUMNS} FROM usage_spans \
         WHERE seconds = ?1 AND start >= ?2 AND start < ?3 AND facet = ?4"
    );
    let mut read = connection.prepare_cached(&sql)?;
    let end = start.saturating_add(seconds);
    let mut rows = read.query([shorter, start, end, facet])?;
    let mut whole: Whole = None;
    while let Some(row) = rows.next()? {
        let (from, to) = (row.get(0)?, row.get(1)?);
        let (usage, first, last) = whole.get_or_insert((Usage::default(), from, to));
        usage.add(&Usage::read(row, 2)?, 1);
        (*first, *last) = ((*first).min(from), (*last).max(to));
    }
    Ok(whole)
}

/// Adds up what all sessions used, for a store that did not keep it so. Where it was kept among what
/// each session used, as that of session 0, it is no more.
pub(crate) fn add_up_all(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute("DELETE FROM usage WHERE session = 0", [])?;
    let sql = format!("SELECT quarter, facet, {COLUMNS} FROM usage ORDER BY quarter");
    let mut read = connection.prepare(&sql)?;
    let mut rows = read.query([])?;
    // A day at a time, so that what waits to be written is bounded.
    let (mut day, mut changes) = (i64::MIN, Changes::new());
    while let Some(row) = rows.next()? {
        let (quarter, facet) = (row.get(0)?, row.get(1)?);
        if day != span_start(quarter, SPANS[1]) {
            day = span_start(quarter, SPANS[1]);
            write(connection, std::mem::take(&mut changes))?;
        }
        let change = changes.entry((quarter, facet)).or_insert(Change::of_quarter(quarter));
        change.add(&Usage::read(row, 2)?);
    }
    write(connection, changes)
}
