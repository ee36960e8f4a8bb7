//! Connections: accepted, bounded, and ended in good time.

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tower::ServiceExt;

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

/// Who is at the other end of a connection over TCP. A service finds it among a request's extensions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer(pub SocketAddr);

/// What a service listens on.
#[derive(Debug)]
pub enum Listener {
    /// A TCP address.
    Tcp(TcpListener),
    /// A Unix socket.
    #[cfg(unix)]
    Unix(tokio::net::UnixListener),
}

/// Serves until it is time to stop, then lets requests end for a moment. A connection that became
/// something else than HTTP, such as a WebSocket, is from then on the service's own.
pub async fn serve(listener: Listener, router: Router, stopping: impl Future<Output = ()>) {
    let mut stopping = pin!(stopping);
    let (stop, stopped) = watch::channel(());
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
            Ok((stream, peer)) => {
                let connection = converse(stream, router.clone(), peer, stopped.clone());
                tokio::spawn(async move {
                    connection.await;
                    drop(place);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "a connection was not accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop((listener, stopped));
    let _ = stop.send(());
    if tokio::time::timeout(END_WITHIN, stop.closed()).await.is_err() {
        tracing::info!("connections that did not end in time were cut off");
    }
}

/// Serves one end of a pipe within this process until it is closed.
pub(crate) async fn serve_pipe(pipe: tokio::io::DuplexStream, router: Router) {
    let (stop, stopped) = watch::channel(());
    converse(Box::new(pipe), router, None, stopped).await;
    drop(stop);
}

/// A connection of any kind.
pub trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

impl Listener {
    async fn accept(&self) -> std::io::Result<(Box<dyn Stream>, Option<Peer>)> {
        match self {
            Self::Tcp(listener) => {
                let (stream, addr) = listener.accept().await?;
                // Answers are small and whole: waiting to fill a packet only delays them.
                stream.set_nodelay(true)?;
                Ok((Box::new(stream), Some(Peer(addr))))
            }
            #[cfg(unix)]
            Self::Unix(listener) => Ok((Box::new(listener.accept().await?.0), None)),
        }
    }
}

/// Answers the requests of one connection, and ends it after the one that runs when told to stop.
async fn converse(
    stream: Box<dyn Stream>,
    router: Router,
    peer: Option<Peer>,
    mut stopped: watch::Receiver<()>,
) {
    let service = router.map_request(move |request: Request<Incoming>| {
        let mut request = request.map(Body::new);
        if let Some(peer) = peer {
            request.extensions_mut().insert(peer);
        }
        request
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_WITHIN)
        .max_buf_size(BUFFER_BYTES_MAX)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(service))
        .with_upgrades();
    let mut connection = pin!(connection);
    let ended = tokio::select! {
        ended = &mut connection => ended,
        Ok(()) = stopped.changed() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended early");
    }
}
