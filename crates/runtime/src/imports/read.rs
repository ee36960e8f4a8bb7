//! Reading one history: from where it was left, if it has only grown, else from its beginning.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use oriel_model::{NewEvent, Note};
use oriel_sources::{Bad, Format, Parsed, Reader, Shape, Tally};
use oriel_store::{FileSeen, ImportedFile, rows_of};
use serde::de::IgnoredAny;
use sha2::{Digest, Sha256};

use super::lines::{LINE_BYTES_MAX, Lines, Next, plain};
use super::walk::{Found, look, seen};

/// A file that is read at once may be this large.
const WHOLE_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// How much before the place where reading goes on must be as it was.
const FINGERPRINT_BYTES: u64 = 1024;

/// Events are passed on in about such portions.
const PORTION_EVENTS: usize = 256;
const PORTION_BYTES: usize = 256 * 1024;

/// Bad records of a file that are named.
const BAD_MAX: usize = 100;

/// Compressed histories unpack to at most this much, and this many times what they take.
const UNPACKED_BYTES_FREE: u64 = 256 * 1024 * 1024;
const UNPACKED_TIMES_MAX: u64 = 1000;

/// Unpacking takes at most 2 to the power of this many bytes of memory.
const UNPACK_WINDOW_LOG: u32 = 27;

/// A file that is to be read, with what is known of it.
pub(super) struct Task {
    pub found: Found,
    pub known: Option<ImportedFile>,
}

/// What a file is read for, and where what is in it goes.
pub(super) struct Reading<'a> {
    pub format: &'a dyn Format,
    /// Reads it from the beginning in any case.
    pub force: bool,
    /// The times that are asked for, in Unix milliseconds.
    pub from_ms: Option<i64>,
    pub to_ms: Option<i64>,
    /// Makes an event one that may be stored.
    pub admit: &'a dyn Fn(NewEvent) -> NewEvent,
    /// Takes what was found. Returns whether to go on.
    pub give: &'a mut dyn FnMut(Vec<NewEvent>, Vec<Note>) -> bool,
    /// Told of every byte and line that was read; returns whether to go on.
    pub count: &'a dyn Fn(u64, u64) -> bool,
}

/// What reading a file came to.
#[derive(Debug, Default)]
pub(super) struct FileRead {
    /// What the file was like when reading it began.
    pub seen: FileSeen,
    /// How far it was read.
    pub read_to: u64,
    pub fingerprint: Vec<u8>,
    pub state: String,
    pub tally: Tally,
    /// Whether only what is new was read.
    pub went_on: bool,
    pub bytes: u64,
    pub lines: u64,
    pub found: u64,
    pub out_of_range: u64,
    /// Why it could not be read to its end.
    pub problem: Option<String>,
    /// Whether what is known of the file may be remembered.
    pub is_complete: bool,
}

/// Why reading stops before the end.
enum Stop {
    /// Whoever asked wants no more.
    Asked,
    /// It cannot be read now, and perhaps later.
    Io(io::Error),
    /// It cannot be read as it is.
    Unreadable(String),
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Reads a file. A parser that fails altogether costs its file and nothing else.
pub(super) fn read(task: &Task, mut reading: Reading<'_>) -> FileRead {
    let mut read = FileRead::default();
    let path = &task.found.path;
    let done = catch_unwind(AssertUnwindSafe(|| read_file(task, &mut reading, &mut read)));
    let stop = match done {
        Ok(Ok(())) => {
            read.is_complete = true;
            return read;
        }
        Ok(Err(stop)) => stop,
        Err(_) => Stop::Unreadable("its reader failed; this is a fault of ours".to_owned()),
    };
    match stop {
        Stop::Asked => {}
        Stop::Io(error) => read.problem = Some(format!("cannot read {}: {error}", path.display())),
        Stop::Unreadable(problem) => {
            // It is not looked at again until it changes.
            bad(&mut read.tally, read.lines + 1, problem.clone());
            read.problem = Some(format!("{}: {problem}", path.display()));
            read.read_to = 0;
            read.fingerprint.clear();
            read.state.clear();
            read.is_complete = true;
        }
    }
    read
}

fn read_file(task: &Task, reading: &mut Reading<'_>, read: &mut FileRead) -> Result<(), Stop> {
    let path = task.found.path.as_path();
    let known = task.known.as_ref().filter(|_| !reading.force);
    match reading.format.shape() {
        Shape::Lines if is_packed(path) => read_packed(path, reading, read),
        Shape::Lines => read_lines(path, known, reading, read),
        Shape::Whole => read_whole(path, reading, read),
        Shape::Table { sql } => read_table(path, sql, known, reading, read),
    }
}

fn read_lines(
    path: &Path,
    known: Option<&ImportedFile>,
    reading: &mut Reading<'_>,
    read: &mut FileRead,
) -> Result<(), Stop> {
    let mut file = File::open(path)?;
    read.seen = seen(&file.metadata()?);
    let known = known.filter(|known| has_only_grown(&file, known, read.seen));
    let start = known.map_or(0, |known| known.read_to);
    read.went_on = known.is_some();
    file.seek(SeekFrom::Start(start))?;
    let lines_before = known.map_or(0, |known| known.counts.lines);
    let reader = reading.format.reader(path, known.map(|known| known.state.as_str()));
    let mut passing =
        Passing { reading, read, reader, out: Parsed::default(), weighed: 0, bytes: 0 };
    let mut lines = Lines::new(&file, start);
    let mut at = start;
    loop {
        let end = match lines.next()? {
            Next::Line(line) => passing.line(line).map(|()| None)?,
            Next::TooLong(bytes) => passing.too_long(lines_before, bytes).map(|()| None)?,
            // What is whole stays so: its line end comes with the next line, if ever.
            Next::Rest(rest) if is_whole(rest) => {
                passing.line(rest)?;
                Some(true)
            }
            Next::Rest(_) => Some(false),
        };
        let now = if end == Some(true) { lines.end() } else { lines.offset() };
        let more = if end.is_some() { lines.end() - at } else { now - at };
        at = now;
        passing.went(more)?;
        if end.is_some() {
            break;
        }
    }
    passing.end()?;
    read.read_to = at;
    read.fingerprint = fingerprint(&file, at)?;
    Ok(())
}

/// Reads a compressed history. It is never appended to, so all of it is read.
fn read_packed(path: &Path, reading: &mut Reading<'_>, read: &mut FileRead) -> Result<(), Stop> {
    let file = File::open(path)?;
    read.seen = seen(&file.metadata()?);
    let size = read.seen.bytes;
    let mut decoder = zstd::stream::read::Decoder::new(file).map_err(|error| unpacking(&error))?;
    decoder.window_log_max(UNPACK_WINDOW_LOG).map_err(|error| unpacking(&error))?;
    let most = UNPACKED_BYTES_FREE.max(size.saturating_mul(UNPACKED_TIMES_MAX));
    let mut lines = Lines::new(decoder.take(most), 0);
    let reader = reading.format.reader(path, None);
    let mut passing =
        Passing { reading, read, reader, out: Parsed::default(), weighed: 0, bytes: 0 };
    loop {
        match lines.next().map_err(|error| unpacking(&error))? {
            Next::Line(line) => passing.line(line)?,
            Next::TooLong(bytes) => passing.too_long(0, bytes)?,
            Next::Rest(rest) => {
                passing.line(rest)?;
                break;
            }
        }
    }
    if lines.end() >= most {
        return Err(Stop::Unreadable(format!("it unpacks to more than {most} bytes")));
    }
    passing.went(size)?;
    passing.end()?;
    read.read_to = size;
    Ok(())
}

fn read_whole(path: &Path, reading: &mut Reading<'_>, read: &mut FileRead) -> Result<(), Stop> {
    let file = File::open(path)?;
    read.seen = seen(&file.metadata()?);
    let mut bytes = Vec::new();
    (&file).take(WHOLE_BYTES_MAX + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > WHOLE_BYTES_MAX {
        return Err(Stop::Unreadable(format!("it is larger than {WHOLE_BYTES_MAX} bytes")));
    }
    let reader = reading.format.reader(path, None);
    let mut passing =
        Passing { reading, read, reader, out: Parsed::default(), weighed: 0, bytes: 0 };
    passing.line(plain(&bytes))?;
    passing.went(bytes.len() as u64)?;
    passing.end()?;
    read.read_to = bytes.len() as u64;
    Ok(())
}

fn read_table(
    path: &Path,
    sql: &str,
    known: Option<&ImportedFile>,
    reading: &mut Reading<'_>,
    read: &mut FileRead,
) -> Result<(), Stop> {
    read.seen = look(path, Shape::Table { sql: "" })?;
    let size = read.seen.bytes;
    read.went_on = known.is_some();
    let reader = reading.format.reader(path, known.map(|known| known.state.as_str()));
    let mut passing =
        Passing { reading, read, reader, out: Parsed::default(), weighed: 0, bytes: 0 };
    let mut stop = Ok(());
    let rows = rows_of(path, sql, |row| {
        stop = if row.len() > LINE_BYTES_MAX {
            passing.too_long(0, row.len() as u64)
        } else {
            passing.line(plain(row)).and_then(|()| passing.went(row.len() as u64))
        };
        stop.is_ok()
    });
    stop?;
    rows.map_err(|error| Stop::Unreadable(error.to_string()))?;
    passing.end()?;
    read.read_to = size;
    Ok(())
}

/// What goes through a reader on its way.
struct Passing<'a, 'b> {
    reading: &'a mut Reading<'b>,
    read: &'a mut FileRead,
    reader: Box<dyn Reader>,
    out: Parsed,
    /// How many of the events that wait are in `bytes`.
    weighed: usize,
    bytes: usize,
}

impl Passing<'_, '_> {
    fn line(&mut self, line: &[u8]) -> Result<(), Stop> {
        if line.is_empty() {
            return Ok(());
        }
        self.read.lines += 1;
        self.reader.line(line, &mut self.out);
        if !(self.reading.count)(0, 1) {
            return Err(Stop::Asked);
        }
        self.bytes += self.out.events[self.weighed..].iter().map(weight).sum::<usize>();
        self.weighed = self.out.events.len();
        if self.weighed >= PORTION_EVENTS || self.bytes >= PORTION_BYTES {
            return self.pass_on();
        }
        Ok(())
    }

    fn too_long(&mut self, lines_before: u64, bytes: u64) -> Result<(), Stop> {
        self.read.lines += 1;
        let nth = lines_before + self.read.lines;
        let problem = format!("it has {bytes} bytes, and at most {LINE_BYTES_MAX} are read");
        bad(&mut self.out.tally, nth, problem);
        Ok(())
    }

    /// Counts bytes that were read.
    fn went(&mut self, bytes: u64) -> Result<(), Stop> {
        self.read.bytes += bytes;
        if (self.reading.count)(bytes, 0) { Ok(()) } else { Err(Stop::Asked) }
    }

    fn pass_on(&mut self) -> Result<(), Stop> {
        (self.weighed, self.bytes) = (0, 0);
        let (from, to) = (self.reading.from_ms, self.reading.to_ms);
        let is_in_range = |event: &NewEvent| {
            event
                .client_ms
                .is_none_or(|at| from.is_none_or(|from| from <= at) && to.is_none_or(|to| at <= to))
        };
        let mut notes = std::mem::take(&mut self.out.notes);
        let mut portion = Vec::with_capacity(self.out.events.len().min(2 * PORTION_EVENTS));
        for event in std::mem::take(&mut self.out.events) {
            if !is_in_range(&event) {
                self.read.out_of_range += 1;
                continue;
            }
            self.read.found += 1;
            portion.push((self.reading.admit)(event));
            if portion.len() >= 2 * PORTION_EVENTS
                && !(self.reading.give)(std::mem::take(&mut portion), std::mem::take(&mut notes))
            {
                return Err(Stop::Asked);
            }
        }
        if (portion.is_empty() && notes.is_empty()) || (self.reading.give)(portion, notes) {
            Ok(())
        } else {
            Err(Stop::Asked)
        }
    }

    fn end(mut self) -> Result<(), Stop> {
        self.reader.pause(&mut self.out);
        self.pass_on()?;
        self.read.state = self.reader.state();
        self.read.tally.plus(&self.out.tally);
        Ok(())
    }
}

/// Returns about how much memory an event takes.
fn weight(event: &NewEvent) -> usize {
    let texts: usize = event.told.texts.iter().map(|text| text.text.len()).sum();
    400 + event.metadata.text().len() + texts
}

/// Returns whether a file is the one that is known, with more at its end.
fn has_only_grown(file: &File, known: &ImportedFile, seen: FileSeen) -> bool {
    let is_same = known.seen.device == seen.device && known.seen.inode == seen.inode;
    0 < known.read_to
        && is_same
        && known.read_to <= seen.bytes
        && fingerprint(file, known.read_to).is_ok_and(|print| print == known.fingerprint)
}

/// Returns the hash of what stands before a place in a file.
fn fingerprint(mut file: &File, at: u64) -> io::Result<Vec<u8>> {
    let start = at.saturating_sub(FINGERPRINT_BYTES);
    file.seek(SeekFrom::Start(start))?;
    let mut bytes = Vec::new();
    file.take(at - start).read_to_end(&mut bytes)?;
    Ok(Sha256::digest(&bytes).to_vec())
}

/// Returns whether what has no line end is nevertheless a whole record: no part of an object is an
/// object.
fn is_whole(rest: &[u8]) -> bool {
    rest.first() == Some(&b'{') && serde_json::from_slice::<IgnoredAny>(rest).is_ok()
}

fn is_packed(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending == "zst")
}

fn unpacking(error: &io::Error) -> Stop {
    Stop::Unreadable(format!("it cannot be unpacked: {error}"))
}

fn bad(tally: &mut Tally, nth: u64, problem: String) {
    tally.records += 1;
    tally.bad += 1;
    if tally.bad_records.len() < BAD_MAX {
        tally.bad_records.push(Bad { nth, problem });
    }
}
