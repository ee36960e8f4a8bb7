//! What was used and what it cost, by time, agent, model and session: the stuff of reports.

use std::collections::{BTreeMap, HashMap};

use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, params, params_from_iter};

use super::spans::{Part, Range, parts};
use super::told;
use crate::group::{QUARTER, USAGE_COLUMNS as SPAN_COLUMNS, Usage, span_start};
use crate::readers::ReadError;
use crate::store::Store;

/// Which usage is asked for. What is absent does not matter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UsageFilter {
    /// Of this agent type.
    pub agent_type: Option<String>,
    /// By this model.
    pub model: Option<String>,
    /// First told of by this source.
    pub source: Option<String>,
    /// In this session.
    pub session: Option<String>,
    /// In sessions of this project.
    pub project: Option<String>,
    /// In sessions on this branch.
    pub branch: Option<String>,
    /// From this moment on, in Unix seconds by the sender's clock; whole quarters of an hour count.
    pub since: Option<i64>,
    /// Before this moment.
    pub before: Option<i64>,
}

/// What one agent used of one model within a stretch of time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsageRow {
    /// When the first quarter of an hour begins in which something was used.
    pub first: i64,
    /// When the last one begins.
    pub last: i64,
    /// The session, where rows were asked for by session.
    pub session: Option<String>,
    /// The session's project, where rows were asked for by session.
    pub project: Option<String>,
    /// The session's branch, where rows were asked for by session.
    pub branch: Option<String>,
    /// The agent type.
    pub agent_type: String,
    /// The model.
    pub model: Option<String>,
    /// What was used.
    pub usage: Usage,
}

const SUMS: &str = "sum(u.requests), sum(u.tokens_in), sum(u.tokens_out), sum(u.cache_read), \
                    sum(u.cache_write), sum(u.cache_write_1h), sum(u.cost), sum(u.unpriced)";

impl Store {
    /// Returns what was used, by quarters of an hour in their order, and where told also by session.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn usage(
        &self,
        filter: UsageFilter,
        by_session: bool,
    ) -> Result<Vec<UsageRow>, ReadError> {
        if by_session || filter.names_a_session() {
            return self
                .readers()
                .ask(move |connection| of_sessions(connection, &filter, by_session))
                .await;
        }
        self.usage_over(filter, |at| (at, at)).await
    }

    /// Returns what was used, by stretches of time in their order. `stretch` names the one that a moment
    /// lies in, by its first moment and the first after it; what is no such stretch is taken for a
    /// quarter of an hour, and no end of one is nearer than that.
    ///
    /// Where the filter names a session, project or branch, it is by quarters of an hour whatever is
    /// asked for.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn usage_over(
        &self,
        filter: UsageFilter,
        stretch: impl Fn(i64) -> (i64, i64) + Send + 'static,
    ) -> Result<Vec<UsageRow>, ReadError> {
        self.readers()
            .ask(move |connection| {
                if filter.names_a_session() {
                    of_sessions(connection, &filter, false)
                } else {
                    of_stretches(connection, &filter, &stretch)
                }
            })
            .await
    }
}

impl UsageFilter {
    fn names_a_session(&self) -> bool {
        self.session.is_some() || self.project.is_some() || self.branch.is_some()
    }
}

fn of_sessions(
    connection: &Connection,
    filter: &UsageFilter,
    by_session: bool,
) -> rusqlite::Result<Vec<UsageRow>> {
    let (sql, values) = statement(filter, by_session);
    let mut read = connection.prepare_cached(&sql)?;
    let rows = read.query_map(params_from_iter(values), |row| {
        let word = |nth| row.get::<_, String>(nth).map(told);
        let quarter = row.get(0)?;
        Ok(UsageRow {
            first: quarter,
            last: quarter,
            agent_type: row.get(1)?,
            model: word(2)?,
            session: if by_session { row.get(11)? } else { None },
            project: if by_session { word(12)? } else { None },
            branch: if by_session { word(13)? } else { None },
            usage: Usage::read(row, 3)?,
        })
    })?;
    rows.collect()
}

fn of_stretches(
    connection: &Connection,
    filter: &UsageFilter,
    stretch: &impl Fn(i64) -> (i64, i64),
) -> rusqlite::Result<Vec<UsageRow>> {
    let words = words(connection, filter)?;
    let begin = filter.since.map_or(i64::MIN, |since| span_start(since, QUARTER));
    let end = filter.before.map_or(i64::MAX, quarter_from);
    let mut next = connection.prepare_cached(
        "SELECT start FROM usage_spans WHERE seconds = ?1 AND start >= ?2 ORDER BY start LIMIT 1",
    )?;
    let (mut rows, mut at) = (Vec::new(), begin);
    while let Some(used) = next
        .query_row([QUARTER, at], |row| row.get::<_, i64>(0))
        .optional()?
        .filter(|used| *used < end)
    {
        let (from, to) = stretch(used);
        let (from, to) = (quarter_from(from), quarter_from(to));
        let (from, to) =
            if (from..to).contains(&used) { (from, to) } else { (used, used + QUARTER) };
        let range = Range { from: from.max(begin), to: to.min(end) - 1 };
        rows.extend(of_range(connection, range, &words)?);
        at = to;
    }
    Ok(rows)
}

/// Whose usage it is: the agent type and the model.
type Whose = (String, Option<String>);

/// Returns whose usage each facet is, of those that are asked for.
fn words(connection: &Connection, filter: &UsageFilter) -> rusqlite::Result<HashMap<i64, Whose>> {
    connection
        .prepare_cached(
            "SELECT no, agent_type, model FROM facets WHERE (?1 IS NULL OR agent_type = ?1) \
             AND (?2 IS NULL OR model = ?2) AND (?3 IS NULL OR source = ?3)",
        )?
        .query_map(params![filter.agent_type, filter.model, filter.source], |row| {
            Ok((row.get(0)?, (row.get(1)?, told(row.get(2)?))))
        })?
        .collect()
}

/// Adds up what was used within whole quarters, by the longest spans that fit.
fn of_range(
    connection: &Connection,
    range: Range,
    words: &HashMap<i64, Whose>,
) -> rusqlite::Result<Vec<UsageRow>> {
    let mut read = connection.prepare_cached(&format!(
        "SELECT facet, first, last, {SPAN_COLUMNS} FROM usage_spans \
         WHERE seconds = ?1 AND start >= ?2 AND start < ?3"
    ))?;
    let mut sums: BTreeMap<&Whose, (i64, i64, Usage)> = BTreeMap::new();
    for part in parts(range) {
        let (seconds, from, before) = match part {
            Part::Spans { seconds, from, before } => (seconds, from, before),
            Part::Events { from, before } => (QUARTER, from, before),
        };
        let mut rows = read.query([seconds, from, before])?;
        while let Some(row) = rows.next()? {
            let Some(whose) = words.get(&row.get(0)?) else { continue };
            let (from, to, usage) = (row.get(1)?, row.get(2)?, Usage::read(row, 3)?);
            let (first, last, sum) = sums.entry(whose).or_insert((from, to, Usage::default()));
            (*first, *last) = ((*first).min(from), (*last).max(to));
            sum.add(&usage, 1);
        }
    }
    let rows = sums.into_iter().map(|((agent_type, model), (first, last, usage))| UsageRow {
        first,
        last,
        session: None,
        project: None,
        branch: None,
        agent_type: agent_type.clone(),
        model: model.clone(),
        usage,
    });
    Ok(rows.collect())
}

/// Returns the first quarter that does not begin before a moment.
fn quarter_from(at: i64) -> i64 {
    span_start(at.saturating_add(QUARTER - 1), QUARTER)
}

fn statement(filter: &UsageFilter, by_session: bool) -> (String, Vec<Value>) {
    let mut tests = Vec::new();
    let mut values = Vec::new();
    let words = [
        ("f.agent_type =", &filter.agent_type),
        ("f.model =", &filter.model),
        ("f.source =", &filter.source),
        ("s.id =", &filter.session),
        ("s.project =", &filter.project),
        ("s.branch =", &filter.branch),
    ];
    for (test, word) in words {
        if let Some(word) = word {
            values.push(Value::Text(word.clone()));
            tests.push(format!("{test} ?{}", values.len()));
        }
    }
    for (test, moment) in [
        ("u.quarter >=", filter.since.map(|at| span_start(at, QUARTER))),
        ("u.quarter <", filter.before),
    ] {
        if let Some(moment) = moment {
            values.push(Value::Integer(moment));
            tests.push(format!("{test} ?{}", values.len()));
        }
    }
    let wheres =
        if tests.is_empty() { String::new() } else { format!("WHERE {}", tests.join(" AND ")) };
    let (columns, group) = if by_session {
        (", s.id, s.project, s.branch", "u.quarter, u.session, f.agent_type, f.model")
    } else {
        ("", "u.quarter, f.agent_type, f.model")
    };
    let sql = format!(
        "SELECT u.quarter, f.agent_type, f.model, {SUMS}{columns} FROM usage u \
         JOIN facets f ON f.no = u.facet \
         JOIN sessions s ON s.no = u.session {wheres} GROUP BY {group}"
    );
    (sql, values)
}
