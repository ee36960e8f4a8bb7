//! Joining a session: how it is at one moment, then what came after a number, then all that comes. The
//! moment is taken and the connection added in one step of the session's owner, so nothing is between them.

use std::sync::Arc;

use oriel_wire::gateway::{Reply, Snapshot};

use super::{Base, CLOSE_FAILED, Session, journal};
use crate::asker::Asker;
use crate::hub::Hub;
use crate::outbox::{Outbox, Replay};
use crate::store::StoreError;

/// How many messages a snapshot tells at most.
const MESSAGES_MAX: usize = 100;

/// How long they are at most, as JSON. Of more, the newest are told.
const MESSAGES_BYTES_MAX: usize = 4 * 1024 * 1024;

/// How many events of a replay are read at once, and how long they are at most.
const PAGE_EVENTS_MAX: usize = 500;
const PAGE_BYTES_MAX: usize = 512 * 1024;

impl Session {
    pub(super) async fn join(
        &mut self,
        asker: Asker,
        after_seq: Option<u64>,
    ) -> Result<(), StoreError> {
        let snapshot = self.snapshot().await?;
        let (client, up_to) = (asker.client().clone(), self.meta.last_seq);
        let replay = match after_seq.filter(|after| *after < up_to) {
            Some(after) => Some((after, client.outbox.hold(&self.meta.id))),
            None => {
                client.outbox.let_go(&self.meta.id);
                None
            }
        };
        // Nothing else is told in this step, so the snapshot comes before anything that is told after it.
        asker.reply(Reply::StateSnapshot(Box::new(snapshot)));
        self.joined.insert(client.number, Arc::clone(&client.outbox));
        if let Some((after, replay)) = replay {
            let hub = Arc::clone(&self.hub);
            let task = send_past(hub, self.meta.id.clone(), client.outbox, replay, after, up_to);
            self.hub.spawn(task);
        }
        Ok(())
    }

    async fn snapshot(&mut self) -> Result<Snapshot, StoreError> {
        let base = Base::Session(self.meta.id.clone());
        let read = |c: &_| journal::messages(c, None, MESSAGES_MAX, MESSAGES_BYTES_MAX);
        let (messages, _) = self.hub.store.read(base, read).await?;
        Ok(Snapshot {
            session: self.meta.clone(),
            last_seq: self.seq,
            current_turn: self.turn.as_ref().map(super::Turn::current),
            pending: self.questions.iter().map(|it| it.question.clone()).collect(),
            messages,
        })
    }
}

/// Sends what happened between two numbers, as fast as it is read and no faster.
async fn send_past(
    hub: Arc<Hub>,
    id: String,
    outbox: Arc<Outbox>,
    replay: Replay,
    mut after: u64,
    up_to: u64,
) {
    while after < up_to && outbox.room().await {
        let base = Base::Session(id.clone());
        let read = move |c: &_| journal::frames(c, after, up_to, PAGE_EVENTS_MAX, PAGE_BYTES_MAX);
        let page = match hub.store.read(base, read).await {
            Ok(page) => page,
            Err(error) => {
                tracing::error!(session = id, %error, "a session's past could not be read");
                outbox.close(CLOSE_FAILED, "the session's past could not be read; connect again");
                return;
            }
        };
        for (seq, frame) in page.frames {
            if !outbox.replay(&id, replay, frame) {
                return;
            }
            after = seq;
        }
        if !page.has_more {
            break;
        }
    }
    outbox.replayed(&id, replay);
}
