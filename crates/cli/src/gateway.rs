//! Finding the gateway of a data directory, and the token that it takes.

use std::io;
use std::path::{Path, PathBuf};

use oriel_gateway_client::{ClientOptions, ConnectError, EventStream, GatewayClient};
use oriel_wire::gateway::SessionMeta;

use crate::args::At;
use crate::platform;

/// The folder of the gateway in a data directory.
const FOLDER: &str = "gateway";

/// No gateway can be talked to.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReachError {
    #[error("no gateway runs for {data_dir}; start one with `oriel gateway serve`")]
    NotRunning { data_dir: PathBuf },
    #[error(
        "the gateway of {data_dir} was at {bind} and is there no more; start it with \
         `oriel gateway serve`"
    )]
    WentAway { data_dir: PathBuf, bind: String },
    #[error("{path} cannot be relied on: {reason}; it must be a file of yours alone")]
    Doubtful { path: PathBuf, reason: String },
    #[error("cannot read the token in {path}: {source}")]
    Token { path: PathBuf, source: io::Error },
    #[error(transparent)]
    Connect(#[from] ConnectError),
}

/// No session is meant, or more than one.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NameError {
    #[error("no session begins with {0:?}; `oriel chat` lists them")]
    Nothing(String),
    #[error("{count} sessions begin with {name:?}; write more of the id")]
    Several { name: String, count: usize },
}

/// Connects to the gateway of the data directory, or to the one that was named.
pub(crate) async fn reach(
    at: &At,
    data_dir: &Path,
) -> Result<(GatewayClient, EventStream), ReachError> {
    let (options, bind) = options(at, data_dir)?;
    GatewayClient::connect(options).await.map_err(|error| match (error, bind) {
        // What it left says where it was.
        (ConnectError::Unreachable { .. }, Some(bind)) => {
            ReachError::WentAway { data_dir: data_dir.to_owned(), bind }
        }
        (error, _) => error.into(),
    })
}

/// Returns how to reach the gateway, and what its own file says of where it is.
fn options(at: &At, data_dir: &Path) -> Result<(ClientOptions, Option<String>), ReachError> {
    let folder = data_dir.join(FOLDER);
    let bind = match &at.url {
        Some(_) => None,
        None => Some(ours(&folder, "bind", data_dir)?),
    };
    let token = match &at.token_file {
        // Whoever names a file vouches for it.
        Some(path) => std::fs::read_to_string(path)
            .map_err(|source| ReachError::Token { path: path.clone(), source })?,
        None => ours(&folder, "token", data_dir)?,
    };
    let url = match (&at.url, &bind) {
        (Some(url), _) => url.clone(),
        (None, bind) => format!("ws://{}/ws", bind.as_deref().unwrap_or_default()),
    };
    Ok((ClientOptions::new(url, token.trim()), bind))
}

/// Reads a line that a gateway of the same owner wrote.
fn ours(folder: &Path, name: &str, data_dir: &Path) -> Result<String, ReachError> {
    use oriel_launcher::platform::DoubtError;

    let path = folder.join(name);
    match platform::read_private(&path, folder) {
        Ok(text) => Ok(text.trim().to_owned()),
        Err(DoubtError::Read(error)) if error.kind() == io::ErrorKind::NotFound => {
            Err(ReachError::NotRunning { data_dir: data_dir.to_owned() })
        }
        Err(error) => {
            let reason = crate::chain(&error);
            Err(ReachError::Doubtful { path, reason })
        }
    }
}

/// Returns the session of this id, or the only one whose id begins so.
pub(crate) fn named<'a>(
    sessions: &'a [SessionMeta],
    name: &str,
) -> Result<&'a SessionMeta, NameError> {
    if let Some(session) = sessions.iter().find(|session| session.id == name) {
        return Ok(session);
    }
    let found: Vec<_> = sessions.iter().filter(|session| session.id.starts_with(name)).collect();
    match found[..] {
        [session] => Ok(session),
        [] => Err(NameError::Nothing(name.to_owned())),
        _ => Err(NameError::Several { name: name.to_owned(), count: found.len() }),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_gateway_is_found_by_what_it_left_in_its_folder() {
        let folder = tempfile::tempdir().unwrap();
        let at = At { url: None, token_file: None };
        let missing = options(&at, folder.path()).unwrap_err().to_string();
        assert!(missing.contains("oriel gateway serve"), "{missing}");

        write(folder.path(), "bind", "127.0.0.1:3144\n");
        write(folder.path(), "token", "secret\n");
        let (found, bind) = options(&at, folder.path()).unwrap();
        assert_eq!(
            (found.url.as_str(), found.token.as_str()),
            ("ws://127.0.0.1:3144/ws", "secret")
        );
        assert_eq!(bind.as_deref(), Some("127.0.0.1:3144"));

        let other = folder.path().join("other");
        fs::write(&other, "theirs\n").unwrap();
        let at = At { url: Some("ws://localhost:9/ws".to_owned()), token_file: Some(other) };
        let (found, bind) = options(&at, folder.path()).unwrap();
        assert_eq!((found.url.as_str(), found.token.as_str()), ("ws://localhost:9/ws", "theirs"));
        assert_eq!(bind, None);
    }

    #[test]
    fn a_place_that_others_could_have_written_is_not_sent_the_token() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), "bind", "127.0.0.1:3144\n");
        write(folder.path(), "token", "secret\n");
        let bind = folder.path().join("gateway/bind");
        fs::set_permissions(&bind, fs::Permissions::from_mode(0o666)).unwrap();
        let error = options(&At { url: None, token_file: None }, folder.path()).unwrap_err();
        assert!(matches!(error, ReachError::Doubtful { .. }), "{error}");
    }

    #[tokio::test]
    async fn a_gateway_that_left_its_file_behind_is_told_from_one_that_never_ran() {
        let folder = tempfile::tempdir().unwrap();
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        write(folder.path(), "bind", &free.local_addr().unwrap().to_string());
        write(folder.path(), "token", "secret");
        drop(free);
        let error = reach(&At { url: None, token_file: None }, folder.path()).await.unwrap_err();
        assert!(matches!(error, ReachError::WentAway { .. }), "{error}");
    }

    fn write(data_dir: &Path, name: &str, text: &str) {
        let folder = data_dir.join(FOLDER);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(name), text).unwrap();
        fs::set_permissions(folder.join(name), fs::Permissions::from_mode(0o600)).unwrap();
    }
}
