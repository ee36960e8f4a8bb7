//! Carrying out what is proposed, one after the other at each path.
#![forbid(unsafe_code)]

use std::collections::BTreeSet;

use oriel_wire::sync::{Digest, Entry, RelPath};

use super::{Answer, COMMITTED_MAX, Effect, Engine, Peer, Told};
use crate::disk::retry_after_ms;
use crate::journal::Write;
use crate::op::{Applied, Op, OpId, Outcome};
use crate::talk::{Down, Proposal, Why};
use crate::task::Task;
use crate::vfs::Fault;

/// How often one is tried at once while the agent writes at the same place. Beyond it it is proposed
/// again later.
const TRIES: u32 = 4;

/// A proposal that is not answered.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) peer: Peer,
    pub(super) proposal: Proposal,
    /// Its content is here.
    is_ready: bool,
    tries: u32,
}

/// A change to this tree that is under way.
#[derive(Debug)]
pub(super) struct Running {
    pub(super) op: Op,
    pub(super) generation: u64,
    pub(super) failures: u32,
    pub(super) recover_ms: Option<u64>,
}

/// What to do about the first proposal at a path.
enum Verdict {
    Commit,
    Reject(Why),
    Fetch(Digest),
    Begin,
}

impl Engine {
    pub(super) fn proposed(&mut self, peer: Peer, proposal: Proposal) {
        let path = proposal.path.clone();
        if self.is_committed(&proposal) {
            self.answers.push(Answer { peer, op: proposal.op, path, why: None });
            return;
        }
        // It came twice. Whoever proposed it has been told that it was not done, and may have written
        // something else there since; done now it would come back to them as the agent's.
        if self.refused.get(&(peer, path.clone())) == Some(&proposal.op) {
            return;
        }
        let waiting = self.waiting.entry(path.clone()).or_default();
        match waiting.iter_mut().find(|it| it.proposal.op == proposal.op) {
            // It was sent again on another connection, where its answer goes then.
            Some(known) => known.peer = peer,
            None => {
                waiting.push_back(Waiting { peer, proposal, is_ready: false, tries: 0 });
            }
        }
        self.pump(&path);
    }

    /// Goes on with the proposals at a path, as far as that can be done now.
    pub(super) fn pump(&mut self, path: &RelPath) {
        while let Some(first) = self.waiting.get(path).and_then(|waiting| waiting.front()) {
            if self.is_changing(path) || self.disk.is_doubtful(path) || !self.is_seen {
                return;
            }
            match self.judge(first) {
                Verdict::Commit => self.end(path, None),
                Verdict::Reject(why) => self.end(path, Some(why)),
                Verdict::Fetch(digest) => {
                    let next = self.fetching.wait(digest, path);
                    return self.fetch_on(digest, next);
                }
                Verdict::Begin => return self.begin(path),
            }
        }
    }

    /// Returns whether a path is being changed, or a folder that it is in. What is seen there meanwhile may
    /// be undone.
    pub(super) fn is_changing(&self, path: &RelPath) -> bool {
        self.running.values().any(|running| path.starts_with(&running.op.path))
    }

    fn judge(&self, waiting: &Waiting) -> Verdict {
        let Proposal { path, base, base_rev, new, .. } = &waiting.proposal;
        let current = self.disk.entry(path);
        let has_folder = path.parent().is_none_or(|folder| *self.disk.entry(&folder) == Entry::Dir);
        // The same again is not what it was made against: it may be an old proposal that comes twice.
        let is_newer = self.told.get(path).is_some_and(|told| *base_rev < told.rev);
        let is_left_out = self.setup.left_out.has(path, *new == Entry::Dir);
        // It may have been carried out while it was sent again.
        if current == new || self.is_committed(&waiting.proposal) {
            Verdict::Commit
        } else if !new.is_known() || is_left_out || TRIES < waiting.tries {
            Verdict::Reject(Why::Failed)
        } else if current != base || is_newer || (*new != Entry::Absent && !has_folder) {
            Verdict::Reject(Why::Stale)
        } else {
            match new.digest() {
                Some(digest) if !waiting.is_ready => Verdict::Fetch(digest),
                _ => Verdict::Begin,
            }
        }
    }

    fn is_committed(&self, proposal: &Proposal) -> bool {
        let is_it = |(op, _): &(OpId, u64)| *op == proposal.op;
        self.told.get(&proposal.path).is_some_and(|told| told.committed.iter().any(is_it))
    }

    /// Answers the first proposal at a path.
    fn end(&mut self, path: &RelPath, why: Option<Why>) {
        let Some(waiting) = self.waiting.get_mut(path) else { return };
        if let Some(Waiting { peer, proposal, .. }) = waiting.pop_front() {
            if why.is_some() {
                self.refused.insert((peer, path.clone()), proposal.op);
            }
            self.answers.push(Answer { peer, op: proposal.op, path: path.clone(), why });
        }
        if self.waiting.get(path).is_some_and(std::collections::VecDeque::is_empty) {
            self.waiting.remove(path);
        }
    }

    fn begin(&mut self, path: &RelPath) {
        let Some(first) = self.waiting.get(path).and_then(|waiting| waiting.front()) else {
            return;
        };
        let Proposal { op: proposal, new, .. } = first.proposal.clone();
        let id = self.ids.next();
        let generation = self.disk.hold(path);
        let expected = self.disk.entry(path).clone();
        let stat = self.disk.seen(path).and_then(|seen| seen.stat);
        let (agreed, proposal) = (new.clone(), Some(proposal));
        let op = Op { id, path: path.clone(), expected, stat, new, agreed, proposal };
        self.writes.push(Write::Op(op.clone()));
        self.effects.push(Effect::Task(Task::Apply(op.clone())));
        let running = Running { op, generation, failures: 0, recover_ms: None };
        self.running.insert(id, running);
    }

    pub(super) fn need(&mut self, digest: Digest, from: u64) {
        let wants = |it: &&super::Waiting| it.proposal.new.digest() == Some(digest);
        let first = self.waiting.values().filter_map(|waiting| waiting.front()).find(wants);
        match first.map(|waiting| waiting.peer) {
            Some(peer) => self.effects.push(Effect::Send(peer, Down::Need { digest, from })),
            // What it was needed for is over.
            None => self.fetching.forget(&digest),
        }
    }

    /// A content is here, or does not come.
    pub(super) fn fetched(&mut self, digest: Digest, paths: &BTreeSet<RelPath>, is_here: bool) {
        for path in paths {
            let first = self.waiting.get_mut(path).and_then(|waiting| waiting.front_mut());
            if let Some(first) = first.filter(|it| it.proposal.new.digest() == Some(digest)) {
                first.is_ready = is_here;
                if !is_here {
                    self.end(path, Some(Why::Failed));
                }
            }
            self.pump(path);
        }
    }

    pub(super) fn applied(&mut self, now_ms: u64, id: OpId, applied: Applied) {
        let Some(mut running) = self.running.remove(&id) else { return };
        let Applied { outcome, left } = applied;
        if let Outcome::Unfinished(fault) = outcome {
            running.failures += 1;
            running.recover_ms = Some(now_ms + retry_after_ms(running.failures));
            self.running.insert(id, running);
            if fault == Fault::RootGone {
                self.root_gone();
            }
            return;
        }
        let Running { op, generation, .. } = running;
        self.writes.push(Write::EndOp(id));
        if let Some(left) = left {
            if left.is_rescued {
                self.late(now_ms, op.path.clone(), left.holds.clone());
            }
            let write = self.slots.keep(now_ms, id, op.path.clone(), left);
            self.writes.push(write);
        }
        self.unsaved.insert(op.path.clone());
        let is_first = self.waiting.get(&op.path).and_then(|waiting| waiting.front());
        let is_first = is_first.is_some_and(|first| op.proposal == Some(first.proposal.op));
        if outcome == Outcome::Done {
            self.disk.put(&op.path, op.new, generation);
            self.changed.insert(op.path.clone());
            // Whoever proposed it may be away, and asks when they come back.
            self.finished.extend(op.proposal.map(|proposal| (op.path.clone(), proposal)));
            if is_first {
                self.end(&op.path, None);
            }
        } else {
            self.not_made(&op, outcome, is_first);
        }
        let from_here = self.waiting.range(op.path.clone()..).map(|(path, _)| path);
        let within = from_here.take_while(|path| path.starts_with(&op.path));
        let within: Vec<_> = within.cloned().collect();
        within.iter().for_each(|path| self.pump(path));
    }

    fn not_made(&mut self, op: &Op, outcome: Outcome, is_first: bool) {
        self.disk.release(&op.path);
        op.path.ancestors().for_each(|folder| self.disk.doubt(&folder));
        let why = match outcome {
            Outcome::NotEmpty => {
                self.disk.doubt_within(&op.path);
                Some(Why::NotEmpty)
            }
            Outcome::Failed(Fault::RootGone) => {
                self.root_gone();
                Some(Why::Failed)
            }
            Outcome::Failed(Fault::NoBlob) | Outcome::Changed => None,
            _ => Some(Why::Failed),
        };
        let first = self.waiting.get_mut(&op.path).and_then(|waiting| waiting.front_mut());
        if let Some(first) = first.filter(|_| is_first) {
            // What is there now is looked at, and the proposal judged again by that.
            first.tries += 1;
            first.is_ready = outcome != Outcome::Failed(Fault::NoBlob);
            if why.is_some() {
                self.end(&op.path, why);
            }
        }
    }

    pub(super) fn recover_due(&mut self, now_ms: u64) {
        for running in self.running.values_mut() {
            if running.recover_ms.is_some_and(|due| due <= now_ms) {
                running.recover_ms = None;
                self.effects.push(Effect::Task(Task::Recover(running.op.clone())));
            }
        }
    }

    /// Sends the answers, now that what they tell of has its revision and was told. What is in a folder
    /// that is being changed is told later, and so is its answer: before, it would be one of a revision at
    /// which the path was something else.
    pub(super) fn answer(&mut self) {
        let mut finished = std::mem::take(&mut self.untold);
        finished.append(&mut self.finished);
        for (path, proposal) in finished {
            if self.changed.contains(&path) {
                self.untold.push((path, proposal));
            } else {
                self.committed(&path, proposal);
            }
        }
        for answer in std::mem::take(&mut self.answers) {
            if answer.why.is_none() && self.changed.contains(&answer.path) {
                self.answers.push(answer);
                continue;
            }
            let Answer { peer, op, path, why } = answer;
            if why.is_none() {
                self.committed(&path, op);
            }
            if !self.peers.contains_key(&peer) {
                continue;
            }
            let told = self.told.get(&path);
            let rev = told.map_or(0, |told| told.rev);
            let down = match why {
                None => Down::Committed { op, rev: self.committed(&path, op) },
                Some(why) => {
                    let left_out = self.setup.left_out.has(&path, false);
                    let told = told.map_or(Entry::Absent, |told| told.entry.clone());
                    let current = if left_out { Entry::Untracked } else { told };
                    Down::Rejected { op, why, current, rev }
                }
            };
            self.effects.push(Effect::Send(peer, down));
        }
    }

    /// Returns the revision that a proposal came to, and remembers it.
    fn committed(&mut self, path: &RelPath, op: OpId) -> u64 {
        let nothing = || Told { entry: Entry::Absent, rev: 0, committed: Vec::new() };
        let told = self.told.entry(path.clone()).or_insert_with(nothing);
        if let Some((_, rev)) = told.committed.iter().find(|(known, _)| *known == op) {
            return *rev;
        }
        if told.committed.len() == COMMITTED_MAX {
            told.committed.remove(0);
        }
        told.committed.push((op, told.rev));
        self.unsaved.insert(path.clone());
        told.rev
    }
}
