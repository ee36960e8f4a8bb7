//! How long questions take on a store with many events, and how that grows with the store.

use std::time::{Duration, Instant};

use crate::bench::{Bench, BenchError, Durability, Filling, failed, fill};
use crate::client::Client;
use crate::endpoints::{Endpoint, endpoints};
use crate::latency::Latency;
use crate::report::{Place, Report, Target, progress};
use crate::server::Server;

/// Answers that are not measured, since the first ones also open files and fill caches.
const WARM_UP_REQUESTS: usize = 5;

/// What to ask.
#[derive(Debug, Clone)]
pub struct ReadPlan {
    /// How many events the store has; with several sizes, one after another.
    pub sizes: Vec<u64>,
    /// Over how many sessions.
    pub sessions: u64,
    /// Whether the times of events spread over the last 30 days.
    pub scatter: bool,
    /// How often each question is asked in a run.
    pub requests: usize,
    /// A slow question is asked less often, so that it takes no longer than this in a run.
    pub span_max: Duration,
}

/// Measures every endpoint on a store of every size, and how the answers' times grow with it.
pub fn run(bench: &Bench, plan: &ReadPlan, report: &mut Report) -> Result<(), BenchError> {
    for &durability in &bench.durabilities {
        for &events in &plan.sizes {
            measure_size(bench, plan, durability, events, report)?;
        }
        if let [first, .., last] = plan.sizes[..] {
            record_growth(report, durability, first, last, bench);
        }
    }
    Ok(())
}

fn measure_size(
    bench: &Bench,
    plan: &ReadPlan,
    durability: Durability,
    events: u64,
    report: &mut Report,
) -> Result<(), BenchError> {
    let running = bench.start_fresh(durability, &[])?;
    progress(&format!("read, {}: filling with {events} events", durability.name()));
    let filling = Filling { events, sessions: plan.sessions, scatter: plan.scatter };
    fill(bench, &running.server, filling)?;
    let section = section(events);
    for run in 0..bench.runs {
        progress(&format!("{section}, run {}, {}", run + 1, durability.name()));
        for endpoint in endpoints(events, bench.clock.now()) {
            let place =
                Place { section: &section, work: &endpoint.name, durability: durability.name() };
            measure_endpoint(&running.server, plan, &endpoint, durability, place, report)
                .map_err(|source| failed(format!("read {}", endpoint.target), source))?;
        }
    }
    let place = Place { section: &section, work: "server", durability: durability.name() };
    report.record(place, "peak MB", running.server.peak_mb(), None);
    running.stop()?;
    Ok(())
}

fn measure_endpoint(
    server: &Server,
    plan: &ReadPlan,
    endpoint: &Endpoint,
    durability: Durability,
    place: Place<'_>,
    report: &mut Report,
) -> std::io::Result<()> {
    let mut client = Client::connect(server.addr())?;
    client.prepare(&endpoint.target);
    let begun = Instant::now();
    let mut latency = Latency::new();
    let mut measured = 0;
    let (mut status, mut bytes) = (0, 0);
    for request in 0..WARM_UP_REQUESTS + plan.requests {
        let sent = Instant::now();
        let reply = client.send()?;
        let took = sent.elapsed();
        (status, bytes) = (reply.status(), reply.body().len());
        if request >= WARM_UP_REQUESTS {
            latency.record(took);
            measured += 1;
        }
        if measured > 0 && begun.elapsed() > plan.span_max {
            break;
        }
    }
    let most = endpoint.milliseconds_max.map(|most| Target::AtMost(f64::from(most)));
    let target = most.and_then(|target| durability.target(target));
    report.record(place, "p50 ms", latency.quantile_ms(0.5), target);
    report.record(place, "p99 ms", latency.quantile_ms(0.99), None);
    report.record(place, "max ms", latency.max_ms(), None);
    report.explain(place, "p50 ms", "status", f64::from(status));
    report.explain(place, "p50 ms", "bytes", bytes as f64);
    if measured < plan.requests {
        report.explain(place, "p50 ms", "requests", measured as f64);
    }
    Ok(())
}

fn record_growth(
    report: &mut Report,
    durability: Durability,
    first: u64,
    last: u64,
    bench: &Bench,
) {
    let growth = format!("growth from {first} to {last} events");
    let (small, large) = (section(first), section(last));
    for Endpoint { name, .. } in endpoints(last, bench.clock.now()) {
        let at = |section| Place { section, work: &name, durability: durability.name() };
        for (measure, ratio) in [("p50 ms", "p50 ratio"), ("p99 ms", "p99 ratio")] {
            let medians = (report.median(at(&small), measure), report.median(at(&large), measure));
            if let (Some(small), Some(large)) = medians {
                report.record(at(&growth), ratio, large / small, None);
            }
        }
    }
}

fn section(events: u64) -> String {
    format!("read, {events} events")
}
