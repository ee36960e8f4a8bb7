//! Finding the daemon of a data directory.
//!
//! The health file only says where one was last heard of. Whether it lives is asked of the process
//! itself, with the token of the data directory, and not told from the age of a file.

pub mod bind;
pub mod health;
pub mod listener;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, Method, Request, Response, StatusCode, header};
use oriel_link::{Link, LinkError};
use oriel_wire::control::{ACTOR_HEADER, AUTHTOK_HEADER, DaemonStatus, HealthFile};
use oriel_wire::{Invalid, Problem};
use serde::de::DeserializeOwned;

use crate::platform;
pub use health::HealthError;

/// A daemon that does not answer by then counts as not running.
const ANSWER_WITHIN: Duration = Duration::from_secs(2);

/// A longer answer is cut off, which is an error.
const ANSWER_BYTES_MAX: usize = 64 * 1024 * 1024;

/// What was found of a daemon.
#[derive(Debug)]
pub enum Reached {
    /// It runs and answered.
    Live(Box<Live>),
    /// Only its health file is left, or what it says is no longer true.
    Stale {
        /// What the file says.
        health: HealthFile,
        /// Why that no longer holds.
        reason: String,
    },
    /// There is no health file.
    Absent,
}

/// A daemon that answered.
#[derive(Debug)]
pub struct Live {
    /// How to reach it.
    pub peer: Peer,
    /// What it said of itself.
    pub status: DaemonStatus,
}

/// Whom to ask, and the token that proves we may.
#[derive(Debug)]
pub struct Peer {
    link: Link,
    host: HeaderValue,
    token: HeaderValue,
    /// Where the token can be read again, since it may be made anew while we run.
    data_dir: Option<PathBuf>,
}

/// A daemon cannot be looked for.
#[derive(Debug, thiserror::Error)]
pub enum FindError {
    /// Its health file cannot be believed.
    #[error(transparent)]
    Health(#[from] HealthError),
    /// The token cannot be believed.
    #[error("cannot use the token in {}", path.display())]
    Token {
        /// Where it is.
        path: PathBuf,
        /// Why not.
        source: platform::DoubtError,
    },
    /// The token's file holds none.
    #[error("{} holds no token; restart the daemon, which makes a new one", path.display())]
    NoToken {
        /// Where it should be.
        path: PathBuf,
    },
}

/// A daemon cannot be asked, or will not do it.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// It cannot be reached.
    #[error(transparent)]
    Link(#[from] LinkError),
    /// The address of the request is none.
    #[error("the question is too long to be asked; ask for less at once")]
    Address,
    /// It broke off.
    #[error("the answer broke off")]
    Read(#[source] axum::Error),
    /// It will not do it.
    #[error("the daemon refuses: {problem}")]
    Refused {
        /// With this status.
        status: StatusCode,
        /// For this reason.
        problem: String,
    },
    /// It answers in another form.
    #[error("cannot make sense of the answer to {path}; is the daemon of another version?")]
    Form {
        /// What was asked.
        path: String,
        /// Why.
        source: serde_json::Error,
    },
}

/// Looks for the daemon of a data directory.
///
/// # Errors
/// Where the health file or the token cannot be believed.
pub async fn find(data_dir: &Path) -> Result<Reached, FindError> {
    let Some(health) = health::read(data_dir)? else { return Ok(Reached::Absent) };
    let link = health::link(data_dir, &health)?;
    if let Err(reason) = listener::belongs_to_owner(&link, data_dir) {
        // Whoever listens there now must not be shown the token.
        return Ok(Reached::Stale { health, reason });
    }
    let peer = Peer { data_dir: Some(data_dir.to_owned()), ..Peer::new(link, token(data_dir)?) };
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
pub async fn beside(data_dir: &Path, addr: SocketAddr) -> Option<(PathBuf, u32)> {
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
    /// Returns the way to a runtime whose token is known. A token that is none gives nothing.
    #[must_use]
    pub fn of(link: Link, token: &str) -> Option<Self> {
        Some(Self::new(link, header_value(token)?))
    }

    /// Returns the way to it, for what needs no token.
    #[must_use]
    pub fn link(&self) -> &Link {
        &self.link
    }

    /// Adds where the token is read again when it was made anew.
    #[must_use]
    pub fn of_data_dir(self, data_dir: &Path) -> Self {
        Self { data_dir: Some(data_dir.to_owned()), ..self }
    }

    /// Has a request carry the token, for a service beside the runtime that asks for it too.
    pub fn show_token<B>(&self, request: &mut axum::http::Request<B>) {
        request.headers_mut().insert(AUTHTOK_HEADER, self.token.clone());
    }

    fn new(link: Link, token: HeaderValue) -> Self {
        let host = match &link {
            Link::Tcp(addr) => HeaderValue::from_str(&addr.to_string()),
            _ => Ok(HeaderValue::from_static("localhost")),
        };
        let host = host.expect("an address is plain ASCII");
        Self { link, host, token, data_dir: None }
    }

    /// Sends a request and reads the answer.
    ///
    /// # Errors
    /// Where there is no answer, it refuses, or it makes no sense.
    pub async fn call<T: DeserializeOwned>(
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
    ///
    /// # Errors
    /// Where there is no answer, or it refuses.
    pub async fn send(&self, method: Method, path: &str, body: Body) -> Result<Bytes, CallError> {
        let (status, answer) = self.exchange(method, path, body).await?;
        if status.is_success() {
            return Ok(answer);
        }
        let problem = match serde_json::from_slice::<Problem>(&answer) {
            Ok(problem) => problem.error.into_owned() + &details(&answer),
            Err(_) => format!("status {status}"),
        };
        Err(CallError::Refused { status, problem })
    }

    /// Sends a request and returns the whole answer, be it a refusal, for what refuses in a form of its
    /// own.
    ///
    /// # Errors
    /// Where there is no answer.
    pub async fn exchange(
        &self,
        method: Method,
        path: &str,
        body: Body,
    ) -> Result<(StatusCode, Bytes), CallError> {
        let (head, body) = self.open(method, path, body).await?.into_parts();
        let answer = axum::body::to_bytes(body, ANSWER_BYTES_MAX).await.map_err(CallError::Read)?;
        Ok((head.status, answer))
    }

    /// Sends a request and returns the answer as soon as it begins, for what is a stream.
    ///
    /// # Errors
    /// Where there is no answer.
    pub async fn open(
        &self,
        method: Method,
        path: &str,
        body: Body,
    ) -> Result<Response<Body>, CallError> {
        // Our own requests are in memory already, so this only gives them back.
        let body = axum::body::to_bytes(body, ANSWER_BYTES_MAX).await.map_err(CallError::Read)?;
        let answer = self.ask(&method, path, body.clone(), &self.token).await?;
        let fresh = match answer.status() {
            StatusCode::UNAUTHORIZED => self.fresh_token(),
            _ => None,
        };
        match fresh {
            Some(token) => self.ask(&method, path, body, &token).await,
            None => Ok(answer),
        }
    }

    /// Reads the token again, and returns it if it is another by now.
    fn fresh_token(&self) -> Option<HeaderValue> {
        let fresh = token(self.data_dir.as_deref()?).ok()?;
        (fresh != self.token).then_some(fresh)
    }

    async fn ask(
        &self,
        method: &Method,
        path: &str,
        body: Bytes,
        token: &HeaderValue,
    ) -> Result<Response<Body>, CallError> {
        let mut request = Request::new(Body::from(body));
        *request.method_mut() = method.clone();
        *request.uri_mut() = path.parse().map_err(|_| CallError::Address)?;
        let headers = request.headers_mut();
        headers.insert(header::HOST, self.host.clone());
        headers.insert(AUTHTOK_HEADER, token.clone());
        headers.insert(ACTOR_HEADER, HeaderValue::from_static("cli"));
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));

        Ok(self.link.send(request).await?)
    }
}

/// Returns what is wrong with each field, where a refusal says so.
fn details(answer: &[u8]) -> String {
    let Ok(invalid) = serde_json::from_slice::<Invalid>(answer) else { return String::new() };
    let details =
        invalid.details.iter().map(|error| format!("; {} {}", error.field, error.message));
    details.collect()
}
