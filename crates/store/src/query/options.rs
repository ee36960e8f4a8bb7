//! The values that lists can be filtered by.

use std::collections::BTreeSet;

use rusqlite::{Connection, OptionalExtension};

use super::told;
use crate::readers::ReadError;
use crate::store::Store;

/// The values that lists can be filtered by, sorted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FilterOptions {
    /// Agent types.
    pub agent_types: Vec<String>,
    /// Kinds of events.
    pub event_types: Vec<String>,
    /// Tools.
    pub tool_names: Vec<String>,
    /// Models.
    pub models: Vec<String>,
    /// Sources.
    pub sources: Vec<String>,
    /// The sessions' projects.
    pub projects: Vec<String>,
    /// The sessions' branches, most recent first, each with the project of its latest session.
    pub branches: Vec<(String, Option<String>)>,
}

impl Store {
    /// Returns the values that lists can be filtered by.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn filter_options(&self) -> Result<FilterOptions, ReadError> {
        self.readers()
            .ask(|connection| {
                let mut words: [BTreeSet<String>; 5] = Default::default();
                let mut read = connection.prepare_cached(
                    "SELECT agent_type, kind, tool_name, model, source FROM facets WHERE events > 0",
                )?;
                let mut rows = read.query([])?;
                while let Some(row) = rows.next()? {
                    for (column, words) in words.iter_mut().enumerate() {
                        let word = row.get_ref(column)?.as_str()?;
                        if !word.is_empty() && !words.contains(word) {
                            words.insert(word.to_owned());
                        }
                    }
                }
                let [agent_types, event_types, tool_names, models, sources] =
                    words.map(|words| words.into_iter().collect());
                let projects = distinct(connection, "project")?;
                let branches = branches(connection)?;
                Ok(FilterOptions {
                    agent_types,
                    event_types,
                    tool_names,
                    models,
                    sources,
                    projects,
                    branches,
                })
            })
            .await
    }
}

/// Returns the sessions' branches, most recent first, each with the project of its latest session.
pub(crate) fn branches(connection: &Connection) -> rusqlite::Result<Vec<(String, Option<String>)>> {
    let mut latest = connection.prepare_cached(
        "SELECT last_event, project FROM sessions WHERE branch = ?1 \
         ORDER BY last_event DESC LIMIT 1",
    )?;
    let mut branches = Vec::new();
    for branch in distinct(connection, "branch")? {
        let (last_event, project): (i64, String) =
            latest.query_row([&branch], |row| Ok((row.get(0)?, row.get(1)?)))?;
        branches.push((last_event, branch, project));
    }
    branches.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
    Ok(branches.into_iter().map(|(_, branch, project)| (branch, told(project))).collect())
}

/// Returns the values of an indexed column of sessions, sorted, by stepping over equal ones.
fn distinct(connection: &Connection, column: &str) -> rusqlite::Result<Vec<String>> {
    let sql =
        format!("SELECT {column} FROM sessions WHERE {column} > ?1 ORDER BY {column} LIMIT 1");
    let mut next = connection.prepare_cached(&sql)?;
    let mut values: Vec<String> = Vec::new();
    loop {
        let last = values.last().map_or("", String::as_str);
        match next.query_row([last], |row| row.get(0)).optional()? {
            Some(value) => values.push(value),
            None => return Ok(values),
        }
    }
}
