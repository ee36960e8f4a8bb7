//! What the events of one group add to every total, written once at the end of the group.

use std::collections::HashMap;
use std::sync::LazyLock;

use oriel_model::{Money, NewEvent, StoredEvent};
use rusqlite::{Connection, params};

use super::session::{CostLeft, FirstCost};
use super::tools::ToolTotals;
use super::usage::UsageTotals;
use super::{Costed, effective_ms, span_start};
use crate::sums::{COUNT_MAX, Change, Sums, add, signed};

/// The lengths of the spans that sums are kept for: an hour and a day.
pub(crate) const SPANS: [i64; 2] = [3600, 86_400];

#[derive(Default)]
pub(crate) struct Totals {
    facets: HashMap<i64, Change>,
    spans: HashMap<(i64, i64, i64), Change>,
    place_hours: HashMap<(i64, i64, i64), i64>,
    cost_hours: HashMap<(i64, String), Change>,
    session_hours: HashMap<(i64, String, i64), Costed>,
    project_costs: HashMap<(String, String), (Costed, u64)>,
    usage: UsageTotals,
    tools: ToolTotals,
}

impl Totals {
    /// Counts an event in every total but those of costs.
    pub(crate) fn count(&mut self, stored: &StoredEvent, session: i64, facet: i64, place: i64) {
        self.count_capped(stored, facet, place);
        self.usage.count(stored, session, facet);
        self.tools.count(stored);
    }

    /// Counts an event in the totals that are capped, but for those of costs.
    pub(crate) fn count_capped(&mut self, stored: &StoredEvent, facet: i64, place: i64) {
        let sums = Sums::of(&stored.event);
        self.change(stored, facet, place, 1, |change| change.plus(&sums));
    }

    /// Takes an event out of every total but those of costs, as it was counted.
    pub(crate) fn uncount(&mut self, stored: &StoredEvent, session: i64, facet: i64, place: i64) {
        let sums = Sums::of(&stored.event);
        self.change(stored, facet, place, -1, |change| change.minus(&sums));
        self.usage.uncount(stored, session, facet);
        self.tools.uncount(stored);
    }

    /// Counts an event that changed in every total but those of costs.
    pub(crate) fn recount(
        &mut self,
        (old, facet_before, place_before): (&StoredEvent, i64, i64),
        (new, facet, place): (&StoredEvent, i64, i64),
        session: i64,
    ) {
        let (before, after) = (Sums::of(&old.event), Sums::of(&new.event));
        self.change(old, facet_before, place_before, -1, |change| change.minus(&before));
        self.change(new, facet, place, 1, |change| change.plus(&after));
        self.usage.uncount(old, session, facet_before);
        self.usage.count(new, session, facet);
        self.tools.recount(old, new);
    }

    fn change(
        &mut self,
        stored: &StoredEvent,
        facet: i64,
        place: i64,
        events: i64,
        change: impl Fn(&mut Change),
    ) {
        let (event, at) = (&stored.event, stored.created_at);
        change(self.facets.entry(facet).or_default());
        for seconds in SPANS {
            change(self.spans.entry((seconds, span_start(at, seconds), facet)).or_default());
        }
        *self.place_hours.entry((place, span_start(at, 3600), facet)).or_default() += events;
        let agent_type = &event.facet.agent_type;
        let hour = span_start(effective_ms(event.client_ms, at).div_euclid(1000), 3600);
        change(self.cost_hours.entry((hour, agent_type.clone())).or_default());
    }

    /// Counts what an event cost in the totals of its session and project.
    pub(crate) fn count_cost(
        &mut self,
        event: &NewEvent,
        at: i64,
        session: i64,
        project: &str,
        first: FirstCost,
    ) {
        let cost = event.cost_usd.map_or(Money::ZERO, Money::from_dollars);
        let agent_type = &event.facet.agent_type;
        let hour = span_start(at, 3600);
        self.session_hours.entry((session, agent_type.clone(), hour)).or_default().plus(cost);
        for (agent_type, first) in [(agent_type.as_str(), first.of_agent), ("", first.of_session)] {
            let key = (project.to_owned(), agent_type.to_owned());
            let (costed, sessions) = self.project_costs.entry(key).or_default();
            costed.plus(cost);
            add(sessions, u64::from(first));
        }
    }

    /// Changes what one event cost within an hour of a session, or takes it away. Returns what costs
    /// the session still has.
    pub(crate) fn change_cost(
        &mut self,
        connection: &Connection,
        (session, agent_type, hour): (i64, &str, i64),
        project: &str,
        before: Money,
        after: Option<Money>,
    ) -> rusqlite::Result<CostLeft> {
        // What is on disk is changed on disk, so all of it must be there first.
        self.write_costs(connection)?;
        let more = after.unwrap_or_default().units() - before.units();
        let gone = i64::from(after.is_none());
        connection
            .prepare_cached(&CHANGE_SESSION_HOUR)?
            .execute(params![session, agent_type, hour, more, gone])?;
        for agent_type in [agent_type, ""] {
            connection
                .prepare_cached(&CHANGE_PROJECT)?
                .execute(params![project, agent_type, more, gone])?;
        }
        if gone == 0 {
            return Ok(CostLeft { of_agent: true, in_session: true });
        }
        connection
            .prepare_cached(
                "DELETE FROM session_hours \
                 WHERE session = ?1 AND agent_type = ?2 AND hour = ?3 AND events <= 0",
            )?
            .execute(params![session, agent_type, hour])?;
        let mut of = connection.prepare_cached(
            "SELECT 1 FROM session_hours WHERE session = ?1 AND (?2 = '' OR agent_type = ?2)",
        )?;
        let left = CostLeft {
            of_agent: of.exists(params![session, agent_type])?,
            in_session: of.exists(params![session, ""])?,
        };
        for (agent_type, left) in [(agent_type, left.of_agent), ("", left.in_session)] {
            if !left {
                connection
                    .prepare_cached(
                        "UPDATE project_costs SET sessions = sessions - 1 \
                         WHERE project = ?1 AND agent_type = ?2",
                    )?
                    .execute(params![project, agent_type])?;
            }
        }
        delete_empty_project(connection, project)?;
        Ok(left)
    }

    /// Moves what a session has cost from one project to another. Returns whether a sum of the
    /// first was capped: what is left of such a sum must be added up anew.
    pub(crate) fn move_project(
        &mut self,
        connection: &Connection,
        session: i64,
        from: &str,
        to: &str,
    ) -> rusqlite::Result<bool> {
        // What is on disk is moved on disk, so all of it must be there first.
        self.write_costs(connection)?;
        let was_capped = connection
            .prepare_cached("SELECT 1 FROM project_costs WHERE project = ?1 AND cost >= ?2")?
            .exists(params![from, Money::MAX.units()])?;
        let mut find = connection.prepare_cached(
            "SELECT agent_type, cost, events FROM session_hours WHERE session = ?1",
        )?;
        let mut costs: HashMap<String, Costed> = HashMap::new();
        let mut rows = find.query([session])?;
        while let Some(row) = rows.next()? {
            let costed = Costed { cost: Money::from_units(row.get(1)?), events: row.get(2)? };
            for agent_type in [row.get(0)?, String::new()] {
                costs.entry(agent_type).or_default().plus_all(costed);
            }
        }
        for (agent_type, costed) in costs {
            let (cost, events) = (costed.cost.units(), signed(costed.events));
            connection
                .prepare_cached(
                    "UPDATE project_costs SET cost = max(cost - ?3, 0), sessions = sessions - 1, \
                     events = max(events - ?4, 0) WHERE project = ?1 AND agent_type = ?2",
                )?
                .execute(params![from, agent_type, cost, events])?;
            add_project_cost(connection, to, &agent_type, cost, 1, events)?;
        }
        delete_empty_project(connection, from)?;
        Ok(was_capped)
    }

    /// Adds up anew what the sessions of a project cost, as they stand on disk.
    pub(crate) fn recount_project(
        &self,
        connection: &Connection,
        project: &str,
    ) -> rusqlite::Result<()> {
        let mut find = connection.prepare_cached(
            "SELECT h.agent_type, h.cost FROM sessions s \
             CROSS JOIN session_hours h ON h.session = s.no WHERE s.project = ?1",
        )?;
        let mut costs: HashMap<String, Money> = HashMap::new();
        let mut rows = find.query([project])?;
        while let Some(row) = rows.next()? {
            let cost = Money::from_units(row.get(1)?);
            for agent_type in [row.get(0)?, String::new()] {
                let sum = costs.entry(agent_type).or_default();
                *sum = sum.plus(cost);
            }
        }
        for (agent_type, cost) in costs {
            connection
                .prepare_cached(
                    "UPDATE project_costs SET cost = ?3 WHERE project = ?1 AND agent_type = ?2",
                )?
                .execute(params![project, agent_type, cost.units()])?;
        }
        Ok(())
    }

    /// Writes all of it.
    pub(crate) fn write(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        self.write_facets(connection)?;
        self.write_hours(connection)?;
        self.usage.write(connection)?;
        self.tools.write(connection)?;
        self.write_costs(connection)
    }

    fn write_facets(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        let mut whole = connection.prepare_cached(&ADD_TO_FACET)?;
        for (facet, change) in self.facets.drain() {
            let values = change.values();
            whole.execute(rusqlite::params_from_iter(std::iter::once(facet).chain(values)))?;
        }
        let mut span = connection.prepare_cached(&ADD_TO_SPAN)?;
        for ((seconds, start, facet), change) in self.spans.drain() {
            let key = [seconds, start, facet];
            span.execute(rusqlite::params_from_iter(key.into_iter().chain(change.values())))?;
            if change.may_empty() {
                connection
                    .prepare_cached(
                        "DELETE FROM spans \
                         WHERE seconds = ?1 AND start = ?2 AND facet = ?3 AND events <= 0",
                    )?
                    .execute(key)?;
            }
        }
        let mut place = connection.prepare_cached(
            "INSERT INTO place_hours VALUES (?1, ?2, ?3, ?4) \
             ON CONFLICT DO UPDATE SET events = events + ?4",
        )?;
        for ((at, hour, facet), events) in self.place_hours.drain() {
            place.execute(params![at, hour, facet, events])?;
            if events <= 0 {
                connection
                    .prepare_cached(
                        "DELETE FROM place_hours \
                         WHERE place = ?1 AND hour = ?2 AND facet = ?3 AND events <= 0",
                    )?
                    .execute([at, hour, facet])?;
            }
        }
        Ok(())
    }

    fn write_hours(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        let mut write = connection.prepare_cached(&ADD_TO_COST_HOUR)?;
        for ((hour, agent_type), change) in self.cost_hours.drain() {
            let [events, tokens_in, tokens_out, cost, ..] = change.values();
            write.execute(params![hour, agent_type, events, tokens_in, tokens_out, cost])?;
            if change.may_empty() {
                connection
                    .prepare_cached(
                        "DELETE FROM cost_hours \
                         WHERE hour = ?1 AND agent_type = ?2 AND events <= 0",
                    )?
                    .execute(params![hour, agent_type])?;
            }
        }
        Ok(())
    }

    fn write_costs(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        let mut hours = connection.prepare_cached(&ADD_TO_SESSION_HOUR)?;
        for ((session, agent_type, hour), costed) in self.session_hours.drain() {
            let (cost, events) = (costed.cost.units(), signed(costed.events));
            hours.execute(params![session, agent_type, hour, cost, events])?;
        }
        for ((project, agent_type), (costed, sessions)) in self.project_costs.drain() {
            let (cost, events) = (costed.cost.units(), signed(costed.events));
            add_project_cost(connection, &project, &agent_type, cost, signed(sessions), events)?;
        }
        Ok(())
    }
}

impl Costed {
    /// Adds the cost of one event.
    pub(crate) fn plus(&mut self, cost: Money) {
        self.plus_all(Self { cost, events: 1 });
    }

    /// Adds the costs of other events.
    pub(crate) fn plus_all(&mut self, other: Self) {
        self.cost = self.cost.plus(other.cost);
        add(&mut self.events, other.events);
    }
}

fn delete_empty_project(connection: &Connection, project: &str) -> rusqlite::Result<()> {
    connection
        .prepare_cached("DELETE FROM project_costs WHERE project = ?1 AND sessions <= 0")?
        .execute([project])?;
    Ok(())
}

fn add_project_cost(
    connection: &Connection,
    project: &str,
    agent_type: &str,
    cost: i64,
    sessions: i64,
    events: i64,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached(&ADD_TO_PROJECT)?
        .execute(params![project, agent_type, cost, sessions, events])?;
    Ok(())
}

static ADD_TO_FACET: LazyLock<String> =
    LazyLock::new(|| format!("UPDATE facets SET {} WHERE no = ?1", added_from(2)));

static ADD_TO_SPAN: LazyLock<String> = LazyLock::new(|| {
    format!(
        "INSERT INTO spans VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12) \
         ON CONFLICT DO UPDATE SET {}",
        added_from(4)
    )
});

static ADD_TO_COST_HOUR: LazyLock<String> = LazyLock::new(|| {
    format!(
        "INSERT INTO cost_hours VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO UPDATE SET \
         events = events + ?3, {}, {}, {}",
        capped("tokens_in", 4, signed(COUNT_MAX)),
        capped("tokens_out", 5, signed(COUNT_MAX)),
        capped("cost", 6, Money::MAX.units()),
    )
});

static ADD_TO_SESSION_HOUR: LazyLock<String> = LazyLock::new(|| {
    format!(
        "INSERT INTO session_hours VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO UPDATE SET \
         cost = min(cost + ?4, {}), events = events + ?5",
        Money::MAX.units()
    )
});

static CHANGE_SESSION_HOUR: LazyLock<String> = LazyLock::new(|| {
    format!(
        "UPDATE session_hours SET {}, events = events - ?5 \
         WHERE session = ?1 AND agent_type = ?2 AND hour = ?3",
        capped("cost", 4, Money::MAX.units())
    )
});

static CHANGE_PROJECT: LazyLock<String> = LazyLock::new(|| {
    format!(
        "UPDATE project_costs SET {}, events = max(events - ?4, 0) \
         WHERE project = ?1 AND agent_type = ?2",
        capped("cost", 3, Money::MAX.units())
    )
});

static ADD_TO_PROJECT: LazyLock<String> = LazyLock::new(|| {
    format!(
        "INSERT INTO project_costs VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO UPDATE SET \
         cost = min(cost + ?3, {}), sessions = sessions + ?4, events = events + ?5",
        Money::MAX.units()
    )
});

/// Returns the assignments that add the parameters from `first` on to the columns of [`Sums`],
/// capped.
fn added_from(first: usize) -> String {
    let columns = crate::sums::COLUMNS.split(", ").zip(first..);
    let assign = columns.map(|(column, parameter)| {
        let cap = if column == "cost" { Money::MAX.units() } else { signed(COUNT_MAX) };
        capped(column, parameter, cap)
    });
    assign.collect::<Vec<_>>().join(", ")
}

/// Returns the assignment that changes a column by a parameter, which may be negative. What is at
/// its cap stays there: what it would be without the cap is not known.
fn capped(column: &str, parameter: usize, cap: i64) -> String {
    format!(
        "{column} = CASE WHEN {column} >= {cap} THEN {cap} \
         ELSE max(min({column} + ?{parameter}, {cap}), 0) END"
    )
}
