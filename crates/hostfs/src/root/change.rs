//! Making folders and giving other names. The last part of a path is never followed here: it is the
//! name that changes, and not what it leads to.

use oriel_wire::hostfs::{Code, Stat};
use rustix::fs::{AtFlags, FileType, Mode as Permissions, RenameFlags};
use rustix::io::Errno;

use super::open::exists;
use super::{Place, Root, Use, is_beneath};
use crate::error::{FileError, resolving, system};
use crate::path::InnerPath;
use crate::sys;

impl Root {
    /// Makes a folder, and with `parents` those above it that are not there. With `parents`, one that is
    /// there is well.
    ///
    /// # Errors
    /// Where something is there, it is kept from pages, or the system will not.
    pub(crate) fn make_folder(&self, path: &str, parents: bool) -> Result<Stat, FileError> {
        let path = self.enter(path, Use::Write)?;
        if parents {
            for above in path.ways() {
                let made = self.make_one(above);
                let is_there = made.as_ref().is_err_and(|error| error.code == Code::Exists);
                if !is_there {
                    made?;
                }
            }
        } else {
            self.make_one(path)?;
        }
        let found =
            self.base.find(path.as_str()).map_err(|error| resolving(error, path.as_str()))?;
        if found.kind() != FileType::Directory {
            return Err(exists(path));
        }
        self.guard(&found.real, path, Use::Read)?;
        Ok(self.stat_of(&found.stat, &found.real))
    }

    fn make_one(&self, path: InnerPath<'_>) -> Result<(), FileError> {
        let place = self.place(path)?;
        // One that is there may be gone through, as long as nothing is made where nothing may be.
        if sys::look(&place.folder.fd, place.name).is_ok() {
            return Err(exists(path));
        }
        self.guard(&place.real, path, Use::Write)?;
        let permissions = Permissions::from_raw_mode(0o777);
        match rustix::fs::mkdirat(&place.folder.fd, place.name, permissions) {
            Ok(()) => {
                self.made.folder(place.name, &place.folder.fd);
                Ok(())
            }
            Err(Errno::EXIST) => Err(exists(path)),
            Err(error) => Err(system(&error.into(), Some(path.as_str()))),
        }
    }

    /// Gives something another name in the same workspace. A folder never takes another's place.
    ///
    /// # Errors
    /// Where something has that name and may not be replaced, either is kept from pages, or the system
    /// will not.
    pub(crate) fn rename(&self, from: &str, to: &str, replace: bool) -> Result<(), FileError> {
        let (from, to) = (self.enter(from, Use::Write)?, self.enter(to, Use::Write)?);
        let (old, new) = (self.place(from)?, self.place(to)?);
        self.guard(&old.real, from, Use::Write)?;
        self.guard(&new.real, to, Use::Write)?;
        self.refuse_above_hidden(&old.real, from)?;
        let stat = sys::look(&old.folder.fd, old.name)
            .map_err(|error| system(&error.into(), Some(from.as_str())))?;
        let is_folder = FileType::from_raw_mode(stat.st_mode) == FileType::Directory;
        if is_folder && old.real != new.real && is_beneath(&new.real, &old.real) {
            let why = format!("`{}` cannot be put into itself", from.as_str());
            let error = FileError::new(Code::BadName, why).about(to.as_str());
            return Err(error.hint("choose a place beside it"));
        }
        let done = if replace && !is_folder {
            rustix::fs::renameat(&old.folder.fd, old.name, &new.folder.fd, new.name)
        } else {
            rename_to_free(&old, &new, is_folder)
        };
        done.map_err(|error| match error {
            Errno::EXIST | Errno::NOTEMPTY => exists(to),
            Errno::XDEV => {
                let why = format!("`{}` is on another disk than `{}`", to.as_str(), from.as_str());
                let error = FileError::new(Code::Unsupported, why).about(to.as_str());
                error.hint("copy it there, then remove it here")
            }
            error => system(&error.into(), Some(from.as_str())),
        })
    }

    /// Refuses to move or remove a folder with a hidden one somewhere in it.
    pub(super) fn refuse_above_hidden(
        &self,
        real: &str,
        path: InnerPath<'_>,
    ) -> Result<(), FileError> {
        if !self.hides_beneath(real) {
            return Ok(());
        }
        let why = format!("`{}` holds a folder where Oriel keeps its own things", path.as_str());
        let error = FileError::new(Code::Denied, why).about(path.as_str());
        Err(error.hint("leave the folder where it is"))
    }
}

/// Gives another name where nothing has it yet.
fn rename_to_free(old: &Place<'_>, new: &Place<'_>, is_folder: bool) -> Result<(), Errno> {
    let (from, to) = (&old.folder.fd, &new.folder.fd);
    match rustix::fs::renameat_with(from, old.name, to, new.name, RenameFlags::NOREPLACE) {
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => {}
        done => return done,
    }
    // This file system cannot do it in one step. A second name is refused where there is one already, and
    // a folder takes the place of nothing but an empty one.
    if is_folder {
        if sys::look(to, new.name).is_ok() {
            return Err(Errno::EXIST);
        }
        return rustix::fs::renameat(from, old.name, to, new.name);
    }
    rustix::fs::linkat(from, old.name, to, new.name, AtFlags::empty())?;
    rustix::fs::unlinkat(from, old.name, AtFlags::empty())
}
