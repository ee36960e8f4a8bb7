//! One transaction of the writer: events are inserted one by one, what they add up to is written
//! once at its end.
//!
//! What is remembered between groups is a copy of rows on disk. A group that fails is rolled back,
//! and then all of it is forgotten.

use std::collections::{HashMap, HashSet};

use oriel_model::{
    Amount, EventKind, EventNumber, Facet, Money, NewEvent, Place, SessionId, Sign, StoredEvent,
    Tokens,
};
use rusqlite::{Connection, OptionalExtension, params};

use crate::query::read_event;
use crate::search::{self, Packed};
use crate::sums::COUNT_MAX;

mod amend;
mod fill;
mod forget;
mod meters;
mod rebuild;
mod session;
mod things;
mod tools;
mod totals;
mod usage;
mod usage_spans;

pub(crate) use fill::fill;
pub(crate) use meters::TABLES as METERS;
pub(crate) use rebuild::may_be_capped;
pub(crate) use session::read_life;
use session::{LiveSession, Moved};
use things::Found;
pub(crate) use things::TABLES as THINGS;
pub(crate) use tools::{Call, TABLES as TOOLS, ToolSpan, tool_key};
pub(crate) use totals::SPANS;
use totals::Totals;
pub use usage::Usage;
pub(crate) use usage::{QUARTER, TABLES as USAGE, count_all, quarter_of};
pub(crate) use usage_spans::{COLUMNS as USAGE_COLUMNS, TABLES as USAGE_SPANS, add_up_all};

/// How many rows of each kind are remembered before all are forgotten.
const REMEMBERED_MAX: usize = 8192;

/// Set in `events.flags` where metadata is less than what the sender said.
pub(crate) const FLAG_TRUNCATED: i64 = 1;
/// Set in `events.flags` where the event told of the past.
pub(crate) const FLAG_HISTORICAL: i64 = 2;
/// Set in `events.flags` where the cost is the agent's own word.
pub(crate) const FLAG_STATED: i64 = 4;
/// Set in `events.flags` where the amounts are a step of a meter.
pub(crate) const FLAG_METER: i64 = 8;
/// Set in `events.flags` where other sources know the event by keys.
pub(crate) const FLAG_KEYED: i64 = 64;
/// Set in `events.flags` where the event is a prompt, which begins a turn.
pub(crate) const FLAG_PROMPT: i64 = 128;
/// How far the sign of an event is shifted in `events.flags`.
pub(crate) const SIGN_SHIFT: u32 = 4;

/// The tools whose `file_path` is a file that a session edited.
pub(crate) const EDITING_TOOLS: [&str; 5] =
    ["Edit", "Write", "MultiEdit", "apply_patch", "write_stdin"];

/// What became of an event that was to be inserted, with the events that changed through it.
pub(crate) enum Inserted {
    /// It is new.
    New(Box<StoredEvent>, Vec<StoredEvent>),
    /// An event of the same thing was there.
    Joined(EventNumber, Vec<StoredEvent>),
    /// This very telling was there.
    Duplicate,
}

/// What the writer remembers, and what the open transaction has yet to write.
pub(crate) struct Group {
    next: i64,
    facets: HashMap<Facet, i64>,
    places: HashMap<Place, i64>,
    sessions: HashMap<SessionId, LiveSession>,
    touched: HashSet<SessionId>,
    totals: Totals,
    /// The sessions that have meters.
    metered: HashSet<i64>,
}

impl Group {
    /// Starts after the events that are on disk.
    pub(crate) fn resume(connection: &Connection) -> rusqlite::Result<Self> {
        let last: i64 =
            connection.query_row("SELECT ifnull(max(id), 0) FROM events", [], |row| row.get(0))?;
        Ok(Self {
            next: last + 1,
            facets: HashMap::new(),
            places: HashMap::new(),
            sessions: HashMap::new(),
            touched: HashSet::new(),
            totals: Totals::default(),
            metered: meters::metered(connection)?,
        })
    }

    /// Inserts an event, unless this very telling is there. Where another source has told of the
    /// same thing, its event learns what this one says.
    pub(crate) fn insert(
        &mut self,
        connection: &Connection,
        mut event: NewEvent,
        texts: &[Packed],
        at: i64,
    ) -> rusqlite::Result<Inserted> {
        cap_counts(&mut event);
        let keys = if event.told.keys.is_empty() {
            Vec::new()
        } else {
            match things::find(connection, &event)? {
                Found::New(keys) => keys,
                Found::Known(number, keys) => {
                    things::name(connection, number, &keys)?;
                    return self.join(connection, number, &event, texts, at);
                }
                Found::Duplicate => return Ok(Inserted::Duplicate),
            }
        };
        let Some(stored) = self.insert_new(connection, event, at)? else {
            return Ok(Inserted::Duplicate);
        };
        things::name(connection, stored.number, &keys)?;
        search::keep(connection, stored.number, texts)?;
        let amended = self.settle_meters(connection, &stored)?;
        Ok(Inserted::New(Box::new(stored), amended))
    }

    /// Lets an event learn what another source tells of the same thing.
    fn join(
        &mut self,
        connection: &Connection,
        number: EventNumber,
        event: &NewEvent,
        texts: &[Packed],
        at: i64,
    ) -> rusqlite::Result<Inserted> {
        let old = read_event(connection, number)?;
        things::keep(connection, &old, event, at)?;
        search::keep(connection, number, texts)?;
        let mut new = old.event.clone();
        if !new.learn(event) {
            return Ok(Inserted::Joined(number, Vec::new()));
        }
        let new = self.amend(connection, &old, new)?;
        if old.event.place != new.event.place {
            self.learn_place(connection, &new, false)?;
        }
        let mut amended = self.settle_meters_after(connection, &old, &new)?;
        amended.insert(0, new);
        Ok(Inserted::Joined(number, amended))
    }

    /// Inserts an event that no other source has told of.
    fn insert_new(
        &mut self,
        connection: &Connection,
        mut event: NewEvent,
        at: i64,
    ) -> rusqlite::Result<Option<StoredEvent>> {
        // Where rows would have to be made for it, we must know first that it is new. Elsewhere
        // the insertion itself tells, which saves a search for every event.
        if !self.is_at_home(connection, &event)? && is_duplicate(connection, &event)? {
            return Ok(None);
        }
        let session = self.session(connection, &event, at)?;
        session.tell(&mut event.place);
        if session.rested_after(&event) {
            event.told.sign = Sign::Aside;
        }
        let session = session.no;
        let facet = self.facet(connection, &event.facet)?;
        let place = self.place(connection, &event.place)?;
        let number = EventNumber(self.next);
        let stored = StoredEvent { number, created_at: at, event };
        if !insert_row(connection, &stored, session, facet, place)? {
            return Ok(None);
        }
        self.next += 1;
        self.count_in_session(connection, &stored)?;
        self.totals.count(&stored, session, facet, place);
        Ok(Some(stored))
    }

    /// Writes what the inserted events add up to.
    pub(crate) fn finish(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        self.write_sessions(connection)?;
        self.totals.write(connection)
    }

    fn write_sessions(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        for id in self.touched.drain() {
            if let Some(session) = self.sessions.get_mut(id.0.as_str()) {
                session.write(connection)?;
            }
        }
        Ok(())
    }

    /// Forgets everything: what is remembered may not be what is on disk.
    pub(crate) fn forget(&mut self) {
        self.facets.clear();
        self.places.clear();
        self.sessions.clear();
        self.touched.clear();
        self.totals = Totals::default();
    }

    /// Forgets what is remembered once there is too much of it. Only between groups.
    pub(crate) fn trim(&mut self) {
        if self.sessions.len() > REMEMBERED_MAX {
            self.sessions.clear();
        }
        if self.facets.len() > REMEMBERED_MAX {
            self.facets.clear();
        }
        if self.places.len() > REMEMBERED_MAX {
            self.places.clear();
        }
    }

    /// Returns whether everything that an event refers to is remembered.
    fn is_at_home(&mut self, connection: &Connection, event: &NewEvent) -> rusqlite::Result<bool> {
        let id = event.session_id.0.as_str();
        if !self.sessions.contains_key(id) {
            let Some(session) = LiveSession::load(connection, &event.session_id)? else {
                return Ok(false);
            };
            self.sessions.insert(event.session_id.clone(), session);
        }
        let mut place = event.place.clone();
        self.sessions[id].tell(&mut place);
        Ok(self.facets.contains_key(&event.facet) && self.places.contains_key(&place))
    }

    /// Returns the session of an event, which begins where it is not known.
    fn session(
        &mut self,
        connection: &Connection,
        event: &NewEvent,
        at: i64,
    ) -> rusqlite::Result<&mut LiveSession> {
        let id = &event.session_id;
        if !self.sessions.contains_key(id.0.as_str()) {
            let session = LiveSession::begin(connection, event, at)?;
            self.sessions.insert(id.clone(), session);
        }
        Ok(self.sessions.get_mut(id.0.as_str()).expect("the session was put there above"))
    }

    /// Counts an event that was inserted in its session, which learns from it where it is.
    fn count_in_session(
        &mut self,
        connection: &Connection,
        stored: &StoredEvent,
    ) -> rusqlite::Result<()> {
        let (event, at) = (&stored.event, stored.created_at);
        let id = event.session_id.0.as_str();
        self.learn_place(connection, stored, true)?;
        let session = self.sessions.get_mut(id).expect("the event was inserted with its session");
        session.count(connection, stored)?;
        if event.cost_usd.is_some_and(|cost| cost > 0.0) {
            let first = session.first_cost_of(&event.facet.agent_type);
            self.totals.count_cost(event, at, session.no, &session.project, first);
        }
        if !self.touched.contains(id) {
            self.touched.insert(event.session_id.clone());
        }
        Ok(())
    }

    /// Lets a session learn where its event happened, and moves along what it cost before.
    fn learn_place(
        &mut self,
        connection: &Connection,
        stored: &StoredEvent,
        is_new: bool,
    ) -> rusqlite::Result<()> {
        let id = stored.event.session_id.0.as_str();
        let session = self.sessions.get_mut(id).expect("the event was stored with its session");
        let Some(Moved { from, to }) = session.learn(connection, stored, is_new)? else {
            return Ok(());
        };
        session.write(connection)?;
        let was_capped = self.totals.move_project(connection, session.no, &from, &to)?;
        if was_capped {
            // All sessions of the project are added up, so each must be on disk as it is.
            self.write_sessions(connection)?;
            self.totals.recount_project(connection, &from)?;
        }
        Ok(())
    }

    fn facet(&mut self, connection: &Connection, facet: &Facet) -> rusqlite::Result<i64> {
        if let Some(&no) = self.facets.get(facet) {
            return Ok(no);
        }
        let key = params![
            facet.agent_type,
            facet.kind.as_str(),
            facet.outcome.as_str(),
            facet.tool_name.as_deref().unwrap_or(""),
            facet.model.as_deref().unwrap_or(""),
            facet.source,
        ];
        let no = number_of(
            connection,
            "SELECT no FROM facets WHERE agent_type = ?1 AND kind = ?2 AND outcome = ?3 \
             AND tool_name = ?4 AND model = ?5 AND source = ?6",
            "INSERT INTO facets (agent_type, kind, outcome, tool_name, model, source) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6) RETURNING no",
            key,
        )?;
        self.facets.insert(facet.clone(), no);
        Ok(no)
    }

    fn place(&mut self, connection: &Connection, place: &Place) -> rusqlite::Result<i64> {
        if let Some(&no) = self.places.get(place) {
            return Ok(no);
        }
        let key =
            params![place.branch.as_deref().unwrap_or(""), place.project.as_deref().unwrap_or(""),];
        let no = number_of(
            connection,
            "SELECT no FROM places WHERE branch = ?1 AND project = ?2",
            "INSERT INTO places (branch, project) VALUES (?1, ?2) RETURNING no",
            key,
        )?;
        self.places.insert(place.clone(), no);
        Ok(no)
    }
}

fn number_of(
    connection: &Connection,
    find: &str,
    make: &str,
    key: &[&dyn rusqlite::ToSql],
) -> rusqlite::Result<i64> {
    let found = connection.prepare_cached(find)?.query_row(key, |row| row.get(0)).optional()?;
    match found {
        Some(no) => Ok(no),
        None => connection.prepare_cached(make)?.query_row(key, |row| row.get(0)),
    }
}

/// Cuts what is larger than any count, so that one event that the disk does not hold costs nobody
/// else in the group an answer.
fn cap_counts(event: &mut NewEvent) {
    let Tokens { input, output, cache_read, cache_write, cache_write_1h } = &mut event.tokens;
    let tokens = [input, output, cache_read, cache_write, cache_write_1h];
    for count in tokens.into_iter().chain(&mut event.duration_ms) {
        *count = COUNT_MAX.min(*count);
    }
}

fn is_duplicate(connection: &Connection, event: &NewEvent) -> rusqlite::Result<bool> {
    let Some(event_id) = &event.event_id else { return Ok(false) };
    connection
        .prepare_cached("SELECT 1 FROM events WHERE event_id = ?1")?
        .exists([event_id.0.as_str()])
}

/// Inserts the row of an event. Returns whether it was new.
fn insert_row(
    connection: &Connection,
    stored: &StoredEvent,
    session: i64,
    facet: i64,
    place: i64,
) -> rusqlite::Result<bool> {
    let event = &stored.event;
    let keyed = if event.told.keys.is_empty() { 0 } else { FLAG_KEYED };
    let flags = flags_of(event) | keyed;
    let rows = connection
        .prepare_cached(
            "INSERT INTO events (id, created_at, session, facet, place, flags, tokens_in, \
             tokens_out, cache_read, cache_write, cost_usd, duration_ms, client_ms, event_id, \
             metadata, cache_write_1h) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16) \
             ON CONFLICT (event_id) WHERE event_id IS NOT NULL DO NOTHING",
        )?
        .execute(params![
            stored.number.0,
            stored.created_at,
            session,
            facet,
            place,
            flags,
            event.tokens.input,
            event.tokens.output,
            event.tokens.cache_read,
            event.tokens.cache_write,
            event.cost_usd,
            event.duration_ms,
            event.client_ms,
            event.event_id.as_ref().map(|id| id.0.as_str()),
            event.metadata.text(),
            event.tokens.cache_write_1h,
        ])?;
    Ok(rows == 1)
}

/// Returns the number that a sign has in `events.flags`.
pub(crate) fn sign_number(sign: Sign) -> i64 {
    match sign {
        Sign::Kind => 0,
        Sign::TurnOver => 1,
        Sign::SessionOver => 2,
        Sign::Aside => 3,
    }
}

/// Returns the sign that `events.flags` holds.
pub(crate) fn sign_of(flags: i64) -> Sign {
    match (flags >> SIGN_SHIFT) & 3 {
        0 => Sign::Kind,
        1 => Sign::TurnOver,
        2 => Sign::SessionOver,
        _ => Sign::Aside,
    }
}

/// Returns what `events.flags` holds of an event, but for what only its row knows.
pub(crate) fn flags_of(event: &NewEvent) -> i64 {
    let set = |on: bool, flag| if on { flag } else { 0 };
    set(event.metadata.truncated(), FLAG_TRUNCATED)
        | set(event.historical, FLAG_HISTORICAL)
        | set(event.told.cost_is_stated, FLAG_STATED)
        | set(event.told.amount == Amount::Meter, FLAG_METER)
        | set(event.facet.kind == EventKind::UserPrompt, FLAG_PROMPT)
        | sign_number(event.told.sign) << SIGN_SHIFT
}

/// Returns when an event happened: by its sender's clock, else when it was received.
pub(crate) fn effective_ms(client_ms: Option<i64>, created_at: i64) -> i64 {
    client_ms.unwrap_or_else(|| created_at.saturating_mul(1000))
}

/// Returns the beginning of the span of so many seconds that holds this second.
pub(crate) fn span_start(at: i64, seconds: i64) -> i64 {
    at.div_euclid(seconds).saturating_mul(seconds)
}

/// What events cost, with how many of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Costed {
    pub cost: Money,
    pub events: u64,
}
