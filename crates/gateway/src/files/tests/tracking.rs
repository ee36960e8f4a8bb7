//! What becomes of files while an agent works.

use oriel_wire::gateway::{Author, EventBody, FileChange, FileDiff};
use proptest::prelude::*;

use super::*;

/// What is told of a change: path, iteration, author, kind and what is kept.
type Told = (String, u32, Author, FileChange, Option<String>);

#[test]
fn what_comes_changes_and_goes_in_a_turn_is_found_and_kept() {
    let mut work = Work::new();
    work.house.write("old", "1");
    work.house.write("goes", "1");
    work.begin();
    work.house.write("new", "a");
    work.house.write("old", "22");
    fs::remove_file(work.house.path("goes")).unwrap();
    let found = work.end();
    let expected = [
        told("goes", 1, FileChange::Deleted, None),
        told("new", 1, FileChange::Created, Some("a")),
        told("old", 1, FileChange::Modified, Some("22")),
    ];
    assert_eq!(found, expected);
    work.begin();
    assert_eq!(work.end(), [], "nothing more happened");
}

#[test]
fn a_file_that_a_tool_names_is_found_at_once_and_all_others_later() {
    let mut work = Work::new();
    work.begin();
    work.house.write("named", "1");
    work.house.write("other", "1");
    let named = Touch::Path(work.house.path("named"));
    assert_eq!(
        work.after(std::slice::from_ref(&named)),
        [told("named", 1, FileChange::Created, Some("1"))]
    );
    assert_eq!(work.after(&[named]), [], "it is as it was");
    let later = work.tracker.after_tool(&[], now() + Duration::from_secs(3));
    assert_eq!(work.told(later), [told("other", 1, FileChange::Created, Some("1"))]);
    assert_eq!(work.end(), []);
}

#[test]
fn a_file_that_holds_what_it_held_did_not_change() {
    let mut work = Work::new();
    work.begin();
    work.house.write("a", "1");
    assert_eq!(work.end().len(), 1);
    work.begin();
    work.house.write("a", "2");
    work.house.write("a", "1");
    assert_eq!(work.end(), []);
    work.begin();
    fs::remove_file(work.house.path("a")).unwrap();
    assert_eq!(work.end(), [told("a", 2, FileChange::Deleted, None)]);
    work.begin();
    work.house.write("a", "1");
    assert_eq!(work.end(), [told("a", 3, FileChange::Created, Some("1"))]);
}

#[test]
fn what_changed_between_turns_is_a_persons_work() {
    let mut work = Work::new();
    work.begin();
    work.house.write("a", "1");
    work.house.write("b", "1");
    work.end();
    work.house.write("a", "2");
    fs::remove_file(work.house.path("b")).unwrap();
    work.house.write("c", "no history, no matter");
    let by_user = |path: &str, kind, text: Option<&str>| {
        (path.to_owned(), 2, Author::User, kind, text.map(str::to_owned))
    };
    let expected =
        [by_user("a", FileChange::Modified, Some("2")), by_user("b", FileChange::Deleted, None)];
    let found = work.tracker.begin(now());
    assert!(found.changes.iter().all(|change| change.event().is_none()), "no event of the agent");
    assert_eq!(work.told(found), expected);
    work.house.write("a", "3");
    assert_eq!(work.end(), [told("a", 3, FileChange::Modified, Some("3"))]);
}

#[test]
fn another_process_goes_on_with_the_same_history() {
    let mut work = Work::new();
    work.begin();
    work.house.write("a", "1");
    work.house.write("b", "1");
    work.end();
    let latest = work.latest.clone();
    work.house.write("b", "2");
    let workspace = Arc::clone(&work.house.workspace);
    work.tracker = Tracker::new(workspace, work.house.blobs(), latest.into_values());
    let found = work.tracker.begin(now());
    let expected = [("b".to_owned(), 2, Author::User, FileChange::Modified, Some("2".to_owned()))];
    assert_eq!(work.told(found), expected);
}

#[test]
fn what_a_diff_says_of_the_past_becomes_the_first_iteration() {
    let mut work = Work::new();
    work.house.write("whole", "old");
    work.house.write("lines", "one\ntwo\n");
    work.house.write("wrong", "abc");
    work.begin();
    work.house.write("whole", "new");
    work.house.write("lines", "one\nTWO\n");
    work.house.write("wrong", "abd");
    let diffs = [
        work.diff("whole", Some("old"), "new"),
        work.diff("lines", Some("two"), "TWO"),
        work.diff("wrong", Some("much longer"), "abd"),
        work.diff("../secret", Some("x"), "y"),
    ];
    let first = |path: &str, text: &str| {
        (path.to_owned(), 1, Author::User, FileChange::Created, Some(text.to_owned()))
    };
    let second = |path: &str, text: &str| {
        (path.to_owned(), 2, Author::Agent, FileChange::Modified, Some(text.to_owned()))
    };
    let expected = [
        first("lines", "one\ntwo\n"),
        second("lines", "one\nTWO\n"),
        first("whole", "old"),
        second("whole", "new"),
        told("wrong", 1, FileChange::Modified, Some("abd")),
    ];
    assert_eq!(work.after(&diffs), expected);
    work.house.write("whole", "newer");
    let again = work.diff("whole", Some("new"), "newer");
    let third = (3, Author::Agent, FileChange::Modified, Some("newer".to_owned()));
    let expected = [("whole".to_owned(), third.0, third.1, third.2, third.3)];
    assert_eq!(work.after(&[again]), expected);
}

#[test]
fn what_is_ignored_is_found_only_where_the_agent_names_it() {
    let mut work = Work::new();
    work.house.write(".gitignore", ".env\nbuild\n");
    work.house.write(".env", "A=1");
    work.house.write("build/old", "made earlier");
    age(&work.house, &[".env", "build/old"]);
    work.begin();
    work.house.write("build/out", "made");
    work.house.write(".env", "A=2");
    let named = [work.diff(".env", Some("A=1"), "A=2"), Touch::Path(work.house.path("build/old"))];
    let first = (".env".to_owned(), 1, Author::User, FileChange::Created, Some("A=1".to_owned()));
    let second =
        (".env".to_owned(), 2, Author::Agent, FileChange::Modified, Some("A=2".to_owned()));
    assert_eq!(work.after(&named), [first, second], "one that was only read did not change");
    assert_eq!(work.end(), []);
}

#[test]
fn what_comes_to_be_seen_or_ignored_neither_came_nor_went() {
    let mut work = Work::new();
    work.house.write(".gitignore", "hidden\n");
    work.house.write("hidden", "1");
    work.house.write("seen", "1");
    age(&work.house, &["hidden", "seen"]);
    work.begin();
    work.house.write(".gitignore", "seen\n");
    assert_eq!(work.end(), [told(".gitignore", 1, FileChange::Modified, Some("seen\n"))]);
}

#[test]
fn in_a_huge_workspace_only_named_files_are_looked_at_and_that_is_said() {
    let mut work = Work::new();
    work.tracker.files_max(3);
    for nth in 0..4 {
        work.house.write(&format!("{nth}"), "1");
    }
    let found = work.tracker.begin(now());
    assert!(found.is_partial);
    work.house.write("0", "2");
    work.house.write("1", "2");
    let named = [Touch::Path(PathBuf::from("0"))];
    assert_eq!(work.after(&named), [told("0", 1, FileChange::Modified, Some("2"))]);
    let found = work.tracker.end(now());
    assert!(found.is_partial && found.changes.is_empty());
}

#[test]
fn a_file_that_is_too_long_is_told_of_and_not_kept() {
    let mut work = Work::new();
    work.begin();
    work.house.write("long", vec![b'a'; KEPT_BYTES_MAX as usize + 1]);
    let found = work.tracker.end(now());
    let it = &found.changes[0].iteration;
    assert!(!it.is_kept && it.hash.len() == 64 && it.size == KEPT_BYTES_MAX + 1);
}

#[test]
fn more_changes_than_can_be_told_are_counted() {
    let mut work = Work::new();
    work.begin();
    for nth in 0..2_003 {
        fs::write(work.house.path(&format!("{nth}")), "1").unwrap();
    }
    let found = work.tracker.end(now());
    assert_eq!((found.changes.len(), found.untold), (2_000, 3));
}

#[cfg(unix)]
#[test]
fn a_file_that_a_link_takes_the_place_of_is_gone() {
    let mut work = Work::new();
    work.house.write("a", "1");
    work.begin();
    fs::remove_file(work.house.path("a")).unwrap();
    std::os::unix::fs::symlink(work.house.folder.path().join("secret"), work.house.path("a"))
        .unwrap();
    let named = [Touch::Path(work.house.path("a"))];
    assert_eq!(work.after(&named), [told("a", 1, FileChange::Deleted, None)]);
}

#[tokio::test]
async fn what_is_found_for_one_who_went_away_comes_back_to_the_next() {
    let work = Work::new();
    let watch = Watch::new(work.tracker, now);
    watch.begin().await;
    work.house.write("a", "1");
    let touched = vec![Touch::Path(work.house.path("a"))];
    // Polled once, so that the work begins, and dropped.
    let mut asked = Box::pin(watch.after_tool(touched));
    let waker = std::task::Waker::noop();
    let polled = asked.as_mut().poll(&mut std::task::Context::from_waker(waker));
    let early = if let std::task::Poll::Ready(found) = polled { found.changes.len() } else { 0 };
    drop(asked);
    let found = watch.end().await;
    assert_eq!(found.changes.len() + early, 1);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn however_files_change_the_history_leads_to_what_they_hold(
        turns in prop::collection::vec(
            prop::collection::vec((0_usize..3, prop::option::of("[ab]{0,3}"), any::<bool>()), 0..6), 1..5),
    ) {
        let mut work = Work::new();
        let mut history: std::collections::BTreeMap<String, Vec<Change>> = Default::default();
        let mut keep = |found: Found| {
            for change in found.changes {
                history.entry(change.iteration.path.clone()).or_default().push(change);
            }
        };
        for steps in turns {
            keep(work.tracker.begin(now()));
            for (file, content, is_named) in steps {
                let path = ["a", "b/c", "b/d"][file];
                match content {
                    Some(content) => work.house.write(path, content),
                    None => drop(fs::remove_file(work.house.path(path))),
                }
                if is_named {
                    keep(work.tracker.after_tool(&[Touch::Path(path.into())], now()));
                }
            }
            keep(work.tracker.end(now()));
        }
        let blobs = work.house.blobs();
        for path in ["a", "b/c", "b/d"] {
            let held = fs::read(work.house.path(path)).ok();
            let all = history.remove(path).unwrap_or_default();
            let last = all.last().filter(|last| last.kind != FileChange::Deleted);
            let kept = last.map(|last| blobs.read(&last.iteration.hash).unwrap());
            prop_assert_eq!(kept, held, "{}: {:?}", path, all);
            for (nth, change) in all.iter().enumerate() {
                prop_assert_eq!(change.iteration.iteration as usize, nth + 1);
                let was_there = nth > 0 && all[nth - 1].kind != FileChange::Deleted;
                prop_assert_eq!(change.kind == FileChange::Created, !was_there);
                prop_assert!(nth == 0 || all[nth - 1].iteration.hash != change.iteration.hash);
            }
        }
    }
}

struct Work {
    house: House,
    tracker: Tracker,
    blobs: Arc<Blobs>,
    latest: std::collections::BTreeMap<String, Iteration>,
}

impl Work {
    fn new() -> Self {
        let house = House::new();
        let blobs = house.blobs();
        let tracker = Tracker::new(Arc::clone(&house.workspace), Arc::clone(&blobs), []);
        Self { house, tracker, blobs, latest: Default::default() }
    }

    fn begin(&mut self) {
        let found = self.tracker.begin(now());
        assert_eq!(self.told(found), []);
    }

    fn after(&mut self, touched: &[Touch]) -> Vec<Told> {
        let found = self.tracker.after_tool(touched, now());
        self.told(found)
    }

    fn end(&mut self) -> Vec<Told> {
        let found = self.tracker.end(now());
        self.told(found)
    }

    fn told(&mut self, found: Found) -> Vec<Told> {
        let mut told = Vec::new();
        for change in found.changes {
            if let Some(EventBody::FileChanged { iteration, .. }) = change.event() {
                assert_eq!(iteration, change.iteration.iteration);
            }
            let Change { iteration: it, kind } = change;
            self.latest.insert(it.path.clone(), it.clone());
            let kept = it.is_kept.then(|| self.blobs.read(&it.hash).unwrap());
            let kept = kept.map(|bytes| String::from_utf8(bytes).unwrap());
            told.push((it.path, it.iteration, it.author, kind, kept));
        }
        told
    }

    fn diff(&self, path: &str, old: Option<&str>, new: &str) -> Touch {
        let (old, new) = (old.map(str::to_owned), new.to_owned());
        Touch::Diff(FileDiff { path: path.to_owned(), old, new })
    }
}

fn told(path: &str, iteration: u32, kind: FileChange, text: Option<&str>) -> Told {
    (path.to_owned(), iteration, Author::Agent, kind, text.map(str::to_owned))
}

/// Waits until files are so old that their dates say that they are.
fn age(house: &House, paths: &[&str]) {
    let is_old = |path: &&str| {
        let changed = fs::metadata(house.path(path)).unwrap().modified().unwrap();
        now().duration_since(changed).unwrap_or_default() > Duration::from_millis(150)
    };
    while !paths.iter().all(is_old) {
        std::thread::yield_now();
    }
}
