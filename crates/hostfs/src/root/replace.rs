//! Putting a whole file in the place of another at once. Whoever reads sees the old file or the new one,
//! also after the process was killed or the machine lost its power.

use std::fs::File;
use std::io::Write as _;
use std::os::fd::OwnedFd;

use oriel_wire::hostfs::{Create, Stat};
use rustix::fs::{AtFlags, FileType, FlockOperation, Mode as Permissions, OFlags, RenameFlags};
use rustix::io::Errno;

use super::open::{exists, only_files};
use super::{Place, Root, TRIES, Use, keep};
use crate::error::{FileError, resolving, system};
use crate::path::InnerPath;
use crate::sys::{self, Id};

/// What the name of a file begins and ends with that is not in its place yet. Pages do not write such
/// names themselves.
const BEGIN: &str = ".oriel-";
const END: &str = ".part";

/// So many folders are remembered to have been swept. Beyond it all are forgotten, and swept again.
const SWEPT_MAX: usize = 1024;

impl Root {
    /// Puts a file with these bytes in the place of another. What a link leads to is replaced, and not
    /// the link. Of the old one it keeps what can be kept (`keep`).
    ///
    /// # Errors
    /// Where it is kept from pages or no file, or the system will not; then the old file is as it was.
    pub(crate) fn replace(
        &self,
        path: &str,
        create: Create,
        bytes: &[u8],
    ) -> Result<Stat, FileError> {
        let path = self.enter(path, Use::Write)?;
        for _ in 0..TRIES {
            let real = match self.base.find(path.as_str()) {
                Ok(_) if create == Create::Must => return Err(exists(path)),
                Ok(found) => {
                    self.guard(&found.real, path, Use::Write)?;
                    only_files(found.kind(), path)?;
                    found.real
                }
                Err(Errno::NOENT) if create != Create::Never => path.as_str().to_owned(),
                Err(error) => return Err(resolving(error, path.as_str())),
            };
            let Ok(inner) = InnerPath::parse(&real) else { continue };
            let place = self.place(inner)?;
            self.guard(&place.real, path, Use::Write)?;
            let old = match sys::look(&place.folder.fd, place.name) {
                Ok(stat) if FileType::from_raw_mode(stat.st_mode) == FileType::Symlink => {
                    if self.base.find(path.as_str()).is_err() {
                        return Err(resolving(Errno::NOENT, path.as_str()));
                    }
                    continue;
                }
                Ok(stat) => Some(stat),
                Err(Errno::NOENT) => None,
                Err(error) => return Err(system(&error.into(), Some(path.as_str()))),
            };
            if let Some(old) = &old {
                only_files(FileType::from_raw_mode(old.st_mode), path)?;
            }
            return self.put(&place, old.as_ref(), create, bytes).map_err(|error| match error {
                Errno::EXIST => exists(path),
                error => system(&error.into(), Some(path.as_str())),
            });
        }
        Err(resolving(Errno::AGAIN, path.as_str()))
    }

    fn put(
        &self,
        place: &Place<'_>,
        old: Option<&rustix::fs::Stat>,
        create: Create,
        bytes: &[u8],
    ) -> Result<Stat, Errno> {
        let folder = &place.folder.fd;
        let readable = sys::readable(folder)?;
        self.sweep(&readable)?;
        let (mut file, name) = new_part(folder, old)?;
        if old.is_none() {
            self.made.file(&file, folder);
        }
        let written = write(&mut file, bytes, |file| {
            old.map_or(Ok(()), |old| keep::take_over(file, old, folder, place.name))
        });
        let written = written.and_then(|()| {
            if create == Create::Must {
                into_free_place(folder, &name, place.name)
            } else {
                rustix::fs::renameat(folder, &name, folder, place.name)
            }
        });
        if let Err(error) = written {
            // It is of no use; where it cannot be removed, it is swept later.
            let _ = rustix::fs::unlinkat(folder, &name, AtFlags::empty());
            return Err(error);
        }
        rustix::fs::fsync(&readable)?;
        Ok(self.stat_of(&rustix::fs::fstat(&file)?, &place.real))
    }

    /// Removes what a killed process left here, the first time that something is replaced in a folder.
    fn sweep(&self, folder: &OwnedFd) -> Result<(), Errno> {
        let id = Id::of(&rustix::fs::fstat(folder)?);
        let mut swept = self.swept.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if swept.len() >= SWEPT_MAX {
            swept.clear();
        }
        if !swept.insert(id) {
            return Ok(());
        }
        drop(swept);
        for entry in rustix::fs::Dir::read_from(folder)? {
            let entry = entry?;
            let Ok(name) = entry.file_name().to_str() else { continue };
            if is_part(name)
                && let Some(locked) = abandoned(folder, name)
            {
                // Somebody else may sweep at the same time.
                let _ = rustix::fs::unlinkat(folder, name, AtFlags::empty());
                // Only now may its lock go: who made it a moment ago and locks it then sees that it is
                // gone.
                drop(locked);
            }
        }
        Ok(())
    }
}

/// Makes a file beside the one to replace, and locks it for as long as we are alive.
fn new_part(folder: &OwnedFd, old: Option<&rustix::fs::Stat>) -> Result<(File, String), Errno> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    // What replaces a private file is never open to anybody else, not for a moment.
    let permissions = Permissions::from_raw_mode(if old.is_some() { 0o600 } else { 0o666 });
    for _ in 0..TRIES {
        let number = getrandom::u64().map_err(|_| Errno::IO)?;
        let name = format!("{BEGIN}{number:016x}{END}");
        let fd = match rustix::fs::openat(folder, &name, flags, permissions) {
            Err(Errno::EXIST) => continue,
            opened => opened?,
        };
        // Who sweeps may have been faster with the lock, and then it is gone.
        match rustix::fs::flock(&fd, FlockOperation::NonBlockingLockExclusive) {
            Err(Errno::WOULDBLOCK) => continue,
            // A file system without locks has nobody who sweeps.
            Err(_) => return Ok((fd.into(), name)),
            Ok(()) if rustix::fs::fstat(&fd)?.st_nlink == 0 => continue,
            Ok(()) => return Ok((fd.into(), name)),
        }
    }
    Err(Errno::BUSY)
}

fn write(
    file: &mut File,
    bytes: &[u8],
    finish: impl FnOnce(&File) -> Result<(), Errno>,
) -> Result<(), Errno> {
    let errno = |error: std::io::Error| Errno::from_io_error(&error).unwrap_or(Errno::IO);
    file.write_all(bytes).map_err(errno)?;
    finish(file)?;
    file.sync_all().map_err(errno)
}

/// Gives a file its name where nothing has it.
fn into_free_place(folder: &OwnedFd, from: &str, to: &str) -> Result<(), Errno> {
    match rustix::fs::renameat_with(folder, from, folder, to, RenameFlags::NOREPLACE) {
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => {}
        done => return done,
    }
    rustix::fs::linkat(folder, from, folder, to, AtFlags::empty())?;
    rustix::fs::unlinkat(folder, from, AtFlags::empty())
}

/// Returns whether a name is of a file that is not in its place yet.
pub(crate) fn is_part(name: &str) -> bool {
    let number = name.strip_prefix(BEGIN).and_then(|rest| rest.strip_suffix(END));
    number.is_some_and(|number| {
        number.len() == 16 && number.bytes().all(|byte| byte.is_ascii_hexdigit())
    })
}

/// Returns it locked, where nobody writes it any more.
fn abandoned(folder: &OwnedFd, name: &str) -> Option<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let fd = rustix::fs::openat(folder, name, flags, Permissions::empty()).ok()?;
    let is_file = rustix::fs::fstat(&fd)
        .is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile);
    let is_ours =
        is_file && rustix::fs::flock(&fd, FlockOperation::NonBlockingLockExclusive).is_ok();
    is_ours.then_some(fd)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use oriel_wire::hostfs::WorkspaceAccess;

    use super::*;
    use crate::grants::{Grant, Grants};

    #[test]
    fn who_tidies_up_takes_nothing_from_who_has_just_begun() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().canonicalize().unwrap();
        let grant = Grant::new("g", "page", path, WorkspaceAccess::ReadWrite);
        let root = Root::open(&Grants::fixed(vec![grant]).of("page")[0]).unwrap();
        let held = sys::readable(&root.base.fd).unwrap();
        let is_over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    while !is_over.load(Ordering::Relaxed) {
                        root.swept.lock().unwrap().clear();
                        root.sweep(&held).unwrap();
                    }
                });
            }
            let mut lost = 0;
            for _ in 0..20_000 {
                let (file, name) = new_part(&held, None).unwrap();
                lost += u32::from(rustix::fs::unlinkat(&held, &name, AtFlags::empty()).is_err());
                drop(file);
            }
            is_over.store(true, Ordering::Relaxed);
            assert_eq!(lost, 0, "files went while they were written");
        });
    }
}
