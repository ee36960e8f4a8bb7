//! What was used, put together for reports: rows of the store in, rows for people out.
//!
//! Everything here is a pure function of what the store knows, a time zone and now.

mod blocks;
mod sources;
mod sums;

use std::collections::{BTreeSet, HashMap};

use jiff::civil::Date;
use jiff::tz::TimeZone;
use oriel_store::UsageRow;
use oriel_wire::time::rfc3339;
use oriel_wire::{ModelUsage, Report, ReportRow};

use crate::config::UsageLimit;
use crate::zone;
pub(crate) use sources::provenance;
pub(crate) use sums::{Sums, UNKNOWN, count, total_tokens};

/// What the rows of a report are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum By {
    /// Days of the zone.
    Day,
    /// Weeks of the zone, which begin on Monday.
    Week,
    /// Months of the zone.
    Month,
    /// Sessions.
    Session,
    /// Projects.
    Project,
    /// Branches of projects.
    Branch,
    /// Models.
    Model,
    /// Agent types.
    Agent,
    /// Blocks of five hours.
    Block,
}

impl By {
    const ALL: [Self; 9] = [
        Self::Day,
        Self::Week,
        Self::Month,
        Self::Session,
        Self::Project,
        Self::Branch,
        Self::Model,
        Self::Agent,
        Self::Block,
    ];

    /// Returns the word for it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
            Self::Session => "session",
            Self::Project => "project",
            Self::Branch => "branch",
            Self::Model => "model",
            Self::Agent => "agent",
            Self::Block => "block",
        }
    }

    /// Returns what a word stands for.
    pub(crate) fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|by| by.as_str() == word)
    }

    /// Returns the stretch of time that a moment lies in and whose usage can be added up for it.
    pub(crate) fn stretch(self, at: i64, zone: &TimeZone, now: i64) -> (i64, i64) {
        // What a block is used up by matters to the quarter of an hour while it lasts.
        const BLOCK_SECONDS: i64 = 6 * 3600;
        let days = |from: Date, to: Option<Date>| {
            let start = |day| zone::start_of_day(day, zone);
            start(from).zip(to.and_then(start)).unwrap_or((at, at))
        };
        let day = zone::day_of(at, zone);
        match self {
            Self::Day => days(day, day.tomorrow().ok()),
            Self::Week => {
                days(monday(day), monday(day).checked_add(jiff::Span::new().days(7)).ok())
            }
            Self::Month => days(day.first_of_month(), day.last_of_month().tomorrow().ok()),
            Self::Block if at < now.saturating_sub(BLOCK_SECONDS) => {
                let hour = at.div_euclid(3600) * 3600;
                (hour, hour + 3600)
            }
            Self::Block => (at, at),
            Self::Session | Self::Project | Self::Branch | Self::Model | Self::Agent => {
                (i64::MIN, i64::MAX)
            }
        }
    }

    /// Returns whether the store has to tell sessions apart for it.
    pub(crate) fn needs_sessions(self) -> bool {
        matches!(self, Self::Session | Self::Project | Self::Branch)
    }
}

/// What a report is to be.
#[derive(Debug, Clone)]
pub(crate) struct Wanted {
    /// What its rows are.
    pub by: By,
    /// The zone of its days.
    pub zone: TimeZone,
    /// Blocks that ended by then are left out. Everything else is left out by the store; where a
    /// block begins depends on all that was before it.
    pub since: Option<i64>,
    /// Now, in Unix seconds.
    pub now: i64,
    /// The most rows.
    pub rows_max: usize,
    /// What agents may use in a block.
    pub limits: Vec<UsageLimit>,
}

/// Puts a report together.
pub(crate) fn report(wanted: &Wanted, used: &[UsageRow]) -> Report {
    let groups = match wanted.by {
        By::Block => blocks::blocks(wanted, used),
        _ => groups(wanted, used),
    };
    let mut totals = Sums::default();
    for group in &groups {
        totals.add(&group.sums);
    }
    let mut rows: Vec<ReportRow> = groups.into_iter().map(Group::into_row).collect();
    let rows_left_out = rows.len().saturating_sub(wanted.rows_max);
    match wanted.by {
        // Of times, the last ones matter most.
        By::Day | By::Week | By::Month | By::Block => drop(rows.drain(..rows_left_out)),
        _ => rows.truncate(wanted.rows_max),
    }
    Report {
        by: wanted.by.as_str().to_owned(),
        tz: zone::name(&wanted.zone),
        rows,
        rows_left_out,
        totals: totals.into_wire(),
    }
}

/// What belongs into one row.
#[derive(Debug, Default)]
struct Group {
    key: String,
    project: Option<String>,
    branch: Option<String>,
    first: i64,
    last: i64,
    agent_types: BTreeSet<String>,
    sums: Sums,
    models: HashMap<String, Sums>,
    block: Option<oriel_wire::Block>,
}

impl Group {
    fn new(key: String, used: &UsageRow) -> Self {
        Self { key, first: used.first, last: used.last, ..Self::default() }
    }

    fn add(&mut self, used: &UsageRow) {
        self.first = self.first.min(used.first);
        self.last = self.last.max(used.last);
        if !self.agent_types.contains(&used.agent_type) {
            self.agent_types.insert(used.agent_type.clone());
        }
        self.sums.count(used);
        let model = used.model.as_deref().unwrap_or(UNKNOWN);
        match self.models.get_mut(model) {
            Some(sums) => sums.count(used),
            None => self.models.entry(model.to_owned()).or_default().count(used),
        }
    }

    fn into_row(self) -> ReportRow {
        let mut models: Vec<(String, Sums)> = self.models.into_iter().collect();
        models.sort_by(|(one, a), (two, b)| b.weight().cmp(&a.weight()).then(one.cmp(two)));
        let models = models
            .into_iter()
            .map(|(model, sums)| ModelUsage { model, usage: sums.into_wire() })
            .collect();
        ReportRow {
            key: self.key,
            project: self.project,
            branch: self.branch,
            first_usage: rfc3339(self.first),
            last_usage: rfc3339(self.last),
            agent_types: self.agent_types.into_iter().collect(),
            usage: self.sums.into_wire(),
            models,
            block: self.block,
        }
    }
}

fn groups(wanted: &Wanted, used: &[UsageRow]) -> Vec<Group> {
    let mut places: HashMap<Key<'_>, usize> = HashMap::new();
    let mut groups: Vec<Group> = Vec::new();
    // Rows come by time, so most are of the day of the one before.
    let mut day = (i64::MIN, Date::default());
    for used in used {
        if day.0 != used.first {
            day = (used.first, zone::day_of(used.first, &wanted.zone));
        }
        let key = Key::of(wanted.by, used, day.1);
        let place = *places.entry(key).or_insert_with(|| {
            groups.push(key.group(used));
            groups.len() - 1
        });
        groups[place].add(used);
    }
    match wanted.by {
        By::Day | By::Week | By::Month | By::Block => groups.sort_by_key(|group| group.first),
        By::Session => groups.sort_by_key(|group| std::cmp::Reverse((group.last, group.first))),
        By::Project | By::Branch | By::Model | By::Agent => groups.sort_by(|one, two| {
            two.sums.weight().cmp(&one.sums.weight()).then_with(|| one.key.cmp(&two.key))
        }),
    }
    groups
}

/// What the usage of one row has in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Key<'a> {
    Day(Date),
    Month(i16, i8),
    Name(Option<&'a str>),
    Branch(Option<&'a str>, Option<&'a str>),
}

impl<'a> Key<'a> {
    fn of(by: By, used: &'a UsageRow, day: Date) -> Self {
        match by {
            By::Day | By::Block => Self::Day(day),
            By::Week => Self::Day(monday(day)),
            By::Month => Self::Month(day.year(), day.month()),
            By::Session => Self::Name(used.session.as_deref()),
            By::Project => Self::Name(used.project.as_deref()),
            By::Branch => Self::Branch(used.project.as_deref(), used.branch.as_deref()),
            By::Model => Self::Name(used.model.as_deref()),
            By::Agent => Self::Name(Some(&used.agent_type)),
        }
    }

    fn group(self, used: &UsageRow) -> Group {
        let name = |name: Option<&str>| name.unwrap_or(UNKNOWN).to_owned();
        match self {
            Self::Day(day) => Group::new(day.to_string(), used),
            Self::Month(year, month) => Group::new(format!("{year:04}-{month:02}"), used),
            Self::Name(key) if used.session.as_deref() == key && key.is_some() => Group {
                project: used.project.clone(),
                branch: used.branch.clone(),
                ..Group::new(name(key), used)
            },
            Self::Name(key) => Group::new(name(key), used),
            Self::Branch(project, branch) => {
                Group { project: project.map(str::to_owned), ..Group::new(name(branch), used) }
            }
        }
    }
}

/// Returns the Monday of a day's week.
pub(crate) fn monday(day: Date) -> Date {
    let back = i64::from(day.weekday().to_monday_zero_offset());
    day.checked_sub(jiff::Span::new().days(back)).unwrap_or(day)
}

#[cfg(test)]
mod tests;
