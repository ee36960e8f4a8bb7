//! The turns of a session: from one prompt to the next. What was done before the first prompt is a
//! turn too, of number 0.

use std::collections::{BTreeSet, HashMap};

use oriel_model::{Money, StoredEvent, Tokens};
use rusqlite::{Connection, OptionalExtension, params};

use super::events::read_event;
use super::told;
use crate::group::{FLAG_PROMPT, Usage, effective_ms};
use crate::readers::ReadError;
use crate::store::Store;
use crate::sums::add;

/// A page ends with the turn with which it has read so many events, so that it takes no longer the
/// more happens in a turn.
const EVENTS_MAX: usize = 3000;

/// A turn of a session.
#[derive(Debug, Clone, PartialEq)]
pub struct Turn {
    /// Which it is, from 1 on; 0 is what was done before the first prompt.
    pub number: u64,
    /// Its first event: the prompt, but for turn 0.
    pub first: StoredEvent,
    /// The number of its last event.
    pub last_event: i64,
    /// When its last event happened, in Unix milliseconds.
    pub ended_ms: i64,
    /// How many events it has.
    pub events: u64,
    /// Requests to models.
    pub requests: u64,
    /// Calls of tools.
    pub tool_calls: u64,
    /// Events that failed.
    pub errors: u64,
    /// The tokens of all requests.
    pub tokens: Tokens,
    /// What they cost.
    pub cost: Money,
    /// Requests that have no price.
    pub unpriced: u64,
    /// The models that answered.
    pub models: BTreeSet<String>,
}

/// A page of turns, newest first.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TurnPage {
    /// The turns.
    pub turns: Vec<Turn>,
    /// Where to go on: the first event of the last turn, if there are earlier ones.
    pub next: Option<i64>,
}

impl Store {
    /// Returns up to `limit` turns of a session, newest first, of those that begin before an event.
    /// Nothing is returned where there is no such session.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn turns(
        &self,
        session: String,
        limit: usize,
        before: Option<i64>,
    ) -> Result<Option<TurnPage>, ReadError> {
        self.readers().ask(move |connection| page(connection, &session, limit, before)).await
    }
}

/// Where a turn begins, and how many events it has.
struct Span {
    first: i64,
    number: u64,
    events: usize,
}

/// The events that a page is made of: those of a session from one number on and before another.
/// They are found in the index of the session, whose numbers are looked at one by one: a clock may
/// step back, and then an event that was told later stands there earlier.
#[derive(Clone, Copy)]
struct Bounds {
    session: i64,
    first: i64,
    before: i64,
}

fn page(
    connection: &Connection,
    session: &str,
    limit: usize,
    before: Option<i64>,
) -> rusqlite::Result<Option<TurnPage>> {
    let session: Option<i64> = connection
        .prepare_cached("SELECT no FROM sessions WHERE id = ?1")?
        .query_row([session], |row| row.get(0))
        .optional()?;
    let Some(session) = session else { return Ok(None) };
    let before = before.unwrap_or(i64::MAX);
    let limit = limit.max(1);
    // One more says whether there are earlier ones.
    let mut spans = spans(connection, session, limit.saturating_add(1), before)?;
    let wanted = spans.len().min(limit);
    let Some(oldest) = wanted.checked_sub(1) else { return Ok(Some(TurnPage::default())) };
    let bounds = Bounds { session, first: spans[oldest].first, before };
    count(connection, bounds, &mut spans[..wanted])?;
    let mut events = 0;
    let fits = |span: &&Span| {
        let fits = events < EVENTS_MAX;
        events += span.events;
        fits
    };
    let fitting = spans[..wanted].iter().take_while(fits).count();
    let next = (fitting < spans.len()).then(|| spans[fitting - 1].first);
    spans.truncate(fitting);
    let bounds = Bounds { first: spans[fitting - 1].first, ..bounds };
    Ok(Some(TurnPage { turns: sum(connection, bounds, &spans)?, next }))
}

/// Returns where up to so many turns begin, newest first, without their events.
fn spans(
    connection: &Connection,
    session: i64,
    limit: usize,
    before: i64,
) -> rusqlite::Result<Vec<Span>> {
    let prompts =
        format!("events INDEXED BY events_prompts WHERE session = ?1 AND flags & {FLAG_PROMPT}");
    let mut spans: Vec<Span> = connection
        .prepare_cached(&format!("SELECT id FROM {prompts} AND id < ?2 ORDER BY id DESC LIMIT ?3"))?
        .query_map(params![session, before, i64::try_from(limit).unwrap_or(i64::MAX)], |row| {
            Ok(Span { first: row.get(0)?, number: 0, events: 0 })
        })?
        .collect::<rusqlite::Result<_>>()?;
    if let Some(newest) = spans.first() {
        let mut number: u64 = connection
            .prepare_cached(&format!("SELECT count(*) FROM {prompts} AND id <= ?2"))?
            .query_row([session, newest.first], |row| row.get(0))?;
        for span in &mut spans {
            span.number = number;
            number = number.saturating_sub(1);
        }
    }
    if spans.len() < limit {
        let begun: Option<i64> = connection
            .prepare_cached(
                "SELECT min(id) FROM events INDEXED BY events_by_session WHERE session = ?1",
            )?
            .query_row([session], |row| row.get(0))?;
        let bound = spans.last().map_or(before, |oldest| oldest.first);
        if let Some(first) = begun.filter(|first| *first < bound) {
            spans.push(Span { first, number: 0, events: 0 });
        }
    }
    Ok(spans)
}

/// Counts the events of each turn, from the index alone.
fn count(connection: &Connection, bounds: Bounds, spans: &mut [Span]) -> rusqlite::Result<()> {
    let mut read = connection.prepare_cached(&bounds.select("id"))?;
    let mut rows = read.query(bounds.values())?;
    while let Some(row) = rows.next()? {
        if let Some(nth) = turn_of(spans, row.get(0)?) {
            spans[nth].events += 1;
        }
    }
    Ok(())
}

/// Adds up the events of each turn.
fn sum(connection: &Connection, bounds: Bounds, spans: &[Span]) -> rusqlite::Result<Vec<Turn>> {
    let mut turns = Vec::with_capacity(spans.len());
    for span in spans {
        let first = read_event(connection, oriel_model::EventNumber(span.first))?;
        turns.push(Turn {
            number: span.number,
            last_event: span.first,
            ended_ms: effective_ms(first.event.client_ms, first.created_at),
            first,
            events: 0,
            requests: 0,
            tool_calls: 0,
            errors: 0,
            tokens: Tokens::default(),
            cost: Money::ZERO,
            unpriced: 0,
            models: BTreeSet::new(),
        });
    }
    let mut facets: HashMap<i64, Words> = HashMap::new();
    let mut read = connection.prepare_cached(&bounds.select(
        "id, facet, created_at, client_ms, tokens_in, tokens_out, cache_read, cache_write, \
         cache_write_1h, cost_usd",
    ))?;
    let mut rows = read.query(bounds.values())?;
    while let Some(row) = rows.next()? {
        let (number, facet) = (row.get(0)?, row.get(1)?);
        let Some(nth) = turn_of(spans, number) else { continue };
        if let std::collections::hash_map::Entry::Vacant(place) = facets.entry(facet) {
            place.insert(Words::read(connection, facet)?);
        }
        let tokens = Tokens {
            input: row.get(4)?,
            output: row.get(5)?,
            cache_read: row.get(6)?,
            cache_write: row.get(7)?,
            cache_write_1h: row.get(8)?,
        };
        let turn = &mut turns[nth];
        turn.last_event = turn.last_event.max(number);
        turn.ended_ms = turn.ended_ms.max(effective_ms(row.get(3)?, row.get(2)?));
        turn.add(&facets[&facet], tokens, row.get(9)?);
    }
    Ok(turns)
}

/// Returns which of these turns, newest first, an event belongs to.
fn turn_of(spans: &[Span], number: i64) -> Option<usize> {
    let nth = spans.partition_point(|span| span.first > number);
    (nth < spans.len()).then_some(nth)
}

impl Bounds {
    fn select(self, columns: &str) -> String {
        format!(
            "SELECT {columns} FROM events INDEXED BY events_by_session \
             WHERE session = ?1 AND id >= ?2 AND id < ?3"
        )
    }

    fn values(self) -> [i64; 3] {
        [self.session, self.first, self.before]
    }
}

impl Turn {
    fn add(&mut self, words: &Words, tokens: Tokens, cost_usd: Option<f64>) {
        add(&mut self.events, 1);
        add(&mut self.tool_calls, u64::from(words.is_call));
        add(&mut self.errors, u64::from(words.failed));
        if let Some(usage) = Usage::of_parts(tokens, cost_usd) {
            add(&mut self.requests, 1);
            add(&mut self.unpriced, usage.unpriced.unsigned_abs());
            self.cost = self.cost.plus(usage.money());
            for (sum, more) in [
                (&mut self.tokens.input, tokens.input),
                (&mut self.tokens.output, tokens.output),
                (&mut self.tokens.cache_read, tokens.cache_read),
                (&mut self.tokens.cache_write, tokens.cache_write),
                (&mut self.tokens.cache_write_1h, tokens.cache_write_1h),
            ] {
                add(sum, more);
            }
        }
        if let Some(model) = words.model.as_ref().filter(|model| !self.models.contains(*model)) {
            self.models.insert(model.clone());
        }
    }
}

/// What a facet says of its events.
struct Words {
    is_call: bool,
    failed: bool,
    model: Option<String>,
}

impl Words {
    fn read(connection: &Connection, facet: i64) -> rusqlite::Result<Self> {
        connection
            .prepare_cached(
                "SELECT tool_name <> '', outcome <> 'success' OR kind = 'error', model \
                 FROM facets WHERE no = ?1",
            )?
            .query_row([facet], |row| {
                Ok(Self { is_call: row.get(0)?, failed: row.get(1)?, model: told(row.get(2)?) })
            })
    }
}
