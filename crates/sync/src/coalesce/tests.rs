//! A path is looked at soon and seldom, and always in the end.

use proptest::prelude::*;

use super::*;

#[test]
fn a_file_that_was_closed_is_looked_at_at_once() {
    let mut coalescer = Coalescer::new();
    coalescer.hint(ms(0), path("a"), Hint::Written);
    assert_eq!(coalescer.next_due(), Some(ms(30)));
    coalescer.hint(ms(10), path("a"), Hint::Closed);
    assert_eq!(coalescer.next_due(), Some(ms(13)));
    assert!(coalescer.due(ms(12)).is_empty());
    assert_eq!(coalescer.due(ms(13)).paths, [path("a")]);
    assert!(coalescer.is_empty() && coalescer.next_due().is_none());
}

#[test]
fn who_writes_or_closes_all_the_time_is_looked_at_all_the_same() {
    for (hint, every, within) in
        [(Hint::Written, 5, 250), (Hint::Closed, 1, 3), (Hint::Removed, 1, 50)]
    {
        let mut coalescer = Coalescer::new();
        let mut seen = Vec::new();
        for at in (0..2000).step_by(every) {
            coalescer.hint(ms(at), path("a"), hint);
            if !coalescer.due(ms(at)).is_empty() {
                seen.push(at);
            }
        }
        let longest = seen.windows(2).map(|pair| pair[1] - pair[0]).max();
        assert!(longest.is_some_and(|longest| longest <= within + 5), "{hint:?}: {seen:?}");
    }
}

#[test]
fn a_save_that_puts_a_new_file_in_the_place_of_the_old_looks_like_no_removal() {
    let mut coalescer = Coalescer::new();
    coalescer.hint(ms(0), path("a"), Hint::Closed);
    coalescer.hint(ms(1), path("a"), Hint::Removed);
    assert_eq!(coalescer.next_due(), Some(ms(51)), "it waits for the new file");
    coalescer.hint(ms(20), path("a"), Hint::Closed);
    assert_eq!(coalescer.next_due(), Some(ms(23)));
    coalescer.hint(ms(240), path("b"), Hint::Written);
    assert_eq!(coalescer.due(ms(240)).paths, [path("a")]);
    coalescer.hint(ms(480), path("b"), Hint::Removed);
    assert_eq!(coalescer.next_due(), Some(ms(530)), "even late, a removal has its wait");
}

#[test]
fn a_close_puts_no_look_off() {
    let mut coalescer = Coalescer::new();
    for at in (0..250).step_by(25) {
        coalescer.hint(ms(at), path("a"), Hint::Written);
    }
    coalescer.hint(ms(249), path("a"), Hint::Removed);
    assert_eq!(coalescer.next_due(), Some(ms(299)));
    coalescer.hint(ms(298), path("a"), Hint::Closed);
    assert_eq!(coalescer.next_due(), Some(ms(299)), "not 3 ms after the close");
    coalescer.hint(ms(0), path("b"), Hint::Written);
    (25..249).step_by(25).for_each(|at| coalescer.hint(ms(at), path("b"), Hint::Written));
    coalescer.hint(ms(249), path("b"), Hint::Closed);
    assert_eq!(coalescer.next_due(), Some(ms(250)));
}

#[test]
fn a_folder_that_came_is_looked_through() {
    let mut coalescer = Coalescer::new();
    coalescer.hint(ms(0), path("a"), Hint::Folder);
    coalescer.hint(ms(1), path("a"), Hint::Closed);
    let due = coalescer.due(ms(3));
    assert_eq!((due.paths, due.trees), (vec![path("a")], vec![path("a")]));
}

#[test]
fn what_costs_much_is_done_seldom() {
    let mut coalescer = Coalescer::new();
    coalescer.transferred(ms(1000), &path("a"), ms(500));
    coalescer.hint(ms(1001), path("a"), Hint::Closed);
    coalescer.hint(ms(1001), path("b"), Hint::Closed);
    assert_eq!(coalescer.due(ms(1004)).paths, [path("b")]);
    assert_eq!(coalescer.next_due(), Some(ms(3000)));
    // What waits already when a transfer ends is held back as well.
    coalescer.hint(ms(2000), path("b"), Hint::Written);
    coalescer.transferred(ms(2001), &path("b"), ms(100));
    assert_eq!(coalescer.due(ms(2400)).paths, []);
    assert_eq!(coalescer.due(ms(2401)).paths, [path("b")]);
    coalescer.transferred(ms(2401), &path("a"), Duration::MAX);
    assert_eq!(coalescer.next_due(), Some(ms(2401) + THROTTLE_MAX));
    for index in 0..=THROTTLED_MAX {
        coalescer.transferred(ms(3000), &path(&format!("{index}")), ms(1));
    }
    assert_eq!(coalescer.throttled.len(), THROTTLED_MAX);
}

#[test]
fn a_rescan_has_no_path_and_is_never_lost() {
    let mut coalescer = Coalescer::new();
    coalescer.rescan(ms(5));
    assert_eq!(coalescer.next_due(), Some(ms(5)));
    assert!(coalescer.due(ms(5)).rescan && !coalescer.due(ms(5)).rescan);
    coalescer.rescanned(ms(1000), ms(100));
    coalescer.rescan(ms(1001));
    assert!(coalescer.due(ms(1399)).is_empty() && !coalescer.is_empty());
    assert!(coalescer.due(ms(1400)).rescan);
}

#[test]
fn more_paths_than_may_wait_become_a_rescan() {
    let mut coalescer = Coalescer::new();
    for index in 0..PATHS_MAX {
        coalescer.hint(ms(0), path(&format!("{index}")), Hint::Written);
    }
    coalescer.hint(ms(1), path("0"), Hint::Closed);
    assert_eq!((coalescer.len(), coalescer.next_due()), (PATHS_MAX, Some(ms(4))));
    coalescer.hint(ms(2), path("one more"), Hint::Closed);
    let due = coalescer.due(ms(2));
    assert!(due.rescan && due.paths.is_empty() && coalescer.is_empty());
}

proptest! {
    /// Every hint is followed by a look at its path, in time, and no path is looked at without one.
    #[test]
    fn every_hint_is_answered_in_time(
        steps in proptest::collection::vec((0..40_u64, 0..4_usize, 0..6_usize, 0..80_u64), 1..120),
    ) {
        let mut coalescer = Coalescer::new();
        let mut open: BTreeMap<RelPath, Duration> = BTreeMap::new();
        let mut held: BTreeMap<RelPath, Duration> = BTreeMap::new();
        let mut now = ms(0);
        for (pass, which, kind, took) in steps {
            let until = now + ms(pass);
            // Time passes as for a task that wakes when something is due.
            while let Some(at) = coalescer.next_due().filter(|at| *at <= until) {
                now = now.max(at);
                for path in coalescer.due(now).paths {
                    let first = open.remove(&path);
                    prop_assert!(first.is_some(), "{path} without a hint");
                    let latest = first.unwrap() + WAIT_MAX + AFTER_REMOVAL;
                    let latest = latest.max(held.get(&path).copied().unwrap_or_default());
                    prop_assert!(now <= latest, "{path} at {now:?}, not by {latest:?}");
                }
            }
            now = until;
            let path = path(&format!("p{which}"));
            match [Hint::Closed, Hint::Written, Hint::Removed, Hint::Folder].get(kind) {
                Some(hint) => {
                    coalescer.hint(now, path.clone(), *hint);
                    open.entry(path).or_insert(now);
                }
                None => {
                    coalescer.transferred(now, &path, ms(took));
                    let until = now + ms(took * 4);
                    let held = held.entry(path).or_default();
                    *held = (*held).max(until);
                }
            }
            prop_assert_eq!(coalescer.len(), open.len());
            prop_assert_eq!(coalescer.queue.len(), open.len());
        }
        let rest = coalescer.due(now + THROTTLE_MAX + WAIT_MAX + AFTER_REMOVAL).paths;
        prop_assert_eq!(rest, open.into_keys().collect::<Vec<_>>());
    }
}

fn ms(count: u64) -> Duration {
    Duration::from_millis(count)
}

fn path(text: &str) -> RelPath {
    RelPath::parse(text).unwrap()
}
