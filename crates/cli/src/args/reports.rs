//! The command line of what asks for reports, sessions and events.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::Json;

/// What the rows of a report are, and which usage counts.
#[derive(Debug, Args)]
pub(crate) struct Report {
    /// What the rows are.
    #[arg(value_enum)]
    pub(crate) by: ReportBy,
    /// Counts from this day or time on, such as 2026-11-01.
    #[arg(long, value_name = "WHEN")]
    pub(crate) since: Option<String>,
    /// Counts up to this day, which still counts, or to this time.
    #[arg(long, value_name = "WHEN")]
    pub(crate) until: Option<String>,
    /// Counts only this agent, such as claude_code.
    #[arg(long, value_name = "AGENT")]
    pub(crate) agent: Option<String>,
    /// Counts only sessions of this project.
    #[arg(long, value_name = "PROJECT")]
    pub(crate) project: Option<String>,
    /// Counts only this model.
    #[arg(long, value_name = "MODEL")]
    pub(crate) model: Option<String>,
    /// Takes the days of this time zone, such as Europe/Vienna or +01:00. By default it is yours.
    #[arg(long, value_name = "ZONE", allow_hyphen_values = true)]
    pub(crate) tz: Option<String>,
    /// Shows each row by model as well.
    #[arg(long)]
    pub(crate) breakdown: bool,
    #[command(flatten)]
    pub(crate) form: Form,
}

/// What the rows of a report are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ReportBy {
    /// Days.
    Daily,
    /// Weeks, from Monday on.
    Weekly,
    /// Months.
    Monthly,
    /// Sessions.
    Session,
    /// Projects.
    Project,
    /// Branches.
    Branch,
    /// Models.
    Model,
    /// Blocks of five hours, by which some plans count.
    Blocks,
}

/// The form of an answer.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Form {
    /// Prints JSON, for programs.
    #[arg(long, conflicts_with = "csv")]
    pub(crate) json: bool,
    /// Prints CSV, for spreadsheets.
    #[arg(long)]
    pub(crate) csv: bool,
}

/// Which sessions to list.
#[derive(Debug, Args)]
pub(crate) struct Sessions {
    /// Lists only sessions in this phase.
    #[arg(long, value_enum, value_name = "PHASE")]
    pub(crate) status: Option<Phase>,
    /// Lists only sessions of this agent, such as claude_code.
    #[arg(long, value_name = "AGENT")]
    pub(crate) agent: Option<String>,
    /// Lists only sessions of this project.
    #[arg(long, value_name = "PROJECT")]
    pub(crate) project: Option<String>,
    /// Lists only sessions on this branch.
    #[arg(long, value_name = "BRANCH")]
    pub(crate) branch: Option<String>,
    /// Lists only sessions that had an event since this day or time.
    #[arg(long, value_name = "WHEN")]
    pub(crate) since: Option<String>,
    /// Lists so many at most.
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) limit: u32,
    /// Lists all of them, which is 10,000 at most.
    #[arg(long, conflicts_with = "limit")]
    pub(crate) all: bool,
    #[command(flatten)]
    pub(crate) form: Form,
}

/// Where a session stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Phase {
    /// At work.
    Active,
    /// Silent, or between turns.
    Idle,
    /// Over.
    Ended,
}

/// Which session to show, and how much of it.
#[derive(Debug, Args)]
pub(crate) struct Show {
    /// The session, or the beginning of its name.
    pub(crate) session: String,
    /// Shows so many of its latest events.
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(0..=10_000))]
    pub(crate) events: u32,
    /// Shows which sources told of what.
    #[arg(long)]
    pub(crate) provenance: bool,
    #[command(flatten)]
    pub(crate) form: Json,
}

/// Which events to follow.
#[derive(Debug, Args)]
pub(crate) struct Tail {
    /// Follows only this session; the beginning of its name is enough.
    #[arg(long, value_name = "SESSION")]
    pub(crate) session: Option<String>,
    /// Follows only this agent, such as claude_code.
    #[arg(long, value_name = "AGENT")]
    pub(crate) agent: Option<String>,
    /// Follows only events of this type, such as tool_use.
    #[arg(long = "type", value_name = "TYPE")]
    pub(crate) kind: Option<String>,
    /// Shows so many events that were there before.
    #[arg(short = 'n', value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(0..=10_000))]
    pub(crate) count: u32,
    /// Ends after what is there.
    #[arg(long)]
    pub(crate) no_follow: bool,
    #[command(flatten)]
    pub(crate) form: Json,
}

/// Which events to write out, and how.
#[derive(Debug, Args)]
pub(crate) struct Export {
    /// Writes events from this day or time on.
    #[arg(long, value_name = "WHEN")]
    pub(crate) since: Option<String>,
    /// Writes events up to this day, which still counts, or to this time.
    #[arg(long, value_name = "WHEN")]
    pub(crate) until: Option<String>,
    /// Writes only this session; the beginning of its name is enough.
    #[arg(long, value_name = "SESSION")]
    pub(crate) session: Option<String>,
    /// The form of the file.
    #[arg(long, value_enum, default_value = "jsonl")]
    pub(crate) format: ExportFormat,
    /// Writes to this file, which only you may read then. It appears once it is whole.
    #[arg(long, short = 'o', value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

/// The form of an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ExportFormat {
    /// A JSON object a line.
    Jsonl,
    /// A table for spreadsheets.
    Csv,
}

/// What to do about costs.
#[derive(Debug, Clone, Copy, Subcommand)]
pub(crate) enum Costs {
    /// Works out anew what events cost, after prices were corrected.
    ///
    /// What the agents stated themselves stays. Events wait while it is done.
    Recalculate {
        /// Changes nothing and says what would change.
        #[arg(long)]
        dry_run: bool,
        #[command(flatten)]
        form: Json,
    },
    /// Lists known models with their prices, and those in use that have none.
    Models(Json),
}
