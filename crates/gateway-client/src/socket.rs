//! A connection: the link, the upgrade to a WebSocket, and the first words, within a time.

use futures_util::{SinkExt, StreamExt};
use oriel_link::{Link, LinkError, Stream};
use oriel_wire::gateway::{SERVER_FRAME_BYTES_MAX, ServerFrame};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message};
use url::{Host, Url};

use crate::error::ConnectError;
use crate::greeting::{Greeted, Greeting, Step};
use crate::options::ClientOptions;

/// The port of an address that names none.
const DEFAULT_PORT: u16 = 80;

/// A socket.
pub(crate) type Socket = WebSocketStream<Box<dyn Stream>>;

/// A connection on which the gateway knows who this is.
pub(crate) struct Linked {
    pub(crate) socket: Socket,
    pub(crate) greeted: Greeted,
}

/// Connects, within the time that the options give.
pub(crate) async fn open(options: &ClientOptions) -> Result<Linked, ConnectError> {
    match tokio::time::timeout(options.connect_within, connect(options)).await {
        Ok(opened) => opened,
        Err(_) => Err(ConnectError::TimedOut {
            place: options.place(),
            seconds: options.connect_within.as_secs(),
        }),
    }
}

async fn connect(options: &ClientOptions) -> Result<Linked, ConnectError> {
    let url = address(&options.url)?;
    let place = options.place();
    let stream = match &options.link {
        Some(link) => link.connect().await.map_err(|error| unreachable_at(&place, error))?,
        None => reach(&url, &place).await?,
    };
    let mut socket = upgrade(&url, stream, &place).await?;
    let greeted = greet(&mut socket, &place, &options.token).await?;
    Ok(Linked { socket, greeted })
}

/// Reads an address.
fn address(text: &str) -> Result<Url, ConnectError> {
    let wrong = |reason: String| ConnectError::Url { url: text.to_owned(), reason };
    let url = Url::parse(text).map_err(|error| wrong(error.to_string()))?;
    match url.scheme() {
        "ws" if url.has_host() => Ok(url),
        "ws" => Err(wrong("it names no host".to_owned())),
        "wss" => Err(wrong("this client knows no TLS; use a tunnel to the gateway".to_owned())),
        other => Err(wrong(format!("its scheme is {other}"))),
    }
}

/// Connects to the first address of the host at which somebody is.
async fn reach(url: &Url, place: &str) -> Result<Box<dyn Stream>, ConnectError> {
    let port = url.port_or_known_default().unwrap_or(DEFAULT_PORT);
    let nobody = |reason: String| ConnectError::Unreachable { place: place.to_owned(), reason };
    let found = match url.host() {
        Some(Host::Ipv4(ip)) => vec![(ip, port).into()],
        Some(Host::Ipv6(ip)) => vec![(ip, port).into()],
        Some(Host::Domain(name)) => {
            let found = tokio::net::lookup_host((name, port)).await;
            found.map_err(|error| nobody(error.to_string()))?.collect()
        }
        None => Vec::new(),
    };
    let mut failed = nobody("the name stands for no address".to_owned());
    for addr in found {
        match Link::Tcp(addr).connect().await {
            Ok(stream) => return Ok(stream),
            Err(error) => failed = unreachable_at(place, error),
        }
    }
    Err(failed)
}

fn unreachable_at(place: &str, error: LinkError) -> ConnectError {
    let reason = match error {
        LinkError::Connect { source, .. } => source.to_string(),
        other => other.to_string(),
    };
    ConnectError::Unreachable { place: place.to_owned(), reason }
}

async fn upgrade(url: &Url, stream: Box<dyn Stream>, place: &str) -> Result<Socket, ConnectError> {
    let wrong =
        |error: Error| ConnectError::Url { url: url.to_string(), reason: error.to_string() };
    let request = url.as_str().into_client_request().map_err(wrong)?;
    let config = WebSocketConfig::default()
        .max_message_size(Some(SERVER_FRAME_BYTES_MAX))
        .max_frame_size(Some(SERVER_FRAME_BYTES_MAX));
    let upgraded = tokio_tungstenite::client_async_with_config(request, stream, Some(config)).await;
    upgraded.map(|(socket, _)| socket).map_err(|error| not_upgraded(place.to_owned(), &error))
}

fn not_upgraded(place: String, error: &Error) -> ConnectError {
    match error {
        Error::Http(response) => match response.status().as_u16() {
            status @ (401 | 403 | 421) => ConnectError::Refused { place, status },
            status @ (429 | 503) => {
                let message = format!("it has no room for this client now (HTTP {status})");
                ConnectError::Gateway { place, message }
            }
            status => {
                let reason = format!("it answers with HTTP status {status}");
                ConnectError::NotAGateway { place, reason }
            }
        },
        Error::Io(error) => ConnectError::Broken { place, reason: error.to_string() },
        error => ConnectError::NotAGateway { place, reason: error.to_string() },
    }
}

async fn greet(socket: &mut Socket, place: &str, token: &str) -> Result<Greeted, ConnectError> {
    let broken = |reason: String| ConnectError::Broken { place: place.to_owned(), reason };
    let mut greeting = Greeting::new(place, token);
    loop {
        let text = match socket.next().await {
            Some(Ok(Message::Text(text))) => text,
            Some(Ok(Message::Close(frame))) => return Err(broken(why_closed(frame.as_ref()))),
            Some(Ok(_)) => continue,
            Some(Err(error)) => return Err(broken(error.to_string())),
            None => return Err(broken("it was closed".to_owned())),
        };
        match greeting.on(&text)? {
            Step::Wait => {}
            Step::Say(frame) => {
                let sent = socket.send(message(&frame)).await;
                sent.map_err(|error| broken(error.to_string()))?;
            }
            Step::Done(greeted) => return Ok(greeted),
        }
    }
}

/// Returns a frame of ours as it is sent.
pub(crate) fn message(frame: &oriel_wire::gateway::ClientFrame) -> Message {
    let text = serde_json::to_string(frame).expect("our own frames have plain keys and values");
    Message::text(text)
}

/// Returns why the gateway closed a connection, for people.
pub(crate) fn why_closed(frame: Option<&CloseFrame>) -> String {
    use oriel_wire::gateway::{CLOSE_SLOW, CLOSE_UNAUTHENTICATED};

    let Some(frame) = frame else { return "the gateway closed the connection".to_owned() };
    match u16::from(frame.code) {
        1001 => "the gateway is going away".to_owned(),
        CLOSE_SLOW => "this client read too slowly".to_owned(),
        CLOSE_UNAUTHENTICATED => "the gateway was not told in time who this is".to_owned(),
        code if frame.reason.is_empty() => format!("the gateway closed the connection ({code})"),
        code => format!("the gateway closed the connection ({code}: {})", frame.reason),
    }
}

/// Returns a frame of the gateway, or none for what is no frame of a gateway.
pub(crate) fn read(text: &str) -> Option<ServerFrame> {
    match ServerFrame::read(text) {
        Ok(frame) => Some(frame),
        Err(error) => {
            // One frame that nobody can read does not take the others with it.
            tracing::warn!(%error, bytes = text.len(), "a frame of the gateway cannot be read");
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_cannot_be_one_says_what_is_wrong_with_it() {
        for (text, reason) in [
            ("127.0.0.1:3144", "relative URL"),
            ("http://127.0.0.1:3144/ws", "scheme is http"),
            ("wss://127.0.0.1:3144/ws", "no TLS"),
            ("ws://", "empty host"),
        ] {
            let error = address(text).unwrap_err().to_string();
            assert!(error.contains(reason), "{error}");
        }
        assert!(address("ws://[::1]:3144/ws").is_ok() && address("ws://localhost/ws").is_ok());
    }
}
