//! What a new file keeps of the one whose place it takes: permissions, group and owner, and on Linux access
//! lists and what programs noted (`user.*`).
//!
//! An owner can mostly be kept by an administrator alone, a group by who is in it, and notes where the file
//! system has any. What cannot be kept is left out: to write into the old file instead would keep it, and
//! leave half a file where the process is killed. But nobody may do more with the new file than with the
//! old one: where the group or the access list is lost, the new file's group may do nothing with it.

use std::fs::File;
use std::os::fd::OwnedFd;
use std::os::unix::fs::fchown;

use rustix::fs::{Mode as Permissions, Stat};
use rustix::io::Errno;

/// Has a file that nobody else has open yet take over what it can of the one with this name. It was private
/// until now.
pub(super) fn take_over(
    file: &File,
    old: &Stat,
    folder: &OwnedFd,
    name: &str,
) -> Result<(), Errno> {
    let new = rustix::fs::fstat(file)?;
    let has_group = new.st_gid == old.st_gid || fchown(file, None, Some(old.st_gid)).is_ok();
    let has_list = notes::take_over(file, folder, name);
    let lost = if has_group && has_list { 0 } else { 0o070 };
    rustix::fs::fchmod(file, Permissions::from_raw_mode(old.st_mode & 0o777 & !lost))?;
    if new.st_uid != old.st_uid {
        // It is the last thing, since who gives a file away may do nothing more with it. Where that is
        // not permitted, it stays this user's.
        let _ = fchown(file, Some(old.st_uid), None);
    }
    Ok(())
}

#[cfg(target_os = "linux")]
mod notes {
    use std::fs::File;
    use std::os::fd::{AsRawFd as _, OwnedFd};

    use rustix::fs::XattrFlags;
    use rustix::io::Errno;

    /// The longest list of names, and the longest note. It is what Linux takes.
    const BYTES_MAX: usize = 64 * 1024;

    /// The list of who else may do what.
    const ACCESS_LIST: &str = "system.posix_acl_access";

    /// Copies what can be copied, and returns whether who may do what is as it was.
    pub(super) fn take_over(file: &File, folder: &OwnedFd, name: &str) -> bool {
        let old = format!("/proc/self/fd/{}/{name}", folder.as_raw_fd());
        let read = |note: &str| {
            let mut bytes = Vec::with_capacity(BYTES_MAX);
            rustix::fs::lgetxattr(&old, note, rustix::buffer::spare_capacity(&mut bytes))?;
            Ok::<_, Errno>(bytes)
        };
        let mut names = Vec::with_capacity(BYTES_MAX);
        // A file system without notes has none to lose.
        let _ = rustix::fs::llistxattr(&old, rustix::buffer::spare_capacity(&mut names));
        let names = names.split(|&byte| byte == 0).filter_map(|name| str::from_utf8(name).ok());
        for note in names.filter(|note| note.starts_with("user.")) {
            // What does not fit, or went meanwhile, is left out.
            let _ = read(note)
                .and_then(|bytes| rustix::fs::fsetxattr(file, note, &bytes, XattrFlags::empty()));
        }
        match read(ACCESS_LIST) {
            Ok(list) => {
                rustix::fs::fsetxattr(file, ACCESS_LIST, &list, XattrFlags::empty()).is_ok()
            }
            // The new file may have got one of its folder, which says more than the old file did.
            Err(Errno::NODATA) => matches!(
                rustix::fs::fremovexattr(file, ACCESS_LIST),
                Ok(()) | Err(Errno::NODATA | Errno::NOTSUP)
            ),
            Err(Errno::NOTSUP) => true,
            Err(_) => false,
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod notes {
    /// Elsewhere there is nothing that is looked at.
    pub(super) fn take_over(_: &std::fs::File, _: &std::os::fd::OwnedFd, _: &str) -> bool {
        true
    }
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use std::os::unix::fs::{MetadataExt as _, chown};
    use std::path::Path;

    use oriel_wire::hostfs::{Create, WorkspaceAccess};
    use rustix::fs::XattrFlags;

    use crate::grants::{Grant, Grants};
    use crate::root::Root;

    /// The owner reads and writes, the user 1 reads, and the mask lets no more.
    const LIST: [(u16, u16, u32); 5] =
        [(1, 6, u32::MAX), (2, 4, 1), (4, 0, u32::MAX), (16, 4, u32::MAX), (32, 0, u32::MAX)];

    #[test]
    fn a_file_that_is_replaced_keeps_who_may_do_what_and_what_was_noted() {
        let (folder, root) = folder();
        let path = folder.path().join("file");
        std::fs::write(&path, "old").unwrap();
        let has_notes = set(&path, "user.note", b"seen");
        let has_list = set(&path, "system.posix_acl_access", &list());
        // Only an administrator gives files away.
        let is_given = chown(&path, Some(12345), Some(54321)).is_ok();
        let before = path.metadata().unwrap();
        root.replace("file", Create::Never, b"new").unwrap();
        let after = path.metadata().unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"new");
        assert_ne!(after.ino(), before.ino());
        assert_eq!(after.mode(), before.mode());
        assert_eq!((after.uid(), after.gid()), (before.uid(), before.gid()), "{is_given}");
        if has_notes {
            assert_eq!(get(&path, "user.note"), b"seen");
        }
        if has_list {
            assert_eq!(get(&path, "system.posix_acl_access"), list());
        }
    }

    #[test]
    fn a_file_that_is_replaced_gets_no_access_list_of_its_folder() {
        let (folder, root) = folder();
        let path = folder.path().join("file");
        std::fs::write(&path, "old").unwrap();
        if !set(folder.path(), "system.posix_acl_default", &list()) {
            return;
        }
        root.replace("file", Create::Never, b"new").unwrap();
        assert!(get(&path, "system.posix_acl_access").is_empty());
    }

    fn folder() -> (tempfile::TempDir, Root) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().canonicalize().unwrap();
        let grant = Grant::new("g", "page", path, WorkspaceAccess::ReadWrite);
        let root = Root::open(&Grants::fixed(vec![grant]).of("page")[0]).unwrap();
        (folder, root)
    }

    fn list() -> Vec<u8> {
        let mut bytes = 2_u32.to_le_bytes().to_vec();
        for (who, what, id) in LIST {
            bytes.extend_from_slice(&who.to_le_bytes());
            bytes.extend_from_slice(&what.to_le_bytes());
            bytes.extend_from_slice(&id.to_le_bytes());
        }
        bytes
    }

    /// Notes something, where the file system can.
    fn set(path: &Path, note: &str, bytes: &[u8]) -> bool {
        rustix::fs::setxattr(path, note, bytes, XattrFlags::empty()).is_ok()
    }

    fn get(path: &Path, note: &str) -> Vec<u8> {
        let mut bytes = vec![0; 1000];
        let came = rustix::fs::getxattr(path, note, bytes.as_mut_slice()).unwrap_or_default();
        bytes.truncate(came);
        bytes
    }
}
