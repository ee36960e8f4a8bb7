//! The way from the task that owns the socket to whoever reads what happens.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::inbox::Inbox;
use crate::incoming::Incoming;

/// What a gateway tells without being asked, in order.
///
/// It holds a bounded number of events. When its reader is slow, pieces of text and output are merged;
/// nothing else is lost, and the gateway is not read on until there is room again.
#[derive(Debug)]
pub struct EventStream {
    shared: Arc<Shared>,
}

/// The end that is written to.
#[derive(Debug)]
pub(crate) struct Feed {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    /// Held for as long as it takes to put one thing in or take one out.
    state: Mutex<State>,
    /// Something was put in, or nothing more will be.
    filled: Notify,
    /// Something was taken out, or nobody reads any more.
    emptied: Notify,
    /// Nobody reads any more.
    left: Notify,
}

#[derive(Debug, Default)]
struct State {
    inbox: Inbox,
    has_ended: bool,
    has_reader: bool,
}

/// Makes both ends.
pub(crate) fn channel() -> (Feed, EventStream) {
    let shared = Arc::new(Shared::default());
    shared.state().has_reader = true;
    (Feed { shared: Arc::clone(&shared) }, EventStream { shared })
}

impl EventStream {
    /// Waits for the next thing that happens. Returns none once the client is closed, or will not come
    /// back: the last thing then was [`Incoming::Disconnected`] without a time.
    ///
    /// Nothing is lost when the wait is given up.
    pub async fn next(&mut self) -> Option<Incoming> {
        loop {
            {
                let mut state = self.shared.state();
                if let Some(incoming) = state.inbox.pop() {
                    self.shared.emptied.notify_one();
                    return Some(incoming);
                }
                if state.has_ended {
                    return None;
                }
            }
            self.shared.filled.notified().await;
        }
    }
}

impl Feed {
    /// Puts in what came in a frame of so many bytes. Without a reader nothing is kept.
    pub(crate) fn push(&self, incoming: Incoming, bytes: usize) {
        let mut state = self.shared.state();
        if state.has_reader {
            state.inbox.push(incoming, bytes);
            self.shared.filled.notify_one();
        }
    }

    /// Returns whether more may be put in.
    pub(crate) fn has_room(&self) -> bool {
        let state = self.shared.state();
        !state.has_reader || state.inbox.has_room()
    }

    /// Waits until more may be put in.
    pub(crate) async fn room(&self) {
        while !self.has_room() {
            self.shared.emptied.notified().await;
        }
    }

    /// Waits until nobody reads any more.
    pub(crate) async fn left(&self) {
        while self.shared.state().has_reader {
            self.shared.left.notified().await;
        }
    }
}

impl Drop for EventStream {
    fn drop(&mut self) {
        let mut state = self.shared.state();
        state.has_reader = false;
        state.inbox = Inbox::default();
        self.shared.emptied.notify_one();
        self.shared.left.notify_one();
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        self.shared.state().has_ended = true;
        self.shared.filled.notify_one();
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing that is done under the lock leaves it half done.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
