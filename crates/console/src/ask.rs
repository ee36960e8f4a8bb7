//! Asking the runtime. The token of its control API is read from the data directory, stays on this side,
//! and is read again once where the runtime refuses it.

use std::path::PathBuf;
use std::sync::Mutex;

use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, HOST};
use axum::http::{HeaderValue, Method, Request, StatusCode};
use bytes::Bytes;
use oriel_link::{Link, LinkError};
use oriel_wire::control::{AUTHTOK_HEADER, HealthFile};
use oriel_wire::sync::SyncFailed;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::config::{Config, Reach};

/// The header in which the console says on whose behalf it asks.
const ACTOR_HEADER: &str = "x-oriel-actor";

/// The longest refusal of a stream that is read.
const REFUSAL_BYTES_MAX: usize = 64 * 1024;

/// The way to the runtime.
pub(crate) struct Runtime {
    reach: Reach,
    data_dir: PathBuf,
    token: Mutex<Option<HeaderValue>>,
}

/// The runtime did not give what it was asked for.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AskError {
    /// No runtime is there.
    #[error("{0}")]
    Down(String),
    /// It refused.
    #[error("{problem}")]
    Refused {
        /// With this status.
        status: StatusCode,
        /// In these words.
        problem: String,
        /// Its whole answer.
        body: Bytes,
    },
    /// Its answer is not what this version of the console understands.
    #[error("the runtime's answer to {path} cannot be read ({source}); is it of another version?")]
    Form {
        /// What was asked.
        path: String,
        /// Why.
        source: serde_json::Error,
    },
}

impl From<LinkError> for AskError {
    fn from(error: LinkError) -> Self {
        Self::Down(error.to_string())
    }
}

impl Runtime {
    pub(crate) fn new(config: &Config) -> Self {
        Self {
            reach: config.runtime.clone(),
            data_dir: config.data_dir.clone(),
            token: Mutex::new(None),
        }
    }

    /// Asks a question.
    pub(crate) async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, AskError> {
        read(path, &self.send(Method::GET, path, None, None).await?)
    }

    /// Has something done, on behalf of a session.
    pub(crate) async fn tell<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: &(impl Serialize + Sync),
        actor: &str,
    ) -> Result<T, AskError> {
        let body = Bytes::from(oriel_wire::json::to_vec(body));
        read(path, &self.send(method, path, Some(body), Some(actor)).await?)
    }

    /// Sends a request and returns the body of an answer that is no refusal.
    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<Bytes>,
        actor: Option<&str>,
    ) -> Result<Bytes, AskError> {
        let first = self.try_once(&method, path, body.clone(), actor).await;
        match first {
            Err(AskError::Refused { status: StatusCode::UNAUTHORIZED, .. }) => {
                // The runtime may have got a new token since it was read.
                *self.known_token() = None;
                self.try_once(&method, path, body, actor).await
            }
            other => other,
        }
    }

    /// Opens a stream, and returns it as soon as it begins.
    pub(crate) async fn stream(&self, path: &str) -> Result<Body, AskError> {
        let (link, request) = self.request(&Method::GET, path, None, None)?;
        let answer = link.send(request).await?;
        let status = answer.status();
        if status.is_success() {
            return Ok(answer.into_body());
        }
        // What cannot be read of a refusal is told by its status.
        let body = axum::body::to_bytes(answer.into_body(), REFUSAL_BYTES_MAX).await;
        Err(refused(status, body.unwrap_or_default()))
    }

    async fn try_once(
        &self,
        method: &Method,
        path: &str,
        body: Option<Bytes>,
        actor: Option<&str>,
    ) -> Result<Bytes, AskError> {
        let (link, request) = self.request(method, path, body, actor)?;
        let (status, body) = link.bytes(request).await?;
        if status.is_success() { Ok(body) } else { Err(refused(status, body)) }
    }

    fn request(
        &self,
        method: &Method,
        path: &str,
        body: Option<Bytes>,
        actor: Option<&str>,
    ) -> Result<(Link, Request<Body>), AskError> {
        let link = self.link()?;
        let mut request = Request::new(body.map_or_else(Body::empty, Body::from));
        *request.method_mut() = method.clone();
        *request.uri_mut() = path
            .parse()
            .map_err(|_| AskError::Down(format!("{path} is no address within the runtime")))?;
        let headers = request.headers_mut();
        headers.insert(HOST, host(&link));
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Some(token) = self.token() {
            headers.insert(AUTHTOK_HEADER, token);
        }
        if let Some(actor) = actor.and_then(|actor| HeaderValue::from_str(actor).ok()) {
            headers.insert(ACTOR_HEADER, actor);
        }
        Ok((link, request))
    }

    fn link(&self) -> Result<Link, AskError> {
        match &self.reach {
            Reach::Link(link) => Ok(link.clone()),
            Reach::HealthFile => self.link_of_health_file(),
        }
    }

    /// Reads anew where the runtime is. Only what is on this machine is asked, since the token goes
    /// with the question.
    fn link_of_health_file(&self) -> Result<Link, AskError> {
        let path = self.data_dir.join("health").join("daemon-health.json");
        let down = |why: String| AskError::Down(why);
        let text = std::fs::read(&path).map_err(|_| {
            down("no daemon runs; start one with `oriel serve` or `oriel daemon start`".to_owned())
        })?;
        let health: HealthFile = serde_json::from_slice(&text)
            .map_err(|error| down(format!("{} cannot be read: {error}", path.display())))?;
        if let Some(socket) = health.socket {
            return Ok(Link::Unix(socket.into()));
        }
        let addr = health.addr.as_deref().and_then(|addr| addr.parse().ok());
        match addr {
            Some(addr) if std::net::SocketAddr::ip(&addr).is_loopback() => Ok(Link::Tcp(addr)),
            _ => Err(down(format!("{} names no address of this machine", path.display()))),
        }
    }

    fn token(&self) -> Option<HeaderValue> {
        let mut known = self.known_token();
        if known.is_none() {
            let text = std::fs::read_to_string(self.data_dir.join("authtok")).ok()?;
            let mut value = HeaderValue::from_str(text.trim()).ok()?;
            value.set_sensitive(true);
            *known = Some(value);
        }
        known.clone()
    }

    fn known_token(&self) -> std::sync::MutexGuard<'_, Option<HeaderValue>> {
        self.token.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

fn host(link: &Link) -> HeaderValue {
    match link {
        Link::Tcp(addr) => HeaderValue::from_str(&addr.to_string()),
        _ => Ok(HeaderValue::from_static("localhost")),
    }
    .expect("an address is plain ASCII")
}

fn refused(status: StatusCode, body: Bytes) -> AskError {
    let problem = serde_json::from_slice::<oriel_wire::Problem>(&body)
        .map(|found| found.error.into_owned())
        // Sync says it in a form of its own.
        .or_else(|_| serde_json::from_slice::<SyncFailed>(&body).map(|failed| failed.message))
        .unwrap_or_else(|_| format!("the runtime answered {status}"));
    AskError::Refused { status, problem, body }
}

fn read<T: DeserializeOwned>(path: &str, body: &[u8]) -> Result<T, AskError> {
    serde_json::from_slice(body).map_err(|source| AskError::Form { path: path.to_owned(), source })
}
