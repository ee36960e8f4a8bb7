//! How an import stands, for whoever asks while it goes on and afterwards.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use oriel_sources::Tally;
use oriel_wire::imports::{
    BadRecord, Fate, FileResult, FormatResult, ImportPhase, ImportStatus, LeftOut,
};

/// Files that are told of one by one.
const FILES_MAX: usize = 1000;

/// Kinds of records that are told of; further ones are only in the sums.
const KINDS_MAX: usize = 200;

/// Bad records of a format that are named.
const BAD_MAX: usize = 100;

/// The same for one of many files.
const KINDS_OF_FILE_MAX: usize = 40;
const BAD_OF_FILE_MAX: usize = 20;

/// What was asked for.
#[derive(Debug, Clone, Default)]
pub(super) struct Options {
    /// The formats to look for; none means all.
    pub formats: Vec<usize>,
    /// The files and folders to look at; none means where agents keep their histories.
    pub paths: Vec<std::path::PathBuf>,
    pub from_ms: Option<i64>,
    pub to_ms: Option<i64>,
    pub force: bool,
    pub dry_run: bool,
    pub automatic: bool,
}

impl Options {
    /// Returns whether what was read may be remembered.
    pub(super) fn is_remembered(&self) -> bool {
        !self.dry_run && self.from_ms.is_none() && self.to_ms.is_none()
    }
}

/// One import.
pub(crate) struct Run {
    pub(super) id: u64,
    pub(super) options: Options,
    cancelled: AtomicBool,
    bytes_done: AtomicU64,
    lines: AtomicU64,
    status: Mutex<ImportStatus>,
    /// When reading began, and how long it took once it is over.
    began: Mutex<(Instant, Option<Duration>)>,
}

impl Run {
    pub(super) fn new(id: u64, options: Options, started_at: String) -> Self {
        let status = ImportStatus {
            id,
            automatic: options.automatic,
            dry_run: options.dry_run,
            started_at,
            ..ImportStatus::default()
        };
        Self {
            id,
            options,
            cancelled: AtomicBool::new(false),
            bytes_done: AtomicU64::new(0),
            lines: AtomicU64::new(0),
            status: Mutex::new(status),
            began: Mutex::new((Instant::now(), None)),
        }
    }

    /// Makes it stop as soon as it can.
    pub(crate) fn cancel(&self) {
        self.cancelled.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed)
    }

    /// Counts what was read. Returns whether to go on.
    pub(super) fn count(&self, bytes: u64, lines: u64) -> bool {
        if bytes > 0 {
            self.bytes_done.fetch_add(bytes, Ordering::Relaxed);
        }
        if lines > 0 {
            self.lines.fetch_add(lines, Ordering::Relaxed);
        }
        !self.is_cancelled()
    }

    pub(super) fn change(&self, change: impl FnOnce(&mut ImportStatus)) {
        change(&mut self.locked());
    }

    /// Begins reading, after any wait for others.
    pub(super) fn begin(&self) {
        *self.began.lock().unwrap_or_else(PoisonError::into_inner) = (Instant::now(), None);
        self.change(|status| status.phase = ImportPhase::Looking);
    }

    /// Ends it.
    pub(super) fn end(&self, problem: Option<String>) {
        let mut began = self.began.lock().unwrap_or_else(PoisonError::into_inner);
        began.1 = Some(began.0.elapsed());
        drop(began);
        let is_cancelled = self.is_cancelled();
        self.change(|status| {
            status.phase = match &problem {
                Some(_) => ImportPhase::Failed,
                None if is_cancelled => ImportPhase::Cancelled,
                None => ImportPhase::Done,
            };
            status.problems.extend(problem);
        });
    }

    pub(super) fn phase(&self) -> ImportPhase {
        self.locked().phase
    }

    /// Returns how it stands, with or without its files.
    pub(crate) fn status(&self, with_files: bool) -> ImportStatus {
        let locked = self.locked();
        let mut status = if with_files {
            locked.clone()
        } else {
            ImportStatus {
                files: Vec::new(),
                formats: locked.formats.clone(),
                problems: locked.problems.clone(),
                started_at: locked.started_at.clone(),
                ..*locked
            }
        };
        drop(locked);
        let (began, took) = *self.began.lock().unwrap_or_else(PoisonError::into_inner);
        let elapsed = took.unwrap_or_else(|| began.elapsed());
        status.bytes_done = self.bytes_done.load(Ordering::Relaxed);
        // What grew while it was read is part of it.
        status.bytes_total = status.bytes_total.max(status.bytes_done);
        status.lines = self.lines.load(Ordering::Relaxed);
        if status.phase != ImportPhase::Waiting {
            status.elapsed_ms = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
            let rate = status.bytes_done as f64 / elapsed.as_secs_f64().max(0.001);
            status.bytes_per_second = rate as u64;
            if status.phase == ImportPhase::Reading && rate >= 1.0 {
                let rest = status.bytes_total - status.bytes_done;
                status.rest_seconds = Some((rest as f64 / rate).ceil() as u64);
            }
        }
        status
    }

    /// Takes what a file came to.
    pub(super) fn add_file(&self, file: FileResult) {
        self.change(|status| {
            status.files_done += 1;
            status.found += file.found;
            status.imported += file.imported;
            status.duplicates += file.duplicates;
            status.bad += file.fate.bad;
            let known = status.formats.iter().position(|one| one.format == file.format);
            let place = known.unwrap_or_else(|| {
                let format = file.format.clone();
                status.formats.push(FormatResult { format, ..FormatResult::default() });
                status.formats.len() - 1
            });
            let format = &mut status.formats[place];
            format.files += 1;
            format.found += file.found;
            format.imported += file.imported;
            format.duplicates += file.duplicates;
            format.out_of_range += file.out_of_range;
            add(&mut format.fate, &file.fate);
            if status.files.len() < FILES_MAX {
                status.files.push(shortened(file));
            }
        });
    }

    /// Forgets what each file came to; the sums stay.
    pub(super) fn forget_files(&self) {
        self.change(|status| status.files = Vec::new());
    }

    fn locked(&self) -> MutexGuard<'_, ImportStatus> {
        self.status.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns what a file came to without what would be much for a thousand of them.
fn shortened(mut file: FileResult) -> FileResult {
    file.fate.left_out.truncate(KINDS_OF_FILE_MAX);
    file.fate.bad_records.truncate(BAD_OF_FILE_MAX);
    file
}

/// Returns what became of a file's records, as it is told and kept.
pub(crate) fn fate(tally: &Tally, path: &str) -> Fate {
    let left_out = tally.left_out.iter().map(|((kind, reason), &records)| LeftOut {
        kind: kind.clone(),
        reason: reason.as_str().to_owned(),
        records,
    });
    let bad_records = tally.bad_records.iter().map(|bad| BadRecord {
        path: path.to_owned(),
        line: bad.nth,
        problem: bad.problem.clone(),
    });
    let mut fate = Fate {
        records: tally.records,
        told: tally.told,
        joined: tally.joined,
        left_out: left_out.collect(),
        bad: tally.bad,
        bad_records: bad_records.collect(),
    };
    tidy(&mut fate);
    fate
}

/// Adds what became of other records.
pub(crate) fn add(sum: &mut Fate, more: &Fate) {
    sum.records += more.records;
    sum.told += more.told;
    sum.joined += more.joined;
    sum.bad += more.bad;
    for other in &more.left_out {
        let is_same = |one: &&mut LeftOut| one.kind == other.kind && one.reason == other.reason;
        match sum.left_out.iter_mut().find(is_same) {
            Some(one) => one.records += other.records,
            None => sum.left_out.push(other.clone()),
        }
    }
    sum.bad_records.extend_from_slice(&more.bad_records);
    tidy(sum);
}

fn tidy(fate: &mut Fate) {
    fate.left_out.sort_by(|one, two| {
        let by_name = || (&one.kind, &one.reason).cmp(&(&two.kind, &two.reason));
        two.records.cmp(&one.records).then_with(by_name)
    });
    fate.left_out.truncate(KINDS_MAX);
    fate.bad_records.truncate(BAD_MAX);
}
