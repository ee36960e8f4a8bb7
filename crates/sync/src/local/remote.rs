//! What the other side says.
#![forbid(unsafe_code)]

use std::collections::BTreeSet;

use oriel_wire::sync::{Entry, RelPath};

use super::{Effect, Engine, Notice, Trouble};
use crate::conflict::{Conflict, ConflictKind};
use crate::journal::{Head, Pause};
use crate::op::OpId;
use crate::reconcile::Action;
use crate::talk::{Begin, Change, Down, Up, Why};
use crate::task::Task;

/// How the connection stands.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Remote {
    /// There is none.
    Away,
    /// The first word was said.
    Greeting,
    /// Pages come. Of a whole tree, what is not named is not there.
    Pages { named: Option<BTreeSet<RelPath>> },
    /// All is known, and every change is told.
    Live,
}

impl Remote {
    pub(super) const fn is_live(&self) -> bool {
        matches!(self, Self::Live)
    }
}

impl Engine {
    pub(super) fn connected(&mut self) {
        self.remote = Remote::Greeting;
        let Head { epoch, seq, .. } = self.head;
        let hello = if self.is_untrusted {
            Up::Hello { epoch: None, seq: 0 }
        } else {
            Up::Hello { epoch, seq }
        };
        self.effects.push(Effect::Send(hello));
    }

    pub(super) fn disconnected(&mut self) {
        self.remote = Remote::Away;
        // Contents on their way are asked for again from where they stopped.
        let waiting = self.fetching.clear();
        self.touched.extend(waiting);
    }

    /// Something was said that does not fit what was said before.
    fn begin_again(&mut self) {
        self.disconnected();
        self.effects.push(Effect::Reconnect);
    }

    pub(super) fn said(&mut self, now_ms: u64, down: Down) {
        match down {
            Down::Welcome { epoch, begin } => self.welcomed(epoch, begin),
            Down::Page(changes) => self.page(changes),
            Down::PageEnd { seq } => self.page_end(now_ms, seq),
            Down::Delta { seq, changes } => self.delta(seq, changes),
            Down::Need { digest, from } => self.effects.push(Effect::SendBlob(digest, from)),
            Down::Committed { op, rev } => self.committed(op, rev),
            Down::Rejected { op, why, current, rev } => {
                self.rejected(now_ms, op, why, current, rev);
            }
            Down::Chunk(chunk) => {
                if self.fetching.has(&chunk.digest) {
                    let crate::talk::Chunk { digest, size, at, bytes } = chunk;
                    self.effects.push(Effect::Task(Task::Receive { digest, size, at, bytes }));
                }
            }
            Down::Gone(digest) => {
                let next = self.fetching.have(&digest, None);
                self.fetch_on(now_ms, digest, next);
            }
            Down::Late { id, path, entry } => self.late_there(now_ms, id, path, entry),
        }
    }

    fn welcomed(&mut self, epoch: u64, begin: Begin) {
        if self.remote != Remote::Greeting {
            return self.begin_again();
        }
        let is_other = self.head.epoch.is_some_and(|known| known != epoch);
        if begin == Begin::Reset || is_other {
            self.remote = Remote::Away;
            return self.pause(Pause::RemoteReset);
        }
        self.head.epoch = Some(epoch);
        self.is_head_unsaved = true;
        let named = (begin == Begin::Snapshot).then(BTreeSet::new);
        self.remote = Remote::Pages { named };
    }

    fn page(&mut self, changes: Vec<Change>) {
        let Remote::Pages { named } = &mut self.remote else { return self.begin_again() };
        if let Some(named) = named {
            named.extend(changes.iter().map(|change| change.path.clone()));
        }
        self.take_changes(changes);
    }

    fn take_changes(&mut self, changes: Vec<Change>) {
        for Change { path, entry, rev } in changes {
            self.set_there(&path, entry, rev);
        }
    }

    fn page_end(&mut self, now_ms: u64, seq: u64) {
        let Remote::Pages { named } = std::mem::replace(&mut self.remote, Remote::Live) else {
            return self.begin_again();
        };
        if let Some(named) = named {
            self.is_untrusted = false;
            let is_gone = |path: &&RelPath| !named.contains(*path);
            let gone: Vec<_> = self.pairs.keys().filter(is_gone).cloned().collect();
            for path in gone {
                self.set_there(&path, Entry::Absent, seq);
            }
        }
        self.set_seq(seq);
        self.propose_again();
        self.fetch_versions(now_ms);
        self.touch_all();
    }

    fn set_seq(&mut self, seq: u64) {
        self.head.seq = seq;
        self.is_head_unsaved = true;
    }

    /// Whether an earlier proposal was carried out is not known before its answer comes. The same one
    /// again changes nothing if it was.
    fn propose_again(&mut self) {
        let open: Vec<_> = self.proposed.values().cloned().collect();
        open.iter().for_each(|path| self.propose(path));
    }

    /// The other versions of what waits for somebody's choice are on their way again.
    fn fetch_versions(&mut self, now_ms: u64) {
        let versions = self.conflicts.values().map(|it| (it.path.clone(), it.upstream.clone()));
        for (path, version) in versions.collect::<Vec<_>>() {
            self.fetch_version(now_ms, &path, &version);
        }
    }

    fn delta(&mut self, seq: u64, changes: Vec<Change>) {
        if self.remote != Remote::Live {
            return self.begin_again();
        }
        match seq.cmp(&(self.head.seq + 1)) {
            std::cmp::Ordering::Less => {}
            std::cmp::Ordering::Equal => {
                self.take_changes(changes);
                self.set_seq(seq);
            }
            std::cmp::Ordering::Greater => self.begin_again(),
        }
    }

    /// Returns the path of a proposal that waits for its answer, which this is.
    fn answered(&mut self, op: OpId) -> Option<RelPath> {
        let path = self.proposed.remove(&op)?;
        self.unsaved.insert(path.clone());
        self.changed(&path, false);
        Some(path)
    }

    fn committed(&mut self, op: OpId, rev: u64) {
        let Some(path) = self.answered(op) else { return };
        let Some(proposed) = self.pair(&path).proposed.take() else { return };
        // What is here may be newer by now. What both have had is what was proposed.
        self.agree(&path, proposed.new.clone());
        self.set_there(&path, proposed.new, rev);
        if let Some(pair) = self.pairs.get_mut(&path) {
            pair.stuck = None;
        }
    }

    fn rejected(&mut self, now_ms: u64, op: OpId, why: Why, current: Entry, rev: u64) {
        let Some(path) = self.answered(op) else { return };
        let Some(proposed) = self.pair(&path).proposed.take() else { return };
        if current == Entry::Untracked {
            // What is left out there and not here is so until both have heard of the same ignore files.
            let failures = self.failures(&path) + 1;
            return self.stick(now_ms, &path, Trouble::LeftOutThere, failures);
        }
        self.set_there(&path, current, rev);
        let is_news = self.pair(&path).rev != proposed.base_rev;
        let failures = self.failures(&path) + 1;
        match why {
            Why::Stale if is_news => {}
            // What is in it may have been told of before this.
            Why::NotEmpty if !matches!(self.intent(&path), Some(Action::Push(_))) => {}
            Why::NotEmpty => self.stick(now_ms, &path, Trouble::NotEmpty, failures),
            Why::Stale | Why::Failed => {
                self.stick(now_ms, &path, Trouble::Failed(None), failures);
            }
        }
    }

    fn late_there(&mut self, now_ms: u64, id: OpId, path: RelPath, entry: Entry) {
        if !self.conflicts.contains_key(&id) {
            let conflict = Conflict {
                kind: ConflictKind::LateThere,
                base: self.agreed(&path).clone(),
                local: self.here(&path).clone(),
                upstream: entry,
                opened_ms: now_ms,
                path,
            };
            let (path, version) = (conflict.path.clone(), conflict.upstream.clone());
            self.add_conflict(id, conflict);
            self.fetch_version(now_ms, &path, &version);
        }
        self.effects.push(Effect::Send(Up::LateKnown(id)));
    }

    pub(super) fn pause(&mut self, pause: Pause) {
        if self.head.pause != Some(pause) {
            self.head.pause = Some(pause);
            self.is_head_unsaved = true;
            self.effects.push(Effect::Notice(Notice::Paused(pause)));
        }
    }
}
