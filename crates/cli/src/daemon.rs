//! Finding the daemon of a data directory.
//!
//! The health file only says where one was last heard of. Whether it lives is asked of the process
//! itself, with the token of the data directory, and not told from the age of a file.

pub(crate) mod health;
pub(crate) mod listener;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, Method, Request, StatusCode, header};
use oriel_link::{Link, LinkError};
use oriel_runtime::Runtime;
use oriel_wire::Problem;
use oriel_wire::control::{AUTHTOK_HEADER, DaemonStatus, HealthFile};
use serde::de::DeserializeOwned;

use crate::platform;
pub(crate) use health::HealthError;

/// A daemon that does not answer by then counts as not running.
const ANSWER_WITHIN: Duration = Duration::from_secs(2);

/// A longer answer is cut off, which is an error.
const ANSWER_BYTES_MAX: usize = 64 * 1024 * 1024;

/// What was found of a daemon.
#[derive(Debug)]
pub(crate) enum Reached {
    /// It runs and answered.
    Live(Box<Live>),
    /// Only its health file is left, or what it says is no longer true.
    Stale { health: HealthFile, reason: String },
    /// There is no health file.
    Absent,
}

/// A daemon that answered.
#[derive(Debug)]
pub(crate) struct Live {
    /// How to reach it.
    pub(crate) peer: Peer,
    /// What it said of itself.
    pub(crate) status: DaemonStatus,
}

/// Whom to ask, and the token that proves we may.
#[derive(Debug)]
pub(crate) struct Peer {
    link: Link,
    host: HeaderValue,
    token: HeaderValue,
}

/// A daemon cannot be looked for.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FindError {
    #[error(transparent)]
    Health(#[from] HealthError),
    #[error("cannot use the token in {}", path.display())]
    Token { path: PathBuf, source: platform::DoubtError },
    #[error("{} holds no token; restart the daemon, which makes a new one", path.display())]
    NoToken { path: PathBuf },
}

/// A daemon cannot be asked, or will not do it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CallError {
    #[error(transparent)]
    Link(#[from] LinkError),
    #[error("the question is too long to be asked; ask for less at once")]
    Address,
    #[error("the answer broke off")]
    Read(#[source] axum::Error),
    #[error("the daemon refuses: {problem}")]
    Refused { status: StatusCode, problem: String },
    #[error("cannot make sense of the answer to {path}; is the daemon of another version?")]
    Form { path: String, source: serde_json::Error },
}

/// Looks for the daemon of a data directory.
pub(crate) async fn find(data_dir: &Path) -> Result<Reached, FindError> {
    let Some(health) = health::read(data_dir)? else { return Ok(Reached::Absent) };
    let link = health::link(data_dir, &health)?;
    if let Err(reason) = listener::belongs_to_owner(&link, data_dir) {
        // Whoever listens there now must not be shown the token.
        return Ok(Reached::Stale { health, reason });
    }
    let peer = Peer::new(link, token(data_dir)?);
    let asked = peer.call::<DaemonStatus>(Method::GET, "/control/status", Body::empty());
    let reason = match tokio::time::timeout(ANSWER_WITHIN, asked).await {
        Ok(Ok(status)) if status.pid == health.pid => {
            return Ok(Reached::Live(Box::new(Live { peer, status })));
        }
        Ok(Ok(status)) => format!("another daemon answers there, process {}", status.pid),
        Ok(Err(CallError::Refused { status, .. })) => {
            format!("what answers there refuses with status {}", status.as_u16())
        }
        Ok(Err(CallError::Form { .. } | CallError::Address)) => {
            "what answers there is no daemon".to_owned()
        }
        Ok(Err(CallError::Link(_) | CallError::Read(_))) if platform::process_runs(health.pid) => {
            format!("process {} runs but does not answer", health.pid)
        }
        Ok(Err(CallError::Link(_) | CallError::Read(_))) => {
            format!("process {} is gone", health.pid)
        }
        Err(_) => format!("there was no answer within {} s", ANSWER_WITHIN.as_secs()),
    };
    Ok(Reached::Stale { health, reason })
}

/// Looks among the data directories beside this one for a daemon that listens on an address, and
/// returns its directory and its process.
pub(crate) async fn beside(data_dir: &Path, addr: SocketAddr) -> Option<(PathBuf, u32)> {
    let addr = addr.to_string();
    // What cannot be read has nothing to tell.
    for entry in std::fs::read_dir(data_dir.parent()?).ok()?.flatten() {
        let folder = entry.path();
        let is_ours = entry.file_name().as_encoded_bytes().starts_with(b"oriel");
        let says_so = || {
            health::read(&folder)
                .ok()
                .flatten()
                .is_some_and(|health| health.addr.as_deref() == Some(addr.as_str()))
        };
        if is_ours
            && says_so()
            && let Ok(Reached::Live(live)) = find(&folder).await
        {
            return Some((folder, live.status.pid));
        }
    }
    None
}

/// Reads the token that proves that we may use the data directory.
fn token(data_dir: &Path) -> Result<HeaderValue, FindError> {
    let path = data_dir.join("authtok");
    match platform::read_private(&path, data_dir) {
        Ok(text) => header_value(&text).ok_or(FindError::NoToken { path }),
        Err(source) => Err(FindError::Token { path, source }),
    }
}

/// Returns a token as the value of a header that no log shows.
fn header_value(token: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(token.trim()).ok().filter(|value| !value.is_empty())?;
    value.set_sensitive(true);
    Some(value)
}

impl Peer {
    /// Returns the way to a runtime in this process.
    pub(crate) fn of(runtime: &Runtime) -> Self {
        let token = header_value(runtime.authtok()).expect("a runtime's token is hexadecimal");
        Self::new(runtime.link(), token)
    }

    fn new(link: Link, token: HeaderValue) -> Self {
        let host = match &link {
            Link::Tcp(addr) => HeaderValue::from_str(&addr.to_string()),
            _ => Ok(HeaderValue::from_static("localhost")),
        };
        let host = host.expect("an address is plain ASCII");
        Self { link, host, token }
    }

    /// Sends a request and reads the answer.
    pub(crate) async fn call<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Body,
    ) -> Result<T, CallError> {
        let answer = self.send(method, path, body).await?;
        serde_json::from_slice(&answer)
            .map_err(|source| CallError::Form { path: path.to_owned(), source })
    }

    /// Sends a request and returns the body of an answer that is no refusal.
    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        body: Body,
    ) -> Result<Bytes, CallError> {
        let mut request = Request::new(body);
        *request.method_mut() = method;
        *request.uri_mut() = path.parse().map_err(|_| CallError::Address)?;
        let headers = request.headers_mut();
        headers.insert(header::HOST, self.host.clone());
        headers.insert(AUTHTOK_HEADER, self.token.clone());
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));

        let (head, body) = self.link.send(request).await?.into_parts();
        let answer = axum::body::to_bytes(body, ANSWER_BYTES_MAX).await.map_err(CallError::Read)?;
        if head.status.is_success() {
            return Ok(answer);
        }
        let problem = match serde_json::from_slice::<Problem>(&answer) {
            Ok(problem) => problem.error.into_owned(),
            Err(_) => format!("status {}", head.status),
        };
        Err(CallError::Refused { status: head.status, problem })
    }
}

#[cfg(test)]
mod tests {
    use oriel_wire::control::DaemonPhase;

    use super::*;
    use crate::testing;

    #[tokio::test]
    async fn a_daemon_that_runs_is_found_and_answers_for_itself() {
        let folder = tempfile::tempdir().unwrap();
        let config = testing::config(folder.path());
        assert!(matches!(find(&config.data_dir).await, Ok(Reached::Absent)));

        let runtime = Runtime::start(config.clone()).await.unwrap();
        let Ok(Reached::Live(live)) = find(&config.data_dir).await else { panic!("it runs") };
        assert_eq!(live.status.phase, DaemonPhase::Ready);
        assert_eq!(live.status.addr, runtime.local_addr().map(|addr| addr.to_string()));

        let left = health::path(&config.data_dir);
        let text = std::fs::read_to_string(&left).unwrap();
        runtime.shutdown().await;
        assert!(matches!(find(&config.data_dir).await, Ok(Reached::Absent)), "it took its file");
        std::fs::write(&left, text).unwrap();
        assert!(matches!(find(&config.data_dir).await, Ok(Reached::Stale { .. })));
    }

    #[tokio::test]
    async fn another_daemon_at_the_address_is_not_taken_for_ours() {
        let folder = tempfile::tempdir().unwrap();
        let config = testing::config(folder.path());
        let runtime = Runtime::start(config.clone()).await.unwrap();
        let path = health::path(&config.data_dir);
        let mut health = health::read(&config.data_dir).unwrap().unwrap();

        health.pid += 1;
        std::fs::write(&path, serde_json::to_string(&health).unwrap()).unwrap();
        let Ok(Reached::Stale { reason, .. }) = find(&config.data_dir).await else {
            panic!("another process wrote it");
        };
        assert!(reason.contains("another daemon"), "{reason}");

        health.pid -= 1;
        std::fs::write(&path, serde_json::to_string(&health).unwrap()).unwrap();
        std::fs::write(config.data_dir.join("authtok"), "f".repeat(64)).unwrap();
        let Ok(Reached::Stale { reason, .. }) = find(&config.data_dir).await else {
            panic!("it has another token");
        };
        assert!(reason.contains("401"), "{reason}");
        runtime.shutdown().await;
    }

    #[tokio::test]
    async fn a_daemon_beside_ours_is_named_by_its_address() {
        let folder = tempfile::tempdir().unwrap();
        let mut config = testing::config(folder.path());
        config.data_dir = folder.path().join("oriel-work");
        let runtime = Runtime::start(config.clone()).await.unwrap();
        let addr = runtime.local_addr().unwrap();
        let ours = folder.path().join("oriel");
        let found = beside(&ours, addr).await;
        assert_eq!(found, Some((config.data_dir, std::process::id())));
        runtime.shutdown().await;
        assert_eq!(beside(&ours, addr).await, None);
    }
}
