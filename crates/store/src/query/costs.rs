//! Where the money goes: by hour, by project, by model.

use std::collections::HashMap;

use oriel_model::Money;
use rusqlite::{Connection, params};

use super::spans;
use super::stats::since_range;
use super::{millis_of, seconds_of, told};
use crate::group::{Costed, span_start};
use crate::readers::ReadError;
use crate::store::Store;
use crate::sums::add;

const HOUR_MS: i64 = 3_600_000;

/// Stands in `project_costs` for all agent types, and is none itself.
const WHOLE: &str = "";

/// Where the money goes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CostReport {
    /// By hour, oldest first.
    pub hours: Vec<HourCost>,
    /// By project, dearest first.
    pub projects: Vec<ProjectCost>,
    /// By model, dearest first.
    pub models: Vec<ModelCost>,
}

/// What an hour cost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HourCost {
    /// When it begins.
    pub start: i64,
    /// What it cost.
    pub cost: Money,
    /// Tokens read by models.
    pub tokens_in: u64,
    /// Tokens written by models.
    pub tokens_out: u64,
    /// All its events.
    pub events: u64,
}

/// What a project cost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProjectCost {
    /// The project.
    pub project: Option<String>,
    /// What it cost.
    pub cost: Money,
    /// Sessions that cost something.
    pub sessions: u64,
    /// Events that cost something.
    pub events: u64,
}

/// What a model cost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelCost {
    /// The model.
    pub model: String,
    /// What it cost.
    pub cost: Money,
    /// Events that cost something.
    pub events: u64,
    /// Tokens that it read in those.
    pub tokens_in: u64,
    /// Tokens that it wrote in those.
    pub tokens_out: u64,
}

impl Store {
    /// Returns where the money went, of an agent type and since a moment where these are given,
    /// with up to `projects` projects.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn costs(
        &self,
        agent_type: Option<String>,
        since: Option<String>,
        projects: usize,
    ) -> Result<CostReport, ReadError> {
        self.readers()
            .ask(move |connection| {
                let (agent_type, since) = (agent_type.as_deref(), since.as_deref());
                Ok(CostReport {
                    hours: by_hour(connection, agent_type, since)?,
                    projects: by_project(connection, agent_type, since, projects)?,
                    models: by_model(connection, agent_type, since)?,
                })
            })
            .await
    }
}

fn by_hour(
    connection: &Connection,
    agent_type: Option<&str>,
    since: Option<&str>,
) -> rusqlite::Result<Vec<HourCost>> {
    let since_ms = match since {
        None => None,
        Some(text) => match millis_of(connection, text)? {
            None => return Ok(Vec::new()),
            some => some,
        },
    };
    // The first hour that the moment is not inside of.
    let whole_from = since_ms.map_or(i64::MIN, |ms| span_start(ms + HOUR_MS - 1, HOUR_MS) / 1000);
    let mut hours: Vec<HourCost> = Vec::new();
    if let Some(ms) = since_ms.filter(|&ms| ms < whole_from.saturating_mul(1000)) {
        hours.extend(part_of_hour(connection, agent_type, ms, whole_from)?);
    }
    let mut read = connection.prepare_cached(
        "SELECT hour, cost, tokens_in, tokens_out, events FROM cost_hours \
         WHERE hour >= ?1 AND (?2 IS NULL OR agent_type = ?2) ORDER BY hour",
    )?;
    let mut rows = read.query(params![whole_from, agent_type])?;
    while let Some(row) = rows.next()? {
        let start = row.get(0)?;
        let hour = match hours.last_mut() {
            Some(hour) if hour.start == start => hour,
            _ => {
                hours.push(HourCost::empty(start));
                hours.last_mut().expect("an hour was pushed")
            }
        };
        hour.cost = hour.cost.plus(Money::from_units(row.get(1)?));
        add(&mut hour.tokens_in, row.get(2)?);
        add(&mut hour.tokens_out, row.get(3)?);
        add(&mut hour.events, row.get(4)?);
    }
    Ok(hours)
}

impl HourCost {
    fn empty(start: i64) -> Self {
        Self { start, cost: Money::ZERO, tokens_in: 0, tokens_out: 0, events: 0 }
    }
}

/// Adds up the events from a moment until the end of its hour: those dated by their sender, and
/// those dated by us.
fn part_of_hour(
    connection: &Connection,
    agent_type: Option<&str>,
    from_ms: i64,
    before: i64,
) -> rusqlite::Result<Option<HourCost>> {
    let mut read = connection.prepare_cached(
        "SELECT cost_usd, tokens_in, tokens_out FROM events INDEXED BY events_by_client_time \
         WHERE client_ms >= ?1 AND client_ms < ?2 * 1000 \
         AND (?4 IS NULL OR facet IN (SELECT no FROM facets WHERE agent_type = ?4)) \
         UNION ALL SELECT cost_usd, tokens_in, tokens_out FROM events INDEXED BY events_by_time \
         WHERE created_at >= ?3 AND created_at < ?2 AND client_ms IS NULL \
         AND (?4 IS NULL OR facet IN (SELECT no FROM facets WHERE agent_type = ?4))",
    )?;
    let mut hour = HourCost::empty(before - 3600);
    let from = from_ms.saturating_add(999).div_euclid(1000);
    let mut rows = read.query(params![from_ms, before, from, agent_type])?;
    while let Some(row) = rows.next()? {
        let cost: Option<f64> = row.get(0)?;
        hour.cost = hour.cost.plus(cost.map_or(Money::ZERO, Money::from_dollars));
        add(&mut hour.tokens_in, row.get(1)?);
        add(&mut hour.tokens_out, row.get(2)?);
        add(&mut hour.events, 1);
    }
    Ok(Some(hour).filter(|hour| hour.events > 0))
}

fn by_project(
    connection: &Connection,
    agent_type: Option<&str>,
    since: Option<&str>,
    limit: usize,
) -> rusqlite::Result<Vec<ProjectCost>> {
    if agent_type == Some(WHOLE) {
        return Ok(Vec::new());
    }
    let mut totals = match since {
        None => kept_by_project(connection, agent_type.unwrap_or(WHOLE))?,
        Some(since) => match seconds_of(connection, since)? {
            None => return Ok(Vec::new()),
            Some(from) => by_project_since(connection, agent_type, from)?,
        },
    };
    totals.sort_by(|a, b| b.cost.cmp(&a.cost).then_with(|| a.project.cmp(&b.project)));
    totals.truncate(limit);
    Ok(totals)
}

fn kept_by_project(
    connection: &Connection,
    agent_type: &str,
) -> rusqlite::Result<Vec<ProjectCost>> {
    connection
        .prepare_cached(
            "SELECT project, cost, sessions, events FROM project_costs WHERE agent_type = ?1",
        )?
        .query_map([agent_type], |row| {
            Ok(ProjectCost {
                project: told(row.get(0)?),
                cost: Money::from_units(row.get(1)?),
                sessions: row.get(2)?,
                events: row.get(3)?,
            })
        })?
        .collect()
}

/// Adds up what sessions cost since a second, by the project that each is in now.
fn by_project_since(
    connection: &Connection,
    agent_type: Option<&str>,
    from: i64,
) -> rusqlite::Result<Vec<ProjectCost>> {
    let sessions = by_session_since(connection, agent_type, from)?;
    let mut find = connection.prepare_cached("SELECT project FROM sessions WHERE no = ?1")?;
    let mut projects: HashMap<String, ProjectCost> = HashMap::new();
    for (session, costed) in sessions {
        let project: String = find.query_row([session], |row| row.get(0))?;
        let total = projects.entry(project).or_insert_with_key(|project| ProjectCost {
            project: told(project.clone()),
            cost: Money::ZERO,
            sessions: 0,
            events: 0,
        });
        total.cost = total.cost.plus(costed.cost);
        add(&mut total.sessions, 1);
        add(&mut total.events, costed.events);
    }
    Ok(projects.into_values().collect())
}

/// Adds up what each session cost since a second. The begun hour comes from its events, the whole
/// ones from what was kept of them.
fn by_session_since(
    connection: &Connection,
    agent_type: Option<&str>,
    from: i64,
) -> rusqlite::Result<HashMap<i64, Costed>> {
    let whole_from = span_start(from.saturating_add(3599), 3600);
    let mut sessions: HashMap<i64, Costed> = HashMap::new();
    let mut kept = connection.prepare_cached(
        "SELECT session, cost, events FROM session_hours INDEXED BY session_hours_by_hour \
         WHERE hour >= ?1 AND (?2 IS NULL OR agent_type = ?2)",
    )?;
    let mut rows = kept.query(params![whole_from, agent_type])?;
    while let Some(row) = rows.next()? {
        let costed = sessions.entry(row.get(0)?).or_default();
        costed.cost = costed.cost.plus(Money::from_units(row.get(1)?));
        add(&mut costed.events, row.get(2)?);
    }
    let mut begun = connection.prepare_cached(
        "SELECT session, cost_usd FROM events INDEXED BY events_by_time \
         WHERE created_at >= ?1 AND created_at < ?2 AND cost_usd > 0 \
         AND (?3 IS NULL OR facet IN (SELECT no FROM facets WHERE agent_type = ?3))",
    )?;
    let mut rows = begun.query(params![from, whole_from, agent_type])?;
    while let Some(row) = rows.next()? {
        sessions.entry(row.get(0)?).or_default().plus(Money::from_dollars(row.get(1)?));
    }
    Ok(sessions)
}

fn by_model(
    connection: &Connection,
    agent_type: Option<&str>,
    since: Option<&str>,
) -> rusqlite::Result<Vec<ModelCost>> {
    let Some(range) = since_range(connection, since)? else { return Ok(Vec::new()) };
    let models: HashMap<i64, String> = connection
        .prepare_cached(
            "SELECT no, model FROM facets \
             WHERE model <> '' AND (?1 IS NULL OR agent_type = ?1) AND costed_events > 0",
        )?
        .query_map([agent_type], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<rusqlite::Result<_>>()?;
    let mut totals: HashMap<&str, ModelCost> = HashMap::new();
    for (facet, sums) in spans::by_facet(connection, None, range)? {
        let Some(model) = models.get(&facet) else { continue };
        if sums.costed_events == 0 {
            continue;
        }
        let total = totals.entry(model).or_insert_with(|| ModelCost {
            model: model.clone(),
            cost: Money::ZERO,
            events: 0,
            tokens_in: 0,
            tokens_out: 0,
        });
        total.cost = total.cost.plus(sums.cost);
        add(&mut total.events, sums.costed_events);
        add(&mut total.tokens_in, sums.costed_in);
        add(&mut total.tokens_out, sums.costed_out);
    }
    let mut totals: Vec<ModelCost> = totals.into_values().collect();
    totals.sort_by(|a, b| b.cost.cmp(&a.cost).then_with(|| a.model.cmp(&b.model)));
    Ok(totals)
}
