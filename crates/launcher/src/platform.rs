//! What only the operating system can tell: owners, modes, processes.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;

use rustix::fs::OFlags;
use rustix::process::{Pid, Signal};

/// The largest file that is read whole.
const READ_BYTES_MAX: u64 = 64 * 1024;

/// Why a file is not believed.
#[derive(Debug, thiserror::Error)]
pub enum DoubtError {
    /// It is a link.
    #[error("it is a symbolic link")]
    Link,
    /// It is a folder, a pipe or a device.
    #[error("it is no plain file")]
    Kind,
    /// Others can write it.
    #[error("others can write it (mode {mode:04o}); run `chmod go-w` on it if you trust it")]
    Writable {
        /// Its permission bits.
        mode: u32,
    },
    /// It is somebody else's.
    #[error("it belongs to user {owner} and its folder to user {folder}")]
    Owner {
        /// Whose it is.
        owner: u32,
        /// Whose its folder is.
        folder: u32,
    },
    /// It is too long.
    #[error("it has more than 64 KiB")]
    Size,
    /// It cannot be read.
    #[error(transparent)]
    Read(#[from] io::Error),
}

/// Reads a file that nobody but the owner of `folder` can have written.
///
/// # Errors
/// Where somebody else can have, or it cannot be read.
pub fn read_private(path: &Path, folder: &Path) -> Result<String, DoubtError> {
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
///
/// # Errors
/// Where there is none.
pub fn owner(path: &Path) -> io::Result<u32> {
    Ok(std::fs::symlink_metadata(path)?.uid())
}

/// Makes a folder that only its owner can enter, and those above it as usual.
///
/// # Errors
/// Where it cannot be made.
pub fn make_private_dir(path: &Path) -> io::Result<()> {
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent)?;
    }
    match DirBuilder::new().mode(0o700).create(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        made => made,
    }
}

/// Opens a file of its owner's alone for reading and writing, and makes it where it is not there.
///
/// # Errors
/// Where it cannot be opened, as where it is a link.
pub fn private_file(path: &Path) -> io::Result<File> {
    private_options().read(true).write(true).create(true).truncate(false).open(path)
}

/// Opens a log of its owner's alone, to add to it.
///
/// # Errors
/// Where it cannot be opened, as where it is a link.
pub(crate) fn private_log(path: &Path) -> io::Result<File> {
    private_options().append(true).create(true).open(path)
}

/// Writes a file of its owner's alone in place of what is there. Readers see the old one or the new
/// one, never a part.
///
/// # Errors
/// Where it cannot be written; what was there is there still.
pub fn replace_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut draft = path.as_os_str().to_owned();
    draft.push(format!(".{}.new", std::process::id()));
    let draft = Path::new(&draft);
    let write = || {
        let mut file = private_options().write(true).create(true).truncate(true).open(draft)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        std::fs::rename(draft, path)
    };
    write().inspect_err(|_| {
        // What is left of a draft is of no use, and another write replaces it anyway.
        _ = std::fs::remove_file(draft);
    })
}

fn private_options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.mode(0o600).custom_flags(OFlags::NOFOLLOW.bits().cast_signed());
    options
}

/// What tells a process from a later one with the same number. Only Linux tells.
#[must_use]
pub fn birth(pid: u32) -> Option<String> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    // The name is in parentheses and may hold some of its own; the time is the 20th field behind.
    let ticks = stat.rsplit_once(") ")?.1.split_whitespace().nth(19)?;
    Some(format!("{} {ticks}", boot.trim()))
}

/// Sends a signal to all processes of a group. A group that is gone needs none.
pub(crate) fn signal_group(pid: u32, signal: Signal) {
    if let Some(group) = i32::try_from(pid).ok().filter(|&pid| 1 < pid).and_then(Pid::from_raw) {
        _ = rustix::process::kill_process_group(group, signal);
    }
}

/// Returns whether a process runs. One that has ended and only waits to be reaped does not.
#[must_use]
pub fn process_runs(pid: u32) -> bool {
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
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o700);
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

    #[test]
    fn a_file_is_replaced_whole_and_private() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        for text in ["a longer text", "short"] {
            replace_private(&path, text.as_bytes()).unwrap();
            assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
        }
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "no draft stays");
        assert!(replace_private(&folder.path().join("no/a"), b"").is_err());
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_process_is_told_from_a_later_one_by_its_birth() {
        let own = birth(std::process::id());
        assert!(own.is_some() && own == birth(std::process::id()));
        let mut command = std::process::Command::new("cat");
        let mut child = command.stdin(std::process::Stdio::piped()).spawn().unwrap();
        assert!(birth(child.id()).is_some());
        child.kill().unwrap();
        let pid = child.id();
        child.wait().unwrap();
        assert_eq!(birth(pid), None);
    }

    fn set_mode(path: &Path, mode: u32) {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    }
}
