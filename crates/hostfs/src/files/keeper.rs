//! The engine's one thread: it writes out what is held behind, and looks now and then at what nobody
//! asks for: grants that were taken back, and mappings that nobody uses.
//!
//! It starts with the first handle, sleeps while nothing is open, and ends with the engine.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::Engine;
use crate::behind::Due;

/// How long a write waits for others to come along. With the time that writing out takes, it is in the
/// file within 50 ms.
const LINGER: Duration = Duration::from_millis(20);

/// How often it looks at what nobody asks for, while anything is open.
const LOOK_EVERY: Duration = Duration::from_secs(1);

#[derive(Debug, Default)]
pub(crate) struct Keeper {
    state: Mutex<State>,
    called: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// Files to write out, each once: at most as many as have handles.
    due: Vec<Due>,
    thread: Option<JoinHandle<()>>,
    life: Life,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Life {
    /// There is no thread.
    #[default]
    None,
    /// It sleeps until it is called.
    Asleep,
    /// It comes by itself.
    Awake,
    /// It writes out what there is and ends.
    Ending,
    /// It is gone, and does not come again.
    Ended,
}

impl Keeper {
    /// Has it look now and then, from now on, for as long as something is open.
    pub(crate) fn wake(&self, engine: &Arc<Engine>) {
        let mut state = self.state();
        match state.life {
            Life::None => {
                let engine = Arc::clone(engine);
                let run = move || engine.keeper.run(&engine);
                // Without a thread nothing is held behind, and all else works.
                let thread = thread::Builder::new().name("oriel-hostfs".to_owned()).spawn(run);
                let thread = thread.inspect_err(|error| tracing::warn!(%error, "no keeper")).ok();
                state.life = if thread.is_some() { Life::Awake } else { Life::Ended };
                state.thread = thread;
            }
            Life::Asleep => {
                state.life = Life::Awake;
                self.called.notify_one();
            }
            Life::Awake | Life::Ending | Life::Ended => {}
        }
    }

    /// Has it write out a file soon. Returns whether it will.
    pub(crate) fn call(&self, node: &Due) -> bool {
        let mut state = self.state();
        if matches!(state.life, Life::None | Life::Ended) {
            return false;
        }
        state.due.push(Arc::clone(node));
        if state.due.len() == 1 {
            self.called.notify_one();
        }
        true
    }

    /// One that takes calls and has no thread.
    #[cfg(test)]
    pub(crate) fn that_never_comes() -> Self {
        let state = State { life: Life::Asleep, ..State::default() };
        Self { state: Mutex::new(state), called: Condvar::new() }
    }

    /// Has it write out everything and end.
    pub(crate) fn end(&self) {
        let thread = {
            let mut state = self.state();
            let has_thread = state.thread.is_some() && state.life != Life::Ended;
            state.life = if has_thread { Life::Ending } else { Life::Ended };
            self.called.notify_one();
            state.thread.take()
        };
        // Where it ends the engine itself, it cannot wait for itself, and is about to end anyway.
        if let Some(thread) = thread.filter(|it| it.thread().id() != thread::current().id()) {
            let is_well = thread.join().is_ok();
            debug_assert!(is_well, "the keeper does not panic");
        }
    }

    fn run(&self, engine: &Arc<Engine>) {
        let mut looked_at = Instant::now();
        loop {
            let Some(due) = self.wait() else { return };
            for node in due {
                node.pending.has_come();
                engine.behind.flush(&node);
            }
            if LOOK_EVERY <= looked_at.elapsed() {
                looked_at = Instant::now();
                if !engine.look() {
                    self.sleep(engine);
                }
            }
        }
    }

    /// Waits until there is something to do, and returns what there is to write out; or nothing, when
    /// this is the end.
    fn wait(&self) -> Option<Vec<Due>> {
        let mut state = self.state();
        let has_nothing = |state: &mut State| state.due.is_empty() && state.life != Life::Ending;
        if state.life == Life::Awake {
            state = self.wait_for(state, LOOK_EVERY, has_nothing);
        } else {
            let is_asleep = |state: &mut State| state.due.is_empty() && state.life == Life::Asleep;
            state =
                self.called.wait_while(state, is_asleep).unwrap_or_else(PoisonError::into_inner);
        }
        if !state.due.is_empty() {
            state = self.wait_for(state, LINGER, |state| state.life != Life::Ending);
        }
        if state.due.is_empty() && state.life == Life::Ending {
            state.life = Life::Ended;
            return None;
        }
        Some(std::mem::take(&mut state.due))
    }

    fn wait_for<'a>(
        &self,
        state: MutexGuard<'a, State>,
        at_most: Duration,
        goes_on: impl FnMut(&mut State) -> bool,
    ) -> MutexGuard<'a, State> {
        let waited = self.called.wait_timeout_while(state, at_most, goes_on);
        waited.unwrap_or_else(PoisonError::into_inner).0
    }

    /// Sleeps until it is called, unless something was opened just now.
    fn sleep(&self, engine: &Engine) {
        let mut state = self.state();
        if state.life == Life::Awake && !engine.is_in_use() {
            state.life = Life::Asleep;
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
