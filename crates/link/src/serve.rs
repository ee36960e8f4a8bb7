//! Connections: accepted, bounded, and ended in good time.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tower::ServiceExt;
use tower::util::MapRequest;

/// More connections than this wait to be accepted.
const CONNECTIONS_MAX: usize = 1024;

/// A connection that has not sent a whole request head by then is closed.
const HEAD_WITHIN: Duration = Duration::from_secs(30);

/// What is buffered of a connection, and so the longest request head.
const BUFFER_BYTES_MAX: usize = 64 * 1024;

/// When told to stop, requests have this long to end.
const END_WITHIN: Duration = Duration::from_millis(600);

/// After a failed accept, which is the system being out of something, this is waited.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// What a service listens on.
#[derive(Debug)]
pub enum Listener {
    /// A TCP address.
    Tcp(TcpListener),
    /// A Unix socket.
    #[cfg(unix)]
    Unix(tokio::net::UnixListener),
}

/// Serves until it is time to stop, then lets requests end for a moment.
pub async fn serve(listener: Listener, router: Router, stopping: impl Future<Output = ()>) {
    let mut stopping = pin!(stopping);
    let graceful = GracefulShutdown::new();
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        let accept = async {
            let place = Arc::clone(&places).acquire_owned().await;
            (place.expect("the semaphore is never closed"), listener.accept().await)
        };
        let (place, accepted) = tokio::select! {
            accepted = accept => accepted,
            () = &mut stopping => break,
        };
        match accepted {
            Ok(stream) => {
                let connection = graceful.watch(connect(stream, router.clone()));
                tokio::spawn(async move {
                    if let Err(error) = connection.await {
                        tracing::debug!(%error, "a connection ended early");
                    }
                    drop(place);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "a connection was not accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(listener);
    if tokio::time::timeout(END_WITHIN, graceful.shutdown()).await.is_err() {
        tracing::info!("connections that did not end in time were cut off");
    }
}

/// A connection of either kind.
trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

impl Listener {
    async fn accept(&self) -> std::io::Result<Box<dyn Stream>> {
        match self {
            Self::Tcp(listener) => {
                let (stream, _) = listener.accept().await?;
                // Answers are small and whole: waiting to fill a packet only delays them.
                stream.set_nodelay(true)?;
                Ok(Box::new(stream))
            }
            #[cfg(unix)]
            Self::Unix(listener) => Ok(Box::new(listener.accept().await?.0)),
        }
    }
}

type AsBody = fn(Request<Incoming>) -> Request<Body>;
type Connection =
    http1::Connection<TokioIo<Box<dyn Stream>>, TowerToHyperService<MapRequest<Router, AsBody>>>;

fn connect(stream: Box<dyn Stream>, router: Router) -> Connection {
    let as_body: AsBody = |request| request.map(Body::new);
    let service = TowerToHyperService::new(router.map_request(as_body));
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_WITHIN)
        .max_buf_size(BUFFER_BYTES_MAX)
        .serve_connection(TokioIo::new(stream), service)
}
