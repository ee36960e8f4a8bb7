//! Beginning what is meant to happen, in an order in which it can: a folder before what is in it, and
//! what is in it before it goes.
#![forbid(unsafe_code)]

use oriel_wire::sync::{Entry, RelPath};

use super::{Effect, Engine, Notice, Running, Stuck, Trouble, UNDER_WAY_MAX, is_content};
use crate::conflict::{Conflict, ConflictId, ConflictKind};
use crate::disk::retry_after_ms;
use crate::journal::{Proposed, Write};
use crate::op::Op;
use crate::reconcile::{Action, Clash, Meets};
use crate::talk::{Proposal, Up};
use crate::task::Task;

/// A delete that is about to begin.
#[derive(Debug)]
pub(super) struct Delete {
    pub(super) path: RelPath,
    pub(super) here: bool,
    meets: Meets,
}

impl Engine {
    /// Begins what can begin at the paths that were touched. What waits for something is touched again
    /// when that comes.
    pub(super) fn plan(&mut self, now_ms: u64) {
        if !self.may_act() {
            return;
        }
        let mut deletes = Vec::new();
        let mut later = Vec::new();
        while let Some(path) = self.touched.pop_first() {
            if self.is_full() {
                later.push(path);
                break;
            }
            self.plan_path(now_ms, path, &mut deletes);
        }
        self.touched.extend(later);
        if self.gathers(now_ms, &deletes) || self.asks_about(now_ms, &deletes) {
            self.touched.extend(deletes.into_iter().map(|delete| delete.path));
            return;
        }
        for Delete { path, here, meets } in deletes {
            if is_content(self.agreed(&path)) && !self.allowed.contains(&path) {
                self.deleted.push_back((now_ms, self.tracked));
            }
            if here {
                self.pull(now_ms, &path, meets);
            } else {
                self.push(&path, meets);
            }
        }
    }

    /// Returns whether anything may be done: both trees are known, and nobody is asked anything.
    pub(super) fn may_act(&self) -> bool {
        self.remote.is_live() && self.is_seen && self.head.pause.is_none()
    }

    fn is_full(&self) -> bool {
        UNDER_WAY_MAX <= self.running.len() + self.fetching.len()
            || UNDER_WAY_MAX <= self.proposed.len()
    }

    fn plan_path(&mut self, now_ms: u64, path: RelPath, deletes: &mut Vec<Delete>) {
        let goes_on = |pair: &super::Pair| {
            let is_waiting = pair.stuck.is_some_and(|stuck| stuck.is_waiting);
            pair.running.is_some() || pair.proposed.is_some() || is_waiting
        };
        let is_doubtful = self.disk.is_doubtful(&path) || self.is_folder_changing(&path);
        if self.pairs.get(&path).is_some_and(goes_on) || is_doubtful {
            return;
        }
        let Some(action) = self.intent(&path) else { return };
        if !matches!(action, Action::Conflict(_) | Action::Freeze) {
            self.close_conflict(&path);
        }
        let is_delete = |entry: &Entry| *entry == Entry::Absent;
        match action {
            Action::Nothing => self.settled(&path),
            Action::Agree => {
                self.unsecured.insert(path.clone());
                self.agree(&path, self.here(&path).clone());
                // Paths are taken in order, and what comes of this is nothing more to do.
                self.touched.remove(&path);
                self.settled(&path);
            }
            Action::Freeze => {}
            Action::Conflict(clash) => self.open_conflict(now_ms, &path, clash),
            Action::Pull(meets) if is_delete(self.there(&path)) => {
                deletes.push(Delete { path, here: true, meets });
            }
            Action::Push(meets) if is_delete(self.here(&path)) => {
                deletes.push(Delete { path, here: false, meets });
            }
            Action::Pull(meets) => self.pull(now_ms, &path, meets),
            Action::Push(meets) => self.push(&path, meets),
        }
    }

    /// Returns whether a folder that a path is in is being changed. What is seen in it meanwhile may be
    /// undone.
    fn is_folder_changing(&self, path: &RelPath) -> bool {
        let is_running =
            |folder: RelPath| self.pairs.get(&folder).is_some_and(|pair| pair.running.is_some());
        path.ancestors().any(is_running)
    }

    fn settled(&mut self, path: &RelPath) {
        if let Some(pair) = self.pairs.get_mut(path) {
            (pair.stuck, pair.ready) = (None, None);
        }
        self.forget_nothing(path);
    }

    /// Changes this tree.
    fn pull(&mut self, now_ms: u64, path: &RelPath, meets: Meets) {
        let new = self.there(path).clone();
        let has_folder = path.parent().is_none_or(|folder| *self.here(&folder) == Entry::Dir);
        if new != Entry::Absent && !has_folder {
            return;
        }
        if new != Entry::Absent && self.is_taken(path, true) {
            return self.name_taken(path);
        }
        if let Some(digest) = new.digest()
            && self.pair(path).ready != Some(digest)
        {
            let next = self.fetching.wait(digest, path);
            return self.fetch_on(now_ms, digest, next);
        }
        if meets == Meets::Delete {
            self.effects.push(Effect::Notice(Notice::CameBack(path.clone())));
        }
        self.begin(path, new.clone(), new, None);
    }

    /// Begins a change to this tree.
    pub(super) fn begin(
        &mut self,
        path: &RelPath,
        new: Entry,
        agreed: Entry,
        resolves: Option<ConflictId>,
    ) {
        let generation = self.disk.hold(path);
        let seen = self.disk.seen(path);
        let op = Op {
            id: self.ids.next(),
            path: path.clone(),
            expected: self.here(path).clone(),
            stat: seen.and_then(|seen| seen.stat),
            new,
            agreed,
            proposal: None,
        };
        self.pair(path).running = Some(op.id);
        self.writes.push(Write::Op(op.clone()));
        self.effects.push(Effect::Task(Task::Apply(op.clone())));
        let running = Running { op, generation, resolves, failures: 0, recover_ms: None };
        self.running.insert(running.op.id, running);
    }

    /// Proposes a change of the other tree.
    fn push(&mut self, path: &RelPath, meets: Meets) {
        let new = self.here(path).clone();
        let has_folder = path.parent().is_none_or(|folder| *self.there(&folder) == Entry::Dir);
        if new != Entry::Absent && !has_folder {
            return;
        }
        if new != Entry::Absent && self.is_taken(path, false) {
            return self.name_taken(path);
        }
        if meets == Meets::Delete {
            self.effects.push(Effect::Notice(Notice::KeptHere(path.clone())));
        }
        let op = self.ids.next();
        let pair = self.pair(path);
        let (base, base_rev) = (pair.there.clone(), pair.rev);
        pair.proposed = Some(Proposed { op, new, base, base_rev });
        self.proposed.insert(op, path.clone());
        self.unsaved.insert(path.clone());
        self.unsecured.insert(path.clone());
        self.propose(path);
    }

    /// Says what was proposed, for the first time or again.
    pub(super) fn propose(&mut self, path: &RelPath) {
        let proposed = self.pairs.get(path).and_then(|pair| pair.proposed.clone());
        let Some(Proposed { op, new, base, base_rev }) = proposed else { return };
        let proposal = Proposal { op, path: path.clone(), base, base_rev, new };
        self.effects.push(Effect::Send(Up::Propose(proposal)));
    }

    /// Nothing is done about a path until something else is known of it, or for a while.
    pub(super) fn stick(&mut self, now_ms: u64, path: &RelPath, why: Trouble, failures: u32) {
        let is_waiting = true;
        self.pair(path).stuck = Some(Stuck { why, failures, is_waiting });
        if !matches!(why, Trouble::NotEmpty | Trouble::NameTaken) {
            self.retries.insert((now_ms + retry_after_ms(failures), path.clone()));
        }
    }

    pub(super) fn failures(&self, path: &RelPath) -> u32 {
        let stuck = self.pairs.get(path).and_then(|pair| pair.stuck);
        stuck.map_or(0, |stuck| stuck.failures)
    }

    /// Returns whether a file system takes another name, under which something is, for this one.
    fn is_taken(&self, path: &RelPath, here: bool) -> bool {
        let is_there = |other: &RelPath| {
            let entry = if here { self.here(other) } else { self.there(other) };
            *entry != Entry::Absent
        };
        self.setup.folds && self.namesakes(path).iter().any(is_there)
    }

    fn name_taken(&mut self, path: &RelPath) {
        let why = Trouble::NameTaken;
        self.pair(path).stuck = Some(Stuck { why, failures: 0, is_waiting: true });
    }

    /// Returns the other names in the same folder that a file system may take for this one.
    fn namesakes(&self, path: &RelPath) -> Vec<RelPath> {
        let fold = path.fold();
        let folder = path.parent();
        let known = self.pairs.keys().chain(self.disk.all().map(|(path, _)| path));
        let others = known.filter(|other| *other != path && other.parent() == folder);
        others.filter(|other| other.fold() == fold).cloned().collect()
    }

    pub(super) fn touch_namesakes(&mut self, path: &RelPath) {
        for other in self.namesakes(path) {
            if let Some(pair) = self.pairs.get_mut(&other)
                && pair.stuck.is_some_and(|stuck| stuck.why == Trouble::NameTaken)
            {
                pair.stuck = None;
            }
            self.touch(&other);
        }
    }

    /// There are two versions: both are written down, and the path waits.
    fn open_conflict(&mut self, now_ms: u64, path: &RelPath, clash: Clash) {
        let (local, upstream) = (self.here(path).clone(), self.there(path).clone());
        let known = self.pairs.get(path).and_then(|pair| pair.conflict);
        let opened_ms = known.and_then(|id| self.conflicts.get(&id));
        let opened_ms = opened_ms.map_or(now_ms, |conflict| conflict.opened_ms);
        let conflict = Conflict {
            path: path.clone(),
            kind: ConflictKind::Both(clash),
            base: self.agreed(path).clone(),
            local,
            upstream,
            opened_ms,
        };
        let id = known.unwrap_or_else(|| self.ids.next());
        self.pair(path).conflict = Some(id);
        if self.conflicts.get(&id) != Some(&conflict) {
            let upstream = conflict.upstream.clone();
            self.add_conflict(id, conflict);
            self.fetch_version(now_ms, path, &upstream);
        }
    }

    /// Somebody who chooses wants to see the other side's version.
    pub(super) fn fetch_version(&mut self, now_ms: u64, path: &RelPath, version: &Entry) {
        if let Some(digest) = version.digest() {
            let next = self.fetching.wait(digest, path);
            self.fetch_on(now_ms, digest, next);
        }
    }

    pub(super) fn add_conflict(&mut self, id: ConflictId, conflict: Conflict) {
        self.writes.push(Write::Conflict(id, Some(conflict.clone())));
        self.conflicts.insert(id, conflict);
        self.effects.push(Effect::Notice(Notice::Conflict(id)));
    }

    pub(super) fn close_conflict(&mut self, path: &RelPath) {
        if let Some(id) = self.pairs.get_mut(path).and_then(|pair| pair.conflict.take()) {
            self.end_conflict(id);
        }
    }

    pub(super) fn end_conflict(&mut self, id: ConflictId) {
        if self.conflicts.remove(&id).is_some() {
            self.writes.push(Write::Conflict(id, None));
        }
    }
}
