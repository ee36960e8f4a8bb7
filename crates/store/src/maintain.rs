//! Keeping the file in good shape: checkpoints, backups, compaction.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Receiver;

use crate::open::{connect, create_private_new, open_reader};
use crate::store::Store;

/// A copy of a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backup {
    /// Where it is.
    pub path: PathBuf,
    /// How large it is.
    pub bytes: u64,
    /// How many events it holds.
    pub events: u64,
}

/// What compaction did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Compaction {
    /// The size of the store before.
    pub bytes_before: u64,
    /// Its size after.
    pub bytes_after: u64,
}

/// Maintenance failed; the store is as it was.
#[derive(Debug, thiserror::Error)]
pub enum MaintainError {
    /// The copy's place is taken.
    #[error("{0} exists; choose another place for the backup")]
    Exists(PathBuf),
    /// The copy's place cannot be written.
    #[error("cannot write {path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// SQLite could not do it.
    #[error("the store could not be maintained: {0}")]
    Sqlite(#[from] rusqlite::Error),
    /// The store is closing.
    #[error("the store is closing; try again when it is back")]
    Closing,
}

impl Store {
    /// Writes a copy of this moment, while events go on being stored. The copy is private and on
    /// disk when this returns.
    ///
    /// # Errors
    /// Where the copy cannot be made; nothing is left of it then.
    pub async fn backup(&self, to: PathBuf) -> Result<Backup, MaintainError> {
        let store = self.clone();
        tokio::task::spawn_blocking(move || back_up(store.path(), &to))
            .await
            .map_err(|_| MaintainError::Closing)?
    }

    /// Rewrites the file without its empty pages. Events wait while it does.
    ///
    /// # Errors
    /// Where there is no room for a second copy meanwhile, for one.
    pub async fn compact(&self) -> Result<Compaction, MaintainError> {
        let whole = |store: &Self| store.size().main_bytes + store.size().log_bytes;
        let bytes_before = whole(self);
        self.exclusive(|connection| {
            connection.execute_batch("VACUUM")?;
            connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
        })
        .await
        .ok_or(MaintainError::Closing)??;
        Ok(Compaction { bytes_before, bytes_after: whole(self) })
    }
}

/// Writes a copy of a store to a file that is not there yet. It is private and on disk when this
/// returns.
pub(crate) fn back_up(store: &Path, to: &Path) -> Result<Backup, MaintainError> {
    // SQLite gives a new file the usual mode, so it gets an empty private one to fill.
    create_private_new(to).map_err(|source| match source.kind() {
        io::ErrorKind::AlreadyExists => MaintainError::Exists(to.to_owned()),
        _ => MaintainError::File { path: to.to_owned(), source },
    })?;
    let copied = copy_into(store, to);
    if copied.is_err() {
        // What is wrong with the copy matters more than what is wrong with removing it.
        _ = fs::remove_file(to);
    }
    copied
}

fn copy_into(store: &Path, to: &Path) -> Result<Backup, MaintainError> {
    let file = |source| MaintainError::File { path: to.to_owned(), source };
    let target = to.to_str().ok_or_else(|| file(io::ErrorKind::InvalidFilename.into()))?;
    open_reader(store)?.execute("VACUUM INTO ?1", [target])?;
    let copy = File::open(to).map_err(file)?;
    copy.sync_all().map_err(file)?;
    #[cfg(unix)]
    if let Some(folder) = to.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        // The copy is there for good once its folder is on disk too.
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(file)?;
    }
    let bytes = copy.metadata().map_err(file)?.len();
    let events =
        open_reader(to)?
            .query_row("SELECT ifnull(sum(events), 0) FROM facets", [], |row| row.get(0))?;
    Ok(Backup { path: to.to_owned(), bytes, events })
}

/// Folds the log into the main file whenever woken, beside the writer and not in its way. Ends when
/// the writer does.
pub(crate) fn checkpoint(path: &Path, woken: &Receiver<()>, folded: &AtomicBool) {
    let mut connection = None;
    while woken.recv().is_ok() {
        let open = match connection.take() {
            Some(open) => Ok(open),
            None => connect(path),
        };
        let done = open.and_then(|open| {
            open.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()))?;
            Ok(open)
        });
        match done {
            Ok(open) => {
                connection = Some(open);
                folded.store(true, Ordering::Relaxed);
            }
            Err(error) => tracing::warn!(%error, "the store's log was not folded into its file"),
        }
    }
}
