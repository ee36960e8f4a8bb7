//! A sum at its cap cannot be taken from: what it would be without the cap is not known. Where that
//! matters, the totals are made anew from the events.

use std::collections::HashMap;

use oriel_model::{Money, StoredEvent};
use rusqlite::{Connection, params};

use super::Group;
use super::session::{FirstCost, unpriced};
use crate::query::each_numbered_event;
use crate::sums::{COUNT_MAX, add, signed};

impl Group {
    /// Makes every total anew, if any may be at its cap. All that is remembered must be on disk.
    pub(crate) fn mend_capped(
        &mut self,
        connection: &Connection,
        was_capped: bool,
    ) -> rusqlite::Result<()> {
        if was_capped { self.rebuild(connection) } else { Ok(()) }
    }

    fn rebuild(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        connection.execute_batch(
            "DELETE FROM spans; DELETE FROM place_hours; DELETE FROM cost_hours; \
             DELETE FROM session_hours; DELETE FROM project_costs; \
             UPDATE facets SET events = 0, tokens_in = 0, tokens_out = 0, cost = 0, \
             costed_events = 0, costed_in = 0, costed_out = 0, duration_ms = 0, timed_events = 0;",
        )?;
        let mut costed = std::collections::HashSet::new();
        let mut sessions: HashMap<i64, OfSession> = HashMap::new();
        let mut waiting = 0;
        each_numbered_event(connection, |stored, session, facet, place| {
            self.totals.count_capped(&stored, facet, place);
            self.rebuild_cost(connection, &stored, session, &mut costed)?;
            sessions.entry(session).or_default().count(&stored);
            waiting += 1;
            // What waits to be written is bounded.
            if waiting % 4096 == 0 { self.totals.write(connection) } else { Ok(()) }
        })?;
        self.totals.write(connection)?;
        // What is remembered of them may be at its cap as well.
        self.sessions.clear();
        sessions.into_iter().try_for_each(|(session, sums)| sums.write(connection, session))
    }

    fn rebuild_cost(
        &mut self,
        connection: &Connection,
        stored: &StoredEvent,
        session: i64,
        costed: &mut std::collections::HashSet<(i64, String)>,
    ) -> rusqlite::Result<()> {
        if stored.event.cost_usd.is_none_or(|cost| cost <= 0.0) {
            return Ok(());
        }
        let project: String = connection
            .prepare_cached("SELECT project FROM sessions WHERE no = ?1")?
            .query_row([session], |row| row.get(0))?;
        let agent_type = stored.event.facet.agent_type.clone();
        let first = FirstCost {
            of_agent: costed.insert((session, agent_type)),
            of_session: costed.insert((session, String::new())),
        };
        self.totals.count_cost(&stored.event, stored.created_at, session, &project, first);
        Ok(())
    }
}

/// The capped sums of a session.
#[derive(Default)]
struct OfSession {
    /// Tokens of all four kinds, requests without a price, lines added and removed.
    counts: [u64; 7],
    cost: Money,
}

impl OfSession {
    fn count(&mut self, stored: &StoredEvent) {
        let event = &stored.event;
        let (tokens, facts) = (event.tokens, event.metadata.facts());
        let counts = [
            tokens.input,
            tokens.output,
            tokens.cache_read,
            tokens.cache_write,
            unpriced(event),
            facts.lines_added,
            facts.lines_removed,
        ];
        self.counts.iter_mut().zip(counts).for_each(|(sum, count)| add(sum, count));
        self.cost = self.cost.plus(event.cost_usd.map_or(Money::ZERO, Money::from_dollars));
    }

    fn write(&self, connection: &Connection, session: i64) -> rusqlite::Result<()> {
        let [input, output, read, written, unpriced, added, removed] = self.counts.map(signed);
        connection
            .prepare_cached(
                "UPDATE sessions SET tokens_in = ?2, tokens_out = ?3, cache_read = ?4, \
                 cache_write = ?5, unpriced = ?6, lines_added = ?7, lines_removed = ?8, cost = ?9 \
                 WHERE no = ?1",
            )?
            .execute(params![
                session,
                input,
                output,
                read,
                written,
                unpriced,
                added,
                removed,
                self.cost.units()
            ])?;
        Ok(())
    }
}

/// Returns whether any total may be at its cap: none is while all of them together are below it.
pub(crate) fn may_be_capped(connection: &Connection) -> rusqlite::Result<bool> {
    connection.query_row(
        "SELECT max(total(tokens_in), total(tokens_out), total(duration_ms)) >= ?1 \
         OR total(cost) >= ?2 FROM facets",
        params![signed(COUNT_MAX), Money::MAX.units()],
        |row| row.get(0),
    )
}
