//! What only the operating system can tell: modes, room, limits. Owners, processes and files that
//! are believed are the launcher's.

use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
pub(crate) use oriel_launcher::platform::{make_private_dir, read_private};
use rustix::process::Resource;

/// Makes every file that this process creates from now on its owner's alone. Returns the umask before.
pub(crate) fn create_only_private_files() -> u32 {
    create_files_with(0o077)
}

/// Makes files from now on with this umask. Returns the one before.
pub(crate) fn create_files_with(umask: u32) -> u32 {
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(umask)).as_raw_mode()
}

/// Returns this program, by a path that holds from anywhere.
pub(crate) fn program() -> anyhow::Result<String> {
    let path = program_file().context("cannot tell where this program is")?;
    let path = path.to_str().context("the path of this program is not valid UTF-8")?;
    Ok(path.to_owned())
}

/// Returns the permission bits of a file or folder.
pub(crate) fn mode(path: &Path) -> io::Result<u32> {
    Ok(std::fs::symlink_metadata(path)?.mode() & 0o7777)
}

/// Returns the file of this program.
pub(crate) fn program_file() -> io::Result<PathBuf> {
    std::env::current_exe()
}

/// Puts the program anew in the place of this process, with the same arguments and environment and
/// as the same process. Files and sockets of this one are closed. Returns only where it cannot.
pub(crate) fn start_again(program: &Path) -> io::Error {
    let mut arguments = std::env::args_os();
    let mut command = std::process::Command::new(program);
    if let Some(name) = arguments.next() {
        command.arg0(name);
    }
    let error = command.args(arguments).exec();
    io::Error::new(error.kind(), format!("{}: {error}", program.display()))
}

/// Returns the bytes that may still be written to the file system of a path.
pub(crate) fn free_bytes(path: &Path) -> io::Result<u64> {
    let about = rustix::fs::statvfs(path)?;
    Ok(about.f_bavail.saturating_mul(about.f_frsize))
}

/// Returns how many files a process may have open; `None` is no limit.
pub(crate) fn open_files_max() -> Option<u64> {
    rustix::process::getrlimit(Resource::Nofile).current
}
