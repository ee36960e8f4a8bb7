//! The journal on disk: one SQLite file for each synced folder, in the program's own data.
//!
//! What was committed is on disk when the commit returns, all of it or nothing. The file belongs to one process
//! at a time. It can be thrown away: then both trees are compared as if they had never met, and no file of
//! either is touched for it.
#![forbid(unsafe_code)]

mod error;
mod form;
mod open;
mod write;

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rusqlite::{Connection, OptionalExtension, TransactionBehavior};

use crate::journal::{Journal, Saved, Write};
use crate::vfs::Fault;

pub use error::LedgerError;

/// The journal of one engine.
#[derive(Debug)]
pub struct Ledger {
    path: PathBuf,
    /// This start of the machine.
    boot: String,
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    connection: Connection,
    /// The start of the machine in which it was last written.
    boot: Option<String>,
}

impl Ledger {
    /// Opens a ledger, or makes one where none is. `boot` names this start of the machine.
    ///
    /// # Errors
    /// Where the file cannot be had, is not one of ours, of another version or broken, or another process has
    /// it.
    pub fn open(path: &Path, boot: &str) -> Result<Self, LedgerError> {
        let connection = open::open(path)?;
        let sql = "SELECT boot FROM head";
        let last = connection.query_row(sql, [], |row| row.get(0)).optional();
        let last = last.map_err(|source| LedgerError::of(path, source))?;
        Ok(Self {
            path: path.to_owned(),
            boot: boot.to_owned(),
            inner: Mutex::new(Inner { connection, boot: last }),
        })
    }

    /// Returns whether the last commit was made since the machine was started.
    #[must_use]
    pub fn is_same_boot(&self) -> bool {
        self.inner().boot.as_deref() == Some(&self.boot)
    }

    /// Returns what is noted under a name.
    ///
    /// # Errors
    /// Where the file cannot be read.
    pub fn about(&self, name: &str) -> Result<Option<String>, LedgerError> {
        let inner = self.inner();
        let sql = "SELECT value FROM about WHERE name = ?1";
        let read = || inner.connection.prepare_cached(sql)?.query_row([name], |row| row.get(0));
        read().optional().map_err(|source| self.failed(source))
    }

    /// Notes something under a name, in place of what was noted there. It is on disk when this returns.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub fn set_about(&self, name: &str, value: &str) -> Result<(), LedgerError> {
        let inner = self.inner();
        let sql = "INSERT OR REPLACE INTO about (name, value) VALUES (?1, ?2)";
        let write = || inner.connection.prepare_cached(sql)?.execute([name, value]);
        write().map(drop).map_err(|source| self.failed(source))
    }

    /// Writes all of it or nothing, and returns once it is on disk.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub fn write(&self, writes: &[Write]) -> Result<(), LedgerError> {
        let mut inner = self.inner();
        let boot = (inner.boot.as_deref() != Some(&self.boot)).then_some(self.boot.as_str());
        let mut commit = || {
            let behavior = TransactionBehavior::Immediate;
            let transaction = inner.connection.transaction_with_behavior(behavior)?;
            for one in writes {
                write::write(&transaction, one)?;
            }
            if let Some(boot) = boot {
                write::boot(&transaction, boot)?;
            }
            transaction.commit()
        };
        commit().map_err(|source| self.failed(source))?;
        if let Some(boot) = boot {
            inner.boot = Some(boot.to_owned());
        }
        Ok(())
    }

    /// Returns all that was written: operations in the order of their numbers, everything else in any order.
    ///
    /// # Errors
    /// Where the file cannot be read, or what it says is not what was written.
    pub fn read(&self) -> Result<Saved, LedgerError> {
        let heads =
            self.all("SELECT x'', body FROM head WHERE body IS NOT NULL", form::read_head)?;
        Ok(Saved {
            rows: self.all("SELECT path, body FROM node", form::read_row)?,
            ops: self.all("SELECT id, body FROM op ORDER BY id", form::read_op)?,
            kept: self.all("SELECT id, body FROM kept ORDER BY id", form::read_kept)?,
            conflicts: self
                .all("SELECT id, body FROM conflict ORDER BY id", form::read_conflict)?,
            head: heads.into_iter().next().unwrap_or_default(),
        })
    }

    fn all<T>(
        &self,
        sql: &str,
        read: impl Fn(&[u8], &[u8]) -> Option<T>,
    ) -> Result<Vec<T>, LedgerError> {
        let inner = self.inner();
        let all = || {
            let mut statement = inner.connection.prepare(sql)?;
            let mut rows = statement.query([])?;
            let mut all = Vec::new();
            while let Some(row) = rows.next()? {
                // What is of another type was not written here.
                let key = row.get_ref(0)?.as_bytes().unwrap_or_default();
                let body = row.get_ref(1)?.as_blob().unwrap_or_default();
                let Some(one) = read(key, body) else { return Ok(None) };
                all.push(one);
            }
            Ok(Some(all))
        };
        let all = all().map_err(|source| self.failed(source))?;
        all.ok_or_else(|| LedgerError::Broken { path: self.path.clone() })
    }

    fn failed(&self, source: rusqlite::Error) -> LedgerError {
        LedgerError::of(&self.path, source)
    }

    /// A thread that panicked here left no half transaction behind: dropping one undoes it.
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Journal for Ledger {
    fn commit(&self, writes: &[Write]) -> Result<(), Fault> {
        self.write(writes).map_err(|error| error.fault())
    }

    fn load(&self) -> Result<Saved, Fault> {
        self.read().map_err(|error| error.fault())
    }
}
