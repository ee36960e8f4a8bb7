//! Asking before much is deleted, and what the answers mean.
#![forbid(unsafe_code)]

use std::collections::{BTreeSet, HashSet};

use oriel_wire::sync::{Digest, Entry, RelPath};

use super::plan::Delete;
use super::remote::Remote;
use super::{DeleteLimits, Effect, Engine, is_content};
use crate::conflict::ConflictKind;
use crate::journal::{Head, Pause, Write};
use crate::reconcile::Action;

/// Deletes that follow each other within this time count as one, however many events they come in.
const AT_ONCE_MS: u64 = 10_000;

impl Engine {
    /// Returns whether these deletes wait for others that may follow, so that all are judged together.
    pub(super) fn gathers(&mut self, now_ms: u64, deletes: &[Delete]) -> bool {
        let DeleteLimits { gather_ms, gather_max_ms, .. } = self.setup.deletes;
        let is_waiting = |delete: &&Delete| !self.allowed.contains(&delete.path);
        let count = deletes.iter().filter(is_waiting).count();
        if count == 0 || gather_ms == 0 {
            self.gathered = None;
            return false;
        }
        let (first, last, before) = self.gathered.unwrap_or((now_ms, now_ms, count));
        let last = if count == before { last } else { now_ms };
        // A clock that was set back would let them wait for as long as it was.
        let is_over = now_ms < first || first + gather_max_ms <= now_ms;
        if is_over || last + gather_ms <= now_ms {
            self.gathered = None;
            return false;
        }
        self.gathered = Some((first, last, count));
        true
    }

    /// Returns when deletes that wait for others are judged.
    pub(super) fn gathered_until(&self) -> Option<u64> {
        let DeleteLimits { gather_ms, gather_max_ms, .. } = self.setup.deletes;
        self.gathered.map(|(first, last, _)| (last + gather_ms).min(first + gather_max_ms))
    }

    /// Returns whether somebody has to be asked before these are deleted, and asks.
    pub(super) fn asks_about(&mut self, now_ms: u64, deletes: &[Delete]) -> bool {
        while self.deleted.front().is_some_and(|(at, _)| at + AT_ONCE_MS < now_ms) {
            self.deleted.pop_front();
        }
        for here in [true, false] {
            let going: Vec<_> = deletes.iter().filter(|delete| delete.here == here).collect();
            if self.is_much(going.iter().map(|delete| &delete.path))
                && self.is_much(self.not_moved(&going, here).into_iter())
            {
                let going = self.going(here);
                let files = going.iter().filter(|path| is_content(self.agreed(path))).count();
                self.pause(Pause::MassDelete { files, here });
                return true;
            }
        }
        false
    }

    fn is_much<'a>(&self, paths: impl Iterator<Item = &'a RelPath>) -> bool {
        let is_counted =
            |path: &&RelPath| is_content(self.agreed(path)) && !self.allowed.contains(*path);
        let now = paths.filter(is_counted).count();
        if now == 0 {
            return false;
        }
        let DeleteLimits { files, percent, all_from, .. } = self.setup.deletes;
        // Of those that were begun, not all are over.
        let before = self.deleted.front().map_or(0, |(_, tracked)| *tracked).max(self.tracked);
        let all = now + self.deleted.len();
        let is_part = files < all && before * percent < all * 100;
        is_part || (all_from <= self.tracked && self.tracked <= now)
    }

    /// What is under another name where it is deleted was moved, and nothing of it goes.
    fn not_moved<'a>(&self, going: &[&'a Delete], here: bool) -> Vec<&'a RelPath> {
        let entries: HashSet<Digest> = if here {
            self.pairs.values().filter_map(|pair| pair.there.digest()).collect()
        } else {
            self.disk.all().filter_map(|(_, entry)| entry.digest()).collect()
        };
        let is_gone = |path: &RelPath| {
            self.agreed(path).digest().is_none_or(|digest| !entries.contains(&digest))
        };
        going.iter().map(|delete| &delete.path).filter(|path| is_gone(path)).collect()
    }

    /// Returns all that is to be deleted on a side.
    fn going(&self, here: bool) -> BTreeSet<RelPath> {
        let is_going = |path: &&RelPath| match self.action(path) {
            Action::Pull(_) => here && *self.there(path) == Entry::Absent,
            Action::Push(_) => !here && *self.here(path) == Entry::Absent,
            _ => false,
        };
        self.pairs.keys().filter(is_going).cloned().collect()
    }

    /// What the pause is about may be done.
    pub(super) fn confirm(&mut self) {
        match self.head.pause {
            Some(Pause::MassDelete { .. }) => {
                self.allowed = self.going(true);
                self.allowed.extend(self.going(false));
                self.go_ahead();
            }
            Some(Pause::RemoteReset) => {
                self.forget_upstream();
                self.go_ahead();
                self.effects.push(Effect::Reconnect);
            }
            Some(Pause::RootGone) | None => {}
        }
    }

    /// What would be deleted on one side comes back on the other.
    pub(super) fn restore(&mut self) {
        if let Some(Pause::MassDelete { here, .. }) = self.head.pause {
            for path in self.going(here) {
                self.agree(&path, Entry::Absent);
            }
            self.go_ahead();
        }
    }

    fn go_ahead(&mut self) {
        self.head.pause = None;
        self.is_head_unsaved = true;
        self.deleted.clear();
        self.touch_all();
    }

    /// The upstream tree began anew. What is on both sides is met as if for the first time, so nothing
    /// is deleted because of it.
    fn forget_upstream(&mut self) {
        let paths: Vec<_> = self.pairs.keys().cloned().collect();
        for path in paths {
            self.agree(&path, Entry::Absent);
            let pair = self.pair(&path);
            (pair.there, pair.rev, pair.stuck) = (Entry::Absent, 0, None);
            pair.proposed = None;
        }
        self.proposed.clear();
        self.allowed.clear();
        // What is still being put here comes from the old tree, and the new one never agreed to it.
        for running in self.running.values_mut() {
            running.op.agreed = Entry::Absent;
            self.writes.push(Write::Op(running.op.clone()));
        }
        let is_open = |kind| matches!(kind, ConflictKind::Both(_));
        let open = self.conflicts.values().filter(|conflict| is_open(conflict.kind));
        let open: Vec<_> = open.map(|conflict| conflict.path.clone()).collect();
        open.iter().for_each(|path| self.close_conflict(path));
        self.head = Head { pause: self.head.pause, ..Head::default() };
        self.remote = Remote::Away;
    }
}
