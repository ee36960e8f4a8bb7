//! Why something failed, for programs.

use std::fmt;

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// Why a request failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Code {
    /// There is nothing of that name.
    NotFound,
    /// There is something of that name already.
    Exists,
    /// What is there is no file.
    NotAFile,
    /// What is there is no folder.
    NotAFolder,
    /// The folder has something in it.
    NotEmpty,
    /// No file can have that name.
    BadName,
    /// The path leads out of the granted folder.
    Outside,
    /// The surface was not granted that folder.
    NoGrant,
    /// The folder was granted to be read, or the file opened to be read.
    ReadOnly,
    /// What is named so is kept from pages.
    Denied,
    /// The system does not let this user do it.
    NotPermitted,
    /// The handle is of no open file of this surface.
    BadHandle,
    /// The grant was taken back.
    Revoked,
    /// The granted folder is not there any more.
    Gone,
    /// The file was cut short while it was read.
    CutShort,
    /// Another one has the lock.
    Locked,
    /// More is open than a surface may have.
    TooMany,
    /// More is on its way than a surface may have; try again when some of it came.
    Busy,
    /// It is longer than it may be.
    TooLarge,
    /// The disk is full, or what the user may use of it.
    DiskFull,
    /// Something that was written earlier did not reach the file.
    LateWrite,
    /// The message is none.
    BadMessage,
    /// This system cannot do it.
    Unsupported,
    /// It was given up by who asked for it.
    Cancelled,
    /// The system failed in another way.
    System,
}

impl Code {
    /// All of them.
    pub const ALL: [Self; 25] = [
        Self::NotFound,
        Self::Exists,
        Self::NotAFile,
        Self::NotAFolder,
        Self::NotEmpty,
        Self::BadName,
        Self::Outside,
        Self::NoGrant,
        Self::ReadOnly,
        Self::Denied,
        Self::NotPermitted,
        Self::BadHandle,
        Self::Revoked,
        Self::Gone,
        Self::CutShort,
        Self::Locked,
        Self::TooMany,
        Self::Busy,
        Self::TooLarge,
        Self::DiskFull,
        Self::LateWrite,
        Self::BadMessage,
        Self::Unsupported,
        Self::Cancelled,
        Self::System,
    ];

    /// Returns its name on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotFound => "not_found",
            Self::Exists => "exists",
            Self::NotAFile => "not_a_file",
            Self::NotAFolder => "not_a_folder",
            Self::NotEmpty => "not_empty",
            Self::BadName => "bad_name",
            Self::Outside => "outside",
            Self::NoGrant => "no_grant",
            Self::ReadOnly => "read_only",
            Self::Denied => "denied",
            Self::NotPermitted => "not_permitted",
            Self::BadHandle => "bad_handle",
            Self::Revoked => "revoked",
            Self::Gone => "gone",
            Self::CutShort => "cut_short",
            Self::Locked => "locked",
            Self::TooMany => "too_many",
            Self::Busy => "busy",
            Self::TooLarge => "too_large",
            Self::DiskFull => "disk_full",
            Self::LateWrite => "late_write",
            Self::BadMessage => "bad_message",
            Self::Unsupported => "unsupported",
            Self::Cancelled => "cancelled",
            Self::System => "system",
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
