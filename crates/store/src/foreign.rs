//! Reading another program's SQLite file, and leaving it exactly as it was.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags};

/// Its owner may be writing; whoever waits longer than this comes again later.
const BUSY_WITHIN: Duration = Duration::from_secs(5);

/// Where a SQLite file says which version is needed to read it; 2 is one with a log beside it.
const READ_VERSION_AT: usize = 19;

/// Another program's file could not be read.
#[derive(Debug, thiserror::Error)]
#[error("cannot read {path} as a SQLite file: {source}")]
pub struct ForeignError {
    path: PathBuf,
    source: rusqlite::Error,
}

/// Gives the first column of each row that a statement answers to `each`, until that returns false.
/// Nothing is written, and nothing that the owner of the file would have to wait for.
///
/// # Errors
/// Where it is no SQLite file, or not one with such tables.
pub fn rows_of(
    path: &Path,
    sql: &str,
    mut each: impl FnMut(&[u8]) -> bool,
) -> Result<(), ForeignError> {
    let mut read = || -> rusqlite::Result<()> {
        let connection = open(path)?;
        connection.busy_timeout(BUSY_WITHIN)?;
        let mut statement = connection.prepare(sql)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let goes_on = match row.get_ref(0)? {
                ValueRef::Null => true,
                ValueRef::Integer(number) => each(number.to_string().as_bytes()),
                ValueRef::Real(number) => each(number.to_string().as_bytes()),
                ValueRef::Text(bytes) | ValueRef::Blob(bytes) => each(bytes),
            };
            if !goes_on {
                break;
            }
        }
        Ok(())
    };
    read().map_err(|source| ForeignError { path: path.to_owned(), source })
}

fn open(path: &Path) -> rusqlite::Result<Connection> {
    let read_only = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    if has_log_mode(path) && !beside(path, "-wal").exists() {
        // SQLite would make the log and its index anew, even for one who only reads. Without a log
        // nobody has the file open, so it can be read as one that does not change.
        let uri = format!("file:{}?immutable=1", escaped(path));
        return Connection::open_with_flags(uri, read_only | OpenFlags::SQLITE_OPEN_URI);
    }
    Connection::open_with_flags(path, read_only)
}

fn has_log_mode(path: &Path) -> bool {
    let mut head = [0; READ_VERSION_AT + 1];
    let read = File::open(path).and_then(|mut file| file.read_exact(&mut head));
    read.is_ok() && head[READ_VERSION_AT] == 2
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

/// Returns a path as it stands in a URI.
fn escaped(path: &Path) -> String {
    use std::fmt::Write as _;
    let mut text = String::new();
    for &byte in path.as_os_str().as_encoded_bytes() {
        if byte.is_ascii_alphanumeric() || b"/-_.".contains(&byte) {
            text.push(char::from(byte));
        } else {
            _ = write!(text, "%{byte:02X}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_foreign_file_is_read_and_left_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("their data #1.db");
        let theirs = Connection::open(&path).unwrap();
        theirs
            .execute_batch(
                "PRAGMA journal_mode = WAL; CREATE TABLE t (x); \
                 INSERT INTO t VALUES ('one'), (2), (NULL), (x'33');",
            )
            .unwrap();
        assert_eq!(read(&path), ["one", "2", "3"], "while its owner has it open");
        drop(theirs);
        assert_eq!(read(&path), ["one", "2", "3"], "and when nobody has");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left beside");
        let mut first = Vec::new();
        rows_of(&path, "SELECT x FROM t", |row| {
            first.push(row.to_vec());
            false
        })
        .unwrap();
        assert_eq!(first.len(), 1, "it stops when told to");
    }

    #[test]
    fn what_is_no_such_file_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notes.txt");
        std::fs::write(&path, "plain words, longer than a header of theirs would be").unwrap();
        let error = rows_of(&path, "SELECT 1 FROM t", |_| true).unwrap_err().to_string();
        assert!(error.contains("notes.txt"), "{error}");
    }

    fn read(path: &Path) -> Vec<String> {
        let mut found = Vec::new();
        rows_of(path, "SELECT x FROM t", |row| {
            found.push(String::from_utf8_lossy(row).into_owned());
            true
        })
        .unwrap();
        found
    }
}
