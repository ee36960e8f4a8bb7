//! The file of a ledger: its mode, its mark and its version.
#![forbid(unsafe_code)]

use std::fs::OpenOptions;
use std::io;
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::LedgerError;

/// With this number SQLite's header says that a file is a ledger: "Orsy" in ASCII.
pub(super) const APPLICATION_ID: i64 = 0x4f72_7379;

/// The version of the tables and of what is in them.
pub(super) const VERSION: i64 = 1;

const SCHEMA: &str = "
    CREATE TABLE about (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE head (one INTEGER PRIMARY KEY CHECK (one = 1), body BLOB, boot TEXT);
    CREATE TABLE node (path TEXT PRIMARY KEY, body BLOB NOT NULL) WITHOUT ROWID;
    CREATE TABLE op (id BLOB PRIMARY KEY, body BLOB NOT NULL) WITHOUT ROWID;
    CREATE TABLE kept (id BLOB PRIMARY KEY, body BLOB NOT NULL) WITHOUT ROWID;
    CREATE TABLE conflict (id BLOB PRIMARY KEY, body BLOB NOT NULL) WITHOUT ROWID;
";

/// How long another process may take to end that has the file.
const BUSY: Duration = Duration::from_secs(1);

pub(super) fn open(path: &Path) -> Result<Connection, LedgerError> {
    create_private(path).map_err(|source| LedgerError::File { path: path.to_owned(), source })?;
    let failed = |source| LedgerError::of(path, source);
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(failed)?;
    prepare(&connection).map_err(failed)?;
    let number = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let pages = number("page_count").map_err(failed)?;
    match number("application_id").map_err(failed)? {
        APPLICATION_ID => {}
        // An empty file belongs to nobody else. It is marked before there is a log, so that it is known
        // again whenever the process ends.
        0 if pages == 0 => {
            let mark = connection.pragma_update(None, "application_id", APPLICATION_ID);
            mark.map_err(failed)?;
        }
        _ => return Err(LedgerError::NotOurs { path: path.to_owned() }),
    }
    connection.execute_batch("PRAGMA journal_mode = WAL;").map_err(failed)?;
    match number("user_version").map_err(failed)? {
        0 => {
            let make =
                format!("BEGIN IMMEDIATE; {SCHEMA} PRAGMA user_version = {VERSION}; COMMIT;");
            connection.execute_batch(&make).map_err(failed)?;
        }
        VERSION => {}
        found => {
            return Err(LedgerError::Version { path: path.to_owned(), found, known: VERSION });
        }
    }
    // From here on nobody else gets it.
    connection.execute_batch("BEGIN IMMEDIATE; COMMIT;").map_err(failed)?;
    connection.set_prepared_statement_cache_capacity(16);
    Ok(connection)
}

fn prepare(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(BUSY)?;
    // With one process there is no memory to share, and no file for it.
    connection.execute_batch(
        "PRAGMA locking_mode = EXCLUSIVE; PRAGMA synchronous = FULL; PRAGMA fullfsync = ON; \
         PRAGMA checkpoint_fullfsync = ON; PRAGMA cell_size_check = ON; \
         PRAGMA temp_store = MEMORY; PRAGMA cache_size = -1024; \
         PRAGMA journal_size_limit = 4194304;",
    )
}

/// Makes the file if it is not there, readable by its owner alone from the first moment. SQLite gives its log
/// the same mode.
fn create_private(path: &Path) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}
