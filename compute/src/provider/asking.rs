//! What is asked of `oriel_hostfs` by name, and its errors as the engine knows them.

use std::io;

use oriel_hostfs::{FileError, Surface};
use oriel_wire::hostfs::{
    Answered, Code, Entries, Entry, Failed, Flags, Head, List, Looked, Message,
};
use oriel_wire::hostfs::{Op, Stat, StatMany};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// How many entries of a folder a script is told. A folder with more is an error rather than half of it.
const ENTRIES_MAX: usize = 1_000_000;

/// Does something that has no more of an answer.
pub(super) fn done(surface: &Surface, op: Op, form: &impl Serialize) -> io::Result<()> {
    ask(surface, op, form).map(drop)
}

/// Returns what something is.
pub(super) fn stat(surface: &Surface, workspace: &str, path: &str) -> io::Result<Stat> {
    let form = StatMany { workspace: workspace.to_owned(), paths: vec![path.to_owned()] };
    let looked: Looked = read(&ask(surface, Op::Stat, &form)?)?;
    match looked.stats.into_iter().next() {
        Some(Answered::Stat(stat)) => Ok(stat),
        Some(Answered::Failed(failed)) => Err(failure(&failed)),
        None => Err(io::Error::other("files were not looked at")),
    }
}

/// Returns what is in a folder.
pub(super) fn list(surface: &Surface, workspace: &str, path: &str) -> io::Result<Vec<Entry>> {
    let mut entries: Vec<Entry> = Vec::new();
    loop {
        let after = entries.last().map(|entry| entry.name.clone());
        let form = List { workspace: workspace.to_owned(), path: path.to_owned(), after };
        let page: Entries = read(&ask(surface, Op::List, &form)?)?;
        let is_empty = page.entries.is_empty();
        entries.extend(page.entries);
        if !page.has_more || is_empty {
            return Ok(entries);
        }
        if entries.len() > ENTRIES_MAX {
            return Err(io::Error::other(format!("the folder {path} has too much in it")));
        }
    }
}

/// Returns an error as the engine knows it. What is not there and what may not be is told apart, since
/// functions act on that.
pub(super) fn system(error: &FileError) -> io::Error {
    failure(&error.to_wire())
}

fn failure(failed: &Failed) -> io::Error {
    use io::ErrorKind;
    let kind = match failed.code {
        Code::NotFound | Code::Gone => ErrorKind::NotFound,
        Code::Exists => ErrorKind::AlreadyExists,
        Code::NotAFile => ErrorKind::IsADirectory,
        Code::NotAFolder => ErrorKind::NotADirectory,
        Code::NotEmpty => ErrorKind::DirectoryNotEmpty,
        Code::BadName => ErrorKind::InvalidFilename,
        Code::ReadOnly => ErrorKind::ReadOnlyFilesystem,
        Code::Outside | Code::NoGrant | Code::Denied | Code::NotPermitted | Code::Revoked => {
            ErrorKind::PermissionDenied
        }
        Code::TooLarge => ErrorKind::FileTooLarge,
        Code::DiskFull => ErrorKind::StorageFull,
        Code::Locked | Code::Busy => ErrorKind::ResourceBusy,
        Code::CutShort => ErrorKind::UnexpectedEof,
        Code::Unsupported => ErrorKind::Unsupported,
        _ => ErrorKind::Other,
    };
    let text = match &failed.hint {
        Some(hint) => format!("{}; {hint}", failed.message),
        None => failed.message.clone(),
    };
    io::Error::new(kind, text)
}

/// Asks in the form that every transport carries; names are not where the time goes.
fn ask(surface: &Surface, op: Op, form: &impl Serialize) -> io::Result<Vec<u8>> {
    head(surface, Head::of(op, 0), &serde_json::to_vec(form)?).map(|(_, payload)| payload)
}

/// Asks with a head of one's own, and returns the answer's head and payload.
pub(super) fn head(surface: &Surface, head: Head, payload: &[u8]) -> io::Result<(Head, Vec<u8>)> {
    let answer = surface.answer(&head.with(payload));
    let message = Message::read_answer(&answer.bytes).map_err(io::Error::other)?;
    if message.head.flags.has(Flags::FAILED) {
        return Err(failure(&read::<Failed>(message.payload)?));
    }
    Ok((message.head, message.payload.to_vec()))
}

fn read<T: DeserializeOwned>(payload: &[u8]) -> io::Result<T> {
    serde_json::from_slice(payload).map_err(io::Error::other)
}
