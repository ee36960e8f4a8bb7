//! Why a file was not listed or read. No message names a place outside the workspace.

use std::io;

use oriel_wire::gateway::ErrorCode;

/// Why a file was not listed or read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FileError {
    /// The path is none that a workspace has.
    #[error(
        "the path {path:?} is refused: {why}; give a path from the workspace on, such as src/main.rs"
    )]
    Refused {
        /// The path as it was given, shortened.
        path: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// It leads out of the workspace, by a link.
    #[error(
        "the path {0:?} is refused: a link leads it out of the workspace; read it with another program"
    )]
    LeadsOut(String),
    /// It is nothing that can be read.
    #[error("the path {path:?} is refused: it is {what}; only files can be read")]
    Special {
        /// Where.
        path: String,
        /// What it is.
        what: &'static str,
    },
    /// This account may not read it.
    #[error(
        "the path {0:?} may not be read by the account that the gateway runs as; change its permissions"
    )]
    NotAllowed(String),
    /// There is nothing.
    #[error("there is no {what} {path:?} in the workspace; list its folder to see what there is")]
    Missing {
        /// Where.
        path: String,
        /// What was looked for.
        what: &'static str,
    },
    /// The system failed.
    #[error("{path:?} cannot be read: {source}")]
    Failed {
        /// Where.
        path: String,
        /// Why.
        source: io::Error,
    },
}

impl FileError {
    /// Returns the code by which clients know it.
    pub(crate) const fn code(&self) -> ErrorCode {
        match self {
            Self::Refused { .. }
            | Self::LeadsOut(_)
            | Self::Special { .. }
            | Self::NotAllowed(_) => ErrorCode::PathRefused,
            Self::Missing { .. } => ErrorCode::FileNotFound,
            Self::Failed { .. } => ErrorCode::Internal,
        }
    }

    /// Returns what an error of the system means of a path.
    pub(super) fn of(path: &str, what: &'static str, source: io::Error) -> Self {
        let path = path.to_owned();
        match (source.kind(), source.raw_os_error()) {
            (io::ErrorKind::NotFound | io::ErrorKind::NotADirectory, _) => {
                Self::Missing { path, what }
            }
            // What the system itself forbids has a number; that a path leads out is found without it.
            (io::ErrorKind::PermissionDenied, None) => Self::LeadsOut(path),
            (io::ErrorKind::PermissionDenied, Some(_)) => Self::NotAllowed(path),
            #[cfg(unix)]
            (_, Some(number)) if number == rustix::io::Errno::LOOP.raw_os_error() => {
                Self::LeadsOut(path)
            }
            (io::ErrorKind::InvalidFilename, _) => {
                Self::Refused { path, why: "a part of it is longer than a name can be" }
            }
            _ => Self::Failed { path, source },
        }
    }
}
