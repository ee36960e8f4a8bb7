//! What only the operating system can tell: owners, modes, processes, room.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;

use rustix::fs::OFlags;
use rustix::process::{Pid, Resource};

/// The largest file that is read whole.
const READ_BYTES_MAX: u64 = 64 * 1024;

/// Makes every file that this process creates from now on its owner's alone.
pub(crate) fn create_only_private_files() {
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
}

/// Why a file is not believed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DoubtError {
    #[error("it is a symbolic link")]
    Link,
    #[error("it is no plain file")]
    Kind,
    #[error("others can write it (mode {mode:04o}); run `chmod go-w` on it if you trust it")]
    Writable { mode: u32 },
    #[error("it belongs to user {owner} and its folder to user {folder}")]
    Owner { owner: u32, folder: u32 },
    #[error("it has more than 64 KiB")]
    Size,
    #[error(transparent)]
    Read(#[from] io::Error),
}

/// Reads a file that nobody but the owner of `folder` can have written.
pub(crate) fn read_private(path: &Path, folder: &Path) -> Result<String, DoubtError> {
    let file = open_without_links(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(DoubtError::Kind);
    }
    let mode = metadata.mode() & 0o7777;
    if mode & 0o022 != 0 {
        return Err(DoubtError::Writable { mode });
    }
    let (owner, folder) = (metadata.uid(), owner(folder)?);
    if owner != folder {
        return Err(DoubtError::Owner { owner, folder });
    }
    let mut text = String::new();
    file.take(READ_BYTES_MAX + 1).read_to_string(&mut text)?;
    if READ_BYTES_MAX < text.len() as u64 { Err(DoubtError::Size) } else { Ok(text) }
}

fn open_without_links(path: &Path) -> Result<File, DoubtError> {
    // A pipe in the file's place must not hold us up.
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let opened = OpenOptions::new().read(true).custom_flags(flags.bits().cast_signed()).open(path);
    opened.map_err(|error| match error.raw_os_error() {
        Some(code) if code == rustix::io::Errno::LOOP.raw_os_error() => DoubtError::Link,
        _ => DoubtError::Read(error),
    })
}

/// Returns the user that a file or folder belongs to.
pub(crate) fn owner(path: &Path) -> io::Result<u32> {
    Ok(std::fs::symlink_metadata(path)?.uid())
}

/// Returns the permission bits of a file or folder.
pub(crate) fn mode(path: &Path) -> io::Result<u32> {
    Ok(std::fs::symlink_metadata(path)?.mode() & 0o7777)
}

/// Makes a folder that only its owner can enter, and those above it as usual.
pub(crate) fn make_private_dir(path: &Path) -> io::Result<()> {
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent)?;
    }
    match DirBuilder::new().mode(0o700).create(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        made => made,
    }
}

/// Returns whether a process runs. One that has ended and only waits to be reaped does not.
pub(crate) fn process_runs(pid: u32) -> bool {
    let Some(known) = i32::try_from(pid).ok().and_then(Pid::from_raw) else { return false };
    match rustix::process::test_kill_process(known) {
        Ok(()) => !is_zombie(pid),
        // It is there and belongs to somebody else.
        Err(rustix::io::Errno::PERM) => true,
        Err(_) => false,
    }
}

fn is_zombie(pid: u32) -> bool {
    // Where there is no such file, a process that can be signalled is taken to run.
    let Ok(stat) = std::fs::read_to_string(format!("/proc/{pid}/stat")) else { return false };
    // The name before the state is in parentheses and may hold some of its own.
    stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('Z'))
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

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    #[test]
    fn only_a_plain_file_that_nobody_else_writes_is_believed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("health.json");
        std::fs::write(&path, "{}").unwrap();
        set_mode(&path, 0o644);
        assert_eq!(read_private(&path, folder.path()).unwrap(), "{}");

        for mode in [0o666, 0o620, 0o602] {
            set_mode(&path, mode);
            let error = read_private(&path, folder.path()).unwrap_err();
            assert!(matches!(error, DoubtError::Writable { .. }), "{mode:o}: {error}");
        }

        let link = folder.path().join("link.json");
        symlink(&path, &link).unwrap();
        assert!(matches!(read_private(&link, folder.path()), Err(DoubtError::Link)));
        assert!(matches!(read_private(folder.path(), folder.path()), Err(DoubtError::Kind)));

        set_mode(&path, 0o600);
        std::fs::write(&path, vec![b' '; 65_537]).unwrap();
        assert!(matches!(read_private(&path, folder.path()), Err(DoubtError::Size)));
    }

    #[test]
    fn a_private_folder_is_made_private() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b");
        make_private_dir(&path).unwrap();
        assert_eq!(mode(&path).unwrap(), 0o700);
        make_private_dir(&path).expect("a second time changes nothing");
    }

    #[test]
    fn a_process_that_ended_does_not_run() {
        assert!(process_runs(std::process::id()));
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let pid = child.id();
        child.wait().unwrap();
        assert!(!process_runs(pid));
        assert!(!process_runs(0) && !process_runs(u32::MAX));
    }

    fn set_mode(path: &Path, mode: u32) {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    }
}
