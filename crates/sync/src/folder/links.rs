//! Trading places where the file system cannot do it at once: what is replaced gets a second name in sync's
//! own place first, and then what is new is renamed over it.
//!
//! Readers find the old file or the new one. Who replaces the file as a whole in the one moment between the
//! last look and the rename is overwritten; everybody else is found in the slot.

use rustix::fs::{AtFlags, FileType, Mode};
use rustix::io::Errno;

use super::read::Spot;

/// How often it is tried again when somebody replaces the file meanwhile.
const TRIES: usize = 8;

/// What the second name of what is replaced ends in, until it is in the slot.
pub(super) const OLD: &str = ".old";

/// Moves something to where nothing is.
pub(super) fn move_new(from: &Spot<'_>, to: &Spot<'_>) -> Result<(), Errno> {
    let is_folder = is_folder(from)?;
    if is_folder || to.is_own {
        // Nobody else puts anything into sync's own place. In the tree at most an empty folder is
        // replaced by another folder.
        return match to.stat() {
            Ok(_) => Err(Errno::EXIST),
            Err(Errno::NOENT) => rename(from, to),
            Err(error) => Err(error),
        };
    }
    rustix::fs::linkat(&from.folder, &*from.name, &to.folder, &*to.name, AtFlags::empty())?;
    rustix::fs::unlinkat(&from.folder, &*from.name, AtFlags::empty())
}

/// Lets what is in the tree and what is in a slot trade places.
pub(super) fn trade(tree: &Spot<'_>, slot: &Spot<'_>) -> Result<(), Errno> {
    match (is_folder(tree)?, is_folder(slot)?) {
        (true, _) => trade_folder(tree, slot),
        // Between the two names there would be a moment without any, which a crash would make last.
        (false, true) => Err(Errno::PERM),
        (false, false) => trade_file(tree, slot),
    }
}

/// Only an empty folder is ever replaced, so a new one is as good as the old one.
fn trade_folder(tree: &Spot<'_>, slot: &Spot<'_>) -> Result<(), Errno> {
    let mode = Mode::from_raw_mode(tree.stat()?.st_mode & 0o777);
    rustix::fs::unlinkat(&tree.folder, &*tree.name, AtFlags::REMOVEDIR)?;
    move_new(slot, tree)?;
    rustix::fs::mkdirat(&slot.folder, &*slot.name, mode)
}

fn trade_file(tree: &Spot<'_>, slot: &Spot<'_>) -> Result<(), Errno> {
    let old = format!("{}{OLD}", slot.name);
    for _ in 0..TRIES {
        // One that an earlier try left is only another name of what is in the tree or was replaced there.
        let _ = rustix::fs::unlinkat(&slot.folder, &*old, AtFlags::empty());
        rustix::fs::linkat(&tree.folder, &*tree.name, &slot.folder, &*old, AtFlags::empty())?;
        let kept = rustix::fs::statat(&slot.folder, &*old, AtFlags::SYMLINK_NOFOLLOW)?;
        let now = tree.stat()?;
        if (kept.st_dev, kept.st_ino) == (now.st_dev, now.st_ino) {
            rename(slot, tree)?;
            return rustix::fs::renameat(&slot.folder, &*old, &slot.folder, &*slot.name);
        }
    }
    Err(Errno::BUSY)
}

fn rename(from: &Spot<'_>, to: &Spot<'_>) -> Result<(), Errno> {
    rustix::fs::renameat(&from.folder, &*from.name, &to.folder, &*to.name)
}

fn is_folder(spot: &Spot<'_>) -> Result<bool, Errno> {
    Ok(FileType::from_raw_mode(spot.stat()?.st_mode) == FileType::Directory)
}
