//! `oriel report`: what was used and what it cost.

mod csv;
mod json;
mod table;

use jiff::tz::TimeZone;
use oriel_runtime::settings::Flag;
use oriel_runtime::zone::{self, Edge};
use oriel_wire::Report;

use crate::Exit;
use crate::address::Address;
use crate::args::{self, ReportBy};
use crate::output::Output;
use oriel_daemon::Surroundings;

/// Asks for a report and prints it.
pub(super) fn run(
    asked: &args::Report,
    flags: &[Flag],
    surroundings: &Surroundings,
    output: &mut Output<'_>,
) -> anyhow::Result<Exit> {
    let zone = match &asked.tz {
        Some(tz) => zone::zone(tz)?,
        None => surroundings.clock.zone(),
    };
    let address = Address::new("/api/reports")
        .with("by", Some(asked.by.word()))
        .with("tz", asked.tz.clone().or_else(|| name_of(&zone)))
        .with("since", super::moment(asked.since.as_ref(), &zone, Edge::Start)?)
        .with("until", super::moment(asked.until.as_ref(), &zone, Edge::End)?)
        .with("agent_type", asked.agent.as_ref())
        .with("project", asked.project.as_ref())
        .with("model", asked.model.as_ref());
    let config = surroundings.resolve(flags)?.config;
    let report: Report = super::wait(super::ask(config, &address))?;
    if asked.form.json {
        output.json(&json::report(asked.by, &report))?;
    } else if asked.form.csv {
        output.print(&csv::report(asked.by, &report, asked.breakdown))?;
    } else {
        output.print(&table::report(asked.by, &report, asked.breakdown, output.paint()))?;
    }
    Ok(Exit::Done)
}

/// Returns the name by which a daemon knows our zone, if it has one. Without, the daemon takes its
/// own, which is that of the same machine.
fn name_of(zone: &TimeZone) -> Option<String> {
    if zone.is_unknown() {
        return None;
    }
    let fixed = zone.to_fixed_offset().is_ok();
    (fixed || zone.iana_name().is_some()).then(|| zone::name(zone))
}

impl ReportBy {
    /// Returns the word for it in a request.
    fn word(self) -> &'static str {
        match self {
            Self::Daily => "day",
            Self::Weekly => "week",
            Self::Monthly => "month",
            Self::Session => "session",
            Self::Project => "project",
            Self::Branch => "branch",
            Self::Model => "model",
            Self::Blocks => "block",
        }
    }

    /// Returns the name of the list of rows, and of what a row is about.
    fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::Daily => ("daily", "date"),
            Self::Weekly => ("weekly", "week"),
            Self::Monthly => ("monthly", "month"),
            Self::Session => ("sessions", "session_id"),
            Self::Project => ("projects", "project"),
            Self::Branch => ("branches", "branch"),
            Self::Model => ("models", "model"),
            Self::Blocks => ("blocks", "starts_at"),
        }
    }
}

#[cfg(test)]
mod tests;
