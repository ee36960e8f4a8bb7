//! What was used and what it cost, by time, agent, model and session: the stuff of reports.

use rusqlite::params_from_iter;
use rusqlite::types::Value;

use super::told;
use crate::group::Usage;
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

/// What one agent used of one model within a quarter of an hour.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsageRow {
    /// When the quarter begins.
    pub quarter: i64,
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
        self.readers()
            .ask(move |connection| {
                let (sql, values) = statement(&filter, by_session);
                let mut read = connection.prepare_cached(&sql)?;
                let rows = read.query_map(params_from_iter(values), |row| {
                    let word = |nth| row.get::<_, String>(nth).map(told);
                    Ok(UsageRow {
                        quarter: row.get(0)?,
                        agent_type: row.get(1)?,
                        model: word(2)?,
                        session: if by_session { row.get(11)? } else { None },
                        project: if by_session { word(12)? } else { None },
                        branch: if by_session { word(13)? } else { None },
                        usage: Usage::read(row, 3)?,
                    })
                })?;
                rows.collect()
            })
            .await
    }
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
    let quarter = crate::group::QUARTER;
    for (test, moment) in [
        ("u.quarter >=", filter.since.map(|at| crate::group::span_start(at, quarter))),
        ("u.quarter <", filter.before),
    ] {
        if let Some(moment) = moment {
            values.push(Value::Integer(moment));
            tests.push(format!("{test} ?{}", values.len()));
        }
    }
    let names_a_session = by_session
        || filter.session.is_some()
        || filter.project.is_some()
        || filter.branch.is_some();
    if !names_a_session {
        tests.push(format!("u.session = {}", crate::group::ALL));
    }
    let wheres =
        if tests.is_empty() { String::new() } else { format!("WHERE {}", tests.join(" AND ")) };
    let sessions = if names_a_session { "JOIN sessions s ON s.no = u.session" } else { "" };
    let (columns, group) = if by_session {
        (", s.id, s.project, s.branch", "u.quarter, u.session, f.agent_type, f.model")
    } else {
        ("", "u.quarter, f.agent_type, f.model")
    };
    let sql = format!(
        "SELECT u.quarter, f.agent_type, f.model, {SUMS}{columns} FROM usage u \
         JOIN facets f ON f.no = u.facet {sessions} {wheres} GROUP BY {group}"
    );
    (sql, values)
}
