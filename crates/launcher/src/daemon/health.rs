//! The health file, believed only as far as its place and its form allow.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use oriel_link::Link;
use oriel_wire::control::{HEALTH_SCHEMA, HealthFile};

use crate::platform::{self, DoubtError};

/// The health file cannot be believed.
#[derive(Debug, thiserror::Error)]
pub enum HealthError {
    /// Somebody else may have written it.
    #[error("will not use {}", path.display())]
    Doubt {
        /// Where it is.
        path: PathBuf,
        /// Why.
        source: DoubtError,
    },
    /// It is something else.
    #[error("{} is no health file; remove it once no daemon runs", path.display())]
    Form {
        /// Where it is.
        path: PathBuf,
        /// Why.
        source: serde_json::Error,
    },
    /// A program of another version wrote it.
    #[error("{} has the form {schema:?} and not {HEALTH_SCHEMA:?}; use the program that wrote it", path.display())]
    Schema {
        /// Where it is.
        path: PathBuf,
        /// What it says to be.
        schema: String,
    },
    /// It names another machine, or all of them.
    #[error(
        "the daemon listens on {addr}, which is no loopback address; set listen.socket so that programs of this machine reach it"
    )]
    Remote {
        /// The address.
        addr: String,
    },
    /// It names no place.
    #[error("{} says no place where the daemon listens", path.display())]
    Nowhere {
        /// Where it is.
        path: PathBuf,
    },
}

/// Returns where the health file of a data directory is.
#[must_use]
pub fn path(data_dir: &Path) -> PathBuf {
    data_dir.join("health").join("daemon-health.json")
}

/// Reads the health file, if there is one.
///
/// # Errors
/// Where somebody else may have written it, or it is of another form.
pub fn read(data_dir: &Path) -> Result<Option<HealthFile>, HealthError> {
    let path = path(data_dir);
    let text = match platform::read_private(&path, data_dir) {
        Ok(text) => text,
        Err(DoubtError::Read(error)) if error.kind() == std::io::ErrorKind::NotFound => {
            return Ok(None);
        }
        Err(source) => return Err(HealthError::Doubt { path, source }),
    };
    let health: HealthFile = match serde_json::from_str(&text) {
        Ok(health) => health,
        Err(source) => return Err(HealthError::Form { path, source }),
    };
    if health.schema != HEALTH_SCHEMA {
        return Err(HealthError::Schema { path, schema: health.schema });
    }
    Ok(Some(health))
}

/// Returns how to reach the daemon: by its loopback address, else by its socket.
///
/// # Errors
/// Where it names no place on this machine.
pub fn link(data_dir: &Path, health: &HealthFile) -> Result<Link, HealthError> {
    let addr: Option<SocketAddr> = health.addr.as_deref().and_then(|addr| addr.parse().ok());
    match (addr, &health.socket, &health.addr) {
        (Some(addr), _, _) if addr.ip().to_canonical().is_loopback() => Ok(Link::Tcp(addr)),
        (_, Some(socket), _) => Ok(Link::Unix(PathBuf::from(socket))),
        (_, None, Some(addr)) => Err(HealthError::Remote { addr: addr.clone() }),
        (_, None, None) => Err(HealthError::Nowhere { path: path(data_dir) }),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn no_file_is_no_daemon() {
        let folder = tempfile::tempdir().unwrap();
        assert!(read(folder.path()).unwrap().is_none());
    }

    #[test]
    fn a_file_of_another_form_is_refused() {
        for (text, part) in [
            (String::new(), "is no health file"),
            ("{}".to_owned(), "is no health file"),
            (form("oriel-daemon-health.v2"), "use the program that wrote it"),
        ] {
            let folder = tempfile::tempdir().unwrap();
            write(folder.path(), &text);
            let error = read(folder.path()).unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
        }
    }

    #[test]
    fn only_this_machine_is_asked() {
        let folder = Path::new("/nowhere");
        let health = |addr: Option<&str>, socket: Option<&str>| HealthFile {
            addr: addr.map(str::to_owned),
            socket: socket.map(str::to_owned),
            ..serde_json::from_str(&form(HEALTH_SCHEMA)).unwrap()
        };
        let reached = |addr, socket| link(folder, &health(addr, socket));
        assert!(matches!(reached(Some("127.0.0.1:1"), None), Ok(Link::Tcp(_))));
        assert!(matches!(reached(Some("[::1]:1"), Some("/s")), Ok(Link::Tcp(_))));
        assert!(matches!(reached(Some("10.0.0.1:1"), Some("/s")), Ok(Link::Unix(_))));
        for addr in ["10.0.0.1:1", "0.0.0.0:1", "example.org:1", ""] {
            let refused = reached(Some(addr), None);
            assert!(matches!(refused, Err(HealthError::Remote { .. })), "{addr}");
        }
        assert!(matches!(reached(None, None), Err(HealthError::Nowhere { .. })));
    }

    fn form(schema: &str) -> String {
        json!({
            "schema": schema, "pid": 1, "startedAt": "2026-03-01T10:00:00Z",
            "updatedAt": "2026-03-01T10:00:00Z", "phase": "ready", "version": "0.1.0",
            "addr": "127.0.0.1:3142", "socket": null,
        })
        .to_string()
    }

    fn write(data_dir: &Path, text: &str) {
        platform::make_private_dir(&data_dir.join("health")).unwrap();
        std::fs::write(path(data_dir), text).unwrap();
    }
}
