//! Copies of histories, kept because agents delete theirs after a while.
//!
//! A file is kept in pieces, each compressed and named by the hash of its bytes. What was appended
//! to a file becomes a further piece, so a piece is never written twice. The store lists the pieces
//! of each file, and only after they are on disk.

mod pieces;
mod restore;

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use oriel_store::{ArchivedChunk, ReadError, Store};
use oriel_wire::imports::{ArchiveList, ArchiveReport, ArchivedFile};
use oriel_wire::time::rfc3339;

use crate::app::App;
use pieces::Pieces;

/// A piece is at most this long before it is compressed.
const PIECE_BYTES_MAX: u64 = 8 * 1024 * 1024;

/// Files of which nothing is told; further problems are only counted as such.
const PROBLEMS_MAX: usize = 100;

/// The copies below a data directory.
pub(crate) struct Archive {
    pieces: Arc<Pieces>,
    /// What is kept of each file, once it was asked for.
    newest: Mutex<Option<HashMap<PathBuf, Newest>>>,
}

/// A file as far as it was read.
pub(crate) struct Kept<'a> {
    pub path: &'a Path,
    pub bytes: u64,
    /// Whether the file is written anew whenever it changes.
    pub is_whole: bool,
    /// Fewer new bytes than this are not worth a piece.
    pub more_than: u64,
}

/// The newest edition of a file in the archive.
#[derive(Debug, Clone, Copy, Default)]
struct Newest {
    edition: u64,
    bytes: u64,
    /// When it was known to be the same as the file, in Unix seconds.
    same_at: i64,
}

impl Archive {
    pub(crate) fn below(data_dir: &Path) -> Self {
        let pieces = Arc::new(Pieces::new(data_dir.join("archive")));
        Self { pieces, newest: Mutex::new(None) }
    }

    /// Keeps what is not kept yet of a file.
    pub(crate) async fn keep(&self, app: &App, kept: Kept<'_>) -> Result<(), String> {
        let store = app.store().map_err(|error| error.to_string())?;
        let newest = self.newest(store, kept.path).await.map_err(|error| error.to_string())?;
        let mtime = mtime_seconds(kept.path);
        if newest.is_some_and(|known| known.bytes == kept.bytes && mtime < known.same_at) {
            return Ok(());
        }
        let known = newest.unwrap_or_default();
        if kept.bytes == 0 || kept.bytes.saturating_sub(known.bytes) < kept.more_than {
            return Ok(());
        }
        let mut chunks = store
            .archived_chunks(Some(kept.path.to_owned()))
            .await
            .map_err(|error| error.to_string())?;
        chunks.retain(|chunk| chunk.edition == known.edition);
        let (pieces, now) = (Arc::clone(&self.pieces), app.now());
        let (path, bytes, is_whole) = (kept.path.to_owned(), kept.bytes, kept.is_whole);
        let add = move || add(&pieces, &path, bytes, is_whole, &chunks, known.edition, now);
        let added = tokio::task::spawn_blocking(add).await.map_err(|error| error.to_string())?;
        let (edition, added) = added.map_err(|error| format!("cannot keep a copy: {error}"))?;
        if !added.is_empty() {
            store.write_archived(added).await.map_err(|error| error.to_string())?;
        }
        self.learn(kept.path, Newest { edition, bytes: kept.bytes, same_at: now });
        if kept.is_whole && edition > known.edition {
            let unused = store.forget_editions(kept.path.to_owned(), edition).await;
            let unused = unused.map_err(|error| error.to_string())?;
            let pieces = Arc::clone(&self.pieces);
            let remove = move || unused.iter().for_each(|hash| pieces.remove(hash));
            _ = tokio::task::spawn_blocking(remove).await;
        }
        Ok(())
    }

    /// Returns how many bytes of each file the newest edition holds.
    pub(crate) async fn kept_bytes(
        &self,
        store: &Store,
    ) -> Result<HashMap<PathBuf, u64>, ReadError> {
        let chunks = store.archived_chunks(None).await?;
        Ok(newest_of(&chunks).into_iter().map(|(path, newest)| (path, newest.bytes)).collect())
    }

    /// Lists what is kept.
    pub(crate) async fn list(&self, app: &App, store: &Store) -> Result<ArchiveList, ReadError> {
        let chunks = store.archived_chunks(None).await?;
        let (pieces, archiving) = (Arc::clone(&self.pieces), app.config.imports.archive);
        let list = move || {
            let mut editions: HashMap<&Path, HashSet<u64>> = HashMap::new();
            let mut hashes = HashSet::new();
            for chunk in &chunks {
                editions.entry(&chunk.path).or_default().insert(chunk.edition);
                hashes.insert(chunk.hash.as_str());
            }
            let mut files: Vec<_> = newest_of(&chunks)
                .into_iter()
                .map(|(path, newest)| ArchivedFile {
                    exists: path.exists(),
                    bytes: newest.bytes,
                    editions: editions.get(path.as_path()).map_or(0, |all| all.len() as u64),
                    kept_at: rfc3339(newest.same_at),
                    path: path.display().to_string(),
                })
                .collect();
            files.sort_by(|one, two| one.path.cmp(&two.path));
            let stored_bytes = hashes.iter().map(|hash| pieces.stored_bytes(hash)).sum();
            ArchiveList { archiving, stored_bytes, files }
        };
        tokio::task::spawn_blocking(list).await.map_err(|_| ReadError::Stopped)
    }

    /// Reads every piece and compares it with its name.
    pub(crate) async fn verify(&self, store: &Store) -> Result<ArchiveReport, ReadError> {
        let chunks = store.archived_chunks(None).await?;
        let pieces = Arc::clone(&self.pieces);
        let verify = move || {
            let mut report = ArchiveReport::default();
            let mut problems = 0_usize;
            let mut seen = HashSet::new();
            for chunk in chunks.iter().filter(|chunk| seen.insert(chunk.hash.clone())) {
                report.chunks += 1;
                report.bytes += chunk.bytes;
                if let Err(error) = pieces.read(&chunk.hash, chunk.bytes) {
                    problems += 1;
                    if problems <= PROBLEMS_MAX {
                        let problem = format!("{}, at byte {}", chunk.path.display(), chunk.start);
                        report.problems.push(format!("{problem}: {error}"));
                    }
                }
            }
            report.ok = problems == 0;
            report
        };
        tokio::task::spawn_blocking(verify).await.map_err(|_| ReadError::Stopped)
    }

    fn learn(&self, path: &Path, newest: Newest) {
        let mut known = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = known.as_mut() {
            known.insert(path.to_owned(), newest);
        }
    }

    async fn newest(&self, store: &Store, path: &Path) -> Result<Option<Newest>, ReadError> {
        let known = |archive: &Self| {
            let known = archive.newest.lock().unwrap_or_else(PoisonError::into_inner);
            known.as_ref().map(|known| known.get(path).copied())
        };
        if let Some(newest) = known(self) {
            return Ok(newest);
        }
        let chunks = store.archived_chunks(None).await?;
        let loaded = newest_of(&chunks);
        *self.newest.lock().unwrap_or_else(PoisonError::into_inner) = Some(loaded);
        Ok(known(self).flatten())
    }
}

fn newest_of(chunks: &[ArchivedChunk]) -> HashMap<PathBuf, Newest> {
    let mut newest: HashMap<PathBuf, Newest> = HashMap::new();
    for chunk in chunks {
        let known = newest.entry(chunk.path.clone()).or_default();
        if known.edition < chunk.edition {
            *known = Newest { edition: chunk.edition, ..Newest::default() };
        }
        if known.edition == chunk.edition {
            known.bytes = known.bytes.max(chunk.start + chunk.bytes);
            known.same_at = known.same_at.max(chunk.kept_at);
        }
    }
    newest
}

/// Adds what is new in a file. Returns its edition, and the pieces that are on disk now.
fn add(
    pieces: &Pieces,
    path: &Path,
    bytes: u64,
    is_whole: bool,
    chunks: &[ArchivedChunk],
    edition: u64,
    now: i64,
) -> io::Result<(u64, Vec<ArchivedChunk>)> {
    let mut file = File::open(path)?;
    let kept: u64 = chunks.iter().map(|chunk| chunk.bytes).sum();
    // A file that is only appended to is the same where its last piece is.
    let compared = if is_whole { chunks } else { &chunks[chunks.len().saturating_sub(1)..] };
    let mut is_same = kept <= bytes;
    for chunk in compared {
        is_same =
            is_same && pieces::hash(&part(&mut file, chunk.start, chunk.bytes)?) == chunk.hash;
    }
    let (edition, mut start) = match (is_same, chunks.is_empty()) {
        (_, true) => (edition, 0),
        (true, false) => (edition, kept),
        (false, false) => (edition + 1, 0),
    };
    let mut added = Vec::new();
    while start < bytes {
        let piece = part(&mut file, start, PIECE_BYTES_MAX.min(bytes - start))?;
        if piece.is_empty() {
            // It became shorter meanwhile, and is looked at again when that is noticed.
            break;
        }
        let (hash, length) = (pieces.write(&piece)?, piece.len() as u64);
        let path = path.to_owned();
        added.push(ArchivedChunk { path, edition, start, bytes: length, hash, kept_at: now });
        start += length;
    }
    Ok((edition, added))
}

fn part(file: &mut File, start: u64, bytes: u64) -> io::Result<Vec<u8>> {
    file.seek(SeekFrom::Start(start))?;
    let mut part = Vec::new();
    file.take(bytes).read_to_end(&mut part)?;
    Ok(part)
}

fn mtime_seconds(path: &Path) -> i64 {
    let modified = std::fs::metadata(path).and_then(|metadata| metadata.modified()).ok();
    let since = modified.and_then(|at| at.duration_since(std::time::UNIX_EPOCH).ok());
    since.map_or(0, |since| i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
}
