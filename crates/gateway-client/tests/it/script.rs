//! A gateway that does what a test says, word by word, over the link that a real one in this process has.

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use futures_util::{SinkExt, StreamExt};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use oriel_gateway_client::{ClientOptions, EventStream, GatewayClient, Incoming};
use oriel_link::Link;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};

/// The token of every scripted gateway.
pub(crate) const TOKEN: &str = "secret";

/// How long a test waits for what must happen, on its own clock.
const WITHIN: Duration = Duration::from_secs(600);

/// Where connections arrive.
pub(crate) struct Script {
    pub(crate) link: Link,
    arriving: mpsc::UnboundedReceiver<Connection>,
}

/// One connection, from the gateway's side.
pub(crate) struct Connection {
    socket: WebSocketStream<TokioIo<Upgraded>>,
}

impl Script {
    pub(crate) fn new() -> Self {
        let (arrived, arriving) = mpsc::unbounded_channel();
        let router = Router::new().route("/ws", get(upgrade)).with_state(arrived);
        Self { link: Link::InProcess(router), arriving }
    }

    pub(crate) fn options(&self) -> ClientOptions {
        ClientOptions { seed: Some(7), ..ClientOptions::over(self.link.clone(), TOKEN) }
    }

    /// Waits for the next connection.
    pub(crate) async fn accept(&mut self) -> Connection {
        within(self.arriving.recv()).await.expect("somebody connects")
    }

    /// Waits for the next connection and greets it as a gateway does.
    pub(crate) async fn greet(&mut self) -> Connection {
        let mut connection = self.accept().await;
        connection.greet().await;
        connection
    }

    /// Connects a client.
    pub(crate) async fn connected(&mut self) -> (Connection, GatewayClient, EventStream) {
        let connect = GatewayClient::connect(self.options());
        let (connection, client) = tokio::join!(self.greet(), connect);
        let (client, mut events) = client.unwrap();
        assert!(matches!(next(&mut events).await, Incoming::Connected { .. }));
        (connection, client, events)
    }

    /// Connects a client that joined the session `s`.
    pub(crate) async fn joined(
        &mut self,
        last_seq: u64,
    ) -> (Connection, GatewayClient, EventStream) {
        let (mut connection, client, events) = self.connected().await;
        let (asked, joined) = tokio::join!(
            async {
                let asked = connection.hear("join_session").await;
                connection.answer(&asked, snapshot("s", last_seq)).await;
                asked
            },
            client.join_session("s", None),
        );
        assert_eq!((&asked["afterSeq"], joined.unwrap().last_seq), (&Value::Null, last_seq));
        (connection, client, events)
    }
}

impl Connection {
    pub(crate) async fn greet(&mut self) {
        self.welcome().await;
        let asked = self.hear("authenticate").await;
        assert_eq!(asked["token"], TOKEN);
        self.know().await;
    }

    pub(crate) async fn welcome(&mut self) {
        self.say(json!({ "type": "welcome", "protocolVersion": 1, "requiresAuth": true,
            "versions": [1] }))
            .await;
        self.say(json!({ "type": "connected", "clientId": "c", "heartbeatIntervalMs": 30_000,
            "ts": 1 }))
            .await;
    }

    pub(crate) async fn know(&mut self) {
        let identity = json!({ "userId": "u", "email": "e", "tenantId": "t" });
        self.say(json!({ "type": "authenticated", "identity": identity })).await;
    }

    pub(crate) async fn say(&mut self, value: Value) {
        self.say_text(value.to_string()).await;
    }

    pub(crate) async fn say_text(&mut self, text: String) {
        within(self.socket.send(Message::text(text))).await.expect("the client reads");
    }

    /// Answers a message.
    pub(crate) async fn answer(&mut self, asked: &Value, mut reply: Value) {
        reply["requestId"] = asked["requestId"].clone();
        self.say(reply).await;
    }

    /// Waits for a message, which must be of this type.
    pub(crate) async fn hear(&mut self, kind: &str) -> Value {
        loop {
            match within(self.socket.next()).await {
                Some(Ok(Message::Text(text))) => {
                    let value: Value = serde_json::from_str(&text).unwrap();
                    assert_eq!(value["type"], kind, "{value}");
                    return value;
                }
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                other => panic!("{kind} was to come, and not {other:?}"),
            }
        }
    }

    /// Waits until the client is gone, and returns the code with which it went.
    pub(crate) async fn gone(&mut self) -> Option<u16> {
        loop {
            match within(self.socket.next()).await {
                Some(Ok(Message::Close(frame))) => return frame.map(|frame| frame.code.into()),
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return None,
            }
        }
    }

    /// Sends as much as goes, and returns whether all did before nothing went any more.
    pub(crate) async fn flood(&mut self, frames: impl Iterator<Item = Value>) -> (usize, bool) {
        let mut sent = 0;
        for frame in frames {
            let sending = self.socket.send(Message::text(frame.to_string()));
            if tokio::time::timeout(Duration::from_secs(1), sending).await.is_err() {
                return (sent, false);
            }
            sent += 1;
        }
        (sent, true)
    }

    pub(crate) async fn close(mut self, code: u16) {
        let frame = CloseFrame { code: code.into(), reason: "".into() };
        // A client that went first needs no word.
        let _ = within(self.socket.close(Some(frame))).await;
    }

    /// Ends without a word, as a killed gateway does.
    pub(crate) fn drop_it(self) {
        drop(self.socket);
    }
}

pub(crate) async fn next(events: &mut EventStream) -> Incoming {
    within(events.next()).await.expect("more comes")
}

pub(crate) async fn within<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(WITHIN, work).await.expect("it happens in time")
}

/// A durable event.
pub(crate) fn durable(seq: u64) -> Value {
    json!({ "type": "turn_steered", "sessionId": "s", "turnId": "t", "seq": seq, "ts": 1,
        "text": format!("{seq}") })
}

/// An event that is told by another later.
pub(crate) fn piece(seq: u64, text: &str) -> Value {
    json!({ "type": "text_delta", "sessionId": "s", "turnId": "t", "seq": seq, "ts": 1,
        "text": text })
}

pub(crate) fn meta(id: &str, last_seq: u64) -> Value {
    json!({ "id": id, "name": "n", "agentType": "echo", "workspace": "/w", "state": "ready",
        "createdAt": 1, "updatedAt": 1, "lastSeq": last_seq })
}

pub(crate) fn snapshot(id: &str, last_seq: u64) -> Value {
    json!({ "type": "state_snapshot", "session": meta(id, last_seq), "lastSeq": last_seq })
}

async fn upgrade(
    State(arrived): State<mpsc::UnboundedSender<Connection>>,
    mut request: Request,
) -> Response {
    let key = request.headers()["sec-websocket-key"].as_bytes().to_vec();
    let upgraded = hyper::upgrade::on(&mut request);
    tokio::spawn(async move {
        let io = TokioIo::new(upgraded.await.expect("it is upgraded"));
        let config = WebSocketConfig::default().max_frame_size(None).max_message_size(None);
        let socket = WebSocketStream::from_raw_socket(io, Role::Server, Some(config)).await;
        // A test that is over accepts nothing.
        let _ = arrived.send(Connection { socket });
    });
    Response::builder()
        .status(StatusCode::SWITCHING_PROTOCOLS)
        .header("upgrade", "websocket")
        .header("connection", "Upgrade")
        .header("sec-websocket-accept", derive_accept_key(&key))
        .body(Body::empty())
        .unwrap()
}
