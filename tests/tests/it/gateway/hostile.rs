//! Whatever is sent to the gateway, whoever behaves is served as if nothing were.

use std::time::{Duration, Instant};

use futures_util::{SinkExt, StreamExt};
use oriel_tests::gateway::{Follower, connect, echo};
use oriel_tests::wait::PATIENCE;
use oriel_tests::{Daemon, Home};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::{Bytes, Message};

/// For so long made-up messages are sent; `ORIEL_FUZZ_SECONDS` says otherwise.
const SECONDS: u64 = 4;

/// So often is looked whether the gateway still hears whoever behaves.
const PAUSE: Duration = Duration::from_secs(1);

#[expect(clippy::disallowed_methods, reason = "whoever runs the test says for how long")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn made_up_messages_change_nothing_for_whoever_behaves() {
    let seconds = std::env::var("ORIEL_FUZZ_SECONDS").ok().and_then(|text| text.parse().ok());
    let until = Instant::now() + Duration::from_secs(seconds.unwrap_or(SECONDS));
    let daemon = Daemon::start();
    let (client, mut events) = connect(daemon.home()).await;
    let mut session = echo(&client).await;
    let mut follower = Follower::default();
    let seed = fastrand::u64(..);
    let mut random = fastrand::Rng::with_seed(seed);
    let (mut rounds, mut sent, mut looked_at) = (0, 0, Instant::now());
    while Instant::now() < until {
        sent += match random.u8(0..8) {
            0 => throw_bytes(daemon.home(), &mut random).await,
            1 => throw_messages(daemon.home(), &mut random, &session.id, false).await,
            _ => throw_messages(daemon.home(), &mut random, &session.id, true).await,
        };
        rounds += 1;
        // The gateway hears one client only so often.
        if PAUSE <= looked_at.elapsed() {
            looked_at = Instant::now();
            // Others may have had the agent do something, or have removed the session: they know the token.
            if client.stop_turn(&session.id).await.is_err() {
                session = echo(&client).await;
            }
            client.ping().await.unwrap_or_else(|error| panic!("seed {seed}: {error}"));
        }
    }
    eprintln!("{sent} messages in {rounds} connections, seed {seed}");
    // Others may have removed the session: they know the token.
    let session = echo(&client).await;
    client.run_turn(&session.id, "still here", None).await.unwrap();
    while !follower.text.contains("still here") || follower.turns() == 0 {
        let incoming = oriel_tests::gateway::next(&mut events).await;
        match &incoming {
            oriel_gateway_client::Incoming::Event(event) if event.session_id == session.id => {
                follower.hears(incoming);
            }
            _ => {}
        }
    }
}

/// Sends what is no HTTP, or not enough of it, to the port.
async fn throw_bytes(home: &Home, random: &mut fastrand::Rng) -> usize {
    let mut stream = TcpStream::connect(home.read("gateway/bind").trim()).await.unwrap();
    let mut bytes = match random.u8(0..3) {
        0 => b"GET /ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n".to_vec(),
        1 => {
            b"GET /ws HTTP/1.1\r\nHost: localhost\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\
               Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
                .to_vec()
        }
        _ => Vec::new(),
    };
    let count = random.usize(0..2_000);
    bytes.extend(std::iter::repeat_with(|| random.u8(..)).take(count));
    // It may hang up before it has read all.
    _ = stream.write_all(&bytes).await;
    _ = stream.shutdown().await;
    let mut answer = Vec::new();
    _ = timeout(PATIENCE, stream.read_to_end(&mut answer)).await.expect("it hangs up");
    1
}

async fn throw_messages(
    home: &Home,
    random: &mut fastrand::Rng,
    session: &str,
    knows: bool,
) -> usize {
    let addr = home.read("gateway/bind").trim().to_owned();
    let stream = TcpStream::connect(&addr).await.unwrap();
    let url = format!("ws://{addr}/ws");
    let (mut socket, _) = tokio_tungstenite::client_async(url, stream).await.unwrap();
    if knows {
        let token = home.read("gateway/token").trim().to_owned();
        send(
            &mut socket,
            Message::text(json!({ "type": "authenticate", "token": token }).to_string()),
        )
        .await;
    }
    let count = random.usize(1..40);
    for _ in 0..count {
        let message = made_up(random, session);
        if !send(&mut socket, message).await {
            break;
        }
    }
    if random.bool() {
        // Some hang up, some wait for what is said to the last of it.
        _ = socket.close(None).await;
        _ = timeout(PATIENCE, async { while let Some(Ok(_)) = socket.next().await {} }).await;
    }
    count
}

/// Sends a message. Returns whether the other end still listens.
async fn send(socket: &mut WebSocketStream<TcpStream>, message: Message) -> bool {
    timeout(PATIENCE, socket.send(message)).await.expect("it reads").is_ok()
}

const TYPES: [&str; 22] = [
    "authenticate",
    "list_sessions",
    "create_session",
    "rename_session",
    "archive_session",
    "unarchive_session",
    "join_session",
    "leave_session",
    "run_turn",
    "stop_turn",
    "steer",
    "answer_question",
    "get_history",
    "get_events",
    "ping",
    "list_files",
    "read_file",
    "file_history",
    "file_at_iteration",
    "manage_members",
    "delete_session",
    "dance",
];

const FIELDS: [&str; 22] = [
    "requestId",
    "token",
    "includeArchived",
    "agentType",
    "name",
    "workspace",
    "sessionId",
    "afterSeq",
    "text",
    "clientTurnId",
    "questionId",
    "answer",
    "before",
    "limit",
    "nonce",
    "path",
    "depth",
    "offset",
    "length",
    "iteration",
    "action",
    "userId",
];

fn made_up(random: &mut fastrand::Rng, session: &str) -> Message {
    match random.u8(0..12) {
        0 => Message::binary(Bytes::from_static(b"\x00\x01")),
        1 => Message::Ping(Bytes::from_static(b"?")),
        2 => Message::text("{".repeat(random.usize(1..5_000))),
        3 => Message::text(format!("\"{}\"", "é".repeat(random.usize(1..600_000)))),
        _ => {
            let kind = TYPES[random.usize(..TYPES.len())];
            let mut message = json!({ "type": kind });
            if random.u8(0..4) != 0 {
                message["sessionId"] = json!(session);
            }
            for _ in 0..random.usize(0..6) {
                let field = FIELDS[random.usize(..FIELDS.len())];
                message[field] = value(random, 0);
            }
            Message::text(message.to_string())
        }
    }
}

fn value(random: &mut fastrand::Rng, depth: usize) -> Value {
    match random.u8(0..12) {
        0 => Value::Null,
        1 => json!(random.bool()),
        2 => json!(random.i64(..)),
        3 => json!(random.u8(..)),
        4 => json!(f64::MAX),
        5 => json!(""),
        6 => json!("../../../etc/passwd"),
        7 => json!("[[stream 50]] [[ask]]"),
        8 => json!("\u{0}\u{202e}\u{1b}[2J"),
        9 => json!("echo"),
        10 if depth < 4 => json!([value(random, depth + 1)]),
        11 if depth < 4 => json!({ "allow": value(random, depth + 1) }),
        _ => json!("x".repeat(random.usize(0..3_000))),
    }
}
