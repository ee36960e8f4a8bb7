//! Whoever speaks to the endpoint of sync and may not, or speaks nonsense.

use std::fs;

use futures_util::{SinkExt as _, StreamExt as _};
use oriel_tests::sync::{Synced, tree};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::{Error, Message};

const CONNECTIONS: usize = 60;

#[test]
fn nobody_without_the_token_and_no_page_gets_at_a_workspace() {
    let synced = Synced::start();
    let token = synced.daemon.home().read("gateway/token");
    let session = synced.session.clone();
    for (session, token, origin, status) in [
        (session.as_str(), None, None, 401),
        (&session, Some("Bearer nonsense".to_owned()), None, 401),
        (&session, Some(format!("Basic {}", token.trim())), None, 401),
        (&session, Some(format!("Bearer {}", token.trim())), Some("http://evil.example"), 403),
        ("session-nobody-made", Some(format!("Bearer {}", token.trim())), None, 404),
        ("..%2fws", Some(format!("Bearer {}", token.trim())), None, 404),
    ] {
        let found = block_on(status_of(&synced, session, token.as_deref(), origin));
        assert_eq!(found, status, "{session} {token:?} {origin:?}");
    }
}

#[test]
fn nonsense_ends_its_own_connection_and_nothing_else() {
    let synced = Synced::start();
    fs::write(synced.local.join("kept"), "kept").unwrap();
    synced.settle();
    let mut random = fastrand::Rng::with_seed(9);
    block_on(async {
        for number in 0..CONNECTIONS {
            let request = request(&synced, &synced.session, Some(&bearer(&synced)), None);
            let connected = connect(&synced, request).await;
            let mut socket = connected.expect("who knows the token is let in");
            for _ in 0..4 {
                let length = random.usize(0..2000);
                let mut bytes: Vec<u8> = (0..length).map(|_| random.u8(..)).collect();
                if let Some(kind) = bytes.first_mut() {
                    // The numbers that there are, more often than others.
                    *kind = random.u8(..32);
                }
                let message = match number % 7 {
                    0 => Message::text("hello"),
                    _ => Message::binary(bytes),
                };
                if socket.send(message).await.is_err() {
                    break;
                }
            }
            if number % 3 == 0 {
                // Whoever just goes away ends it too.
                continue;
            }
            let ended = async { while let Some(Ok(_)) = socket.next().await {} };
            tokio::time::timeout(oriel_tests::wait::PATIENCE, ended).await.expect("it is ended");
        }
    });
    assert_eq!(tree(&synced.workspace).len(), 1);
    fs::write(synced.local.join("after"), "after").unwrap();
    synced.until_both_hold("after", b"after");
    synced.settle();
}

async fn status_of(
    synced: &Synced,
    session: &str,
    token: Option<&str>,
    origin: Option<&str>,
) -> u16 {
    match connect(synced, request(synced, session, token, origin)).await {
        Err(Error::Http(response)) => response.status().as_u16(),
        other => panic!("{other:?}"),
    }
}

async fn connect(
    synced: &Synced,
    request: http::Request<()>,
) -> Result<WebSocketStream<TcpStream>, Error> {
    let bound = synced.daemon.home().read("gateway/bind");
    let stream = TcpStream::connect(bound.trim()).await.expect("the gateway listens");
    let (socket, _) = tokio_tungstenite::client_async(request, stream).await?;
    Ok(socket)
}

fn request(
    synced: &Synced,
    session: &str,
    token: Option<&str>,
    origin: Option<&str>,
) -> http::Request<()> {
    let bound = synced.daemon.home().read("gateway/bind");
    let url = format!("ws://{}/sync/{session}", bound.trim());
    let mut request = url.into_client_request().unwrap();
    for (name, value) in [("authorization", token), ("origin", origin)] {
        if let Some(value) = value {
            request.headers_mut().insert(name, value.parse().unwrap());
        }
    }
    request
}

fn bearer(synced: &Synced) -> String {
    format!("Bearer {}", synced.daemon.home().read("gateway/token").trim())
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}
