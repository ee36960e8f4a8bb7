//! What a page is told when something cannot be done.

use std::io::{Error, ErrorKind};

use oriel_wire::hostfs::Code;

/// Something cannot be done. The page gets an `Error` of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    /// Why, for programs.
    pub(crate) code: Code,
    /// What happened and what to do next, for people.
    pub(crate) message: String,
}

impl Problem {
    pub(crate) fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    /// What the system says of a file.
    pub(crate) fn of_file(error: &Error) -> Self {
        let code = match error.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Code::DiskFull,
            ErrorKind::FileTooLarge => Code::TooLarge,
            ErrorKind::PermissionDenied => Code::NotPermitted,
            _ => Code::System,
        };
        Self::new(code, error.to_string())
    }
}
