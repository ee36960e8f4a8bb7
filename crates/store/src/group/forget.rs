//! A session is forgotten whole: its events, what they added to every total, what sources told of
//! them, every word of theirs that could be searched for, and how the session stood.

use oriel_model::{Money, SessionId, StoredEvent};
use rusqlite::{Connection, params};

use super::{Group, span_start};
use crate::notes;
use crate::query::session_events;
use crate::search::forget_texts_of_event;

impl Group {
    /// Forgets a session. Returns how many events it had.
    pub(crate) fn forget_session(
        &mut self,
        connection: &Connection,
        id: &SessionId,
    ) -> rusqlite::Result<u64> {
        // Its row is written from what is remembered, and it must not be written again.
        self.finish(connection)?;
        self.sessions.remove(id.0.as_str());
        let (no, project): (i64, String) = connection
            .prepare_cached("SELECT no, project FROM sessions WHERE id = ?1")?
            .query_row([id.0.as_str()], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let events = session_events(connection, no)?;
        for stored in &events {
            let facet = self.facet(connection, &stored.event.facet)?;
            let place = self.place(connection, &stored.event.place)?;
            self.totals.uncount(stored, no, facet, place);
            self.uncost(connection, stored, no, &project)?;
            forget_texts_of_event(connection, stored.number)?;
        }
        notes::forget(connection, id)?;
        self.metered.remove(&no);
        for sql in [
            "DELETE FROM things WHERE event IN (SELECT id FROM events WHERE session = ?1)",
            "DELETE FROM tellings WHERE event IN (SELECT id FROM events WHERE session = ?1)",
            "DELETE FROM meters WHERE session = ?1",
            "DELETE FROM meter_steps WHERE session = ?1",
            "DELETE FROM session_files WHERE session = ?1",
            "DELETE FROM events WHERE session = ?1",
            "DELETE FROM sessions WHERE no = ?1",
        ] {
            connection.prepare_cached(sql)?.execute(params![no])?;
        }
        // Which call of an hour is the slowest is looked up among the events that are left.
        self.finish(connection)?;
        Ok(events.len() as u64)
    }

    fn uncost(
        &mut self,
        connection: &Connection,
        stored: &StoredEvent,
        session: i64,
        project: &str,
    ) -> rusqlite::Result<()> {
        let Some(cost) = stored.event.cost_usd.filter(|&cost| cost > 0.0) else { return Ok(()) };
        let hour = span_start(stored.created_at, 3600);
        let key = (session, stored.event.facet.agent_type.as_str(), hour);
        self.totals.change_cost(connection, key, project, Money::from_dollars(cost), None)?;
        Ok(())
    }
}
