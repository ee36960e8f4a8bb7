//! A session as the writer knows it: its row, and whether the row is behind.

use oriel_model::{
    EventKind, Facts, Life, Metadata, Money, NewEvent, Place, Rest, SessionId, StoredEvent,
};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{EDITING_TOOLS, Usage};
use crate::sums::{add, signed};

/// A session as it will stand on disk after the group.
pub(crate) struct LiveSession {
    pub no: i64,
    pub project: String,
    branch: String,
    life: Life,
    /// What stands in the indexed columns on disk; nothing where the row does not exist.
    on_disk: Option<(String, String, Life)>,
    agent_type: String,
    events: u64,
    pub(super) tokens_in: u64,
    pub(super) tokens_out: u64,
    pub(super) cost: Money,
    files: u64,
    pub(super) lines_added: u64,
    pub(super) lines_removed: u64,
    pub(super) cache_read: u64,
    pub(super) cache_write: u64,
    turns: u64,
    pub(super) unpriced: u64,
    /// The model that was last named, and by which event.
    model: String,
    model_by: i64,
    /// The agent types that had a cost here, and '' once any had.
    costed: Vec<String>,
    /// The last events that say the project and the branch, or nothing where that was not looked up.
    placed_by: Option<[i64; 2]>,
}

/// A session went from one project to another.
pub(crate) struct Moved {
    pub from: String,
    pub to: String,
}

impl LiveSession {
    /// Returns the session that begins with this event. Its row is written with the group.
    pub(crate) fn begin(
        connection: &Connection,
        event: &NewEvent,
        at: i64,
    ) -> rusqlite::Result<Self> {
        // The row is reserved at once, so that the number is taken.
        connection
            .prepare_cached(
                "INSERT INTO sessions (id, agent_type, project, branch, started_at, last_event, \
                 rest, over_at, events, tokens_in, tokens_out, cost, files, lines_added, \
                 lines_removed) VALUES (?1, ?2, '', '', ?3, ?3, 0, NULL, 0, 0, 0, 0, 0, 0, 0)",
            )?
            .execute(params![event.session_id.0, event.facet.agent_type, at])?;
        let facet = &event.facet;
        Ok(Self {
            no: connection.last_insert_rowid(),
            project: String::new(),
            branch: String::new(),
            life: Life::begin(at, &facet.agent_type, facet.kind, event.historical, event.told.sign),
            on_disk: None,
            agent_type: facet.agent_type.clone(),
            events: 0,
            tokens_in: 0,
            tokens_out: 0,
            cost: Money::ZERO,
            files: 0,
            lines_added: 0,
            lines_removed: 0,
            cache_read: 0,
            cache_write: 0,
            turns: 0,
            unpriced: 0,
            model: String::new(),
            model_by: 0,
            costed: Vec::new(),
            placed_by: Some([0, 0]),
        })
    }

    /// Reads a session from disk.
    pub(crate) fn load(connection: &Connection, id: &SessionId) -> rusqlite::Result<Option<Self>> {
        let found = connection
            .prepare_cached(
                "SELECT no, project, branch, last_event, rest, over_at, agent_type, \
                 events, tokens_in, tokens_out, cost, files, lines_added, lines_removed, \
                 cache_read, cache_write, turns, unpriced, model, model_by \
                 FROM sessions WHERE id = ?1",
            )?
            .query_row([id.0.as_str()], Self::read)
            .optional()?;
        let Some(mut session) = found else { return Ok(None) };
        let mut costs = connection
            .prepare_cached("SELECT DISTINCT agent_type FROM session_hours WHERE session = ?1")?;
        for agent_type in costs.query_map([session.no], |row| row.get(0))? {
            session.costed.push(agent_type?);
        }
        if !session.costed.is_empty() {
            session.costed.push(String::new());
        }
        Ok(Some(session))
    }

    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        let (project, branch): (String, String) = (row.get(1)?, row.get(2)?);
        let life = read_life(row, 3)?;
        Ok(Self {
            no: row.get(0)?,
            on_disk: Some((project.clone(), branch.clone(), life)),
            project,
            branch,
            life,
            agent_type: row.get(6)?,
            events: row.get(7)?,
            tokens_in: row.get(8)?,
            tokens_out: row.get(9)?,
            cost: Money::from_units(row.get(10)?),
            files: row.get(11)?,
            lines_added: row.get(12)?,
            lines_removed: row.get(13)?,
            cache_read: row.get(14)?,
            cache_write: row.get(15)?,
            turns: row.get(16)?,
            unpriced: row.get(17)?,
            model: row.get(18)?,
            model_by: row.get(19)?,
            costed: Vec::new(),
            placed_by: None,
        })
    }

    /// Returns whether an event happened before the session came to rest, and is only told now: an
    /// exporter sends what it has every few seconds, and a history is read after it was written.
    pub(crate) fn rested_after(&self, event: &NewEvent) -> bool {
        let happened = event.client_ms.map(|ms| ms.div_euclid(1000));
        event.told.may_be_late
            && self.events > 0
            && self.life.rest != Rest::Working
            && happened.is_some_and(|happened| happened <= self.life.last_event)
    }

    /// Says where an event happened, as far as it does not say so itself.
    pub(crate) fn tell(&self, place: &mut Place) {
        for (mine, theirs) in
            [(&self.branch, &mut place.branch), (&self.project, &mut place.project)]
        {
            if theirs.is_none() && !mine.is_empty() {
                *theirs = Some(mine.clone());
            }
        }
    }

    /// Learns from an event where the session is: where the last event is that says so. Returns the
    /// move, if its costs move with it.
    pub(crate) fn learn(
        &mut self,
        connection: &Connection,
        stored: &StoredEvent,
        is_new: bool,
    ) -> rusqlite::Result<Option<Moved>> {
        let (number, place) = (stored.number.0, &stored.event.place);
        if !is_new {
            self.look_up_places(connection, number)?;
        }
        // Where it was not looked up, the event is new, and so the last.
        let is_last = |by: Option<&mut i64>| {
            by.is_none_or(|by| {
                let is_last = *by <= number;
                *by = number.max(*by);
                is_last
            })
        };
        let [project_by, branch_by] = match &mut self.placed_by {
            Some([project, branch]) => [Some(project), Some(branch)],
            None => [None, None],
        };
        if let Some(branch) = place.branch.as_ref().filter(|_| is_last(branch_by)) {
            self.branch.clone_from(branch);
        }
        let project = place.project.as_ref().filter(|_| is_last(project_by));
        let Some(to) = project.filter(|to| **to != self.project) else { return Ok(None) };
        let from = std::mem::replace(&mut self.project, to.clone());
        Ok((!self.costed.is_empty()).then(|| Moved { from, to: to.clone() }))
    }

    /// Finds the events that say where the session is, but for one that is being told of.
    fn look_up_places(&mut self, connection: &Connection, except: i64) -> rusqlite::Result<()> {
        if self.placed_by.is_some() {
            return Ok(());
        }
        let found = connection
            .prepare_cached(
                "SELECT ifnull(max(CASE WHEN p.project <> '' THEN e.id END), 0), \
                 ifnull(max(CASE WHEN p.branch <> '' THEN e.id END), 0) \
                 FROM events e JOIN places p ON p.no = e.place \
                 WHERE e.session = ?1 AND e.id <> ?2",
            )?
            .query_row([self.no, except], |row| Ok([row.get(0)?, row.get(1)?]))?;
        self.placed_by = Some(found);
        Ok(())
    }

    /// Counts an event.
    pub(crate) fn count(
        &mut self,
        connection: &Connection,
        stored: &StoredEvent,
    ) -> rusqlite::Result<()> {
        let (event, at, number) = (&stored.event, stored.created_at, stored.number.0);
        let facet = &event.facet;
        self.life =
            self.life.on_event(at, &self.agent_type, facet.kind, event.historical, event.told.sign);
        add(&mut self.events, 1);
        add(&mut self.tokens_in, event.tokens.input);
        add(&mut self.tokens_out, event.tokens.output);
        self.cost = self.cost.plus(event.cost_usd.map_or(Money::ZERO, Money::from_dollars));
        let facts = event.metadata.facts();
        add(&mut self.lines_added, facts.lines_added);
        add(&mut self.lines_removed, facts.lines_removed);
        add(&mut self.cache_read, event.tokens.cache_read);
        add(&mut self.cache_write, event.tokens.cache_write);
        add(&mut self.turns, u64::from(facet.kind == EventKind::UserPrompt));
        add(&mut self.unpriced, unpriced(event));
        self.learn_model(facet.model.as_ref(), number);
        match edit_of(event) {
            Some(facts) => self.edit(connection, facts, number),
            None => Ok(()),
        }
    }

    /// Learns which model the session uses: the one that the last event names which names any.
    pub(super) fn learn_model(&mut self, model: Option<&String>, number: i64) {
        if let Some(model) = model.filter(|_| self.model_by <= number) {
            self.model_by = number;
            if self.model != *model {
                self.model.clone_from(model);
            }
        }
    }

    /// Notes that a file was edited.
    pub(crate) fn edit(
        &mut self,
        connection: &Connection,
        facts: &Facts,
        number: i64,
    ) -> rusqlite::Result<()> {
        let is_new = note_edit(connection, self.no, facts, number)?;
        add(&mut self.files, u64::from(is_new));
        Ok(())
    }

    /// Takes back that a file was edited by an event, which is not on disk yet as it is to be.
    pub(crate) fn unedit(
        &mut self,
        connection: &Connection,
        facts: &Facts,
        number: i64,
    ) -> rusqlite::Result<()> {
        let Some(path) = &facts.file_path else { return Ok(()) };
        let left = connection
            .prepare_cached(
                "UPDATE session_files SET edits = edits - 1, lines_added = lines_added - ?3, \
                 lines_removed = lines_removed - ?4 WHERE session = ?1 AND path = ?2 \
                 RETURNING edits, last_event",
            )?
            .query_row(
                params![self.no, path, signed(facts.lines_added), signed(facts.lines_removed)],
                |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?)),
            )
            .optional()?;
        match left {
            Some((edits, _)) if edits <= 0 => {
                connection
                    .prepare_cached("DELETE FROM session_files WHERE session = ?1 AND path = ?2")?
                    .execute(params![self.no, path])?;
                self.files = self.files.saturating_sub(1);
            }
            Some((_, last)) if last == number => {
                let last = last_edit_before(connection, self.no, path, number)?;
                connection
                    .prepare_cached(
                        "UPDATE session_files SET last_event = ?3 \
                         WHERE session = ?1 AND path = ?2",
                    )?
                    .execute(params![self.no, path, last])?;
            }
            _ => {}
        }
        Ok(())
    }

    /// Notes a cost of this agent type. Returns for which of it and the whole it is the first.
    pub(crate) fn first_cost_of(&mut self, agent_type: &str) -> FirstCost {
        let mut first = |key: &str| {
            let new = !self.costed.iter().any(|known| known == key);
            if new {
                self.costed.push(key.to_owned());
            }
            new
        };
        FirstCost { of_agent: first(agent_type), of_session: first("") }
    }

    /// Forgets the costs that are there no more.
    pub(crate) fn forget_costs(&mut self, agent_type: &str, left: CostLeft) {
        self.costed.retain(|known| match known.as_str() {
            "" => left.in_session,
            known => left.of_agent || known != agent_type,
        });
    }

    /// Writes the row.
    pub(crate) fn write(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        let indexed = (self.project.clone(), self.branch.clone(), self.life);
        let sums = params![
            self.no,
            signed(self.events),
            signed(self.tokens_in),
            signed(self.tokens_out),
            self.cost.units(),
            signed(self.files),
            signed(self.lines_added),
            signed(self.lines_removed),
            signed(self.cache_read),
            signed(self.cache_write),
            signed(self.turns),
            signed(self.unpriced),
            self.model,
            self.model_by,
        ];
        connection
            .prepare_cached(
                "UPDATE sessions SET events = ?2, tokens_in = ?3, tokens_out = ?4, cost = ?5, \
                 files = ?6, lines_added = ?7, lines_removed = ?8, cache_read = ?9, \
                 cache_write = ?10, turns = ?11, unpriced = ?12, model = ?13, model_by = ?14 \
                 WHERE no = ?1",
            )?
            .execute(sums)?;
        // Writing an indexed column costs an index entry even where nothing changed.
        if self.on_disk.as_ref() != Some(&indexed) {
            let (rest, over_at) = rest_columns(self.life.rest);
            connection
                .prepare_cached(
                    "UPDATE sessions SET project = ?2, branch = ?3, last_event = ?4, rest = ?5, \
                     over_at = ?6 WHERE no = ?1",
                )?
                .execute(params![
                    self.no,
                    self.project,
                    self.branch,
                    self.life.last_event,
                    rest,
                    over_at
                ])?;
            self.on_disk = Some(indexed);
        }
        Ok(())
    }
}

/// Returns the facts of an event that edited a file.
pub(super) fn edit_of(event: &NewEvent) -> Option<&Facts> {
    let tool = event.facet.tool_name.as_deref()?;
    let facts = event.metadata.facts();
    (EDITING_TOOLS.contains(&tool) && facts.file_path.is_some()).then_some(facts)
}

/// Returns how many requests without a price an event is.
pub(super) fn unpriced(event: &NewEvent) -> u64 {
    Usage::of(event).map_or(0, |usage| usage.unpriced.unsigned_abs())
}

/// Notes that a session edited a file. Returns whether it is the first time.
pub(super) fn note_edit(
    connection: &Connection,
    session: i64,
    facts: &Facts,
    number: i64,
) -> rusqlite::Result<bool> {
    let Facts { file_path: Some(path), lines_added, lines_removed } = facts else {
        return Ok(false);
    };
    connection
        .prepare_cached(
            "INSERT INTO session_files (session, path, edits, lines_added, lines_removed, \
             last_event) VALUES (?1, ?2, 1, ?3, ?4, ?5) ON CONFLICT DO UPDATE SET \
             edits = edits + 1, lines_added = lines_added + ?3, \
             lines_removed = lines_removed + ?4, last_event = max(last_event, ?5) RETURNING edits",
        )?
        .query_row(
            params![session, path, signed(*lines_added), signed(*lines_removed), number],
            |row| Ok(row.get::<_, i64>(0)? == 1),
        )
}

/// Returns the last event of a session but one that edited a file.
fn last_edit_before(
    connection: &Connection,
    session: i64,
    path: &str,
    except: i64,
) -> rusqlite::Result<i64> {
    let mut read = connection.prepare_cached(
        "SELECT e.id, f.tool_name, e.metadata FROM events e INDEXED BY events_by_session \
         CROSS JOIN facets f ON f.no = e.facet \
         WHERE e.session = ?1 AND e.id <> ?2 AND f.tool_name <> '' ORDER BY e.id DESC",
    )?;
    let mut rows = read.query(params![session, except])?;
    while let Some(row) = rows.next()? {
        if !EDITING_TOOLS.contains(&row.get_ref(1)?.as_str()?) {
            continue;
        }
        let metadata = Metadata::new(row.get(2)?, false);
        if metadata.facts().file_path.as_deref() == Some(path) {
            return row.get(0);
        }
    }
    Ok(0)
}

/// For which of the two a cost is the first.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FirstCost {
    pub of_agent: bool,
    pub of_session: bool,
}

/// Whether a session still has costs, of one agent type and at all.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CostLeft {
    pub of_agent: bool,
    pub in_session: bool,
}

/// Returns how a rest stands in the columns `rest` and `over_at`.
fn rest_columns(rest: Rest) -> (i64, Option<i64>) {
    match rest {
        Rest::Working => (0, None),
        Rest::BetweenTurns => (1, None),
        Rest::Over { at } => (2, Some(at)),
    }
}

/// Reads `last_event`, `rest` and `over_at` from the columns that begin at `first`.
pub(crate) fn read_life(row: &Row<'_>, first: usize) -> rusqlite::Result<Life> {
    let last_event: i64 = row.get(first)?;
    let over_at: Option<i64> = row.get(first + 2)?;
    let rest = match row.get::<_, i64>(first + 1)? {
        0 => Rest::Working,
        1 => Rest::BetweenTurns,
        _ => Rest::Over { at: over_at.unwrap_or(last_event) },
    };
    Ok(Life { last_event, rest })
}
