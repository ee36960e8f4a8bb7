//! Which sources told of what: of one event, and of a session by the sources that know its parts.

use std::collections::BTreeMap;

use oriel_model::{EventKind, EventNumber, Tokens};
use rusqlite::OptionalExtension;

use super::told;
use crate::group::Usage;
use crate::readers::ReadError;
use crate::store::Store;

/// What one source told of an event.
#[derive(Debug, Clone, PartialEq)]
pub struct Telling {
    /// The source.
    pub source: String,
    /// Its name for what it told.
    pub event_id: Option<String>,
    /// When it told, in Unix seconds.
    pub told_at: i64,
    /// The tokens that it told of.
    pub tokens: Tokens,
    /// The cost.
    pub cost_usd: Option<f64>,
    /// Whether the cost is the agent's own word.
    pub cost_is_stated: bool,
    /// How long it took.
    pub duration_ms: Option<u64>,
    /// When it happened by its clock, in Unix milliseconds.
    pub client_ms: Option<i64>,
    /// The model that it named.
    pub model: Option<String>,
}

/// What the very same sources know of a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provenance {
    /// The sources, in their order.
    pub sources: Vec<String>,
    /// The kind of what they told of.
    pub kind: EventKind,
    /// How many events they told of.
    pub events: u64,
    /// What those used.
    pub usage: Usage,
}

impl Store {
    /// Returns what each source told of an event, the first one first. There is nothing where the
    /// event is not there.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn tellings(&self, number: EventNumber) -> Result<Vec<Telling>, ReadError> {
        self.readers()
            .ask(move |connection| {
                let mut find = connection.prepare_cached(
                    "SELECT source, event_id, told_at, tokens_in, tokens_out, cache_read, \
                     cache_write, cache_write_1h, cost_usd, stated, duration_ms, client_ms, model \
                     FROM tellings WHERE event = ?1 ORDER BY nth",
                )?;
                let rows = find.query_map([number.0], |row| {
                    Ok(Telling {
                        source: row.get(0)?,
                        event_id: row.get(1)?,
                        told_at: row.get(2)?,
                        tokens: Tokens {
                            input: row.get(3)?,
                            output: row.get(4)?,
                            cache_read: row.get(5)?,
                            cache_write: row.get(6)?,
                            cache_write_1h: row.get(7)?,
                        },
                        cost_usd: row.get(8)?,
                        cost_is_stated: row.get(9)?,
                        duration_ms: row.get(10)?,
                        client_ms: row.get(11)?,
                        model: row.get(12)?,
                    })
                })?;
                let mut tellings: Vec<Telling> = rows.collect::<rusqlite::Result<_>>()?;
                let event = connection
                    .prepare_cached("SELECT 1 FROM events WHERE id = ?1")?
                    .query_row([number.0], |_| super::read_event(connection, number))
                    .optional()?;
                match (event, tellings.first_mut()) {
                    (Some(event), Some(first)) => {
                        first.event_id = event.event.event_id.map(|id| id.0);
                    }
                    // One source told of it, so it is what that source told.
                    (Some(stored), None) => tellings.push(Telling {
                        source: stored.event.facet.source,
                        event_id: stored.event.event_id.map(|id| id.0),
                        told_at: stored.created_at,
                        tokens: stored.event.tokens,
                        cost_usd: stored.event.cost_usd,
                        cost_is_stated: stored.event.told.cost_is_stated,
                        duration_ms: stored.event.duration_ms,
                        client_ms: stored.event.client_ms,
                        model: stored.event.facet.model,
                    }),
                    (None, _) => {}
                }
                Ok(tellings)
            })
            .await
    }

    /// Returns a session's events by the sources that know of them and by kind.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn provenance(&self, session: String) -> Result<Vec<Provenance>, ReadError> {
        self.readers()
            .ask(move |connection| {
                let mut find = connection.prepare_cached(
                    "SELECT coalesce((SELECT group_concat(source, char(10)) FROM \
                         (SELECT DISTINCT source FROM tellings t WHERE t.event = e.id \
                          ORDER BY source)), f.source), f.kind, \
                     1, e.tokens_in, e.tokens_out, e.cache_read, e.cache_write, \
                     e.cache_write_1h, CAST(round(ifnull(e.cost_usd, 0) * 1e10) AS INTEGER), \
                     e.cost_usd IS NULL AND e.tokens_in + e.tokens_out > 0 \
                     FROM sessions s JOIN events e ON e.session = s.no \
                     JOIN facets f ON f.no = e.facet WHERE s.id = ?1",
                )?;
                let mut parts: BTreeMap<(String, String), (u64, Usage)> = BTreeMap::new();
                let mut rows = find.query([session])?;
                while let Some(row) = rows.next()? {
                    let part = parts.entry((row.get(0)?, row.get(1)?)).or_default();
                    part.0 += 1;
                    part.1.add(&Usage::read(row, 2)?, 1);
                }
                let parts =
                    parts.into_iter().map(|((sources, kind), (events, usage))| Provenance {
                        sources: sources.split('\n').map(str::to_owned).filter_map(told).collect(),
                        kind: EventKind::from_word(&kind).unwrap_or(EventKind::Response),
                        events,
                        usage,
                    });
                Ok(parts.collect())
            })
            .await
    }
}
