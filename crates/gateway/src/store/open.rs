//! Opening a database: its file, its mode and its version.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::{Base, StoreError};
use crate::folders::{Folders, private};
use crate::{journal, registry};

/// With this number SQLite's header says that a file is the gateway's: "Orgw" in ASCII.
const APPLICATION_ID: i64 = 0x4f72_6777;

/// How long a connection waits for another one's lock.
const BUSY: Duration = Duration::from_secs(5);

/// What makes a database of an empty one.
struct Schema {
    version: i64,
    sql: &'static str,
}

/// Opens the connection that writes. An empty file becomes a database of the current version; that of a
/// session is made by whoever makes the session, so that one which is lost is noticed.
pub(super) fn writer(folders: &Folders, base: &Base) -> Result<Connection, StoreError> {
    let path = path(folders, base);
    if *base == Base::Registry {
        let made = private().create(true).truncate(false).open(&path);
        made.map_err(|source| StoreError::File { path: path.clone(), source: Arc::new(source) })?;
    }
    let connection = connect(&path, base)?;
    let schema = schema(base);
    let fail = |source| sqlite(&path, source);
    connection
        .execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA temp_store = MEMORY; \
             PRAGMA cache_size = -1024; PRAGMA journal_size_limit = 4194304;",
        )
        .map_err(fail)?;
    if version(&connection).map_err(fail)? == 0 {
        let made = format!(
            "BEGIN IMMEDIATE; {} PRAGMA application_id = {APPLICATION_ID}; \
             PRAGMA user_version = {}; COMMIT;",
            schema.sql, schema.version
        );
        connection.execute_batch(&made).map_err(fail)?;
    }
    connection.set_prepared_statement_cache_capacity(16);
    Ok(connection)
}

/// Opens a connection that reads. It may write as far as the file system goes, since SQLite cannot read a
/// log that nobody has open without making a file beside it.
pub(super) fn reader(folders: &Folders, base: &Base) -> Result<Connection, StoreError> {
    let path = path(folders, base);
    let connection = connect(&path, base)?;
    connection
        .execute_batch(
            "PRAGMA query_only = ON; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -512;",
        )
        .map_err(|source| sqlite(&path, source))?;
    Ok(connection)
}

fn connect(path: &Path, base: &Base) -> Result<Connection, StoreError> {
    if let Err(source) = std::fs::metadata(path) {
        return Err(StoreError::File { path: path.to_owned(), source: Arc::new(source) });
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let fail = |source| sqlite(path, source);
    let connection = Connection::open_with_flags(path, flags).map_err(fail)?;
    connection.busy_timeout(BUSY).map_err(fail)?;
    let found = version(&connection).map_err(fail)?;
    let id: i64 =
        connection.pragma_query_value(None, "application_id", |row| row.get(0)).map_err(fail)?;
    let known = schema(base).version;
    match (found, id) {
        // A file that is still empty belongs to nobody else.
        (0, 0) => Ok(connection),
        (found, APPLICATION_ID) if found > known => {
            Err(StoreError::Newer { path: path.to_owned(), found, known })
        }
        (_, APPLICATION_ID) => Ok(connection),
        _ => Err(StoreError::NotOurs(path.to_owned())),
    }
}

fn version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}

fn schema(base: &Base) -> Schema {
    match base {
        Base::Registry => Schema { version: registry::VERSION, sql: registry::SCHEMA },
        Base::Session(_) => Schema { version: journal::VERSION, sql: journal::SCHEMA },
    }
}

pub(super) fn path(folders: &Folders, base: &Base) -> PathBuf {
    match base {
        Base::Registry => folders.registry_db(),
        Base::Session(id) => folders.session_db(id),
    }
}

pub(super) fn sqlite(path: &Path, source: rusqlite::Error) -> StoreError {
    StoreError::Sqlite { path: path.to_owned(), source: Arc::new(source) }
}
