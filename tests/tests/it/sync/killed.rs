//! The daemon dies at any moment, and nothing that somebody wrote is lost.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use oriel_tests::sync::{Synced, tree};

const ROUNDS: usize = 12;
const FILES: usize = 6;

#[test]
fn nothing_is_lost_however_often_the_daemon_is_killed() {
    let mut synced = Synced::start();
    let mut random = fastrand::Rng::with_seed(3);
    let mut written: [BTreeMap<String, String>; 2] = Default::default();
    for round in 0..ROUNDS {
        let over = AtomicBool::new(false);
        let (local, workspace) = (synced.local.clone(), synced.workspace.clone());
        let waits = random.u64(2..120);
        let seed = random.u64(..);
        written = thread::scope(|scope| {
            let [mine, theirs] = written;
            let here = scope.spawn(|| write(&local, "local", round, seed, mine, &over));
            let there = scope.spawn(|| write(&workspace, "agent", round, seed + 1, theirs, &over));
            let by = std::time::Instant::now() + std::time::Duration::from_millis(waits);
            while std::time::Instant::now() < by {
                thread::yield_now();
            }
            synced.daemon.kill();
            over.store(true, Ordering::Relaxed);
            [here.join().unwrap(), there.join().unwrap()]
        });
        synced.daemon.restart();
    }
    synced.settle();
    let found = tree(&synced.local);
    for (name, content) in written.iter().flatten() {
        let holds = match found.get(name) {
            Some(oriel_tests::sync::Thing::File(found, _)) => found == content.as_bytes(),
            _ => false,
        };
        assert!(holds, "{name} does not hold {content:?}");
    }
    for root in [&synced.local, &synced.workspace] {
        for folder in ["stage", "slots"] {
            let left = fs::read_dir(root.join(".oriel/sync").join(folder)).unwrap();
            let parts = left.flatten().filter(|_| folder == "stage").count();
            assert_eq!(parts, 0, "what was begun is finished or undone");
        }
    }
}

/// Writes files of its own over and over, each a whole one in the place of the one before or into it. Returns
/// what each of them holds.
fn write(
    root: &Path,
    who: &str,
    round: usize,
    seed: u64,
    mut written: BTreeMap<String, String>,
    over: &AtomicBool,
) -> BTreeMap<String, String> {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut count = 0;
    while !over.load(Ordering::Relaxed) {
        let name = format!("{who}-{}", random.usize(..FILES));
        let content = format!("{who} {round} {count} {}", "x".repeat(random.usize(..5000)));
        if random.bool() {
            let new = root.join(format!("{name}.new"));
            fs::write(&new, &content).unwrap();
            fs::rename(&new, root.join(&name)).unwrap();
        } else {
            fs::write(root.join(&name), &content).unwrap();
        }
        written.insert(name, content);
        count += 1;
        thread::yield_now();
    }
    written
}
