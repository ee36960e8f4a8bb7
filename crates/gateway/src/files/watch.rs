//! The tracker beside a session: it works on threads that may wait for the disk, and the session goes
//! on.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use super::change::{Found, Touch};
use super::tracker::Tracker;

/// A tracker for those who must not wait. What it finds comes back even where who asked for it went
/// away: then the next one to ask gets it.
#[derive(Clone)]
pub(crate) struct Watch {
    tracker: Arc<Mutex<Tracker>>,
    found: Arc<Mutex<Found>>,
    clock: Arc<dyn Fn() -> SystemTime + Send + Sync>,
}

impl Watch {
    /// Takes a tracker, and a clock that goes as that of the files does.
    pub(crate) fn new(
        tracker: Tracker,
        clock: impl Fn() -> SystemTime + Send + Sync + 'static,
    ) -> Self {
        Self {
            tracker: Arc::new(Mutex::new(tracker)),
            found: Arc::default(),
            clock: Arc::new(clock),
        }
    }

    /// As [`Tracker::begin`]. The agent may begin when this is done.
    pub(crate) async fn begin(&self) -> Found {
        self.run(Tracker::begin).await
    }

    /// As [`Tracker::after_tool`].
    pub(crate) async fn after_tool(&self, touched: Vec<Touch>) -> Found {
        self.run(move |tracker, now| tracker.after_tool(&touched, now)).await
    }

    /// As [`Tracker::end`].
    pub(crate) async fn end(&self) -> Found {
        self.run(Tracker::end).await
    }

    async fn run(
        &self,
        work: impl FnOnce(&mut Tracker, SystemTime) -> Found + Send + 'static,
    ) -> Found {
        let Self { tracker, found, clock } = self.clone();
        let working = tokio::task::spawn_blocking(move || {
            let mut tracker = locked(&tracker);
            let new = work(&mut tracker, clock());
            locked(&found).add(new);
        });
        if let Err(error) = working.await {
            tracing::error!(%error, "looking at a workspace failed");
        }
        std::mem::take(&mut *locked(&self.found))
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
