//! An event that is stored changes: it learnt something, or its price did. Every total changes with
//! it, so that each is still what the events add up to.

use oriel_model::{Money, NewEvent, StoredEvent};
use rusqlite::{Connection, params};

use super::session::{LiveSession, edit_of, unpriced};
use super::{Group, flags_of, span_start};
use crate::sums::signed;

impl Group {
    /// Puts `new` in the place of what an event said. Its session and agent stay.
    pub(crate) fn amend(
        &mut self,
        connection: &Connection,
        old: &StoredEvent,
        new: NewEvent,
    ) -> rusqlite::Result<StoredEvent> {
        let id = &old.event.session_id;
        if !self.sessions.contains_key(id.0.as_str()) {
            let session = LiveSession::load(connection, id)?;
            let session = session.ok_or(rusqlite::Error::QueryReturnedNoRows)?;
            self.sessions.insert(id.clone(), session);
        }
        let (facet_before, facet) =
            (self.facet(connection, &old.event.facet)?, self.facet(connection, &new.facet)?);
        let (place_before, place) =
            (self.place(connection, &old.event.place)?, self.place(connection, &new.place)?);
        let new = StoredEvent { event: new, ..old.clone() };
        let session = self.sessions[id.0.as_str()].no;
        let (before, after) = ((old, facet_before, place_before), (&new, facet, place));
        self.totals.recount(before, after, session);
        self.change_cost(connection, old, &new)?;
        let session = self.sessions.get_mut(id.0.as_str()).expect("it was loaded above");
        session.change(connection, old, &new)?;
        if !self.touched.contains(id) {
            self.touched.insert(id.clone());
        }
        update_row(connection, &new, (facet, place), keyed(connection, old)?)?;
        Ok(new)
    }

    fn change_cost(
        &mut self,
        connection: &Connection,
        old: &StoredEvent,
        new: &StoredEvent,
    ) -> rusqlite::Result<()> {
        let cost = |event: &StoredEvent| event.event.cost_usd.filter(|&cost| cost > 0.0);
        let id = old.event.session_id.0.as_str();
        let session = self.sessions.get_mut(id).expect("its caller loaded it");
        let agent_type = &old.event.facet.agent_type;
        match (cost(old), cost(new)) {
            (None, None) => Ok(()),
            (None, Some(_)) => {
                let first = session.first_cost_of(agent_type);
                let at = old.created_at;
                self.totals.count_cost(&new.event, at, session.no, &session.project, first);
                Ok(())
            }
            (Some(before), after) => {
                let hour = span_start(old.created_at, 3600);
                let before = Money::from_dollars(before);
                let after = after.map(Money::from_dollars);
                if after == Some(before) {
                    return Ok(());
                }
                let costed = self.totals.change_cost(
                    connection,
                    (session.no, agent_type, hour),
                    &session.project,
                    before,
                    after,
                )?;
                session.forget_costs(agent_type, costed);
                Ok(())
            }
        }
    }
}

/// Returns whether other sources know the event by keys, which its row remembers.
fn keyed(connection: &Connection, event: &StoredEvent) -> rusqlite::Result<bool> {
    let flags: i64 = connection
        .prepare_cached("SELECT flags FROM events WHERE id = ?1")?
        .query_row([event.number.0], |row| row.get(0))?;
    Ok(flags & super::FLAG_KEYED != 0)
}

fn update_row(
    connection: &Connection,
    stored: &StoredEvent,
    (facet, place): (i64, i64),
    keyed: bool,
) -> rusqlite::Result<()> {
    let event = &stored.event;
    let flags = flags_of(event) | if keyed { super::FLAG_KEYED } else { 0 };
    connection
        .prepare_cached(
            "UPDATE events SET flags = ?2, tokens_in = ?3, tokens_out = ?4, cache_read = ?5, \
             cache_write = ?6, cache_write_1h = ?7, cost_usd = ?8, duration_ms = ?9, \
             metadata = ?10 WHERE id = ?1",
        )?
        .execute(params![
            stored.number.0,
            flags,
            signed(event.tokens.input),
            signed(event.tokens.output),
            signed(event.tokens.cache_read),
            signed(event.tokens.cache_write),
            signed(event.tokens.cache_write_1h),
            event.cost_usd,
            event.duration_ms,
            event.metadata.text(),
        ])?;
    // Writing an indexed column costs an index entry even where nothing changed.
    connection
        .prepare_cached(
            "UPDATE events SET facet = ?2, client_ms = ?3, place = ?4 \
             WHERE id = ?1 AND (facet <> ?2 OR client_ms IS NOT ?3 OR place <> ?4)",
        )?
        .execute(params![stored.number.0, facet, event.client_ms, place])?;
    Ok(())
}

impl LiveSession {
    /// Counts an event that changed.
    pub(crate) fn change(
        &mut self,
        connection: &Connection,
        old: &StoredEvent,
        new: &StoredEvent,
    ) -> rusqlite::Result<()> {
        let number = new.number.0;
        let (old, new) = (&old.event, &new.event);
        let (before, after) = (old.metadata.facts(), new.metadata.facts());
        for (count, old, new) in [
            (&mut self.tokens_in, old.tokens.input, new.tokens.input),
            (&mut self.tokens_out, old.tokens.output, new.tokens.output),
            (&mut self.cache_read, old.tokens.cache_read, new.tokens.cache_read),
            (&mut self.cache_write, old.tokens.cache_write, new.tokens.cache_write),
            (&mut self.unpriced, unpriced(old), unpriced(new)),
            (&mut self.lines_added, before.lines_added, after.lines_added),
            (&mut self.lines_removed, before.lines_removed, after.lines_removed),
        ] {
            crate::sums::replace(count, old, new);
        }
        let money = |event: &NewEvent| event.cost_usd.map_or(Money::ZERO, Money::from_dollars);
        if self.cost != Money::MAX {
            self.cost = self.cost.plus(money(new)).minus(money(old));
        }
        self.learn_model(new.facet.model.as_ref(), number);
        let (before, after) = (edit_of(old), edit_of(new));
        if before != after {
            if let Some(facts) = before {
                self.unedit(connection, facts, number)?;
            }
            if let Some(facts) = after {
                self.edit(connection, facts, number)?;
            }
        }
        Ok(())
    }
}
