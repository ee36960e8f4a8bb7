//! An open file for the engine, which reads and writes one element at a time.
//!
//! It reads ahead as long as it is read on and on, and holds back what is written in one piece. Either is
//! memory of this process: a call of the engine mostly copies a few bytes.

use std::io::{self, Read, Seek, SeekFrom, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use oriel_hostfs::Handle;
use oriel_wire::hostfs::{Head, Op};
use runmat_filesystem::{FileHandle, FsFileType, FsMetadata};

use super::{Provider, asking};

/// How much is read ahead at first. A script that jumps about reads little in vain.
const AHEAD_BYTES_MIN: usize = 4 * 1024;

/// How much is read ahead at most.
const AHEAD_BYTES_MAX: usize = 1024 * 1024;

/// How much is held back at most. Then it is written.
const BEHIND_BYTES_MAX: usize = 256 * 1024;

/// One open file and what of it is in memory.
#[derive(Debug)]
pub(super) struct Buffered {
    provider: Provider,
    handle: Handle,
    place: u64,
    /// What was read ahead, where it begins, and how much is read the next time.
    ahead: Vec<u8>,
    ahead_at: u64,
    ahead_bytes: usize,
    /// What was written and is held back, and where it begins.
    behind: Vec<u8>,
    behind_at: u64,
    /// Whether the system puts what is written to the end.
    is_append: bool,
    /// Whether we do, in a file that is read as well.
    goes_to_end: bool,
}

impl Buffered {
    pub(super) fn new(provider: Provider, handle: Handle, is_append: bool) -> Self {
        Self {
            provider,
            handle,
            place: 0,
            ahead: Vec::new(),
            ahead_at: 0,
            ahead_bytes: AHEAD_BYTES_MIN,
            behind: Vec::new(),
            behind_at: 0,
            is_append,
            goes_to_end: false,
        }
    }

    /// Puts what is written to the end of the file, whether or not the system does so itself.
    pub(super) fn appending(mut self, appends: bool) -> Self {
        self.goes_to_end = appends && !self.is_append;
        self
    }

    /// Returns how long the file is, with what is held back.
    pub(super) fn length(&mut self) -> io::Result<u64> {
        self.write_pending()?;
        Ok(self.ask(Op::Length)?.offset)
    }

    /// Reads all that is left.
    pub(super) fn read_rest(&mut self, into: &mut Vec<u8>) -> io::Result<()> {
        let mut piece = vec![0; AHEAD_BYTES_MAX];
        loop {
            let came = self.read(&mut piece)?;
            if came == 0 {
                return Ok(());
            }
            into.extend_from_slice(&piece[..came]);
        }
    }

    pub(super) fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if let Some(came) = self.read_ahead(into) {
            return Ok(came);
        }
        self.write_pending()?;
        if into.len() >= AHEAD_BYTES_MAX {
            let came = self.read_at(self.place, into)?;
            self.place += came as u64;
            return Ok(came);
        }
        // Who reads on where the last piece ended reads on and on; who jumped begins small again.
        let is_on = self.place == self.ahead_at + self.ahead.len() as u64;
        self.ahead_bytes = match is_on {
            true => (self.ahead_bytes * 2).min(AHEAD_BYTES_MAX),
            false => AHEAD_BYTES_MIN,
        };
        let mut ahead = std::mem::take(&mut self.ahead);
        ahead.resize(self.ahead_bytes.max(into.len()), 0);
        let came = self.read_at(self.place, &mut ahead)?;
        ahead.truncate(came);
        self.ahead = ahead;
        self.ahead_at = self.place;
        Ok(self.read_ahead(into).unwrap_or(0))
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.forget_ahead();
        let is_on = self.place == self.behind_at + self.behind.len() as u64;
        let is_full = self.behind.len() + bytes.len() > BEHIND_BYTES_MAX;
        if !self.behind.is_empty() && (!is_on || is_full) {
            self.write_pending()?;
        }
        if self.behind.is_empty() {
            if self.goes_to_end {
                self.place = self.ask(Op::Length)?.offset;
            }
            self.behind_at = self.place;
        }
        if bytes.len() > BEHIND_BYTES_MAX {
            self.place = self.write_at(self.place, bytes)?;
            return Ok(bytes.len());
        }
        self.behind.extend_from_slice(bytes);
        self.place += bytes.len() as u64;
        Ok(bytes.len())
    }

    /// Writes what is held back. What cannot be written is not tried again: a file with a hole is worse
    /// than one that ends early.
    pub(super) fn write_pending(&mut self) -> io::Result<()> {
        if self.behind.is_empty() {
            return Ok(());
        }
        let mut behind = std::mem::take(&mut self.behind);
        let written = self.write_at(self.behind_at, &behind);
        behind.clear();
        self.behind = behind;
        let end = written?;
        if self.is_append {
            self.place = end;
        }
        Ok(())
    }

    /// Writes what is held back, here and by the engine of files, so that other programs see it.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        self.write_pending()?;
        self.ask(Op::Flush).map(drop)
    }

    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let (from, by) = match to {
            SeekFrom::Start(place) => (place, 0),
            SeekFrom::Current(by) => (self.place, by),
            SeekFrom::End(by) => (self.length()?, by),
        };
        let place = from.checked_add_signed(by).ok_or_else(|| {
            io::Error::new(io::ErrorKind::InvalidInput, "a file begins at its beginning")
        })?;
        self.place = place;
        Ok(place)
    }

    fn read_ahead(&mut self, into: &mut [u8]) -> Option<usize> {
        let from = usize::try_from(self.place.checked_sub(self.ahead_at)?).ok()?;
        let rest = self.ahead.get(from..).filter(|rest| !rest.is_empty())?;
        let came = rest.len().min(into.len());
        into[..came].copy_from_slice(&rest[..came]);
        self.place += came as u64;
        Some(came)
    }

    fn forget_ahead(&mut self) {
        self.ahead.clear();
        self.ahead_at = self.place;
    }

    fn read_at(&self, place: u64, into: &mut [u8]) -> io::Result<usize> {
        let surface = &self.provider.0.surface;
        surface.read_at(self.handle, place, into).map_err(|error| asking::system(&error))
    }

    fn write_at(&self, place: u64, bytes: &[u8]) -> io::Result<u64> {
        let surface = &self.provider.0.surface;
        let mut end = place;
        for piece in bytes.chunks(AHEAD_BYTES_MAX) {
            let written = surface.write_at(self.handle, end, piece);
            end = written.map_err(|error| asking::system(&error))?;
        }
        Ok(end)
    }

    fn ask(&self, op: Op) -> io::Result<Head> {
        let head = Head { handle: self.handle.0, ..Head::of(op, 0) };
        asking::head(&self.provider.0.surface, head, &[]).map(|(head, _)| head)
    }
}

impl Drop for Buffered {
    fn drop(&mut self) {
        if let Err(error) = self.write_pending() {
            self.provider.late(&error.to_string());
        }
        if let Err(error) = self.provider.0.surface.close(self.handle) {
            self.provider.late(&error.to_string());
        }
    }
}

/// An open file as the engine holds it. The provider can reach it too, to write what it holds back.
#[derive(Debug)]
pub(super) struct Shared(pub(super) Arc<Mutex<Buffered>>);

impl Shared {
    fn file(&self) -> MutexGuard<'_, Buffered> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Read for Shared {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if into.is_empty() { Ok(0) } else { self.file().read(into) }
    }
}

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.is_empty() { Ok(0) } else { self.file().write(bytes) }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file().write_pending()
    }
}

impl Seek for Shared {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file().seek(to)
    }
}

#[async_trait(?Send)]
impl FileHandle for Shared {
    async fn metadata_async(&self) -> io::Result<FsMetadata> {
        let length = self.file().length()?;
        Ok(FsMetadata::new(FsFileType::File, length, None, false))
    }

    async fn flush_async(&mut self) -> io::Result<()> {
        self.file().flush()
    }

    async fn sync_all_async(&mut self) -> io::Result<()> {
        let mut file = self.file();
        file.write_pending()?;
        file.ask(Op::Sync).map(drop)
    }
}
