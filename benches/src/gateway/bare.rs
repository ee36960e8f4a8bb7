//! A WebSocket with nothing behind it: what the crates below can do at most.

use std::time::{Duration, Instant};

use futures_util::{SinkExt, StreamExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::Message;

use crate::bench::{BenchError, failed};

/// Sends frames of this text over loopback to somebody who only counts them, and returns how long that
/// took.
pub(super) async fn send(frames: usize, text: &str) -> Result<Duration, BenchError> {
    let cannot = |source| failed("open a WebSocket", source);
    let listener = TcpListener::bind("127.0.0.1:0").await.map_err(cannot)?;
    let addr = listener.local_addr().map_err(cannot)?;
    let text = text.to_owned();
    let sender = tokio::spawn(async move {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let mut socket =
            tokio_tungstenite::accept_async(stream).await.map_err(std::io::Error::other)?;
        // Whoever is there says so first, so that only frames are timed.
        _ = socket.next().await;
        for _ in 0..frames {
            socket.send(Message::text(text.clone())).await.map_err(std::io::Error::other)?;
        }
        Ok::<_, std::io::Error>(())
    });
    let stream = TcpStream::connect(addr).await.map_err(cannot)?;
    stream.set_nodelay(true).map_err(cannot)?;
    let (mut socket, _) = tokio_tungstenite::client_async(format!("ws://{addr}/"), stream)
        .await
        .map_err(|error| cannot(std::io::Error::other(error)))?;
    let failed_to_read = |error| cannot(std::io::Error::other(error));
    socket.send(Message::text("go")).await.map_err(failed_to_read)?;
    let began = Instant::now();
    let mut seen = 0;
    while seen < frames {
        match socket.next().await {
            Some(frame) => seen += usize::from(frame.map_err(failed_to_read)?.is_text()),
            None => break,
        }
    }
    let took = began.elapsed();
    sender.await.map_err(|error| cannot(std::io::Error::other(error)))?.map_err(cannot)?;
    Ok(took)
}
