//! What kind of file system the folder is on, and what its clock says.

use std::os::fd::{AsFd, BorrowedFd};

use rustix::fs::{AtFlags, Timespec, Timestamps, UTIME_NOW};
use rustix::io::Errno;
use rustix::time::ClockId;

use super::root::nanoseconds;

/// How far apart writes are that have different times, on file systems that keep nanoseconds. They take the
/// time of the last tick of the system, of which there are 100 in a second or more.
const FINE_NS: i64 = 20_000_000;

/// The same on all others: some keep every second second.
const COARSE_NS: i64 = 2_000_000_000;

const SECOND_NS: i64 = 1_000_000_000;

/// The kind of the file system.
#[derive(Debug)]
pub(super) struct Disk {
    pub(super) is_remote: bool,
    pub(super) granularity_ns: i64,
    pub(super) folds_case: bool,
}

impl Disk {
    /// Finds it out, with the folder that is sync's own, a file in it, and what that is called in another
    /// case.
    pub(super) fn of(
        own: BorrowedFd<'_>,
        file: impl AsFd,
        other_case: &str,
    ) -> Result<Self, Errno> {
        let kind = rustix::fs::fstatfs(own)?.f_type;
        // One that keeps whole seconds shows it at once, whatever it is called.
        let keeps_fractions = touch(file)? % SECOND_NS != 0;
        let is_fine = keeps_fractions && is_fine(kind);
        let folds_case = rustix::fs::statat(own, other_case, AtFlags::SYMLINK_NOFOLLOW).is_ok();
        let granularity_ns = if is_fine { FINE_NS } else { COARSE_NS };
        Ok(Self { is_remote: is_remote(kind), granularity_ns, folds_case })
    }

    /// Returns what the clock says that writes are dated by. Nothing that is written later has an earlier
    /// time, as long as the clock is not set back.
    pub(super) fn now_ns(&self, file: impl AsFd) -> i64 {
        // Another machine has another clock, which only a write tells.
        if self.is_remote
            && let Ok(now_ns) = touch(file)
        {
            return now_ns;
        }
        let now = rustix::time::clock_gettime(ClockId::RealtimeCoarse);
        now.tv_sec.saturating_mul(SECOND_NS).saturating_add(now.tv_nsec)
    }
}

/// Dates a file by the file system's clock, and returns what that says.
fn touch(file: impl AsFd) -> Result<i64, Errno> {
    let now = Timespec { tv_sec: 0, tv_nsec: UTIME_NOW };
    rustix::fs::futimens(&file, &Timestamps { last_access: now, last_modification: now })?;
    let stat = rustix::fs::fstat(&file)?;
    Ok(nanoseconds(stat.st_mtime, stat.st_mtime_nsec))
}

/// The numbers that Linux knows its file systems by.
const fn is_fine(kind: i64) -> bool {
    const EXT4: i64 = 0xEF53;
    const XFS: i64 = 0x5846_5342;
    const BTRFS: i64 = 0x9123_683E;
    const TMPFS: i64 = 0x0102_1994;
    const F2FS: i64 = 0xF2F5_2010;
    const ZFS: i64 = 0x2FC1_2FC1;
    const BCACHEFS: i64 = 0xCA45_1A4E;
    // One of the others lies beneath it, since it needs more of it than coarse ones have.
    const OVERLAY: i64 = 0x794C_7630;
    matches!(kind, EXT4 | XFS | BTRFS | TMPFS | F2FS | ZFS | BCACHEFS | OVERLAY)
}

const fn is_remote(kind: i64) -> bool {
    const NFS: i64 = 0x6969;
    const SMB: i64 = 0x517B;
    const CIFS: i64 = 0xFF53_4D42;
    const SMB2: i64 = 0xFE53_4D42;
    const FUSE: i64 = 0x6573_5546;
    const PLAN_9: i64 = 0x0102_1997;
    const CEPH: i64 = 0x00C3_6400;
    const AFS: i64 = 0x5346_414F;
    const CODA: i64 = 0x7375_7245;
    matches!(kind, NFS | SMB | CIFS | SMB2 | FUSE | PLAN_9 | CEPH | AFS | CODA)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_on_another_machine_is_known_by_its_kind() {
        for kind in [0x6969, 0xFF53_4D42, 0x6573_5546, 0x0102_1997] {
            assert!(is_remote(kind) && !is_fine(kind), "{kind:x}");
        }
        for kind in [0xEF53, 0x0102_1994] {
            assert!(!is_remote(kind) && is_fine(kind), "{kind:x}");
        }
        assert!(!is_fine(0x4D44), "vfat keeps every second second");
    }
}
