//! Where the console listens, believed only as far as its place and its form allow.
//!
//! `console/bind` holds one line, `host:port` or `unix:PATH`. Whoever reads it is about to show the
//! operator a page, so it must name this machine and be written by nobody else.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use oriel_link::Link;

use crate::daemon::listener;
use crate::failure::Failure;
use crate::platform::{self, DoubtError};

/// The console's place cannot be believed.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// There is none.
    #[error("{} is not there; start the daemon with `console.enabled`, and see its log", path.display())]
    Missing {
        /// Where it should be.
        path: PathBuf,
    },
    /// Somebody else may have written it.
    #[error("will not use {}", path.display())]
    Doubt {
        /// Where it is.
        path: PathBuf,
        /// Why.
        source: DoubtError,
    },
    /// It is something else.
    #[error("{} is not one line with `host:port` or `unix:PATH`; restart the daemon, which writes it", path.display())]
    Form {
        /// Where it is.
        path: PathBuf,
    },
    /// It names another machine, or all of them.
    #[error("{addr} in {} is no loopback address; bind the console to 127.0.0.1", path.display())]
    Remote {
        /// Where it is.
        path: PathBuf,
        /// The address.
        addr: SocketAddr,
    },
    /// Somebody else listens there.
    #[error("will not use the console of {}: {reason}", path.display())]
    Stranger {
        /// Where it is named.
        path: PathBuf,
        /// Who it is.
        reason: String,
    },
}

impl BindError {
    /// Returns what kind of failure this is.
    #[must_use]
    pub fn failure(&self) -> Failure {
        match self {
            Self::Missing { .. } => Failure::ConsoleBindMissing,
            _ => Failure::ConsoleHttpUnreachable,
        }
    }
}

/// Returns where the file of a data directory is.
#[must_use]
pub fn path(data_dir: &Path) -> PathBuf {
    data_dir.join("console").join("bind")
}

/// Returns how to reach the console of a data directory.
///
/// # Errors
/// Where there is no file, somebody else may have written it or listens where it says, or it names
/// no place on this machine.
pub fn link(data_dir: &Path) -> Result<Link, BindError> {
    let path = path(data_dir);
    let text = match platform::read_private(&path, data_dir) {
        Ok(text) => text,
        Err(DoubtError::Read(error)) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(BindError::Missing { path });
        }
        Err(source) => return Err(BindError::Doubt { path, source }),
    };
    let link = match place(&text) {
        Some(Link::Tcp(addr)) if !addr.ip().to_canonical().is_loopback() => {
            return Err(BindError::Remote { path, addr });
        }
        Some(link) => link,
        None => return Err(BindError::Form { path }),
    };
    match listener::belongs_to_owner(&link, data_dir) {
        Ok(()) => Ok(link),
        Err(reason) => Err(BindError::Stranger { path, reason }),
    }
}

/// Reads the one line. A name is no address: whoever answers for it could send us elsewhere.
fn place(text: &str) -> Option<Link> {
    let line = text.strip_suffix('\n').unwrap_or(text);
    if line.contains(char::is_control) {
        return None;
    }
    match line.strip_prefix("unix:") {
        Some(path) => Path::new(path).is_absolute().then(|| Link::Unix(path.into())),
        None => line.parse().ok().map(Link::Tcp),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    #[test]
    fn a_line_of_this_machine_is_a_place() {
        for (text, place) in [
            ("127.0.0.1:3143\n", "127.0.0.1:3143"),
            ("127.0.0.1:3143", "127.0.0.1:3143"),
            ("[::1]:3143\n", "[::1]:3143"),
            ("unix:/run/oriel/console.sock\n", "/run/oriel/console.sock"),
        ] {
            let folder = written(text);
            assert_eq!(link(folder.path()).unwrap().to_string(), place);
        }
    }

    #[test]
    fn what_is_no_place_of_this_machine_is_refused() {
        for text in ["10.0.0.1:3143\n", "0.0.0.0:3143\n", "[::]:1\n", "[::ffff:10.0.0.1]:1\n"] {
            let error = link(written(text).path()).unwrap_err();
            assert!(matches!(error, BindError::Remote { .. }), "{text:?}: {error}");
        }
        for text in [
            "",
            "\n",
            "localhost:3143\n",
            "127.0.0.1\n",
            "127.0.0.1:99999\n",
            "127.0.0.1:1\n127.0.0.1:2\n",
            "unix:relative\n",
            "unix:/a\0b\n",
            "http://127.0.0.1:1\n",
        ] {
            let error = link(written(text).path()).unwrap_err();
            assert!(matches!(error, BindError::Form { .. }), "{text:?}: {error}");
        }
    }

    #[test]
    fn a_file_that_others_could_have_written_is_refused() {
        let folder = written("127.0.0.1:1\n");
        let path = path(folder.path());
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o622)).unwrap();
        assert!(matches!(link(folder.path()), Err(BindError::Doubt { .. })));

        let elsewhere = folder.path().join("elsewhere");
        std::fs::rename(&path, &elsewhere).unwrap();
        std::fs::set_permissions(&elsewhere, std::fs::Permissions::from_mode(0o600)).unwrap();
        symlink(&elsewhere, &path).unwrap();
        let error = link(folder.path()).unwrap_err();
        assert!(matches!(error, BindError::Doubt { source: DoubtError::Link, .. }), "{error}");

        std::fs::remove_file(&path).unwrap();
        let error = link(folder.path()).unwrap_err();
        assert_eq!(error.failure(), Failure::ConsoleBindMissing);
    }

    fn written(text: &str) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        platform::make_private_dir(&folder.path().join("console")).unwrap();
        std::fs::write(path(folder.path()), text).unwrap();
        std::fs::set_permissions(path(folder.path()), std::fs::Permissions::from_mode(0o600))
            .unwrap();
        folder
    }
}
