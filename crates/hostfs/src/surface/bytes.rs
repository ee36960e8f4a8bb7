//! What is done with an open file. Nothing is locked while the system works, and nothing moves a cursor:
//! any number of reads and writes on one handle run at the same time.

use std::fs::{File, TryLockError};
use std::io::{self, ErrorKind};
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::UNIX_EPOCH;

use oriel_wire::hostfs::{
    Code, Kind, Mode, Open, PARTS_MAX, PAYLOAD_BYTES_MAX, Part, Stat, WorkspaceAccess,
};

use super::{Page, Surface, bad_handle, revoked};
use crate::error::{FileError, system};
use crate::handle::{Handle, Held, Late, Opened, Pen};

/// How an open file is locked among those who lock. The lock goes with the handle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lock {
    /// Nobody else has it.
    Exclusive,
    /// Others have it as well, and nobody has it exclusively.
    Shared,
    /// It is given back.
    Release,
}

impl Surface {
    /// Opens a file.
    ///
    /// # Errors
    /// Where the surface may not, or the system will not, or too much is open.
    pub fn open(&self, open: &Open) -> Result<(Handle, Stat), FileError> {
        if open.truncate && open.mode == Mode::Read {
            let why = "a file that is opened to be read is not emptied";
            return Err(FileError::new(Code::ReadOnly, why).about(&open.path));
        }
        let failed = |error: io::Error| system(&error, Some(&open.path));
        let generation = self.page.engine.grants.known_generation();
        let (grant, file) = self.page.with_root(&open.workspace, |grant, root| {
            // It is emptied below, once what was written to it earlier has arrived.
            let file = root.open_file(&open.path, open.mode, open.create, false)?;
            Ok((Arc::clone(grant), file))
        })?;
        let engine = &self.page.engine;
        let node = engine.nodes.of(&file).map_err(failed)?;
        engine.behind.flush(&node);
        if open.truncate {
            engine.mapped.forget(&node);
            file.set_len(0).map_err(failed)?;
        }
        if open.mode != Mode::Read {
            engine.attributes.change();
        }
        let stat = stat(&file, grant.access).map_err(failed)?;
        let opened = Opened {
            pen: Arc::new(Pen { file, late: Late::default() }),
            mode: open.mode,
            node,
            grant: Arc::clone(&grant),
            is_direct: AtomicBool::new(false),
            is_locked: AtomicBool::new(false),
        };
        let handle = self.page.insert(Held::File(Arc::new(opened)), &grant, generation)?;
        Ok((handle, stat))
    }

    /// Returns a descriptor of an open file, which the page's process may use with just the mode it was
    /// opened with. From now on until the handle is closed, nothing that is written to the file is held
    /// behind.
    ///
    /// # Errors
    /// Where there is no such handle, or the process has too many descriptors.
    pub fn descriptor(&self, handle: Handle) -> Result<OwnedFd, FileError> {
        let opened = self.page.file(handle)?;
        if !opened.is_direct.swap(true, Ordering::SeqCst) {
            opened.node.directs.fetch_add(1, Ordering::SeqCst);
        }
        self.page.engine.behind.flush(&opened.node);
        opened.pen.file.try_clone().map(OwnedFd::from).map_err(|error| system(&error, None))
    }

    /// Reads at a place, and returns how many bytes came: fewer than fit only at the end.
    ///
    /// # Errors
    /// Where the handle is none, the file was cut meanwhile, or the system fails.
    pub fn read_at(
        &self,
        handle: Handle,
        offset: u64,
        into: &mut [u8],
    ) -> Result<usize, FileError> {
        let opened = self.page.file(handle)?;
        self.page.read(&opened, offset, into)
    }

    /// Reads parts of files one after the other, adds what came to `into`, and returns how many bytes of
    /// each part came. Where one part fails, all do.
    ///
    /// # Errors
    /// As [`Self::read_at`] has, and where more is asked for than one message has.
    pub fn read_many(&self, parts: &[Part], into: &mut Vec<u8>) -> Result<Vec<u32>, FileError> {
        let wanted: u64 = parts.iter().map(|part| u64::from(part.length)).sum();
        if PARTS_MAX < parts.len() || u64::from(PAYLOAD_BYTES_MAX) < wanted {
            let why = format!(
                "{} parts of {wanted} bytes are more than {PARTS_MAX} of {PAYLOAD_BYTES_MAX}",
                parts.len()
            );
            return Err(FileError::new(Code::TooLarge, why).hint("ask for fewer at once"));
        }
        let mut lengths = Vec::with_capacity(parts.len());
        for part in parts {
            let start = into.len();
            into.resize(start + part.length as usize, 0);
            let came = self.read_at(Handle(part.handle), part.offset, &mut into[start..])?;
            into.truncate(start + came);
            lengths.push(u32::try_from(came).unwrap_or(part.length));
        }
        Ok(lengths)
    }

    /// Writes at a place, or at the end of a file that was opened to append, and returns where what was
    /// written ends. A short write may reach the file a little later; every read in this engine sees it
    /// at once.
    ///
    /// # Errors
    /// Where the handle is none or was opened to be read, the system fails, or an earlier write on the
    /// handle did not reach the file; then this one was not done.
    pub fn write_at(&self, handle: Handle, offset: u64, bytes: &[u8]) -> Result<u64, FileError> {
        let opened = self.page.file(handle)?;
        if opened.mode == Mode::Read {
            let why = "the file was opened to be read";
            return Err(FileError::new(Code::ReadOnly, why).hint("open it to be written as well"));
        }
        if !fits(offset, bytes.len()) {
            let why = format!("no file has {} bytes after byte {offset}", bytes.len());
            return Err(FileError::new(Code::TooLarge, why));
        }
        if bytes.is_empty() {
            return Ok(offset);
        }
        let engine = &self.page.engine;
        let end = engine.behind.write(&engine.keeper, &opened, offset, bytes)?;
        engine.attributes.change();
        Ok(end)
    }

    /// Returns how long an open file is.
    ///
    /// # Errors
    /// Where the handle is none, or the system fails.
    pub fn length(&self, handle: Handle) -> Result<u64, FileError> {
        let opened = self.page.file(handle)?;
        self.page.engine.behind.flush(&opened.node);
        let stat = opened.pen.file.metadata().map_err(|error| system(&error, None))?;
        Ok(stat.len())
    }

    /// Makes an open file so long.
    ///
    /// # Errors
    /// Where the handle is none or was opened to be read, or the system fails.
    pub fn set_length(&self, handle: Handle, length: u64) -> Result<(), FileError> {
        let opened = self.page.file(handle)?;
        if opened.mode == Mode::Read {
            let why = "the file was opened to be read";
            return Err(FileError::new(Code::ReadOnly, why).hint("open it to be written as well"));
        }
        if !fits(length, 0) {
            return Err(FileError::new(Code::TooLarge, format!("no file has {length} bytes")));
        }
        let engine = &self.page.engine;
        engine.behind.flush(&opened.node);
        engine.mapped.forget(&opened.node);
        engine.attributes.change();
        opened.pen.file.set_len(length).map_err(|error| system(&error, None))?;
        opened.pen.late.take().map_or(Ok(()), Err)
    }

    /// Hands what was written to the system.
    ///
    /// # Errors
    /// Where the handle is none, or what was written did not reach the file.
    pub fn flush(&self, handle: Handle) -> Result<(), FileError> {
        let opened = self.page.file(handle)?;
        self.page.engine.behind.flush(&opened.node);
        opened.pen.late.take().map_or(Ok(()), Err)
    }

    /// Returns when what was written is on disk.
    ///
    /// # Errors
    /// Where the handle is none, or what was written did not reach the disk.
    pub fn sync(&self, handle: Handle) -> Result<(), FileError> {
        let opened = self.page.file(handle)?;
        self.page.engine.behind.flush(&opened.node);
        opened.pen.late.take().map_or(Ok(()), Err)?;
        opened.pen.file.sync_data().map_err(|error| system(&error, None))
    }

    /// Locks or unlocks an open file among those who lock, here and in other programs; never waits.
    ///
    /// # Errors
    /// `Locked` where another handle has it, and where the handle is none.
    pub fn lock(&self, handle: Handle, lock: Lock) -> Result<(), FileError> {
        let opened = self.page.file(handle)?;
        let file = &opened.pen.file;
        let done = match lock {
            Lock::Exclusive => file.try_lock(),
            Lock::Shared => file.try_lock_shared(),
            Lock::Release => file.unlock().map_err(TryLockError::Error),
        };
        match done {
            Ok(()) => opened.is_locked.store(lock != Lock::Release, Ordering::SeqCst),
            Err(TryLockError::WouldBlock) => {
                let why = "another handle or program has the file locked";
                return Err(FileError::new(Code::Locked, why).hint("try again later"));
            }
            Err(TryLockError::Error(error)) => return Err(system(&error, None)),
        }
        Ok(())
    }

    /// Closes an open file or a watched folder. It is closed whatever is returned.
    ///
    /// # Errors
    /// Where there is no such handle, or what was written earlier did not reach the file.
    pub fn close(&self, handle: Handle) -> Result<(), FileError> {
        self.page.notice_grants();
        let gone = self.page.table_to_change().remove(handle);
        self.page.close(gone.ok_or_else(bad_handle)?)
    }
}

impl Page {
    /// Returns an open file, if nothing is to be told about it first.
    fn file(&self, handle: Handle) -> Result<Arc<Opened>, FileError> {
        self.notice_grants_often();
        let opened = match self.table().get(handle) {
            Some(Held::File(opened)) => Arc::clone(opened),
            Some(Held::Revoked) => return Err(revoked()),
            Some(Held::Watch(..)) => {
                let why = "the handle is of a watched folder and not of a file";
                return Err(FileError::new(Code::BadHandle, why));
            }
            None => return Err(bad_handle()),
        };
        opened.pen.late.take().map_or(Ok(opened), Err)
    }

    fn read(&self, opened: &Opened, offset: u64, into: &mut [u8]) -> Result<usize, FileError> {
        if matches!(opened.mode, Mode::Write | Mode::Append) {
            let why = "the file was opened to be written";
            return Err(FileError::new(Code::NotPermitted, why).hint("open it to be read as well"));
        }
        if !fits(offset, into.len()) {
            return Ok(0);
        }
        let file = &opened.pen.file;
        self.engine.behind.flush(&opened.node);
        if self.engine.mapped.read(&opened.node, file, offset, into)? {
            return Ok(into.len());
        }
        read_now(file, offset, into).map_err(|error| system(&error, None))
    }
}

/// Whether a file can have these bytes at all.
fn fits(offset: u64, length: usize) -> bool {
    offset.checked_add(length as u64).is_some_and(|end| i64::try_from(end).is_ok())
}

/// Reads until there is no more room or no more file.
fn read_now(file: &File, offset: u64, into: &mut [u8]) -> io::Result<usize> {
    let mut came = 0;
    while came < into.len() {
        match file.read_at(&mut into[came..], offset + came as u64) {
            Ok(0) => break,
            Ok(more) => came += more,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            // What was read is true; whoever reads on is told.
            Err(_) if came != 0 => break,
            Err(error) => return Err(error),
        }
    }
    Ok(came)
}

fn stat(file: &File, access: WorkspaceAccess) -> io::Result<Stat> {
    let known = file.metadata()?;
    let modified = known.modified().ok().and_then(|at| at.duration_since(UNIX_EPOCH).ok());
    Ok(Stat {
        kind: Kind::File,
        length: known.len(),
        modified_ms: modified.map_or(0.0, |since| since.as_secs_f64() * 1000.0),
        is_read_only: access == WorkspaceAccess::Read || known.permissions().readonly(),
    })
}
