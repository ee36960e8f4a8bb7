//! The one way from a page to a network: a proxy on loopback that connects to public addresses only.
//!
//! The engine sends everything through it, whatever a page uses to ask: it has no other way out. Hooks on
//! navigation see links and frames; this sees images, scripts, WebSockets and redirects as well. A name is
//! resolved here and nowhere else, and what is connected to is the very address that was judged, so a name
//! that answers differently the next time gains nothing.
//!
//! A connection needs the credential that only the engine has, so other programs of this machine cannot use
//! it. What it does with bytes is none of its business: what it was allowed to connect to, it connects.

mod forward;
mod target;

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use data_encoding::{BASE64, HEXLOWER};
use http::header::{PROXY_AUTHENTICATE, PROXY_AUTHORIZATION};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Empty, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use subtle::ConstantTimeEq;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

use crate::pin::Pin;

use target::Rule;
pub(crate) use target::{Refusal, Resolve, SystemNames};

/// So many connections at once. The engine makes a few dozen; a further one is closed at once.
const CONNECTIONS_MAX: usize = 256;

/// The longest head of a request. A longer one is answered with 431.
const HEAD_BYTES_MAX: usize = 64 * 1024;

/// A head that is not whole by then ends its connection. A connection that idles is closed by it too.
const HEAD_WAIT: Duration = Duration::from_secs(60);

/// What the engine is sent to first, so that it learns the credential. No name ends like this.
pub(crate) const FIRST: &str = "http://oriel-preview.invalid/";
const FIRST_HOST: &str = "oriel-preview.invalid";

type Body = BoxBody<Bytes, hyper::Error>;
type OnLearned = Box<dyn FnOnce() + Send>;
type OnRefused = Box<dyn Fn(Refused) + Send + Sync>;

/// Somebody whom nobody was connected to.
#[derive(Debug)]
pub(crate) struct Refused {
    /// The scheme of what was asked for, as far as a proxy can know it.
    pub(crate) scheme: &'static str,
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) why: Refusal,
}

/// A proxy that listens and does not answer yet.
pub(crate) struct Proxy<R> {
    listener: TcpListener,
    shared: Arc<Shared<R>>,
    address: SocketAddr,
    credential: String,
}

struct Shared<R> {
    rule: Rule<R>,
    authorization: String,
    on_refused: OnRefused,
    own: SocketAddr,
    learned: AtomicBool,
    on_learned: Mutex<Option<OnLearned>>,
}

/// The proxy cannot be started.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ProxyError {
    /// It has nowhere to listen.
    #[error("the proxy found no port on 127.0.0.1; see whether the loopback network is up")]
    Listen(#[source] io::Error),
    /// The system has no random numbers.
    #[error("the system gives no random numbers, which the proxy's credential is made of")]
    Random(#[source] getrandom::Error),
}

impl<R> Shared<R> {
    /// Whether this is the engine's answer to the first challenge, which is one to nowhere.
    ///
    /// Asked for a credential, the engine gives it, but sends what it was about to ask to the proxy's own
    /// address instead. From then on it gives the credential unasked and all is well. So the first thing
    /// that it is sent to is nothing, and is answered with nothing.
    fn learns(&self, host: &str, port: u16) -> bool {
        let own = host == self.own.ip().to_string() && port == self.own.port();
        let first = (own || host == FIRST_HOST) && !self.learned.swap(true, Ordering::Relaxed);
        if first {
            let mut learned = self.on_learned.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(learned) = learned.take() {
                learned();
            }
        }
        first
    }
}

impl<R: Resolve> Proxy<R> {
    /// Takes a port on loopback. `on_learned` is called once, when the engine gave the credential in
    /// answer to [`FIRST`].
    pub(crate) async fn bind(
        pins: Vec<Pin>,
        names: R,
        on_refused: OnRefused,
        on_learned: OnLearned,
    ) -> Result<Self, ProxyError> {
        let mut secret = [0; 16];
        getrandom::fill(&mut secret).map_err(ProxyError::Random)?;
        let credential = HEXLOWER.encode(&secret);
        let authorization =
            format!("Basic {}", BASE64.encode(format!("oriel:{credential}").as_bytes()));
        let listener =
            TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(ProxyError::Listen)?;
        let address = listener.local_addr().map_err(ProxyError::Listen)?;
        let rule = Rule { pins, names };
        let shared = Arc::new(Shared {
            rule,
            authorization,
            on_refused,
            own: address,
            learned: AtomicBool::new(false),
            on_learned: Mutex::new(Some(on_learned)),
        });
        Ok(Self { listener, shared, address, credential })
    }

    /// The address by which the engine uses it, with the credential.
    pub(crate) fn uri(&self) -> String {
        format!("http://oriel:{}@{}", self.credential, self.address)
    }

    /// Answers until the process ends.
    pub(crate) async fn serve(self) -> Infallible {
        let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
        loop {
            let Ok((stream, _)) = self.listener.accept().await else {
                // The process has no more files to open: some will be closed soon.
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            };
            let Ok(place) = Arc::clone(&places).try_acquire_owned() else { continue };
            let place = Arc::new(place);
            let shared = Arc::clone(&self.shared);
            tokio::spawn(async move {
                let service = service_fn(|request| {
                    // A tunnel outlives its connection's task and keeps the place as long.
                    let (shared, place) = (Arc::clone(&shared), Arc::clone(&place));
                    async move { answer(&shared, request, place).await }
                });
                let served = http1::Builder::new()
                    .timer(TokioTimer::new())
                    .header_read_timeout(HEAD_WAIT)
                    .max_buf_size(HEAD_BYTES_MAX)
                    .serve_connection(TokioIo::new(stream), service)
                    .with_upgrades()
                    .await;
                // Who hung up half-way learns nothing more, and nobody else wants to know.
                drop(served);
            });
        }
    }
}

/// The connection ends without an answer.
#[derive(Debug, thiserror::Error)]
#[error("nobody is connected to what was asked for")]
struct HangUp;

async fn answer<R: Resolve, K: Send + 'static>(
    shared: &Shared<R>,
    request: Request<Incoming>,
    keep: K,
) -> Result<Response<Body>, HangUp> {
    if !authorized(request.headers(), &shared.authorization) {
        let mut refused = text(StatusCode::PROXY_AUTHENTICATION_REQUIRED, "a credential is needed");
        let challenge = HeaderValue::from_static("Basic realm=\"oriel-preview\"");
        refused.headers_mut().insert(PROXY_AUTHENTICATE, challenge);
        return Ok(refused);
    }
    let Some((scheme, host, port)) = asked(&request) else {
        return Ok(text(StatusCode::BAD_REQUEST, "this is a proxy; ask for http://… or CONNECT"));
    };
    if shared.learns(&host, port) {
        return Ok(empty(StatusCode::NO_CONTENT));
    }
    let tunnel = request.method() == Method::CONNECT;
    let connected = match shared.rule.connect(&host, port).await {
        Ok(connected) => connected,
        Err(why) => {
            let (status, said) = (why.status(), why.to_string());
            (shared.on_refused)(Refused { scheme, host, port, why });
            // An answer to a plain request would be one of the server's to the page that asked.
            return if tunnel { Ok(text(status, &said)) } else { Err(HangUp) };
        }
    };
    Ok(if tunnel {
        forward::tunnel(request, connected, keep)
    } else {
        forward::request(request, connected, keep).await
    })
}

fn authorized(headers: &HeaderMap, expected: &str) -> bool {
    headers
        .get(PROXY_AUTHORIZATION)
        .is_some_and(|given| given.as_bytes().ct_eq(expected.as_bytes()).into())
}

/// The scheme, host and port that a request to a proxy is for.
fn asked(request: &Request<Incoming>) -> Option<(&'static str, String, u16)> {
    let authority = request.uri().authority()?;
    let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_ascii_lowercase();
    if host.is_empty() {
        return None;
    }
    if request.method() == Method::CONNECT {
        return Some(("https", host, authority.port_u16()?));
    }
    matches!(request.uri().scheme_str()?, "http" | "ws")
        .then(|| ("http", host, authority.port_u16().unwrap_or(80)))
}

fn text(status: StatusCode, said: &str) -> Response<Body> {
    let body = Full::new(Bytes::from(format!("{said}\n"))).map_err(|never| match never {});
    let mut response = Response::new(body.boxed());
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(http::header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}

fn empty(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Empty::new().map_err(|never| match never {}).boxed());
    *response.status_mut() = status;
    response
}

/// Runs a future on a thread's own runtime for as long as the process lives.
pub(crate) fn run<F: Future>(future: F) -> io::Result<F::Output> {
    Ok(tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(future))
}

/// A connection to an address that was judged.
pub(crate) type Connected = TcpStream;

#[cfg(test)]
mod tests;
