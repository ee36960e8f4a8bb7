//! What came of the tasks.
#![forbid(unsafe_code)]

use oriel_wire::sync::{Digest, Entry, RelPath};

use super::{Effect, Engine, Running, Trouble};
use crate::conflict::{Conflict, ConflictId, ConflictKind};
use crate::disk::{Look, retry_after_ms};
use crate::fetch::Next;
use crate::journal::{Pause, Write};
use crate::look::Seen;
use crate::op::{Applied, Left, Op, OpId, Outcome};
use crate::reconcile::Action;
use crate::talk::Up;
use crate::task::{Done, Task};
use crate::vfs::Fault;

/// How often a path that was not as expected is planned again at once. Beyond it it waits, as what fails.
const SURPRISES_MAX: u32 = 3;

impl Engine {
    pub(super) fn done(&mut self, now_ms: u64, done: Done) {
        match done {
            Done::Looked(_, Err(Fault::RootGone)) | Done::Listed(_, Err(Fault::RootGone)) => {
                self.root_gone();
            }
            Done::Looked(look, seen) => self.looked(now_ms, &look, seen),
            Done::Listed(list, listing) => self.disk.listed(now_ms, &list, listing),
            Done::Applied(id, applied) => self.applied(now_ms, id, applied),
            Done::Rechecked(id, rechecked) => {
                let (write, late) = self.slots.rechecked(now_ms, id, rechecked);
                self.writes.extend(write);
                if let Some(late) = late {
                    self.late_here(now_ms, late.path, late.entry);
                }
            }
            Done::Have(digest, have) => {
                let next = self.fetching.have(&digest, have.ok());
                self.fetch_on(now_ms, digest, next);
            }
        }
    }

    /// Does what is next about a content.
    pub(super) fn fetch_on(&mut self, now_ms: u64, digest: Digest, next: Next) {
        match next {
            Next::Wait => {}
            Next::Ask => self.effects.push(Effect::Task(Task::Have(digest))),
            Next::Want(from) => self.effects.push(Effect::Send(Up::Want { digest, from })),
            Next::Here(waiting) => {
                for path in waiting {
                    self.pair(&path).ready = Some(digest);
                    self.touch(&path);
                }
            }
            Next::Lost(waiting) => {
                for path in waiting {
                    let failures = self.failures(&path) + 1;
                    self.stick(now_ms, &path, Trouble::Failed(Some(Fault::NoBlob)), failures);
                }
            }
        }
    }

    fn looked(&mut self, now_ms: u64, look: &Look, seen: Result<Seen, Fault>) {
        let Some(changed) = self.disk.looked(now_ms, look, seen) else { return };
        self.unsaved.insert(look.path.clone());
        self.touch(&look.path);
        look.path.ancestors().for_each(|folder| self.touch(&folder));
        for path in changed {
            self.unsaved.insert(path.clone());
            if let Some(pair) = self.pairs.get_mut(&path) {
                pair.stuck = None;
            }
            let is_folder = *self.here(&path) == Entry::Dir;
            self.changed(&path, is_folder);
        }
    }

    fn applied(&mut self, now_ms: u64, id: OpId, applied: Applied) {
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
        let Running { op, generation, resolves, .. } = running;
        self.writes.push(Write::EndOp(id));
        if let Some(left) = left {
            self.keep(now_ms, &op, left);
        }
        self.pair(&op.path).running = None;
        self.unsaved.insert(op.path.clone());
        // What is in a folder has waited for this.
        self.touch_beneath(&op.path);
        if outcome == Outcome::Done {
            self.made(op, generation, resolves);
        } else {
            self.not_made(now_ms, &op, outcome);
        }
    }

    fn made(&mut self, op: Op, generation: u64, resolves: Option<ConflictId>) {
        let Op { path, new, agreed, .. } = op;
        let became_folder = new == Entry::Dir;
        self.disk.put(&path, new, generation);
        self.agree(&path, agreed);
        let pair = self.pair(&path);
        (pair.stuck, pair.ready) = (None, None);
        self.changed(&path, became_folder);
        if let Some(id) = resolves {
            if self.pair(&path).conflict == Some(id) {
                self.pair(&path).conflict = None;
            }
            self.end_conflict(id);
        }
    }

    fn not_made(&mut self, now_ms: u64, op: &Op, outcome: Outcome) {
        let path = &op.path;
        self.disk.release(path);
        // Where something cannot be put, its folder may be gone.
        path.ancestors().for_each(|folder| self.disk.doubt(&folder));
        let failures = self.failures(path) + 1;
        match outcome {
            Outcome::NotEmpty => {
                self.disk.doubt_within(path);
                // What is in it may have been seen before this.
                if matches!(self.intent(path), Some(Action::Pull(_))) {
                    self.stick(now_ms, path, Trouble::NotEmpty, failures);
                }
            }
            Outcome::Failed(Fault::RootGone) => self.root_gone(),
            Outcome::Failed(fault) => {
                self.pair(path).ready = None;
                self.stick(now_ms, path, Trouble::Failed(Some(fault)), failures);
            }
            _ => {
                self.stick(now_ms, path, Trouble::Failed(None), failures);
                // Somebody was quicker. What is there now decides, unless it goes on like this.
                if let Some(stuck) = &mut self.pair(path).stuck
                    && failures <= SURPRISES_MAX
                {
                    stuck.is_waiting = false;
                }
            }
        }
    }

    fn keep(&mut self, now_ms: u64, op: &Op, left: Left) {
        if left.is_rescued {
            self.late_here(now_ms, op.path.clone(), left.holds.clone());
        }
        let write = self.slots.keep(now_ms, op.id, op.path.clone(), left);
        self.writes.push(write);
    }

    /// Somebody wrote this to what had just been replaced. It is nowhere else.
    fn late_here(&mut self, now_ms: u64, path: RelPath, entry: Entry) {
        let conflict = Conflict {
            kind: ConflictKind::LateHere,
            base: self.agreed(&path).clone(),
            local: entry,
            upstream: self.there(&path).clone(),
            opened_ms: now_ms,
            path,
        };
        let id = self.ids.next();
        self.add_conflict(id, conflict);
    }

    fn root_gone(&mut self) {
        self.disk.interrupted();
        self.pause(Pause::RootGone);
    }

    pub(super) fn root_back(&mut self) {
        if self.head.pause == Some(Pause::RootGone) {
            self.head.pause = None;
            self.is_head_unsaved = true;
            self.is_seen = false;
            self.disk.interrupted();
            self.touch_all();
            // The other side's first words may have been met while nothing could be done about them.
            if !self.remote.is_live() {
                self.effects.push(Effect::Reconnect);
            }
        }
    }
}
