//! A client as plain as can be: JSON over a WebSocket, and everything that came is kept.

use std::collections::VecDeque;

use axum::http::Uri;
use futures_util::{SinkExt, StreamExt};
use oriel_link::{Link, Stream};
use serde_json::{Value, json};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::{ClientRequestBuilder, Message};

use super::PATIENCE;

pub(super) struct Client {
    pub(super) socket: WebSocketStream<Box<dyn Stream>>,
    /// What came and nobody has taken.
    came: VecDeque<Value>,
    asked: u32,
}

impl Client {
    /// Connects, and takes the first two messages.
    pub(super) async fn connect(link: &Link) -> Self {
        Self::connect_as(link, &[]).await.expect("it was not let in")
    }

    /// Connects with some headers more. Returns the status where it is not let in.
    pub(super) async fn connect_as(link: &Link, headers: &[(&str, &str)]) -> Result<Self, u16> {
        let mut client = Self::open(link, headers).await?;
        let welcome = client.next().await;
        assert_eq!((&welcome["type"], &welcome["versions"]), (&json!("welcome"), &json!([1])));
        assert_eq!(client.next().await["type"], "connected");
        Ok(client)
    }

    async fn open(link: &Link, headers: &[(&str, &str)]) -> Result<Self, u16> {
        let stream = link.connect().await.unwrap();
        let mut request = ClientRequestBuilder::new(Uri::from_static("ws://localhost/ws"));
        for (name, value) in headers {
            request = request.with_header(*name, *value);
        }
        match tokio_tungstenite::client_async(request, stream).await {
            Ok((socket, _)) => Ok(Self { socket, came: VecDeque::new(), asked: 0 }),
            Err(tokio_tungstenite::tungstenite::Error::Http(answer)) => {
                Err(answer.status().as_u16())
            }
            Err(error) => panic!("{error}"),
        }
    }

    pub(super) async fn authenticate(&mut self, token: &str) {
        let known = self.ask(json!({ "type": "authenticate", "token": token })).await;
        assert_eq!(known["type"], "authenticated", "{known}");
    }

    pub(super) async fn send(&mut self, message: Value) {
        self.send_raw(Message::text(message.to_string())).await;
    }

    pub(super) async fn send_raw(&mut self, message: Message) {
        let sent = tokio::time::timeout(PATIENCE, self.socket.send(message)).await;
        sent.expect("nobody reads").unwrap();
    }

    /// Returns the next frame that is no heartbeat, or how the connection ended.
    pub(super) async fn next_or_close(&mut self) -> Result<Value, Option<CloseFrame>> {
        if let Some(frame) = self.came.pop_front() {
            return Ok(frame);
        }
        self.receive().await
    }

    async fn receive(&mut self) -> Result<Value, Option<CloseFrame>> {
        loop {
            let next = tokio::time::timeout(PATIENCE, self.socket.next()).await;
            match next.expect("nothing came") {
                Some(Ok(Message::Text(text))) => {
                    let frame: Value = serde_json::from_str(text.as_str()).unwrap();
                    if frame["type"] != "heartbeat" {
                        return Ok(frame);
                    }
                }
                Some(Ok(Message::Close(frame))) => return Err(frame),
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Err(None),
            }
        }
    }

    pub(super) async fn next(&mut self) -> Value {
        self.next_or_close().await.unwrap_or_else(|close| panic!("closed: {close:?}"))
    }

    /// Reads until the connection is closed, and returns what came and how.
    pub(super) async fn rest(&mut self) -> (Vec<Value>, Option<u16>) {
        let mut rest = vec![];
        loop {
            match self.next_or_close().await {
                Ok(frame) => rest.push(frame),
                Err(close) => return (rest, close.map(|close| close.code.into())),
            }
        }
    }

    /// Sends a message and returns its answer. What else comes is kept for later.
    pub(super) async fn ask(&mut self, mut message: Value) -> Value {
        self.asked += 1;
        let name = json!(format!("ask-{}", self.asked));
        message["requestId"] = name.clone();
        self.send(message).await;
        loop {
            let frame = self.receive().await.unwrap_or_else(|close| panic!("closed: {close:?}"));
            if frame["requestId"] == name {
                return frame;
            }
            self.came.push_back(frame);
        }
    }

    /// Reads up to the first frame of a type, and returns all of them.
    pub(super) async fn up_to(&mut self, kind: &str) -> Vec<Value> {
        let mut frames = vec![];
        loop {
            let frame = self.next().await;
            let is_it = frame["type"] == kind;
            frames.push(frame);
            if is_it {
                return frames;
            }
        }
    }

    /// Returns what has come up to now and nobody has taken.
    pub(super) async fn up_to_now(&mut self) -> Vec<Value> {
        self.ask(json!({ "type": "ping" })).await;
        self.came.drain(..).collect()
    }

    /// Returns the first frame of a type, and throws away what comes before.
    pub(super) async fn until(&mut self, kind: &str) -> Value {
        self.up_to(kind).await.pop().unwrap()
    }

    /// Reads until the session stands in a state, and returns what came.
    pub(super) async fn until_state(&mut self, state: &str) -> Vec<Value> {
        let mut frames = vec![];
        loop {
            let frame = self.next().await;
            let is_it = frame["type"] == "session_updated" && frame["session"]["state"] == state;
            frames.push(frame);
            if is_it {
                return frames;
            }
        }
    }

    pub(super) async fn join(&mut self, session: &str, after: Option<u64>) -> Value {
        let mut join = json!({ "type": "join_session", "sessionId": session });
        if let Some(after) = after {
            join["afterSeq"] = json!(after);
        }
        let snapshot = self.ask(join).await;
        assert_eq!(snapshot["type"], "state_snapshot", "{snapshot}");
        snapshot
    }

    pub(super) async fn run_turn(&mut self, session: &str, text: &str) -> String {
        let run = json!({ "type": "run_turn", "sessionId": session, "text": text });
        let accepted = self.ask(run).await;
        assert_eq!(accepted["type"], "accepted", "{accepted}");
        accepted["turnId"].as_str().unwrap().to_owned()
    }

    /// Asks about a session by a message that has nothing else.
    pub(super) async fn ask_of(&mut self, kind: &str, session: &str) -> Value {
        self.ask(json!({ "type": kind, "sessionId": session })).await
    }

    /// Returns every durable event of a session.
    pub(super) async fn events(&mut self, session: &str) -> Vec<Value> {
        let mut events = vec![];
        loop {
            let after = events.last().map_or(0, |event: &Value| event["seq"].as_u64().unwrap());
            let page = json!({ "type": "get_events", "sessionId": session, "afterSeq": after });
            let page = self.ask(page).await;
            assert_eq!(page["type"], "events", "{page}");
            events.extend(page["events"].as_array().unwrap().iter().cloned());
            if page["hasMore"] == false {
                return events;
            }
        }
    }
}
