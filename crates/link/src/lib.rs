//! Reaching a service: in process, through a Unix socket, or over TCP, and nobody can tell. And being
//! reached: bounded connections ([`serve`]) from those who may ([`origin`]).
//!
//! Between a surface and a service there is always an HTTP request. Where the service runs is
//! decided once, where its [`Link`] is made.

pub mod origin;
pub mod serve;
pub mod spool;
pub mod sse;

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::header::HOST;
use axum::http::{HeaderValue, Request, Response, StatusCode, Uri};
use bytes::Bytes;
use http_body_util::{BodyExt, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde::de::DeserializeOwned;
use tokio::io::{AsyncRead, AsyncWrite};
use tower::{Service, ServiceExt};

pub use serve::Stream;

/// The largest answer that is read as a whole.
const ANSWER_BYTES_MAX: usize = 64 * 1024 * 1024;

/// What a pipe within the process holds in each direction before its writer waits.
const PIPE_BYTES: usize = 64 * 1024;

/// How a service is reached.
#[derive(Debug, Clone)]
pub enum Link {
    /// It is in this process.
    InProcess(Router),
    /// It listens on a Unix socket.
    Unix(PathBuf),
    /// It listens on a TCP address.
    Tcp(SocketAddr),
}

/// A service could not be reached, or broke off.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// Nothing listens there.
    #[error("cannot connect to {place}: {source}; is the daemon running?")]
    Connect {
        /// Where.
        place: String,
        /// Why.
        source: std::io::Error,
    },
    /// This system has no Unix sockets.
    #[error("{0} is a Unix socket, and this system has none; use a TCP address")]
    NoUnixSockets(PathBuf),
    /// It broke off.
    #[error("the connection to {place} broke: {source}")]
    Broken {
        /// Where.
        place: String,
        /// Why.
        source: hyper::Error,
    },
    /// The answer did not come whole.
    #[error("the answer was cut short or too long: {0}")]
    Answer(String),
    /// The answer is not what was asked for.
    #[error("the answer ({status}) could not be read: {source}")]
    Form {
        /// Its status.
        status: StatusCode,
        /// Why.
        source: serde_json::Error,
    },
}

impl Link {
    /// Sends a request and returns the answer as soon as it begins.
    ///
    /// # Errors
    /// Where the service cannot be reached or breaks off.
    pub async fn send(&self, request: Request<Body>) -> Result<Response<Body>, LinkError> {
        self.send_over(request, None).await
    }

    /// Sends a request as [`Self::send`] does, and gives up where no connection is made in time.
    ///
    /// # Errors
    /// As [`Self::send`].
    pub async fn send_within(
        &self,
        request: Request<Body>,
        connect_within: Duration,
    ) -> Result<Response<Body>, LinkError> {
        self.send_over(request, Some(connect_within)).await
    }

    async fn send_over(
        &self,
        mut request: Request<Body>,
        within: Option<Duration>,
    ) -> Result<Response<Body>, LinkError> {
        request.headers_mut().entry(HOST).or_insert(HeaderValue::from_static("localhost"));
        make_relative(&mut request);
        match self {
            Self::InProcess(router) => {
                let answer: Result<_, Infallible> = router.clone().oneshot(request).await;
                Ok(answer.unwrap_or_else(|never| match never {}))
            }
            Self::Tcp(addr) => {
                let stream = connect(within, tokio::net::TcpStream::connect(addr)).await;
                self.exchange(stream, request).await
            }
            #[cfg(unix)]
            Self::Unix(path) => {
                let stream = connect(within, tokio::net::UnixStream::connect(path)).await;
                self.exchange(stream, request).await
            }
            #[cfg(not(unix))]
            Self::Unix(path) => Err(LinkError::NoUnixSockets(path.clone())),
        }
    }

    /// Sends a request and reads the whole answer.
    ///
    /// # Errors
    /// As [`Self::send`], and where the answer is cut short or too long.
    pub async fn bytes(&self, request: Request<Body>) -> Result<(StatusCode, Bytes), LinkError> {
        let (head, body) = self.send(request).await?.into_parts();
        let whole = Limited::new(body, ANSWER_BYTES_MAX).collect().await;
        let bytes = whole.map_err(|error| LinkError::Answer(error.to_string()))?.to_bytes();
        Ok((head.status, bytes))
    }

    /// Sends a request and reads the answer as JSON, whatever its status.
    ///
    /// # Errors
    /// As [`Self::bytes`], and where the answer is not the JSON that was asked for.
    pub async fn json<T: DeserializeOwned>(
        &self,
        request: Request<Body>,
    ) -> Result<(StatusCode, T), LinkError> {
        let (status, bytes) = self.bytes(request).await?;
        let value =
            serde_json::from_slice(&bytes).map_err(|source| LinkError::Form { status, source })?;
        Ok((status, value))
    }

    /// Opens a connection to the service, on which whoever asks may speak HTTP and, after an upgrade,
    /// something else. To a service in this process it is a pipe.
    ///
    /// # Errors
    /// Where the service cannot be reached.
    pub async fn connect(&self) -> Result<Box<dyn Stream>, LinkError> {
        let failed = |source| LinkError::Connect { place: self.to_string(), source };
        match self {
            Self::InProcess(router) => {
                let (near, far) = tokio::io::duplex(PIPE_BYTES);
                tokio::spawn(serve::serve_pipe(far, router.clone()));
                Ok(Box::new(near))
            }
            Self::Tcp(addr) => {
                let stream = tokio::net::TcpStream::connect(addr).await.map_err(failed)?;
                stream.set_nodelay(true).map_err(failed)?;
                Ok(Box::new(stream))
            }
            #[cfg(unix)]
            Self::Unix(path) => {
                Ok(Box::new(tokio::net::UnixStream::connect(path).await.map_err(failed)?))
            }
            #[cfg(not(unix))]
            Self::Unix(path) => Err(LinkError::NoUnixSockets(path.clone())),
        }
    }

    async fn exchange<S>(
        &self,
        stream: std::io::Result<S>,
        request: Request<Body>,
    ) -> Result<Response<Body>, LinkError>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let place = || self.to_string();
        let stream = stream.map_err(|source| LinkError::Connect { place: place(), source })?;
        let broken = |source| LinkError::Broken { place: place(), source };
        let (mut sender, connection) =
            http1::handshake(TokioIo::new(stream)).await.map_err(broken)?;
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                // The reader of the answer sees it too, and knows what it was for.
                tracing::debug!(%error, "a link's connection ended early");
            }
        });
        let answer = sender.send_request(request).await.map_err(broken)?;
        Ok(answer.map(Body::new))
    }
}

impl std::fmt::Display for Link {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::InProcess(_) => f.write_str("this process"),
            Self::Unix(path) => write!(f, "{}", path.display()),
            Self::Tcp(addr) => write!(f, "{addr}"),
        }
    }
}

impl Service<Request<Body>> for Link {
    type Response = Response<Body>;
    type Error = LinkError;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, LinkError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), LinkError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let link = self.clone();
        Box::pin(async move { link.send(request).await })
    }
}

async fn connect<S>(
    within: Option<Duration>,
    stream: impl Future<Output = std::io::Result<S>>,
) -> std::io::Result<S> {
    match within {
        Some(within) => match tokio::time::timeout(within, stream).await {
            Ok(stream) => stream,
            Err(_) => Err(std::io::ErrorKind::TimedOut.into()),
        },
        None => stream.await,
    }
}

/// Leaves the path and query of the request's address, which is all that a service wants.
fn make_relative(request: &mut Request<Body>) {
    let uri = request.uri();
    if uri.scheme().is_some()
        && let Some(path) = uri.path_and_query().cloned()
    {
        *request.uri_mut() = Uri::from(path);
    }
}

#[cfg(test)]
mod tests {
    use axum::routing::post;

    use super::*;

    #[tokio::test]
    async fn a_service_answers_the_same_however_it_is_reached() {
        let folder = tempfile::tempdir().unwrap();
        let router = Router::new().route("/echo", post(echo));
        let tcp = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut links = vec![Link::InProcess(router.clone()), Link::Tcp(tcp.local_addr().unwrap())];
        tokio::spawn(axum::serve(tcp, router.clone()).into_future());
        if cfg!(unix) {
            let path = folder.path().join("socket");
            let unix = tokio::net::UnixListener::bind(&path).unwrap();
            tokio::spawn(axum::serve(unix, router).into_future());
            links.push(Link::Unix(path));
        }
        for link in links {
            let request = Request::post("http://elsewhere/echo?x=1").body(Body::from("hello"));
            let (status, bytes) = link.bytes(request.unwrap()).await.unwrap();
            assert_eq!(
                (status, &bytes[..]),
                (StatusCode::OK, &b"/echo?x=1 localhost hello"[..]),
                "{link}"
            );
        }
    }

    #[tokio::test]
    async fn a_service_that_is_not_there_is_named() {
        let free = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = free.local_addr().unwrap();
        drop(free);
        let request = Request::get("/").body(Body::empty()).unwrap();
        let error = Link::Tcp(addr).bytes(request).await.unwrap_err().to_string();
        assert!(error.contains(&addr.to_string()), "{error}");
    }

    async fn echo(request: Request<Body>) -> String {
        let (head, body) = request.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let host = head.headers[HOST].to_str().unwrap().to_owned();
        format!("{} {host} {}", head.uri, String::from_utf8_lossy(&body))
    }
}
