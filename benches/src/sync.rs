//! Two folders that are kept equal: how soon, at what cost, and how that is with others.
//!
//! Every program gets trees of its own, made the same way on the same disk, and the same is done to each of
//! them. A figure is what somebody sees who looks at the other folder, not what a program says of itself.

mod burst;
mod child;
mod edits;
mod notice;
mod rest;
mod spent;
mod stop;
mod tool;
mod trees;

use std::time::Duration;

pub use edits::Edits;
pub use tool::Kind;
pub use trees::Shape;

use crate::bench::{Bench, BenchError};
use crate::report::{Place, Report, Target, progress};
use spent::Meter;
use tool::Pair;

/// The goals of a first sync: of which tree, within how many seconds, and of how much processor time.
const GOALS: [(Shape, f64, Option<f64>); 3] = [
    (Shape { files: 10_000, bytes: 4_096 }, 2.5, Some(3.0)),
    (Shape { files: 100_000, bytes: 256 }, 15.0, None),
    (Shape { files: 1, bytes: 1 << 30 }, 5.0, Some(4.0)),
];

/// What is done to two folders.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// All of one comes into the other.
    First,
    /// Single saves, both ways.
    Edits,
    /// A thousand new files.
    Burst,
    /// A thousand saves of one file.
    Saves,
    /// Somebody reads a file without pause while it is updated.
    Reader,
    /// Nothing.
    Idle,
    /// It is stopped and started again.
    Restart,
}

/// What to measure.
#[derive(Debug, Clone)]
pub struct SyncPlan {
    /// The trees.
    pub shapes: Vec<Shape>,
    /// The programs.
    pub kinds: Vec<Kind>,
    /// What is done, in the order of [`Part`].
    pub parts: Vec<Part>,
    /// How many single saves.
    pub edits: Edits,
    /// How long nothing is done.
    pub idle: Duration,
}

/// Measures every program with every tree.
pub fn run(bench: &Bench, plan: &SyncPlan, report: &mut Report) -> Result<(), BenchError> {
    stop::hear()?;
    let mut failed = Ok(());
    for &shape in &plan.shapes {
        for run in 0..bench.runs {
            for &kind in plan.kinds.iter().filter(|kind| makes_sense(**kind, &plan.parts)) {
                progress(&format!("sync, {}, {}, run {}", shape.name(), kind.name(), run + 1));
                let measured = measure(bench, plan, kind, shape, report);
                stop::go_on()?;
                // One that fails shall not cost the figures of those after it.
                if let Err(error) = measured {
                    progress(&format!("  {} failed: {error}", kind.name()));
                    failed = failed.and(Err(error));
                }
            }
        }
    }
    failed
}

/// One that only copies is of no use where no first sync is measured.
fn makes_sense(kind: Kind, parts: &[Part]) -> bool {
    kind.keeps() || parts.contains(&Part::First)
}

fn measure(
    bench: &Bench,
    plan: &SyncPlan,
    kind: Kind,
    shape: Shape,
    report: &mut Report,
) -> Result<(), BenchError> {
    let section = format!("sync, {}", shape.name());
    let durability = if kind.is_ours() { "full" } else { "" };
    let place = Place { section: &section, work: kind.name(), durability };
    let mut pair = Pair::new(kind, bench, shape)?;
    first(&mut pair, shape, plan.parts.contains(&Part::First), place, report)?;
    // A single file is not a tree to work in.
    if !kind.keeps() || shape.files == 1 {
        return Ok(());
    }
    pair.keep()?;
    burst::settle(&mut pair)?;
    // Both ways work from here on, which not every program says of itself.
    warm_up(&pair, shape)?;
    for part in plan.parts.iter().filter(|part| **part != Part::First) {
        progress(&format!("  {part:?}, load {}", load()));
        match part {
            Part::First => Ok(()),
            Part::Edits => edits::run(&mut pair, shape, plan.edits, place, report),
            Part::Burst => burst::files(&mut pair, place, report),
            Part::Saves => burst::saves(&mut pair, place, report),
            Part::Reader => burst::reader(&mut pair, place, report),
            Part::Idle => rest::idle(&mut pair, shape, plan.idle, place, report),
            Part::Restart => rest::restart(&mut pair, shape, place, report),
        }?;
    }
    pair.stop()
}

/// Brings all of one folder into the other, and sees to it that it is the same.
fn first(
    pair: &mut Pair,
    shape: Shape,
    is_wanted: bool,
    place: Place<'_>,
    report: &mut Report,
) -> Result<(), BenchError> {
    progress(&format!("  First, load {}", load()));
    let meter = Meter::start();
    pair.fill(shape)?;
    let wall = meter.elapsed();
    burst::settle(pair)?;
    let settled = meter.elapsed();
    let spent = meter.end_with(wall);
    if is_wanted {
        let goal = GOALS.iter().find(|(of, ..)| *of == shape).filter(|_| pair.kind.is_ours());
        let within = goal.map(|(_, most, _)| Target::AtMost(*most));
        let cpu_within = goal.and_then(|(.., most)| most.map(Target::AtMost));
        report.record(place, "first sync s", spent.wall.as_secs_f64(), within);
        report.explain(place, "first sync s", "at rest after", settled.as_secs_f64());
        report.record(place, "first sync CPU s", spent.cpu.as_secs_f64(), cpu_within);
        report.record(place, "first sync, peak MB", spent.peak_mb, None);
    }
    shape.compare(&pair.one, &pair.other)
}

/// Saves a file on each side and waits until the other has it.
fn warm_up(pair: &Pair, shape: Shape) -> Result<(), BenchError> {
    for (seed, from, to) in [(1, &pair.one, &pair.other), (2, &pair.other, &pair.one)] {
        let mut content = vec![0; shape.bytes];
        trees::fill(&mut content, u64::MAX / 7 + seed);
        edits::save(&Shape::file(from, 1), &Shape::file(to, 1), &content)?;
    }
    Ok(())
}

/// How many processes wanted to run in the last minute: what a figure is worth on a machine that is shared.
fn load() -> String {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().unwrap_or_default().to_owned()
}
