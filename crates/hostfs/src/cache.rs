//! What is known of names, for a moment: a runtime that looks for a function asks for the same dozen
//! names before each script.
//!
//! Whatever this engine changes ends all of it at once, and so does word of a change in a watched folder.
//! What others change is seen after `LIFE` at the latest. Nothing here says who may do what.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use oriel_wire::hostfs::Stat;

use crate::error::FileError;
use crate::grants::GrantId;

/// How long something is believed.
const LIFE: Duration = Duration::from_millis(50);

/// How many names are kept; at one more, all of them go.
const NAMES_KEPT_MAX: usize = 8192;

/// A longer path is looked up each time. So what is kept is small, whatever a page asks for.
const PATH_KEPT_BYTES_MAX: usize = 512;

/// What is known of a name.
type Known = Result<Stat, FileError>;

#[derive(Debug, Default)]
pub(crate) struct Attributes {
    /// Counts changes; what is from before the last one is believed no more.
    changes: AtomicU64,
    /// How many can write files without a word to this engine, by descriptors that were given away.
    /// While there are any, nothing is believed.
    unseen_writers: AtomicU64,
    names: Mutex<HashMap<GrantId, HashMap<String, Seen>>>,
}

#[derive(Debug)]
struct Seen {
    changes: u64,
    at: Instant,
    known: Known,
}

impl Attributes {
    /// Something changed.
    pub(crate) fn change(&self) {
        self.changes.fetch_add(1, Ordering::SeqCst);
    }

    /// From now on, somebody else may change files at any moment.
    pub(crate) fn somebody_writes_unseen(&self) {
        self.unseen_writers.fetch_add(1, Ordering::SeqCst);
    }

    /// One of those is done.
    pub(crate) fn nobody_writes_unseen(&self) {
        self.change();
        self.unseen_writers.fetch_sub(1, Ordering::SeqCst);
    }

    /// Returns what is known of a name, or finds it out.
    pub(crate) fn get(
        &self,
        grant: &GrantId,
        path: &str,
        now: Instant,
        find: impl FnOnce() -> Known,
    ) -> Known {
        if PATH_KEPT_BYTES_MAX < path.len() || self.unseen_writers.load(Ordering::SeqCst) != 0 {
            return find();
        }
        // Taken before anything is looked at: a change that comes meanwhile ends what is found.
        let changes = self.changes.load(Ordering::SeqCst);
        if let Some(seen) = self.names().get(grant).and_then(|names| names.get(path))
            && seen.changes == changes
            && now.saturating_duration_since(seen.at) < LIFE
        {
            return seen.known.clone();
        }
        let known = find();
        let seen = Seen { changes, at: now, known: known.clone() };
        let mut names = self.names();
        if NAMES_KEPT_MAX <= names.values().map(HashMap::len).sum() {
            names.clear();
        }
        if !names.contains_key(grant) {
            names.insert(grant.clone(), HashMap::new());
        }
        if let Some(names) = names.get_mut(grant) {
            names.insert(path.to_owned(), seen);
        }
        known
    }

    fn names(&self) -> MutexGuard<'_, HashMap<GrantId, HashMap<String, Seen>>> {
        self.names.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use oriel_wire::hostfs::{Code, Kind};

    use super::*;

    #[test]
    fn a_name_is_looked_up_once_until_something_changes_or_time_passes() {
        let cache = Attributes::default();
        let start = Instant::now();
        let mut looks = 0;
        let mut get = |grant: &str, at: u64| {
            let now = start + Duration::from_millis(at);
            let known = cache.get(&GrantId(grant.to_owned()), "a", now, || {
                looks += 1;
                Ok(stat(looks))
            });
            known.unwrap().length
        };
        assert_eq!([get("w", 0), get("w", 49), get("w", 50), get("w", 51)], [1, 1, 2, 2]);
        assert_eq!([get("other", 51), get("w", 51)], [3, 2], "each folder has its own names");
        cache.change();
        assert_eq!([get("w", 51), get("other", 51)], [4, 5]);
    }

    #[test]
    fn a_change_while_a_name_is_looked_up_is_not_missed() {
        let cache = Attributes::default();
        let (now, grant) = (Instant::now(), GrantId("w".to_owned()));
        let first = cache.get(&grant, "a", now, || {
            cache.change();
            Err(FileError::new(Code::NotFound, "nothing"))
        });
        assert_eq!(first.unwrap_err().code, Code::NotFound);
        assert_eq!(cache.get(&grant, "a", now, || Ok(stat(7))).unwrap().length, 7);
    }

    #[test]
    fn a_page_that_asks_for_many_names_fills_no_memory() {
        let (cache, now) = (Attributes::default(), Instant::now());
        for name in 0..3 * NAMES_KEPT_MAX {
            let grant = GrantId((name % 2).to_string());
            let _ = cache.get(&grant, &name.to_string(), now, || Ok(stat(0)));
        }
        assert!(cache.names().values().map(HashMap::len).sum::<usize>() <= NAMES_KEPT_MAX);
    }

    #[test]
    fn a_page_that_asks_for_long_names_fills_no_memory() {
        let (cache, now) = (Attributes::default(), Instant::now());
        for length in 0..2 * PATH_KEPT_BYTES_MAX {
            let _ = cache.get(&GrantId("w".to_owned()), &"x".repeat(length), now, || Ok(stat(0)));
        }
        let names = cache.names();
        assert!(names.values().flat_map(HashMap::keys).all(|path| path.len() <= 512));
    }

    fn stat(length: u64) -> Stat {
        Stat { kind: Kind::File, length, modified_ms: 0.0, is_read_only: false }
    }
}
