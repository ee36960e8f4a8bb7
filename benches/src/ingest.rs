//! How fast events are taken, one by one and in batches, and what that costs the server.

use std::time::Duration;

use crate::bench::{Bench, BenchError, Durability};
use crate::load::{Load, Outcome, Until};
use crate::proc::{CpuMark, CpuSpent};
use crate::report::{Place, Report, Target, progress};

/// What to send.
#[derive(Debug, Clone)]
pub struct IngestPlan {
    /// Over how many connections single events are sent.
    pub connections: Vec<usize>,
    /// Over how many connections batches are sent.
    pub batch_connections: usize,
    /// How many events a batch has.
    pub batch: u64,
    /// How many sessions the events belong to.
    pub sessions: u64,
    /// What is sent before the measurement.
    pub warm_up: Duration,
    /// How long is measured.
    pub span: Duration,
}

/// One way to send.
#[derive(Debug, Clone, Copy)]
struct Setup {
    connections: usize,
    batch: u64,
}

/// The targets of one setup, where there are any.
#[derive(Debug, Clone, Copy, Default)]
struct Targets {
    events_per_second: Option<Target>,
    p99_ms: Option<Target>,
}

const PEAK_MB: Target = Target::AtMost(40.0);

/// Measures every setup in every round, each on a server and a store of its own.
pub fn run(bench: &Bench, plan: &IngestPlan, report: &mut Report) -> Result<(), BenchError> {
    let singles = plan.connections.iter().map(|&connections| Setup { connections, batch: 1 });
    let batches = Setup { connections: plan.batch_connections, batch: plan.batch };
    let setups: Vec<_> = singles.chain([batches]).collect();
    for (run, durability) in bench.rounds() {
        for &setup in &setups {
            let work = setup.work();
            progress(&format!("ingest, run {}, {}: {work}", run + 1, durability.name()));
            measure(bench, plan, durability, setup, report)?;
        }
    }
    Ok(())
}

fn measure(
    bench: &Bench,
    plan: &IngestPlan,
    durability: Durability,
    setup: Setup,
    report: &mut Report,
) -> Result<(), BenchError> {
    let running = bench.start_fresh(durability, &[])?;
    let server = &running.server;
    let mut requests = bench.requests(server, plan.sessions, false);
    let load = Load {
        addr: server.addr(),
        connections: setup.connections,
        batch: setup.batch,
        warm_up: plan.warm_up,
        until: Until::Elapsed(plan.span),
    };
    let before = CpuMark::now(server.pid());
    let outcome = load.run(&mut requests, &mut |_| Ok(()))?;
    let spent = before.until(CpuMark::now(server.pid()));

    let work = setup.work();
    let place = Place { section: "ingest", work: &work, durability: durability.name() };
    let targets = setup.targets();
    let full = |target: Option<Target>| target.and_then(|target| durability.target(target));
    record_outcome(
        report,
        place,
        &outcome,
        Targets {
            events_per_second: full(targets.events_per_second),
            p99_ms: full(targets.p99_ms),
        },
    );
    report.record(place, "peak MB", server.peak_mb(), full(Some(PEAK_MB)));
    record_cost(report, place, spent, outcome.acknowledged);
    running.stop()?;
    Ok(())
}

/// Puts rate, times and troubles of a load without targets into the report.
pub fn record_load(report: &mut Report, connections: usize, batch: u64, outcome: &Outcome) {
    let work = Setup { connections, batch }.work();
    let place = Place { section: "load", work: &work, durability: "as served" };
    record_outcome(report, place, outcome, Targets::default());
    report.record(place, "acknowledged", outcome.acknowledged as f64, None);
    report.record(place, "unanswered", outcome.troubles.unanswered as f64, None);
}

fn record_outcome(report: &mut Report, place: Place<'_>, outcome: &Outcome, targets: Targets) {
    let latency = &outcome.latency;
    let rate = outcome.events_per_second();
    report.record(place, "events/s", rate, targets.events_per_second);
    report.record(place, "p50 ms", latency.quantile_ms(0.5), None);
    report.record(place, "p99 ms", latency.quantile_ms(0.99), targets.p99_ms);
    report.record(place, "max ms", latency.max_ms(), None);
    if !outcome.troubles.are_none() {
        let troubles = &outcome.troubles;
        progress(&format!("{}: {troubles}", place.work));
        let refused = troubles.refused.values().sum::<u64>() + troubles.incomplete;
        report.record(place, "requests refused", refused as f64, Some(Target::AtMost(0.0)));
        let lost = troubles.lost_connections as f64;
        report.record(place, "connections lost", lost, Some(Target::AtMost(0.0)));
    }
}

/// Puts processor time into the report. It covers the warm-up too, as do the events it is divided by.
pub(crate) fn record_cost(report: &mut Report, place: Place<'_>, spent: CpuSpent, events: u64) {
    report.record(place, "server CPU s", spent.server.as_secs_f64(), None);
    report.record(place, "client CPU s", spent.client.as_secs_f64(), None);
    report.record(place, "others CPU s", spent.others.as_secs_f64(), None);
    let each = spent.server.as_secs_f64() * 1e6 / events.max(1) as f64;
    report.record(place, "server CPU µs/event", each, None);
}

impl Setup {
    fn work(self) -> String {
        let Self { connections, batch } = self;
        let places = if connections == 1 { "connection" } else { "connections" };
        match batch {
            1 => format!("single events, {connections} {places}"),
            _ => format!("batches of {batch}, {connections} {places}"),
        }
    }

    fn targets(self) -> Targets {
        let (least, p99) = match self {
            Self { connections: 1, batch: 1 } => (3_000.0, None),
            Self { connections: 16, batch: 1 } => (20_000.0, None),
            Self { connections: 64, batch: 1 } => (25_000.0, Some(Target::AtMost(10.0))),
            Self { connections: 16, batch: 50 } => (100_000.0, None),
            _ => return Targets::default(),
        };
        Targets { events_per_second: Some(Target::AtLeast(least)), p99_ms: p99 }
    }
}
