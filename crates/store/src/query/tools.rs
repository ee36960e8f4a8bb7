//! How tools do: how often they ran and failed, how long that took, and which calls to look at, in
//! all and over time.

use std::collections::{BTreeMap, HashMap};

use oriel_model::StoredEvent;
use rusqlite::{Connection, params};

use super::events::read_events;
use super::spans::{Part, Range, parts};
use crate::group::{SPANS, ToolSpan, span_start};
use crate::readers::ReadError;
use crate::store::Store;
use crate::times::Times;

/// A series of more hours than these goes by days.
const HOURS_MAX: i64 = 72;

/// No more tools than this are told of, those called most first.
const TOOLS_MAX: usize = 200;

/// So many of the slowest and of the latest failed calls of a tool are told of.
const SHOWN: usize = 5;

/// Which calls are asked for. What is absent does not matter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ToolsQuery {
    /// By this agent type.
    pub agent_type: Option<String>,
    /// Of this tool.
    pub tool_name: Option<String>,
    /// From this moment on, in Unix seconds by the sender's clock; whole hours count.
    pub since: Option<i64>,
    /// Until this moment.
    pub until: Option<i64>,
    /// The time now: what is asked for without an end goes on until then.
    pub now: i64,
}

/// How tools did.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ToolsDetail {
    /// Each tool, most called first.
    pub tools: Vec<ToolDetail>,
    /// How many further tools there are.
    pub more_tools: usize,
    /// What all of them did over time, without the spans in which nothing happened.
    pub series: Vec<SpanOfCalls>,
    /// How long a span of the series is.
    pub series_seconds: i64,
}

/// How one tool did.
#[derive(Debug, Clone, PartialEq)]
pub struct ToolDetail {
    /// The tool.
    pub tool_name: String,
    /// What all agents did with it.
    pub calls: CallSums,
    /// What each agent did with it, most calls first.
    pub by_agent: Vec<(String, CallSums)>,
    /// The slowest calls: of each hour or day only the slowest.
    pub slowest: Vec<StoredEvent>,
    /// The latest calls that failed: of each hour or day only the latest.
    pub failures: Vec<StoredEvent>,
}

/// What calls add up to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CallSums {
    /// How many they are.
    pub calls: u64,
    /// How many went wrong.
    pub errors: u64,
    /// How many took too long.
    pub timeouts: u64,
    /// How many were timed.
    pub timed: u64,
    /// What half of those do not exceed, in milliseconds, within 1.6 %.
    pub p50_ms: Option<u64>,
    /// What 95 of a hundred of those do not exceed, within 1.6 %.
    pub p95_ms: Option<u64>,
    /// How long the slowest took.
    pub max_ms: Option<u64>,
}

/// What tools did within a span.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SpanOfCalls {
    /// When it begins.
    pub start: i64,
    /// What they did.
    pub calls: CallSums,
}

impl Store {
    /// Returns how tools did.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn tools_detail(&self, query: ToolsQuery) -> Result<ToolsDetail, ReadError> {
        self.readers().ask(move |connection| detail(connection, &query)).await
    }
}

/// What is gathered of calls.
#[derive(Default)]
struct Gathered {
    calls: i64,
    errors: i64,
    timeouts: i64,
    times: Times,
    slowest: Vec<(u64, i64)>,
    failed: Vec<i64>,
}

impl Gathered {
    fn add(&mut self, span: &ToolSpan) {
        self.calls = self.calls.saturating_add(span.calls);
        self.errors = self.errors.saturating_add(span.errors);
        self.timeouts = self.timeouts.saturating_add(span.timeouts);
        self.times.add_all(&span.times);
        if let Some(slowest) = span.slowest {
            keep_greatest(&mut self.slowest, slowest);
        }
        if let Some(failed) = span.failed {
            keep_greatest(&mut self.failed, failed);
        }
    }

    fn sums(&self) -> CallSums {
        let count = |count: i64| count.max(0).unsigned_abs();
        let max_ms = self.slowest.first().map(|(ms, _)| *ms);
        // The middle of the slowest call's bucket may be beyond it.
        let at_most = |told: Option<u64>| told.map(|ms| max_ms.map_or(ms, |max| ms.min(max)));
        CallSums {
            calls: count(self.calls),
            errors: count(self.errors),
            timeouts: count(self.timeouts),
            timed: self.times.count(),
            p50_ms: at_most(self.times.percentile(50)),
            p95_ms: at_most(self.times.percentile(95)),
            max_ms,
        }
    }
}

/// Puts one into a short list, the greatest first.
fn keep_greatest<T: Ord>(list: &mut Vec<T>, one: T) {
    let place = list.partition_point(|known| *known > one);
    if place < SHOWN {
        list.insert(place, one);
        list.truncate(SHOWN);
    }
}

fn detail(connection: &Connection, query: &ToolsQuery) -> rusqlite::Result<ToolsDetail> {
    let mut tools: HashMap<String, (Gathered, BTreeMap<String, Gathered>)> = HashMap::new();
    let mut series: BTreeMap<i64, Gathered> = BTreeMap::new();
    let range = whole_hours(query);
    let ends = query.until.map_or(query.now, |_| range.to).max(range.from);
    let by_hours = ends.saturating_sub(range.from) < HOURS_MAX * SPANS[0];
    let series_seconds = if by_hours { SPANS[0] } else { SPANS[1] };
    let mut read = connection.prepare_cached(
        "SELECT start, agent_type, tool_name, calls, errors, timeouts, slowest_ms, slowest_event, \
         failed_event, times FROM tool_spans WHERE seconds = ?1 AND start >= ?2 AND start < ?3 \
         AND (?4 IS NULL OR agent_type = ?4) AND (?5 IS NULL OR tool_name = ?5)",
    )?;
    for (seconds, from, before) in pieces(range, by_hours) {
        let values = params![seconds, from, before, query.agent_type, query.tool_name];
        let mut rows = read.query(values)?;
        while let Some(row) = rows.next()? {
            let span = ToolSpan::read(row, 3)?;
            series.entry(span_start(row.get(0)?, series_seconds)).or_default().add(&span);
            let tool = row.get_ref(2)?.as_str()?;
            if !tools.contains_key(tool) {
                tools.insert(tool.to_owned(), Default::default());
            }
            let (whole, agents) = tools.get_mut(tool).expect("it was put there above");
            whole.add(&span);
            agents.entry(row.get(1)?).or_default().add(&span);
        }
    }
    let mut tools: Vec<_> = tools.into_iter().collect();
    tools.sort_by(|(a, (of_a, _)), (b, (of_b, _))| of_b.calls.cmp(&of_a.calls).then(a.cmp(b)));
    let more_tools = tools.len().saturating_sub(TOOLS_MAX);
    tools.truncate(TOOLS_MAX);
    let tools = tools.into_iter().map(|(tool_name, (whole, agents))| {
        let slowest: Vec<i64> = whole.slowest.iter().map(|(_, event)| *event).collect();
        let mut by_agent: Vec<_> =
            agents.into_iter().map(|(agent, gathered)| (agent, gathered.sums())).collect();
        by_agent.sort_by(|(a, of_a), (b, of_b)| of_b.calls.cmp(&of_a.calls).then(a.cmp(b)));
        Ok(ToolDetail {
            tool_name,
            calls: whole.sums(),
            by_agent,
            slowest: read_events(connection, &slowest)?,
            failures: read_events(connection, &whole.failed)?,
        })
    });
    let series = series.into_iter();
    Ok(ToolsDetail {
        tools: tools.collect::<rusqlite::Result<_>>()?,
        more_tools,
        series: series.map(|(start, of)| SpanOfCalls { start, calls: of.sums() }).collect(),
        series_seconds,
    })
}

/// Returns the range of the hours in which what is asked for lies.
fn whole_hours(query: &ToolsQuery) -> Range {
    let open = Range::open();
    let hour = SPANS[0];
    Range {
        from: query.since.map_or(open.from, |since| span_start(since, hour)),
        to: query.until.map_or(open.to, |until| span_start(until, hour).saturating_add(hour - 1)),
    }
}

/// Returns the spans that a range of whole hours is made of: their length, the first, and the first
/// that is not of them.
fn pieces(range: Range, by_hours: bool) -> Vec<(i64, i64, i64)> {
    let parts = parts(range).into_iter();
    parts
        .flat_map(|part| match part {
            Part::Spans { from, before, .. } if by_hours => Some((SPANS[0], from, before)),
            Part::Spans { seconds, from, before } => Some((seconds, from, before)),
            // At the far ends of time nothing is dated.
            Part::Events { .. } => None,
        })
        .collect()
}
