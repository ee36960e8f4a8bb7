//! Much at once: a thousand new files, a thousand saves of one file, and a reader of a file that is
//! replaced again and again.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::edits::save;
use super::notice::Notice;
use super::spent::Meter;
use super::stop::{go_on, until};
use super::tool::Pair;
use super::trees::{Shape, fill};
use crate::bench::{BenchError, failed};
use crate::clock::pause;
use crate::report::{Place, Report, Target};

/// How long anything here may take.
const PATIENCE: Duration = Duration::from_secs(300);
/// How often it is looked whether all is done.
const LOOK_EVERY: Duration = Duration::from_millis(5);
/// How many files, and how many saves.
const THOUSAND: usize = 1_000;
/// The bytes of each.
const BYTES: usize = 4_096;
/// The pause between two saves of one file.
const BETWEEN_SAVES: Duration = Duration::from_millis(1);
/// The updates that a reader looks at, and their bytes.
const UPDATES: u8 = 10;
const UPDATE_BYTES: usize = 200_000;

/// Writes a thousand files and waits until all have arrived.
pub(super) fn files(
    pair: &mut Pair,
    place: Place<'_>,
    report: &mut Report,
) -> Result<(), BenchError> {
    let shape = Shape { files: THOUSAND, bytes: BYTES };
    let (from, to) = (pair.one.join("burst"), pair.other.join("burst"));
    let meter = Meter::start();
    fs::create_dir(&from).map_err(|source| failed(format!("make {}", from.display()), source))?;
    shape.make(&from)?;
    let written = meter.elapsed();
    shape.until_there(&to)?;
    let wall = meter.elapsed();
    settle(pair)?;
    let spent = meter.end_with(wall);
    let target = pair.kind.is_ours().then_some(Target::AtMost(0.8));
    report.record(place, "1,000 files s", wall.as_secs_f64(), target);
    report.record(place, "1,000 files, after the last s", (wall - written).as_secs_f64(), None);
    report.record(place, "1,000 files CPU s", spent.cpu.as_secs_f64(), None);
    shape.compare(&from, &to)
}

/// Saves one file a thousand times, and counts what of it comes to the other side.
pub(super) fn saves(
    pair: &mut Pair,
    place: Place<'_>,
    report: &mut Report,
) -> Result<(), BenchError> {
    let (from, to) = (Shape::file(&pair.one, 0), Shape::file(&pair.other, 0));
    let meter = Meter::start();
    let is_over = AtomicBool::new(false);
    let (after, versions) = std::thread::scope(|scope| {
        let counter = scope.spawn(|| versions_of(&to, &is_over));
        let after = save_often(&from, &to);
        is_over.store(true, Ordering::Relaxed);
        // A counter that failed has counted nothing.
        (after, counter.join().unwrap_or_default())
    });
    let after = after?;
    settle(pair)?;
    let target = |most| pair.kind.is_ours().then_some(Target::AtMost(most));
    report.record(place, "1,000 saves, after the last s", after.as_secs_f64(), target(0.15));
    report.record(place, "1,000 saves, versions that came", f64::from(versions), target(15.0));
    report.record(place, "1,000 saves CPU s", meter.end().cpu.as_secs_f64(), None);
    Ok(())
}

/// Saves a file a thousand times, and returns how long after the last the other side held the same.
fn save_often(from: &Path, to: &Path) -> Result<Duration, BenchError> {
    let notice = Notice::of(to)?;
    let mut content = vec![0; BYTES];
    for number in 0..THOUSAND {
        go_on()?;
        fill(&mut content, (1 << 40) + number as u64);
        fs::write(from, &content)
            .map_err(|source| failed(format!("write {}", from.display()), source))?;
        pause(BETWEEN_SAVES);
    }
    let saved = Instant::now();
    let seen = notice.until(PATIENCE, |found| found == content)?;
    Ok(seen.saturating_duration_since(saved))
}

/// Counts how often a file is another than before, until all is over.
fn versions_of(path: &Path, is_over: &AtomicBool) -> u32 {
    let identity = || fs::metadata(path).map(|it| (it.ino(), it.mtime(), it.mtime_nsec())).ok();
    let (mut known, mut versions) = (identity(), 0);
    loop {
        // Looked at after the end too, so that the last one counts.
        let is_last = is_over.load(Ordering::Relaxed);
        let found = identity();
        if found.is_some() && found != known {
            versions += 1;
            known = found;
        }
        if is_last {
            return versions;
        }
        pause(Duration::from_micros(500));
    }
}

/// What a reader saw.
#[derive(Debug, Default)]
struct Read {
    looks: u64,
    /// How often the file was not there.
    missing: u64,
    /// How often it held a part, or parts of two.
    torn: u64,
}

/// Reads a file without pause while it is updated.
pub(super) fn reader(
    pair: &mut Pair,
    place: Place<'_>,
    report: &mut Report,
) -> Result<(), BenchError> {
    let (from, to) = (pair.one.join("read.bin"), pair.other.join("read.bin"));
    let aside = pair.beside.join("read.bin");
    save(&from, &to, &[0; UPDATE_BYTES])?;
    let is_over = AtomicBool::new(false);
    let (updated, read) = std::thread::scope(|scope| {
        let reader = scope.spawn(|| read(&to, &is_over));
        let updated = (1..=UPDATES).try_for_each(|number| {
            let content = vec![number; UPDATE_BYTES];
            let notice = Notice::of(&to)?;
            // Replaced in one step, so that what is torn was torn on the way.
            fs::write(&aside, &content)
                .and_then(|()| fs::rename(&aside, &from))
                .map_err(|source| failed(format!("replace {}", from.display()), source))?;
            notice.until(PATIENCE, |found| found == content).map(|_| ())
        });
        is_over.store(true, Ordering::Relaxed);
        (updated, reader.join().unwrap_or_default())
    });
    updated?;
    let target = pair.kind.is_ours().then_some(Target::AtMost(0.0));
    report.record(place, "reader: not there", read.missing as f64, target);
    report.explain(place, "reader: not there", "looks", read.looks as f64);
    report.record(place, "reader: torn", read.torn as f64, target);
    Ok(())
}

fn read(path: &Path, is_over: &AtomicBool) -> Read {
    let mut read = Read::default();
    while !is_over.load(Ordering::Relaxed) {
        read.looks += 1;
        // Most looks are the cheapest there is, so that the shortest absence is met.
        if !read.looks.is_multiple_of(16) {
            read.missing += u64::from(is_missing(&fs::symlink_metadata(path)));
            continue;
        }
        let found = fs::read(path);
        read.missing += u64::from(is_missing(&found));
        let Ok(found) = found else { continue };
        let is_whole = found.len() == UPDATE_BYTES && found.iter().all(|byte| *byte == found[0]);
        read.torn += u64::from(!is_whole);
    }
    read
}

fn is_missing<T>(result: &io::Result<T>) -> bool {
    result.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::NotFound)
}

/// Waits until the program says that it has nothing to do.
pub(super) fn settle(pair: &mut Pair) -> Result<(), BenchError> {
    until("both to be at rest", PATIENCE, LOOK_EVERY, || Ok(pair.is_still()?.then_some(())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_counts_what_is_missing_and_what_is_torn() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let is_over = AtomicBool::new(false);
        let look = |content: Option<&[u8]>| {
            // What was there before is of no interest, and may not have been.
            let _ = fs::remove_file(&path);
            if let Some(content) = content {
                fs::write(&path, content).unwrap();
            }
            std::thread::scope(|scope| {
                let reader = scope.spawn(|| read(&path, &is_over));
                pause(Duration::from_millis(50));
                is_over.store(true, Ordering::Relaxed);
                let read = reader.join().unwrap();
                is_over.store(false, Ordering::Relaxed);
                read
            })
        };
        let gone = look(None);
        assert!(gone.missing == gone.looks && gone.torn == 0 && gone.looks > 0, "{gone:?}");
        let whole = look(Some(&[7; UPDATE_BYTES]));
        assert!(whole.missing == 0 && whole.torn == 0 && whole.looks > 16, "{whole:?}");
        let mut torn = vec![7; UPDATE_BYTES];
        torn[UPDATE_BYTES - 1] = 8;
        assert!(look(Some(&torn)).torn > 0);
    }
}
