//! Opening a file: only a file, and nothing happens to it before it is known to be one that may be
//! opened so.

use std::fs::File;

use oriel_wire::hostfs::{Code, Create, Mode, Stat};
use rustix::fs::{AtFlags, CWD, FileType, Mode as Permissions, OFlags};
use rustix::io::Errno;

use super::{Root, TRIES, Use};
use crate::error::{FileError, resolving, system};
use crate::path::InnerPath;
use crate::sys::{self, Found, Id};

/// A file that was opened, and what was known of it then.
#[derive(Debug)]
pub(crate) struct Opening {
    pub(crate) file: File,
    pub(crate) id: Id,
    pub(crate) stat: Stat,
}

impl Root {
    /// Opens a file, and makes it where that is asked for.
    ///
    /// # Errors
    /// Where the path leads out, is kept from pages, or names no file, or the system will not.
    pub(crate) fn open_file(
        &self,
        path: &str,
        mode: Mode,
        create: Create,
    ) -> Result<Opening, FileError> {
        let writes = mode != Mode::Read;
        let what_for = if writes || create != Create::Never { Use::Write } else { Use::Read };
        let inner = self.check(path, what_for)?;
        let plain = (create != Create::Must).then(|| self.open_plain(inner, mode)).flatten();
        if let Some(opening) = plain {
            return Ok(opening);
        }
        self.still_there()?;
        let (file, real) = self.find_and_open(inner, mode, create)?;
        let stat = rustix::fs::fstat(&file).map_err(|error| system(&error.into(), Some(path)))?;
        let (id, stat) = (Id::of(&stat), self.stat_of(&stat, &real));
        Ok(Opening { file, id, stat })
    }

    /// Opens what is most often there: a file that lies in the folder as its path says, without a link,
    /// while the folder lies where it was granted. That is seen by one look from outside and one opening
    /// from inside, which have to be of one file. Whatever else it is, there is nothing here, and who
    /// looks more closely finds out; nothing but a file was opened meanwhile, unless somebody puts
    /// something else there at this moment, and then that is closed again.
    fn open_plain(&self, path: InnerPath<'_>, mode: Mode) -> Option<Opening> {
        let what_for = if mode == Mode::Read { Use::Read } else { Use::Write };
        self.guard(path.as_str(), path, what_for).ok()?;
        let seen = self.path.join(path.as_str());
        let seen = rustix::fs::statat(CWD, &seen, AtFlags::SYMLINK_NOFOLLOW).ok()?;
        if FileType::from_raw_mode(seen.st_mode) != FileType::RegularFile {
            return None;
        }
        let file = self.base.open_at_once(path.as_str(), flags_of(mode))?;
        let stat = rustix::fs::fstat(&file).ok()?;
        let has_other_name = mode != Mode::Read && stat.st_nlink > 1;
        if Id::of(&stat) != Id::of(&seen) || has_other_name {
            return None;
        }
        let (id, stat) = (Id::of(&stat), self.stat_of(&stat, path.as_str()));
        Some(Opening { file, id, stat })
    }

    /// Opens a file wherever links in the folder lead, or makes it, and says where it really is.
    fn find_and_open(
        &self,
        path: InnerPath<'_>,
        mode: Mode,
        create: Create,
    ) -> Result<(File, String), FileError> {
        let writes = mode != Mode::Read;
        for _ in 0..TRIES {
            match self.base.find(path.as_str()) {
                Ok(_) if create == Create::Must => return Err(exists(path)),
                Ok(found) => {
                    self.guard(&found.real, path, Use::Read)?;
                    self.guard(&found.real, path, if writes { Use::Write } else { Use::Read })?;
                    if let Some(file) = open_found(&found, path, mode)? {
                        return Ok((file, found.real));
                    }
                }
                Err(Errno::NOENT) if create != Create::Never => {
                    if let Some(made) = self.make_file(path, mode, create)? {
                        return Ok(made);
                    }
                }
                Err(error) => return Err(resolving(error, path.as_str())),
            }
        }
        Err(resolving(Errno::AGAIN, path.as_str()))
    }

    /// Makes a new file; nothing where somebody else made one at the same moment.
    fn make_file(
        &self,
        path: InnerPath<'_>,
        mode: Mode,
        create: Create,
    ) -> Result<Option<(File, String)>, FileError> {
        let place = self.place(path)?;
        self.guard(&place.real, path, Use::Write)?;
        let flags = flags_of(mode) | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW;
        let flags = flags | OFlags::CLOEXEC | OFlags::NOCTTY;
        let made = rustix::fs::openat(
            &place.folder.fd,
            place.name,
            flags,
            Permissions::from_raw_mode(0o666),
        );
        match made {
            Ok(fd) => {
                self.made.file(&fd, &place.folder.fd);
                Ok(Some((fd.into(), place.real)))
            }
            Err(Errno::EXIST) if create == Create::Must => Err(exists(path)),
            Err(Errno::EXIST) => {
                let there = sys::look(&place.folder.fd, place.name);
                let is_link = there
                    .is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::Symlink);
                if is_link && self.base.find(path.as_str()).is_err() {
                    let why = format!("`{}` is a link that leads to nothing", path.as_str());
                    let error = FileError::new(Code::NotFound, why).about(path.as_str());
                    return Err(error.hint("remove the link first"));
                }
                Ok(None)
            }
            Err(error) => Err(system(&error.into(), Some(path.as_str()))),
        }
    }
}

/// Opens what was found; nothing where something else is there by now.
fn open_found(found: &Found, path: InnerPath<'_>, mode: Mode) -> Result<Option<File>, FileError> {
    only_files(found.kind(), path)?;
    if mode != Mode::Read && found.stat.st_nlink > 1 {
        let why = format!("`{}` has another name, which may be outside the folder", path.as_str());
        let error = FileError::new(Code::Denied, why).about(path.as_str());
        return Err(error.hint("replace the file as a whole, which leaves the other name as it is"));
    }
    match found.open(flags_of(mode)) {
        Ok(file) => Ok(Some(file)),
        Err(Errno::AGAIN) => Ok(None),
        Err(error) => Err(system(&error.into(), Some(path.as_str()))),
    }
}

/// Refuses what is no file. Some other things wait for somebody when they are opened, and some do things.
pub(super) fn only_files(kind: FileType, path: InnerPath<'_>) -> Result<(), FileError> {
    let what = match kind {
        FileType::RegularFile => return Ok(()),
        FileType::Directory => "is a folder and no file",
        FileType::Symlink => "is a link that somebody put there just now",
        _ => "is a pipe, a socket or a device, and is never opened",
    };
    let why = format!("`{}` {what}", path.as_str());
    let error = FileError::new(Code::NotAFile, why).about(path.as_str());
    Err(error.hint("name a file, or see what is there with another program"))
}

pub(super) fn exists(path: InnerPath<'_>) -> FileError {
    let why = format!("there is something at `{}` already", path.as_str());
    FileError::new(Code::Exists, why).about(path.as_str()).hint("choose another name")
}

fn flags_of(mode: Mode) -> OFlags {
    match mode {
        Mode::Read => OFlags::RDONLY,
        Mode::Write => OFlags::WRONLY,
        Mode::ReadWrite => OFlags::RDWR,
        Mode::Append => OFlags::WRONLY | OFlags::APPEND,
    }
}
