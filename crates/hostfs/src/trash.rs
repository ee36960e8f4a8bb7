//! The user's trash, by the rules that desktops share: the thing goes to `files`, and beside it `info` says
//! where it was and when it went.
//!
//! A thing is renamed from one folder that is held open to another, so it goes as a whole or not at all,
//! and nothing in it is read. That works on one disk only: the user's own trash takes what is on its disk, and
//! what is on another goes to the trash at the top of that one. Where neither can be had safely
//! (somebody else owns it, or it is a link), removing to the trash is refused, and nothing happens.

use std::fmt::Write as _;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, RenameFlags, Stat};
use rustix::io::Errno;

/// How many names are tried for one thing in the trash. Beyond it the caller hears that it exists.
const NAMES_TRIED_MAX: u32 = 10_000;

/// Trashed things have at most so much of their name, so that a number fits after it.
const NAME_BYTES_MAX: usize = 200;

/// Why nothing went to the trash.
#[derive(Debug)]
pub(crate) enum TrashError {
    /// There is no trash that could take it.
    None,
    /// The system failed.
    System(Errno),
}

impl From<Errno> for TrashError {
    fn from(error: Errno) -> Self {
        Self::System(error)
    }
}

/// Where things go, held open.
struct Trash {
    files: OwnedFd,
    info: OwnedFd,
    /// What the paths in it begin at; `/` for the user's own.
    top: PathBuf,
}

/// Moves something to the trash. `path` is where it is, for whoever wants it back.
pub(crate) fn put(
    home: Option<&Path>,
    folder: &OwnedFd,
    name: &str,
    path: &Path,
) -> Result<(), TrashError> {
    let stat = crate::sys::look(folder, name)?;
    let trash = choose(home, &stat, path)?;
    let told = path.strip_prefix(&trash.top).unwrap_or(path);
    let told = if trash.top == Path::new("/") { path } else { told };
    let short = &name[..name.floor_char_boundary(NAME_BYTES_MAX)];
    for number in 1..=NAMES_TRIED_MAX {
        let new = if number == 1 { short.to_owned() } else { format!("{short}.{number}") };
        let info = format!("{new}.trashinfo");
        match write_info(&trash.info, &info, told) {
            Err(Errno::EXIST) => continue,
            done => done?,
        }
        let moved =
            rustix::fs::renameat_with(folder, name, &trash.files, &new, RenameFlags::NOREPLACE);
        match moved {
            Ok(()) => return Ok(()),
            Err(error) => {
                // It says where nothing is; nobody needs it.
                let _ = rustix::fs::unlinkat(&trash.info, &info, AtFlags::empty());
                match error {
                    Errno::EXIST | Errno::NOTEMPTY => {}
                    Errno::XDEV | Errno::INVAL | Errno::NOSYS => return Err(TrashError::None),
                    error => return Err(error.into()),
                }
            }
        }
    }
    Err(Errno::EXIST.into())
}

fn choose(home: Option<&Path>, thing: &Stat, path: &Path) -> Result<Trash, TrashError> {
    if let Some(trash) = home.and_then(|home| own(home, thing.st_dev)) {
        return Ok(trash);
    }
    let top = top_of(path, thing.st_dev).ok_or(TrashError::None)?;
    let user = rustix::process::getuid().as_raw();
    let fd = open_folder(CWD, &top).map_err(|_| TrashError::None)?;
    if !rustix::fs::fstat(&fd).is_ok_and(|stat| stat.st_dev == thing.st_dev) {
        return Err(TrashError::None);
    }
    // An administrator made one for everybody, where nobody can remove another's folder.
    let shared = open_folder(&fd, ".Trash")
        .ok()
        .filter(|shared| rustix::fs::fstat(shared).is_ok_and(|stat| stat.st_mode & 0o1000 != 0));
    let ours = shared
        .and_then(|shared| private_folder(&shared, &user.to_string()).ok())
        .or_else(|| private_folder(&fd, &format!(".Trash-{user}")).ok());
    within(&ours.ok_or(TrashError::None)?, top).ok_or(TrashError::None)
}

/// Returns the user's own trash, where it is on that disk.
fn own(home: &Path, device: u64) -> Option<Trash> {
    let above = home.parent()?;
    let is_there = |path: &Path| std::fs::symlink_metadata(path).is_ok();
    // Nothing is made on a disk where the thing is not.
    let first = home.ancestors().find(|folder| is_there(folder))?;
    if rustix::fs::stat(first).ok()?.st_dev != device {
        return None;
    }
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(above).ok()?;
    let above = open_folder(CWD, above).ok()?;
    let trash = private_folder(&above, home.file_name()?.to_str()?).ok()?;
    let is_here = rustix::fs::fstat(&trash).ok()?.st_dev == device;
    is_here.then(|| within(&trash, PathBuf::from("/"))).flatten()
}

/// Returns the topmost folder above something that is on the same disk.
fn top_of(path: &Path, device: u64) -> Option<PathBuf> {
    let on_disk = |folder: &&Path| rustix::fs::lstat(*folder).is_ok_and(|s| s.st_dev == device);
    path.ancestors().skip(1).take_while(on_disk).last().map(Path::to_owned)
}

fn within(trash: &OwnedFd, top: PathBuf) -> Option<Trash> {
    let files = private_folder(trash, "files").ok()?;
    let info = private_folder(trash, "info").ok()?;
    Some(Trash { files, info, top })
}

/// Opens a folder that is the user's own, and makes it where it is not there. A link is none.
fn private_folder(folder: &OwnedFd, name: &str) -> Result<OwnedFd, Errno> {
    match rustix::fs::mkdirat(folder, name, Mode::RWXU) {
        Ok(()) | Err(Errno::EXIST) => {}
        Err(error) => return Err(error),
    }
    let opened = open_folder(folder, name)?;
    let stat = rustix::fs::fstat(&opened)?;
    let is_ours = stat.st_uid == rustix::process::geteuid().as_raw()
        && FileType::from_raw_mode(stat.st_mode) == FileType::Directory
        && stat.st_mode & 0o022 == 0;
    if is_ours { Ok(opened) } else { Err(Errno::ACCESS) }
}

fn open_folder(
    folder: impl std::os::fd::AsFd,
    name: impl rustix::path::Arg,
) -> Result<OwnedFd, Errno> {
    let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::RDONLY | OFlags::CLOEXEC;
    rustix::fs::openat(folder, name, flags, Mode::empty())
}

/// Says where a thing was. Who writes it has the name for their own.
fn write_info(info: &OwnedFd, name: &str, path: &Path) -> Result<(), Errno> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let fd = rustix::fs::openat(info, name, flags, Mode::RUSR | Mode::WUSR)?;
    // The file was made just now, so it knows what time it is.
    let stat = rustix::fs::fstat(&fd)?;
    let now = Timestamp::from_second(stat.st_mtime).unwrap_or_default();
    let now = now.to_zoned(TimeZone::system()).strftime("%Y-%m-%dT%H:%M:%S").to_string();
    let text = format!("[Trash Info]\nPath={}\nDeletionDate={now}\n", escaped(path));
    let written = std::io::Write::write_all(&mut std::fs::File::from(fd), text.as_bytes());
    written.map_err(|error| {
        // An empty one says nothing.
        let _ = rustix::fs::unlinkat(info, name, AtFlags::empty());
        Errno::from_io_error(&error).unwrap_or(Errno::IO)
    })
}

/// Writes a path as a URL has it.
fn escaped(path: &Path) -> String {
    let mut text = String::new();
    for &byte in path.as_os_str().as_bytes() {
        if byte.is_ascii_alphanumeric() || b"/-_.~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            // Writing into a string cannot fail.
            let _ = write!(text, "%{byte:02X}");
        }
    }
    text
}

#[cfg(test)]
mod tests;
