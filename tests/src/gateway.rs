//! A daemon's gateway, asked as a client asks it, and what a client makes of what it hears.

use std::time::Duration;

use oriel_gateway_client::{ClientOptions, EventStream, GatewayClient, Incoming};
use oriel_wire::gateway::{EventBody, SessionEvent, SessionMeta, Snapshot, TurnErrorCode};
use tokio::time::timeout;

use crate::Home;
use crate::wait::PATIENCE;

/// Connects to the gateway of a home's daemon.
///
/// # Panics
/// Where there is none.
pub async fn connect(home: &Home) -> (GatewayClient, EventStream) {
    let url = format!("ws://{}/ws", home.read("gateway/bind").trim());
    let options = ClientOptions::new(url, home.read("gateway/token").trim());
    GatewayClient::connect(options).await.expect("the gateway takes a client")
}

/// Makes a session with the agent `echo` and joins it.
///
/// # Panics
/// Where that cannot be done.
pub async fn echo(client: &GatewayClient) -> SessionMeta {
    let made = client.create_session("echo", None, None).await.expect("a session is made");
    client.join_session(&made.id, None).await.expect("it can be joined");
    made
}

/// What a client makes of a session: its durable events, and the text of the turn that runs.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Follower {
    /// Every durable event, in order.
    pub durable: Vec<SessionEvent>,
    /// What the agent said in the turn that runs, or ran last.
    pub text: String,
    /// The texts of the turns that ended.
    pub texts: Vec<String>,
    /// Up to here a snapshot has told.
    known: u64,
}

impl Follower {
    /// Returns the number of the last durable event.
    #[must_use]
    pub fn last(&self) -> u64 {
        self.durable.last().map_or(0, |event| event.seq)
    }

    /// Returns how many turns have ended.
    #[must_use]
    pub fn turns(&self) -> usize {
        self.texts.len()
    }

    /// Takes in how the session stands.
    pub fn joins(&mut self, snapshot: &Snapshot) {
        self.known = snapshot.last_seq;
        self.text =
            snapshot.current_turn.as_ref().map(|turn| turn.text.clone()).unwrap_or_default();
    }

    /// Takes in what happens.
    ///
    /// # Panics
    /// On an event that came before, or on one of an unknown kind.
    pub fn hears(&mut self, incoming: Incoming) {
        match incoming {
            Incoming::Snapshot(snapshot) => self.joins(&snapshot),
            Incoming::Event(event) => self.hears_event(event),
            Incoming::Other(raw) => panic!("nobody knows {raw:?}"),
            _ => {}
        }
    }

    fn hears_event(&mut self, event: SessionEvent) {
        let is_new = self.known < event.seq;
        match &event.body {
            EventBody::TurnStarted { .. } if is_new => self.text.clear(),
            EventBody::TextDelta { text } if is_new => self.text.push_str(text),
            EventBody::TurnComplete { final_text, .. }
            | EventBody::TurnError { final_text, .. } => {
                if is_new && is_killed(&event.body) {
                    // What was said last was on its way to disk.
                    assert!(self.text.starts_with(final_text.as_str()), "{final_text}");
                } else if is_new {
                    assert_eq!(self.text, *final_text, "what was heard is what was said");
                }
                self.texts.push(final_text.clone());
            }
            _ => {}
        }
        if event.body.is_durable() {
            assert!(self.last() < event.seq, "{event:?} comes after {}", self.last());
            self.durable.push(event);
        }
    }

    /// Listens until so many turns have ended.
    ///
    /// # Panics
    /// Where they do not end in time.
    pub async fn until_turns(&mut self, events: &mut EventStream, turns: usize) {
        while self.turns() < turns {
            let incoming = next(events).await;
            self.hears(incoming);
        }
    }
}

fn is_killed(body: &EventBody) -> bool {
    matches!(body, EventBody::TurnError { code: TurnErrorCode::GatewayRestarted, .. })
}

/// Returns what comes next.
///
/// # Panics
/// Where nothing comes.
pub async fn next(events: &mut EventStream) -> Incoming {
    next_within(events, PATIENCE).await.expect("something happens")
}

/// Returns what comes next, or nothing where that takes too long or is never.
pub async fn next_within(events: &mut EventStream, within: Duration) -> Option<Incoming> {
    timeout(within, events.next()).await.ok().flatten()
}
