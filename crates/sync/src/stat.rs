//! What a file system says of something without reading it: a key for what was read of it before.
//!
//! Times are keys here and never an order, so a clock that is wrong chooses no winner.
#![forbid(unsafe_code)]

/// What kind of thing is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A file.
    File,
    /// A folder.
    Dir,
    /// A link.
    Symlink,
    /// A device, a pipe or a socket.
    Special,
}

/// What the system says of something. Times are nanoseconds of the file system's own clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Stat {
    /// What kind of thing it is.
    pub kind: Kind,
    /// The file system it is on.
    pub dev: u64,
    /// Its number there.
    pub ino: u64,
    /// Its length in bytes.
    pub size: u64,
    /// When its content was last written.
    pub mtime_ns: i64,
    /// When anything of it last changed, its name included.
    pub ctime_ns: i64,
    /// Its permissions.
    pub mode: u32,
}

impl Stat {
    /// Returns whether it may be run.
    #[must_use]
    pub const fn is_exec(&self) -> bool {
        self.mode & 0o100 != 0
    }

    /// Returns whether both are of the same thing, whatever became of it.
    #[must_use]
    pub const fn is_same_inode(&self, other: &Self) -> bool {
        self.dev == other.dev && self.ino == other.ino
    }

    /// Returns whether both are the same inode with the same content, as far as the system tells, when
    /// only its name may have changed in between: a rename changes `ctime` and nothing else.
    #[must_use]
    pub fn is_same_but_for_name(&self, other: &Self) -> bool {
        Self { ctime_ns: 0, ..*self } == Self { ctime_ns: 0, ..*other }
    }

    /// Returns whether a write after `now_ns` could leave the same times. Then the same `Stat` later
    /// proves nothing and the content is read again.
    #[must_use]
    pub const fn is_racy(&self, now_ns: i64, granularity_ns: i64) -> bool {
        let bound = now_ns.saturating_sub(granularity_ns);
        bound <= self.mtime_ns || bound <= self.ctime_ns
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_just_now_proves_nothing_later() {
        let stat = Stat { mtime_ns: 100, ctime_ns: 90, ..nothing() };
        assert!(stat.is_racy(100, 0));
        assert!(stat.is_racy(120, 20));
        assert!(!stat.is_racy(121, 20));
        assert!(stat.is_racy(50, 20), "a clock that stepped back");
        assert!(Stat { mtime_ns: 5, ctime_ns: 100, ..nothing() }.is_racy(110, 20));
    }

    #[test]
    fn a_new_name_is_no_new_content() {
        let renamed = Stat { ctime_ns: 7, ..nothing() };
        assert!(renamed.is_same_but_for_name(&nothing()));
        assert!(!Stat { mtime_ns: 1, ..nothing() }.is_same_but_for_name(&nothing()));
        assert!(!Stat { ino: 9, ..nothing() }.is_same_but_for_name(&nothing()));
    }

    fn nothing() -> Stat {
        Stat { kind: Kind::File, dev: 1, ino: 1, size: 0, mtime_ns: 0, ctime_ns: 0, mode: 0o644 }
    }
}
