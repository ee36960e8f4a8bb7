//! What is sync's own in the folder: `.oriel`, with the marker that says which folder it is, the lock, and
//! the places where new things are made and old ones are kept.

use std::collections::HashSet;
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use oriel_wire::sync::{OWN_FOLDER, RootId};
use rustix::fs::{AtFlags, Dir, FlockOperation, Mode, OFlags};
use rustix::io::Errno;

use super::read::is_dots;
use super::{fault, links};
use crate::op::OpId;
use crate::vfs::Fault;

const MARKER: &str = "root-id";

/// The marker in another case, which only a file system that folds case finds.
pub(super) const MARKER_FOLDED: &str = "ROOT-ID";

/// How deep the folders in a slot may lie that are removed with it. Deeper ones stay, and are told.
const DEPTH_MAX: usize = 128;

/// That, held open.
#[derive(Debug)]
pub(super) struct Own {
    folder: OwnedFd,
    lock: OwnedFd,
    stage: OwnedFd,
    slots: OwnedFd,
    id: RootId,
}

/// Making it failed.
#[derive(Debug)]
pub(super) enum OwnError {
    /// Somebody else syncs the folder.
    InUse,
    /// The system will not.
    System(Errno),
}

impl From<Errno> for OwnError {
    fn from(error: Errno) -> Self {
        Self::System(error)
    }
}

impl Own {
    /// Opens it, and makes what is missing. `fresh` is the marker of a folder that has none.
    pub(super) fn open(root: BorrowedFd<'_>, fresh: RootId) -> Result<Self, OwnError> {
        let folder = private_folder(root, OWN_FOLDER)?;
        let sync = private_folder(folder.as_fd(), "sync")?;
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let lock = rustix::fs::openat(&sync, "lock", flags, private())?;
        match rustix::fs::flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            Err(Errno::WOULDBLOCK) => return Err(OwnError::InUse),
            locked => locked?,
        }
        if !is_there(folder.as_fd(), ".gitignore")? {
            write_whole(folder.as_fd(), ".gitignore", b"*\n")?;
        }
        let id = match read_marker(folder.as_fd()) {
            Some(id) => id,
            None => {
                write_whole(folder.as_fd(), MARKER, format!("{fresh}\n").as_bytes())?;
                fresh
            }
        };
        let stage = private_folder(sync.as_fd(), "stage")?;
        let slots = private_folder(sync.as_fd(), "slots")?;
        let own = Self { folder, lock, stage, slots, id };
        own.tidy()?;
        Ok(own)
    }

    pub(super) const fn id(&self) -> RootId {
        self.id
    }

    pub(super) fn folder(&self) -> BorrowedFd<'_> {
        self.folder.as_fd()
    }

    pub(super) fn lock(&self) -> BorrowedFd<'_> {
        self.lock.as_fd()
    }

    pub(super) fn stage(&self) -> &OwnedFd {
        &self.stage
    }

    pub(super) fn slots(&self) -> &OwnedFd {
        &self.slots
    }

    /// Returns whether all of it is where it was, with the marker.
    pub(super) fn is_whole(&self) -> bool {
        let is_named = |fd: &OwnedFd| rustix::fs::fstat(fd).is_ok_and(|stat| stat.st_nlink > 0);
        is_named(&self.stage)
            && is_named(&self.slots)
            && is_named(&self.folder)
            && read_marker(self.folder.as_fd()) == Some(self.id)
    }

    /// Removes what is in the slot and the part of an operation.
    pub(super) fn discard(&self, id: OpId) -> Result<(), Fault> {
        remove(self.slots.as_fd(), &id.to_string(), 0).map_err(fault::of)?;
        self.discard_part(id)
    }

    pub(super) fn discard_part(&self, id: OpId) -> Result<(), Fault> {
        remove(self.stage.as_fd(), &id.to_string(), 0).map_err(fault::of)
    }

    /// Removes what the last process did not finish making, and finishes what it did not finish moving.
    fn tidy(&self) -> Result<(), Errno> {
        for name in names(self.stage.as_fd())? {
            remove(self.stage.as_fd(), &name, 0)?;
        }
        let slots: HashSet<_> = names(self.slots.as_fd())?.into_iter().collect();
        for old in &slots {
            let Some(slot) = old.strip_suffix(links::OLD) else { continue };
            if slots.contains(slot) {
                // What is new has not replaced it, so it has its own name still.
                remove(self.slots.as_fd(), old, 0)?;
            } else {
                rustix::fs::renameat(&self.slots, &**old, &self.slots, slot)?;
            }
        }
        Ok(())
    }
}

/// Removes something with what is in it. That it is not there is fine.
pub(super) fn remove(folder: BorrowedFd<'_>, name: &str, depth: usize) -> Result<(), Errno> {
    match rustix::fs::unlinkat(folder, name, AtFlags::empty()) {
        Err(Errno::NOENT) => return Ok(()),
        // Which of the two says that it is a folder depends on the system.
        Err(Errno::ISDIR | Errno::PERM) if depth < DEPTH_MAX => {}
        done => return done,
    }
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let inner = match rustix::fs::openat(folder, name, flags, Mode::empty()) {
        // It is no folder, and may not be removed.
        Err(Errno::NOTDIR) => return Err(Errno::PERM),
        inner => inner?,
    };
    for entry in names(inner.as_fd())? {
        remove(inner.as_fd(), &entry, depth + 1)?;
    }
    rustix::fs::unlinkat(folder, name, AtFlags::REMOVEDIR)
}

/// Returns the names in a folder. One that is not Unicode is not sync's own, and is left.
fn names(folder: BorrowedFd<'_>) -> Result<Vec<String>, Errno> {
    let mut names = Vec::new();
    for entry in Dir::read_from(folder)? {
        let entry = entry?;
        if !is_dots(entry.file_name())
            && let Ok(name) = entry.file_name().to_str()
        {
            names.push(name.to_owned());
        }
    }
    Ok(names)
}

/// Opens a folder of our own, which is made where it is missing and which nobody else may enter.
fn private_folder(parent: BorrowedFd<'_>, name: &str) -> Result<OwnedFd, Errno> {
    match rustix::fs::mkdirat(parent, name, Mode::RWXU) {
        Err(Errno::EXIST) => {}
        made => made?,
    }
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let folder = rustix::fs::openat(parent, name, flags, Mode::empty())?;
    let stat = rustix::fs::fstat(&folder)?;
    if stat.st_dev != rustix::fs::fstat(parent)?.st_dev {
        return Err(Errno::XDEV);
    }
    if stat.st_mode & 0o077 != 0 {
        // What the folder above hands down, such as its group, stays.
        let kept = Mode::from_raw_mode(stat.st_mode & 0o7000);
        rustix::fs::fchmod(&folder, Mode::RWXU | kept)?;
    }
    Ok(folder)
}

fn private() -> Mode {
    Mode::RUSR | Mode::WUSR
}

fn is_there(folder: BorrowedFd<'_>, name: &str) -> Result<bool, Errno> {
    match rustix::fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(_) => Ok(true),
        Err(Errno::NOENT) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Writes a file of our own, so that it is whole or not there.
fn write_whole(folder: BorrowedFd<'_>, name: &str, bytes: &[u8]) -> Result<(), Errno> {
    let draft = format!("{name}.new");
    remove(folder, &draft, 0)?;
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = rustix::fs::openat(folder, &*draft, flags, private())?;
    let written = File::from(file.try_clone().map_err(|_| Errno::IO)?).write_all(bytes);
    written.map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::IO))?;
    rustix::fs::fsync(&file)?;
    rustix::fs::renameat(folder, &*draft, folder, name)?;
    rustix::fs::fsync(folder)
}

/// Returns the marker, where there is one that can be read.
fn read_marker(folder: BorrowedFd<'_>) -> Option<RootId> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = rustix::fs::openat(folder, MARKER, flags, Mode::empty()).ok()?;
    let mut text = String::new();
    // The marker, an end of line, and one more byte that shows that it is something else.
    File::from(file).take(34).read_to_string(&mut text).ok()?;
    parse(text.trim_end())
}

fn parse(text: &str) -> Option<RootId> {
    let digits: &[u8; 32] = text.as_bytes().try_into().ok()?;
    let mut id = [0; 16];
    for (byte, pair) in id.iter_mut().zip(digits.chunks_exact(2)) {
        let pair = std::str::from_utf8(pair).ok()?;
        *byte = u8::from_str_radix(pair, 16).ok()?;
    }
    let id = RootId(id);
    // It has one form.
    (id.to_string() == text).then_some(id)
}
