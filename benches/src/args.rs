//! The command line.

mod sync;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, ensure};
use clap::{Parser, Subcommand, ValueEnum};
use oriel_bench::bench::{Bench, Durability, Filling};
use oriel_bench::clock::Clock;
use oriel_bench::console::ConsolePlan;
use oriel_bench::gateway::GatewayPlan;
use oriel_bench::ingest::IngestPlan;
use oriel_bench::machine::Machine;
use oriel_bench::read::ReadPlan;
use oriel_bench::report::Report;
use oriel_bench::start::StartPlan;
use oriel_bench::stream::StreamPlan;

use self::sync::SyncArgs;

/// Measures `oriel serve` and compares the figures with their targets.
///
/// Each measurement starts servers of its own on temporary data directories and stops them again.
#[derive(Debug, Parser)]
#[command(version)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// How fast events are taken, one by one and in batches
    Ingest {
        #[command(flatten)]
        common: CommonArgs,
        #[command(flatten)]
        events: EventArgs,
        #[command(flatten)]
        ingest: IngestArgs,
    },
    /// How long questions take on a store with many events
    Read {
        #[command(flatten)]
        common: CommonArgs,
        #[command(flatten)]
        events: EventArgs,
        #[command(flatten)]
        filling: FillingArgs,
        #[command(flatten)]
        read: ReadArgs,
    },
    /// How soon every client of the event stream has every event
    Stream {
        #[command(flatten)]
        common: CommonArgs,
        #[command(flatten)]
        events: EventArgs,
        #[command(flatten)]
        stream: StreamArgs,
    },
    /// How soon a server answers, and what it costs while idle
    Start {
        #[command(flatten)]
        common: CommonArgs,
        #[command(flatten)]
        events: EventArgs,
        #[command(flatten)]
        filling: FillingArgs,
        #[command(flatten)]
        start: StartArgs,
    },
    /// What a person waits for at the console, in a real browser
    Console {
        #[command(flatten)]
        common: CommonArgs,
        #[command(flatten)]
        events: EventArgs,
        #[command(flatten)]
        console: ConsoleArgs,
    },
    /// How late an agent's words are, alone and in a crowd
    Gateway {
        #[command(flatten)]
        common: CommonArgs,
        #[command(flatten)]
        gateway: GatewayArgs,
    },
    /// How soon two folders are equal, beside other programs that keep them so
    Sync {
        #[command(flatten)]
        common: CommonArgs,
        #[command(flatten)]
        sync: SyncArgs,
    },
    /// All of the above but `console`, `gateway` and `sync`, in one report
    All {
        #[command(flatten)]
        common: CommonArgs,
        #[command(flatten)]
        events: EventArgs,
        #[command(flatten)]
        filling: FillingArgs,
        #[command(flatten)]
        ingest: IngestArgs,
        #[command(flatten)]
        read: ReadArgs,
        #[command(flatten)]
        stream: StreamArgs,
        #[command(flatten)]
        start: StartArgs,
    },
    /// Only send events to a server that runs already
    Load(LoadArgs),
}

#[derive(Debug, clap::Args)]
pub(crate) struct CommonArgs {
    /// The program `oriel` to measure
    #[arg(long, value_name = "PATH")]
    oriel: PathBuf,
    /// How often each figure is measured; the table shows the median
    #[arg(long, value_name = "N", default_value = "5", value_parser = at_least_one)]
    runs: u64,
    /// Durabilities to measure; with two, their runs alternate
    #[arg(long, value_name = "LIST", value_delimiter = ',', default_value = "full")]
    durability: Vec<DurabilityArg>,
    /// Write the report as JSON too
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
    /// The folder in which temporary stores are made [default: the system's]
    #[arg(long, value_name = "DIR")]
    stores: Option<PathBuf>,
    /// Give the server this environment too; may be repeated
    #[arg(long, value_name = "NAME=VALUE", value_parser = parse_env)]
    env: Vec<(String, String)>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum DurabilityArg {
    Full,
    Normal,
}

#[derive(Debug, Clone, Copy, clap::Args)]
pub(crate) struct EventArgs {
    /// How many sessions the events belong to
    #[arg(long, value_name = "N", default_value = "1500", value_parser = at_least_one)]
    pub(crate) sessions: u64,
}

#[derive(Debug, Clone, Copy, clap::Args)]
pub(crate) struct GatewayArgs {
    /// How many words an agent says as fast as it can
    #[arg(long, value_name = "N", default_value_t = 200_000)]
    words: usize,
    /// How many sessions the gateway keeps
    #[arg(long = "sessions", value_name = "N", default_value_t = 1_000)]
    gateway_sessions: usize,
    /// How many connections are open
    #[arg(long, value_name = "N", default_value_t = 200)]
    connections: usize,
    /// How many turns run at once
    #[arg(long, value_name = "N", default_value_t = 50)]
    turns: usize,
    /// How many words each of them says
    #[arg(long, value_name = "N", default_value_t = 200)]
    turn_words: usize,
    /// Milliseconds between two of its words
    #[arg(long, value_name = "MS", default_value_t = 50)]
    pace_ms: u64,
}

#[derive(Debug, Clone, Copy, clap::Args)]
pub(crate) struct FillingArgs {
    /// How many events the store is filled with
    #[arg(long, value_name = "N", default_value_t = 200_000)]
    events: u64,
    /// Send no `client_timestamp`, instead of times spread over the last 30 days
    #[arg(long)]
    no_scatter: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct IngestArgs {
    /// Over how many connections single events are sent
    #[arg(long, value_name = "LIST", value_delimiter = ',', default_value = "1,16,64", value_parser = at_least_one)]
    connections: Vec<u64>,
    /// Over how many connections batches are sent
    #[arg(long, value_name = "N", default_value = "16", value_parser = at_least_one)]
    batch_connections: u64,
    /// How many events a batch has
    #[arg(long, value_name = "N", default_value = "50", value_parser = at_least_one)]
    batch: u64,
    /// How long is sent before the measurement
    #[arg(long, value_name = "S", default_value = "1", value_parser = parse_seconds)]
    warm_up_seconds: Duration,
    /// How long is measured
    #[arg(long, value_name = "S", default_value = "5", value_parser = parse_seconds)]
    seconds: Duration,
}

#[derive(Debug, clap::Args)]
pub(crate) struct ReadArgs {
    /// Measure stores of these sizes one after another, instead of --events, and compare them
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    sizes: Vec<u64>,
    /// How often each question is asked in a run
    #[arg(long, value_name = "N", default_value = "300", value_parser = at_least_one)]
    requests: u64,
    /// Ask a slow question less often, so that it takes no longer than this in a run
    #[arg(long, value_name = "S", default_value = "10", value_parser = parse_seconds)]
    endpoint_seconds: Duration,
}

#[derive(Debug, clap::Args)]
pub(crate) struct StreamArgs {
    /// How many clients listen
    #[arg(long, value_name = "N", default_value = "50", value_parser = at_least_one)]
    clients: u64,
}

#[derive(Debug, clap::Args)]
pub(crate) struct StartArgs {
    /// How long processor time is counted while nothing happens
    #[arg(long, value_name = "S", default_value = "10", value_parser = parse_seconds)]
    idle_seconds: Duration,
}

#[derive(Debug, clap::Args)]
pub(crate) struct ConsoleArgs {
    /// How many events the store has when pages are asked for
    #[arg(long = "events", value_name = "N", default_value_t = 1_000_000)]
    filled: u64,
    /// How many events are followed to the page, one by one
    #[arg(long, value_name = "N", default_value = "200", value_parser = at_least_one)]
    marks: u64,
    /// How many events a second the page is kept busy with
    #[arg(long, value_name = "N", default_value = "1000", value_parser = at_least_one)]
    rate: u64,
    /// For how long
    #[arg(long, value_name = "S", default_value = "60", value_parser = parse_seconds)]
    seconds: Duration,
    /// How often each page is asked for in a run
    #[arg(long, value_name = "N", default_value = "200", value_parser = at_least_one)]
    requests: u64,
}

#[derive(Debug, clap::Args)]
pub(crate) struct LoadArgs {
    /// The server
    #[arg(long, value_name = "URL")]
    pub(crate) url: String,
    /// How many requests are under way at the same time
    #[arg(long, value_name = "N", default_value = "64", value_parser = at_least_one)]
    connections: u64,
    /// How many events a request carries
    #[arg(long, value_name = "N", default_value = "1", value_parser = at_least_one)]
    pub(crate) batch: u64,
    /// How long to send
    #[arg(long, value_name = "S", default_value = "10", value_parser = parse_seconds)]
    seconds: Duration,
    /// Send so many events, however long it takes
    #[arg(long = "events", value_name = "N", conflicts_with = "seconds")]
    pub(crate) count: Option<u64>,
    #[command(flatten)]
    pub(crate) events: EventArgs,
    /// Spread the events' `client_timestamp` over the last 30 days
    #[arg(long)]
    pub(crate) scatter: bool,
    /// Write the `event_id` of each acknowledged event to this file, one a line
    #[arg(long, value_name = "FILE")]
    pub(crate) acked: Option<PathBuf>,
    /// Write the report as JSON too
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
}

impl CommonArgs {
    pub(crate) fn bench(&self, clock: Clock) -> anyhow::Result<(Bench, Report)> {
        // The server runs in a folder of its own, so a relative path would lead elsewhere.
        let oriel = self.oriel.canonicalize();
        let oriel = oriel.with_context(|| format!("cannot find {}", self.oriel.display()))?;
        let stores = self.stores.clone().unwrap_or_else(tempfile::env::temp_dir);
        let stores = stores
            .canonicalize()
            .with_context(|| format!("cannot find the folder {}", stores.display()))?;
        ensure!(stores.is_dir(), "{} is not a folder", stores.display());
        let report = Report::new(Machine::find(clock.now(), &stores, Some(&oriel)));
        let durabilities = self.durability.iter().map(|&durability| durability.into()).collect();
        let runs = count(self.runs);
        Ok((Bench { oriel, runs, durabilities, stores, env: self.env.clone(), clock }, report))
    }
}

impl From<DurabilityArg> for Durability {
    fn from(arg: DurabilityArg) -> Self {
        match arg {
            DurabilityArg::Full => Self::Full,
            DurabilityArg::Normal => Self::Normal,
        }
    }
}

impl IngestArgs {
    pub(crate) fn plan(&self, events: EventArgs) -> IngestPlan {
        IngestPlan {
            connections: self.connections.iter().map(|&connections| count(connections)).collect(),
            batch_connections: count(self.batch_connections),
            batch: self.batch,
            sessions: events.sessions,
            warm_up: self.warm_up_seconds,
            span: self.seconds,
        }
    }
}

impl ReadArgs {
    pub(crate) fn plan(&self, filling: FillingArgs, events: EventArgs) -> ReadPlan {
        let sizes = if self.sizes.is_empty() { vec![filling.events] } else { self.sizes.clone() };
        ReadPlan {
            sizes,
            sessions: events.sessions,
            scatter: !filling.no_scatter,
            requests: count(self.requests),
            span_max: self.endpoint_seconds,
        }
    }
}

impl StreamArgs {
    pub(crate) fn plan(&self, events: EventArgs) -> StreamPlan {
        StreamPlan { clients: count(self.clients), sessions: events.sessions }
    }
}

impl StartArgs {
    pub(crate) fn plan(&self, filling: FillingArgs, events: EventArgs) -> StartPlan {
        let scatter = !filling.no_scatter;
        let filling = Filling { events: filling.events, sessions: events.sessions, scatter };
        StartPlan { filling, idle: self.idle_seconds }
    }
}

impl ConsoleArgs {
    pub(crate) fn plan(&self, events: EventArgs) -> ConsolePlan {
        let filling = Filling { events: self.filled, sessions: events.sessions, scatter: true };
        ConsolePlan {
            filling,
            marks: count(self.marks),
            rate: self.rate,
            span: self.seconds,
            requests: count(self.requests),
        }
    }
}

impl GatewayArgs {
    pub(crate) fn plan(&self) -> GatewayPlan {
        GatewayPlan {
            words: self.words,
            sessions: self.gateway_sessions,
            connections: self.connections,
            turns: self.turns,
            turn_words: self.turn_words,
            pace_ms: self.pace_ms,
        }
    }
}

impl LoadArgs {
    pub(crate) fn connections(&self) -> usize {
        count(self.connections)
    }

    pub(crate) fn span(&self) -> Duration {
        self.seconds
    }
}

/// A number that is needed as the length of something in memory.
fn count(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

fn at_least_one(text: &str) -> Result<u64, String> {
    match text.parse() {
        Ok(0) | Err(_) => Err("must be a whole number of at least 1".to_owned()),
        Ok(number) => Ok(number),
    }
}

fn parse_seconds(text: &str) -> Result<Duration, String> {
    let seconds: Option<f64> = text.parse().ok();
    seconds
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .ok_or_else(|| "must be a number of seconds".to_owned())
}

fn parse_env(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("must be NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_holds_together() {
        Args::command().debug_assert();
    }

    #[test]
    fn a_plan_is_what_was_asked_for() {
        let line =
            "oriel-bench ingest --oriel x --connections 2,3 --seconds 0.5 --durability full,normal";
        let Command::Ingest { common, events, ingest } = parse(line) else { panic!("{line}") };
        let plan = ingest.plan(events);
        assert_eq!((plan.connections, plan.batch, plan.sessions), (vec![2, 3], 50, 1_500));
        assert_eq!(plan.span, Duration::from_millis(500));
        assert_eq!(common.durability.len(), 2);
    }

    #[test]
    fn sizes_take_the_place_of_events() {
        for (line, sizes) in [
            ("oriel-bench read --oriel x", vec![200_000]),
            ("oriel-bench read --oriel x --events 5", vec![5]),
            ("oriel-bench read --oriel x --sizes 100,1000", vec![100, 1_000]),
        ] {
            let Command::Read { filling, events, read, .. } = parse(line) else { panic!("{line}") };
            assert_eq!(read.plan(filling, events).sizes, sizes);
        }
    }

    #[test]
    fn nonsense_is_refused() {
        for line in [
            "oriel-bench ingest",
            "oriel-bench ingest --oriel x --runs 0",
            "oriel-bench ingest --oriel x --durability off",
            "oriel-bench ingest --oriel x --seconds -1",
            "oriel-bench start --oriel x --env NAME",
            "oriel-bench load --url http://x --events 1 --seconds 1",
        ] {
            assert!(Args::try_parse_from(line.split(' ')).is_err(), "{line}");
        }
    }

    fn parse(line: &str) -> Command {
        Args::try_parse_from(line.split(' ')).unwrap().command
    }
}
