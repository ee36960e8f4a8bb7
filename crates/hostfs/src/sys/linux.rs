//! Linux resolves a path beneath a folder by itself, whoever moves things meanwhile.

use std::fs::File;
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::os::unix::ffi::OsStringExt as _;
use std::path::PathBuf;
use std::sync::OnceLock;

use rustix::fs::{CWD, Mode, OFlags, ResolveFlags};
use rustix::io::Errno;

use super::{Folder, Found, Held};

/// How often it is tried again when somebody moves things on the way. Beyond it the caller hears `AGAIN`.
const TRIES: usize = 64;

/// What is mounted in the folder is not beneath it: it is another place, which nobody granted.
const BENEATH: ResolveFlags =
    ResolveFlags::BENEATH.union(ResolveFlags::NO_MAGICLINKS).union(ResolveFlags::NO_XDEV);

/// Returns whether this system can do it: its kernel may be too old, a sandbox may forbid the call, and
/// `/proc` may not be there.
pub(super) fn can(root: &OwnedFd) -> bool {
    beneath(root, ".", OFlags::DIRECTORY, BENEATH).is_ok_and(|fd| lies(&fd).is_ok())
}

pub(super) fn find(root: &OwnedFd, path: &str) -> Result<Found, Errno> {
    let (fd, real) = resolve(root, path, OFlags::empty())?;
    let stat = rustix::fs::fstat(&fd)?;
    Ok(Found { stat, real, held: Held::Itself(fd) })
}

pub(super) fn folder(root: &OwnedFd, path: &str) -> Result<Folder, Errno> {
    resolve(root, path, OFlags::DIRECTORY).map(|(fd, real)| Folder { fd, real })
}

pub(super) fn step(
    folder: &OwnedFd,
    name: &std::ffi::CStr,
    flags: OFlags,
) -> Result<OwnedFd, Errno> {
    let how = BENEATH | ResolveFlags::NO_SYMLINKS;
    rustix::fs::openat2(folder, name, flags, Mode::empty(), how)
}

/// Opens a file, where no link is on the way to it.
pub(super) fn open(root: &OwnedFd, path: &str, flags: OFlags) -> Result<File, Errno> {
    let how = BENEATH | ResolveFlags::NO_SYMLINKS;
    rustix::fs::openat2(root, path, flags, Mode::empty(), how).map(File::from)
}

/// Opens what a descriptor stands for, which cannot be swapped for anything else.
pub(super) fn reopen(fd: &OwnedFd, flags: OFlags) -> Result<File, Errno> {
    rustix::fs::openat(own_links()?, own_link(fd), flags, Mode::empty()).map(File::from)
}

/// Opens a path to find out about it and not to use it, so nothing happens to what is there.
fn resolve(root: &OwnedFd, path: &str, flags: OFlags) -> Result<(OwnedFd, String), Errno> {
    let path = if path.is_empty() { "." } else { path };
    // Mostly there is no link on the way, and then the path is what it says.
    match beneath(root, path, flags, BENEATH | ResolveFlags::NO_SYMLINKS) {
        Err(Errno::LOOP) => {}
        Ok(fd) => return Ok((fd, if path == "." { String::new() } else { path.to_owned() })),
        Err(error) => return Err(error),
    }
    let fd = beneath(root, path, flags, BENEATH)?;
    // Who moves the workspace itself between the two looks is waited for.
    for _ in 0..TRIES {
        let (top, here) = (lies(root)?, lies(&fd)?);
        if let Ok(real) = here.strip_prefix(&top) {
            let real = real.to_str().ok_or(Errno::ILSEQ)?;
            return Ok((fd, real.to_owned()));
        }
        if lies(root)? == top {
            // It was moved out after it was found.
            return Err(Errno::XDEV);
        }
    }
    Err(Errno::AGAIN)
}

fn beneath(root: &OwnedFd, path: &str, flags: OFlags, how: ResolveFlags) -> Result<OwnedFd, Errno> {
    let flags = flags | OFlags::PATH | OFlags::CLOEXEC;
    for _ in 0..TRIES {
        match rustix::fs::openat2(root, path, flags, Mode::empty(), how) {
            Err(Errno::AGAIN) => {}
            done => return done,
        }
    }
    Err(Errno::AGAIN)
}

/// Returns where something is now, as the system names it. What was removed has ` (deleted)` after its
/// name, and so is nowhere in the workspace that a rule about names would let through.
fn lies(fd: &OwnedFd) -> Result<PathBuf, Errno> {
    let path = rustix::fs::readlinkat(own_links()?, own_link(fd), Vec::new())?;
    Ok(PathBuf::from(std::ffi::OsString::from_vec(path.into_bytes())))
}

fn own_link(fd: &OwnedFd) -> String {
    fd.as_raw_fd().to_string()
}

/// The folder of this process's descriptors. It is opened once, since a process that gave up opening by
/// name alone uses it as well.
fn own_links() -> Result<&'static OwnedFd, Errno> {
    static LINKS: OnceLock<OwnedFd> = OnceLock::new();
    if let Some(links) = LINKS.get() {
        return Ok(links);
    }
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let links = rustix::fs::openat(CWD, "/proc/self/fd", flags, Mode::empty())?;
    Ok(LINKS.get_or_init(|| links))
}
