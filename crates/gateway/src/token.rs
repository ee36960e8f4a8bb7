//! What proves that a client may use the gateway: it could read a private file.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use subtle::ConstantTimeEq;

use crate::folders::{FolderError, io_error, replace_private};

/// The gateway's token. It is made once and outlives the gateway that made it.
#[derive(Clone)]
pub struct Token {
    text: String,
    path: PathBuf,
}

impl Token {
    /// Reads the token, or makes one where there is none.
    ///
    /// # Errors
    /// Where the file cannot be read or written, or holds something else.
    pub(crate) fn take(path: &Path) -> Result<Self, FolderError> {
        let text = match fs::read_to_string(path) {
            Ok(text) => text.trim().to_owned(),
            // Whole or not at all: a gateway that dies here leaves no half of a token.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let text = random_hex(32);
                replace_private(path, text.as_bytes())?;
                text
            }
            Err(error) => return Err(io_error(path, error)),
        };
        if text.len() < 32 || !text.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Err(FolderError::Token(path.to_owned()));
        }
        Ok(Self { text, path: path.to_owned() })
    }

    /// Returns whether this is the token. How long that takes tells nothing but the length.
    #[must_use]
    pub fn is(&self, text: &str) -> bool {
        self.text.as_bytes().ct_eq(text.as_bytes()).into()
    }

    /// Returns the token itself, for a client in the same process.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns the file in which it stands.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // What is logged is read by others.
        f.debug_struct("Token").field("path", &self.path).finish_non_exhaustive()
    }
}

/// Returns a name that was never given before: a word for what it names, and 96 random bits.
pub(crate) fn fresh_id(kind: &str) -> String {
    format!("{kind}-{}", random_hex(12))
}

fn random_hex(bytes: usize) -> String {
    let mut random = vec![0_u8; bytes];
    getrandom::fill(&mut random).expect("the system has random numbers once it has started");
    data_encoding::HEXLOWER.encode(&random)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_outlives_its_gateway_and_only_it_is_taken() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        let made = Token::take(&path).unwrap();
        let read = Token::take(&path).unwrap();
        assert_eq!(made.text(), read.text());
        assert!(read.is(made.text()));
        for wrong in ["", &made.text()[1..], &format!("{}0", made.text())] {
            assert!(!read.is(wrong), "{wrong}");
        }
        assert!(!format!("{made:?}").contains(made.text()), "a log tells it");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }

    #[test]
    fn what_is_no_token_is_refused_and_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        fs::write(&path, "short").unwrap();
        assert!(matches!(Token::take(&path), Err(FolderError::Token(_))));
        assert_eq!(fs::read_to_string(&path).unwrap(), "short");
    }
}
