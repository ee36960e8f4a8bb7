//! What Oriel would make of files, found out without storing anything: histories, and requests of
//! agents that somebody captured.
//!
//! It goes the way of an import and of the HTTP API, with the same readers, so what it says of a file
//! is what would become of it. A file that is not read is told of with what it is instead.

mod capture;
mod kind;
mod purpose;

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use oriel_sources::{Format, Tally, formats};
use oriel_wire::inspect::{Inspected, InspectedKind, Inspection};

use crate::imports::{add, fate, trial};
use capture::Captures;

/// Folders deeper than this are not looked into.
const DEPTH_MAX: usize = 32;

/// So much of a file is looked at to tell what it is.
const HEAD_BYTES: u64 = 256 * 1024;

const NO_FILE: &str = "not a history: neither a file nor a folder";

/// Nothing can be inspected.
#[derive(Debug, thiserror::Error)]
pub enum InspectError {
    /// There is no such format.
    #[error("{name:?} is no format; there are {}", .known.join(", "))]
    NoFormat {
        /// What was asked for.
        name: String,
        /// What there is.
        known: Vec<&'static str>,
    },
}

/// Tells what Oriel would make of these files and of those below these folders. Those that lie in no
/// folder are taken for `read_as`, the name of a format, where it is given.
///
/// # Errors
/// Where there is no such format. What cannot be read is told of and is no error.
pub fn inspect(paths: &[PathBuf], read_as: Option<&str>) -> Result<Inspection, InspectError> {
    let formats = formats();
    let asked = match read_as {
        None => None,
        Some(name) => Some(formats.iter().position(|it| it.name() == name).ok_or_else(|| {
            let known = formats.iter().map(|format| format.name()).collect();
            InspectError::NoFormat { name: name.to_owned(), known }
        })?),
    };
    let mut look = Look { formats, captures: Captures::default(), found: Inspection::default() };
    for path in paths {
        match fs::metadata(path) {
            Ok(metadata) if metadata.is_dir() => look.folder(path, 0),
            // A device may have no end.
            Ok(metadata) if !metadata.is_file() => look.not_read(path, NO_FILE),
            Ok(_) => match asked {
                Some(format) => look.history(path, format),
                None => look.file(path),
            },
            Err(error) => look.unreadable(path, &error),
        }
    }
    Ok(look.found)
}

/// What is looked at, and what was found so far.
struct Look {
    formats: Vec<Box<dyn Format>>,
    captures: Captures,
    found: Inspection,
}

impl Look {
    fn folder(&mut self, folder: &Path, depth: usize) {
        if depth > DEPTH_MAX {
            let problem = format!("it is {depth} folders deep, and nothing below is looked into");
            return self.take(told_of(folder, None), Some(problem));
        }
        let mut paths = match fs::read_dir(folder) {
            Ok(entries) => entries.flatten().map(|entry| entry.path()).collect::<Vec<_>>(),
            Err(error) => return self.unreadable(folder, &error),
        };
        paths.sort();
        let index = folder.join(capture::INDEX);
        if let Some(captured) = capture::listed(&index) {
            self.captured(folder, &index, captured);
            paths.retain(|path| path.is_dir() && !path.is_symlink());
        }
        for path in paths {
            match fs::metadata(&path) {
                // A link to a folder may lead back to where it lies.
                Ok(metadata) if metadata.is_dir() => {
                    if !path.is_symlink() {
                        self.folder(&path, depth + 1);
                    }
                }
                Ok(metadata) if metadata.is_file() => self.file(&path),
                Ok(_) => self.not_read(&path, NO_FILE),
                Err(error) => self.unreadable(&path, &error),
            }
        }
    }

    /// Looks at the requests that a folder's index lists, and at what else lies beside it.
    fn captured(&mut self, folder: &Path, index: &Path, listed: capture::Listed) {
        self.not_read(index, "not a history: the list of the requests that were captured here");
        for nth in listed.bad {
            let problem = format!("line {nth} of it is no entry of a list of requests");
            self.take(told_of(index, None), Some(problem));
        }
        let is_listed = |path: &Path| {
            let name = path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
            name == capture::INDEX || listed.requests.iter().any(|request| request.file == name)
        };
        let beside = fs::read_dir(folder).map(|entries| {
            entries.flatten().map(|entry| entry.path()).filter(|path| path.is_file())
        });
        let mut beside: Vec<_> = beside.into_iter().flatten().filter(|it| !is_listed(it)).collect();
        beside.sort();
        for request in &listed.requests {
            let (inspected, problem) = self.captures.request(folder, request);
            self.take(inspected, problem);
        }
        for path in beside {
            self.file(&path);
        }
    }

    fn file(&mut self, path: &Path) {
        let head = match head(path) {
            Ok(head) => head,
            Err(error) => return self.unreadable(path, &error),
        };
        if let Some(what) = kind::no_history(path, &head) {
            return self.not_read(path, what);
        }
        if let Some(format) = claiming(&self.formats, path, &head) {
            return self.history(path, format);
        }
        match self.captures.alone(path) {
            Some((inspected, problem)) => self.take(inspected, problem),
            None => self.not_read(path, kind::unknown(&head)),
        }
    }

    fn history(&mut self, path: &Path, format: usize) {
        let format = &self.formats[format];
        let mut inspected = told_of(path, Some(format.name().to_owned()));
        match trial(path, &**format) {
            Ok(trial) => {
                inspected.events = trial.events;
                inspected.notes = trial.notes;
                inspected.unfinished_bytes = trial.unfinished_bytes;
                inspected.fate = fate(&trial.tally, &inspected.path);
                self.take(inspected, trial.problem);
            }
            Err(error) => self.unreadable(path, &error),
        }
    }

    fn not_read(&mut self, path: &Path, what: &str) {
        let inspected = Inspected { not_read: Some(what.to_owned()), ..told_of(path, None) };
        self.take(inspected, None);
    }

    fn unreadable(&mut self, path: &Path, error: &io::Error) {
        self.take(told_of(path, None), Some(format!("it cannot be read: {error}")));
    }

    /// Adds a file to what was found.
    fn take(&mut self, mut file: Inspected, problem: Option<String>) {
        let found = &mut self.found;
        // A file whose reader gave up has a bad record for that.
        found.bad += file.fate.bad.max(u64::from(problem.is_some()));
        found.not_read += u64::from(file.not_read.is_some());
        if let Some(read_as) = &file.read_as {
            let known = found.kinds.iter().position(|kind| kind.read_as == *read_as);
            let place = known.unwrap_or_else(|| {
                let read_as = read_as.clone();
                found.kinds.push(InspectedKind { read_as, ..InspectedKind::default() });
                found.kinds.len() - 1
            });
            let kind = &mut found.kinds[place];
            kind.files += 1;
            kind.events += file.events;
            kind.notes += file.notes;
            add(&mut kind.fate, &file.fate);
        }
        file.problem = problem;
        found.files.push(file);
    }
}

/// Returns which of the formats a file is of, wherever it lies: by its name and its first lines.
pub(crate) fn format_of(formats: &[Box<dyn Format>], path: &Path) -> Option<usize> {
    // Whoever reads it next says why it cannot be read.
    let head = head(path).ok()?;
    match kind::no_history(path, &head) {
        Some(_) => None,
        None => claiming(formats, path, &head),
    }
}

/// Returns the format that claims a file. One claims every file of lines, so it is asked last and
/// has to know what they say.
fn claiming(formats: &[Box<dyn Format>], path: &Path, head: &[u8]) -> Option<usize> {
    let claims = |format: &usize| formats[*format].claims(path);
    let is_any = |format: &usize| formats[*format].name() == "claude-code";
    let sure = (0..formats.len()).find(|format| !is_any(format) && claims(format));
    let any = || (0..formats.len()).find(|format| is_any(format) && claims(format));
    sure.or_else(|| any().filter(|_| kind::is_of_claude(path, head)))
}

/// Begins to tell of a file.
fn told_of(path: &Path, read_as: Option<String>) -> Inspected {
    Inspected { path: path.display().to_string(), read_as, ..Inspected::default() }
}

/// Tells what became of the records of a file.
fn taken(path: &Path, read_as: String, tally: &Tally, events: usize, notes: usize) -> Inspected {
    let mut inspected = told_of(path, Some(read_as));
    inspected.events = events as u64;
    inspected.notes = notes as u64;
    inspected.fate = fate(tally, &inspected.path);
    inspected
}

fn head(path: &Path) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    fs::File::open(path)?.take(HEAD_BYTES).read_to_end(&mut head)?;
    Ok(head)
}

#[cfg(test)]
mod tests;
