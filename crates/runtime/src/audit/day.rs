//! The file of one day.

use std::fs::{self, File};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;

use oriel_wire::audit::AuditEntry;

use crate::home::private;

/// A day has no more than this. When it is reached, the oldest refusals give way until a quarter is
/// free, and where there are none left the oldest of the others do; an entry says how many.
const BYTES_MAX: u64 = if cfg!(test) { 64 * 1024 } else { 16 * 1024 * 1024 };

/// Appends an entry in one write and waits until it is on disk.
pub(super) fn append(path: &Path, entry: &AuditEntry, may_be_cut: bool) -> io::Result<()> {
    let mut line = line(entry)?;
    let is_new = !path.exists();
    let mut file = private().read(true).append(true).create(true).open(path)?;
    if may_be_cut && !ends_whole(&mut file)? {
        // Whoever wrote the last line died in the middle of it.
        line.insert(0, b'\n');
    }
    if file.metadata()?.len() + line.len() as u64 > BYTES_MAX {
        drop(file);
        make_room(path, entry)?;
        file = private().append(true).open(path)?;
    }
    file.write_all(&line)?;
    file.sync_data()?;
    if is_new { sync_folder(path) } else { Ok(()) }
}

/// Returns the latest entries before a number, the newest first. Lines that are none are passed over.
pub(super) fn latest(path: &Path, before: u64, limit: usize) -> Vec<AuditEntry> {
    // What cannot be read has nothing to show.
    let text = read(path).unwrap_or_default();
    let entries = text.split(|&byte| byte == b'\n').rev();
    let entries = entries.filter_map(|line| serde_json::from_slice::<AuditEntry>(line).ok());
    entries.filter(|entry| entry.id < before).take(limit).collect()
}

/// Returns the number of the last entry, or 0.
pub(super) fn last_id(path: &Path) -> u64 {
    latest(path, u64::MAX, 1).first().map_or(0, |entry| entry.id)
}

fn line(entry: &AuditEntry) -> io::Result<Vec<u8>> {
    let mut line = serde_json::to_vec(entry)?;
    line.push(b'\n');
    Ok(line)
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    // It has grown beyond what we write only where somebody else wrote to it.
    File::open(path)?.take(BYTES_MAX * 2).read_to_end(&mut text)?;
    Ok(text)
}

fn ends_whole(file: &mut File) -> io::Result<bool> {
    if file.metadata()?.len() == 0 {
        return Ok(true);
    }
    file.seek(SeekFrom::End(-1))?;
    let mut last = [0];
    file.read_exact(&mut last)?;
    Ok(last == *b"\n")
}

/// Writes the file anew with less in it. Readers see the old one or the new one.
fn make_room(path: &Path, latest: &AuditEntry) -> io::Result<()> {
    let text = read(path)?;
    let lines: Vec<(&[u8], bool)> = text
        .split_inclusive(|&byte| byte == b'\n')
        .filter_map(|line| {
            let entry = serde_json::from_slice::<AuditEntry>(line).ok()?;
            Some((line, entry.refused))
        })
        .collect();
    let sum: u64 = lines.iter().map(|(line, _)| line.len() as u64).sum();
    let mut excess = sum.saturating_sub(BYTES_MAX / 4 * 3);
    let mut goes = vec![false; lines.len()];
    for only_refused in [true, false] {
        for (goes, (line, refused)) in goes.iter_mut().zip(&lines) {
            if excess > 0 && !*goes && (*refused || !only_refused) {
                *goes = true;
                excess = excess.saturating_sub(line.len() as u64);
            }
        }
    }
    let gone = goes.iter().filter(|goes| **goes).count();
    let told = AuditEntry {
        // It stands before the entry for which there was no room.
        id: latest.id,
        at: latest.at.clone(),
        who: "oriel".to_owned(),
        what: "audit".to_owned(),
        target: String::new(),
        outcome: format!("{gone} entries of this day gave way, since it has too many"),
        detail: None,
        refused: true,
    };
    let fresh = path.with_extension("jsonl.new");
    let mut file = private().create(true).truncate(true).open(&fresh)?;
    let kept = lines.iter().zip(&goes).filter(|(_, goes)| !**goes).map(|((line, _), _)| *line);
    file.write_all(&kept.collect::<Vec<_>>().concat())?;
    file.write_all(&line(&told)?)?;
    file.sync_all()?;
    fs::rename(&fresh, path)?;
    sync_folder(path)
}

/// Makes sure that the name of a file is on disk.
fn sync_folder(path: &Path) -> io::Result<()> {
    #[cfg(unix)]
    if let Some(folder) = path.parent() {
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}
