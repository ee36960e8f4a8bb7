//! `oriel inspect`: what Oriel would make of files, with nothing stored and no daemon asked.

use oriel_wire::imports::Fate;
use oriel_wire::inspect::{Inspected, InspectedKind, Inspection};

use crate::args::Inspect;
use crate::output::{Output, Paint, Style};
use crate::table::{self, Cell};
use crate::{Exit, text};

/// Bad records of a file that are printed; `--json` has more.
const BAD_SHOWN: usize = 20;

/// Looks at files and tells what they hold.
pub(super) fn run(inspect: &Inspect, output: &mut Output<'_>) -> anyhow::Result<Exit> {
    // A path is read from the working directory, and told of as it was given.
    let found = oriel_runtime::inspect(&inspect.paths, inspect.read_as.as_deref())?;
    if inspect.form.json {
        output.json(&found)?;
    } else {
        output.print(&told(&found, output.paint()))?;
    }
    Ok(if found.bad == 0 { Exit::Done } else { Exit::Failed })
}

fn told(found: &Inspection, paint: Paint) -> String {
    let mut lines = String::new();
    for file in &found.files {
        lines.push_str(&told_file(file, paint));
    }
    for kind in &found.kinds {
        lines.push_str(&told_kind(kind, paint));
    }
    let bad = format!("{} bad", text::count(found.bad.cast_signed()));
    lines.push_str(&format!(
        "{} looked at, {} not read, {}\n",
        text::counted(found.files.len() as i64, "file", "files"),
        text::count(found.not_read.cast_signed()),
        if found.bad == 0 { bad } else { paint.apply(Style::Bad, &bad) },
    ));
    lines
}

fn told_file(file: &Inspected, paint: Paint) -> String {
    let path = text::clean(&file.path);
    if let Some(what) = &file.not_read {
        return format!("{path}: {}\n", paint.apply(Style::Faint, &text::clean(what)));
    }
    let read_as = text::clean(file.read_as.as_deref().unwrap_or("unknown"));
    let mut line = format!("{path}: {}", paint.apply(Style::Strong, &read_as));
    if file.problem.is_none() || file.fate.records > 0 {
        line = format!("{line}, {}", summary(&file.fate, file.events, file.notes));
    }
    if file.unfinished_bytes > 0 {
        let rest = text::bytes(file.unfinished_bytes);
        line = format!("{line}, {rest} of a line that is not finished");
    }
    line.push('\n');
    let mut rows: Vec<_> =
        file.fate.left_out.iter().map(|left| row(left.records, &left.kind, &left.reason)).collect();
    let bad = file.fate.bad_records.iter().take(BAD_SHOWN);
    rows.extend(bad.map(|bad| problem(&format!("record {}: {}", bad.line, bad.problem))));
    let is_said =
        file.fate.bad_records.iter().any(|bad| {
            file.problem.as_deref().is_some_and(|problem| problem.ends_with(&bad.problem))
        });
    rows.extend(file.problem.iter().filter(|_| !is_said).map(|text| problem(text)));
    line + &table::render(&rows, paint)
}

fn told_kind(kind: &InspectedKind, paint: Paint) -> String {
    let head = paint.apply(Style::Strong, &format!("all of {}", text::clean(&kind.read_as)));
    let files = text::counted(kind.files.cast_signed(), "file", "files");
    let rows: Vec<_> =
        kind.fate.left_out.iter().map(|left| row(left.records, &left.kind, &left.reason)).collect();
    let summary = summary(&kind.fate, kind.events, kind.notes);
    format!("{head}: {files}, {summary}\n{}", table::render(&rows, paint))
}

fn row(records: u64, kind: &str, reason: &str) -> [Cell; 3] {
    let what = format!("left out: {kind}, {reason}");
    [Cell::plain(""), Cell::plain(text::count(records.cast_signed())), Cell::plain(what)]
}

fn problem(what: &str) -> [Cell; 3] {
    [Cell::plain(""), Cell::new(Style::Bad, "bad"), Cell::plain(what)]
}

fn summary(fate: &Fate, events: u64, notes: u64) -> String {
    let counted = |count: u64, one, many| text::counted(count.cast_signed(), one, many);
    let left_out: u64 = fate.left_out.iter().map(|left| left.records).sum();
    format!(
        "{}: {} made events, {} told more of them, {} left out, {} bad; {} and {}",
        counted(fate.records, "record", "records"),
        text::count(fate.told.cast_signed()),
        text::count(fate.joined.cast_signed()),
        text::count(left_out.cast_signed()),
        text::count(fate.bad.cast_signed()),
        counted(events, "event", "events"),
        counted(notes, "note", "notes"),
    )
}

#[cfg(test)]
mod tests {
    use oriel_wire::imports::{BadRecord, LeftOut};

    use super::*;

    #[test]
    fn every_record_is_accounted_for() {
        let fate = Fate {
            records: 4,
            told: 1,
            joined: 1,
            left_out: vec![LeftOut {
                kind: "mode".to_owned(),
                reason: "the agent keeps house with it".to_owned(),
                records: 1,
            }],
            bad: 1,
            bad_records: vec![BadRecord {
                path: "/h/a".to_owned(),
                line: 7,
                problem: "cut\x1b[2J".to_owned(),
            }],
        };
        let file = Inspected {
            path: "/h/a".to_owned(),
            read_as: Some("words".to_owned()),
            events: 2,
            notes: 1,
            fate,
            unfinished_bytes: 9,
            ..Inspected::default()
        };
        let other = Inspected {
            path: "/h/b".to_owned(),
            not_read: Some("not a history: text".to_owned()),
            ..Inspected::default()
        };
        let found =
            Inspection { files: vec![file, other], not_read: 1, bad: 1, ..Inspection::default() };
        let expected = "\
/h/a: words, 4 records: 1 made events, 1 told more of them, 1 left out, 1 bad; 2 events and 1 note, 9 bytes of a line that is not finished
  1    left out: mode, the agent keeps house with it
  bad  record 7: cut[2J
/h/b: not a history: text
2 files looked at, 1 not read, 1 bad
";
        assert_eq!(told(&found, Paint::new(false)), expected);
    }
}
