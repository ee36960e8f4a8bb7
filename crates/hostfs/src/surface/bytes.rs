//! What is done with an open file. Nothing is locked while the system works, and nothing moves a cursor:
//! any number of reads and writes on one handle run at the same time.

use std::fs::{File, TryLockError};
use std::io::{self, ErrorKind};
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use oriel_wire::hostfs::{Code, Mode, Open, PARTS_MAX, PAYLOAD_BYTES_MAX, Part, Stat};

use super::{Page, Surface, bad_handle, revoked};
use crate::error::{FileError, system};
use crate::handle::{Handle, Held, Late, Opened, Pen};
use crate::root::{Opening, renew};

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
            let error = FileError::new(Code::ReadOnly, why).about(&open.path);
            return Err(error.hint("open it to be written as well"));
        }
        let failed = |error: io::Error| system(&error, Some(&open.path));
        let generation = self.page.engine.grants.known_generation();
        // Nothing is made for a page that may not have it open.
        self.page.table().has_room(self.page.engine.limits.handles_max)?;
        let (grant, opening) = self.page.with_root(&open.workspace, |grant, root| {
            let opening = root.open_file(&open.path, open.mode, open.create)?;
            Ok((Arc::clone(grant), opening))
        })?;
        let engine = &self.page.engine;
        let Opening { file, id, mut stat } = opening;
        let node = engine.nodes.of(id);
        if node.pending.is_any() {
            engine.behind.flush(&node);
            renew(&mut stat, &file).map_err(failed)?;
        }
        if open.mode != Mode::Read {
            engine.attributes.change();
        }
        let opened = Arc::new(Opened {
            pen: Arc::new(Pen { file, late: Late::default() }),
            mode: open.mode,
            node,
            grant: Arc::clone(&grant),
            is_direct: AtomicBool::new(false),
            is_locked: AtomicBool::new(false),
        });
        let handle = self.page.insert(Held::File(Arc::clone(&opened)), &grant, generation)?;
        if open.truncate {
            // Nothing is emptied for a page that gets no handle of it.
            let emptied = self
                .page
                .cut(&opened, 0)
                .and_then(|()| renew(&mut stat, &opened.pen.file).map_err(failed));
            emptied.inspect_err(|_| {
                // Nobody learns of the handle, and nothing was written by it.
                let _ = self.close(handle);
            })?;
        }
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
            if opened.mode != Mode::Read {
                self.page.engine.attributes.somebody_writes_unseen();
            }
        }
        // Also what somebody puts into the queue at this very moment, which nobody sees in it yet.
        self.page.engine.behind.flush_whatever_is(&opened.node);
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
            return Err(FileError::new(Code::TooLarge, why).hint("write nearer to the beginning"));
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
            let why = format!("no file has {length} bytes");
            return Err(FileError::new(Code::TooLarge, why).hint("make it shorter"));
        }
        let engine = &self.page.engine;
        engine.behind.flush(&opened.node);
        // The file is not cut or grown after a write that is not in it.
        opened.pen.late.tell()?;
        self.page.cut(&opened, length)
    }

    /// Hands what was written to the system.
    ///
    /// # Errors
    /// Where the handle is none, or what was written did not reach the file.
    pub fn flush(&self, handle: Handle) -> Result<(), FileError> {
        let opened = self.page.file(handle)?;
        self.page.engine.behind.flush(&opened.node);
        opened.pen.late.tell()
    }

    /// Returns when what was written is on disk.
    ///
    /// # Errors
    /// Where the handle is none, or what was written did not reach the disk.
    pub fn sync(&self, handle: Handle) -> Result<(), FileError> {
        let opened = self.page.file(handle)?;
        self.page.engine.behind.flush(&opened.node);
        opened.pen.late.tell()?;
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
        self.page.notice_grants_often();
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
                return Err(FileError::new(Code::BadHandle, why).hint("ask it for changes"));
            }
            None => return Err(bad_handle()),
        };
        opened.pen.late.tell().map(|()| opened)
    }

    /// Makes a file so long, of which nobody holds anything behind.
    fn cut(&self, opened: &Opened, length: u64) -> Result<(), FileError> {
        self.engine.mapped.forget(&opened.node);
        self.engine.attributes.change();
        opened.pen.file.set_len(length).map_err(|error| system(&error, None))
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
