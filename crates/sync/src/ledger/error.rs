//! What can be wrong with a ledger, and what to do about it.
#![forbid(unsafe_code)]

use std::io;
use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;

use crate::vfs::Fault;

/// A ledger cannot be opened, read or written.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// The file could not be made or reached.
    #[error(
        "cannot open the ledger of sync {path}: {source}; see that its folder is there and may be written"
    )]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file is another program's.
    #[error("{path} is no ledger of sync; move it away, and a new one is made")]
    NotOurs {
        /// The file.
        path: PathBuf,
    },
    /// Another version of the program wrote it.
    #[error(
        "the ledger of sync {path} has version {found} and this program knows version {known}; \
         use the program that wrote it, or forget the folder and sync it anew: its files stay as they are"
    )]
    Version {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: i64,
        /// The version that this program knows.
        known: i64,
    },
    /// What is in it is not what was written.
    #[error(
        "the ledger of sync {path} is broken; forget the folder and sync it anew: its files stay as they \
         are, and what differs on both sides is asked about"
    )]
    Broken {
        /// The file.
        path: PathBuf,
    },
    /// Another process has it.
    #[error("the ledger of sync {path} is in use; end the other program that syncs the folder")]
    InUse {
        /// The file.
        path: PathBuf,
    },
    /// There is no room for what is to be written.
    #[error("there is no room for the ledger of sync {path}; make room on its disk")]
    Full {
        /// The file.
        path: PathBuf,
    },
    /// SQLite failed.
    #[error("cannot read or write the ledger of sync {path}: {source}; see that its disk works")]
    Sqlite {
        /// The file.
        path: PathBuf,
        /// Why.
        source: rusqlite::Error,
    },
}

impl LedgerError {
    /// Says what SQLite's error means for a ledger.
    pub(super) fn of(path: &Path, source: rusqlite::Error) -> Self {
        let path = path.to_owned();
        match source.sqlite_error_code() {
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Self::Broken { path },
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::InUse { path },
            Some(ErrorCode::DiskFull) => Self::Full { path },
            _ => Self::Sqlite { path, source },
        }
    }

    /// Returns it as an engine's runner knows it.
    pub(super) const fn fault(&self) -> Fault {
        match self {
            Self::Full { .. } => Fault::Full,
            _ => Fault::Io,
        }
    }
}
