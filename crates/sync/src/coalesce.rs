//! When a path is looked at, after something was heard of it.
//!
//! Watchers tell of one save many times. So a path waits for a moment: briefly where a program has closed
//! the file, a little longer while one writes, and where something is gone until it can be back, since many
//! programs save by putting a new file in the old one's place. However much is heard, a path is looked at
//! [`WAIT_MAX`] after the first word of it, or when its throttle ends.
//!
//! Time is what has passed since some moment that the caller keeps to.
#![forbid(unsafe_code)]

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use oriel_wire::sync::RelPath;

/// How long a path waits after a program closed it, or something came to it.
pub const AFTER_CLOSE: Duration = Duration::from_millis(3);

/// How long a path waits after it was written to.
pub const AFTER_WRITE: Duration = Duration::from_millis(30);

/// How long a path waits after what was there is gone.
pub const AFTER_REMOVAL: Duration = Duration::from_millis(50);

/// How long a path waits in all, counted from the first word of it. A removal has its own wait after that.
pub const WAIT_MAX: Duration = Duration::from_millis(250);

/// How many times what the last transfer of a path took passes until the next one begins.
pub const COST_FACTOR: u32 = 4;

/// The longest that a path or a scan is held back for what it cost.
pub const THROTTLE_MAX: Duration = Duration::from_secs(60);

/// The most paths that wait. When there is one more, all of them are left to a scan of the whole tree.
pub const PATHS_MAX: usize = 8192;

/// The most paths that are held back for their cost. When there is one more, the one whose time ends first is
/// held back no longer.
pub const THROTTLED_MAX: usize = 4096;

/// What was heard of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Hint {
    /// A program closed it after writing, something was moved there, or its mode changed.
    Closed,
    /// It was written to, and may still be.
    Written,
    /// What was there is gone.
    Removed,
    /// A folder came: what is in it was never told of.
    Folder,
}

/// What is to be looked at now.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Due {
    /// Paths, in their order.
    pub paths: Vec<RelPath>,
    /// Folders that are to be looked through with all that is in them. They are among the paths too.
    pub trees: Vec<RelPath>,
    /// Whether everything is to be looked through: more happened than was told.
    pub rescan: bool,
}

impl Due {
    /// Returns whether there is nothing to look at.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.paths.is_empty() && !self.rescan
    }
}

/// Paths that wait to be looked at.
#[derive(Debug, Clone, Default)]
pub struct Coalescer {
    waiting: BTreeMap<RelPath, Waiting>,
    /// The same paths, by when they are due.
    queue: BTreeSet<(Duration, RelPath)>,
    throttled: BTreeMap<RelPath, Duration>,
    /// When everything is to be looked through, if it is.
    rescan: Option<Duration>,
    /// Before this, not everything is looked through again.
    rescan_from: Duration,
    /// How long to wait for what the last look through everything took.
    pause: Duration,
}

#[derive(Debug, Clone, Copy)]
struct Waiting {
    first: Duration,
    last: Hint,
    due: Duration,
    is_tree: bool,
}

impl Coalescer {
    /// Begins with nothing heard.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes what was heard of a path.
    pub fn hint(&mut self, now: Duration, path: RelPath, hint: Hint) {
        let before = self.waiting.get(&path).copied();
        if before.is_none() && PATHS_MAX <= self.waiting.len() {
            self.overflow(now);
            return;
        }
        let mut next = wait(now, before, hint);
        if let Some(until) = self.throttled.get(&path) {
            next.due = next.due.max(*until);
        }
        self.put(path, before, next);
    }

    /// Takes that more happened than was told: a watcher lost something, or failed. No path comes with it.
    pub fn rescan(&mut self, now: Duration) {
        let due = now.max(self.rescan_from);
        self.rescan = Some(self.rescan.map_or(due, |earlier| earlier.min(due)));
    }

    /// Takes how long the transfer of a path took that just ended. The path is left alone for a multiple
    /// of that, so a large file that always changes is not always sent.
    pub fn transferred(&mut self, now: Duration, path: &RelPath, took: Duration) {
        let until = now + held_back(took);
        self.throttled.retain(|_, until| now < *until);
        if until <= now {
            self.throttled.remove(path);
            return;
        }
        if THROTTLED_MAX <= self.throttled.len() && !self.throttled.contains_key(path) {
            let first = self.throttled.iter().min_by_key(|(_, until)| **until);
            if let Some(path) = first.map(|(path, _)| path.clone()) {
                self.throttled.remove(&path);
            }
        }
        self.throttled.insert(path.clone(), until);
        if let Some(before) = self.waiting.get(path).copied() {
            let next = Waiting { due: before.due.max(until), ..before };
            self.put(path.clone(), Some(before), next);
        }
    }

    /// Takes how long looking through everything took that just ended.
    pub fn rescanned(&mut self, now: Duration, took: Duration) {
        self.pause = held_back(took);
        self.rescan_from = now + self.pause;
        self.rescan = self.rescan.map(|due| due.max(self.rescan_from));
    }

    /// Returns how long to wait between two looks through everything, by what the last one took.
    #[must_use]
    pub const fn pause(&self) -> Duration {
        self.pause
    }

    /// Takes off what is due.
    pub fn due(&mut self, now: Duration) -> Due {
        let mut due = Due::default();
        while self.queue.first().is_some_and(|(at, _)| *at <= now) {
            let Some((_, path)) = self.queue.pop_first() else { break };
            if self.waiting.remove(&path).is_some_and(|waiting| waiting.is_tree) {
                due.trees.push(path.clone());
            }
            due.paths.push(path);
        }
        due.paths.sort();
        due.trees.sort();
        due.rescan = self.rescan.take_if(|at| *at <= now).is_some();
        due
    }

    /// Returns when something is due next. It may have passed.
    #[must_use]
    pub fn next_due(&self) -> Option<Duration> {
        let path = self.queue.first().map(|(at, _)| *at);
        path.into_iter().chain(self.rescan).min()
    }

    /// Returns how many paths wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Returns whether no path waits, nor a scan.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty() && self.rescan.is_none()
    }

    fn put(&mut self, path: RelPath, before: Option<Waiting>, next: Waiting) {
        if let Some(before) = before {
            self.queue.remove(&(before.due, path.clone()));
        }
        self.queue.insert((next.due, path.clone()));
        self.waiting.insert(path, next);
    }

    fn overflow(&mut self, now: Duration) {
        self.waiting.clear();
        self.queue.clear();
        self.rescan(now);
    }
}

/// How a path waits after one more word of it.
fn wait(now: Duration, before: Option<Waiting>, hint: Hint) -> Waiting {
    let first = before.map_or(now, |before| before.first);
    let is_tree = hint == Hint::Folder || before.is_some_and(|before| before.is_tree);
    let earlier = |kinds: &[Hint]| before.filter(|before| kinds.contains(&before.last));
    let come = [Hint::Closed, Hint::Folder];
    let (last, due) = match hint {
        // Closing a file never puts a look off, however often it is closed and whatever it waits for.
        Hint::Closed | Hint::Folder => {
            let due = now + AFTER_CLOSE;
            (hint, before.map_or(due, |before| before.due.min(due)))
        }
        // What was closed is whole as it is; what is written now is closed in its turn.
        Hint::Written => match earlier(&come) {
            Some(before) => (before.last, before.due),
            None => (hint, (now + AFTER_WRITE).min(first + WAIT_MAX)),
        },
        Hint::Removed => match earlier(&[Hint::Removed]) {
            Some(before) => (hint, before.due),
            None => (hint, (now + AFTER_REMOVAL).min(first + WAIT_MAX + AFTER_REMOVAL)),
        },
    };
    Waiting { first, last, due, is_tree }
}

fn held_back(took: Duration) -> Duration {
    took.saturating_mul(COST_FACTOR).min(THROTTLE_MAX)
}

#[cfg(test)]
mod tests;
