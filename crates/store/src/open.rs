//! Opening a store: the file, its mode, its version, its connections.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use crate::maintain::{MaintainError, back_up};
use crate::schema;

/// How a store is opened.
#[derive(Debug, Clone)]
pub struct StoreOptions {
    /// What an answered write has survived.
    pub durability: Durability,
    /// How many questions are answered at the same time.
    pub readers: usize,
    /// How many events may wait for the writer.
    pub queue_events_max: usize,
}

/// What an answered write has survived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// The loss of power: it is on disk.
    Full,
    /// The death of the process: the system has it, and writes it soon.
    Normal,
}

impl Durability {
    /// Returns the word that stands for this durability.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Normal => "normal",
        }
    }
}

/// A store could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The file could not be made or reached.
    #[error("cannot open the store {path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file is not one of ours.
    #[error("{path} is not an Oriel store; move it away or choose another data directory")]
    NotOurs {
        /// The file.
        path: PathBuf,
    },
    /// A later program wrote it.
    #[error(
        "{path} has version {found}, and this program knows versions up to {known}; \
         install the program that wrote it, or restore a backup"
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: i64,
        /// The newest version that this program knows.
        known: i64,
    },
    /// It is of an earlier version, and no copy of it could be made before it is changed.
    #[error(
        "cannot copy the store to {path} before it is brought to the current version; make room or name another data directory"
    )]
    Backup {
        /// The copy.
        path: PathBuf,
        /// Why.
        source: MaintainError,
    },
    /// SQLite could not make sense of it.
    #[error("cannot open the store {path}: {source}; `oriel doctor` tells more")]
    Sqlite {
        /// The file.
        path: PathBuf,
        /// Why.
        source: rusqlite::Error,
    },
}

/// How much of the file the connection that writes keeps in memory.
pub(crate) const USUAL_CACHE: &str = "PRAGMA cache_size = -6144";

/// Opens the connection that writes, and brings the store to the current version.
pub(crate) fn open_writer(
    path: &Path,
    durability: Durability,
    copied: bool,
) -> Result<Connection, OpenError> {
    let file = |source| OpenError::File { path: path.to_owned(), source };
    create_private(path).map_err(file)?;
    if !may_be_ours(path).map_err(file)? {
        return Err(OpenError::NotOurs { path: path.to_owned() });
    }
    let sqlite = |source| OpenError::Sqlite { path: path.to_owned(), source };
    let mut connection = connect(path).map_err(sqlite)?;
    let found = connection
        .pragma_query_value(None, "user_version", |row| row.get::<_, i64>(0))
        .map_err(sqlite)?;
    if found > schema::VERSION {
        let path = path.to_owned();
        return Err(OpenError::Newer { path, found, known: schema::VERSION });
    }
    mark(&connection).map_err(sqlite)?;
    let synchronous = match durability {
        Durability::Full => "FULL",
        Durability::Normal => "NORMAL",
    };
    connection
        .execute_batch(&format!(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = {synchronous}; \
             PRAGMA wal_autocheckpoint = 0; {USUAL_CACHE}; \
             PRAGMA temp_store = MEMORY; PRAGMA journal_size_limit = 67108864;"
        ))
        .map_err(sqlite)?;
    if !copied && (1..schema::VERSION).contains(&found) {
        keep_version(path, found)?;
    }
    if found < schema::VERSION {
        schema::migrate(&mut connection, found).map_err(sqlite)?;
    }
    keep_plans(&connection).map_err(sqlite)?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}

/// Has a statement prepared once. SQLite looks at the value of a `LIMIT` to plan by it, and would prepare
/// the statement again whenever another one is bound, which takes longer than most questions do.
fn keep_plans(connection: &Connection) -> rusqlite::Result<()> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map(drop)
}

/// Copies a store of an earlier version before it is changed to `backups` beside it, so that the
/// program that wrote it can be gone back to.
fn keep_version(path: &Path, version: i64) -> Result<(), OpenError> {
    let name = path.file_stem().unwrap_or_default().to_string_lossy();
    let folder = path.with_file_name("backups");
    let copy = folder.join(format!("{name}-version-{version}.db"));
    let unfinished = folder.join(format!("{name}-version-{version}.part"));
    let backup = |source| OpenError::Backup { path: copy.clone(), source };
    let file = |source: io::Error| backup(MaintainError::File { path: copy.clone(), source });
    create_private_folder(&folder).map_err(file)?;
    match fs::remove_file(&unfinished) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(file(error)),
        _ => {}
    }
    back_up(path, &unfinished).map_err(backup)?;
    // A copy that an earlier attempt made is of the same version, and this one is later.
    fs::rename(&unfinished, &copy).map_err(file)
}

/// Makes a folder that is its owner's alone, unless it is there.
fn create_private_folder(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Opens a connection that may write.
pub(crate) fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    connection.busy_timeout(Duration::from_secs(5))?;
    Ok(connection)
}

/// Opens a connection that reads.
pub(crate) fn open_reader(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    connection.busy_timeout(Duration::from_secs(5))?;
    keep_plans(&connection)?;
    connection.execute_batch("PRAGMA cache_size = -1024; PRAGMA temp_store = MEMORY;")?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}

/// Returns whether a file is one of ours, or empty and so may become one. SQLite is not asked: it
/// would change a file that another program left open, and the mark of ours is never in a log.
fn may_be_ours(path: &Path) -> io::Result<bool> {
    let mut header = Vec::with_capacity(HEADER_BYTES);
    File::open(path)?.take(HEADER_BYTES as u64).read_to_end(&mut header)?;
    let mark = schema::APPLICATION_ID.to_be_bytes();
    Ok(header.is_empty() || (header.starts_with(b"SQLite format 3\0") && header.ends_with(&mark)))
}

/// How far a SQLite file's header goes until the end of its application's number.
const HEADER_BYTES: usize = 72;

/// Marks an empty file as ours. That comes first of all and goes around the log, so that a file is
/// known again whenever the program died.
fn mark(connection: &Connection) -> rusqlite::Result<()> {
    let pages: i64 = connection.pragma_query_value(None, "page_count", |row| row.get(0))?;
    match pages {
        0 => connection.pragma_update(None, "application_id", schema::APPLICATION_ID),
        _ => Ok(()),
    }
}

/// Makes the file if it is not there, readable by its owner alone from the first moment. SQLite
/// gives its other files the same mode.
fn create_private(path: &Path) -> io::Result<()> {
    private().create(true).truncate(false).open(path).map(drop)
}

/// Makes a file that is not there yet, readable by its owner alone.
pub(crate) fn create_private_new(path: &Path) -> io::Result<()> {
    private().create_new(true).open(path).map(drop)
}

fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

#[cfg(test)]
mod tests {
    use rusqlite::StatementStatus;

    use super::*;

    #[test]
    fn a_statement_is_prepared_once_whatever_its_values_are() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("oriel.db");
        let writer = open_writer(&path, Durability::Normal, false).unwrap();
        for connection in [&writer, &open_reader(&path).unwrap()] {
            let mut read = connection.prepare("SELECT no FROM sessions LIMIT ?1").unwrap();
            for most in [1, 2, 3] {
                assert!(read.query([most]).unwrap().next().unwrap().is_none());
            }
            assert_eq!(read.get_status(StatementStatus::RePrepare), 0);
        }
    }
}
