//! What can go wrong with a file, as a person reads it.

use oriel_wire::hostfs::{Code, Failed};
use rustix::io::Errno;

/// A request failed.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}")]
pub struct FileError {
    /// Why, for programs.
    pub code: Code,
    /// What happened and to what.
    pub message: String,
    /// What to do next.
    pub hint: Option<&'static str>,
    /// The path it is about.
    pub path: Option<String>,
}

impl FileError {
    /// Makes one from what happened.
    pub(crate) fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), hint: None, path: None }
    }

    /// Says what to do next.
    pub(crate) fn hint(self, hint: &'static str) -> Self {
        Self { hint: Some(hint), ..self }
    }

    /// Says which path it is about.
    pub(crate) fn about(self, path: &str) -> Self {
        Self { path: Some(path.to_owned()), ..self }
    }

    /// Returns its wire form.
    #[must_use]
    pub fn to_wire(&self) -> Failed {
        Failed {
            code: self.code,
            message: self.message.clone(),
            hint: self.hint.map(str::to_owned),
            path: self.path.clone(),
        }
    }
}

/// What the system says, about a path where there is one.
pub(crate) fn system(error: &std::io::Error, path: Option<&str>) -> FileError {
    use std::io::ErrorKind;
    let code = match (error.kind(), Errno::from_io_error(error)) {
        (ErrorKind::NotFound, _) => Code::NotFound,
        (ErrorKind::AlreadyExists, _) => Code::Exists,
        (ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem, _) => Code::NotPermitted,
        (ErrorKind::StorageFull | ErrorKind::QuotaExceeded, _) => Code::DiskFull,
        (ErrorKind::IsADirectory, _) => Code::NotAFile,
        (ErrorKind::NotADirectory, _) => Code::NotAFolder,
        (ErrorKind::DirectoryNotEmpty, _) => Code::NotEmpty,
        (ErrorKind::FileTooLarge, _) => Code::TooLarge,
        (_, Some(Errno::NAMETOOLONG | Errno::ILSEQ)) => Code::BadName,
        (_, Some(Errno::MFILE | Errno::NFILE)) => Code::TooMany,
        (_, Some(Errno::BUSY | Errno::TXTBSY | Errno::AGAIN)) => Code::Busy,
        _ => Code::System,
    };
    let hint = next(code);
    let message = path.map_or_else(|| error.to_string(), |path| format!("`{path}`: {error}"));
    FileError { path: path.map(str::to_owned), hint, ..FileError::new(code, message) }
}

/// What to do next where the system would not.
fn next(code: Code) -> Option<&'static str> {
    match code {
        Code::NotFound => Some("see whether it was moved or removed"),
        Code::Exists => Some("choose another name, or remove what is there first"),
        Code::NotAFile => Some("name a file, and no folder"),
        Code::NotAFolder => Some("name a folder, and only folders on the way to it"),
        Code::NotEmpty => Some("remove what is in it first, or ask to remove all of it"),
        Code::TooLarge => Some("write less, or have the limit on the length of files raised"),
        Code::BadName => Some("choose a shorter name, of plain letters"),
        Code::System => Some("try again; if it fails again, the disk may be damaged"),
        Code::NotPermitted => Some("see to it that you may use it yourself, then try again"),
        Code::DiskFull => Some("make room on the disk, then try again"),
        Code::TooMany => Some("close files that are open, then try again"),
        Code::Busy => Some("another program uses it; try again"),
        _ => None,
    }
}

/// What the system says of a path on the way to what is there.
pub(crate) fn resolving(error: Errno, path: &str) -> FileError {
    let told = |code, why: &str| FileError::new(code, format!("`{path}` {why}")).about(path);
    match error {
        Errno::XDEV => told(
            Code::Outside,
            "leads out of the granted folder, or to a disk that is mounted in it",
        )
        .hint("grant the folder that it leads to"),
        Errno::LOOP => told(Code::Outside, "goes through links that lead nowhere a page may go")
            .hint("name what the links lead to, or grant the folder that it is in"),
        Errno::AGAIN => {
            told(Code::Busy, "is moved all the time by another program").hint("try again")
        }
        Errno::ILSEQ => told(Code::BadName, "leads to a name that no text can say")
            .hint("rename it with another program"),
        error => system(&error.into(), Some(path)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_the_system_says_there_is_something_to_do_next() {
        for number in 1..134 {
            let error = std::io::Error::from_raw_os_error(number);
            for error in
                [system(&error, Some("a")), resolving(Errno::from_raw_os_error(number), "a")]
            {
                assert!(error.hint.is_some(), "{error} ({:?})", error.code);
                assert_eq!(error.path.as_deref(), Some("a"), "{error}");
            }
        }
    }
}
