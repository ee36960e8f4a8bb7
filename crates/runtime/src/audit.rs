//! Who changed what, when, and what came of it: a file of JSON lines for each day, kept for some
//! months, private, and written whether or not the runtime takes events.
//!
//! An entry is one write that is on disk before the answer goes out. What was refused can be asked
//! for by anybody who reaches the port, so only so many refusals a minute are written.

mod day;
mod limit;

use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, UNIX_EPOCH};

use oriel_wire::audit::{AuditEntry, AuditPage};
use oriel_wire::time::{iso_text, rfc3339};

use crate::app::App;
use crate::config::{AuditConfig, Clock};
use crate::home::create_private_dir;
use limit::Refusals;

/// How often it is looked whether refusals were passed over.
const LOOK_EVERY: Duration = Duration::from_secs(20);

/// How many looks lie between two that remove old files.
const PRUNE_LOOKS: u32 = 180;

const DAY_SECONDS: i64 = 86_400;

/// What of each field is kept; the rest is cut off.
const WHO_CHARS_MAX: usize = 96;
const WHAT_CHARS_MAX: usize = 128;
const TARGET_CHARS_MAX: usize = 512;
const OUTCOME_CHARS_MAX: usize = 128;
const DETAIL_CHARS_MAX: usize = 512;

/// What is to be written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Draft {
    pub who: String,
    pub what: String,
    pub target: String,
    pub outcome: String,
    pub detail: Option<String>,
    /// Whether it was refused, which makes it one of those that are limited.
    pub refused: bool,
}

/// The audit of a data directory.
pub(crate) struct Audit {
    folder: PathBuf,
    days: u32,
    clock: Clock,
    book: Mutex<Book>,
}

/// What is remembered between two entries.
struct Book {
    last: u64,
    refusals: Refusals,
    /// The day whose file is known to end with a whole line.
    whole: String,
}

impl Audit {
    pub(crate) fn in_folder(folder: PathBuf, config: AuditConfig, clock: Clock) -> Self {
        let last = days(&folder).first().map_or(0, |day| day::last_id(&folder.join(day)));
        let book = Book { last, refusals: Refusals::default(), whole: String::new() };
        Self { folder, days: config.days, clock, book: Mutex::new(book) }
    }

    /// Writes an entry. What cannot be written is logged: what it tells of is done already.
    pub(crate) async fn write(self: &Arc<Self>, draft: Draft) {
        let audit = Arc::clone(self);
        // It fails only where it panics, which is told of where it does.
        _ = tokio::task::spawn_blocking(move || audit.write_now(&draft)).await;
    }

    pub(crate) fn write_now(&self, draft: &Draft) {
        let now_ms = self.now_ms();
        let mut book = self.book.lock().unwrap_or_else(PoisonError::into_inner);
        let passed_over = book.refusals.turn(now_ms.div_euclid(60_000));
        if let Some(count) = passed_over {
            self.append(&mut book, &more_refused(count), now_ms);
        }
        if !draft.refused || book.refusals.admit() {
            self.append(&mut book, draft, now_ms);
        }
    }

    /// Says how many refusals were passed over, once their minute is over or, at the end, at once.
    fn settle(&self, at_the_end: bool) {
        let now_ms = self.now_ms();
        let mut book = self.book.lock().unwrap_or_else(PoisonError::into_inner);
        let minute = now_ms.div_euclid(60_000);
        let passed_over =
            if at_the_end { book.refusals.take() } else { book.refusals.turn(minute) };
        if let Some(count) = passed_over {
            self.append(&mut book, &more_refused(count), now_ms);
        }
    }

    fn append(&self, book: &mut Book, draft: &Draft, now_ms: i64) {
        let usual = u64::try_from(now_ms).unwrap_or_default().saturating_mul(1000);
        let entry = entry(draft, usual.max(book.last.saturating_add(1)), now_ms);
        let day = day_of(now_ms.div_euclid(1000));
        let write = || -> io::Result<()> {
            create_private_dir(&self.folder)?;
            let path = self.folder.join(format!("{day}.jsonl"));
            day::append(&path, &entry, book.whole != day)
        };
        match write() {
            Ok(()) => {
                book.last = entry.id;
                book.whole = day;
            }
            Err(error) => {
                book.whole.clear();
                tracing::error!(%error, what = entry.what, "the audit was not written");
            }
        }
    }

    /// Returns a page of entries, the newest first.
    pub(crate) fn read(&self, limit: usize, before: Option<u64>) -> AuditPage {
        let before = before.unwrap_or(u64::MAX);
        let mut entries: Vec<AuditEntry> = Vec::new();
        for name in days(&self.folder) {
            let wanted = limit.saturating_add(1) - entries.len();
            entries.extend(day::latest(&self.folder.join(name), before, wanted));
            if entries.len() > limit {
                break;
            }
        }
        let is_more = entries.len() > limit;
        entries.truncate(limit);
        let next = entries.last().map(|entry| entry.id).filter(|_| is_more);
        AuditPage { entries, next }
    }

    fn prune(&self) {
        let keep_seconds = i64::from(self.days) * DAY_SECONDS;
        let first = day_of(self.now_ms().div_euclid(1000).saturating_sub(keep_seconds));
        for name in days(&self.folder).into_iter().filter(|name| *name < first) {
            if let Err(error) = fs::remove_file(self.folder.join(&name)) {
                tracing::warn!(%error, name, "an old file of the audit was not removed");
            }
        }
    }

    fn now_ms(&self) -> i64 {
        let since = self.clock.now().duration_since(UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    }
}

/// Looks after the audit until the runtime stops.
pub(crate) async fn run(app: Arc<App>) {
    let mut stopping = std::pin::pin!(app.stopping());
    let mut looks = 0_u32;
    loop {
        let (audit, prunes) = (Arc::clone(&app.audit), looks.is_multiple_of(PRUNE_LOOKS));
        looks = looks.wrapping_add(1);
        // It fails only where it panics, which is told of where it does.
        _ = tokio::task::spawn_blocking(move || {
            audit.settle(false);
            if prunes {
                audit.prune();
            }
        })
        .await;
        tokio::select! {
            () = &mut stopping => break,
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
    }
    app.audit.settle(true);
}

fn more_refused(count: u64) -> Draft {
    Draft {
        who: "unknown".to_owned(),
        what: "refusals".to_owned(),
        target: String::new(),
        outcome: format!("{count} more refusals within a minute"),
        detail: None,
        refused: true,
    }
}

fn entry(draft: &Draft, id: u64, now_ms: i64) -> AuditEntry {
    let target = draft.target.split(['?', '#']).next().unwrap_or_default();
    AuditEntry {
        id,
        at: iso_text(now_ms),
        who: clean(&draft.who, WHO_CHARS_MAX),
        what: clean(&draft.what, WHAT_CHARS_MAX),
        target: clean(target, TARGET_CHARS_MAX),
        outcome: clean(&draft.outcome, OUTCOME_CHARS_MAX),
        detail: draft.detail.as_deref().map(|detail| clean(detail, DETAIL_CHARS_MAX)),
        refused: draft.refused,
    }
}

/// Returns a text without control characters and no longer than this.
fn clean(text: &str, chars_max: usize) -> String {
    text.chars().filter(|c| !c.is_control()).take(chars_max).collect()
}

fn day_of(seconds: i64) -> String {
    rfc3339(seconds).chars().take(10).collect()
}

/// Returns the names of the days' files, the latest first.
fn days(folder: &std::path::Path) -> Vec<String> {
    // A folder that is not there has none.
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    let is_day = |name: &String| {
        let day = name.strip_suffix(".jsonl").unwrap_or_default();
        day.len() == 10 && day.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-')
    };
    let mut days: Vec<String> = names.filter(is_day).collect();
    days.sort_unstable_by(|one, other| other.cmp(one));
    days
}

#[cfg(test)]
mod tests;
