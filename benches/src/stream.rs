//! How soon every client of the event stream has every event, and whether one that stalls matters.

use crate::audience::{Audience, Seen, stall};
use crate::bench::{Bench, BenchError, Durability, failed};
use crate::ingest::record_cost;
use crate::proc::CpuMark;
use crate::report::{Place, Report, Target, progress};

/// What to stream.
#[derive(Debug, Clone, Copy)]
pub struct StreamPlan {
    /// How many clients listen.
    pub clients: usize,
    /// How many sessions the events belong to.
    pub sessions: u64,
}

/// One way to stream.
#[derive(Debug, Clone, Copy)]
struct Shape {
    /// How many of the clients never read.
    stalled: usize,
    events: u64,
    batch: u64,
    seconds_max: Option<f64>,
}

/// The last one is long enough for the server's buffers to fill behind the client that stalls.
const SHAPES: [Shape; 3] = [
    Shape { stalled: 0, events: 1_000, batch: 50, seconds_max: Some(0.12) },
    Shape { stalled: 0, events: 5_000, batch: 500, seconds_max: None },
    Shape { stalled: 1, events: 20_000, batch: 500, seconds_max: None },
];

/// The number of clients that the targets are set for.
const TARGET_CLIENTS: usize = 50;

/// Measures every shape in every round, each on a server and a store of its own.
pub fn run(bench: &Bench, plan: &StreamPlan, report: &mut Report) -> Result<(), BenchError> {
    for (run, durability) in bench.rounds() {
        for shape in SHAPES {
            let work = shape.work(plan.clients);
            progress(&format!("stream, run {}, {}: {work}", run + 1, durability.name()));
            measure(bench, plan, durability, shape, report)?;
        }
    }
    Ok(())
}

fn measure(
    bench: &Bench,
    plan: &StreamPlan,
    durability: Durability,
    shape: Shape,
    report: &mut Report,
) -> Result<(), BenchError> {
    let clients_max = (plan.clients + 1).to_string();
    let running = bench.start_fresh(durability, &[("ORIEL_STREAM_CLIENTS_MAX", clients_max)])?;
    let server = &running.server;
    let mut requests = bench.requests(server, plan.sessions, false);

    let listening = plan.clients.saturating_sub(shape.stalled);
    let stalled: Result<Vec<_>, _> = (0..shape.stalled).map(|_| stall(server.addr())).collect();
    let stalled = stalled.map_err(|source| failed("connect a client that stalls", source))?;
    let audience = Audience::gather(server.addr(), listening, requests.ids())
        .map_err(|source| failed("open the streams", source))?;
    let before = CpuMark::now(server.pid());
    let seen = audience
        .attend(&mut requests, shape.events, shape.batch)
        .map_err(|source| failed("post and stream events", source))?;
    let spent = before.until(CpuMark::now(server.pid()));

    let work = shape.work(plan.clients);
    let place = Place { section: "stream", work: &work, durability: durability.name() };
    let seconds_max = shape.seconds_max.filter(|_| plan.clients == TARGET_CLIENTS);
    let in_time = seconds_max.and_then(|most| durability.target(Target::AtMost(most)));
    record(report, place, seen, in_time);
    report.record(place, "peak MB", server.peak_mb(), durability.target(Target::AtMost(40.0)));
    record_cost(report, place, spent, shape.events);
    drop(stalled);
    running.stop()?;
    Ok(())
}

fn record(report: &mut Report, place: Place<'_>, seen: Seen, in_time: Option<Target>) {
    let none = Some(Target::AtMost(0.0));
    report.record(place, "seconds", seen.took.as_secs_f64(), in_time);
    report.record(place, "events lost", seen.lost as f64, none);
    report.record(place, "events repeated", seen.repeated as f64, none);
    report.record(place, "resyncs", seen.resyncs as f64, None);
    report.record(place, "streams ended", seen.ended as f64, none);
    if seen.refused > 0 {
        report.record(place, "requests refused", seen.refused as f64, none);
    }
}

impl Shape {
    fn work(self, clients: usize) -> String {
        let Self { stalled, events, batch, .. } = self;
        match stalled {
            0 => format!("{clients} clients, {events} events by {batch}"),
            _ => format!("{clients} clients ({stalled} stalled), {events} events by {batch}"),
        }
    }
}
