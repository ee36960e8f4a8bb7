//! A gateway that keeps one list of sessions in memory and does what it is told, over the link that a
//! real one in this process has. A test changes what it knows, and it tells everyone who is connected.

use std::sync::{Arc, Mutex, MutexGuard};

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use futures_util::{SinkExt, StreamExt};
use hyper_util::rt::TokioIo;
use oriel_link::Link;
use oriel_wire::gateway::{
    ClientMessage, CurrentTurn, ErrorCode, EventBody, Identity, OpenQuestion, Reply, ReplyFrame,
    SessionEvent, SessionMeta, SessionState, Snapshot, Usage, read_client,
};
use serde::Serialize;
use tokio::sync::broadcast;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::Role;

use crate::GatewayReach;

/// A gateway of a test.
#[derive(Clone)]
pub(super) struct Gateway {
    known: Arc<Mutex<Known>>,
    /// What everyone is told; nothing for whoever is to be thrown out.
    tells: broadcast::Sender<Option<String>>,
    folder: Arc<tempfile::TempDir>,
}

/// What it knows.
#[derive(Default)]
pub(super) struct Known {
    pub(super) sessions: Vec<SessionMeta>,
    /// The events of the session `s`.
    pub(super) events: Vec<SessionEvent>,
    pub(super) pending: Vec<OpenQuestion>,
    pub(super) turn: Option<CurrentTurn>,
    seq: u64,
    /// What changes something, as it was asked.
    pub(super) asked: Vec<ClientMessage>,
    /// What is answered to the next of these.
    pub(super) refuses: Option<(ErrorCode, String)>,
    /// Nobody is let in.
    pub(super) is_away: bool,
    pub(super) connections: usize,
}

impl Gateway {
    /// Starts one with these sessions.
    pub(super) fn with(sessions: &[SessionMeta]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("token"), "secret\n").unwrap();
        let known = Known { sessions: sessions.to_vec(), ..Known::default() };
        Self {
            known: Arc::new(Mutex::new(known)),
            tells: broadcast::Sender::new(1024),
            folder: Arc::new(folder),
        }
    }

    pub(super) fn reach(&self) -> GatewayReach {
        let router = Router::new().route("/ws", get(upgrade)).with_state(self.clone());
        GatewayReach::Link {
            link: Link::InProcess(router),
            token: self.folder.path().join("token"),
        }
    }

    pub(super) fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap()
    }

    /// Has something happen in the session `s`.
    pub(super) fn happens(&self, turn: &str, body: EventBody) -> u64 {
        let event = {
            let mut known = self.known();
            known.seq += 1;
            let turn_id = (!turn.is_empty()).then(|| turn.to_owned());
            let seq = known.seq;
            let event = SessionEvent {
                session_id: "s".to_owned(),
                turn_id,
                seq,
                ts: 1_790_000_000_000,
                body,
            };
            if event.body.is_durable() {
                known.events.push(event.clone());
                known.session().last_seq = seq;
            }
            event
        };
        self.tell(&event);
        event.seq
    }

    /// Changes the session `s`, and tells everyone.
    pub(super) fn changes(&self, change: impl FnOnce(&mut SessionMeta)) {
        let session = {
            let mut known = self.known();
            change(known.session());
            known.session().clone()
        };
        self.tell(&ReplyFrame { request_id: None, reply: Reply::SessionUpdated { session } });
    }

    /// The agent says a piece of text.
    pub(super) fn says(&self, text: &str) {
        self.known().turn.as_mut().unwrap().open_text.push_str(text);
        self.happens("t1", EventBody::TextDelta { text: text.to_owned() });
    }

    /// Goes away: throws everyone out and lets nobody in.
    pub(super) fn goes(&self) {
        self.known().is_away = true;
        // Nobody may be there.
        _ = self.tells.send(None);
    }

    fn tell(&self, frame: &impl Serialize) {
        // Nobody may be there.
        _ = self.tells.send(Some(serde_json::to_string(frame).unwrap()));
    }
}

impl Known {
    fn session(&mut self) -> &mut SessionMeta {
        self.sessions.iter_mut().find(|session| session.id == "s").expect("it is there")
    }

    fn answer(&mut self, message: ClientMessage) -> Reply {
        if let Some(id) = message.session_id()
            && !self.sessions.iter().any(|session| session.id == id)
        {
            return refusal(ErrorCode::SessionNotFound, "there is no such session; list them");
        }
        match message {
            ClientMessage::ListSessions { include_archived } => {
                let listed = |it: &&SessionMeta| include_archived || !it.archived;
                Reply::SessionList {
                    sessions: self.sessions.iter().filter(listed).cloned().collect(),
                }
            }
            ClientMessage::JoinSession { session_id, .. } => {
                let session = self.sessions.iter().find(|it| it.id == session_id).unwrap().clone();
                Reply::StateSnapshot(Box::new(Snapshot {
                    last_seq: self.seq,
                    session,
                    current_turn: self.turn.clone(),
                    pending: self.pending.clone(),
                    messages: vec![],
                }))
            }
            ClientMessage::LeaveSession { session_id } => Reply::Left { session_id },
            ClientMessage::GetEvents { session_id, after_seq, limit } => {
                let after = after_seq.unwrap_or(0);
                let mut later = self.events.iter().filter(|event| after < event.seq);
                let events: Vec<_> =
                    later.by_ref().take(limit.unwrap_or(1000) as usize).cloned().collect();
                Reply::Events {
                    session_id,
                    events,
                    has_more: later.next().is_some(),
                    last_seq: self.seq,
                }
            }
            other => {
                self.asked.push(other.clone());
                match self.refuses.take() {
                    Some((code, message)) => refusal(code, &message),
                    None => self.change(other),
                }
            }
        }
    }

    fn change(&mut self, message: ClientMessage) -> Reply {
        let session_id = message.session_id().unwrap_or_default().to_owned();
        match message {
            ClientMessage::CreateSession { agent_type, name, workspace } => {
                let session = SessionMeta {
                    agent_type,
                    workspace: workspace.unwrap_or_else(|| "/made".to_owned()),
                    ..meta(
                        "new",
                        &name.unwrap_or_else(|| "made".to_owned()),
                        SessionState::Inactive,
                    )
                };
                self.sessions.push(session.clone());
                Reply::SessionCreated { session }
            }
            ClientMessage::RenameSession { name, .. } => {
                self.session().name = name;
                Reply::SessionUpdated { session: self.session().clone() }
            }
            ClientMessage::ArchiveSession { .. } => {
                self.session().archived = true;
                Reply::SessionUpdated { session: self.session().clone() }
            }
            ClientMessage::UnarchiveSession { .. } => {
                self.session().archived = false;
                Reply::SessionUpdated { session: self.session().clone() }
            }
            ClientMessage::DeleteSession { session_id } => {
                self.sessions.retain(|session| session.id != session_id);
                Reply::SessionDeleted { session_id }
            }
            _ => Reply::Accepted { session_id, turn_id: Some("t1".to_owned()) },
        }
    }
}

/// Makes a session.
pub(super) fn meta(id: &str, name: &str, state: SessionState) -> SessionMeta {
    SessionMeta {
        id: id.to_owned(),
        name: name.to_owned(),
        agent_type: "echo".to_owned(),
        workspace: "/work/place".to_owned(),
        state,
        archived: false,
        created_at: 1_790_000_000_000,
        updated_at: 1_790_000_000_000,
        last_seq: 0,
        turns: 2,
        pending: 0,
        usage: Usage { input_tokens: 1_000, cost_usd: Some(0.25), ..Usage::default() },
        problem: None,
        monitor_session: None,
    }
}

fn refusal(code: ErrorCode, message: &str) -> Reply {
    Reply::Error { code, message: message.to_owned(), retry_after_ms: None }
}

async fn upgrade(State(gateway): State<Gateway>, mut request: Request) -> Response {
    if gateway.known().is_away {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    let key = request.headers()["sec-websocket-key"].as_bytes().to_vec();
    let upgraded = hyper::upgrade::on(&mut request);
    tokio::spawn(async move {
        let io = TokioIo::new(upgraded.await.expect("it is upgraded"));
        let socket = WebSocketStream::from_raw_socket(io, Role::Server, None).await;
        gateway.known().connections += 1;
        serve(&gateway, socket).await;
        gateway.known().connections -= 1;
    });
    Response::builder()
        .status(StatusCode::SWITCHING_PROTOCOLS)
        .header("upgrade", "websocket")
        .header("connection", "Upgrade")
        .header("sec-websocket-accept", derive_accept_key(&key))
        .body(Body::empty())
        .unwrap()
}

type Socket = WebSocketStream<TokioIo<hyper::upgrade::Upgraded>>;

/// Serves a connection until one of both ends it.
async fn serve(gateway: &Gateway, mut socket: Socket) {
    let mut tells = gateway.tells.subscribe();
    let welcome = Reply::Welcome { protocol_version: 1, requires_auth: true, versions: vec![1] };
    let connected =
        Reply::Connected { client_id: "c".to_owned(), heartbeat_interval_ms: 30_000, ts: 1 };
    for reply in [welcome, connected] {
        say(&mut socket, None, reply).await;
    }
    loop {
        let text = tokio::select! {
            told = tells.recv() => match told {
                Ok(Some(frame)) => {
                    _ = socket.send(Message::text(frame)).await;
                    continue;
                }
                _ => return,
            },
            heard = socket.next() => match heard {
                Some(Ok(Message::Text(text))) => text,
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => continue,
                _ => return,
            },
        };
        let frame = read_client(&text).expect("the client says what a gateway understands");
        let reply = match frame.message {
            ClientMessage::Authenticate { token } if token == "secret" => {
                let name = || "local".to_owned();
                let identity = Identity { user_id: name(), email: name(), tenant_id: name() };
                Reply::Authenticated { identity }
            }
            ClientMessage::Authenticate { .. } => refusal(ErrorCode::AuthFailed, "wrong"),
            message => gateway.known().answer(message),
        };
        say(&mut socket, frame.request_id, reply).await;
    }
}

async fn say(socket: &mut Socket, request_id: Option<String>, reply: Reply) {
    let text = serde_json::to_string(&ReplyFrame { request_id, reply }).unwrap();
    // Whoever has gone hears nothing.
    _ = socket.send(Message::text(text)).await;
}
