//! Pages of events, newest first or from a cursor on.

use oriel_model::{
    Amount, EventId, EventKind, EventNumber, Facet, Metadata, NewEvent, Outcome, Place, SessionId,
    StoredEvent, Tokens, Told,
};
use rusqlite::types::Value;
use rusqlite::{Connection, Row, params_from_iter};

use super::following::newest_with;
use super::merge::{newest_of, newest_of_places};
use super::spans::{self, Range};
use super::{seconds_of, told};
use crate::group::{FLAG_HISTORICAL, FLAG_METER, FLAG_STATED, FLAG_TRUNCATED, sign_of};
use crate::readers::ReadError;
use crate::search::Sought;
use crate::store::Store;

/// Which events are asked for. What is absent does not matter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EventFilter {
    /// Of this agent type.
    pub agent_type: Option<String>,
    /// Of this kind.
    pub event_type: Option<String>,
    /// Of this outcome.
    pub status: Option<String>,
    /// By this tool.
    pub tool_name: Option<String>,
    /// In this session.
    pub session_id: Option<String>,
    /// On this branch.
    pub branch: Option<String>,
    /// In this project.
    pub project: Option<String>,
    /// By this model.
    pub model: Option<String>,
    /// From this source.
    pub source: Option<String>,
    /// Received at this moment or later, in any form that SQLite reads.
    pub since: Option<String>,
    /// Received at this moment or earlier.
    pub until: Option<String>,
    /// That have these words.
    pub text: Option<Sought>,
}

/// A part of the events that match.
#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    /// The events of this page.
    pub events: Vec<StoredEvent>,
    /// How many match altogether.
    pub total: u64,
}

impl EventFilter {
    /// Returns whether an event is asked for, by all but the moments. Of its words, those that it
    /// says of itself are looked at, and not its texts.
    #[must_use]
    pub fn matches(&self, event: &NewEvent) -> bool {
        let is = |wanted: &Option<String>, word: Option<&str>| {
            wanted.as_deref().is_none_or(|wanted| Some(wanted) == word)
        };
        let facet = &event.facet;
        is(&self.agent_type, Some(&facet.agent_type))
            && is(&self.event_type, Some(facet.kind.as_str()))
            && is(&self.status, Some(facet.outcome.as_str()))
            && is(&self.tool_name, facet.tool_name.as_deref())
            && is(&self.session_id, Some(&event.session_id.0))
            && is(&self.branch, event.place.branch.as_deref())
            && is(&self.project, event.place.project.as_deref())
            && is(&self.model, facet.model.as_deref())
            && is(&self.source, Some(&facet.source))
            && self.text.as_ref().is_none_or(|text| text.is_said_by(event))
    }

    fn names_a_facet(&self) -> bool {
        [
            &self.agent_type,
            &self.event_type,
            &self.status,
            &self.tool_name,
            &self.model,
            &self.source,
        ]
        .iter()
        .any(|word| word.is_some())
    }

    /// Returns whether a blank word is asked for. On disk that stands for no word at all, and no
    /// event says it.
    fn names_a_blank(&self) -> bool {
        [&self.tool_name, &self.model, &self.branch, &self.project]
            .iter()
            .any(|word| word.as_deref() == Some(""))
    }

    fn names_a_place(&self) -> bool {
        self.branch.is_some() || self.project.is_some()
    }
}

impl Store {
    /// Returns the newest events that match, after the first `offset` of them.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn events(
        &self,
        filter: EventFilter,
        limit: usize,
        offset: usize,
    ) -> Result<Page, ReadError> {
        self.readers()
            .ask(move |connection| match Plan::make(connection, &filter)? {
                None => Ok(Page { events: Vec::new(), total: 0 }),
                Some(plan) if let Some(text) = &filter.text => {
                    newest_with(connection, &plan, &filter, text, limit, offset)
                }
                Some(plan) => Ok(Page {
                    events: plan.newest(connection, limit, offset)?,
                    total: plan.total(connection)?,
                }),
            })
            .await
    }

    /// Returns the events after a cursor, oldest first. Words are looked for in so many of them as
    /// [`Store::follow`] looks at.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn events_after(
        &self,
        after: EventNumber,
        filter: EventFilter,
        limit: usize,
    ) -> Result<Vec<StoredEvent>, ReadError> {
        Ok(self.follow(after, filter, limit).await?.events)
    }

    /// Returns a session's newest events, newest first.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn session_events(
        &self,
        session: String,
        limit: usize,
    ) -> Result<Vec<StoredEvent>, ReadError> {
        let filter = EventFilter { session_id: Some(session), ..EventFilter::default() };
        self.readers()
            .ask(move |connection| match Plan::make(connection, &filter)? {
                None => Ok(Vec::new()),
                Some(plan) => plan.newest(connection, limit, 0),
            })
            .await
    }

    /// Returns the number of the last event.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn last_event(&self) -> Result<EventNumber, ReadError> {
        self.readers()
            .ask(|connection| {
                let sql = "SELECT ifnull(max(id), 0) FROM events";
                connection.prepare_cached(sql)?.query_row([], |row| row.get(0).map(EventNumber))
            })
            .await
    }
}

/// A filter with its words turned into numbers.
pub(crate) struct Plan {
    pub session: Option<i64>,
    pub facets: Option<Vec<i64>>,
    pub places: Option<Vec<i64>>,
    pub range: Range,
}

impl Plan {
    /// Returns nothing where nothing can match.
    pub(crate) fn make(
        connection: &Connection,
        filter: &EventFilter,
    ) -> rusqlite::Result<Option<Self>> {
        if filter.names_a_blank() {
            return Ok(None);
        }
        let Some(range) = range_of(connection, filter)? else { return Ok(None) };
        let session = match &filter.session_id {
            None => None,
            Some(id) => {
                let mut find =
                    connection.prepare_cached("SELECT no FROM sessions WHERE id = ?1")?;
                match find.query_map([id], |row| row.get(0))?.next() {
                    None => return Ok(None),
                    Some(no) => Some(no?),
                }
            }
        };
        let facets = match filter.names_a_facet() {
            false => None,
            true => Some(facets_of(connection, filter)?),
        };
        let places = match filter.names_a_place() {
            false => None,
            true => Some(places_of(connection, filter)?),
        };
        let empty = |numbers: &Option<Vec<i64>>| numbers.as_ref().is_some_and(Vec::is_empty);
        if empty(&facets) || empty(&places) {
            return Ok(None);
        }
        Ok(Some(Self { session, facets, places, range }))
    }

    pub(crate) fn newest(
        &self,
        connection: &Connection,
        limit: usize,
        offset: usize,
    ) -> rusqlite::Result<Vec<StoredEvent>> {
        if limit == 0 {
            return Ok(Vec::new());
        }
        let page = match self {
            Self { session: None, facets: Some(facets), places: None, range } => {
                newest_of(connection, facets, *range, limit, offset)?
            }
            Self { session: None, facets, places: Some(places), range } => {
                let facets = facets.as_deref();
                newest_of_places(connection, places, facets, *range, limit, offset)?
            }
            _ => self.newest_in_order(connection, limit, offset)?,
        };
        read_events(connection, &page)
    }

    /// Returns the numbers of the newest events of a session, or of all, newest first.
    fn newest_in_order(
        &self,
        connection: &Connection,
        limit: usize,
        offset: usize,
    ) -> rusqlite::Result<Vec<i64>> {
        let sql = format!(
            "SELECT id FROM {} ORDER BY created_at DESC, id DESC LIMIT ? OFFSET ?",
            self.matching(Order::Time)
        );
        let limits = [signed(limit), signed(offset)].map(Value::from);
        connection
            .prepare_cached(&sql)?
            .query_map(params_from_iter(self.values().chain(limits)), |row| row.get(0))?
            .collect()
    }

    pub(crate) fn after(
        &self,
        connection: &Connection,
        after: EventNumber,
        limit: usize,
    ) -> rusqlite::Result<Vec<StoredEvent>> {
        // From a cursor far behind, all of a short session is found sooner than its next event.
        let order = if self.is_short(connection, after)? { Order::Time } else { Order::Number };
        let sql = format!("SELECT id FROM {} AND id > ? ORDER BY id LIMIT ?", self.matching(order));
        let values = self.values().chain([after.0, signed(limit)].map(Value::from));
        let numbers: Vec<i64> = connection
            .prepare_cached(&sql)?
            .query_map(params_from_iter(values), |row| row.get(0))?
            .collect::<rusqlite::Result<_>>()?;
        read_events(connection, &numbers)
    }

    /// Returns whether one session is asked for, and it has far fewer events than came after a
    /// number.
    fn is_short(&self, connection: &Connection, after: EventNumber) -> rusqlite::Result<bool> {
        let Some(session) = self.session else { return Ok(false) };
        let sql =
            "SELECT (SELECT events FROM sessions WHERE no = ?1) * 8 < max(id) - ?2 FROM events";
        connection.prepare_cached(sql)?.query_row([session, after.0], |row| row.get(0))
    }

    fn total(&self, connection: &Connection) -> rusqlite::Result<u64> {
        match self {
            Self { session: None, facets, places: None, range } => {
                spans::count(connection, facets.as_deref(), *range)
            }
            Self { session: None, facets, places: Some(places), range } => {
                spans::count_in_places(connection, places, facets.as_deref(), *range)
            }
            Self { session: Some(session), facets: None, places: None, range }
                if range.is_open() =>
            {
                let sql = "SELECT events FROM sessions WHERE no = ?1";
                connection.prepare_cached(sql)?.query_row([session], |row| row.get(0))
            }
            _ => {
                let sql = format!("SELECT count(*) FROM {}", self.matching(Order::Time));
                connection
                    .prepare_cached(&sql)?
                    .query_row(params_from_iter(self.values()), |row| row.get(0))
            }
        }
    }

    /// Returns the events in question, as what follows `FROM`. Its parameters are those of
    /// [`Self::values`].
    fn matching(&self, order: Order) -> String {
        let by = match (order, &self.session, &self.places) {
            (Order::Number, ..) => "NOT INDEXED",
            (Order::Time, Some(_), _) => "INDEXED BY events_by_session",
            (Order::Time, None, Some(_)) => "INDEXED BY events_by_place",
            (Order::Time, None, None) => "INDEXED BY events_by_time",
        };
        let mut text = format!("events {by} WHERE created_at BETWEEN ? AND ?");
        if self.session.is_some() {
            text.push_str(" AND session = ?");
        }
        if self.facets.is_some() {
            text.push_str(" AND facet IN (SELECT value FROM json_each(?))");
        }
        if self.places.is_some() {
            text.push_str(" AND place IN (SELECT value FROM json_each(?))");
        }
        text
    }

    fn values(&self) -> impl Iterator<Item = Value> {
        let Range { from, to } = self.range;
        let lists = [&self.facets, &self.places].into_iter().flatten();
        let numbers = [from, to].into_iter().chain(self.session).map(Value::from);
        numbers.chain(lists.map(|numbers| Value::from(list(numbers))))
    }
}

/// In which order events are gone through. The statements name the index that has it, so that no
/// statistics of the values lead SQLite elsewhere.
#[derive(Debug, Clone, Copy)]
enum Order {
    /// By number.
    Number,
    /// By when they were received, within a session or places where these are given.
    Time,
}

/// Returns the moments that a filter names, or nothing where it names one that SQLite cannot read.
pub(crate) fn range_of(
    connection: &Connection,
    filter: &EventFilter,
) -> rusqlite::Result<Option<Range>> {
    let mut range = Range::open();
    if let Some(since) = &filter.since {
        let Some(from) = seconds_of(connection, since)? else { return Ok(None) };
        range.from = from;
    }
    if let Some(until) = &filter.until {
        let Some(to) = seconds_of(connection, until)? else { return Ok(None) };
        range.to = to;
    }
    Ok(Some(range))
}

fn facets_of(connection: &Connection, filter: &EventFilter) -> rusqlite::Result<Vec<i64>> {
    connection
        .prepare_cached(
            "SELECT no FROM facets WHERE (?1 IS NULL OR agent_type = ?1) \
             AND (?2 IS NULL OR kind = ?2) AND (?3 IS NULL OR outcome = ?3) \
             AND (?4 IS NULL OR tool_name = ?4) AND (?5 IS NULL OR model = ?5) \
             AND (?6 IS NULL OR source = ?6)",
        )?
        .query_map(
            [
                &filter.agent_type,
                &filter.event_type,
                &filter.status,
                &filter.tool_name,
                &filter.model,
                &filter.source,
            ],
            |row| row.get(0),
        )?
        .collect()
}

fn places_of(connection: &Connection, filter: &EventFilter) -> rusqlite::Result<Vec<i64>> {
    connection
        .prepare_cached(
            "SELECT no FROM places WHERE (?1 IS NULL OR branch = ?1) \
             AND (?2 IS NULL OR project = ?2)",
        )?
        .query_map([&filter.branch, &filter.project], |row| row.get(0))?
        .collect()
}

/// Reads whole events; the columns are those of [`event_of`].
const SELECT: &str = "SELECT e.id, e.created_at, s.id, f.agent_type, f.kind, f.outcome, \
    f.tool_name, f.model, f.source, p.project, p.branch, e.flags, e.tokens_in, e.tokens_out, \
    e.cache_read, e.cache_write, e.cost_usd, e.duration_ms, e.client_ms, e.event_id, e.metadata, e.cache_write_1h \
    FROM events e CROSS JOIN facets f ON f.no = e.facet CROSS JOIN places p ON p.no = e.place \
    CROSS JOIN sessions s ON s.no = e.session";

pub(crate) fn read_events(
    connection: &Connection,
    numbers: &[i64],
) -> rusqlite::Result<Vec<StoredEvent>> {
    let mut find = connection.prepare_cached(&format!("{SELECT} WHERE e.id = ?1"))?;
    numbers.iter().map(|number| find.query_row([number], event_of)).collect()
}

/// Reads one event.
pub(crate) fn read_event(
    connection: &Connection,
    number: EventNumber,
) -> rusqlite::Result<StoredEvent> {
    connection.prepare_cached(&format!("{SELECT} WHERE e.id = ?1"))?.query_row([number.0], event_of)
}

/// Reads every event of the session of this row number, oldest first.
pub(crate) fn session_events(
    connection: &Connection,
    session: i64,
) -> rusqlite::Result<Vec<StoredEvent>> {
    connection
        .prepare_cached(&format!("{SELECT} WHERE e.session = ?1 ORDER BY e.id"))?
        .query_map([session], event_of)?
        .collect()
}

/// Visits every event, oldest first, with the row numbers of its session, facet and place.
pub(crate) fn each_numbered_event(
    connection: &Connection,
    mut visit: impl FnMut(StoredEvent, i64, i64, i64) -> rusqlite::Result<()>,
) -> rusqlite::Result<()> {
    let sql = SELECT.replace(" FROM events", ", e.session, e.facet, e.place FROM events");
    let mut all = connection.prepare(&format!("{sql} ORDER BY e.id"))?;
    let mut rows = all.query([])?;
    while let Some(row) = rows.next()? {
        visit(event_of(row)?, row.get(22)?, row.get(23)?, row.get(24)?)?;
    }
    Ok(())
}

/// Visits every event, oldest first.
pub(crate) fn each_event(
    connection: &Connection,
    mut visit: impl FnMut(StoredEvent),
) -> rusqlite::Result<()> {
    let mut all = connection.prepare(&format!("{SELECT} ORDER BY e.id"))?;
    let mut rows = all.query([])?;
    while let Some(row) = rows.next()? {
        visit(event_of(row)?);
    }
    Ok(())
}

fn event_of(row: &Row<'_>) -> rusqlite::Result<StoredEvent> {
    let flags: i64 = row.get(11)?;
    let word = |index| row.get::<_, String>(index);
    let facet = Facet {
        agent_type: word(3)?,
        // Only words of ours were ever written.
        kind: EventKind::from_word(row.get_ref(4)?.as_str()?).unwrap_or(EventKind::Response),
        outcome: Outcome::from_word(row.get_ref(5)?.as_str()?).unwrap_or(Outcome::Success),
        tool_name: told(word(6)?),
        model: told(word(7)?),
        source: word(8)?,
    };
    let event = NewEvent {
        event_id: row.get::<_, Option<String>>(19)?.map(EventId),
        session_id: SessionId(word(2)?),
        facet,
        place: Place { project: told(word(9)?), branch: told(word(10)?) },
        tokens: Tokens {
            input: row.get(12)?,
            output: row.get(13)?,
            cache_read: row.get(14)?,
            cache_write: row.get(15)?,
            cache_write_1h: row.get(21)?,
        },
        cost_usd: row.get(16)?,
        duration_ms: row.get(17)?,
        client_ms: row.get(18)?,
        metadata: Metadata::new(word(20)?, flags & FLAG_TRUNCATED != 0),
        historical: flags & FLAG_HISTORICAL != 0,
        told: Told {
            cost_is_stated: flags & FLAG_STATED != 0,
            amount: if flags & FLAG_METER == 0 { Amount::Request } else { Amount::Meter },
            sign: sign_of(flags),
            ..Told::default()
        },
    };
    Ok(StoredEvent { number: EventNumber(row.get(0)?), created_at: row.get(1)?, event })
}

/// Writes numbers as the JSON array that stands for them as one parameter: there can be more of
/// them than parameters, or than fit into a statement.
pub(crate) fn list(numbers: &[i64]) -> String {
    let mut text = String::with_capacity(2 + numbers.len() * 4);
    for (nth, number) in numbers.iter().enumerate() {
        text.push(if nth == 0 { '[' } else { ',' });
        text.push_str(&number.to_string());
    }
    text.push_str(if numbers.is_empty() { "[]" } else { "]" });
    text
}

fn signed(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
