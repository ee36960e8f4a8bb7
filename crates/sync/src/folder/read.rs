//! Seeing what is in the folder. Only files are ever opened: opening a pipe waits for somebody, and opening a
//! device may do something.

use std::ffi::CStr;
use std::fs::File;
use std::os::fd::AsFd as _;

use oriel_wire::sync::{OWN_FOLDER, RelPath};
use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags};
use rustix::io::Errno;

use super::root::{Held, readable};
use super::{Folder, fault};
use crate::stat::Stat;
use crate::vfs::{Fault, Named, Place};

/// A name in a folder that is open.
#[derive(Debug)]
pub(super) struct Spot<'a> {
    pub(super) folder: Held<'a>,
    pub(super) name: String,
    pub(super) is_own: bool,
}

impl Spot<'_> {
    pub(super) fn stat(&self) -> Result<rustix::fs::Stat, Errno> {
        let flags = AtFlags::SYMLINK_NOFOLLOW | AtFlags::NO_AUTOMOUNT;
        rustix::fs::statat(&self.folder, &*self.name, flags)
    }

    pub(super) fn sync_names(&self) -> Result<(), Fault> {
        fault::retried(|| rustix::fs::fsync(readable(&self.folder)?))
    }
}

impl Folder {
    /// Fails unless the folder lies where it was chosen, with its marker and sync's own folders in it.
    pub(super) fn still_there(&self) -> Result<(), Fault> {
        let is_there = self.root.is_at(&self.path) && self.own.is_whole();
        if is_there { Ok(()) } else { Err(Fault::RootGone) }
    }

    pub(super) fn spot<'a>(&'a self, at: Place<'_>) -> Result<Spot<'a>, Fault> {
        Ok(match at {
            Place::Tree(path) => {
                let parent = path.parent();
                let folder = self.root.folder(parent.as_ref()).map_err(fault::of)?;
                Spot { folder, name: path.name_str().to_owned(), is_own: false }
            }
            Place::Slot(id) => Spot {
                folder: Held::Before(self.own.slots().as_fd()),
                name: id.to_string(),
                is_own: true,
            },
            Place::Part(id) => Spot {
                folder: Held::Before(self.own.stage().as_fd()),
                name: id.to_string(),
                is_own: true,
            },
        })
    }

    pub(super) fn stat_of(&self, at: Place<'_>) -> Result<Option<Stat>, Fault> {
        let spot = match self.spot(at) {
            Err(Fault::NotThere) => return Ok(None),
            spot => spot?,
        };
        match spot.stat() {
            // No file system that refuses a name has something of that name.
            Err(Errno::NOENT | Errno::NOTDIR | Errno::NAMETOOLONG | Errno::INVAL) => Ok(None),
            Err(error) => Err(fault::of(error)),
            Ok(_) if self.disk.folds_case && !spot.is_own && !is_listed(&spot)? => Ok(None),
            Ok(stat) => Ok(Some(self.root.stat(&stat))),
        }
    }

    pub(super) fn open_file(&self, at: Place<'_>) -> Result<File, Fault> {
        let spot = self.spot(at)?;
        let is_file = |stat: &rustix::fs::Stat| {
            FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile
        };
        if !is_file(&spot.stat().map_err(fault::of)?) {
            return Err(Fault::Io);
        }
        // It may be something else by now, so opening it waits for nobody and follows nothing.
        let flags =
            OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let file =
            fault::retried(|| rustix::fs::openat(&spot.folder, &*spot.name, flags, Mode::empty()))?;
        let stat = rustix::fs::fstat(&file).map_err(fault::of)?;
        if is_file(&stat) { Ok(file.into()) } else { Err(Fault::Io) }
    }

    pub(super) fn target_of(&self, at: Place<'_>) -> Result<Option<String>, Fault> {
        let spot = self.spot(at)?;
        match rustix::fs::readlinkat(&spot.folder, &*spot.name, Vec::new()) {
            Ok(target) => Ok(target.into_string().ok()),
            // It is no link.
            Err(Errno::INVAL) => Err(Fault::NotThere),
            Err(error) => Err(fault::of(error)),
        }
    }

    pub(super) fn names_in(&self, path: Option<&RelPath>) -> Result<Vec<Named>, Fault> {
        let folder = self.root.folder(path).map_err(fault::of)?;
        let folder = readable(&folder).map_err(fault::of)?;
        let mut found = Vec::new();
        for entry in Dir::read_from(&folder).map_err(fault::of)? {
            let entry = entry.map_err(fault::of)?;
            let name = entry.file_name();
            let is_own = path.is_none() && name.to_bytes() == OWN_FOLDER.as_bytes();
            if is_own || is_dots(name) {
                continue;
            }
            let flags = AtFlags::SYMLINK_NOFOLLOW | AtFlags::NO_AUTOMOUNT;
            match rustix::fs::statat(&folder, name, flags) {
                Ok(stat) => found.push(Named {
                    name: name.to_str().ok().map(str::to_owned),
                    stat: self.root.stat(&stat),
                }),
                // It went meanwhile.
                Err(Errno::NOENT) => {}
                Err(error) => return Err(fault::of(error)),
            }
        }
        Ok(found)
    }

    /// Brings what is at a place to disk on its own, as far as that goes.
    pub(super) fn secure_one(&self, at: Place<'_>) {
        if let Ok(file) = self.open_file(at) {
            // The caller cannot do more about a failure than go on.
            let _ = rustix::fs::fdatasync(&file);
        }
        if let Ok(spot) = self.spot(at) {
            // As above.
            let _ = spot.sync_names();
        }
    }
}

/// Returns whether a folder has exactly this name in it, where asking for the name is answered for another
/// case of it as well.
pub(super) fn is_listed(spot: &Spot<'_>) -> Result<bool, Fault> {
    let folder = readable(&spot.folder).map_err(fault::of)?;
    for entry in Dir::new(folder).map_err(fault::of)? {
        if entry.map_err(fault::of)?.file_name().to_bytes() == spot.name.as_bytes() {
            return Ok(true);
        }
    }
    Ok(false)
}

pub(super) fn is_dots(name: &CStr) -> bool {
    matches!(name.to_bytes(), b"." | b"..")
}
