//! `oriel import`: histories into the store, by the daemon that runs, else by this process.

use std::io::{IsTerminal as _, Write as _};
use std::path::Path;
use std::time::Duration;

use oriel_runtime::settings::Flag;
use oriel_wire::imports::{FormatResult, ImportPhase, ImportRequest, ImportStarted, ImportStatus};

use crate::args::Import;
use crate::output::{Output, Paint, Style};
use crate::service::Service;
use crate::table::{self, Cell};
use crate::{Exit, text};
use oriel_daemon::Surroundings;

/// How often it is asked how the import stands.
const EVERY: Duration = Duration::from_millis(200);

/// Bad records that are printed; `--json` has more.
const BAD_SHOWN: usize = 20;

/// How wide the bar is.
const BAR_CELLS: usize = 24;

/// Imports and tells what it came to.
pub(super) fn run(
    import: &Import,
    flags: &[Flag],
    surroundings: &Surroundings,
    output: &mut Output<'_>,
) -> anyhow::Result<Exit> {
    let config = surroundings.resolve(flags)?.config;
    let request = request(import, &surroundings.folders.working);
    super::wait(async {
        let service = Service::reach(config).await?;
        let done = import_with(&service, &request, import.no_wait).await;
        service.close().await;
        match done? {
            Progress::Started(started) if import.form.json => output.json(&started)?,
            Progress::Started(started) => {
                output.print(&format!("import {} goes on in the daemon\n", started.id))?;
            }
            Progress::Over(status) => {
                if import.form.json {
                    output.json(&status)?;
                } else {
                    output.print(&told(&status, output.paint()))?;
                }
                let is_done = status.phase == ImportPhase::Done;
                let is_read = status.files.iter().all(|file| file.problem.is_none());
                return Ok(if is_done && is_read && status.problems.is_empty() {
                    Exit::Done
                } else {
                    Exit::Failed
                });
            }
        }
        Ok(Exit::Done)
    })
}

enum Progress {
    Started(ImportStarted),
    Over(Box<ImportStatus>),
}

fn request(import: &Import, working: &Path) -> ImportRequest {
    let path = |path: &std::path::PathBuf| working.join(path).display().to_string();
    ImportRequest {
        formats: import.format.clone(),
        paths: import.path.iter().map(path).collect(),
        from: import.from.clone(),
        to: import.to.clone(),
        force: import.force,
        dry_run: import.dry_run,
    }
}

async fn import_with(
    service: &Service,
    request: &ImportRequest,
    no_wait: bool,
) -> anyhow::Result<Progress> {
    let started: ImportStarted = service.post("/control/imports", request).await?;
    // Without a daemon the import ends with this process, so it is waited for in any case.
    if no_wait && !service.is_own() {
        return Ok(Progress::Started(started));
    }
    let path = format!("/control/imports/{}", started.id);
    let mut bar = Bar::new();
    let mut is_cancelled = false;
    loop {
        tokio::select! {
            () = tokio::time::sleep(EVERY) => {}
            interrupted = tokio::signal::ctrl_c(), if !is_cancelled => {
                interrupted?;
                is_cancelled = true;
                let _: ImportStatus = service.delete(&path).await?;
            }
        }
        let status: ImportStatus = service.get(&path).await?;
        if status.phase.is_over() {
            bar.clear();
            return Ok(Progress::Over(Box::new(status)));
        }
        bar.show(&status);
    }
}

/// A line on a terminal that grows with the import.
struct Bar {
    is_terminal: bool,
    is_shown: bool,
}

impl Bar {
    fn new() -> Self {
        Self { is_terminal: std::io::stderr().is_terminal(), is_shown: false }
    }

    fn show(&mut self, status: &ImportStatus) {
        if self.is_terminal {
            self.is_shown = true;
            let mut stderr = std::io::stderr();
            // With standard error closed nobody watches.
            let _ = write!(stderr, "\r\x1b[K{}", bar(status));
            let _ = stderr.flush();
        }
    }

    fn clear(&mut self) {
        if std::mem::take(&mut self.is_shown) {
            let _ = std::io::stderr().write_all(b"\r\x1b[K");
        }
    }
}

fn bar(status: &ImportStatus) -> String {
    match status.phase {
        ImportPhase::Waiting => return "waiting for another import …".to_owned(),
        ImportPhase::Looking => return "looking for histories …".to_owned(),
        _ => {}
    }
    let part = status.bytes_done as f64 / status.bytes_total.max(1) as f64;
    let full = ((part * BAR_CELLS as f64) as usize).min(BAR_CELLS);
    let rest = match status.rest_seconds {
        Some(seconds) => format!(", {} to go", text::span(seconds)),
        None => String::new(),
    };
    format!(
        "{}{} {} of {} files, {} at {}/s{rest}",
        "█".repeat(full),
        "░".repeat(BAR_CELLS - full),
        status.files_done,
        status.files_total,
        text::bytes(status.bytes_done),
        text::bytes(status.bytes_per_second),
    )
}

fn told(status: &ImportStatus, paint: Paint) -> String {
    let mut lines = String::new();
    for format in &status.formats {
        lines.push_str(&told_format(format, status.dry_run, paint));
    }
    let problems = status.problems.iter().cloned();
    let problems = problems.chain(status.files.iter().filter_map(|file| file.problem.clone()));
    let rows: Vec<_> =
        problems.map(|problem| [Cell::new(Style::Bad, "fail"), Cell::plain(problem)]).collect();
    lines.push_str(&table::render(&rows, paint));
    let took = status.elapsed_ms;
    let what = if status.dry_run {
        format!("found {}, and stored none", counted(status.found, "event", "events"))
    } else {
        format!(
            "imported {}; {} known",
            counted(status.imported, "event", "events"),
            counted(status.duplicates, "was", "were"),
        )
    };
    let how = match status.phase {
        ImportPhase::Cancelled => "cancelled: ",
        ImportPhase::Failed => "failed: ",
        _ => "",
    };
    lines.push_str(&format!(
        "{how}{what}; {} read, {} unchanged{}, in {took} ms\n",
        counted(status.files_done, "file", "files"),
        text::count(status.files_unchanged.cast_signed()),
        match status.files_gone {
            0 => String::new(),
            gone => format!(", {} vanished", text::count(gone.cast_signed())),
        },
    ));
    lines
}

fn told_format(format: &FormatResult, dry_run: bool, paint: Paint) -> String {
    let fate = &format.fate;
    let row = |count: u64, what: String| {
        [Cell::plain(""), Cell::plain(text::count(count.cast_signed())), Cell::plain(what)]
    };
    let mut rows = vec![
        row(fate.records, "records read".to_owned()),
        row(fate.told, "made events".to_owned()),
        row(fate.joined, "told more of them".to_owned()),
    ];
    for left in &fate.left_out {
        rows.push(row(left.records, format!("left out: {}, {}", left.kind, left.reason)));
    }
    rows.push(row(format.found, "events found".to_owned()));
    if !dry_run {
        rows.push(row(format.imported, "of them new".to_owned()));
    }
    if format.out_of_range > 0 {
        rows.push(row(format.out_of_range, "events outside the asked dates".to_owned()));
    }
    if fate.bad > 0 {
        rows.push(row(fate.bad, "could not be read".to_owned()));
    }
    for bad in fate.bad_records.iter().take(BAD_SHOWN) {
        let place = format!("{}:{}: {}", bad.path, bad.line, bad.problem);
        rows.push([Cell::plain(""), Cell::new(Style::Bad, "bad"), Cell::plain(place)]);
    }
    let head = paint.apply(Style::Strong, &text::clean(&format.format));
    format!("{head}, {}\n{}", counted(format.files, "file", "files"), table::render(&rows, paint))
}

fn counted(count: u64, one: &str, many: &str) -> String {
    text::counted(count.cast_signed(), one, many)
}

#[cfg(test)]
mod tests {
    use oriel_wire::imports::{BadRecord, Fate, LeftOut};

    use super::*;

    #[test]
    fn every_record_is_accounted_for() {
        let left_out = LeftOut {
            kind: "mode".to_owned(),
            reason: "the agent keeps house with it".to_owned(),
            records: 3,
        };
        let bad = BadRecord { path: "/h/a".to_owned(), line: 7, problem: "cut\x1b[2J".to_owned() };
        let fate = Fate {
            records: 1_010,
            told: 1_000,
            joined: 6,
            left_out: vec![left_out],
            bad: 1,
            bad_records: vec![bad],
        };
        let format = FormatResult {
            format: "words".to_owned(),
            files: 2,
            found: 1_000,
            imported: 990,
            duplicates: 10,
            out_of_range: 0,
            fate,
        };
        let status = ImportStatus {
            phase: ImportPhase::Done,
            files_done: 2,
            files_unchanged: 5,
            imported: 990,
            duplicates: 10,
            formats: vec![format],
            elapsed_ms: 12,
            ..ImportStatus::default()
        };
        let expected = "\
words, 2 files
  1,010  records read
  1,000  made events
  6      told more of them
  3      left out: mode, the agent keeps house with it
  1,000  events found
  990    of them new
  1      could not be read
  bad    /h/a:7: cut[2J
imported 990 events; 10 were known; 2 files read, 5 unchanged, in 12 ms
";
        assert_eq!(told(&status, Paint::new(false)), expected);
    }

    #[test]
    fn a_bar_says_how_far_how_fast_and_how_long() {
        let status = ImportStatus {
            phase: ImportPhase::Reading,
            files_done: 1,
            files_total: 3,
            bytes_done: 1024,
            bytes_total: 2048,
            bytes_per_second: 2048,
            rest_seconds: Some(1),
            ..ImportStatus::default()
        };
        let expected = "████████████░░░░░░░░░░░░ 1 of 3 files, 1.0 KiB at 2.0 KiB/s, 1 s to go";
        assert_eq!(bar(&status), expected);
    }
}
