//! A meter adds up what requests used, so a request that is told of by itself and by a meter would
//! count twice. Of a meter's steps only that counts which no request of its session and model
//! accounts for.
//!
//! A meter that names no model adds up requests of all models, and those of every model are part of it.
//!
//! The oldest steps are covered first. What comes out does not depend on the order in which steps
//! and requests are told: of each amount it is the larger of what the meter and the requests say.

use std::collections::BTreeSet;

use oriel_model::{Amount, EventKind, EventNumber, Money, NewEvent, StoredEvent};
use rusqlite::{Connection, OptionalExtension, params};

use super::{FLAG_KEYED, FLAG_METER, Group};
use crate::query::read_event;
use crate::sums::signed;

/// The tables of meters: what requests used by session and model, and each step with the part of it
/// that requests account for.
pub(crate) const TABLES: &str = "
CREATE TABLE meters (
    session INTEGER NOT NULL, model TEXT NOT NULL, tokens_in INTEGER NOT NULL,
    tokens_out INTEGER NOT NULL, cache_read INTEGER NOT NULL, cache_write INTEGER NOT NULL,
    cost INTEGER NOT NULL, PRIMARY KEY (session, model)
) WITHOUT ROWID;
CREATE TABLE meter_steps (
    session INTEGER NOT NULL, model TEXT NOT NULL, amount INTEGER NOT NULL,
    event INTEGER NOT NULL, whole INTEGER NOT NULL, covered INTEGER NOT NULL,
    PRIMARY KEY (session, model, amount, event)
) WITHOUT ROWID;
CREATE INDEX meter_steps_by_event ON meter_steps (event);
";

/// Input, output, cache reads, cache writes, the stated cost.
const REQUEST_AMOUNTS: usize = 5;

/// The model of a meter that names none.
const ALL_MODELS: &str = "";

/// The place of the stated cost among the amounts.
const STATED: usize = 4;

/// The place of a cost that was worked out from a step's tokens. It counts only as far as neither
/// requests nor steps state one.
const PRICED: usize = 5;

impl Group {
    /// Lets a new event and the steps of meters settle what counts. Returns the events that changed.
    pub(super) fn settle_meters(
        &mut self,
        connection: &Connection,
        stored: &StoredEvent,
    ) -> rusqlite::Result<Vec<StoredEvent>> {
        let event = &stored.event;
        let session = self.sessions[event.session_id.0.as_str()].no;
        let model = event.facet.model.as_deref().unwrap_or("");
        if event.told.amount == Amount::Meter {
            begin(connection, session, model)?;
            add_steps(connection, session, model, stored)?;
            self.metered.insert(session);
        } else if is_request(event) && self.metered.contains(&session) {
            add_request(connection, session, model, amounts(event), 1)?;
        } else {
            return Ok(Vec::new());
        }
        let mut amended = self.cover(connection, session, model)?;
        if !model.is_empty() {
            amended.extend(self.cover(connection, session, ALL_MODELS)?);
        }
        Ok(amended)
    }

    /// Lets an event that changed and the steps of meters settle what counts.
    pub(crate) fn settle_meters_after(
        &mut self,
        connection: &Connection,
        old: &StoredEvent,
        new: &StoredEvent,
    ) -> rusqlite::Result<Vec<StoredEvent>> {
        let session = self.sessions[old.event.session_id.0.as_str()].no;
        if old.event.facet.kind != EventKind::LlmResponse || !self.metered.contains(&session) {
            return Ok(Vec::new());
        }
        let mut amended = Vec::new();
        for (event, sign) in [(&old.event, -1), (&new.event, 1)] {
            let model = event.facet.model.as_deref().unwrap_or("");
            add_request(connection, session, model, amounts(event), sign)?;
        }
        let of = |stored: &'_ StoredEvent| stored.event.facet.model.clone().unwrap_or_default();
        let models = BTreeSet::from([of(old), of(new), ALL_MODELS.to_owned()]);
        for model in models {
            amended.extend(self.cover(connection, session, &model)?);
        }
        Ok(amended)
    }

    /// Covers as much of the steps as the requests account for, and changes the events of those
    /// where that changed.
    fn cover(
        &mut self,
        connection: &Connection,
        session: i64,
        model: &str,
    ) -> rusqlite::Result<Vec<StoredEvent>> {
        let Some(requests) = requests(connection, session, model)? else { return Ok(Vec::new()) };
        let steps = steps(connection, session, model)?;
        let mut changed = BTreeSet::new();
        for (amount, (whole, covered)) in steps.iter().enumerate() {
            let accounted = match amount {
                PRICED => requests[STATED].max(steps[STATED].0),
                amount => requests[amount],
            };
            let more = accounted.clamp(0, *whole) - covered;
            if more != 0 {
                shift(connection, (session, model, amount), more, &mut changed)?;
            }
        }
        let mut amended = Vec::new();
        for number in changed {
            let old = read_event(connection, EventNumber(number))?;
            let new = uncovered(connection, &old)?;
            amended.push(self.amend(connection, &old, new)?);
        }
        Ok(amended)
    }
}

/// Reads which sessions have meters.
pub(super) fn metered(connection: &Connection) -> rusqlite::Result<std::collections::HashSet<i64>> {
    let mut find = connection.prepare("SELECT DISTINCT session FROM meters")?;
    find.query_map([], |row| row.get(0))?.collect()
}

fn is_request(event: &NewEvent) -> bool {
    event.facet.kind == EventKind::LlmResponse && !event.told.keys.is_empty()
}

fn amounts(event: &NewEvent) -> [i64; REQUEST_AMOUNTS] {
    let tokens = event.tokens;
    [
        signed(tokens.input),
        signed(tokens.output),
        signed(tokens.cache_read),
        signed(tokens.cache_write),
        event.cost_usd.map_or(Money::ZERO, Money::from_dollars).units(),
    ]
}

/// Begins the meter of a session and model, or of all of its models, with what its requests used so far.
fn begin(connection: &Connection, session: i64, model: &str) -> rusqlite::Result<()> {
    if requests(connection, session, model)?.is_some() {
        return Ok(());
    }
    let mut sums = [0_i64; REQUEST_AMOUNTS];
    let mut find = connection.prepare_cached(
        "SELECT e.tokens_in, e.tokens_out, e.cache_read, e.cache_write, e.cost_usd \
         FROM events e JOIN facets f ON f.no = e.facet \
         WHERE e.session = ?1 AND ?2 IN (f.model, '') AND f.kind = 'llm_response' \
         AND e.flags & ?3 <> 0 AND e.flags & ?4 = 0",
    )?;
    let mut rows = find.query(params![session, model, FLAG_KEYED, FLAG_METER])?;
    while let Some(row) = rows.next()? {
        let cost: Option<f64> = row.get(4)?;
        let cost = cost.map_or(Money::ZERO, Money::from_dollars).units();
        let amounts = [row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, cost];
        sums.iter_mut()
            .zip(amounts)
            .for_each(|(sum, one): (_, i64)| *sum = sum.saturating_add(one));
    }
    connection
        .prepare_cached("INSERT INTO meters VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")?
        .execute(params![session, model, sums[0], sums[1], sums[2], sums[3], sums[4]])?;
    Ok(())
}

fn add_steps(
    connection: &Connection,
    session: i64,
    model: &str,
    stored: &StoredEvent,
) -> rusqlite::Result<()> {
    let event = &stored.event;
    let mut wholes = [0; PRICED + 1];
    wholes[..REQUEST_AMOUNTS].copy_from_slice(&amounts(event));
    if !event.told.cost_is_stated {
        wholes.swap(STATED, PRICED);
    }
    let mut insert =
        connection.prepare_cached("INSERT INTO meter_steps VALUES (?1, ?2, ?3, ?4, ?5, 0)")?;
    for (amount, whole) in wholes.into_iter().enumerate().filter(|(_, whole)| *whole > 0) {
        insert.execute(params![session, model, amount, stored.number.0, whole])?;
    }
    Ok(())
}

fn add_request(
    connection: &Connection,
    session: i64,
    model: &str,
    amounts: [i64; REQUEST_AMOUNTS],
    sign: i64,
) -> rusqlite::Result<()> {
    let [tokens_in, tokens_out, cache_read, cache_write, cost] = amounts.map(|one| one * sign);
    connection
        .prepare_cached(
            "UPDATE meters SET tokens_in = tokens_in + ?3, tokens_out = tokens_out + ?4, \
             cache_read = cache_read + ?5, cache_write = cache_write + ?6, cost = cost + ?7 \
             WHERE session = ?1 AND model IN (?2, '')",
        )?
        .execute(params![session, model, tokens_in, tokens_out, cache_read, cache_write, cost])?;
    Ok(())
}

fn requests(
    connection: &Connection,
    session: i64,
    model: &str,
) -> rusqlite::Result<Option<[i64; REQUEST_AMOUNTS]>> {
    connection
        .prepare_cached(
            "SELECT tokens_in, tokens_out, cache_read, cache_write, cost FROM meters \
             WHERE session = ?1 AND model = ?2",
        )?
        .query_row(params![session, model], |row| {
            Ok([row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?])
        })
        .optional()
}

/// Returns the sums of the steps of each amount, and of what is covered of them.
fn steps(
    connection: &Connection,
    session: i64,
    model: &str,
) -> rusqlite::Result<[(i64, i64); PRICED + 1]> {
    let mut sums = [(0, 0); PRICED + 1];
    let mut find = connection.prepare_cached(
        "SELECT amount, sum(whole), sum(covered) FROM meter_steps \
         WHERE session = ?1 AND model = ?2 GROUP BY amount",
    )?;
    let mut rows = find.query(params![session, model])?;
    while let Some(row) = rows.next()? {
        if let Some(sum) = sums.get_mut(row.get::<_, usize>(0)?) {
            *sum = (row.get(1)?, row.get(2)?);
        }
    }
    Ok(sums)
}

/// Covers more of the oldest steps, or uncovers some of the newest.
fn shift(
    connection: &Connection,
    (session, model, amount): (i64, &str, usize),
    mut more: i64,
    changed: &mut BTreeSet<i64>,
) -> rusqlite::Result<()> {
    let sql = if more > 0 {
        "SELECT event, whole - covered FROM meter_steps WHERE session = ?1 AND model = ?2 \
         AND amount = ?3 AND covered < whole ORDER BY event"
    } else {
        "SELECT event, -covered FROM meter_steps WHERE session = ?1 AND model = ?2 \
         AND amount = ?3 AND covered > 0 ORDER BY event DESC"
    };
    let mut moves = Vec::new();
    let mut find = connection.prepare_cached(sql)?;
    let mut rows = find.query(params![session, model, amount])?;
    while more != 0 {
        let Some(row) = rows.next()? else { break };
        let room: i64 = row.get(1)?;
        let part = if more > 0 { more.min(room) } else { more.max(room) };
        moves.push((row.get::<_, i64>(0)?, part));
        more -= part;
    }
    drop(rows);
    let mut update = connection.prepare_cached(
        "UPDATE meter_steps SET covered = covered + ?5 \
         WHERE session = ?1 AND model = ?2 AND amount = ?3 AND event = ?4",
    )?;
    for (event, part) in moves {
        update.execute(params![session, model, amount, event, part])?;
        changed.insert(event);
    }
    Ok(())
}

/// Returns a step's event with what is not covered of it.
fn uncovered(connection: &Connection, stored: &StoredEvent) -> rusqlite::Result<NewEvent> {
    let mut event = stored.event.clone();
    let mut find = connection
        .prepare_cached("SELECT amount, whole - covered FROM meter_steps WHERE event = ?1")?;
    let mut rows = find.query([stored.number.0])?;
    while let Some(row) = rows.next()? {
        let left: i64 = row.get(1)?;
        let count = left.max(0).unsigned_abs();
        match row.get::<_, usize>(0)? {
            0 => event.tokens.input = count,
            1 => event.tokens.output = count,
            2 => event.tokens.cache_read = count,
            3 => event.tokens.cache_write = count,
            _ => event.cost_usd = Some(Money::from_units(left).dollars()),
        }
    }
    Ok(event)
}
