//! How soon a server answers after its start, and what it costs while nothing happens.

use std::path::Path;
use std::time::Duration;

use crate::bench::{Bench, BenchError, Durability, Filling, fill};
use crate::clock::pause;
use crate::proc;
use crate::report::{Place, Report, Target, progress};
use crate::server::Server;

/// How long after its start a server's memory is called idle.
const SETTLE: Duration = Duration::from_secs(3);

/// What to start on, and how long to watch.
#[derive(Debug, Clone, Copy)]
pub struct StartPlan {
    /// What the store that is not empty has in it.
    pub filling: Filling,
    /// How long processor time is counted while nothing happens.
    pub idle: Duration,
}

/// Measures starts on a new store, on an empty one and on one with events, and then idleness.
pub fn run(bench: &Bench, plan: &StartPlan, report: &mut Report) -> Result<(), BenchError> {
    for &durability in &bench.durabilities {
        let full_home = bench.home()?;
        let server = bench.start(full_home.path(), durability, &[])?;
        progress(&format!("start, {}: filling", durability.name()));
        fill(bench, &server, plan.filling)?;
        server.stop()?;

        let with_events = format!("store with {} events", plan.filling.events);
        for run in 0..bench.runs {
            // Idleness takes long to watch and hardly differs between runs.
            let idle = (run == 0).then_some(plan.idle);
            progress(&format!("start, run {}, {}", run + 1, durability.name()));
            let new_home = bench.home()?;
            let mut start = |home: &Path, work, idle| {
                let server = bench.start(home, durability, &[])?;
                measure(server, durability, work, idle, report)
            };
            start(new_home.path(), "new data directory", idle)?;
            start(new_home.path(), "existing data directory", None)?;
            start(full_home.path(), &with_events, idle)?;
        }
    }
    Ok(())
}

fn measure(
    server: Server,
    durability: Durability,
    work: &str,
    idle: Option<Duration>,
    report: &mut Report,
) -> Result<(), BenchError> {
    let place = Place { section: "start", work, durability: durability.name() };
    let healthy_ms = server.started_in.as_secs_f64() * 1e3;
    report.record(place, "healthy ms", healthy_ms, durability.target(Target::AtMost(10.0)));
    if let Some(span) = idle {
        pause(SETTLE);
        let held = proc::held_bytes(server.pid()).unwrap_or_default() as f64 / 1e6;
        report.record(place, "idle MB", held, durability.target(Target::AtMost(15.0)));
        let ticks = || proc::process_ticks(server.pid()).unwrap_or_default();
        let before = ticks();
        pause(span);
        report.record(place, "idle CPU ticks", ticks().saturating_sub(before) as f64, None);
        report.explain(place, "idle CPU ticks", "seconds", span.as_secs_f64());
    }
    let stopped_in = server.stop()?;
    report.record(place, "stopped ms", stopped_in.as_secs_f64() * 1e3, None);
    Ok(())
}
