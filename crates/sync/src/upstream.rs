//! The engine of the side where the agent is: it numbers what happens in its tree, tells it to everyone
//! who is connected, and carries out what they propose.
//!
//! It is a function of state, input and time like the engine of the other side, and changes its tree in
//! the same way. It has no ledger: a proposal says what it was made against, and is carried out only if
//! that is still there.

mod peers;
mod pins;
mod proposals;

#[cfg(test)]
mod seldom;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use oriel_wire::sync::{Digest, Entry, RelPath};

use crate::conflict::{Conflict, ConflictKind};
use crate::disk::Disk;
use crate::fetch::{Fetches, Next};
use crate::journal::{Head, Proposed, Row, Saved, Write};
use crate::look::Seen;
use crate::op::{Op, OpId, OpIds};
use crate::rules::LeftOut;
use crate::slots::{RecheckTimes, Slots};
use crate::talk::{Change, Down, Up};
use crate::task::{Done, Task};
use crate::vfs::Fault;

use proposals::{Running, Waiting};

/// A connection.
pub type Peer = u64;

/// What an engine is made with.
#[derive(Debug, Clone)]
pub struct Setup {
    /// Drawn at random, so that no two engines give an operation the same number.
    pub launch: u64,
    /// Drawn at random: the life of the tree, where the journal knows none.
    pub epoch: u64,
    /// The machine has not gone down without warning since the journal was last written. If it has, what
    /// the system says of a file does not prove that it holds what it held, and the first commit takes
    /// that out of the journal: only with it is the journal one of this boot.
    pub is_same_boot: bool,
    /// What is left out of the tree.
    pub left_out: LeftOut,
    /// When what was replaced is looked at again.
    pub recheck: RecheckTimes,
}

/// Something happened.
#[derive(Debug, Clone)]
pub enum Input {
    /// Nothing but that time went on.
    Tick,
    /// Something happened at these paths.
    Hint(Vec<RelPath>),
    /// Something may have happened anywhere.
    Rescan,
    /// A task was performed.
    Done(Done),
    /// Somebody is there.
    Joined(Peer),
    /// Somebody is not there any more.
    Left(Peer),
    /// Somebody says something.
    Said(Peer, Up),
}

/// Something is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Perform this.
    Task(Task),
    /// Say this to somebody.
    Send(Peer, Down),
    /// Send somebody a content from a place in it on, in pieces.
    SendBlob(Peer, Digest, u64),
    /// End somebody's connection.
    Drop(Peer),
    /// Come back at this time at the latest.
    WakeAt(u64),
    /// The folder is not there. Nothing is done before a `Rescan`.
    RootGone,
}

/// What was told of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Told {
    entry: Entry,
    rev: u64,
    /// The last proposals that were carried out here, and the revisions that they came to. Whoever proposed
    /// one sends it again until the answer comes, however much has happened since, by others as well.
    committed: Vec<(OpId, u64)>,
}

/// How many proposals are remembered at each path; the journal remembers the last one. What is sent again
/// after so many others is judged as if it were new: it is refused, and what the person still has there is
/// a change of theirs.
const COMMITTED_MAX: usize = 8;

/// The engine.
#[derive(Debug)]
pub struct Engine {
    setup: Setup,
    ids: OpIds,
    pub(crate) disk: Disk,
    told: BTreeMap<RelPath, Told>,
    head: Head,
    /// Connections, and whether what happens is told to them.
    peers: BTreeMap<Peer, bool>,
    /// First words that wait until the tree is known.
    greetings: Vec<(Peer, Option<u64>, u64)>,
    /// Proposals, in their order for each path.
    waiting: BTreeMap<RelPath, VecDeque<Waiting>>,
    /// The last proposal at each path that was refused on a connection, as long as that lasts.
    refused: BTreeMap<(Peer, RelPath), OpId>,
    running: BTreeMap<OpId, Running>,
    fetching: Fetches,
    slots: Slots,
    /// What the agent wrote to files that had just been replaced.
    late: BTreeMap<OpId, Conflict>,
    is_seen: bool,
    is_root_gone: bool,
    /// What is to be told.
    changed: BTreeSet<RelPath>,
    unsaved: BTreeSet<RelPath>,
    is_head_unsaved: bool,
    /// What the agent wrote and is told of in this step.
    unsecured: Vec<RelPath>,
    writes: Vec<Write>,
    answers: Vec<Answer>,
    /// Proposals that were carried out in this step.
    finished: Vec<(RelPath, OpId)>,
    /// Those that were carried out before and have no revision yet: the folder is being changed.
    untold: Vec<(RelPath, OpId)>,
    effects: Vec<Effect>,
    wake_ms: Option<u64>,
}

/// An answer that is sent once what it tells of has a revision.
#[derive(Debug)]
struct Answer {
    peer: Peer,
    op: OpId,
    path: RelPath,
    /// Why not, if so.
    why: Option<crate::talk::Why>,
}

impl Engine {
    /// Makes an engine that goes on where the journal stopped.
    #[must_use]
    pub fn new(setup: Setup, saved: Saved) -> Self {
        let here = saved.rows.iter().map(|(path, row)| (path.clone(), row.here.clone()));
        let is_new = saved.head.epoch.is_none();
        let mut engine = Self {
            ids: OpIds::new(setup.launch),
            disk: Disk::new(here, setup.is_same_boot),
            told: BTreeMap::new(),
            head: Head { epoch: saved.head.epoch.or(Some(setup.epoch)), ..saved.head },
            peers: BTreeMap::new(),
            greetings: Vec::new(),
            waiting: BTreeMap::new(),
            refused: BTreeMap::new(),
            running: BTreeMap::new(),
            fetching: Fetches::default(),
            slots: Slots::new(setup.recheck, saved.kept),
            late: saved.conflicts.into_iter().collect(),
            is_seen: false,
            is_root_gone: false,
            changed: BTreeSet::new(),
            unsaved: BTreeSet::new(),
            is_head_unsaved: is_new,
            unsecured: Vec::new(),
            writes: Vec::new(),
            answers: Vec::new(),
            finished: Vec::new(),
            untold: Vec::new(),
            effects: Vec::new(),
            wake_ms: None,
            setup,
        };
        if !engine.setup.is_same_boot {
            engine.unsaved.extend(saved.rows.iter().map(|(path, _)| path.clone()));
        }
        for (path, row) in saved.rows {
            // It was seen and had not been told when the process ended.
            if row.here.entry != row.there {
                engine.changed.insert(path.clone());
            }
            let committed = row.proposed.map(|proposed| (proposed.op, proposed.base_rev));
            let committed = committed.into_iter().collect();
            engine.told.insert(path, Told { entry: row.there, rev: row.rev, committed });
        }
        for op in saved.ops {
            engine.recover_saved(op);
        }
        engine
    }

    /// Takes in what happened, and returns what is to be done about it.
    pub fn step(&mut self, now_ms: u64, input: Input) -> Vec<Effect> {
        match input {
            Input::Tick => {}
            Input::Hint(paths) => {
                let tracked = paths.iter().filter(|path| !self.setup.left_out.has(path, false));
                tracked.for_each(|path| self.disk.hint(path));
            }
            Input::Rescan => {
                self.is_root_gone = false;
                self.disk.doubt_all();
            }
            Input::Done(done) => self.done(now_ms, done),
            Input::Joined(peer) => _ = self.peers.insert(peer, false),
            Input::Left(peer) => self.left(peer),
            Input::Said(peer, up) => self.said(peer, up),
        }
        self.go_on(now_ms)
    }

    fn done(&mut self, now_ms: u64, done: Done) {
        match done {
            Done::Looked(_, Err(Fault::RootGone)) | Done::Listed(_, Err(Fault::RootGone)) => {
                self.root_gone();
            }
            Done::Looked(look, seen) => {
                if let Some(changed) = self.disk.looked(now_ms, &look, seen) {
                    self.unsaved.insert(look.path.clone());
                    self.changed.extend(changed);
                    self.pump(&look.path);
                }
            }
            Done::Listed(list, listing) => self.disk.listed(now_ms, &list, listing),
            Done::Applied(id, applied) => self.applied(now_ms, id, applied),
            Done::Rechecked(id, rechecked) => {
                let (write, late) = self.slots.rechecked(now_ms, id, rechecked);
                self.writes.extend(write);
                if let Some(late) = late {
                    self.late(now_ms, late.path, late.entry);
                }
            }
            Done::Have(digest, have) => {
                let next = self.fetching.have(&digest, have.ok());
                self.fetch_on(digest, next);
            }
        }
    }

    fn fetch_on(&mut self, digest: Digest, next: Next) {
        match next {
            Next::Wait => {}
            Next::Ask => self.effects.push(Effect::Task(Task::Have(digest))),
            Next::Want(from) => self.need(digest, from),
            Next::Here(paths) => self.fetched(digest, &paths, true),
            Next::Lost(paths) => self.fetched(digest, &paths, false),
        }
    }

    fn root_gone(&mut self) {
        self.disk.interrupted();
        self.is_root_gone = true;
        self.is_seen = false;
        self.effects.push(Effect::RootGone);
    }

    /// The agent wrote this to what had just been replaced. It is nowhere else.
    fn late(&mut self, now_ms: u64, path: RelPath, entry: Entry) {
        let id = self.ids.next();
        let current = self.disk.entry(&path).clone();
        let conflict = Conflict {
            path,
            kind: ConflictKind::LateThere,
            base: current.clone(),
            local: current,
            upstream: entry,
            opened_ms: now_ms,
        };
        self.writes.push(Write::Conflict(id, Some(conflict.clone())));
        self.tell_late(id, &conflict);
        self.late.insert(id, conflict);
    }

    fn go_on(&mut self, now_ms: u64) -> Vec<Effect> {
        self.disk.retry(now_ms);
        self.effects.extend(self.slots.due(now_ms).into_iter().map(Effect::Task));
        self.recover_due(now_ms);
        if !self.is_seen && !self.is_root_gone && self.disk.is_known() {
            self.is_seen = true;
            // What was proposed meanwhile waits for this and for nothing else.
            let waiting: Vec<_> = self.waiting.keys().cloned().collect();
            waiting.iter().for_each(|path| self.pump(path));
        }
        self.tell_changes();
        self.answer();
        self.greet();
        if !self.is_root_gone {
            let lists = self.disk.lists().into_iter().map(Task::List);
            self.effects.extend(lists.map(Effect::Task));
            let looks = self.disk.looks().into_iter().map(Task::Look);
            self.effects.extend(looks.map(Effect::Task));
        }
        self.save();
        self.wake();
        std::mem::take(&mut self.effects)
    }

    /// Gives what changed in this step one revision, and tells everyone.
    fn tell_changes(&mut self) {
        let rev = self.head.seq + 1;
        let (mut changes, mut unsecured) = (Vec::new(), Vec::new());
        for path in std::mem::take(&mut self.changed) {
            if self.is_changing(&path) {
                self.changed.insert(path);
                continue;
            }
            let entry = self.disk.entry(&path).clone();
            let told = self.told.get(&path);
            let is_news = match told {
                Some(told) => told.entry != entry,
                // What was never tracked is nobody's business.
                None => !matches!(entry, Entry::Absent | Entry::Untracked),
            };
            if is_news {
                let committed = told.map(|told| told.committed.clone()).unwrap_or_default();
                self.told.insert(path.clone(), Told { entry: entry.clone(), rev, committed });
                self.unsaved.insert(path.clone());
                // What was put there by a proposal is on disk already.
                if !self.finished.iter().any(|(other, _)| *other == path) {
                    unsecured.push(path.clone());
                }
                changes.push(Change { path, entry, rev });
            }
        }
        if changes.is_empty() {
            return;
        }
        self.head.seq = rev;
        self.is_head_unsaved = true;
        self.unsecured = unsecured;
        for (peer, is_live) in &self.peers {
            if *is_live {
                let delta = Down::Delta { seq: rev, changes: changes.clone() };
                self.effects.push(Effect::Send(*peer, delta));
            }
        }
    }

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
            let paths = std::mem::take(&mut self.unsecured);
            self.effects.insert(0, Effect::Task(Task::Secure(paths)));
        }
    }

    fn row(&self, path: &RelPath) -> Option<Row> {
        let nothing = Seen { entry: Entry::Absent, stat: None };
        let here = self.disk.seen(path).cloned().unwrap_or(nothing);
        let told = self.told.get(path);
        if told.is_none() && here.entry == Entry::Absent {
            return None;
        }
        let there = told.map_or(Entry::Absent, |told| told.entry.clone());
        let rev = told.map_or(0, |told| told.rev);
        let proposed = told.and_then(|told| told.committed.last()).map(|(op, base_rev)| Proposed {
            op: *op,
            new: Entry::Absent,
            base: Entry::Absent,
            base_rev: *base_rev,
        });
        Some(Row { agreed: Entry::Absent, here, there, rev, proposed })
    }

    fn wake(&mut self) {
        let recover = self.running.values().filter_map(|running| running.recover_ms);
        let others = [self.disk.next_retry_ms(), self.slots.next_ms()];
        let next = recover.chain(others.into_iter().flatten()).min();
        if next != self.wake_ms {
            self.wake_ms = next;
            self.effects.extend(next.map(Effect::WakeAt));
        }
    }

    /// Returns what the agent wrote late and nobody knows of yet.
    pub fn late_writes(&self) -> impl Iterator<Item = (OpId, &Conflict)> {
        self.late.iter().map(|(id, conflict)| (*id, conflict))
    }

    /// Returns what everyone who is connected was told of, or is told next.
    pub fn told(&self) -> impl Iterator<Item = (&RelPath, &Entry)> {
        self.told.iter().map(|(path, told)| (path, &told.entry))
    }

    /// Returns the last revision that was told.
    #[must_use]
    pub const fn seq(&self) -> u64 {
        self.head.seq
    }

    fn recover_saved(&mut self, op: Op) {
        let generation = self.disk.hold(&op.path);
        self.disk.doubt(&op.path);
        self.effects.push(Effect::Task(Task::Recover(op.clone())));
        let running = Running { op, generation, failures: 0, recover_ms: None };
        self.running.insert(running.op.id, running);
    }
}
