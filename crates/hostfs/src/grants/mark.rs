//! Which folder it is, whatever its path.

use std::fs::Metadata;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::UNIX_EPOCH;

/// What tells a folder from another one of the same path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Mark {
    /// The number of its file system. Some get another one when the machine starts.
    pub device: u64,
    /// Its number in its file system. A folder that is removed leaves it to others.
    pub inode: u64,
    /// When it was made, in nanoseconds since 1970, where the file system knows.
    pub made_ns: Option<i64>,
}

impl Mark {
    /// Reads which folder is there.
    pub(crate) fn read(path: &Path) -> io::Result<Self> {
        path.symlink_metadata().map(|metadata| Self::of(&metadata))
    }

    /// Returns which folder it is.
    pub(crate) fn of(metadata: &Metadata) -> Self {
        let made = metadata.created().ok().and_then(|at| at.duration_since(UNIX_EPOCH).ok());
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            made_ns: made.and_then(|since| i64::try_from(since.as_nanos()).ok()),
        }
    }

    /// Returns whether both are of one folder, also if the machine was started in between.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.inode == other.inode
            && match (self.made_ns, other.made_ns) {
                (Some(one), Some(other)) => one == other,
                _ => self.device == other.device,
            }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_known_again_by_its_number_and_its_age_or_its_disk() {
        let mark = Mark { device: 1, inode: 2, made_ns: Some(3) };
        assert!(mark.is_same(&Mark { device: 9, ..mark }), "the machine was started again");
        assert!(!mark.is_same(&Mark { made_ns: Some(4), ..mark }), "another one has its number");
        assert!(!mark.is_same(&Mark { inode: 4, ..mark }));
        let plain = Mark { made_ns: None, ..mark };
        assert!(mark.is_same(&plain));
        assert!(!mark.is_same(&Mark { device: 9, ..plain }));
    }
}
