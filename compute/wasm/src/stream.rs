//! An open file as RunMat has it: read, written and sought one after the other, one element a call.
//!
//! RunMat asks for each element of a file on its own. So what comes next is read ahead, and what is
//! written one after the other goes to the file together. A script sees no difference: bytes that were
//! written are read back, through this stream or another one of the same file.

use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// What is read at once where reading begins.
const AHEAD_BYTES_MIN: usize = 16 * 1024;

/// What is read at once of a file that is read one piece after the other. A longer read asks for its
/// bytes where they are wanted, and nothing ahead.
const AHEAD_BYTES_MAX: usize = 1024 * 1024;

/// What is written together. When so much waits, it is written; a longer write goes to the file itself.
const BEHIND_BYTES_MAX: usize = 1024 * 1024;

/// The bytes of an open file.
pub(crate) trait Bytes {
    /// Reads at a place. Nothing comes only at the end of the file.
    fn read_at(&mut self, offset: u64, into: &mut [u8]) -> io::Result<usize>;

    /// Writes some of the bytes at a place, and returns how many.
    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<usize>;

    /// Returns how long the file is.
    fn length(&mut self) -> io::Result<u64>;
}

/// What a stream may do.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct May {
    pub(crate) read: bool,
    pub(crate) write: bool,
    /// Whether what is written goes to the end, wherever the stream is.
    pub(crate) append: bool,
}

/// An open file that is read and written one after the other.
#[derive(Debug)]
pub(crate) struct Stream<B> {
    pub(crate) bytes: B,
    may: May,
    /// Where the next byte is read or written.
    at: u64,
    /// Bytes from `ahead_at` on; only the first `ahead_length` are any.
    ahead: Vec<u8>,
    ahead_at: u64,
    ahead_length: usize,
    /// How much is read ahead the next time.
    window: usize,
    /// Bytes that are not in the file yet, for `behind_at`.
    behind: Vec<u8>,
    behind_at: u64,
    /// How often any stream of this file was written to, and what that was when bytes were read ahead.
    changes: Arc<AtomicU64>,
    seen: u64,
}

impl<B: Bytes> Stream<B> {
    /// Returns a stream at the beginning of a file. Every stream of the file has the same `changes`.
    pub(crate) fn new(bytes: B, may: May, changes: Arc<AtomicU64>) -> Self {
        Self {
            bytes,
            may,
            at: 0,
            ahead: Vec::new(),
            ahead_at: 0,
            ahead_length: 0,
            window: AHEAD_BYTES_MIN,
            behind: Vec::new(),
            behind_at: 0,
            changes,
            seen: 0,
        }
    }

    /// Returns what tells the other streams of the file that it changed.
    pub(crate) fn changes(&self) -> &Arc<AtomicU64> {
        &self.changes
    }

    /// Writes what waits. What cannot be written waits on, and the next call tries again.
    pub(crate) fn write_behind(&mut self) -> io::Result<()> {
        if self.behind.is_empty() {
            return Ok(());
        }
        if self.may.append {
            // Another one may have written to the end since.
            self.behind_at = self.bytes.length()?;
        }
        let mut done = 0;
        let outcome = loop {
            let rest = &self.behind[done..];
            if rest.is_empty() {
                break Ok(());
            }
            match self.bytes.write_at(self.behind_at + done as u64, rest) {
                Ok(0) => break Err(ErrorKind::WriteZero.into()),
                Ok(count) => done += count.min(rest.len()),
                Err(error) => break Err(error),
            }
        };
        // A write that came half-way is not done again: at the end of a file it would be there twice.
        self.behind.drain(..done);
        self.behind_at += done as u64;
        outcome
    }

    /// Returns how long the file is, with what waits to be written.
    pub(crate) fn length(&mut self) -> io::Result<u64> {
        let length = self.bytes.length()?;
        let waiting = self.behind.len() as u64;
        Ok(match (waiting, self.may.append) {
            (0, _) => length,
            (_, true) => length + waiting,
            (_, false) => length.max(self.behind_at + waiting),
        })
    }

    /// Copies what was read ahead; nothing where the stream is not there, or the file changed since.
    fn take_ahead(&mut self, into: &mut [u8]) -> usize {
        let Some(start) = self.at.checked_sub(self.ahead_at) else { return 0 };
        if start >= self.ahead_length as u64 || self.changes.load(Ordering::Relaxed) != self.seen {
            return 0;
        }
        let known = &self.ahead[start as usize..self.ahead_length];
        let count = known.len().min(into.len());
        into[..count].copy_from_slice(&known[..count]);
        self.at += count as u64;
        count
    }

    fn read_ahead(&mut self) -> io::Result<()> {
        let is_next = self.at == self.ahead_at + self.ahead_length as u64;
        let is_unchanged = self.changes.load(Ordering::Relaxed) == self.seen;
        if is_next && is_unchanged && self.ahead_length > 0 {
            self.window = (self.window * 4).min(AHEAD_BYTES_MAX);
        } else if self.ahead_length > 0 {
            // Whoever jumps, or reads what it writes, needs little of what follows.
            self.window = AHEAD_BYTES_MIN;
        }
        if self.ahead.len() < self.window {
            self.ahead.resize(self.window, 0);
        }
        self.ahead_length = 0;
        let came = self.bytes.read_at(self.at, &mut self.ahead[..self.window])?;
        // Reading may have made other streams write what waited, so this is looked at afterwards.
        self.seen = self.changes.load(Ordering::Relaxed);
        (self.ahead_at, self.ahead_length) = (self.at, came);
        Ok(())
    }
}

impl<B: Bytes> Read for Stream<B> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.take_ahead(into);
        if count > 0 || into.is_empty() {
            return Ok(count);
        }
        if !self.may.read {
            return Err(refused("the file is not open to be read"));
        }
        self.write_behind()?;
        if into.len() >= AHEAD_BYTES_MAX {
            let count = self.bytes.read_at(self.at, into)?;
            self.at += count as u64;
            return Ok(count);
        }
        self.read_ahead()?;
        Ok(self.take_ahead(into))
    }
}

impl<B: Bytes> Write for Stream<B> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if !self.may.write {
            return Err(refused("the file is not open to be written"));
        }
        if bytes.is_empty() {
            return Ok(0);
        }
        if self.may.append {
            self.at = self.length()?;
        }
        let is_next = self.at == self.behind_at + self.behind.len() as u64;
        if !is_next || self.behind.len() + bytes.len() > BEHIND_BYTES_MAX {
            self.write_behind()?;
        }
        if self.behind.is_empty() {
            self.behind_at = self.at;
        }
        let count = if bytes.len() > BEHIND_BYTES_MAX {
            self.bytes.write_at(self.at, bytes)?
        } else {
            self.behind.extend_from_slice(bytes);
            bytes.len()
        };
        self.at += count as u64;
        self.changes.fetch_add(1, Ordering::Relaxed);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.write_behind()
    }
}

impl<B: Bytes> Seek for Stream<B> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
            SeekFrom::End(by) => self.length()?.checked_add_signed(by),
        };
        // What was read ahead stays: a script asks for its place, and goes on where it was.
        self.at = at.ok_or_else(|| {
            io::Error::new(ErrorKind::InvalidInput, "there is nothing before a file's first byte")
        })?;
        Ok(self.at)
    }
}

fn refused(message: &str) -> io::Error {
    io::Error::new(ErrorKind::PermissionDenied, message)
}

#[cfg(test)]
mod tests;
