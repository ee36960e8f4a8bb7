//! What a watcher tells, until it is time to look.

use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use oriel_wire::sync::RelPath;

use crate::coalesce::{Coalescer, Due, Hint};

/// Paths that wait to be looked at. However much is told, what it holds is bounded.
pub(crate) struct Inbox {
    waiting: Mutex<Coalescer>,
    wake: OnceLock<Box<dyn Fn() + Send + Sync>>,
    begin: Instant,
}

impl Inbox {
    pub(crate) fn new() -> Self {
        Self { waiting: Mutex::default(), wake: OnceLock::new(), begin: Instant::now() }
    }

    /// Says who is woken when there is something sooner than there was before.
    pub(super) fn wakes(&self, wake: impl Fn() + Send + Sync + 'static) {
        _ = self.wake.set(Box::new(wake));
    }

    /// Something happened at a path.
    pub(crate) fn hint(&self, path: RelPath, hint: Hint) {
        self.put(|waiting, now| waiting.hint(now, path, hint));
    }

    /// Something may have happened anywhere.
    pub(crate) fn rescan(&self) {
        self.put(Coalescer::rescan);
    }

    fn put(&self, put: impl FnOnce(&mut Coalescer, Duration)) {
        let mut waiting = self.waiting();
        let before = waiting.next_due();
        put(&mut waiting, self.begin.elapsed());
        let after = waiting.next_due();
        drop(waiting);
        if after.is_some_and(|after| before.is_none_or(|before| after < before))
            && let Some(wake) = self.wake.get()
        {
            wake();
        }
    }

    /// Takes off what is due.
    pub(super) fn due(&self) -> Due {
        self.waiting().due(self.begin.elapsed())
    }

    /// Returns how long it is until something is due.
    pub(super) fn next(&self) -> Option<Duration> {
        let due = self.waiting().next_due()?;
        Some(due.saturating_sub(self.begin.elapsed()))
    }

    /// What a path was last sent for took so long.
    pub(super) fn transferred(&self, path: &RelPath, took: Duration) {
        self.waiting().transferred(self.begin.elapsed(), path, took);
    }

    /// Looking through everything took so long.
    pub(super) fn rescanned(&self, took: Duration) {
        self.waiting().rescanned(self.begin.elapsed(), took);
    }

    /// Returns how long to wait between two looks through everything, by what the last one took.
    pub(super) fn pause(&self) -> Duration {
        self.waiting().pause()
    }

    fn waiting(&self) -> MutexGuard<'_, Coalescer> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
