//! Whatever happens, in whatever order: nothing that somebody wrote is lost, both trees become the same,
//! and what was deleted stays away.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use fastrand::Rng;
use oriel_wire::sync::RelPath;

use super::calls::Process;
use super::run::{LOCAL, SIDES};
use super::state::State;
use super::{Flaw, Plan, run};
use crate::digest_of;
use crate::look::{Seen, look};
use crate::vfs::Place;

/// Seeds at which something was wrong once.
const REGRESSIONS: [u64; 0] = [];

#[test]
fn whatever_happens_nothing_is_lost_and_both_trees_become_the_same() {
    if let Some(seed) = setting("ORIEL_TEST_SEED") {
        let outcome = run(&Plan { is_loud: true, ..Plan::of(seed) });
        assert!(outcome.wrong.is_empty(), "seed {seed}: {:#?}", outcome.wrong);
        return;
    }
    let seeds = setting("ORIEL_TEST_SEEDS").unwrap_or(3000);
    let first = setting("ORIEL_TEST_FIRST").unwrap_or(0);
    let mut failed = Vec::new();
    let mut conflicts = 0;
    for seed in REGRESSIONS.into_iter().chain(first..first + seeds) {
        let outcome = run(&Plan::of(seed));
        conflicts += outcome.conflicts;
        if !outcome.wrong.is_empty() {
            println!("ORIEL_TEST_SEED={seed}: {:#?}", outcome.wrong);
            failed.push(seed);
        }
    }
    println!("{seeds} seeds, {conflicts} conflicts, {} failed", failed.len());
    assert!(failed.is_empty(), "repeat one with ORIEL_TEST_SEED=N: {failed:?}");
}

#[test]
fn the_same_seed_is_the_same_run() {
    for seed in 0..20 {
        assert_eq!(run(&Plan::of(seed)), run(&Plan::of(seed)), "seed {seed}");
    }
}

#[test]
fn a_process_may_end_at_any_call() {
    for (side, is_power) in [(0, false), (0, true), (1, false), (1, true)] {
        let plan = Plan { is_calm: true, ..Plan::of(5) };
        let calls = run(&plan).calls[side];
        let step = if setting("ORIEL_TEST_SEEDS").is_some() { 1 } else { 3 };
        for call in (1..=calls).step_by(step) {
            let plan = Plan { stop_at: Some((side, call, is_power)), ..plan.clone() };
            let outcome = run(&plan);
            assert!(outcome.wrong.is_empty(), "{plan:?}: {:#?}", outcome.wrong);
        }
    }
}

#[test]
fn a_process_may_end_again_while_it_recovers() {
    for (side, is_power) in [(0, false), (0, true), (1, false), (1, true)] {
        let plan = Plan { is_calm: true, ..Plan::of(8) };
        let calls = run(&plan).calls[side];
        for call in (1..=calls).step_by(11) {
            for again in (1..60).step_by(4) {
                let stop_at = Some((side, call, is_power));
                let plan = Plan { stop_at, stop_again: Some(again), ..plan.clone() };
                let outcome = run(&plan);
                assert!(outcome.wrong.is_empty(), "{plan:?}: {:#?}", outcome.wrong);
            }
        }
    }
}

#[test]
fn what_is_written_after_the_clock_stepped_back_to_when_it_was_last_written_is_seen() {
    let state = Rc::new(RefCell::new(State::new(Rng::with_seed(1), 20_000_000, 9, [0; SIDES])));
    let process = Process { side: LOCAL, state: Rc::clone(&state) };
    let path = RelPath::parse("a").unwrap();
    let see =
        |known: Option<&Seen>| look(&process, &process, Place::Tree(&path), &path, known).unwrap();
    state.borrow_mut().actor_create(LOCAL, "a", b"one");
    state.borrow_mut().now_ms += 5000;
    let one = see(None);
    assert!(one.stat.is_some());
    assert_eq!(see(Some(&one)), one);

    state.borrow_mut().sides[LOCAL].skew_ns = -5_000_000_000;
    state.borrow_mut().actor_create(LOCAL, "a", b"two");
    assert_eq!(see(Some(&one)).entry.digest(), Some(digest_of(b"two")));
}

#[test]
fn the_simulation_finds_every_known_mistake() {
    for flaw in Flaw::ALL {
        let start = Instant::now();
        let found = (0..1_000_000).find(|seed| {
            let plan = Plan { flaw: Some(flaw), ..Plan::of(*seed) };
            let is_wrong = |plan: &Plan| !run(plan).wrong.is_empty();
            is_wrong(&plan) && !is_wrong(&Plan::of(*seed))
                || Duration::from_secs(60) < start.elapsed()
        });
        let found = found.filter(|_| start.elapsed() < Duration::from_secs(60));
        println!("{flaw:?} is found by seed {found:?} after {:?}", start.elapsed());
        assert!(found.is_some(), "{flaw:?} is not found");
    }
}

#[expect(clippy::disallowed_methods, reason = "how much is tested is said when tests are run")]
pub(super) fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}
