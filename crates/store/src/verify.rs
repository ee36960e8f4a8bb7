//! Verification adds up every event again and compares that with what was kept while writing.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Debug;

use oriel_model::{EventKind, Facet, Life, Money, StoredEvent};
use rusqlite::{Connection, Row};

use crate::group::{
    Call, Costed, EDITING_TOOLS, QUARTER, SPANS, ToolSpan, Usage, effective_ms, quarter_of,
    read_life, span_start, tool_key,
};
use crate::query::each_event;
use crate::readers::ReadError;
use crate::search;
use crate::store::Store;
use crate::sums::{COLUMNS, Sums, add, signed};

/// No check names more than this many differences.
const PROBLEMS_MAX: usize = 20;

/// What a verification found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verification {
    /// How many events there are.
    pub events: u64,
    /// How many sessions there are.
    pub sessions: u64,
    /// Each thing that was compared.
    pub checks: Vec<Check>,
}

/// One thing that was compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// What it is.
    pub name: &'static str,
    /// Where it is not as it should be.
    pub problems: Vec<String>,
}

impl Verification {
    /// Returns whether all is as it should be.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.checks.iter().all(|check| check.problems.is_empty())
    }
}

impl Store {
    /// Checks the file's own structure and every total of one moment, while events go on being
    /// stored.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn verify(&self) -> Result<Verification, ReadError> {
        let store = self.clone();
        tokio::task::spawn_blocking(move || {
            let connection = store.open_reader()?;
            let moment = connection.unchecked_transaction()?;
            verify(&moment)
        })
        .await
        .map_err(|_| ReadError::Stopped)?
        .map_err(ReadError::from)
    }
}

fn verify(connection: &Connection) -> rusqlite::Result<Verification> {
    let structure: Vec<String> = connection
        .prepare("PRAGMA integrity_check(20)")?
        .query_map([], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    let problems = structure.into_iter().filter(|line| line != "ok").collect();
    let mut checks = vec![Check { name: "file structure", problems }];
    let mut recount = Recount::default();
    each_event(connection, |stored| recount.count(&stored))?;
    let events = recount.events;
    let sessions = recount.sessions.len() as u64;
    recount.compare(connection, &mut checks)?;
    checks.push(search::check(connection)?);
    Ok(Verification { events, sessions, checks })
}

type FacetKey = [String; 6];

/// Everything that is kept of events, made anew from them.
#[derive(Default)]
struct Recount {
    events: u64,
    facets: BTreeMap<FacetKey, Sums>,
    spans: BTreeMap<(i64, i64, FacetKey), Sums>,
    place_hours: BTreeMap<(String, String, i64, FacetKey), u64>,
    sessions: HashMap<String, Session>,
    cost_hours: BTreeMap<(i64, String), Sums>,
    session_hours: BTreeMap<(i64, String, String), Costed>,
    usage: BTreeMap<(i64, String, FacetKey), Usage>,
    usage_spans: BTreeMap<(i64, i64, FacetKey), (Usage, i64, i64)>,
    tools: BTreeMap<(i64, i64, String, String), ToolSpan>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Session {
    agent_type: String,
    started_at: i64,
    project: String,
    branch: String,
    life: Life,
    events: u64,
    tokens_in: u64,
    tokens_out: u64,
    cost: Money,
    files: BTreeMap<String, [i64; 4]>,
    lines_added: u64,
    lines_removed: u64,
    cache_read: u64,
    cache_write: u64,
    turns: u64,
    unpriced: u64,
    model: String,
}

impl Recount {
    fn count(&mut self, stored: &StoredEvent) {
        let (event, at) = (&stored.event, stored.created_at);
        let facet = &event.facet;
        let word = |word: &Option<String>| word.clone().unwrap_or_default();
        let key = key_of(facet);
        let sums = Sums::of(event);
        self.events += 1;
        self.facets.entry(key.clone()).or_default().plus(&sums);
        for seconds in SPANS {
            let span = (seconds, span_start(at, seconds), key.clone());
            self.spans.entry(span).or_default().plus(&sums);
        }
        let (branch, project) = (word(&event.place.branch), word(&event.place.project));
        let place = (branch, project, span_start(at, 3600), key);
        add(self.place_hours.entry(place).or_default(), 1);
        let hour = span_start(effective_ms(event.client_ms, at).div_euclid(1000), 3600);
        self.cost_hours.entry((hour, facet.agent_type.clone())).or_default().plus(&sums);
        if sums.costed_events > 0 {
            let agent = facet.agent_type.clone();
            let key = (span_start(at, 3600), event.session_id.0.clone(), agent);
            self.session_hours.entry(key).or_default().plus(sums.cost);
        }
        if let Some(usage) = Usage::of(event) {
            let key = (quarter_of(stored), event.session_id.0.clone(), key_of(facet));
            self.usage.entry(key).or_default().add(&usage, 1);
            self.count_usage(&usage, quarter_of(stored), facet);
        }
        if let Some((hour, agent, tool)) = tool_key(stored) {
            for seconds in SPANS {
                let key = (seconds, span_start(hour, seconds), agent.clone(), tool.clone());
                self.tools.entry(key).or_default().count(Call::of(stored), 1);
            }
        }
        self.count_in_session(stored, &sums);
    }

    fn count_usage(&mut self, used: &Usage, quarter: i64, facet: &Facet) {
        for seconds in [QUARTER, SPANS[0], SPANS[1]] {
            let key = (seconds, span_start(quarter, seconds), key_of(facet));
            let none = (Usage::default(), quarter, quarter);
            let (usage, first, last) = self.usage_spans.entry(key).or_insert(none);
            usage.add(used, 1);
            (*first, *last) = ((*first).min(quarter), (*last).max(quarter));
        }
    }

    fn count_in_session(&mut self, stored: &StoredEvent, sums: &Sums) {
        let (event, at) = (&stored.event, stored.created_at);
        let facet = &event.facet;
        let session = self.sessions.entry(event.session_id.0.clone()).or_insert_with(|| Session {
            agent_type: facet.agent_type.clone(),
            started_at: at,
            project: String::new(),
            branch: String::new(),
            life: Life::begin(at, &facet.agent_type, facet.kind, event.historical, event.told.sign),
            events: 0,
            tokens_in: 0,
            tokens_out: 0,
            cost: Money::ZERO,
            files: BTreeMap::new(),
            lines_added: 0,
            lines_removed: 0,
            cache_read: 0,
            cache_write: 0,
            turns: 0,
            unpriced: 0,
            model: String::new(),
        });
        if let Some(project) = &event.place.project {
            session.project.clone_from(project);
        }
        if let Some(branch) = &event.place.branch {
            session.branch.clone_from(branch);
        }
        session.life = session.life.on_event(
            at,
            &session.agent_type,
            facet.kind,
            event.historical,
            event.told.sign,
        );
        add(&mut session.events, 1);
        add(&mut session.tokens_in, sums.tokens_in);
        add(&mut session.tokens_out, sums.tokens_out);
        session.cost = session.cost.plus(sums.cost);
        add(&mut session.cache_read, event.tokens.cache_read);
        add(&mut session.cache_write, event.tokens.cache_write);
        add(&mut session.turns, u64::from(facet.kind == EventKind::UserPrompt));
        add(&mut session.unpriced, Usage::of(event).map_or(0, |usage| usage.unpriced as u64));
        if let Some(model) = &facet.model {
            session.model.clone_from(model);
        }
        let facts = event.metadata.facts();
        add(&mut session.lines_added, facts.lines_added);
        add(&mut session.lines_removed, facts.lines_removed);
        let edits = facet.tool_name.as_deref().is_some_and(|tool| EDITING_TOOLS.contains(&tool));
        if let (true, Some(path)) = (edits, &facts.file_path) {
            let [edits, added, removed, last] = session.files.entry(path.clone()).or_default();
            *edits += 1;
            *added += signed(facts.lines_added);
            *removed += signed(facts.lines_removed);
            *last = stored.number.0;
        }
    }

    fn compare(self, connection: &Connection, checks: &mut Vec<Check>) -> rusqlite::Result<()> {
        let facets = read(connection, &facet_sql(COLUMNS, "facets f", "f"), |row| {
            Ok((facet_key(row, 0)?, Sums::read(row, 6)?))
        })?;
        checks.push(check("totals", &self.facets, &facets));
        let sql = "SELECT f.agent_type, f.kind, f.outcome, f.tool_name, f.model, f.source, \
                   s.events, s.tokens_in, s.tokens_out, s.cost, s.costed_events, s.costed_in, \
                   s.costed_out, s.duration_ms, s.timed_events, s.seconds, s.start \
                   FROM spans s JOIN facets f ON f.no = s.facet";
        let spans = read(connection, sql, |row| {
            Ok(((row.get(15)?, row.get(16)?, facet_key(row, 0)?), Sums::read(row, 6)?))
        })?;
        checks.push(check("totals by hour and day", &self.spans, &spans));
        let sql = "SELECT f.agent_type, f.kind, f.outcome, f.tool_name, f.model, f.source, \
                   p.branch, p.project, x.hour, x.events FROM place_hours x \
                   JOIN facets f ON f.no = x.facet JOIN places p ON p.no = x.place";
        let places = read(connection, sql, |row| {
            Ok(((row.get(6)?, row.get(7)?, row.get(8)?, facet_key(row, 0)?), row.get(9)?))
        })?;
        checks.push(check("events by place and hour", &self.place_hours, &places));
        let sql = "SELECT hour, agent_type, events, tokens_in, tokens_out, cost FROM cost_hours";
        let hours: BTreeMap<(i64, String), [i64; 4]> = read(connection, sql, |row| {
            let sums = [row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?];
            Ok(((row.get(0)?, row.get(1)?), sums))
        })?;
        let counted = |(key, sums): (&(i64, String), &Sums)| {
            let [events, tokens_in, tokens_out, cost, ..] = sums.values();
            (key.clone(), [events, tokens_in, tokens_out, cost])
        };
        checks.push(check("costs by hour", &self.cost_hours.iter().map(counted).collect(), &hours));
        let sql = "SELECT h.hour, s.id, h.agent_type, h.cost, h.events FROM session_hours h \
                   JOIN sessions s ON s.no = h.session";
        let hours = read(connection, sql, |row| {
            Ok(((row.get(0)?, row.get(1)?, row.get(2)?), costed(row, 3)?))
        })?;
        checks.push(check("costs by session and hour", &self.session_hours, &hours));
        let sql = "SELECT f.agent_type, f.kind, f.outcome, f.tool_name, f.model, f.source, \
                   u.requests, u.tokens_in, u.tokens_out, u.cache_read, u.cache_write, \
                   u.cache_write_1h, u.cost, u.unpriced, u.quarter, s.id FROM usage u \
                   JOIN facets f ON f.no = u.facet JOIN sessions s ON s.no = u.session";
        let usage = read(connection, sql, |row| {
            Ok(((row.get(14)?, row.get(15)?, facet_key(row, 0)?), Usage::read(row, 6)?))
        })?;
        checks.push(check("usage by quarter hour", &self.usage, &usage));
        let sql = "SELECT f.agent_type, f.kind, f.outcome, f.tool_name, f.model, f.source, \
                   u.requests, u.tokens_in, u.tokens_out, u.cache_read, u.cache_write, \
                   u.cache_write_1h, u.cost, u.unpriced, u.seconds, u.start, u.first, u.last \
                   FROM usage_spans u JOIN facets f ON f.no = u.facet";
        let usage = read(connection, sql, |row| {
            let key = (row.get(14)?, row.get(15)?, facet_key(row, 0)?);
            Ok((key, (Usage::read(row, 6)?, row.get(16)?, row.get(17)?)))
        })?;
        checks.push(check("usage of all sessions", &self.usage_spans, &usage));
        let sql = "SELECT seconds, start, agent_type, tool_name, calls, errors, timeouts, \
                   slowest_ms, slowest_event, failed_event, times FROM tool_spans";
        let tools = read(connection, sql, |row| {
            let key = (row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?);
            Ok((key, ToolSpan::read(row, 4)?))
        })?;
        checks.push(check("tools by hour and day", &self.tools, &tools));
        self.compare_projects(connection, checks)?;
        self.compare_sessions(connection, checks)
    }

    fn compare_projects(
        &self,
        connection: &Connection,
        checks: &mut Vec<Check>,
    ) -> rusqlite::Result<()> {
        let mut sessions: BTreeMap<(&str, &str), Costed> = BTreeMap::new();
        for ((_, session, agent), costed) in &self.session_hours {
            for agent in [agent.as_str(), ""] {
                sessions.entry((session, agent)).or_default().plus_all(*costed);
            }
        }
        let mut projects: BTreeMap<(String, String), (Costed, u64)> = BTreeMap::new();
        for ((session, agent), costed) in sessions {
            let project = self.sessions.get(session).map(|session| session.project.clone());
            let key = (project.unwrap_or_default(), agent.to_owned());
            let (total, sessions) = projects.entry(key).or_default();
            total.plus_all(costed);
            *sessions += 1;
        }
        let sql = "SELECT project, agent_type, cost, events, sessions FROM project_costs";
        let kept = read(connection, sql, |row| {
            Ok(((row.get(0)?, row.get(1)?), (costed(row, 2)?, row.get(4)?)))
        })?;
        checks.push(check("costs by project", &projects, &kept));
        Ok(())
    }

    fn compare_sessions(
        self,
        connection: &Connection,
        checks: &mut Vec<Check>,
    ) -> rusqlite::Result<()> {
        let mut kept = read(
            connection,
            "SELECT id, agent_type, project, branch, last_event, rest, over_at, events, \
             tokens_in, tokens_out, cost, lines_added, lines_removed, started_at, cache_read, \
             cache_write, turns, unpriced, model FROM sessions",
            |row| {
                let session = Session {
                    agent_type: row.get(1)?,
                    started_at: row.get(13)?,
                    project: row.get(2)?,
                    branch: row.get(3)?,
                    life: read_life(row, 4)?,
                    events: row.get(7)?,
                    tokens_in: row.get(8)?,
                    tokens_out: row.get(9)?,
                    cost: Money::from_units(row.get(10)?),
                    files: BTreeMap::new(),
                    lines_added: row.get(11)?,
                    lines_removed: row.get(12)?,
                    cache_read: row.get(14)?,
                    cache_write: row.get(15)?,
                    turns: row.get(16)?,
                    unpriced: row.get(17)?,
                    model: row.get(18)?,
                };
                Ok((row.get::<_, String>(0)?, session))
            },
        )?;
        let counts = read(connection, "SELECT id, files FROM sessions", |row| {
            Ok((row.get::<_, String>(0)?, row.get::<_, usize>(1)?))
        })?;
        let sql = "SELECT s.id, x.path, x.edits, x.lines_added, x.lines_removed, x.last_event \
                   FROM session_files x JOIN sessions s ON s.no = x.session";
        let files = read(connection, sql, |row| {
            let counts = [row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?];
            Ok(((row.get::<_, String>(0)?, row.get(1)?), counts))
        })?;
        for ((id, path), counts) in files {
            if let Some(session) = kept.get_mut(&id) {
                session.files.insert(path, counts);
            }
        }
        let files = self.sessions.iter().map(|(id, s)| (id.clone(), s.files.len())).collect();
        checks.push(check("edited files", &files, &counts));
        checks.push(check("sessions", &self.sessions.into_iter().collect(), &kept));
        Ok(())
    }
}

fn key_of(facet: &Facet) -> FacetKey {
    let word = |word: &Option<String>| word.clone().unwrap_or_default();
    [
        facet.agent_type.clone(),
        facet.kind.as_str().to_owned(),
        facet.outcome.as_str().to_owned(),
        word(&facet.tool_name),
        word(&facet.model),
        facet.source.clone(),
    ]
}

fn facet_sql(columns: &str, from: &str, table: &str) -> String {
    format!(
        "SELECT {table}.agent_type, {table}.kind, {table}.outcome, {table}.tool_name, \
         {table}.model, {table}.source, {columns} FROM {from} WHERE {table}.events > 0"
    )
}

fn facet_key(row: &Row<'_>, first: usize) -> rusqlite::Result<FacetKey> {
    let word = |index| row.get(first + index);
    Ok([word(0)?, word(1)?, word(2)?, word(3)?, word(4)?, word(5)?])
}

fn costed(row: &Row<'_>, first: usize) -> rusqlite::Result<Costed> {
    Ok(Costed { cost: Money::from_units(row.get(first)?), events: row.get(first + 1)? })
}

fn read<K: Ord, V>(
    connection: &Connection,
    sql: &str,
    entry: impl FnMut(&Row<'_>) -> rusqlite::Result<(K, V)>,
) -> rusqlite::Result<BTreeMap<K, V>> {
    connection.prepare(sql)?.query_map([], entry)?.collect()
}

fn check<K: Ord + Debug, V: PartialEq + Debug>(
    name: &'static str,
    recounted: &BTreeMap<K, V>,
    kept: &BTreeMap<K, V>,
) -> Check {
    let mut problems = Vec::new();
    for key in recounted.keys().chain(kept.keys().filter(|key| !recounted.contains_key(key))) {
        let (counted, kept) = (recounted.get(key), kept.get(key));
        if counted != kept {
            problems.push(format!("{key:?}: the events say {counted:?}, the store keeps {kept:?}"));
        }
        if problems.len() == PROBLEMS_MAX {
            break;
        }
    }
    Check { name, problems }
}
