//! One run: what happens next is drawn, until those who write have finished; then everything settles and
//! is judged.

use std::cell::RefCell;
use std::collections::{BTreeSet, VecDeque};
use std::rc::Rc;

use fastrand::Rng;
use oriel_wire::sync::{Digest, Entry, RelPath};

use super::actor::Actor;
use super::calls::Process;
use super::flaw::{ECHO_MS, Flaw, delete_then_rename};
use super::link::Link;
use super::state::State;
use crate::apply::Rechecked;
use crate::conflict::{Choice, ConflictKind};
use crate::journal::{Journal as _, Pause};
use crate::local::{self, DeleteLimits, Notice};
use crate::look::look;
use crate::rules::LeftOut;
use crate::slots::RecheckTimes;
use crate::talk::{Chunk, Down, Up};
use crate::task::{Done, Hands, Task};
use crate::upstream;
use crate::vfs::{Blobs as _, Place, Vfs as _};

pub(super) const LOCAL: usize = 0;
pub(super) const UPSTREAM: usize = 1;

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
    /// Prints what happens.
    pub is_loud: bool,
}

impl Plan {
    /// Everything that can happen, as the seed draws it.
    #[must_use]
    pub const fn of(seed: u64) -> Self {
        Self { seed, flaw: None, stop_at: None, stop_again: None, is_calm: false, is_loud: false }
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
    pub calls: [u64; 2],
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

/// Something that an engine wants done.
#[derive(Debug)]
enum Job {
    Task(Task),
    Up(Up),
    Down(u64, Down),
    Blob(Option<u64>, Digest, u64),
    Cut,
}

/// A run.
#[derive(Debug)]
pub struct Sim {
    plan: Plan,
    pub(super) state: Rc<RefCell<State>>,
    rng: Rng,
    pub(super) local: local::Engine,
    pub(super) upstream: upstream::Engine,
    jobs: [VecDeque<Job>; 2],
    results: [Vec<Done>; 2],
    wake: [Option<u64>; 2],
    link: Link,
    launch: u64,
    left_out: LeftOut,
    is_calm: bool,
    /// Where somebody was told that something is there against a delete.
    pub(super) noticed: BTreeSet<RelPath>,
    /// Where there were conflicts.
    pub(super) clashed: BTreeSet<RelPath>,
    pub(super) conflicts: usize,
    pub(super) is_restored: bool,
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
        let mut state =
            State::new(rng.fork(), granularity_ns, limit, rng.i64(-9..9) * 1_000_000_000);
        state.is_loud = plan.is_loud;
        state.calls_apart = [2, 3, 6, 20][rng.usize(..4)];
        let syncs = rng.bool();
        let budgets = if plan.is_calm { [3, 3] } else { [rng.usize(1..30), rng.usize(1..30)] };
        let names = [1, 2, 5, 9, 9][rng.usize(..5)];
        for side in [LOCAL, UPSTREAM] {
            state.actors[side] = Some(Actor::new(side, budgets[side], syncs, names));
            for (at, folder) in ["d", "d/e"].iter().enumerate().take(rng.usize(..3)) {
                let _ = at;
                state.actor_make(side, folder, crate::stat::Kind::Dir, "");
            }
        }
        let is_fresh = rng.bool();
        for _ in 0..rng.usize(..20) {
            let side = if is_fresh { UPSTREAM } else { rng.usize(..2) };
            state.act(side);
        }
        let state = Rc::new(RefCell::new(state));
        let left_out = LeftOut::new(|path, _| path.name_str().ends_with('~'));
        let mut sim = Self {
            local: local::Engine::new(local_setup(0, true, &left_out), Default::default()),
            upstream: upstream::Engine::new(upstream_setup(1, true, &left_out), Default::default()),
            state,
            rng,
            jobs: Default::default(),
            results: Default::default(),
            wake: [None, None],
            link: Link::default(),
            launch: 2,
            left_out,
            is_calm: plan.is_calm,
            noticed: BTreeSet::new(),
            clashed: BTreeSet::new(),
            conflicts: 0,
            is_restored: false,
            changes: 0,
            plan: plan.clone(),
        };
        sim.tick(LOCAL);
        sim.tick(UPSTREAM);
        sim.state.borrow_mut().is_busy = true;
        if let Some((side, call, _)) = plan.stop_at {
            sim.state.borrow_mut().stop_at[side] = Some(call);
        }
        sim
    }

    fn process(&self, side: usize) -> Process {
        Process { side, state: Rc::clone(&self.state) }
    }

    pub(super) fn now_ms(&self) -> u64 {
        self.state.borrow().now_ms
    }

    fn trace(&self, what: impl FnOnce() -> String, key: impl std::hash::Hash) {
        self.state.borrow_mut().trace(what, key);
    }

    /// Lets things happen until those who write have finished, or for long enough.
    pub fn work(&mut self) {
        self.state.borrow_mut().has_faults = !self.is_calm && self.rng.u8(..3) == 0;
        let has_crashes = !self.is_calm && self.rng.bool();
        for _ in 0..STEPS {
            let drawn = self.rng.u8(..16);
            self.happen(drawn);
            if has_crashes && self.rng.u16(..600) == 0 {
                let (side, is_power) = (self.rng.usize(..2), self.rng.bool());
                self.end_process(side, is_power);
            }
            if !self.is_calm && self.rng.u16(..300) == 0 {
                self.cut();
            }
            let is_idle = self.state.borrow().actors.iter().flatten().all(Actor::is_idle);
            if is_idle {
                break;
            }
        }
    }

    fn happen(&mut self, drawn: u8) {
        let side = self.rng.usize(..2);
        let passed = self.rng.u64(..4);
        self.state.borrow_mut().now_ms += passed;
        match drawn {
            0..=2 => self.state.borrow_mut().act(side),
            3..=6 => _ = self.job(side),
            7..=8 => _ = self.result(side),
            9..=10 => _ = self.event(side),
            11..=12 => _ = self.arrive(),
            13 if !self.link.is_up => self.connect(),
            13 => self.choose(),
            14 if self.wake[side].is_some_and(|wake| wake <= self.now_ms()) => self.tick(side),
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
        self.is_calm = true;
        for _ in 0..SETTLE_STEPS {
            let is_busy = !self.state.borrow().actors.iter().flatten().all(Actor::is_idle);
            if is_busy {
                let side = self.rng.usize(..2);
                self.state.borrow_mut().act(side);
            }
            if !self.link.is_up {
                self.connect();
            }
            self.answer_pause();
            let mut moved = is_busy;
            for side in [LOCAL, UPSTREAM] {
                moved |= self.job(side) | self.result(side) | self.event(side);
            }
            moved |= self.arrive();
            if !moved && !self.pass_time() {
                return;
            }
        }
    }

    /// Goes on to when an engine wants to be woken. Returns whether one does.
    fn pass_time(&mut self) -> bool {
        let Some(next) = self.wake.iter().flatten().min().copied() else { return false };
        let now_ms = self.now_ms().max(next);
        self.state.borrow_mut().now_ms = now_ms;
        for side in [LOCAL, UPSTREAM] {
            if self.wake[side].is_some_and(|wake| wake <= now_ms) {
                self.tick(side);
            }
        }
        true
    }

    pub(super) fn is_still(&self) -> bool {
        let is_empty = |side: usize| self.jobs[side].is_empty() && self.results[side].is_empty();
        is_empty(LOCAL) && is_empty(UPSTREAM) && self.link.is_empty()
    }

    fn tick(&mut self, side: usize) {
        self.wake[side] = None;
        if side == LOCAL {
            self.tell_local(local::Input::Tick);
        } else {
            self.tell_upstream(upstream::Input::Tick);
        }
    }

    fn tell_local(&mut self, input: local::Input) {
        self.trace(|| format!("local <- {input:?}"), 1);
        let effects = self.local.step(self.now_ms(), input);
        self.queue_local(effects);
    }

    fn queue_local(&mut self, effects: Vec<local::Effect>) {
        for effect in effects {
            self.trace(|| format!("local -> {effect:?}"), 2);
            let job = match effect {
                local::Effect::Task(task) => {
                    self.changes += usize::from(matches!(task, Task::Apply(_)));
                    Job::Task(task)
                }
                local::Effect::Send(up) => {
                    self.changes += usize::from(matches!(up, Up::Propose(_)));
                    Job::Up(up)
                }
                local::Effect::SendBlob(digest, from) => Job::Blob(None, digest, from),
                local::Effect::Reconnect => Job::Cut,
                local::Effect::WakeAt(wake) => {
                    self.wake[LOCAL] = Some(wake);
                    continue;
                }
                local::Effect::Notice(notice) => {
                    self.notice(notice);
                    continue;
                }
            };
            self.jobs[LOCAL].push_back(job);
        }
    }

    fn notice(&mut self, notice: Notice) {
        match notice {
            Notice::CameBack(path) | Notice::KeptHere(path) => _ = self.noticed.insert(path),
            Notice::Conflict(id) => {
                self.conflicts += 1;
                let conflict = self.local.conflicts().find(|(other, _)| *other == id);
                self.clashed.extend(conflict.map(|(_, conflict)| conflict.path.clone()));
            }
            Notice::Paused(_) => {}
        }
    }

    fn tell_upstream(&mut self, input: upstream::Input) {
        self.trace(|| format!("upstream <- {input:?}"), 3);
        for effect in self.upstream.step(self.now_ms(), input) {
            self.trace(|| format!("upstream -> {effect:?}"), 4);
            let job = match effect {
                upstream::Effect::Task(task) => {
                    self.changes += usize::from(matches!(task, Task::Apply(_)));
                    Job::Task(task)
                }
                upstream::Effect::Send(peer, down) => {
                    self.changes += usize::from(matches!(down, Down::Delta { .. }));
                    Job::Down(peer, down)
                }
                upstream::Effect::SendBlob(peer, digest, from) => {
                    Job::Blob(Some(peer), digest, from)
                }
                upstream::Effect::Drop(_) => Job::Cut,
                upstream::Effect::WakeAt(wake) => {
                    self.wake[UPSTREAM] = Some(wake);
                    continue;
                }
                upstream::Effect::RootGone => continue,
            };
            self.jobs[UPSTREAM].push_back(job);
        }
    }

    /// Does the next thing that an engine wants done.
    fn job(&mut self, side: usize) -> bool {
        let Some(job) = self.jobs[side].pop_front() else { return false };
        match job {
            Job::Task(task) => self.perform(side, task),
            Job::Up(up) if self.link.is_up => self.link.up.push_back(up),
            Job::Down(peer, down) if self.link.is_up && self.link.peer == peer => {
                self.link.down.push_back(down);
            }
            Job::Up(_) | Job::Down(..) => {}
            Job::Blob(peer, digest, from) => self.send_blob(side, peer, digest, from),
            Job::Cut => self.cut(),
        }
        if self.state.borrow().sides[side].is_stopped {
            let is_power = self.plan.stop_at.is_some_and(|(_, _, is_power)| is_power);
            self.end_process(side, is_power);
            self.state.borrow_mut().stop_at[side] =
                self.plan.stop_again.take().map(|again| again + self.state.borrow().calls[side]);
        }
        true
    }

    fn perform(&mut self, side: usize, task: Task) {
        self.trace(|| format!("{side} performs {task:?}"), 5);
        let process = self.process(side);
        let unclear = match &task {
            Task::Recover(op) if op.expected == Entry::Absent => Some(op.path.clone()),
            _ => None,
        };
        let done = match (task, self.plan.flaw) {
            (Task::Apply(op), Some(Flaw::DeleteThenRename)) => {
                Some(Done::Applied(op.id, delete_then_rename(&process, &op)))
            }
            (Task::Recheck(id, path, left), Some(Flaw::NoLateRecheck)) => {
                let seen = look(&process, &process, Place::Slot(id), &path, None);
                let same = crate::look::Seen { entry: left.holds, stat: None };
                seen.ok().map(|_| Done::Rechecked(id, Rechecked::Same(same)))
            }
            (Task::Discard(id, ..), Some(Flaw::NoLateRecheck)) => {
                let _ = process.discard(id);
                Some(Done::Rechecked(id, Rechecked::Gone))
            }
            (task, _) => {
                let (vfs, blobs, journal) = (&process, &process, &process);
                let hands = Hands { vfs, blobs, journal, left_out: &self.left_out };
                match hands.perform(task) {
                    Ok(done) => done,
                    Err(_) => {
                        self.state.borrow_mut().sides[side].is_stopped = true;
                        None
                    }
                }
            }
        };
        self.excuse(done.as_ref(), unclear);
        self.results[side].extend(done);
    }

    /// Where a process ended just when a file was made, and somebody else changed that file before the
    /// next process began, nobody can tell any more that it had been made. It is made again then, which
    /// loses nothing, but may undo a delete.
    fn excuse(&mut self, done: Option<&Done>, unclear: Option<RelPath>) {
        if let Some(Done::Applied(_, applied)) = done
            && applied.outcome == crate::op::Outcome::Changed
        {
            self.noticed.extend(unclear);
        }
    }

    fn send_blob(&mut self, side: usize, peer: Option<u64>, digest: Digest, from: u64) {
        if !self.link.is_up || peer.is_some_and(|peer| peer != self.link.peer) {
            return;
        }
        let state = self.state.borrow();
        let Some(data) = state.sides[side].blobs.get(&digest) else {
            match side {
                LOCAL => self.link.up.push_back(Up::Gone(digest)),
                _ => self.link.down.push_back(Down::Gone(digest)),
            }
            return;
        };
        let size = data.len() as u64;
        let from = usize::try_from(from).unwrap().min(data.len());
        let pieces = data[from..].chunks(11).enumerate();
        let mut chunks: Vec<_> = pieces
            .map(|(number, bytes)| Chunk {
                digest,
                size,
                at: (from + number * 11) as u64,
                bytes: bytes.to_vec(),
            })
            .collect();
        if chunks.is_empty() {
            chunks.push(Chunk { digest, size, at: size, bytes: Vec::new() });
        }
        let queue =
            if side == LOCAL { &mut self.link.up_chunks } else { &mut self.link.down_chunks };
        queue.extend(chunks);
    }

    /// Hands in what came of some task.
    fn result(&mut self, side: usize) -> bool {
        if self.results[side].is_empty() {
            return false;
        }
        let at = self.rng.usize(..self.results[side].len());
        let mut done = self.results[side].swap_remove(at);
        if let Done::Looked(look, _) = &mut done
            && self.plan.flaw == Some(Flaw::StaleGeneration)
        {
            let disk = if side == LOCAL { &self.local.disk } else { &self.upstream.disk };
            look.generation = disk.generation(&look.path);
        }
        if side == LOCAL {
            self.tell_local(local::Input::Done(done));
        } else {
            self.tell_upstream(upstream::Input::Done(done));
        }
        true
    }

    /// Hands in what a watcher told.
    fn event(&mut self, side: usize) -> bool {
        let (mut paths, is_lost, now_ms) = {
            let mut state = self.state.borrow_mut();
            let now_ms = state.now_ms;
            let watch = &mut state.sides[side].watch;
            let is_lost = std::mem::take(&mut watch.has_overflowed);
            let count = self.rng.usize(..=watch.events.len().min(5));
            let count = if self.is_calm { watch.events.len() } else { count };
            let paths: Vec<_> = watch.events.drain(..count).collect();
            (paths, is_lost, now_ms)
        };
        if self.plan.flaw == Some(Flaw::TimedEcho) {
            let state = self.state.borrow();
            let echoes = &state.sides[side].watch.echoes;
            paths.retain(|path| echoes.get(path).is_none_or(|at| at + ECHO_MS < now_ms));
        }
        if paths.len() > 1 && self.rng.bool() {
            paths.push(paths[0].clone());
        }
        let moved = is_lost || !paths.is_empty();
        if is_lost && self.plan.flaw != Some(Flaw::DroppedRescan) {
            self.rescan(side);
        }
        let paths: Vec<_> = paths.iter().filter_map(|path| RelPath::parse(path).ok()).collect();
        if paths.is_empty() {
            return moved;
        }
        if side == LOCAL {
            self.tell_local(local::Input::Hint(paths));
        } else {
            self.tell_upstream(upstream::Input::Hint(paths));
        }
        true
    }

    pub(super) fn rescan(&mut self, side: usize) {
        if side == LOCAL {
            self.tell_local(local::Input::Rescan);
        } else {
            self.tell_upstream(upstream::Input::Rescan);
        }
    }

    /// Lets something arrive that was said.
    fn arrive(&mut self) -> bool {
        if !self.link.is_up {
            return false;
        }
        if self.rng.bool()
            && let Some(up) = self.link.next_up(&mut self.rng)
        {
            self.tell_upstream(upstream::Input::Said(self.link.peer, up));
            return true;
        }
        if let Some(down) = self.link.next_down(&mut self.rng) {
            self.tell_local(local::Input::Said(down));
            return true;
        }
        !self.link.is_empty()
    }

    fn connect(&mut self) {
        self.link.is_up = true;
        self.link.peer += 1;
        self.tell_upstream(upstream::Input::Joined(self.link.peer));
        self.tell_local(local::Input::Connected);
    }

    fn cut(&mut self) {
        if self.link.is_up {
            self.link.cut();
            self.forget_unsaid();
            self.tell_upstream(upstream::Input::Left(self.link.peer));
            self.tell_local(local::Input::Disconnected);
        }
    }

    /// What was to be said on a connection is not said on the next one.
    fn forget_unsaid(&mut self) {
        let is_task =
            |job: &Job| matches!(job, Job::Task(_) | Job::Down(..) | Job::Blob(Some(_), ..));
        self.jobs[LOCAL].retain(is_task);
    }

    /// A process ends, with the power of its machine or without, and another one begins.
    fn end_process(&mut self, side: usize, is_power: bool) {
        self.trace(|| format!("{side} ends, power {is_power}"), (side, is_power));
        self.jobs[side].clear();
        self.results[side].clear();
        self.wake[side] = None;
        let was_up = self.link.is_up;
        self.link.cut();
        self.forget_unsaid();
        {
            let mut state = self.state.borrow_mut();
            state.unwatch(side);
            state.sides[side].is_stopped = false;
            if is_power {
                state.lose_power(side);
                state.actors[side].as_mut().unwrap().interrupted();
            }
        }
        self.launch += 1;
        let saved = self.process(side).load().unwrap();
        if side == LOCAL {
            self.local =
                local::Engine::new(local_setup(self.launch, !is_power, &self.left_out), saved);
            if was_up {
                self.tell_upstream(upstream::Input::Left(self.link.peer));
            }
        } else {
            let setup = upstream_setup(self.launch, !is_power, &self.left_out);
            self.upstream = upstream::Engine::new(setup, saved);
            if was_up {
                self.tell_local(local::Input::Disconnected);
            }
        }
        self.tick(side);
    }

    fn answer_pause(&mut self) {
        if let Some(Pause::MassDelete { .. }) = self.local.status().pause {
            let is_restored = self.rng.bool();
            self.is_restored |= is_restored;
            let answer = if is_restored { local::Input::Restore } else { local::Input::Confirm };
            self.tell_local(answer);
        }
    }

    /// Somebody may choose a version where there are two.
    fn choose(&mut self) {
        self.answer_pause();
        if self.rng.u8(..8) != 0 {
            return;
        }
        let Some((id, conflict)) = self.local.conflicts().next() else { return };
        let conflict = conflict.clone();
        let is_local = self.rng.bool();
        let choice = if is_local { Choice::KeepLocal } else { Choice::AcceptUpstream };
        let chosen =
            self.local.choose(self.now_ms(), id, choice, &conflict.local, &conflict.upstream);
        let Ok(effects) = chosen else { return };
        self.trace(|| format!("chosen {id:?} local {is_local}"), is_local);
        let mut state = self.state.borrow_mut();
        let other = if is_local { &conflict.upstream } else { &conflict.local };
        let chosen = if is_local { &conflict.local } else { &conflict.upstream };
        state.oracle.chosen(chosen.digest());
        let mut given_up: Vec<_> = other.digest().into_iter().collect();
        if matches!(conflict.kind, ConflictKind::Both(_)) {
            // What is in a folder goes with it.
            let side = if is_local { UPSTREAM } else { LOCAL };
            let prefix = format!("{}/", conflict.path);
            let fs = &state.sides[side].fs;
            let within = fs.walk().into_iter().filter(|(path, _)| path.starts_with(&prefix));
            given_up.extend(within.map(|(_, ino)| crate::digest_of(&fs.inodes[&ino].data)));
        }
        given_up.iter().for_each(|digest| state.oracle.given_up(digest));
        drop(state);
        self.queue_local(effects);
    }

    pub(super) fn trace_hash(&self) -> u64 {
        self.state.borrow().trace_hash()
    }

    pub(super) fn left_out(&self, path: &str) -> bool {
        RelPath::parse(path).is_ok_and(|path| self.left_out.has(&path, false))
    }

    /// Returns whether a content can be had on either machine.
    pub(super) fn has_blob(&self, digest: &Digest) -> bool {
        [LOCAL, UPSTREAM]
            .iter()
            .any(|side| self.process(*side).have(digest) == Ok(crate::vfs::Have::All))
    }
}

fn recheck() -> RecheckTimes {
    RecheckTimes { first_ms: 2000, second_ms: 30_000, last_ms: 60_000 }
}

fn local_setup(launch: u64, is_same_boot: bool, left_out: &LeftOut) -> local::Setup {
    let deletes = DeleteLimits { files: 6, percent: 60, all_from: 6 };
    let (left_out, recheck) = (left_out.clone(), recheck());
    local::Setup { launch, is_same_boot, left_out, folds: false, recheck, deletes }
}

fn upstream_setup(launch: u64, is_same_boot: bool, left_out: &LeftOut) -> upstream::Setup {
    let (left_out, recheck) = (left_out.clone(), recheck());
    upstream::Setup { launch, is_same_boot, epoch: 7, left_out, recheck }
}
