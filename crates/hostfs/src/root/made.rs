//! What new files and folders get: what the user's other programs would give them.
//!
//! A process that keeps its own files private has a umask that is stricter than its user's, and the kernel
//! knows only that one. So what was just made is given its permissions here. It is private until then.

use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{Mode as Permissions, OFlags};
#[cfg(target_os = "linux")]
use rustix::io::Errno;

/// The attribute of a folder which says what is made in it gets. The kernel heeds no umask then.
#[cfg(target_os = "linux")]
const SAYS_ITSELF: &str = "system.posix_acl_default";

/// What new files and folders get.
#[derive(Debug, Clone, Copy)]
pub(super) struct Made {
    /// What they are not allowed, where it is not the process's own umask.
    umask: Option<u32>,
}

impl Made {
    pub(super) fn with(umask: Option<u32>) -> Self {
        Self { umask }
    }

    /// A file was made in a folder.
    pub(super) fn file(self, file: &impl AsFd, folder: &OwnedFd) {
        let Some(umask) = self.umask else { return };
        give(file, folder, 0o666 & !umask);
    }

    /// A folder was made in another.
    pub(super) fn folder(self, name: &str, within: &OwnedFd) {
        let Some(umask) = self.umask else { return };
        let flags = OFlags::DIRECTORY | OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        // Somebody may have put it elsewhere by now, and then it is theirs.
        if let Ok(made) = rustix::fs::openat(within, name, flags, Permissions::empty()) {
            give(&made, within, 0o777 & !umask);
        }
    }
}

/// Gives what was just made its permissions. A file system that knows none refuses, and nothing is lost.
fn give(made: &impl AsFd, folder: &OwnedFd, permissions: u32) {
    let Ok(stat) = rustix::fs::fstat(made) else { return };
    // Bits such as that of a folder which hands on its group were set by the system.
    let all = (stat.st_mode & 0o7000) | permissions;
    if stat.st_mode & 0o7777 != all && !says_itself(folder) {
        _ = rustix::fs::fchmod(made, Permissions::from_raw_mode(all));
    }
}

#[cfg(target_os = "linux")]
fn says_itself(folder: &OwnedFd) -> bool {
    // What is made in a folder that cannot be asked stays as it was made.
    crate::sys::readable(folder).map_or(true, |folder| {
        // No such attribute is as short as this, so one that is there does not fit.
        let said = rustix::fs::fgetxattr(&folder, SAYS_ITSELF, &mut [0_u8; 1]);
        matches!(said, Ok(_) | Err(Errno::RANGE))
    })
}

/// Elsewhere such a folder adds to the permissions and leaves these alone.
#[cfg(not(target_os = "linux"))]
fn says_itself(_: &OwnedFd) -> bool {
    false
}
