//! Which events' texts are asked for.
//!
//! Where few events can pass, their numbers are read from the index that has them, and a text is
//! told by its number alone. Where many can, one is soon met, and each is looked up.

use oriel_model::{EventNumber, Role};
use rusqlite::{Connection, OptionalExtension, params};

use super::SearchFilter;
use super::index::first_text;
use crate::query::{EventFilter, Plan, list};

/// If no more events than this can pass, their numbers are read at once.
const FEW: usize = 20_000;

/// If no more events than this can pass, their numbers are read where too few texts were found by
/// looking up events.
const MANY: usize = 150_000;

/// A filter with its words turned into numbers.
pub(crate) struct Sieve {
    role: Option<Role>,
    plan: Plan,
    since: i64,
    until: i64,
    /// The only events that can pass, in order, where they are few.
    among: Option<Vec<i64>>,
    /// No text with a smaller number passes.
    pub from: i64,
    /// No text with this number or a greater one passes.
    pub below: i64,
}

impl Sieve {
    /// Returns nothing where nothing can pass.
    pub(crate) fn make(
        connection: &Connection,
        filter: &SearchFilter,
    ) -> rusqlite::Result<Option<Self>> {
        let words = EventFilter {
            agent_type: filter.agent_type.clone(),
            session_id: filter.session.clone(),
            project: filter.project.clone(),
            branch: filter.branch.clone(),
            model: filter.model.clone(),
            tool_name: filter.tool.clone(),
            ..EventFilter::default()
        };
        let Some(plan) = Plan::make(connection, &words)? else { return Ok(None) };
        let mut sieve = Self {
            role: filter.role,
            plan,
            since: filter.since.unwrap_or(i64::MIN),
            until: filter.until.unwrap_or(i64::MAX),
            among: None,
            from: 0,
            below: i64::MAX,
        };
        sieve.read_numbers(connection, FEW)?;
        Ok(Some(sieve))
    }

    /// Returns whether more is to be learnt by [`Self::narrow`].
    pub(crate) fn can_narrow(&self) -> bool {
        self.asks_events() && self.among.is_none()
    }

    /// Learns the numbers of the events that can pass, even if they are many.
    pub(crate) fn narrow(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        self.read_numbers(connection, MANY)
    }

    fn read_numbers(&mut self, connection: &Connection, most: usize) -> rusqlite::Result<()> {
        self.among = self.numbers(connection, most)?;
        if let Some(among) = &self.among {
            let (first, last) = (among.first().copied(), among.last().copied());
            self.from = first.map_or(0, |first| first_text(EventNumber(first)));
            self.below = last.map_or(0, |last| first_text(EventNumber(last + 1)));
        }
        Ok(())
    }

    /// Returns whether the texts of an event can be asked for, as far as their number tells.
    pub(crate) fn may_pass(&self, event: EventNumber, role: Role) -> bool {
        self.role.is_none_or(|wanted| wanted == role)
            && self.among.as_ref().is_none_or(|among| among.binary_search(&event.0).is_ok())
    }

    /// Returns whether events have to be looked up.
    pub(crate) fn asks_events(&self) -> bool {
        let Plan { session, facets, places, .. } = &self.plan;
        session.is_some() || facets.is_some() || places.is_some() || self.asks_time()
    }

    fn asks_time(&self) -> bool {
        (self.since, self.until) != (i64::MIN, i64::MAX)
    }

    /// Returns whether an event passes.
    pub(crate) fn passes(
        &self,
        connection: &Connection,
        event: EventNumber,
    ) -> rusqlite::Result<bool> {
        let mut read = connection.prepare_cached(
            "SELECT session, facet, place, ifnull(client_ms, created_at * 1000) FROM events \
             WHERE id = ?1",
        )?;
        let row = read
            .query_row([event.0], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)));
        let row: Option<(i64, i64, i64, i64)> = row.optional()?;
        let Some((session, facet, place, at)) = row else { return Ok(false) };
        let among = |numbers: &Option<Vec<i64>>, number: i64| {
            numbers.as_ref().is_none_or(|numbers| numbers.contains(&number))
        };
        Ok(self.plan.session.is_none_or(|wanted| wanted == session)
            && among(&self.plan.facets, facet)
            && among(&self.plan.places, place)
            && (self.since..=self.until).contains(&at.div_euclid(1000)))
    }

    /// Returns the numbers of the events that can pass, in order, if there are no more than this.
    fn numbers(&self, connection: &Connection, most: usize) -> rusqlite::Result<Option<Vec<i64>>> {
        if let Some(numbers) = self.numbers_by_time(connection, most)? {
            return Ok(Some(numbers));
        }
        let Some((count, by)) = self.rarest(connection)? else { return Ok(None) };
        if usize::try_from(count).map_or(true, |count| count > most) {
            return Ok(None);
        }
        let (sql, values) = match by {
            By::Session(no) => (
                "SELECT id FROM events INDEXED BY events_by_session WHERE session = ?1",
                no.to_string(),
            ),
            By::Facets(numbers) => (
                "SELECT id FROM events INDEXED BY events_by_facet \
                 WHERE facet IN (SELECT value FROM json_each(?1))",
                list(numbers),
            ),
            By::Places(numbers) => (
                "SELECT id FROM events INDEXED BY events_by_place \
                 WHERE place IN (SELECT value FROM json_each(?1))",
                list(numbers),
            ),
        };
        let mut read = connection.prepare_cached(sql)?;
        let mut numbers: Vec<i64> =
            read.query_map([values], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
        numbers.sort_unstable();
        Ok(Some(numbers))
    }

    /// Returns the numbers of the events that happened in the time asked for, in order, if no
    /// more than this happened then or were received then.
    fn numbers_by_time(
        &self,
        connection: &Connection,
        most: usize,
    ) -> rusqlite::Result<Option<Vec<i64>>> {
        if !self.asks_time() {
            return Ok(None);
        }
        let mut told = connection.prepare_cached(
            "SELECT id FROM events INDEXED BY events_by_client_time \
             WHERE client_ms BETWEEN ?1 AND ?2 LIMIT ?3",
        )?;
        let from = self.since.saturating_mul(1000);
        let to = self.until.saturating_mul(1000).saturating_add(999);
        let mut received = connection.prepare_cached(
            "SELECT id FROM events INDEXED BY events_by_time \
             WHERE created_at BETWEEN ?1 AND ?2 LIMIT ?3",
        )?;
        let mut numbers = Vec::new();
        for rows in [told.query((from, to, most))?, received.query((self.since, self.until, most))?]
        {
            let before = numbers.len();
            numbers.extend(rows.mapped(|row| row.get::<_, i64>(0)).collect::<Result<Vec<_>, _>>()?);
            if numbers.len() - before == most {
                return Ok(None);
            }
        }
        // Some were received then and happened at another time: that is seen when they are met.
        numbers.sort_unstable();
        numbers.dedup();
        Ok(Some(numbers))
    }

    /// Returns by which of its words the fewest events pass, and how many.
    fn rarest(&self, connection: &Connection) -> rusqlite::Result<Option<(i64, By<'_>)>> {
        let Plan { session, facets, places, .. } = &self.plan;
        let mut counts = Vec::new();
        if let Some(no) = *session {
            let sql = "SELECT events FROM sessions WHERE no = ?1";
            let count = connection.prepare_cached(sql)?.query_row([no], |row| row.get(0))?;
            counts.push((count, By::Session(no)));
        }
        if let Some(numbers) = facets {
            let sql = "SELECT ifnull(sum(events), 0) FROM facets \
                       WHERE no IN (SELECT value FROM json_each(?1))";
            let mut count = connection.prepare_cached(sql)?;
            let count = count.query_row(params![list(numbers)], |row| row.get(0))?;
            counts.push((count, By::Facets(numbers)));
        }
        if let Some(numbers) = places {
            let sql = "SELECT ifnull(sum(events), 0) FROM place_hours \
                       WHERE place IN (SELECT value FROM json_each(?1))";
            let mut count = connection.prepare_cached(sql)?;
            let count = count.query_row(params![list(numbers)], |row| row.get(0))?;
            counts.push((count, By::Places(numbers)));
        }
        Ok(counts.into_iter().min_by_key(|(count, _)| *count))
    }
}

/// What tells the events that can pass.
enum By<'a> {
    Session(i64),
    Facets(&'a [i64]),
    Places(&'a [i64]),
}
