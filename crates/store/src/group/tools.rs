//! What tools did, by hour and by day of the sender's clock, agent and tool: how often they ran and
//! failed, how long that took, and which events to look at.
//!
//! The slowest call of a span and the last one that failed are events. Where such an event changes
//! or goes, who takes its place is looked up: among the events of an hour, among the hours of a day.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use oriel_model::{Outcome, StoredEvent};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{effective_ms, span_start, totals::SPANS};
use crate::query::list;
use crate::sums::signed;
use crate::times::Times;

/// The table.
pub(crate) const TABLES: &str = "
CREATE TABLE tool_spans (
    seconds INTEGER NOT NULL, start INTEGER NOT NULL,
    agent_type TEXT NOT NULL, tool_name TEXT NOT NULL,
    calls INTEGER NOT NULL, errors INTEGER NOT NULL, timeouts INTEGER NOT NULL,
    slowest_ms INTEGER, slowest_event INTEGER, failed_event INTEGER, times BLOB NOT NULL,
    PRIMARY KEY (seconds, start, agent_type, tool_name)
) WITHOUT ROWID;
";

/// What a tool did within a span.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct ToolSpan {
    pub calls: i64,
    pub errors: i64,
    pub timeouts: i64,
    pub times: Times,
    /// How long the slowest call took, and which it is: of equals the later.
    pub slowest: Option<(u64, i64)>,
    /// The last call that failed.
    pub failed: Option<i64>,
}

/// What a call says of its tool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Call {
    pub event: i64,
    pub outcome: Outcome,
    pub duration_ms: Option<u64>,
}

impl ToolSpan {
    /// Counts a call, or takes it away: then it is not said which are the slowest and the last.
    pub(crate) fn count(&mut self, call: Call, times: i64) {
        self.calls += times;
        match call.outcome {
            Outcome::Success => {}
            Outcome::Error => self.errors += times,
            Outcome::Timeout => self.timeouts += times,
        }
        if let Some(ms) = call.duration_ms {
            self.times.add(ms, times);
        }
        if times > 0 {
            self.see(call.duration_ms.map(|ms| (ms, call.event)), call.failed());
        }
    }

    /// Takes note of calls that may be the slowest and the last that failed.
    fn see(&mut self, slowest: Option<(u64, i64)>, failed: Option<i64>) {
        self.slowest = self.slowest.max(slowest);
        self.failed = self.failed.max(failed);
    }

    /// Counts what happened in a part of the span.
    fn count_all(&mut self, other: &Self) {
        self.calls += other.calls;
        self.errors += other.errors;
        self.timeouts += other.timeouts;
        self.times.add_all(&other.times);
        self.see(other.slowest, other.failed);
    }

    /// Reads it from the columns of a row that begin at `first`: calls, errors, timeouts, the slowest
    /// with its event, the last that failed, times.
    pub(crate) fn read(row: &Row<'_>, first: usize) -> rusqlite::Result<Self> {
        let mut times = Times::default();
        times.add_bytes(row.get_ref(first + 6)?.as_blob()?);
        let slowest: Option<u64> = row.get(first + 3)?;
        Ok(Self {
            calls: row.get(first)?,
            errors: row.get(first + 1)?,
            timeouts: row.get(first + 2)?,
            times,
            slowest: slowest.zip(row.get(first + 4)?),
            failed: row.get(first + 5)?,
        })
    }

    /// Returns whether one of these events is the slowest or the last that failed.
    fn shows(&self, events: &BTreeSet<i64>) -> bool {
        let shown = [self.slowest.map(|(_, event)| event), self.failed];
        shown.iter().flatten().any(|event| events.contains(event))
    }
}

impl Call {
    pub(crate) fn of(stored: &StoredEvent) -> Self {
        let (outcome, duration_ms) = (stored.event.facet.outcome, stored.event.duration_ms);
        Self { event: stored.number.0, outcome, duration_ms }
    }

    fn failed(self) -> Option<i64> {
        (self.outcome != Outcome::Success).then_some(self.event)
    }
}

/// The beginning of an hour, an agent type and a tool.
pub(crate) type ToolKey = (i64, String, String);

/// Returns where an event is counted, if it is a tool's.
pub(crate) fn tool_key(stored: &StoredEvent) -> Option<ToolKey> {
    let event = &stored.event;
    let tool = event.facet.tool_name.as_ref()?;
    let hour = tool_hour(event.client_ms, stored.created_at);
    Some((hour, event.facet.agent_type.clone(), tool.clone()))
}

/// Returns the beginning of the hour in which an event happened.
pub(crate) fn tool_hour(client_ms: Option<i64>, created_at: i64) -> i64 {
    span_start(effective_ms(client_ms, created_at).div_euclid(1000), SPANS[0])
}

/// What the events of one group change.
#[derive(Default)]
pub(crate) struct ToolTotals(HashMap<ToolKey, Change>);

#[derive(Default)]
struct Change {
    more: ToolSpan,
    /// The events that were taken away, some of which may have been counted again.
    gone: BTreeSet<i64>,
}

impl ToolTotals {
    pub(crate) fn count(&mut self, stored: &StoredEvent) {
        if let Some(key) = tool_key(stored) {
            self.count_call(key, Call::of(stored));
        }
    }

    pub(crate) fn count_call(&mut self, key: ToolKey, call: Call) {
        self.0.entry(key).or_default().more.count(call, 1);
    }

    pub(crate) fn uncount(&mut self, stored: &StoredEvent) {
        if let Some(key) = tool_key(stored) {
            let change = self.0.entry(key).or_default();
            change.more.count(Call::of(stored), -1);
            change.gone.insert(stored.number.0);
        }
    }

    /// Counts an event that changed, if it did in what is counted here.
    pub(crate) fn recount(&mut self, old: &StoredEvent, new: &StoredEvent) {
        if tool_key(old) != tool_key(new) || Call::of(old) != Call::of(new) {
            self.uncount(old);
            self.count(new);
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Writes all of it. The events must be on disk as they are to be.
    pub(crate) fn write(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        let mut days: BTreeMap<ToolKey, Change> = BTreeMap::new();
        for ((hour, agent_type, tool_name), change) in self.0.drain() {
            let key = (hour, agent_type, tool_name);
            write_span(connection, SPANS[0], &key, &change, extremes_of_hour)?;
            let (hour, agent_type, tool_name) = key;
            let day = (span_start(hour, SPANS[1]), agent_type, tool_name);
            let whole = days.entry(day).or_default();
            whole.more.count_all(&change.more);
            whole.gone.extend(change.gone);
        }
        for (key, change) in &days {
            write_span(connection, SPANS[1], key, change, extremes_of_day)?;
        }
        Ok(())
    }
}

type Extremes = (Option<(u64, i64)>, Option<i64>);

fn write_span(
    connection: &Connection,
    seconds: i64,
    key: &ToolKey,
    change: &Change,
    extremes: fn(&Connection, &ToolKey) -> rusqlite::Result<Extremes>,
) -> rusqlite::Result<()> {
    let (start, agent_type, tool_name) = key;
    let kept = connection
        .prepare_cached(
            "SELECT calls, errors, timeouts, slowest_ms, slowest_event, failed_event, times \
             FROM tool_spans \
             WHERE seconds = ?1 AND start = ?2 AND agent_type = ?3 AND tool_name = ?4",
        )?
        .query_row(params![seconds, start, agent_type, tool_name], |row| ToolSpan::read(row, 0))
        .optional()?;
    let mut span = kept.unwrap_or_default();
    span.count_all(&change.more);
    if span.calls <= 0 {
        connection
            .prepare_cached(
                "DELETE FROM tool_spans \
                 WHERE seconds = ?1 AND start = ?2 AND agent_type = ?3 AND tool_name = ?4",
            )?
            .execute(params![seconds, start, agent_type, tool_name])?;
        return Ok(());
    }
    if span.shows(&change.gone) {
        (span.slowest, span.failed) = extremes(connection, key)?;
    }
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO tool_spans \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
        )?
        .execute(params![
            seconds,
            start,
            agent_type,
            tool_name,
            span.calls,
            span.errors,
            span.timeouts,
            span.slowest.map(|(ms, _)| signed(ms)),
            span.slowest.map(|(_, event)| event),
            span.failed,
            span.times.to_bytes(),
        ])?;
    Ok(())
}

/// Looks the slowest call and the last that failed up among the events of an hour.
fn extremes_of_hour(
    connection: &Connection,
    (start, agent_type, tool_name): &ToolKey,
) -> rusqlite::Result<Extremes> {
    let facets: Vec<i64> = connection
        .prepare_cached("SELECT no FROM facets WHERE agent_type = ?1 AND tool_name = ?2")?
        .query_map(params![agent_type, tool_name], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    let end = start.saturating_add(SPANS[0]);
    let mut read = connection.prepare_cached(
        "SELECT e.id, e.duration_ms, f.outcome FROM ( \
         SELECT id, duration_ms, facet FROM events INDEXED BY events_by_client_time \
         WHERE client_ms >= ?1 * 1000 AND client_ms < ?2 * 1000 \
         UNION ALL SELECT id, duration_ms, facet FROM events INDEXED BY events_by_facet \
         WHERE client_ms IS NULL AND created_at >= ?1 AND created_at < ?2 \
         AND facet IN (SELECT value FROM json_each(?3))) e CROSS JOIN facets f ON f.no = e.facet \
         WHERE e.facet IN (SELECT value FROM json_each(?3))",
    )?;
    let mut found = ToolSpan::default();
    let mut rows = read.query(params![start, end, list(&facets)])?;
    while let Some(row) = rows.next()? {
        let outcome = Outcome::from_word(row.get_ref(2)?.as_str()?).unwrap_or(Outcome::Error);
        found.count(Call { event: row.get(0)?, outcome, duration_ms: row.get(1)? }, 1);
    }
    Ok((found.slowest, found.failed))
}

/// Looks the slowest call and the last that failed up among the hours of a day.
fn extremes_of_day(
    connection: &Connection,
    (start, agent_type, tool_name): &ToolKey,
) -> rusqlite::Result<Extremes> {
    let mut read = connection.prepare_cached(
        "SELECT slowest_ms, slowest_event, failed_event FROM tool_spans \
         WHERE seconds = ?1 AND start >= ?2 AND start < ?3 AND agent_type = ?4 AND tool_name = ?5",
    )?;
    let end = start.saturating_add(SPANS[1]);
    let mut found = ToolSpan::default();
    let mut rows = read.query(params![SPANS[0], start, end, agent_type, tool_name])?;
    while let Some(row) = rows.next()? {
        let slowest: Option<u64> = row.get(0)?;
        found.see(slowest.zip(row.get(1)?), row.get(2)?);
    }
    Ok((found.slowest, found.failed))
}
