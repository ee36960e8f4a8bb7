//! Bringing to disk what many threads wait for, at the price of one.
//!
//! A thread that is alone syncs its own file. Where several wait at once, one of them syncs the whole file
//! system for all who were waiting when it began; who comes later waits for the next round, since what it
//! wrote may have come too late for this one.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};

use crate::vfs::Fault;

/// From so many that wait at once, the whole file system is synced. It costs about as much as two or three
/// files on their own, and brings what other programs wrote to disk as well.
pub const GROUP_MIN: usize = 4;

/// Threads that wait for the disk of one file system.
#[derive(Debug, Default)]
pub struct GroupSync {
    state: Mutex<State>,
    ended: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// How many things wait to be on disk, counting those that are synced on their own.
    waiting: usize,
    /// Whether somebody syncs everything at this moment.
    is_running: bool,
    /// The round that has not begun.
    next: Arc<Round>,
}

/// All who wait for the same sync, and how it went.
#[derive(Debug, Default)]
struct Round {
    result: OnceLock<Result<(), Fault>>,
}

impl GroupSync {
    /// Begins with nobody waiting.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns once so many things are on disk: by `own`, which syncs just them, or by `all`, which syncs
    /// everything, whoever calls it.
    ///
    /// # Errors
    /// Where the sync that they were part of failed.
    pub fn sync(
        &self,
        count: usize,
        own: impl FnOnce() -> Result<(), Fault>,
        all: impl FnOnce() -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        let round = {
            let mut state = self.state();
            state.waiting += count;
            let is_alone = state.waiting < GROUP_MIN && !state.is_running;
            (!is_alone).then(|| Arc::clone(&state.next))
        };
        let result = match round {
            None => own(),
            Some(round) => self.wait(&round, all),
        };
        self.state().waiting -= count;
        result
    }

    fn wait(
        &self,
        round: &Arc<Round>,
        all: impl FnOnce() -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        let mut state = self.state();
        loop {
            if let Some(result) = round.result.get() {
                return *result;
            }
            if !state.is_running {
                break;
            }
            state = self.ended.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        // A round that has no result while none runs is the next one.
        state.is_running = true;
        state.next = Arc::default();
        drop(state);
        let result = all();
        let mut state = self.state();
        // Only who began the round sets this, once.
        let _ = round.result.set(result);
        state.is_running = false;
        drop(state);
        self.ended.notify_all();
        result
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // What it guards is whole between any two of its lines.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc;
    use std::thread;

    use super::*;

    #[test]
    fn who_is_alone_syncs_its_own() {
        let group = GroupSync::new();
        let all = || Err(Fault::Io);
        assert_eq!(group.sync(1, || Ok(()), all), Ok(()));
        assert_eq!(group.sync(GROUP_MIN, || Ok(()), all), Err(Fault::Io), "many things of one");
        assert_eq!(group.sync(1, || Ok(()), all), Ok(()));
    }

    #[test]
    fn who_comes_while_a_round_runs_is_in_the_next_one() {
        let group = GroupSync::new();
        let rounds = AtomicUsize::new(0);
        let (begun, begins) = mpsc::channel();
        let (ends, end) = mpsc::channel();
        thread::scope(|scope| {
            let first = scope.spawn(|| {
                let all = move || {
                    begun.send(()).unwrap();
                    end.recv().unwrap();
                    Err(Fault::Full)
                };
                group.sync(GROUP_MIN, || Ok(()), all)
            });
            begins.recv().unwrap();
            let later: Vec<_> = (0..16)
                .map(|_| {
                    scope.spawn(|| {
                        let all = || {
                            rounds.fetch_add(1, Ordering::SeqCst);
                            Ok(())
                        };
                        group.sync(1, || Err(Fault::Io), all)
                    })
                })
                .collect();
            while group.state().waiting < GROUP_MIN + later.len() {
                thread::yield_now();
            }
            assert_eq!(rounds.load(Ordering::SeqCst), 0, "nobody else begins");
            ends.send(()).unwrap();
            assert_eq!(first.join().unwrap(), Err(Fault::Full));
            assert!(later.into_iter().all(|later| later.join().unwrap() == Ok(())));
        });
        assert_eq!(rounds.load(Ordering::SeqCst), 1, "one did it for all");
        assert_eq!(group.state().waiting, 0);
    }
}
