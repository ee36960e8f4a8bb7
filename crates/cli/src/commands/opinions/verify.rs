//! Checking records offline, from files or standard input.
//!
//! A file is read as one record or as one in each line, whichever it is. No line is held beyond what
//! a record may be, so a file of any size can be checked.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use oriel_sign::Record;
use oriel_sign::record::RECORD_BYTES_MAX;
use serde::Serialize;

use crate::Exit;
use crate::args::Json;
use crate::output::{Output, OutputError, Style};
use crate::text;

/// What was found of one record.
#[derive(Debug, Serialize)]
pub(super) struct Checked {
    file: String,
    /// The line on which it begins, from 1 on.
    line: u64,
    verifies: bool,
    /// A word for the reason.
    code: Option<String>,
    reason: Option<String>,
    id: Option<String>,
    author: Option<String>,
    authored_at: Option<String>,
}

/// Checks the records of files and prints a line for each.
pub(super) fn run(
    files: &[PathBuf],
    form: Json,
    working: &Path,
    output: &mut Output<'_>,
) -> anyhow::Result<Exit> {
    let (mut good, mut bad) = (0, 0);
    let stdin = [PathBuf::from("-")];
    for file in if files.is_empty() { &stdin } else { files } {
        let name = file.display().to_string();
        let mut told = |checked: Checked| {
            *if checked.verifies { &mut good } else { &mut bad } += 1;
            tell(&checked, form, output)
        };
        let read = match name.as_str() {
            "-" => check(&name, io::stdin().lock(), &mut told),
            _ => File::open(working.join(file))
                .map_err(CheckError::Read)
                .and_then(|file| check(&name, BufReader::new(file), &mut told)),
        };
        match read {
            Ok(()) => {}
            Err(CheckError::Output(error)) => return Err(error.into()),
            // The other files are checked all the same.
            Err(CheckError::Read(error)) => {
                told(refused(&name, 1, "unreadable", format!("it cannot be read: {error}")))?;
            }
        }
    }
    if !form.json {
        output.print(&summary(good, bad))?;
    }
    Ok(if bad == 0 && good > 0 { Exit::Done } else { Exit::Failed })
}

fn summary(good: i64, bad: i64) -> String {
    match (good, bad) {
        (0, 0) => "there is no record\n".to_owned(),
        (good, 0) => format!("{}, all verify\n", text::counted(good, "record", "records")),
        (good, bad) => {
            format!("{} of {} do not verify\n", text::count(bad), text::count(good + bad))
        }
    }
}

fn tell(checked: &Checked, form: Json, output: &mut Output<'_>) -> Result<(), OutputError> {
    if form.json {
        return output.json_line(checked);
    }
    let place = text::clean(&format!("{}:{}", checked.file, checked.line));
    let paint = output.paint();
    let line = match &checked.reason {
        None => format!(
            "{} {place}: {} by {}\n",
            paint.apply(Style::Good, "good"),
            checked.id.as_deref().unwrap_or_default(),
            checked.author.as_deref().unwrap_or_default()
        ),
        Some(reason) => {
            format!("{} {place}: {}\n", paint.apply(Style::Bad, "bad "), text::clean(reason))
        }
    };
    output.print(&line)
}

/// A file was not checked to its end.
#[derive(Debug, thiserror::Error)]
pub(super) enum CheckError {
    #[error(transparent)]
    Read(#[from] io::Error),
    #[error(transparent)]
    Output(#[from] OutputError),
}

/// Checks what a reader gives.
pub(super) fn check(
    name: &str,
    mut reader: impl BufRead,
    told: &mut impl FnMut(Checked) -> Result<(), OutputError>,
) -> Result<(), CheckError> {
    // A record over several lines is no longer than one on a single line.
    let mut start = Vec::new();
    reader.by_ref().take(RECORD_BYTES_MAX as u64 + 1).read_to_end(&mut start)?;
    let is_whole = start.len() <= RECORD_BYTES_MAX;
    let first_line = start.split(|byte| *byte == b'\n').find(|line| !is_blank(line));
    let by_line = first_line.is_none_or(is_json) || !is_whole || !is_json(&start);
    if !by_line {
        return Ok(told(checked(name, 1, &start))?);
    }
    let mut lines = io::Cursor::new(start).chain(reader);
    let mut number = 0;
    let mut line = Vec::new();
    while next_line(&mut lines, &mut line)? {
        number += 1;
        if !is_blank(&line) {
            told(checked(name, number, &line))?;
        }
    }
    Ok(())
}

/// Reads a line, and of one that is too long as much as shows that. Returns whether there was one.
fn next_line(reader: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<bool> {
    line.clear();
    if reader.by_ref().take(RECORD_BYTES_MAX as u64 + 1).read_until(b'\n', line)? == 0 {
        return Ok(false);
    }
    if line.len() > RECORD_BYTES_MAX && line.last() != Some(&b'\n') {
        reader.skip_until(b'\n')?;
    }
    Ok(true)
}

fn checked(name: &str, line: u64, text: &[u8]) -> Checked {
    match Record::read(text) {
        Err(reason) => refused(name, line, reason.code(), reason.to_string()),
        Ok(record) => Checked {
            file: name.to_owned(),
            line,
            verifies: true,
            code: None,
            reason: None,
            id: Some(record.id().to_owned()),
            author: Some(record.author().to_owned()),
            authored_at: Some(record.authored_at().to_owned()),
        },
    }
}

fn refused(name: &str, line: u64, code: &str, reason: String) -> Checked {
    Checked {
        file: name.to_owned(),
        line,
        verifies: false,
        code: Some(code.to_owned()),
        reason: Some(reason),
        id: None,
        author: None,
        authored_at: None,
    }
}

fn is_blank(line: &[u8]) -> bool {
    line.iter().all(u8::is_ascii_whitespace)
}

fn is_json(text: &[u8]) -> bool {
    serde_json::from_slice::<serde::de::IgnoredAny>(text).is_ok()
}
