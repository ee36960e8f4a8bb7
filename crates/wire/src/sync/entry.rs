//! What is at a path, as both sides say it to each other.

use std::fmt;

use serde::{Deserialize, Serialize};
use ts_rs::TS;
use utoipa::ToSchema;

use super::{Digest, LinkTarget};

/// What is at a path.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Entry {
    /// Nothing.
    Absent,
    /// A folder.
    Dir,
    /// A file.
    File {
        /// Of its content.
        digest: Digest,
        /// Its length in bytes.
        size: u64,
        /// Whether it may be run.
        exec: bool,
    },
    /// A link to something in the same root, or to nothing.
    Symlink {
        /// Where it leads.
        target: LinkTarget,
    },
    /// Something that is left out: ignored, or nothing that is synced.
    Untracked,
    /// Something that cannot be synced now. While it is, nothing is done about the path.
    Problem(Problem),
}

/// Why something cannot be synced.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, TS, ToSchema,
)]
#[serde(rename_all = "snake_case")]
#[schema(as = SyncProblem)]
pub enum Problem {
    /// The system does not let it be read or written.
    NotPermitted,
    /// Reading or writing it failed.
    Io,
    /// It is longer than a synced file may be.
    TooLarge,
    /// Its name is not Unicode, or no path of sync.
    BadName,
    /// This system cannot have a file of that name.
    NameNotHere,
    /// This system takes its name and that of another for the same.
    NameTaken,
    /// It is a link that leads out of the root.
    LinkOutside,
    /// It is a device, a pipe or a socket.
    Special,
    /// It is on another file system.
    OtherFileSystem,
    /// It changes all the time, and was never still long enough to be read.
    Unsteady,
    /// There is no room for it.
    DiskFull,
}

impl Problem {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::NotPermitted,
        Self::Io,
        Self::TooLarge,
        Self::BadName,
        Self::NameNotHere,
        Self::NameTaken,
        Self::LinkOutside,
        Self::Special,
        Self::OtherFileSystem,
        Self::Unsteady,
        Self::DiskFull,
    ];
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotPermitted => "the system does not let it be read or written",
            Self::Io => "reading or writing it failed",
            Self::TooLarge => "it is longer than a synced file may be",
            Self::BadName => "its name is not Unicode, or has a backslash, or is too long",
            Self::NameNotHere => "this system cannot have a file of that name",
            Self::NameTaken => "this system takes its name and that of another for the same",
            Self::LinkOutside => "it is a link that leads out of the folder",
            Self::Special => "it is a device, a pipe or a socket",
            Self::OtherFileSystem => "it is on another file system",
            Self::Unsteady => "it changes all the time, and was never still long enough to be read",
            Self::DiskFull => "there is no room for it",
        })
    }
}

impl Entry {
    /// Returns whether it is something that both sides can have: not left out, and no problem.
    #[must_use]
    pub const fn is_known(&self) -> bool {
        !matches!(self, Self::Untracked | Self::Problem(_))
    }

    /// Returns the digest of its content, where it has one.
    #[must_use]
    pub const fn digest(&self) -> Option<Digest> {
        match self {
            Self::File { digest, .. } => Some(*digest),
            _ => None,
        }
    }
}
