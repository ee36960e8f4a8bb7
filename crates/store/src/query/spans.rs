//! Sums over a stretch of time: whole days and hours from kept sums, the two ends from the events.

use std::collections::HashMap;

use rusqlite::{Connection, Row, Rows, params};

use super::events::list;
use crate::group::span_start;
use crate::sums::{COLUMNS, Sums, add};

/// The seconds from one moment to another, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Range {
    pub from: i64,
    pub to: i64,
}

impl Range {
    /// Returns the range of all seconds.
    pub(crate) const fn open() -> Self {
        Self { from: i64::MIN, to: i64::MAX }
    }

    pub(crate) fn is_open(self) -> bool {
        self == Self::open()
    }
}

/// Counts the events of these facets, or of all, within a range.
pub(crate) fn count(
    connection: &Connection,
    facets: Option<&[i64]>,
    range: Range,
) -> rusqlite::Result<u64> {
    let mut total = 0;
    for (_, sums) in by_facet(connection, facets, range)? {
        add(&mut total, sums.events);
    }
    Ok(total)
}

/// Returns the sums of each of these facets, or of all, within a range.
pub(crate) fn by_facet(
    connection: &Connection,
    facets: Option<&[i64]>,
    range: Range,
) -> rusqlite::Result<HashMap<i64, Sums>> {
    let facets = facets.map(list);
    let mut found = HashMap::new();
    if range.is_open() {
        let sql =
            format!("SELECT no, {COLUMNS} FROM facets WHERE events > 0 AND {}", any_or_among("no"));
        let mut read = connection.prepare_cached(&sql)?;
        gather(&mut found, read.query([facets])?, |row| Sums::read(row, 1))?;
        return Ok(found);
    }
    for part in parts(range) {
        match part {
            Part::Spans { seconds, from, before } => {
                let sql = format!(
                    "SELECT facet, {COLUMNS} FROM spans \
                     WHERE {} AND seconds = ?2 AND start >= ?3 AND start < ?4",
                    any_or_among("facet")
                );
                let mut read = connection.prepare_cached(&sql)?;
                let rows = read.query(params![facets, seconds, from, before])?;
                gather(&mut found, rows, |row| Sums::read(row, 1))?;
            }
            Part::Events { from, before } => {
                let sql = format!(
                    "SELECT facet, tokens_in, tokens_out, cost_usd, duration_ms \
                     FROM events INDEXED BY events_by_time \
                     WHERE {} AND created_at >= ?2 AND created_at < ?3",
                    any_or_among("facet")
                );
                let mut read = connection.prepare_cached(&sql)?;
                gather(&mut found, read.query(params![facets, from, before])?, sums_of_event)?;
            }
        }
    }
    Ok(found)
}

/// Counts the events in these places, of these facets or of all, within a range.
pub(crate) fn count_in_places(
    connection: &Connection,
    places: &[i64],
    facets: Option<&[i64]>,
    range: Range,
) -> rusqlite::Result<u64> {
    const IN_HOURS: &str = "SELECT ifnull(sum(events), 0) FROM place_hours \
        WHERE place IN (SELECT value FROM json_each(?2)) AND hour >= ?3 AND hour < ?4 AND ";
    const IN_EVENTS: &str = "SELECT count(*) FROM events INDEXED BY events_by_place \
        WHERE place IN (SELECT value FROM json_each(?2)) \
        AND created_at >= ?3 AND created_at < ?4 AND ";
    let (places, facets) = (list(places), facets.map(list));
    let mut total = 0;
    for part in parts(range) {
        let (select, from, before) = match part {
            Part::Spans { from, before, .. } => (IN_HOURS, from, before),
            Part::Events { from, before } => (IN_EVENTS, from, before),
        };
        let sql = format!("{select}{}", any_or_among("facet"));
        let mut read = connection.prepare_cached(&sql)?;
        let found = read.query_row(params![facets, places, from, before], |row| row.get(0))?;
        add(&mut total, found);
    }
    Ok(total)
}

/// Returns the condition that a column is in the list that is the first parameter, if that is one.
fn any_or_among(column: &str) -> String {
    format!("(?1 IS NULL OR {column} IN (SELECT value FROM json_each(?1)))")
}

fn gather(
    found: &mut HashMap<i64, Sums>,
    mut rows: Rows<'_>,
    sums: fn(&Row<'_>) -> rusqlite::Result<Sums>,
) -> rusqlite::Result<()> {
    while let Some(row) = rows.next()? {
        found.entry(row.get(0)?).or_default().plus(&sums(row)?);
    }
    Ok(())
}

fn sums_of_event(row: &Row<'_>) -> rusqlite::Result<Sums> {
    Ok(Sums::of_parts(row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?))
}

/// A piece of a range. `before` is the first second after it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Spans { seconds: i64, from: i64, before: i64 },
    Events { from: i64, before: i64 },
}

/// Cuts a range into the largest spans that fit: events, hours, days, hours, events.
pub(crate) fn parts(range: Range) -> Vec<Part> {
    // Nothing is dated outside of these years, and within them no sum overflows.
    const FIRST: i64 = -100_000_000_000;
    const LAST: i64 = 400_000_000_000;
    let from = range.from.max(FIRST);
    let before = range.to.min(LAST).saturating_add(1);
    let mut parts = Vec::new();
    if from >= before {
        return parts;
    }
    let (hours_from, hours_to) = (round_up(from, 3600), span_start(before, 3600));
    if hours_from >= hours_to {
        parts.push(Part::Events { from, before });
        return parts;
    }
    let mut push = |part: Part| {
        let (from, before) = match &part {
            Part::Spans { from, before, .. } | Part::Events { from, before } => (*from, *before),
        };
        if from < before {
            parts.push(part);
        }
    };
    push(Part::Events { from, before: hours_from });
    let (days_from, days_to) = (round_up(hours_from, 86_400), span_start(hours_to, 86_400));
    if days_from < days_to {
        push(Part::Spans { seconds: 3600, from: hours_from, before: days_from });
        push(Part::Spans { seconds: 86_400, from: days_from, before: days_to });
        push(Part::Spans { seconds: 3600, from: days_to, before: hours_to });
    } else {
        push(Part::Spans { seconds: 3600, from: hours_from, before: hours_to });
    }
    push(Part::Events { from: hours_to, before });
    parts
}

fn round_up(at: i64, seconds: i64) -> i64 {
    span_start(at + seconds - 1, seconds)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_range_within_one_hour_is_read_from_events_alone() {
        let parts = parts(Range { from: 100, to: 200 });
        assert_eq!(parts, vec![Part::Events { from: 100, before: 201 }]);
    }

    #[test]
    fn an_impossible_range_has_no_parts() {
        assert_eq!(parts(Range { from: 10, to: 9 }), vec![]);
    }

    proptest! {
        #[test]
        fn the_parts_of_a_range_cover_it_once_and_spans_are_whole(
            from in -200_000_i64..400_000, length in 0_i64..1_000_000,
        ) {
            let range = Range { from, to: from + length };
            let mut at = from;
            for part in parts(range) {
                let (start, before) = match part {
                    Part::Events { from, before } => (from, before),
                    Part::Spans { seconds, from, before } => {
                        prop_assert_eq!(from.rem_euclid(seconds), 0);
                        prop_assert_eq!(before.rem_euclid(seconds), 0);
                        (from, before)
                    }
                };
                prop_assert_eq!(start, at);
                prop_assert!(start < before);
                at = before;
            }
            prop_assert_eq!(at, range.to + 1);
        }
    }
}
