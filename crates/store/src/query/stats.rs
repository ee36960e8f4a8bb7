//! Totals, by tool, by agent, by model, and what was used within a window.

use std::collections::HashMap;

use oriel_model::{Money, QuietLimit};
use rusqlite::Connection;

use super::options::branches;
use super::spans::{self, Range};
use super::{seconds_of, told};
use crate::readers::ReadError;
use crate::store::Store;
use crate::sums::{Sums, add};

/// The totals of a store.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Stats {
    /// Events that match.
    pub events: u64,
    /// Sessions at work.
    pub active_sessions: u64,
    /// Sessions that have not ended.
    pub live_sessions: u64,
    /// All sessions.
    pub sessions: u64,
    /// Agent types with a session that has not ended.
    pub active_agents: u64,
    /// Tokens read by models.
    pub tokens_in: u64,
    /// Tokens written by models.
    pub tokens_out: u64,
    /// What it all cost.
    pub cost: Money,
    /// Events by tool, most first.
    pub by_tool: Vec<(String, u64)>,
    /// Events by agent type, most first.
    pub by_agent: Vec<(String, u64)>,
    /// Events by model, most first.
    pub by_model: Vec<(String, u64)>,
    /// The sessions' branches, most recent first.
    pub branches: Vec<String>,
}

/// How one tool does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolStats {
    /// The tool.
    pub tool_name: String,
    /// How often it ran.
    pub calls: u64,
    /// How often it failed.
    pub errors: u64,
    /// How long its timed calls took together.
    pub duration_ms: u64,
    /// How many calls were timed.
    pub timed_calls: u64,
    /// Calls by agent type, most first.
    pub by_agent: Vec<(String, u64)>,
}

/// What an agent type used within a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Used {
    /// Tokens read and written.
    pub tokens: u64,
    /// US dollars.
    pub cost: Money,
}

impl Store {
    /// Returns the totals of the events of an agent type and since a moment, where these are given,
    /// with the state of all sessions at `now`.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn stats(
        &self,
        agent_type: Option<String>,
        since: Option<String>,
        now: i64,
        quiet: QuietLimit,
    ) -> Result<Stats, ReadError> {
        self.readers()
            .ask(move |connection| {
                let mut stats = Stats::default();
                let (mut tools, mut agents, mut models) = Default::default();
                for (facet, sums) in slice(connection, agent_type.as_deref(), since.as_deref())? {
                    add(&mut stats.events, sums.events);
                    add(&mut stats.tokens_in, sums.tokens_in);
                    add(&mut stats.tokens_out, sums.tokens_out);
                    stats.cost = stats.cost.plus(sums.cost);
                    tally(&mut agents, Some(facet.agent_type), sums.events);
                    tally(&mut tools, facet.tool_name, sums.events);
                    tally(&mut models, facet.model, sums.events);
                }
                stats.by_tool = most_first(tools);
                stats.by_agent = most_first(agents);
                stats.by_model = most_first(models);
                count_sessions(connection, &mut stats, now, quiet)?;
                stats.branches = branches(connection)?.into_iter().map(|(name, _)| name).collect();
                Ok(stats)
            })
            .await
    }

    /// Returns how each tool does, most called first.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn tools(
        &self,
        agent_type: Option<String>,
        since: Option<String>,
    ) -> Result<Vec<ToolStats>, ReadError> {
        self.readers()
            .ask(move |connection| {
                let mut tools: HashMap<String, (ToolStats, HashMap<String, u64>)> = HashMap::new();
                for (facet, sums) in slice(connection, agent_type.as_deref(), since.as_deref())? {
                    let Some(tool_name) = facet.tool_name else { continue };
                    let (tool, agents) = tools
                        .entry(tool_name.clone())
                        .or_insert_with(|| (ToolStats::none(tool_name), HashMap::new()));
                    add(&mut tool.calls, sums.events);
                    add(&mut tool.errors, if facet.failed { sums.events } else { 0 });
                    add(&mut tool.duration_ms, sums.duration_ms);
                    add(&mut tool.timed_calls, sums.timed_events);
                    tally(agents, Some(facet.agent_type), sums.events);
                }
                let mut tools: Vec<ToolStats> = tools
                    .into_values()
                    .map(|(tool, agents)| ToolStats { by_agent: most_first(agents), ..tool })
                    .collect();
                tools.sort_by(|a, b| b.calls.cmp(&a.calls).then(a.tool_name.cmp(&b.tool_name)));
                Ok(tools)
            })
            .await
    }

    /// Returns what each of these agent types used since its moment (Unix seconds), or nothing
    /// where no event is of that type.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn used(&self, windows: Vec<(String, i64)>) -> Result<Vec<Option<Used>>, ReadError> {
        self.readers()
            .ask(move |connection| {
                windows.iter().map(|(agent, since)| used_by(connection, agent, *since)).collect()
            })
            .await
    }
}

impl ToolStats {
    fn none(tool_name: String) -> Self {
        Self { tool_name, calls: 0, errors: 0, duration_ms: 0, timed_calls: 0, by_agent: vec![] }
    }
}

/// The words of a facet that totals are grouped by.
struct Words {
    agent_type: String,
    tool_name: Option<String>,
    model: Option<String>,
    failed: bool,
}

/// Returns the sums of each facet of an agent type and since a moment, where these are given.
fn slice(
    connection: &Connection,
    agent_type: Option<&str>,
    since: Option<&str>,
) -> rusqlite::Result<Vec<(Words, Sums)>> {
    let Some(range) = since_range(connection, since)? else { return Ok(Vec::new()) };
    let mut facets: HashMap<i64, Words> = connection
        .prepare_cached(
            "SELECT no, agent_type, tool_name, model, outcome FROM facets \
             WHERE ?1 IS NULL OR agent_type = ?1",
        )?
        .query_map([agent_type], |row| {
            let words = Words {
                agent_type: row.get(1)?,
                tool_name: told(row.get(2)?),
                model: told(row.get(3)?),
                failed: row.get_ref(4)?.as_str()? == "error",
            };
            Ok((row.get(0)?, words))
        })?
        .collect::<rusqlite::Result<_>>()?;
    let sums = spans::by_facet(connection, None, range)?;
    Ok(sums.into_iter().filter_map(|(no, sums)| Some((facets.remove(&no)?, sums))).collect())
}

/// Returns the range from a moment on, or nothing where SQLite cannot read it.
pub(crate) fn since_range(
    connection: &Connection,
    since: Option<&str>,
) -> rusqlite::Result<Option<Range>> {
    let Some(text) = since else { return Ok(Some(Range::open())) };
    let from = seconds_of(connection, text)?;
    Ok(from.map(|from| Range { from, ..Range::open() }))
}

fn used_by(
    connection: &Connection,
    agent_type: &str,
    since: i64,
) -> rusqlite::Result<Option<Used>> {
    let facets: Vec<i64> = connection
        .prepare_cached("SELECT no FROM facets WHERE agent_type = ?1 AND events > 0")?
        .query_map([agent_type], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    if facets.is_empty() {
        return Ok(None);
    }
    let range = Range { from: since, ..Range::open() };
    let mut used = Used::default();
    for (_, sums) in spans::by_facet(connection, Some(&facets), range)? {
        add(&mut used.tokens, sums.tokens_in.saturating_add(sums.tokens_out));
        used.cost = used.cost.plus(sums.cost);
    }
    Ok(Some(used))
}

fn count_sessions(
    connection: &Connection,
    stats: &mut Stats,
    now: i64,
    quiet: QuietLimit,
) -> rusqlite::Result<()> {
    let mut live = connection.prepare_cached(
        "SELECT agent_type, count(*), count(*) FILTER (WHERE rest = 0 AND last_event > ?2) \
         FROM sessions WHERE last_event > ?1 AND rest < 2 GROUP BY agent_type",
    )?;
    let mut rows = live.query([quiet.ended_since(now), quiet.idle_since(now)])?;
    while let Some(row) = rows.next()? {
        stats.active_agents += 1;
        add(&mut stats.live_sessions, row.get(1)?);
        add(&mut stats.active_sessions, row.get(2)?);
    }
    // Sessions are numbered without gaps and none is ever removed alone.
    stats.sessions = connection
        .prepare_cached("SELECT ifnull(max(no), 0) FROM sessions")?
        .query_row([], |row| row.get(0))?;
    Ok(())
}

fn tally(counts: &mut HashMap<String, u64>, name: Option<String>, more: u64) {
    if let Some(name) = name {
        add(counts.entry(name).or_default(), more);
    }
}

fn most_first(counts: HashMap<String, u64>) -> Vec<(String, u64)> {
    let mut counts: Vec<_> = counts.into_iter().filter(|&(_, count)| count > 0).collect();
    counts.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
    counts
}
