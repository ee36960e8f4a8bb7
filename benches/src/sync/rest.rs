//! What it costs while nothing happens, and how soon it is back after it was away.

use std::fs;
use std::time::{Duration, Instant};

use super::burst::settle;
use super::notice::Notice;
use super::spent::{cpu, held_mb};
use super::tool::Pair;
use super::trees::{Shape, fill};
use crate::bench::{BenchError, failed};
use crate::report::{Place, Report, Target};

/// How long a save that was made meanwhile may take to arrive.
const PATIENCE: Duration = Duration::from_secs(300);
/// Up to so many files a tree is a small one, with goals of its own.
const SMALL_FILES_MAX: usize = 10_000;

/// Watches for a while what they take.
pub(super) fn idle(
    pair: &mut Pair,
    shape: Shape,
    span: Duration,
    place: Place<'_>,
    report: &mut Report,
) -> Result<(), BenchError> {
    settle(pair)?;
    let (began, before) = (Instant::now(), cpu());
    super::stop::rest(span)?;
    let share = cpu().saturating_sub(before).as_secs_f64() / began.elapsed().as_secs_f64();
    let most = if shape.files <= SMALL_FILES_MAX { 0.1 } else { 0.4 };
    let target = pair.kind.is_ours().then_some(Target::AtMost(most));
    report.record(place, "idle CPU %", share * 100.0, target);
    report.explain(place, "idle CPU %", "seconds", span.as_secs_f64());
    report.record(place, "idle MB", held_mb(), None);
    Ok(())
}

/// Stops it, saves a file meanwhile, and starts it again.
pub(super) fn restart(
    pair: &mut Pair,
    shape: Shape,
    place: Place<'_>,
    report: &mut Report,
) -> Result<(), BenchError> {
    settle(pair)?;
    pair.stop()?;
    let number = shape.files / 2;
    let (from, to) = (Shape::file(&pair.one, number), Shape::file(&pair.other, number));
    let mut content = vec![0; shape.bytes];
    fill(&mut content, u64::MAX / 3);
    fs::write(&from, &content)
        .map_err(|source| failed(format!("write {}", from.display()), source))?;
    let notice = Notice::of(&to)?;
    let began = Instant::now();
    pair.keep()?;
    let back = began.elapsed();
    let seen = notice.until(PATIENCE, |found| found == content)?.saturating_duration_since(began);
    if pair.kind.is_ours() {
        let target = Some(Target::AtMost(0.6));
        report.record(place, "restart, until it watches s", back.as_secs_f64(), target);
    }
    report.record(place, "restart, until a save is there s", seen.as_secs_f64(), None);
    Ok(())
}
