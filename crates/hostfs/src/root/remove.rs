//! Removing. A link goes and what it leads to stays; a folder goes with all in it, held open from level
//! to level, so that nothing can be put in its way.

use std::ffi::CString;
use std::os::fd::OwnedFd;

use oriel_wire::hostfs::Code;
use rustix::fs::{AtFlags, FileType};
use rustix::io::Errno;

use super::{Place, Root, Use};
use crate::error::{FileError, system};
use crate::path::{InnerPath, is_kept_from_writing, joined};
use crate::sys;
use crate::trash::{self, TrashError};

/// How many folders deep one is removed with all in it. Each level is held open meanwhile. What is deeper
/// is refused before anything is removed.
const DEPTH_MAX: usize = 128;

impl Root {
    /// Removes something, with `all` a folder and what is in it, with `trash` so that it can be had back.
    ///
    /// # Errors
    /// Where it is kept from pages or something in it is, a folder is not empty, or the system will not.
    pub(crate) fn remove(&self, path: &str, all: bool, trash: bool) -> Result<(), FileError> {
        let path = self.enter(path, Use::Write)?;
        let place = self.place(path)?;
        self.guard(&place.real, path, Use::Write)?;
        self.refuse_above_hidden(&place.real, path)?;
        let failed = |error: Errno| system(&error.into(), Some(path.as_str()));
        let stat = sys::look(&place.folder.fd, place.name).map_err(failed)?;
        let is_folder = FileType::from_raw_mode(stat.st_mode) == FileType::Directory;
        if trash {
            return self.to_trash(&place, path);
        }
        let flags = if is_folder { AtFlags::REMOVEDIR } else { AtFlags::empty() };
        match rustix::fs::unlinkat(&place.folder.fd, place.name, flags) {
            Err(Errno::NOTEMPTY | Errno::EXIST) if is_folder && all => {}
            done => return done.map_err(failed),
        }
        let name = CString::new(place.name).map_err(|_| failed(Errno::INVAL))?;
        let folder = self.step(&place.folder.fd, &name, path)?;
        self.look_through(&folder, &place.real, path, DEPTH_MAX)?;
        self.empty(&folder, &place.real, path, DEPTH_MAX)?;
        rustix::fs::unlinkat(&place.folder.fd, place.name, AtFlags::REMOVEDIR).map_err(failed)
    }

    /// What goes to the trash can be had back, so a folder goes there with whatever is in it.
    fn to_trash(&self, place: &Place<'_>, path: InnerPath<'_>) -> Result<(), FileError> {
        let was = self.path.join(&place.real);
        let put = trash::put(self.trash.as_deref(), &place.folder.fd, place.name, &was);
        put.map_err(|error| match error {
            TrashError::System(error) => system(&error.into(), Some(path.as_str())),
            TrashError::None => {
                let why = format!("there is no trash that could take `{}`", path.as_str());
                let error = FileError::new(Code::Unsupported, why).about(path.as_str());
                error.hint("remove it for good, or with the system's own file manager")
            }
        })
    }

    /// Refuses a folder where something in it stays, before anything is gone.
    fn look_through(
        &self,
        folder: &OwnedFd,
        real: &str,
        path: InnerPath<'_>,
        deeper: usize,
    ) -> Result<(), FileError> {
        for (name, is_folder) in inside(folder, path)? {
            let real = self.may_go(real, &name, path)?;
            if is_folder {
                let deeper = deeper.checked_sub(1).ok_or_else(|| too_deep(path))?;
                let inner = self.step(folder, &name, path)?;
                self.look_through(&inner, &real, path, deeper)?;
            }
        }
        Ok(())
    }

    fn empty(
        &self,
        folder: &OwnedFd,
        real: &str,
        path: InnerPath<'_>,
        deeper: usize,
    ) -> Result<(), FileError> {
        for (name, is_folder) in inside(folder, path)? {
            // It may have come after the first look.
            let real = self.may_go(real, &name, path)?;
            let flags = if is_folder { AtFlags::REMOVEDIR } else { AtFlags::empty() };
            if is_folder {
                let deeper = deeper.checked_sub(1).ok_or_else(|| too_deep(path))?;
                let inner = self.step(folder, &name, path)?;
                self.empty(&inner, &real, path, deeper)?;
            }
            match rustix::fs::unlinkat(folder, &name, flags) {
                // Somebody else was faster.
                Ok(()) | Err(Errno::NOENT) => {}
                Err(error) => return Err(system(&error.into(), Some(&real))),
            }
        }
        Ok(())
    }

    /// Refuses a name in a folder that is to go where it is kept from pages.
    fn may_go(
        &self,
        real: &str,
        name: &std::ffi::CStr,
        path: InnerPath<'_>,
    ) -> Result<String, FileError> {
        let name = name.to_string_lossy();
        if is_kept_from_writing(&name) {
            let why = format!("`{}` holds `{name}`, which pages do not remove", path.as_str());
            let error = FileError::new(Code::Denied, why).about(path.as_str());
            return Err(error.hint("remove the folder yourself, with another program"));
        }
        Ok(joined(real, &name))
    }

    fn step(
        &self,
        folder: &OwnedFd,
        name: &std::ffi::CStr,
        path: InnerPath<'_>,
    ) -> Result<OwnedFd, FileError> {
        self.base.step(folder, name).map_err(|error| match error {
            Errno::XDEV => {
                let why = format!("another disk is mounted in `{}`", path.as_str());
                let error = FileError::new(Code::Denied, why).about(path.as_str());
                error.hint("unmount it first")
            }
            // It was a folder a moment ago.
            Errno::LOOP | Errno::NOTDIR => system(&Errno::AGAIN.into(), Some(path.as_str())),
            error => system(&error.into(), Some(path.as_str())),
        })
    }
}

/// Returns the names in a folder, and which of them are folders.
fn inside(folder: &OwnedFd, path: InnerPath<'_>) -> Result<Vec<(CString, bool)>, FileError> {
    let failed = |error: Errno| system(&error.into(), Some(path.as_str()));
    let mut names = Vec::new();
    for entry in rustix::fs::Dir::read_from(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        if matches!(entry.file_name().to_bytes(), b"." | b"..") {
            continue;
        }
        let kind = match entry.file_type() {
            // Not every file system says so here.
            FileType::Unknown => {
                let stat = rustix::fs::statat(folder, entry.file_name(), AtFlags::SYMLINK_NOFOLLOW);
                FileType::from_raw_mode(stat.map_err(failed)?.st_mode)
            }
            kind => kind,
        };
        names.push((entry.file_name().to_owned(), kind == FileType::Directory));
    }
    Ok(names)
}

fn too_deep(path: InnerPath<'_>) -> FileError {
    let why = format!("`{}` is more than {DEPTH_MAX} folders deep", path.as_str());
    FileError::new(Code::TooLarge, why).about(path.as_str()).hint("remove inner folders first")
}
