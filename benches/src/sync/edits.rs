//! From a save on one side to the same bytes on the other, one save at a time, both ways.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use super::notice::Notice;
use super::spent::cpu;
use super::stop::rest;
use super::tool::Pair;
use super::trees::{Shape, fill};
use crate::bench::{BenchError, failed};
use crate::latency::Latency;
use crate::report::{Place, Report, Target};

/// How long one save may take to arrive.
const PATIENCE: Duration = Duration::from_secs(120);
/// The longest pause between two saves. Pauses differ, so that saves fall into every part of whatever
/// another does again and again.
const PAUSE_MS_MAX: usize = 97;

/// How many saves, and how long they may take.
#[derive(Debug, Clone, Copy)]
pub struct Edits {
    /// How many each way.
    pub count: usize,
    /// There are fewer where they would take longer than this each way.
    pub span_max: Duration,
}

pub(super) fn run(
    pair: &mut Pair,
    shape: Shape,
    edits: Edits,
    place: Place<'_>,
    report: &mut Report,
) -> Result<(), BenchError> {
    let (mut latency, mut count) = (Latency::new(), 0);
    let before = cpu();
    for is_back in [false, true] {
        let (from, to) = if is_back { (&pair.other, &pair.one) } else { (&pair.one, &pair.other) };
        let began = Instant::now();
        for number in 0..edits.count {
            if edits.span_max < began.elapsed() {
                break;
            }
            // All over the tree, and another file each time.
            let file = (number * 2 + usize::from(is_back)) * 7919 % shape.files;
            let mut content = vec![0; shape.bytes];
            fill(&mut content, u64::MAX - (number * 2 + usize::from(is_back)) as u64);
            latency.record(save(&Shape::file(from, file), &Shape::file(to, file), &content)?);
            count += 1;
            rest(Duration::from_millis((number * 37 % PAUSE_MS_MAX) as u64))?;
        }
    }
    let spent = cpu().saturating_sub(before);
    let target = |most| pair.kind.is_ours().then_some(Target::AtMost(most));
    report.record(place, "edit p50 ms", latency.quantile_ms(0.5), target(15.0));
    report.record(place, "edit p99 ms", latency.quantile_ms(0.99), target(60.0));
    report.explain(place, "edit p99 ms", "saves", f64::from(count));
    report.record(place, "edit max ms", latency.max_ms(), None);
    report.record(
        place,
        "edit CPU ms each",
        spent.as_secs_f64() * 1e3 / f64::from(count.max(1)),
        None,
    );
    Ok(())
}

/// Saves a file and returns how long the other side took to hold the same.
pub(super) fn save(from: &Path, to: &Path, content: &[u8]) -> Result<Duration, BenchError> {
    let notice = Notice::of(to)?;
    fs::write(from, content)
        .map_err(|source| failed(format!("write {}", from.display()), source))?;
    let saved = Instant::now();
    let seen = notice.until(PATIENCE, |found| found == content)?;
    Ok(seen.saturating_duration_since(saved))
}
