//! Who told of whom, and when last: what shows that a hook, an exporter or an import works.

use std::collections::BTreeMap;

use rusqlite::Connection;

use crate::readers::ReadError;
use crate::store::Store;
use crate::sums::add;

/// What several sources tell of is one event, of the first of them. That the others told as well is
/// looked up for so many of the last such tellings.
const TELLINGS_MAX: i64 = 256;

/// Who told of which agents.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Heard {
    /// All events.
    pub events: u64,
    /// By agent type and source.
    pub sources: Vec<HeardSource>,
    /// The sessions of each agent type.
    pub sessions: BTreeMap<String, u64>,
}

/// What one source told of one agent type.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HeardSource {
    /// The agent type.
    pub agent_type: String,
    /// The source.
    pub source: String,
    /// The events that it told of first.
    pub events: u64,
    /// When it told last, in Unix seconds.
    pub last_at: Option<i64>,
}

/// The histories of one format that were read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HeardHistory {
    /// The format.
    pub format: String,
    /// The files.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Their events.
    pub events: u64,
    /// When one of them was read last, in Unix seconds.
    pub last_read_at: Option<i64>,
}

impl Store {
    /// Returns who told of whom, and when last. It costs the facets and the sessions that there are, and
    /// none of the events.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn heard(&self) -> Result<Heard, ReadError> {
        self.readers()
            .ask(|connection| {
                let mut heard = Heard::default();
                let mut sources = Sources::new();
                first_tellings(connection, &mut sources)?;
                for (events, _) in sources.values() {
                    add(&mut heard.events, *events);
                }
                later_tellings(connection, &mut sources)?;
                heard.sources = sources
                    .into_iter()
                    .map(|((agent_type, source), (events, last_at))| HeardSource {
                        agent_type,
                        source,
                        events,
                        last_at,
                    })
                    .collect();
                heard.sessions = connection
                    .prepare_cached(
                        "SELECT agent_type, count(*) FROM sessions \
                         INDEXED BY sessions_by_last_event GROUP BY agent_type",
                    )?
                    .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
                    .collect::<rusqlite::Result<_>>()?;
                Ok(heard)
            })
            .await
    }
}

impl Store {
    /// Returns the histories that were read, by format. It goes through all that is known of every
    /// file, which is tens of milliseconds where there are thousands.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn heard_histories(&self) -> Result<Vec<HeardHistory>, ReadError> {
        self.readers()
            .ask(|connection| {
                connection
                    .prepare_cached(
                        "SELECT format, count(*), sum(bytes), sum(events), max(read_at) \
                         FROM imported_files GROUP BY format",
                    )?
                    .query_map([], |row| {
                        Ok(HeardHistory {
                            format: row.get(0)?,
                            files: row.get(1)?,
                            bytes: row.get(2)?,
                            events: row.get(3)?,
                            last_read_at: row.get(4)?,
                        })
                    })?
                    .collect()
            })
            .await
    }
}

type Sources = BTreeMap<(String, String), (u64, Option<i64>)>;

fn first_tellings(connection: &Connection, sources: &mut Sources) -> rusqlite::Result<()> {
    // The last event of a facet is one step in the index.
    let mut find = connection.prepare_cached(
        "SELECT agent_type, source, events, \
         (SELECT max(created_at) FROM events INDEXED BY events_by_facet WHERE facet = f.no) \
         FROM facets f WHERE events > 0",
    )?;
    let mut rows = find.query([])?;
    while let Some(row) = rows.next()? {
        let (events, last_at) = sources.entry((row.get(0)?, row.get(1)?)).or_default();
        add(events, row.get(2)?);
        *last_at = (*last_at).max(row.get(3)?);
    }
    Ok(())
}

fn later_tellings(connection: &Connection, sources: &mut Sources) -> rusqlite::Result<()> {
    let mut find = connection.prepare_cached(
        "SELECT f.agent_type, t.source, max(t.told_at) \
         FROM (SELECT event, source, told_at FROM tellings ORDER BY event DESC LIMIT ?1) t \
         JOIN events e ON e.id = t.event JOIN facets f ON f.no = e.facet GROUP BY 1, 2",
    )?;
    let mut rows = find.query([TELLINGS_MAX])?;
    while let Some(row) = rows.next()? {
        let (_, last_at) = sources.entry((row.get(0)?, row.get(1)?)).or_default();
        *last_at = (*last_at).max(row.get(2)?);
    }
    Ok(())
}
