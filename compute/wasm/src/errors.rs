//! What went wrong with a file, as Rust says it.

use std::io::{self, ErrorKind};

use oriel_wire::hostfs::{Code, Failed};

/// Returns the error that an answer tells of.
pub(crate) fn failed(payload: &[u8]) -> io::Error {
    match serde_json::from_slice::<Failed>(payload) {
        Ok(failed) => {
            let hint = failed.hint.map(|hint| format!("; {hint}")).unwrap_or_default();
            io::Error::new(kind(failed.code), format!("{}{hint}", failed.message))
        }
        Err(_) => garbled("the host's answer says that it failed and not why"),
    }
}

/// Returns the error for an answer that is none.
pub(crate) fn garbled(message: &str) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, message.to_owned())
}

/// Returns what Rust calls it. A script goes on where a file is not there, so that must not be mistaken.
pub(crate) fn kind(code: Code) -> ErrorKind {
    match code {
        Code::NotFound | Code::Gone => ErrorKind::NotFound,
        Code::Exists => ErrorKind::AlreadyExists,
        Code::NotAFile => ErrorKind::IsADirectory,
        Code::NotAFolder => ErrorKind::NotADirectory,
        Code::NotEmpty => ErrorKind::DirectoryNotEmpty,
        Code::BadName | Code::BadHandle => ErrorKind::InvalidInput,
        Code::Outside
        | Code::NoGrant
        | Code::ReadOnly
        | Code::Denied
        | Code::NotPermitted
        | Code::Revoked => ErrorKind::PermissionDenied,
        Code::CutShort => ErrorKind::UnexpectedEof,
        Code::Locked | Code::TooMany | Code::Busy => ErrorKind::ResourceBusy,
        Code::TooLarge => ErrorKind::FileTooLarge,
        Code::DiskFull => ErrorKind::StorageFull,
        Code::BadMessage => ErrorKind::InvalidData,
        Code::Unsupported => ErrorKind::Unsupported,
        // What Rust calls interrupted is tried again for ever, so what was given up is not called that.
        Code::LateWrite | Code::Cancelled | Code::System => ErrorKind::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_not_there_is_told_from_one_that_may_not_be_read() {
        let error = failed(br#"{"code":"not_found","message":"a.m is not there"}"#);
        assert_eq!(
            (error.kind(), error.to_string()),
            (ErrorKind::NotFound, "a.m is not there".into())
        );
        let error = failed(br#"{"code":"denied","message":"no","hint":"ask"}"#);
        assert_eq!(
            (error.kind(), error.to_string()),
            (ErrorKind::PermissionDenied, "no; ask".into())
        );
    }

    #[test]
    fn nothing_is_called_interrupted() {
        assert!(Code::ALL.iter().all(|code| kind(*code) != ErrorKind::Interrupted));
    }

    #[test]
    fn an_answer_without_a_reason_is_an_error_all_the_same() {
        assert_eq!(failed(b"?").kind(), ErrorKind::InvalidData);
    }
}
