//! Writing back what was kept, byte for byte, and never over anything that is there.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use oriel_store::{ArchivedChunk, ReadError, Store};
use oriel_wire::imports::RestoreReport;

use super::Archive;
use super::pieces::Pieces;
use crate::home::private;

impl Archive {
    /// Writes back the newest edition of a file, or of all files below a folder: to their places, or
    /// below another folder.
    pub(crate) async fn restore(
        &self,
        store: &Store,
        wanted: PathBuf,
        to: Option<PathBuf>,
    ) -> Result<RestoreReport, ReadError> {
        let chunks = store.archived_chunks(None).await?;
        let pieces = Arc::clone(&self.pieces);
        let restore = move || restore_all(&pieces, chunks, &wanted, to.as_deref());
        tokio::task::spawn_blocking(restore).await.map_err(|_| ReadError::Stopped)
    }
}

fn restore_all(
    pieces: &Pieces,
    chunks: Vec<ArchivedChunk>,
    wanted: &Path,
    to: Option<&Path>,
) -> RestoreReport {
    let names = [wanted.to_owned(), without_links(wanted)];
    let mut files: BTreeMap<PathBuf, Vec<ArchivedChunk>> = BTreeMap::new();
    for chunk in chunks {
        if names.iter().any(|name| chunk.path.starts_with(name)) {
            let of_file = files.entry(chunk.path.clone()).or_default();
            if of_file.first().is_some_and(|first| first.edition < chunk.edition) {
                of_file.clear();
            }
            of_file.push(chunk);
        }
    }
    let mut report = RestoreReport::default();
    for (path, chunks) in files {
        let target = to.map_or_else(|| path.clone(), |to| below(to, &path));
        match restore_one(pieces, &chunks, &target) {
            Ok(bytes) => {
                report.bytes += bytes;
                report.written.push(target.display().to_string());
            }
            Err(error) => report.skipped.push(format!("{}: {error}", target.display())),
        }
    }
    report
}

fn restore_one(pieces: &Pieces, chunks: &[ArchivedChunk], target: &Path) -> io::Result<u64> {
    if let Some(folder) = target.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut file = private().create_new(true).open(target)?;
    let mut write = || {
        let mut at = 0;
        for chunk in chunks {
            if chunk.start != at {
                return Err(io::Error::other("a piece of it is missing"));
            }
            file.write_all(&pieces.read(&chunk.hash, chunk.bytes)?)?;
            at += chunk.bytes;
        }
        file.sync_all()?;
        Ok(at)
    };
    let written = write();
    if written.is_err() {
        // Half a file would be taken for all of it.
        _ = fs::remove_file(target);
    }
    written
}

/// Returns a path below a folder, whatever the path says.
fn below(folder: &Path, path: &Path) -> PathBuf {
    let names = path.components().filter_map(|part| match part {
        Component::Normal(name) => Some(name),
        _ => None,
    });
    names.fold(folder.to_owned(), |path, name| path.join(name))
}

/// Returns a path with the links in as much of it as exists made out.
fn without_links(path: &Path) -> PathBuf {
    let found = path.ancestors().find_map(|above| {
        let real = fs::canonicalize(above).ok()?;
        let rest = path.strip_prefix(above).ok()?;
        Some(if rest.as_os_str().is_empty() { real } else { real.join(rest) })
    });
    found.unwrap_or_else(|| path.to_owned())
}
