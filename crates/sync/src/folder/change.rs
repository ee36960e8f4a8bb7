//! Changing what is in the folder. New things are made in sync's own place and are moved into the tree as a
//! whole, or trade places with what is there.

use std::fs::File;

use rustix::fs::{AtFlags, Mode, OFlags, RenameFlags};
use rustix::io::Errno;

use super::read::Spot;
use super::{Folder, Means, fault, links};
use crate::op::OpId;
use crate::vfs::{Fault, Place};

/// What programs ask for when they make a file, or one that may be run: the umask decides about the rest.
/// Any other mode is meant as it is.
const PLAIN: [u32; 2] = [0o666, 0o777];

impl Folder {
    pub(super) fn make_part(&self, part: OpId, mode: u32) -> Result<File, Fault> {
        self.own.discard_part(part)?;
        let spot = self.spot(Place::Part(part))?;
        let wanted = if PLAIN.contains(&mode) { mode & !self.umask } else { mode & 0o777 };
        let flags =
            OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = fault::retried(|| {
            rustix::fs::openat(&spot.folder, &*spot.name, flags, Mode::from_raw_mode(wanted))
        })?;
        if self.process_umask.is_none_or(|umask| wanted & umask != 0) {
            rustix::fs::fchmod(&file, Mode::from_raw_mode(wanted)).map_err(fault::of)?;
        }
        Ok(file.into())
    }

    pub(super) fn make_link_part(&self, part: OpId, target: &str) -> Result<(), Fault> {
        self.own.discard_part(part)?;
        let spot = self.spot(Place::Part(part))?;
        rustix::fs::symlinkat(target, &spot.folder, &*spot.name).map_err(fault::of)
    }

    pub(super) fn make_folder(&self, at: Place<'_>) -> Result<(), Fault> {
        if let Place::Part(part) = at {
            self.own.discard_part(part)?;
        }
        let spot = self.spot(at)?;
        let wanted = Mode::from_raw_mode(0o777 & !self.umask);
        rustix::fs::mkdirat(&spot.folder, &*spot.name, wanted).map_err(fault::of)?;
        if self.process_umask.is_none_or(|umask| wanted.bits() & umask != 0) {
            // Somebody may have moved it away already; then the permissions are theirs to give.
            let _ = permit(&spot, wanted);
        }
        Ok(())
    }

    pub(super) fn move_new(&self, from: Place<'_>, to: Place<'_>) -> Result<(), Fault> {
        let (from, to) = (self.spot(from)?, self.spot(to)?);
        let moved = match self.means {
            Means::Exchange => rename(&from, &to, RenameFlags::NOREPLACE),
            Means::Links => links::move_new(&from, &to),
        };
        moved.map_err(fault::of)
    }

    pub(super) fn trade(&self, one: Place<'_>, other: Place<'_>) -> Result<(), Fault> {
        let (one, other) = (self.spot(one)?, self.spot(other)?);
        let traded = match self.means {
            Means::Exchange => rename(&one, &other, RenameFlags::EXCHANGE),
            Means::Links if one.is_own => links::trade(&other, &one),
            Means::Links => links::trade(&one, &other),
        };
        traded.map_err(fault::of)
    }

    pub(super) fn remove_folder(&self, at: Place<'_>) -> Result<(), Fault> {
        let spot = self.spot(at)?;
        match rustix::fs::unlinkat(&spot.folder, &*spot.name, AtFlags::REMOVEDIR) {
            // Its folder is one, so it is itself that is none.
            Err(Errno::NOTDIR) => Err(Fault::Exists),
            // Some systems say so of a folder that is not empty.
            Err(Errno::EXIST) => Err(Fault::NotEmpty),
            done => done.map_err(fault::of),
        }
    }
}

fn rename(from: &Spot<'_>, to: &Spot<'_>, flags: RenameFlags) -> Result<(), Errno> {
    rustix::fs::renameat_with(&from.folder, &*from.name, &to.folder, &*to.name, flags)
}

/// Sets the permissions of a folder that was made just now.
fn permit(spot: &Spot<'_>, wanted: Mode) -> Result<(), Errno> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let made = rustix::fs::openat(&spot.folder, &*spot.name, flags, Mode::empty())?;
    // What the folder above hands down, such as its group, stays.
    let kept = Mode::from_raw_mode(rustix::fs::fstat(&made)?.st_mode & 0o7000);
    rustix::fs::fchmod(&made, wanted | kept)
}
