//! What was asked and has no answer yet.

use std::collections::HashMap;

use oriel_wire::gateway::{ClientFrame, ClientMessage, Reply};
use tokio::sync::oneshot;

use crate::error::ClientError;

/// How many questions may wait for their answers. At the bound no further one is taken until one is
/// answered or given up.
const PENDING_MAX: usize = 256;

/// Takes an answer.
pub(crate) type Answer = oneshot::Sender<Result<Reply, ClientError>>;

/// Who asked.
#[derive(Debug)]
pub(crate) enum Asker {
    /// Somebody who joins a session, after this event.
    Joins { after: Option<u64>, answer: Answer },
    /// Somebody, for something else.
    Asks { answer: Answer },
    /// This client itself, to join a session again.
    Rejoins { session_id: String },
}

/// The questions, by the number that each has on the wire. A number is never used again, so that an
/// answer that comes late is no answer to something else.
#[derive(Debug, Default)]
pub(crate) struct Pending {
    last: u64,
    askers: HashMap<u64, Asker>,
}

impl Pending {
    /// Returns whether one more may be asked. Those whose asker gave up are forgotten.
    pub(crate) fn has_room(&mut self) -> bool {
        if PENDING_MAX <= self.askers.len() {
            self.askers.retain(|_, asker| match asker {
                Asker::Joins { answer, .. } | Asker::Asks { answer } => !answer.is_closed(),
                Asker::Rejoins { .. } => true,
            });
        }
        self.askers.len() < PENDING_MAX
    }

    /// Keeps who asks, and returns the frame that asks it.
    pub(crate) fn ask(&mut self, message: ClientMessage, asker: Asker) -> ClientFrame {
        self.last += 1;
        self.askers.insert(self.last, asker);
        ClientFrame { request_id: Some(self.last.to_string()), message }
    }

    /// Returns who asked what this is the answer to.
    pub(crate) fn answered(&mut self, request_id: &str) -> Option<Asker> {
        self.askers.remove(&request_id.parse().ok()?)
    }

    /// Tells everybody that no answer will come.
    pub(crate) fn interrupt(&mut self) {
        for (_, asker) in self.askers.drain() {
            if let Asker::Joins { answer, .. } | Asker::Asks { answer } = asker {
                // Whoever gave up waits for no answer.
                let _ = answer.send(Err(ClientError::Interrupted));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_finds_its_asker_once() {
        let mut pending = Pending::default();
        let (answer, _given) = oneshot::channel();
        let frame = pending.ask(ClientMessage::Ping { nonce: None }, Asker::Asks { answer });
        let id = frame.request_id.unwrap();
        assert!(pending.answered("7").is_none() && pending.answered("x").is_none());
        assert!(pending.answered(&id).is_some() && pending.answered(&id).is_none());
    }

    #[test]
    fn askers_that_gave_up_make_room() {
        let mut pending = Pending::default();
        let ping = || ClientMessage::Ping { nonce: None };
        let mut waiting = Vec::new();
        while pending.has_room() {
            let (answer, given) = oneshot::channel();
            waiting.push(given);
            pending.ask(ping(), Asker::Asks { answer });
        }
        assert_eq!(waiting.len(), PENDING_MAX);
        waiting.pop();
        assert!(pending.has_room());
    }

    #[test]
    fn whoever_waits_is_told_that_the_link_broke() {
        let mut pending = Pending::default();
        let (answer, mut given) = oneshot::channel();
        pending.ask(ClientMessage::Ping { nonce: None }, Asker::Asks { answer });
        pending.interrupt();
        assert_eq!(given.try_recv().unwrap(), Err(ClientError::Interrupted));
    }
}
