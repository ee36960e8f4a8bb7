//! What must hold once everything has settled.

use std::collections::{BTreeMap, BTreeSet};

use oriel_wire::sync::{Digest, RelPath};

use super::run::{Outcome, Sim, UPSTREAM};
use crate::conflict::ConflictKind;
use crate::digest_of;
use crate::stat::Kind;

/// What is at a path, as a reader sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Thing {
    kind: Kind,
    data: Vec<u8>,
    exec: bool,
}

impl Sim {
    /// Judges a run that has settled.
    #[must_use]
    pub fn judge(&mut self) -> Outcome {
        let mut wrong = Vec::new();
        let calls = self.state.borrow().calls;
        self.state.borrow_mut().stop_at = Default::default();
        if !self.is_still() {
            wrong.push("it never came to rest".to_owned());
        }
        if self.is_unwatched() {
            // What is not watched is only seen when the tree is listed.
            (0..self.count()).for_each(|side| self.rescan(side));
            self.settle();
        }
        let trees: Vec<_> = (0..self.count()).map(|side| self.tree(side)).collect();
        for side in self.people() {
            self.judge_equal(side, &trees, &mut wrong);
        }
        self.judge_loss(&trees, &mut wrong);
        self.judge_deletes(&trees, &mut wrong);
        self.judge_rest(&mut wrong);
        Outcome { trace: self.trace_hash(), wrong, calls, conflicts: self.conflicts }
    }

    fn is_unwatched(&self) -> bool {
        self.upstream.disk.is_unwatched || self.locals.iter().any(|local| local.disk.is_unwatched)
    }

    fn tree(&self, side: usize) -> BTreeMap<String, Thing> {
        let state = self.state.borrow();
        let fs = &state.sides[side].fs;
        let tracked = fs.walk().into_iter().filter(|(path, _)| !self.left_out(path));
        tracked
            .map(|(path, ino)| {
                let inode = &fs.inodes[&ino];
                let exec = inode.kind == Kind::File && inode.mode & 0o100 != 0;
                (path, Thing { kind: inode.kind, data: inode.data.clone(), exec })
            })
            .collect()
    }

    /// Both trees are the same, but for what waits for somebody and what cannot be synced.
    fn judge_equal(&self, side: usize, trees: &[BTreeMap<String, Thing>], wrong: &mut Vec<String>) {
        let local = self.local(side);
        let both = |kind| matches!(kind, ConflictKind::Both(_));
        let waiting = local.conflicts().filter(|(_, conflict)| both(conflict.kind));
        let mut excused: Vec<_> = waiting.map(|(_, conflict)| conflict.path.clone()).collect();
        excused.extend(local.status().problems.into_iter().map(|(path, _)| path));
        let is_excused = |path: &RelPath| {
            excused.iter().any(|other| path.starts_with(other) || other.starts_with(path))
        };
        let paths: BTreeSet<_> = trees[side].keys().chain(trees[UPSTREAM].keys()).collect();
        for path in paths {
            let (here, there) = (trees[side].get(path), trees[UPSTREAM].get(path));
            if here != there && !is_excused(&RelPath::parse(path).unwrap()) {
                wrong.push(format!("{path} differs: {} / {}", shown(here), shown(there)));
            }
        }
        for path in local.unsettled() {
            if !is_excused(&path) {
                wrong.push(format!("{path} is not settled"));
            }
        }
        for tree in [&trees[side], &trees[UPSTREAM]] {
            for (path, thing) in tree.iter().filter(|(_, thing)| thing.kind == Kind::File) {
                // Where two versions wait for somebody, one may be what was half written when they met.
                let is_whole = self.state.borrow().oracle.is_whole(&digest_of(&thing.data));
                if !is_whole && !is_excused(&RelPath::parse(path).unwrap()) {
                    wrong.push(format!("{path} holds a part: {}", shown(Some(thing))));
                }
            }
        }
    }

    /// Whatever somebody wrote is in a tree or in a conflict.
    fn judge_loss(&self, trees: &[BTreeMap<String, Thing>], wrong: &mut Vec<String>) {
        let things = trees.iter().flat_map(BTreeMap::values);
        let mut kept: BTreeSet<Digest> = things.map(|thing| digest_of(&thing.data)).collect();
        // What is left out of the trees is there all the same.
        let state = self.state.borrow();
        for side in &state.sides {
            let files = side.fs.walk().into_iter();
            let files = files.filter(|(path, _)| self.left_out(path));
            kept.extend(files.map(|(_, ino)| digest_of(&side.fs.inodes[&ino].data)));
        }
        drop(state);
        let local = self.locals.iter().flat_map(crate::local::Engine::conflicts);
        let local = local.map(|(_, conflict)| conflict);
        let late = self.upstream.late_writes().map(|(_, conflict)| conflict);
        for conflict in local.chain(late) {
            let versions = [&conflict.local, &conflict.upstream];
            let digests = versions.into_iter().filter_map(oriel_wire::sync::Entry::digest);
            kept.extend(digests.filter(|digest| self.has_blob(digest)));
        }
        let missing = self.state.borrow().oracle.missing(&kept);
        wrong.extend(missing.into_iter().map(|text| format!("lost: {text}")));
    }

    /// What was deleted stays away, unless somebody was told.
    fn judge_deletes(&self, trees: &[BTreeMap<String, Thing>], wrong: &mut Vec<String>) {
        if self.is_restored {
            return;
        }
        let told = |path: &RelPath| {
            let around = self.noticed.iter().chain(&self.clashed);
            around.into_iter().any(|other| path.starts_with(other))
        };
        let state = self.state.borrow();
        for (path, thing) in self.people().into_iter().flat_map(|side| &trees[side]) {
            let is_same = trees[UPSTREAM].get(path) == Some(thing) && thing.kind == Kind::File;
            let is_taken = state.oracle.is_taken(path, digest_of(&thing.data));
            if is_same && is_taken && !told(&RelPath::parse(path).unwrap()) {
                wrong.push(format!("{path} came back: {}", shown(Some(thing))));
            }
        }
    }

    /// Looking at everything once more finds nothing to do.
    fn judge_rest(&mut self, wrong: &mut Vec<String>) {
        let before = self.changes;
        (0..self.count()).for_each(|side| self.rescan(side));
        self.settle();
        if self.changes != before {
            wrong.push(format!("{} changes more after it had settled", self.changes - before));
        }
    }
}

fn shown(thing: Option<&Thing>) -> String {
    thing.map_or("nothing".to_owned(), |thing| {
        let text = String::from_utf8_lossy(&thing.data);
        format!("{:?} {text:.16} exec {}", thing.kind, thing.exec)
    })
}
