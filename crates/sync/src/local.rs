//! The engine of the side where the person is: it keeps the ledger and decides what is to be done.
//!
//! It is a function of its state, of what comes in and of the time: it touches no disk, no network and no
//! clock. Whoever runs it hands in what happened, performs what it returns, in that order, and hands in
//! what came of it. What must outlive the process is committed before anything that depends on it.

mod choose;
mod intent;
mod pair;
mod pause;
mod pins;
mod plan;
mod remote;
mod results;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use oriel_wire::sync::{Digest, Entry, RelPath};

use crate::conflict::{Choice, ChoiceError, Conflict, ConflictId, ConflictKind};
use crate::disk::Disk;
use crate::fetch::Fetches;
use crate::journal::{Head, Pause, Saved, Write};
use crate::op::{Op, OpId, OpIds};
use crate::rules::LeftOut;
use crate::slots::{RecheckTimes, Slots};
use crate::talk::{Down, Up};
use crate::task::{Done, Task};

pub(crate) use pair::{Pair, Stuck};
use remote::Remote;

/// How many changes of each direction are under way at once. Others wait.
const UNDER_WAY_MAX: usize = 256;

/// What an engine is made with.
#[derive(Debug, Clone)]
pub struct Setup {
    /// Drawn at random, so that no two engines give an operation the same number.
    pub launch: u64,
    /// The machine has not gone down without warning since the journal was last written. If it has, what
    /// the system says of a file does not prove that it holds what it held, and the first commit takes
    /// that out of the journal: only with it is the journal one of this boot.
    pub is_same_boot: bool,
    /// What is left out of the tree.
    pub left_out: LeftOut,
    /// Whether names that differ in case or in Unicode's form are the same on either side.
    pub folds: bool,
    /// When what was replaced is looked at again.
    pub recheck: RecheckTimes,
    /// What is asked about before it is done.
    pub deletes: DeleteLimits,
}

/// How many deletes at once are asked about.
#[derive(Debug, Clone, Copy)]
pub struct DeleteLimits {
    /// No more than so many are never asked about, but for all that there are.
    pub files: usize,
    /// Nor is this part of all files, in percent.
    pub percent: usize,
    /// From so many files on it is asked whether all of them are to go.
    pub all_from: usize,
    /// Deletes that follow each other within this time are judged together. In milliseconds, as is the next.
    pub gather_ms: u64,
    /// However many follow, they are judged after this.
    pub gather_max_ms: u64,
}

impl Default for DeleteLimits {
    fn default() -> Self {
        Self { files: 25, percent: 30, all_from: 5, gather_ms: 100, gather_max_ms: 2000 }
    }
}

/// Something happened.
#[derive(Debug, Clone)]
pub enum Input {
    /// Nothing but that time went on.
    Tick,
    /// Something happened at these paths.
    Hint(Vec<RelPath>),
    /// Something may have happened anywhere: the watcher lost events, or nothing is watched.
    Rescan,
    /// A task was performed.
    Done(Done),
    /// There is a connection.
    Connected,
    /// There is none any more.
    Disconnected,
    /// The other side says something.
    Said(Down),
    /// The folder is there again.
    RootBack,
    /// What a pause is about may be done.
    Confirm,
    /// What would be deleted is to be put back instead.
    Restore,
}

/// Something is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Perform this.
    Task(Task),
    /// Say this to the other side.
    Send(Up),
    /// Send a content from a place in it on, in pieces.
    SendBlob(Digest, u64),
    /// End the connection and make another.
    Reconnect,
    /// Come back at this time at the latest, with whatever there is.
    WakeAt(u64),
    /// Tell the person.
    Notice(Notice),
}

/// Something that a person is to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// It was deleted here, but has changed upstream since: it is here again.
    CameBack(RelPath),
    /// It was deleted upstream, but has changed here since: it is there again.
    KeptHere(RelPath),
    /// There are two versions.
    Conflict(ConflictId),
    /// It waits for somebody's decision.
    Paused(Pause),
}

/// The engine.
#[derive(Debug)]
pub struct Engine {
    setup: Setup,
    ids: OpIds,
    pub(crate) disk: Disk,
    pairs: BTreeMap<RelPath, Pair>,
    /// Changes to this tree that are under way.
    running: BTreeMap<OpId, Running>,
    /// Proposals that wait for their answer, and where they are.
    proposed: BTreeMap<OpId, RelPath>,
    slots: Slots,
    conflicts: BTreeMap<ConflictId, Conflict>,
    /// Contents that are on their way.
    fetching: Fetches,
    remote: Remote,
    /// What is known of the other side is not all, or not right.
    is_untrusted: bool,
    head: Head,
    /// The whole tree was seen once.
    is_seen: bool,
    /// Paths to plan.
    touched: BTreeSet<RelPath>,
    /// Paths that failed, and when they are tried again.
    retries: BTreeSet<(u64, RelPath)>,
    /// Deletes that were confirmed.
    allowed: BTreeSet<RelPath>,
    /// When the last deletes were begun, and how much there was then.
    deleted: VecDeque<(u64, usize)>,
    /// Deletes that are gathered: since when, since when there are no more of them, and how many.
    gathered: Option<(u64, u64, usize)>,
    /// How many files and links are agreed on.
    tracked: usize,
    /// What is not written yet.
    unsaved: BTreeSet<RelPath>,
    is_head_unsaved: bool,
    /// What somebody wrote here and the other side is about to be told, or is agreed on.
    unsecured: BTreeSet<RelPath>,
    writes: Vec<Write>,
    effects: Vec<Effect>,
    wake_ms: Option<u64>,
}

/// A change to this tree that is under way.
#[derive(Debug)]
struct Running {
    op: Op,
    generation: u64,
    /// The conflict that it resolves.
    resolves: Option<ConflictId>,
    failures: u32,
    /// When it is recovered, where it did not come to its end.
    recover_ms: Option<u64>,
}

impl Engine {
    /// Makes an engine that goes on where the journal stopped.
    #[must_use]
    pub fn new(setup: Setup, saved: Saved) -> Self {
        let here = saved.rows.iter().map(|(path, row)| (path.clone(), row.here.clone()));
        let mut engine = Self {
            ids: OpIds::new(setup.launch),
            disk: Disk::new(here, setup.is_same_boot),
            pairs: BTreeMap::new(),
            running: BTreeMap::new(),
            proposed: BTreeMap::new(),
            slots: Slots::new(setup.recheck, saved.kept),
            conflicts: saved.conflicts.into_iter().collect(),
            fetching: Fetches::default(),
            remote: Remote::Away,
            is_untrusted: false,
            head: saved.head,
            is_seen: false,
            touched: BTreeSet::new(),
            retries: BTreeSet::new(),
            allowed: BTreeSet::new(),
            deleted: VecDeque::new(),
            gathered: None,
            tracked: 0,
            unsaved: BTreeSet::new(),
            is_head_unsaved: false,
            unsecured: BTreeSet::new(),
            writes: Vec::new(),
            effects: Vec::new(),
            wake_ms: None,
            setup,
        };
        if !engine.setup.is_same_boot {
            engine.unsaved.extend(saved.rows.iter().map(|(path, _)| path.clone()));
        }
        for (path, row) in saved.rows {
            engine.tracked += usize::from(is_content(&row.agreed));
            if let Some(proposed) = &row.proposed {
                engine.proposed.insert(proposed.op, path.clone());
            }
            engine.touched.insert(path.clone());
            engine.pairs.insert(path, Pair::new(row));
        }
        let open: Vec<_> = engine.conflicts.iter().map(|(id, it)| (*id, it.clone())).collect();
        for (id, conflict) in open {
            if matches!(conflict.kind, ConflictKind::Both(_)) {
                engine.pair(&conflict.path).conflict = Some(id);
            }
        }
        for op in saved.ops {
            engine.recover_saved(op);
        }
        engine
    }

    fn recover_saved(&mut self, op: Op) {
        let generation = self.disk.hold(&op.path);
        // Whatever happened while no process ran is not known.
        self.disk.doubt(&op.path);
        self.pair(&op.path).running = Some(op.id);
        self.effects.push(Effect::Task(Task::Recover(op.clone())));
        let running = Running { op, generation, resolves: None, failures: 0, recover_ms: None };
        self.running.insert(running.op.id, running);
    }

    /// Takes in what happened, and returns what is to be done about it.
    pub fn step(&mut self, now_ms: u64, input: Input) -> Vec<Effect> {
        self.take(now_ms, input);
        self.go_on(now_ms)
    }

    fn take(&mut self, now_ms: u64, input: Input) {
        match input {
            Input::Tick => {}
            Input::Hint(paths) => self.hinted(&paths),
            Input::Rescan => self.disk.doubt_all(),
            Input::Done(done) => self.done(now_ms, done),
            Input::Connected => self.connected(),
            Input::Disconnected => self.disconnected(),
            Input::Said(down) => self.said(now_ms, down),
            Input::RootBack => self.root_back(),
            Input::Confirm => self.confirm(),
            Input::Restore => self.restore(),
        }
    }

    fn hinted(&mut self, paths: &[RelPath]) {
        for path in paths {
            if !self.setup.left_out.has(path, false) {
                self.disk.hint(path);
            }
        }
    }

    /// Does what is due, plans, and hands out everything, what is to be written first.
    fn go_on(&mut self, now_ms: u64) -> Vec<Effect> {
        self.retry(now_ms);
        self.is_seen |= self.head.pause != Some(Pause::RootGone) && self.disk.is_known();
        self.plan(now_ms);
        if self.head.pause != Some(Pause::RootGone) {
            let lists = self.disk.lists().into_iter().map(Task::List);
            self.effects.extend(lists.map(Effect::Task));
            let looks = self.disk.looks().into_iter().map(Task::Look);
            self.effects.extend(looks.map(Effect::Task));
        }
        self.save();
        self.wake();
        std::mem::take(&mut self.effects)
    }

    fn retry(&mut self, now_ms: u64) {
        self.disk.retry(now_ms);
        self.effects.extend(self.slots.due(now_ms).into_iter().map(Effect::Task));
        while self.retries.first().is_some_and(|(due, _)| *due <= now_ms) {
            let Some((_, path)) = self.retries.pop_first() else { break };
            if let Some(Stuck { is_waiting, .. }) = &mut self.pair(&path).stuck {
                *is_waiting = false;
            }
            self.touch(&path);
        }
        for running in self.running.values_mut() {
            if running.recover_ms.is_some_and(|due| due <= now_ms) {
                running.recover_ms = None;
                self.effects.push(Effect::Task(Task::Recover(running.op.clone())));
            }
        }
    }

    /// Puts what changed in front of everything that depends on it.
    fn save(&mut self) {
        let mut writes = std::mem::take(&mut self.writes);
        for path in std::mem::take(&mut self.unsaved) {
            let row = self.row(&path);
            writes.push(Write::Row(path, row));
        }
        if std::mem::take(&mut self.is_head_unsaved) {
            writes.push(Write::Head(self.head.clone()));
        }
        if !writes.is_empty() {
            self.effects.insert(0, Effect::Task(Task::Commit(writes)));
        }
        if !self.unsecured.is_empty() {
            let paths = std::mem::take(&mut self.unsecured).into_iter().collect();
            self.effects.insert(0, Effect::Task(Task::Secure(paths)));
        }
    }

    fn wake(&mut self) {
        let recover = self.running.values().filter_map(|running| running.recover_ms);
        let others = [
            self.disk.next_retry_ms(),
            self.slots.next_ms(),
            self.retries.first().map(|(due, _)| *due),
            self.gathered_until(),
        ];
        let next = recover.chain(others.into_iter().flatten()).min();
        if next != self.wake_ms {
            self.wake_ms = next;
            self.effects.extend(next.map(Effect::WakeAt));
        }
    }

    /// Carries out what somebody chose.
    ///
    /// # Errors
    /// Where the conflict is another one by now than the one that was shown: `local` and `upstream` are
    /// the versions that were. What it tells of is then as it is now.
    pub fn choose(
        &mut self,
        now_ms: u64,
        id: ConflictId,
        choice: Choice,
        local: &Entry,
        upstream: &Entry,
    ) -> Result<Vec<Effect>, ChoiceError> {
        self.chosen(id, choice, local, upstream)?;
        Ok(self.go_on(now_ms))
    }

    /// Returns the conflicts that wait for somebody's choice.
    pub fn conflicts(&self) -> impl Iterator<Item = (ConflictId, &Conflict)> {
        self.conflicts.iter().map(|(id, conflict)| (*id, conflict))
    }

    /// Returns what is taken to be upstream.
    pub fn all_there(&self) -> impl Iterator<Item = (&RelPath, &Entry)> {
        self.pairs.iter().map(|(path, pair)| (path, &pair.there))
    }

    /// Returns the last revision of which everything is known; nothing while pages come, or nobody tells.
    #[must_use]
    pub const fn seq(&self) -> Option<u64> {
        if self.remote.is_live() { Some(self.head.seq) } else { None }
    }

    /// Returns how it stands.
    #[must_use]
    pub fn status(&self) -> Status {
        Status {
            files: self.tracked,
            pause: self.head.pause,
            is_connected: self.remote == Remote::Live,
            is_receiving: matches!(self.remote, Remote::Greeting | Remote::Pages { .. }),
            is_seen: self.is_seen,
            bytes: self.bytes_pending(),
            is_watching: !self.disk.is_unwatched,
            pending_here: self.running.len() + self.fetching.len(),
            pending_there: self.proposed.len(),
            problems: self.problems(),
            bad_names: self.disk.bad_names().map(str::to_owned).collect(),
            kept: self.slots.len(),
        }
    }
}

/// How an engine stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// How many files and links are agreed on.
    pub files: usize,
    /// Why nothing is done, if nothing is.
    pub pause: Option<Pause>,
    /// Whether the other side is known as it is now.
    pub is_connected: bool,
    /// Whether it hears what there is on the other side, and does not know it yet.
    pub is_receiving: bool,
    /// Whether the whole tree was looked through once.
    pub is_seen: bool,
    /// How many bytes of content are still to come or to go, at most.
    pub bytes: u64,
    /// Whether every folder is watched. What is not is only seen when the whole tree is listed.
    pub is_watching: bool,
    /// How many changes go on here.
    pub pending_here: usize,
    /// How many go on there.
    pub pending_there: usize,
    /// What cannot be synced, and why. Everything else is.
    pub problems: Vec<(RelPath, Trouble)>,
    /// Names that are no paths of sync.
    pub bad_names: Vec<String>,
    /// How many replaced things are kept.
    pub kept: usize,
}

/// Why a path is not synced now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Trouble {
    /// What is here cannot be.
    Here(oriel_wire::sync::Problem),
    /// What is there cannot be.
    There(oriel_wire::sync::Problem),
    /// It is deleted on one side, and on the other there is something in it that is left out.
    NotEmpty,
    /// It is left out there, and not here.
    LeftOutThere,
    /// Another name is the same for one of the file systems.
    NameTaken,
    /// Changing it failed, here or there. It is tried again.
    Failed(Option<crate::vfs::Fault>),
}

/// Returns whether it counts as a file that could be lost.
pub(crate) const fn is_content(entry: &Entry) -> bool {
    matches!(entry, Entry::File { .. } | Entry::Symlink { .. })
}
