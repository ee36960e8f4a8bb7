//! The newest events of many facets or places, from an index that is in order within each.
//!
//! First the newest of each is looked up. Then they are read one after another, the most recent
//! first, until those left have nothing as new as what is found: usually after a few.

use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};

use super::events::list;
use super::spans::Range;

/// An event in the order of lists: when it was received, then its number.
type Moment = (i64, i64);

/// Returns the numbers of the newest events of these facets, newest first.
pub(crate) fn newest_of(
    connection: &Connection,
    facets: &[i64],
    range: Range,
    limit: usize,
    offset: usize,
) -> rusqlite::Result<Vec<i64>> {
    newest(connection, "facet", facets, None, range, limit, offset)
}

/// Returns the numbers of the newest events in these places, newest first.
pub(crate) fn newest_of_places(
    connection: &Connection,
    places: &[i64],
    facets: Option<&[i64]>,
    range: Range,
    limit: usize,
    offset: usize,
) -> rusqlite::Result<Vec<i64>> {
    newest(connection, "place", places, facets, range, limit, offset)
}

fn newest(
    connection: &Connection,
    column: &str,
    numbers: &[i64],
    facets: Option<&[i64]>,
    range: Range,
    limit: usize,
    offset: usize,
) -> rusqlite::Result<Vec<i64>> {
    let wanted = limit.saturating_add(offset);
    let sql = format!(
        "SELECT created_at, id FROM events INDEXED BY events_by_{column} \
         WHERE {column} = ?1 AND created_at BETWEEN ?2 AND ?3 {} \
         ORDER BY created_at DESC, id DESC LIMIT ?4",
        if facets.is_some() { "AND facet IN (SELECT value FROM json_each(?5))" } else { "" }
    );
    let facets = facets.map(|facets| Value::from(list(facets)));
    let mut read = connection.prepare_cached(&sql)?;
    let mut read = |number: i64, limit: usize| -> rusqlite::Result<Vec<Moment>> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let numbers = [number, range.from, range.to, limit].map(Value::from);
        let values = params_from_iter(numbers.into_iter().chain(facets.clone()));
        read.query_map(values, |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
    };
    let mut heads = Vec::with_capacity(numbers.len());
    for &number in numbers {
        if let Some(&head) = read(number, 1)?.first() {
            heads.push((head, number));
        }
    }
    heads.sort_unstable_by(|a, b| b.cmp(a));
    let mut found: Vec<Moment> = Vec::new();
    for (head, number) in heads {
        if found.len() >= wanted && found[wanted - 1] > head {
            break;
        }
        found.extend(read(number, wanted)?);
        found.sort_unstable_by(|a, b| b.cmp(a));
        found.truncate(wanted);
    }
    Ok(found.into_iter().skip(offset).map(|(_, number)| number).collect())
}
