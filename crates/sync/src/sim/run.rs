//! One run: what happens next is drawn, until those who write have finished; then everything settles and
//! is judged.

use std::cell::RefCell;
use std::collections::{BTreeSet, VecDeque};
use std::rc::Rc;

use fastrand::Rng;
use oriel_wire::sync::{Digest, RelPath};

use super::actor::Actor;
use super::calls::Process;
use super::flaw::Flaw;
use super::jobs::Job;
use super::link::Link;
use super::state::State;
use crate::local::{self, DeleteLimits};
use crate::rules::LeftOut;
use crate::slots::RecheckTimes;
use crate::task::{Done, Task};
use crate::upstream;
use crate::vfs::Blobs as _;

pub(super) const LOCAL: usize = 0;
pub(super) const UPSTREAM: usize = 1;
/// Somebody else, who has a folder of their own with the same tree upstream.
pub(super) const OTHER: usize = 2;

/// How many machines there are, the other one included, whether or not it is used.
pub(super) const SIDES: usize = 3;

/// Returns which of those who are connected a machine is.
pub(super) const fn link_of(side: usize) -> usize {
    side / OTHER
}

/// Returns the machine of one of those who are connected.
pub(super) const fn side_of(link: usize) -> usize {
    link * OTHER
}

/// How many steps a run has before everything settles, and how many that may take.
const STEPS: usize = 4000;
const SETTLE_STEPS: usize = 60_000;

/// What a run is like.
#[derive(Debug, Clone)]
pub struct Plan {
    /// What is drawn from.
    pub seed: u64,
    /// A mistake to make.
    pub flaw: Option<Flaw>,
    /// The call of a machine at which its process ends, and whether the power goes.
    pub stop_at: Option<(usize, u64, bool)>,
    /// The call after that at which it ends again.
    pub stop_again: Option<u64>,
    /// Nothing fails and nothing ends but what is said above.
    pub is_calm: bool,
    /// Nobody writes, and nothing is there at first.
    pub is_empty: bool,
    /// Somebody else has a folder that is kept equal with the same tree.
    pub has_other: bool,
    /// Prints what happens.
    pub is_loud: bool,
}

impl Plan {
    /// Everything that can happen, as the seed draws it.
    #[must_use]
    pub const fn of(seed: u64) -> Self {
        Self {
            seed,
            flaw: None,
            stop_at: None,
            stop_again: None,
            is_calm: false,
            is_empty: false,
            has_other: seed % 4 == 3,
            is_loud: false,
        }
    }
}

/// How a run went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The same for the same run.
    pub trace: u64,
    /// What does not hold and must.
    pub wrong: Vec<String>,
    /// How many calls each machine had.
    pub calls: [u64; SIDES],
    /// How many conflicts there were.
    pub conflicts: usize,
}

/// Runs once.
#[must_use]
pub fn run(plan: &Plan) -> Outcome {
    let mut sim = Sim::new(plan);
    sim.work();
    sim.settle();
    sim.judge()
}

/// A run.
#[derive(Debug)]
pub struct Sim {
    pub(super) plan: Plan,
    pub(super) state: Rc<RefCell<State>>,
    pub(super) rng: Rng,
    pub(super) locals: Vec<local::Engine>,
    pub(super) upstream: upstream::Engine,
    pub(super) jobs: [VecDeque<Job>; SIDES],
    /// Tasks that others do meanwhile, in any order but for those about the same.
    pub(super) handed: [Vec<Task>; SIDES],
    pub(super) results: [Vec<Done>; SIDES],
    pub(super) wake: [Option<u64>; SIDES],
    pub(super) links: Vec<Link>,
    pub(super) last_peer: u64,
    pub(super) launch: u64,
    pub(super) left_out: LeftOut,
    pub(super) is_calm: bool,
    /// Where somebody was told that something is there against a delete.
    pub(super) noticed: BTreeSet<RelPath>,
    /// Where there were conflicts.
    pub(super) clashed: BTreeSet<RelPath>,
    pub(super) conflicts: usize,
    pub(super) is_restored: bool,
    /// The life of the upstream tree.
    pub(super) epoch: u64,
    pub(super) is_upstream_gone: bool,
    /// Whose clock has not jumped yet.
    pub(super) may_jump: [bool; SIDES],
    /// Changes that were begun or told, of either tree.
    pub(super) changes: usize,
}

impl Sim {
    /// Makes two machines, with something on them already.
    #[must_use]
    pub fn new(plan: &Plan) -> Self {
        let mut rng = Rng::with_seed(plan.seed);
        let granularity_ns = [1_000_000, 20_000_000, 2_000_000_000][rng.usize(..3)];
        let limit = if rng.u8(..8) == 0 { 3 } else { usize::MAX };
        let skews_ns = [0, rng.i64(-9..9) * 1_000_000_000, 3_000_000_000];
        let mut state = State::new(rng.fork(), granularity_ns, limit, skews_ns);
        state.is_loud = plan.is_loud;
        state.calls_apart = [2, 3, 6, 20][rng.usize(..4)];
        let syncs = rng.bool();
        let budgets =
            if plan.is_calm { [3; SIDES] } else { [(); SIDES].map(|()| rng.usize(1..30)) };
        let budgets = if plan.is_empty { [0; SIDES] } else { budgets };
        let sides = if plan.has_other { 0..SIDES } else { 0..OTHER };
        let people: Vec<_> = sides.clone().filter(|side| *side != UPSTREAM).collect();
        let names = [1, 2, 5, 9, 9][rng.usize(..5)];
        for side in sides.clone() {
            state.actors[side] = Some(Actor::new(side, budgets[side], syncs, names));
            let folders = if plan.is_empty { 0 } else { rng.usize(..3) };
            for folder in ["d", "d/e"].iter().take(folders) {
                state.actor_make(side, folder, crate::stat::Kind::Dir, "");
            }
        }
        let is_fresh = rng.bool();
        for _ in 0..rng.usize(..20) {
            let side = if is_fresh { UPSTREAM } else { rng.usize(sides.clone()) };
            state.act(side);
        }
        let state = Rc::new(RefCell::new(state));
        let left_out = LeftOut::new(|path, _| path.name_str().ends_with('~'));
        let meets = |side: usize| {
            local::Engine::new(local_setup(side as u64, true, &left_out), Default::default())
        };
        let mut sim = Self {
            locals: people.iter().map(|side| meets(*side)).collect(),
            upstream: upstream::Engine::new(
                upstream_setup(1, 7, true, &left_out),
                Default::default(),
            ),
            state,
            rng,
            jobs: Default::default(),
            handed: Default::default(),
            results: Default::default(),
            wake: [None; SIDES],
            links: people.iter().map(|_| Link::default()).collect(),
            last_peer: 0,
            launch: 3,
            left_out,
            is_calm: plan.is_calm,
            noticed: BTreeSet::new(),
            clashed: BTreeSet::new(),
            conflicts: 0,
            is_restored: false,
            epoch: 7,
            is_upstream_gone: false,
            may_jump: [true; SIDES],
            changes: 0,
            plan: plan.clone(),
        };
        sides.for_each(|side| sim.tick(side));
        sim.state.borrow_mut().is_busy = true;
        if let Some((side, call, _)) = plan.stop_at {
            sim.state.borrow_mut().stop_at[side] = Some(call);
        }
        sim
    }

    /// Returns how many machines there are.
    pub(super) fn count(&self) -> usize {
        self.locals.len() + 1
    }

    /// Returns the machines on which there is somebody with a folder.
    pub(super) fn people(&self) -> Vec<usize> {
        (0..self.locals.len()).map(side_of).collect()
    }

    /// Returns the engine of one of them.
    pub(super) fn local(&self, side: usize) -> &local::Engine {
        &self.locals[link_of(side)]
    }

    pub(super) fn process(&self, side: usize) -> Process {
        Process { side, state: Rc::clone(&self.state) }
    }

    pub(super) fn trace(&self, what: impl FnOnce() -> String, key: impl std::hash::Hash) {
        self.state.borrow_mut().trace(what, key);
    }

    /// Lets things happen until those who write have finished, or for long enough.
    pub fn work(&mut self) {
        self.state.borrow_mut().has_faults = !self.is_calm && self.rng.u8(..3) == 0;
        let has_crashes = !self.is_calm && self.rng.bool();
        let has_mishaps = !self.is_calm && self.rng.u8(..3) == 0;
        self.state.borrow_mut().has_mishaps = has_mishaps;
        for _ in 0..STEPS {
            let drawn = self.rng.u8(..16);
            self.happen(drawn);
            if has_crashes && self.rng.u16(..600) == 0 {
                let (side, is_power) = (self.rng.usize(..self.count()), self.rng.bool());
                self.end_process(side, is_power);
            }
            if !self.is_calm && self.rng.u16(..300) == 0 {
                let at = self.rng.usize(..self.links.len());
                self.cut(at);
            }
            if has_mishaps && self.rng.u16(..400) == 0 {
                self.mishap();
            }
            if has_mishaps && self.rng.u8(..40) == 0 {
                let side = self.rng.usize(..self.count());
                self.state.borrow_mut().put_root_back(side);
            }
            let is_idle = self.state.borrow().actors.iter().flatten().all(Actor::is_idle);
            if is_idle {
                break;
            }
        }
    }

    fn happen(&mut self, drawn: u8) {
        let side = self.rng.usize(..self.count());
        let at = self.rng.usize(..self.links.len());
        let passed = self.rng.u64(..4);
        self.state.borrow_mut().now_ms += passed;
        match drawn {
            0..=2 => self.state.borrow_mut().act(side),
            3..=6 => _ = self.job(side),
            7..=8 => _ = self.result(side),
            9..=10 => _ = self.event(side),
            11..=12 => _ = self.arrive(at),
            13 if !self.links[at].is_up => self.connect(at),
            13 => self.choose(),
            14 if self.is_due(side) => self.tick(side),
            14 if !self.is_calm && self.rng.u8(..60) == 0 => {
                let watch = &mut self.state.borrow_mut().sides[side].watch;
                watch.events.clear();
                watch.has_overflowed = true;
            }
            _ => {
                let passed = if self.rng.u8(..20) == 0 { 2500 } else { 20 };
                self.state.borrow_mut().now_ms += passed;
            }
        }
    }

    /// Nothing fails any more. Lets everything happen that is still to happen.
    pub fn settle(&mut self) {
        self.state.borrow_mut().has_faults = false;
        self.state.borrow_mut().is_busy = false;
        self.state.borrow_mut().has_mishaps = false;
        for side in 0..self.count() {
            self.state.borrow_mut().put_root_back(side);
        }
        self.is_calm = true;
        for _ in 0..SETTLE_STEPS {
            let is_busy = !self.state.borrow().actors.iter().flatten().all(Actor::is_idle);
            if is_busy {
                let side = self.rng.usize(..self.count());
                self.state.borrow_mut().act(side);
            }
            for at in 0..self.links.len() {
                if !self.links[at].is_up {
                    self.connect(at);
                }
            }
            self.answer_pause();
            let mut moved = is_busy;
            for side in 0..self.count() {
                moved |= self.job(side) | self.result(side) | self.event(side);
            }
            for at in 0..self.links.len() {
                moved |= self.arrive(at);
            }
            if !moved && !self.pass_time() {
                return;
            }
        }
    }

    /// Goes on to when an engine wants to be woken. Returns whether one does.
    fn pass_time(&mut self) -> bool {
        let left_ms =
            |side: usize| self.wake[side].map(|wake| wake.saturating_sub(self.clock_ms(side)));
        let Some(left_ms) = (0..self.count()).filter_map(left_ms).min() else {
            return false;
        };
        self.state.borrow_mut().now_ms += left_ms;
        for side in 0..self.count() {
            if self.is_due(side) {
                self.tick(side);
            }
        }
        true
    }

    fn is_due(&self, side: usize) -> bool {
        self.wake[side].is_some_and(|wake| wake <= self.clock_ms(side))
    }

    /// Returns what the clock of a machine says.
    pub(super) fn clock_ms(&self, side: usize) -> u64 {
        u64::try_from(self.state.borrow().now_ns(side)).unwrap() / 1_000_000
    }

    pub(super) fn is_still(&self) -> bool {
        let is_empty = |side: usize| {
            self.jobs[side].is_empty()
                && self.handed[side].is_empty()
                && self.results[side].is_empty()
        };
        (0..self.count()).all(is_empty) && self.links.iter().all(Link::is_empty)
    }

    pub(super) fn tick(&mut self, side: usize) {
        self.wake[side] = None;
        match side {
            UPSTREAM => self.tell_upstream(upstream::Input::Tick),
            _ => self.tell_local(side, local::Input::Tick),
        }
    }

    pub(super) fn trace_hash(&self) -> u64 {
        self.state.borrow().trace_hash()
    }

    pub(super) fn left_out(&self, path: &str) -> bool {
        RelPath::parse(path).is_ok_and(|path| self.left_out.has(&path, false))
    }

    /// Returns whether a content can be had on any machine.
    pub(super) fn has_blob(&self, digest: &Digest) -> bool {
        let has = |side| self.process(side).have(digest) == Ok(crate::vfs::Have::All);
        (0..self.count()).any(has)
    }
}

fn recheck() -> RecheckTimes {
    RecheckTimes { first_ms: 2000, second_ms: 30_000, last_ms: 60_000 }
}

pub(super) fn local_setup(launch: u64, is_same_boot: bool, left_out: &LeftOut) -> local::Setup {
    let gather_ms = 50 * (launch % 2);
    let deletes =
        DeleteLimits { files: 6, percent: 60, all_from: 6, gather_ms, gather_max_ms: 300 };
    let (left_out, recheck) = (left_out.clone(), recheck());
    local::Setup { launch, is_same_boot, left_out, folds: false, recheck, deletes }
}

pub(super) fn upstream_setup(
    launch: u64,
    epoch: u64,
    is_same_boot: bool,
    left_out: &LeftOut,
) -> upstream::Setup {
    let (left_out, recheck) = (left_out.clone(), recheck());
    upstream::Setup { launch, is_same_boot, epoch, left_out, recheck }
}
