//! Reading one file to see what would come of it. Nothing is stored or remembered.

use std::io;
use std::path::Path;

use oriel_sources::{Format, Shape, Tally};

use super::read::{Reading, Task, read};
use super::walk::{Found, look};

/// What a file would come to.
#[derive(Debug)]
pub(crate) struct Trial {
    pub tally: Tally,
    pub events: u64,
    pub notes: u64,
    /// What follows the last whole line.
    pub unfinished_bytes: u64,
    /// Why it could not be read to its end.
    pub problem: Option<String>,
}

/// Reads a file from its beginning, exactly as an import does.
pub(crate) fn trial(path: &Path, format: &dyn Format) -> io::Result<Trial> {
    let seen = look(path, format.shape())?;
    let task = Task { found: Found { path: path.to_owned(), format: 0, seen }, known: None };
    let mut noted = 0;
    let read = read(
        &task,
        Reading {
            format,
            force: true,
            from_ms: None,
            to_ms: None,
            admit: &|event| event,
            give: &mut |_, notes| {
                noted += notes.len() as u64;
                true
            },
            count: &|_, _| true,
        },
    );
    let is_lines = format.shape() == Shape::Lines && read.problem.is_none();
    let unfinished_bytes = if is_lines { read.seen.bytes.saturating_sub(read.read_to) } else { 0 };
    Ok(Trial {
        tally: read.tally,
        events: read.found,
        notes: noted,
        unfinished_bytes,
        problem: read.problem,
    })
}
