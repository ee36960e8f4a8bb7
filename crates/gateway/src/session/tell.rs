//! How a session tells what happens: a number, then the disk, then those who hear of it.

use std::sync::Arc;

use oriel_wire::gateway::{EventBody, Reply, SessionEvent, SessionMeta};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::oneshot;

use super::Session;
use super::hold::Hold;
use crate::agent::{Given, News, Order};
use crate::asker::{Asker, Refusal};
use crate::hub;
use crate::journal::{self, EventRow, Kind};
use crate::limits::{self, EVENT_BYTES_MAX};
use crate::outbox::Sent;
use crate::registry;
use crate::store::{Base, StoreError};

/// So many numbers are reserved at a time. A crash leaves a gap of at most as many.
const SEQ_BLOCK: u64 = 1024;

/// What is done once everything before it is on disk, in this order.
pub(super) enum Effect {
    /// Those who joined hear of an event.
    Tell(Arc<Sent>),
    /// All others hear how the session is, besides one.
    Announce { meta: SessionMeta, besides: Option<u64> },
    /// Whoever asked is answered.
    Answer(Asker, Result<Reply, Refusal>),
    /// The agent is told what to do.
    Order(Order),
    /// The agent is given an answer.
    Give(oneshot::Sender<Given>, Given),
}

impl Session {
    /// Tells of something that happened, in the turn if one runs.
    pub(super) fn tell(&mut self, body: EventBody) {
        let turn_id = self.turn.as_ref().map(|turn| turn.id.clone());
        self.tell_in(turn_id, body);
    }

    /// Tells how the session is. Connections that have not joined hear of it too.
    pub(super) fn tell_session(&mut self) {
        self.meta.pending = u64::try_from(self.questions.len()).unwrap_or(u64::MAX);
        self.meta.updated_at = self.hub.clock.unix_ms();
        self.meta.last_seq = self.seq + 1;
        self.tell_in(None, EventBody::SessionUpdated { session: self.meta.clone() });
        self.effects.push(Effect::Announce { meta: self.meta.clone(), besides: None });
    }

    pub(super) fn answer(&mut self, asker: Asker, outcome: Result<Reply, Refusal>) {
        self.effects.push(Effect::Answer(asker, outcome));
    }

    pub(super) fn tell_in(&mut self, turn_id: Option<String>, body: EventBody) {
        self.seq += 1;
        let event = SessionEvent {
            session_id: self.meta.id.clone(),
            turn_id: turn_id.clone(),
            seq: self.seq,
            ts: self.hub.clock.unix_ms(),
            body: limits::fit(body),
        };
        let (ts, is_durable, kind) = (event.ts, event.body.is_durable(), kind(&event.body));
        let sent = match Sent::new(event) {
            Ok(sent) if sent.frame().len() <= EVENT_BYTES_MAX => Arc::new(sent),
            Ok(sent) => {
                let bytes = sent.frame().len();
                tracing::warn!(session = self.meta.id, bytes, "an event was too long to be told");
                return;
            }
            Err(error) => {
                tracing::error!(session = self.meta.id, %error, "an event could not be written");
                return;
            }
        };
        if is_durable {
            self.meta.last_seq = self.seq;
            self.meta.updated_at = ts;
            let frame = sent.frame().to_owned();
            self.entry.events.push(EventRow { seq: self.seq, turn_id, ts, kind, frame });
        }
        self.untold_bytes += sent.frame().len();
        self.effects.push(Effect::Tell(sent));
    }

    /// Brings to disk what must be there, then does what waits for that. Pieces of texts alone wait for
    /// nothing.
    pub(super) async fn flush(&mut self) -> Result<(), StoreError> {
        if self.seq > self.seq_reserved {
            self.seq_reserved = self.seq + SEQ_BLOCK;
            self.entry.seq_reserved = Some(self.seq_reserved);
        }
        if !self.entry.is_empty() {
            self.save_turn();
            if !self.entry.events.is_empty() {
                self.entry.meta = Some(self.meta.clone());
            }
            let entry = std::mem::take(&mut self.entry);
            let has_events = !entry.events.is_empty();
            let base = Base::Session(self.meta.id.clone());
            self.hub.store.write(base, move |c| journal::append(c, &entry)).await?;
            self.hub.publish(&self.meta);
            if has_events {
                self.hub.stored.notify_one();
            }
        }
        self.untold_bytes = 0;
        for effect in std::mem::take(&mut self.effects) {
            self.take_effect(effect);
        }
        Ok(())
    }

    /// Has the text that the turn's events do not tell yet written with whatever is written.
    fn save_turn(&mut self) {
        if let Some(turn) = &mut self.turn
            && turn.unsaved_since.take().is_some()
            && self.entry.turn.is_none()
        {
            self.entry.turn = Some(Some(turn.open()));
        }
    }

    fn take_effect(&mut self, effect: Effect) {
        match effect {
            Effect::Tell(sent) => {
                let id = &self.meta.id;
                // A connection that takes no more has been given up; it joins again.
                self.joined.retain(|_, outbox| outbox.tell(id, &sent));
            }
            Effect::Announce { meta, besides } => {
                let row = meta.clone();
                let put = move |c: &rusqlite::Connection| registry::put(c, &row, true);
                self.hub.store.write_later(Base::Registry, put);
                let joined = &self.joined;
                let is_left_out = |number| joined.contains_key(&number) || besides == Some(number);
                self.hub.announce(Reply::SessionUpdated { session: meta }, is_left_out);
            }
            Effect::Answer(asker, outcome) => hub::answer(asker, outcome),
            Effect::Order(order) => self.order(order),
            Effect::Give(answer, given) => {
                // An agent that no longer waits has ended what it asked for.
                _ = answer.send(given);
            }
        }
    }

    /// Tells the agent what to do. One that takes no more orders is lost, and its news says so.
    fn order(&mut self, order: Order) {
        let Hold::There { agent, .. } = &mut self.hold else { return };
        match agent.orders.try_send(order) {
            Ok(()) | Err(TrySendError::Closed(_)) => {}
            Err(TrySendError::Full(order)) => {
                tracing::error!(session = self.meta.id, ?order, "an agent takes no more orders");
                let (lost, news) = tokio::sync::mpsc::channel(1);
                // The channel is new and holds one.
                _ = lost
                    .try_send(News::Ended("the agent does not take orders any more".to_owned()));
                agent.news = news;
            }
        }
    }
}

fn kind(body: &EventBody) -> Kind {
    match body {
        EventBody::TurnStarted { .. }
        | EventBody::TurnSteered { .. }
        | EventBody::TurnComplete { .. }
        | EventBody::TurnError { .. } => Kind::Said,
        EventBody::TextComplete { .. } => Kind::Stretch,
        _ => Kind::Other,
    }
}
