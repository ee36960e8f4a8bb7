//! What is known of the histories that were read: how far, with what result, and what of them is
//! kept in the archive.
//!
//! A row is written after the events of its file are on disk, so it never claims more than was
//! stored. Rows are never dropped: of a file that vanished the row says when that was noticed.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, Row, params};

use crate::maintain::MaintainError;
use crate::readers::ReadError;
use crate::store::Store;

pub(crate) const TABLES: &str = "
CREATE TABLE imported_files (
    no INTEGER PRIMARY KEY, path BLOB NOT NULL, format TEXT NOT NULL,
    device INTEGER NOT NULL, inode INTEGER NOT NULL, bytes INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL, read_to INTEGER NOT NULL, fingerprint BLOB NOT NULL,
    lines INTEGER NOT NULL, records INTEGER NOT NULL, events INTEGER NOT NULL,
    duplicates INTEGER NOT NULL, bad INTEGER NOT NULL,
    first_seen INTEGER NOT NULL, read_at INTEGER NOT NULL, gone_at INTEGER,
    fate TEXT NOT NULL, state TEXT NOT NULL,
    UNIQUE (path, format)
);
CREATE TABLE archived_chunks (
    path BLOB NOT NULL, edition INTEGER NOT NULL, start INTEGER NOT NULL,
    bytes INTEGER NOT NULL, hash TEXT NOT NULL, kept_at INTEGER NOT NULL,
    PRIMARY KEY (path, edition, start)
) WITHOUT ROWID;
CREATE INDEX archived_chunks_by_hash ON archived_chunks (hash);
";

/// A file as the system describes it, by which a change is noticed without reading it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FileSeen {
    /// The device that it is on.
    pub device: u64,
    /// Its number there.
    pub inode: u64,
    /// Its size.
    pub bytes: u64,
    /// When it was changed last, in Unix nanoseconds.
    pub mtime_ns: i64,
}

/// What reading a file came to, over all times it was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ImportCounts {
    /// Lines that were not blank.
    pub lines: u64,
    /// Records that were found in them.
    pub records: u64,
    /// Events that were new.
    pub events: u64,
    /// Events that were known.
    pub duplicates: u64,
    /// Records that could not be read.
    pub bad: u64,
}

/// A history that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportedFile {
    /// The file.
    pub path: PathBuf,
    /// The name of its format.
    pub format: String,
    /// What it was like when it was read.
    pub seen: FileSeen,
    /// How far it was read; what follows is read next time.
    pub read_to: u64,
    /// The hash of the bytes before that place, by which a file is known to have only grown.
    pub fingerprint: Vec<u8>,
    /// What its reader must know to go on, as JSON. Empty in lists.
    pub state: String,
    /// What reading it came to.
    pub counts: ImportCounts,
    /// What became of its records, as JSON.
    pub fate: String,
    /// When it was read first, in Unix seconds.
    pub first_seen: i64,
    /// When it was read last.
    pub read_at: i64,
    /// When it was found to have vanished.
    pub gone_at: Option<i64>,
}

/// A part of a file that is kept in the archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArchivedChunk {
    /// The file.
    pub path: PathBuf,
    /// Which writing of the file it is part of; one that is written anew begins another edition.
    pub edition: u64,
    /// Where in the file it begins.
    pub start: u64,
    /// How long it is.
    pub bytes: u64,
    /// The SHA-256 of its bytes, in hexadecimal.
    pub hash: String,
    /// When it was kept, in Unix seconds.
    pub kept_at: i64,
}

/// All but the state, which is only needed to read on.
const LISTED: &str = "path, format, device, inode, bytes, mtime_ns, read_to, fingerprint, lines, \
    records, events, duplicates, bad, first_seen, read_at, gone_at, fate";

impl Store {
    /// Returns every file that was read, without the states of their readers.
    ///
    /// # Errors
    /// Where the store does not answer.
    pub async fn imported_files(&self) -> Result<Vec<ImportedFile>, ReadError> {
        let question = |connection: &Connection| {
            let sql = format!("SELECT {LISTED}, '' FROM imported_files");
            let mut statement = connection.prepare_cached(&sql)?;
            statement.query_map([], imported_file)?.collect()
        };
        self.readers().ask(question).await
    }

    /// Returns what is known of these files of a format, with the states of their readers.
    ///
    /// # Errors
    /// Where the store does not answer.
    pub async fn imported_in_full(
        &self,
        files: Vec<(PathBuf, String)>,
    ) -> Result<Vec<ImportedFile>, ReadError> {
        let question = move |connection: &Connection| {
            let sql = format!(
                "SELECT {LISTED}, state FROM imported_files WHERE path = ?1 AND format = ?2"
            );
            let mut statement = connection.prepare_cached(&sql)?;
            let mut found = Vec::with_capacity(files.len());
            for (path, format) in &files {
                let rows = statement.query_map(params![path_bytes(path), format], imported_file)?;
                found.extend(rows.collect::<rusqlite::Result<Vec<_>>>()?);
            }
            Ok(found)
        };
        self.readers().ask(question).await
    }

    /// Remembers what was read, all or nothing. When a file was seen first stays as it is.
    ///
    /// # Errors
    /// Where nothing was written.
    pub async fn write_imported(&self, files: Vec<ImportedFile>) -> Result<(), MaintainError> {
        if files.is_empty() {
            return Ok(());
        }
        self.exclusive(move |connection| {
            let transaction = connection.transaction()?;
            for file in &files {
                write_file(&transaction, file)?;
            }
            transaction.commit()
        })
        .await
        .ok_or(MaintainError::Closing)?
        .map_err(MaintainError::from)
    }

    /// Remembers that files have vanished, or are back.
    ///
    /// # Errors
    /// Where nothing was written.
    pub async fn mark_gone(
        &self,
        paths: Vec<PathBuf>,
        gone_at: Option<i64>,
    ) -> Result<(), MaintainError> {
        if paths.is_empty() {
            return Ok(());
        }
        self.exclusive(move |connection| {
            let transaction = connection.transaction()?;
            for path in &paths {
                transaction
                    .prepare_cached("UPDATE imported_files SET gone_at = ?2 WHERE path = ?1")?
                    .execute(params![path_bytes(path), gone_at])?;
            }
            transaction.commit()
        })
        .await
        .ok_or(MaintainError::Closing)?
        .map_err(MaintainError::from)
    }

    /// Returns what the archive holds of one file, or of every file: by file, edition and place.
    ///
    /// # Errors
    /// Where the store does not answer.
    pub async fn archived_chunks(
        &self,
        path: Option<PathBuf>,
    ) -> Result<Vec<ArchivedChunk>, ReadError> {
        let question = move |connection: &Connection| {
            let sql = "SELECT path, edition, start, bytes, hash, kept_at FROM archived_chunks \
                WHERE ?1 IS NULL OR path = ?1 ORDER BY path, edition, start";
            let path = path.as_deref().map(path_bytes);
            let mut statement = connection.prepare_cached(sql)?;
            statement.query_map([path], archived_chunk)?.collect()
        };
        self.readers().ask(question).await
    }

    /// Remembers what was put into the archive, all or nothing.
    ///
    /// # Errors
    /// Where nothing was written.
    pub async fn write_archived(&self, chunks: Vec<ArchivedChunk>) -> Result<(), MaintainError> {
        self.exclusive(move |connection| {
            let transaction = connection.transaction()?;
            for chunk in &chunks {
                transaction
                    .prepare_cached(
                        "INSERT OR REPLACE INTO archived_chunks \
                         (path, edition, start, bytes, hash, kept_at) \
                         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                    )?
                    .execute(params![
                        path_bytes(&chunk.path),
                        signed(chunk.edition),
                        signed(chunk.start),
                        signed(chunk.bytes),
                        chunk.hash,
                        chunk.kept_at,
                    ])?;
            }
            transaction.commit()
        })
        .await
        .ok_or(MaintainError::Closing)?
        .map_err(MaintainError::from)
    }

    /// Forgets the editions of a file before this one. Returns the hashes that nothing refers to
    /// any more.
    ///
    /// # Errors
    /// Where nothing was written.
    pub async fn forget_editions(
        &self,
        path: PathBuf,
        before: u64,
    ) -> Result<Vec<String>, MaintainError> {
        self.exclusive(move |connection| {
            let transaction = connection.transaction()?;
            let of_file = params![path_bytes(&path), signed(before)];
            let hashes: Vec<String> = transaction
                .prepare("SELECT hash FROM archived_chunks WHERE path = ?1 AND edition < ?2")?
                .query_map(of_file, |row| row.get(0))?
                .collect::<rusqlite::Result<_>>()?;
            let forget = "DELETE FROM archived_chunks WHERE path = ?1 AND edition < ?2";
            transaction.execute(forget, of_file)?;
            let mut unused = Vec::new();
            for hash in hashes {
                let used = "SELECT EXISTS (SELECT 1 FROM archived_chunks WHERE hash = ?1)";
                if !transaction.query_row(used, [&hash], |row| row.get::<_, bool>(0))? {
                    unused.push(hash);
                }
            }
            transaction.commit()?;
            Ok::<_, rusqlite::Error>(unused)
        })
        .await
        .ok_or(MaintainError::Closing)?
        .map_err(MaintainError::from)
    }
}

fn write_file(connection: &Connection, file: &ImportedFile) -> rusqlite::Result<()> {
    let (seen, counts) = (file.seen, file.counts);
    connection
        .prepare_cached(
            "INSERT INTO imported_files (path, format, device, inode, bytes, mtime_ns, read_to, \
             fingerprint, lines, records, events, duplicates, bad, first_seen, read_at, gone_at, \
             fate, state) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, \
             ?18) \
             ON CONFLICT (path, format) DO UPDATE SET device = ?3, inode = ?4, bytes = ?5, \
             mtime_ns = ?6, read_to = ?7, fingerprint = ?8, lines = ?9, records = ?10, \
             events = ?11, duplicates = ?12, bad = ?13, read_at = ?15, gone_at = ?16, \
             fate = ?17, state = ?18",
        )?
        .execute(params![
            path_bytes(&file.path),
            file.format,
            seen.device.cast_signed(),
            seen.inode.cast_signed(),
            signed(seen.bytes),
            seen.mtime_ns,
            signed(file.read_to),
            file.fingerprint,
            signed(counts.lines),
            signed(counts.records),
            signed(counts.events),
            signed(counts.duplicates),
            signed(counts.bad),
            file.first_seen,
            file.read_at,
            file.gone_at,
            file.fate,
            file.state,
        ])?;
    Ok(())
}

fn imported_file(row: &Row<'_>) -> rusqlite::Result<ImportedFile> {
    Ok(ImportedFile {
        path: path_of(row.get(0)?),
        format: row.get(1)?,
        seen: FileSeen {
            device: row.get::<_, i64>(2)?.cast_unsigned(),
            inode: row.get::<_, i64>(3)?.cast_unsigned(),
            bytes: row.get(4)?,
            mtime_ns: row.get(5)?,
        },
        read_to: row.get(6)?,
        fingerprint: row.get(7)?,
        counts: ImportCounts {
            lines: row.get(8)?,
            records: row.get(9)?,
            events: row.get(10)?,
            duplicates: row.get(11)?,
            bad: row.get(12)?,
        },
        first_seen: row.get(13)?,
        read_at: row.get(14)?,
        gone_at: row.get(15)?,
        fate: row.get(16)?,
        state: row.get(17)?,
    })
}

fn archived_chunk(row: &Row<'_>) -> rusqlite::Result<ArchivedChunk> {
    Ok(ArchivedChunk {
        path: path_of(row.get(0)?),
        edition: row.get(1)?,
        start: row.get(2)?,
        bytes: row.get(3)?,
        hash: row.get(4)?,
        kept_at: row.get(5)?,
    })
}

/// What is larger than the largest number on disk is that number.
fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

#[cfg(unix)]
fn path_bytes(path: &Path) -> Vec<u8> {
    use std::os::unix::ffi::OsStrExt;
    path.as_os_str().as_bytes().to_vec()
}

#[cfg(not(unix))]
fn path_bytes(path: &Path) -> Vec<u8> {
    path.to_string_lossy().into_owned().into_bytes()
}

#[cfg(unix)]
fn path_of(bytes: Vec<u8>) -> PathBuf {
    use std::os::unix::ffi::OsStringExt;
    std::ffi::OsString::from_vec(bytes).into()
}

#[cfg(not(unix))]
fn path_of(bytes: Vec<u8>) -> PathBuf {
    String::from_utf8_lossy(&bytes).into_owned().into()
}
