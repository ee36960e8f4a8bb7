//! Everything that is simulated and touched between two calls of the system: all machines, those who
//! write on them, and what is remembered of it to judge the outcome.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hasher as _};

use fastrand::Rng;
use oriel_wire::sync::{Digest, RelPath};

use super::actor::Actor;
use super::fs::{Cell, Ino, SimFs};
use super::machine::{Machine, Watch, Written};
use super::oracle::Oracle;
use super::run::SIDES;
use crate::digest_of;
use crate::stat::Kind;

/// How many events wait at most; beyond it all are lost, and that is told.
const EVENTS_MAX: usize = 48;

/// Everything.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) rng: Rng,
    pub(crate) now_ms: u64,
    pub(crate) sides: [Machine; SIDES],
    pub(crate) actors: [Option<Actor>; SIDES],
    pub(crate) oracle: Oracle,
    /// How many calls there were, and at which of them a process ends.
    pub(crate) calls: [u64; SIDES],
    pub(crate) stop_at: [Option<u64>; SIDES],
    /// How many calls there were that failed, or met a folder that was away.
    pub(crate) failed_calls: u64,
    /// Calls may fail.
    pub(crate) has_faults: bool,
    /// The folders may go away between calls.
    pub(crate) has_mishaps: bool,
    /// Those who write do so between calls as well.
    pub(crate) is_busy: bool,
    /// Between how many calls once.
    pub(crate) calls_apart: u8,
    trace: DefaultHasher,
    pub(crate) is_loud: bool,
}

impl State {
    pub(crate) fn new(rng: Rng, granularity_ns: i64, limit: usize, skews_ns: [i64; SIDES]) -> Self {
        let machine = |skew_ns| Machine {
            fs: SimFs::new(granularity_ns),
            blobs: BTreeMap::new(),
            parts: BTreeMap::new(),
            journal: Written::default(),
            watch: Watch { limit, ..Watch::default() },
            is_stopped: false,
            skew_ns,
            removed: BTreeSet::new(),
            boots: 0,
            is_root_away: false,
        };
        Self {
            rng,
            now_ms: 1_000_000,
            sides: skews_ns.map(machine),
            actors: Default::default(),
            oracle: Oracle::default(),
            calls: [0; SIDES],
            stop_at: [None; SIDES],
            failed_calls: 0,
            has_faults: false,
            has_mishaps: false,
            is_busy: false,
            calls_apart: 6,
            trace: DefaultHasher::new(),
            is_loud: false,
        }
    }

    /// Remembers that something happened.
    pub(crate) fn trace(&mut self, what: impl FnOnce() -> String, key: impl std::hash::Hash) {
        key.hash(&mut self.trace);
        if self.is_loud {
            println!("{:>9} {}", self.now_ms, what());
        }
    }

    pub(crate) fn trace_hash(&self) -> u64 {
        self.trace.finish()
    }

    pub(crate) fn now_ns(&self, side: usize) -> i64 {
        i64::try_from(self.now_ms).unwrap() * 1_000_000 + self.sides[side].skew_ns
    }

    /// Lets whoever writes on a machine do a step.
    pub(crate) fn act(&mut self, side: usize) {
        if self.sides[side].is_root_away {
            return;
        }
        if let Some(mut actor) = self.actors[side].take() {
            let mut rng = self.rng.fork();
            actor.act(self, &mut rng);
            self.actors[side] = Some(actor);
        }
    }

    /// Tells whoever watches the folder of a name.
    pub(crate) fn tell(&mut self, side: usize, cell: &Cell, by_engine: bool) {
        let now_ms = self.now_ms;
        let watch = &mut self.sides[side].watch;
        let Some(folder) = watch.watched.get(&cell.0) else { return };
        let path = if folder.is_empty() { cell.1.clone() } else { format!("{folder}/{}", cell.1) };
        if by_engine {
            watch.echoes.insert(path.clone(), now_ms);
        }
        watch.events.push_back(path);
        if EVENTS_MAX < watch.events.len() {
            watch.events.clear();
            watch.has_overflowed = true;
        }
    }

    /// Begins to watch a folder. Returns whether that was possible.
    pub(crate) fn watch(&mut self, side: usize, ino: Ino, path: &str) -> bool {
        let watch = &mut self.sides[side].watch;
        if watch.limit <= watch.watched.len() && !watch.watched.contains_key(&ino) {
            return false;
        }
        watch.watched.insert(ino, path.to_owned());
        true
    }

    /// The process that watched has ended.
    pub(crate) fn unwatch(&mut self, side: usize) {
        let watch = &mut self.sides[side].watch;
        *watch = Watch { limit: watch.limit, ..Watch::default() };
    }

    /// Somebody moves the synced folder away, with all that is in it, sync's own folder as well.
    pub(crate) fn lose_root(&mut self, side: usize) {
        self.trace(|| format!("the folder of {side} goes away"), side);
        self.sides[side].is_root_away = true;
        self.unwatch(side);
    }

    /// It is back, and nobody watches it any more.
    pub(crate) fn put_root_back(&mut self, side: usize) {
        if std::mem::take(&mut self.sides[side].is_root_away) {
            self.trace(|| format!("the folder of {side} is back"), side);
            self.sides[side].watch.has_overflowed = true;
        }
    }

    /// Returns the contents of the files in a tree.
    pub(crate) fn contents(&self, side: usize) -> BTreeSet<Digest> {
        let fs = &self.sides[side].fs;
        fs.walk().iter().map(|(_, ino)| digest_of(&fs.inodes[ino].data)).collect()
    }

    /// Returns the contents of the files in a tree that nobody has taken away from where they are. What
    /// somebody has moved on the other machine is to go here, and may go at any moment; so may what is being
    /// put here, if somebody is found to have written what it took the place of.
    pub(crate) fn standing(&self, side: usize) -> BTreeSet<Digest> {
        let fs = &self.sides[side].fs;
        let files = fs.walk().into_iter();
        let files = files.map(|(path, ino)| (path, digest_of(&fs.inodes[&ino].data)));
        let goes = |path: &str, digest: Digest| {
            let journal = &self.sides[side].journal;
            self.oracle.is_taken(path, digest) || journal.is_under_way(path, digest)
        };
        let standing = files.filter(|(path, digest)| !goes(path, *digest));
        standing.map(|(_, digest)| digest).collect()
    }

    /// Returns the contents of all files there ever were on a machine.
    pub(crate) fn everything(&self, side: usize) -> BTreeSet<Digest> {
        self.sides[side].fs.inodes.values().map(|inode| digest_of(&inode.data)).collect()
    }

    /// The journal is gone, and perhaps all else.
    pub(crate) fn begin_anew(&mut self, side: usize, is_wiped: bool) {
        // What was half written when it went can be on the other machine, and nobody goes on with it: whoever
        // writes is gone, or writes to what is in a slot of which nobody knows any more.
        for machine in &self.sides {
            let half: Vec<_> = machine.blobs.values().cloned().collect();
            half.iter().for_each(|data| self.oracle.torn(data));
        }
        let machine = &mut self.sides[side];
        let slots = machine.fs.within(super::fs::SLOTS).into_iter();
        let slots = slots.map(|(name, _)| ((super::fs::SLOTS, name), None)).collect();
        machine.fs.set(slots, 0);
        machine.journal = Written::default();
        if is_wiped {
            machine.fs = SimFs::new(machine.fs.granularity_ns);
            machine.blobs.clear();
            machine.parts.clear();
            machine.removed.clear();
            if let Some(actor) = &mut self.actors[side] {
                actor.interrupted();
            }
        }
    }

    fn file(&self, side: usize, path: &str) -> Option<Ino> {
        let fs = &self.sides[side].fs;
        fs.find(path).filter(|ino| fs.inodes[ino].kind == Kind::File)
    }

    fn data(&self, side: usize, ino: Ino) -> Vec<u8> {
        self.sides[side].fs.inodes[&ino].data.clone()
    }

    /// Whoever looks at a file's content replaces or removes it.
    fn settle(&mut self, side: usize, path: &str, ino: Ino) {
        let data = self.data(side, ino);
        // A file that was just made holds nothing yet.
        if !data.is_empty() {
            self.oracle.settled(&data);
            self.oracle.taken(side, path, &data);
        }
    }

    fn tell_path(&mut self, side: usize, path: &str) {
        if let Some(cell) = self.sides[side].fs.cell(path) {
            self.tell(side, &cell, false);
        }
    }

    pub(crate) fn actor_open(&mut self, side: usize, path: &str, empties: bool) -> Option<Ino> {
        let now_ns = self.now_ns(side);
        let cell = self.sides[side].fs.cell(path)?;
        let ino = match self.sides[side].fs.get(&cell) {
            None => {
                let fs = &mut self.sides[side].fs;
                let ino = fs.make(Kind::File, Vec::new(), 0o644, now_ns);
                fs.set(vec![(cell.clone(), Some(ino))], now_ns);
                ino
            }
            Some(_) => self.file(side, path)?,
        };
        if empties {
            self.settle(side, path, ino);
            self.sides[side].fs.write(ino, Vec::new(), now_ns);
        }
        let fs = &mut self.sides[side].fs;
        fs.inodes.get_mut(&ino).unwrap().open += 1;
        self.trace(|| format!("{side} opens {path} ({ino})"), (side, path, ino));
        self.tell(side, &cell, false);
        Some(ino)
    }

    /// Whoever has a file open is about to write over what it holds, wherever it is by now.
    pub(crate) fn actor_overwrite(&mut self, side: usize, ino: Ino, path: &str) {
        if self.sides[side].fs.find(path) == Some(ino) {
            self.settle(side, path, ino);
        } else {
            let data = self.data(side, ino);
            self.oracle.settled(&data);
        }
    }

    pub(crate) fn actor_write(&mut self, side: usize, ino: Ino, path: &str, data: &[u8]) {
        let now_ns = self.now_ns(side);
        self.sides[side].fs.write(ino, data.to_vec(), now_ns);
        self.trace(|| format!("{side} writes {path} ({ino})"), (side, path, ino, data));
        // The system tells of a file under the name that it was opened by, while it has it.
        if self.sides[side].fs.find(path) == Some(ino) {
            self.tell_path(side, path);
        }
    }

    pub(crate) fn actor_close(&mut self, side: usize, ino: Ino, path: &str, data: &[u8]) {
        self.actor_write(side, ino, path, data);
        self.trace(|| format!("{side} closes {path} ({ino})"), (side, path, ino));
        self.oracle.written(data);
        let machine = &mut self.sides[side];
        machine.fs.inodes.get_mut(&ino).unwrap().open -= 1;
        let is_in_slot = machine.fs.within(super::fs::SLOTS).iter().any(|(_, other)| *other == ino);
        let tree = machine.fs.walk();
        let path = tree.iter().find(|(_, other)| *other == ino).map(|(path, _)| path.clone());
        match path {
            Some(path) => {
                self.oracle.put(side, &path, data);
                self.tell_path(side, &path);
            }
            // Who wrote it has removed it meanwhile.
            None if !is_in_slot && !self.sides[side].removed.contains(&ino) => {
                self.oracle.settled(data);
            }
            None => {}
        }
    }

    pub(crate) fn actor_create(&mut self, side: usize, path: &str, data: &[u8]) {
        let now_ns = self.now_ns(side);
        let Some(cell) = self.sides[side].fs.cell(path) else { return };
        let ino = match self.sides[side].fs.get(&cell) {
            Some(_) => match self.file(side, path) {
                Some(ino) => ino,
                None => return,
            },
            None => {
                let fs = &mut self.sides[side].fs;
                let ino = fs.make(Kind::File, Vec::new(), 0o644, now_ns);
                fs.set(vec![(cell.clone(), Some(ino))], now_ns);
                ino
            }
        };
        self.settle(side, path, ino);
        self.sides[side].fs.write(ino, data.to_vec(), now_ns);
        self.oracle.written(data);
        self.oracle.put(side, path, data);
        self.trace(|| format!("{side} creates {path} ({ino})"), (side, path, data));
        self.tell(side, &cell, false);
    }

    pub(crate) fn actor_rename(&mut self, side: usize, from: &str, to: &str) {
        let now_ns = self.now_ns(side);
        let fs = &self.sides[side].fs;
        let (Some(ino), Some(old), Some(new)) = (fs.find(from), fs.cell(from), fs.cell(to)) else {
            return;
        };
        let is_within = to == from || to.starts_with(&format!("{from}/"));
        let over = fs.get(&new);
        let is_file = |ino: Ino| fs.inodes[&ino].kind != Kind::Dir;
        if is_within || over.is_some_and(|over| !is_file(over) || !is_file(ino)) {
            return;
        }
        if let Some(over) = over.and_then(|_| self.file(side, to)) {
            self.settle(side, to, over);
        }
        let prefix = format!("{from}/");
        for (path, ino) in self.sides[side].fs.walk() {
            let rest = if path == from { Some("") } else { path.strip_prefix(&prefix) };
            let Some(rest) = rest else { continue };
            if self.sides[side].fs.inodes[&ino].kind == Kind::File {
                let data = self.data(side, ino);
                let moved = if rest.is_empty() { to.to_owned() } else { format!("{to}/{rest}") };
                // It may be half of what the other side is still writing; here it is what was moved.
                self.oracle.torn(&data);
                self.oracle.taken(side, &path, &data);
                self.oracle.put(side, &moved, &data);
                self.oracle.renamed(&data);
            }
        }
        let step = vec![(old.clone(), None), (new.clone(), Some(ino))];
        self.sides[side].fs.set(step, now_ns);
        self.trace(|| format!("{side} renames {from} to {to} ({ino})"), (side, from, to));
        self.tell(side, &old, false);
        self.tell(side, &new, false);
    }

    pub(crate) fn actor_remove(&mut self, side: usize, path: &str) {
        let fs = &self.sides[side].fs;
        let (Some(ino), Some(cell)) = (fs.find(path), fs.cell(path)) else { return };
        if fs.inodes[&ino].kind == Kind::Dir {
            return;
        }
        if self.file(side, path).is_some() {
            self.settle(side, path, ino);
        }
        self.drop_name(side, path, &cell);
    }

    pub(crate) fn actor_remove_dir(&mut self, side: usize, path: &str) {
        let fs = &self.sides[side].fs;
        let (Some(ino), Some(cell)) = (fs.find(path), fs.cell(path)) else { return };
        if fs.inodes[&ino].kind == Kind::Dir && fs.within(ino).is_empty() {
            self.drop_name(side, path, &cell);
        }
    }

    fn drop_name(&mut self, side: usize, path: &str, cell: &Cell) {
        let now_ns = self.now_ns(side);
        self.sides[side].fs.set(vec![(cell.clone(), None)], now_ns);
        self.trace(|| format!("{side} removes {path}"), (side, path));
        self.tell(side, cell, false);
    }

    pub(crate) fn actor_make(&mut self, side: usize, path: &str, kind: Kind, target: &str) {
        let now_ns = self.now_ns(side);
        let fs = &mut self.sides[side].fs;
        let Some(cell) = fs.cell(path).filter(|cell| fs.get(cell).is_none()) else { return };
        let ino = fs.make(kind, target.as_bytes().to_vec(), 0o755, now_ns);
        fs.set(vec![(cell.clone(), Some(ino))], now_ns);
        self.trace(|| format!("{side} makes {path} ({ino})"), (side, path));
        self.tell(side, &cell, false);
    }

    pub(crate) fn actor_chmod(&mut self, side: usize, path: &str) {
        let now_ns = self.now_ns(side);
        let Some(ino) = self.file(side, path) else { return };
        let fs = &mut self.sides[side].fs;
        let mode = fs.inodes[&ino].mode ^ 0o111;
        fs.chmod(ino, mode, now_ns);
        self.trace(|| format!("{side} changes the mode of {path} ({ino})"), (side, path));
        let data = self.data(side, ino);
        self.oracle.torn(&data);
        self.oracle.put(side, path, &data);
        self.tell_path(side, path);
    }

    pub(crate) fn actor_sync(&mut self, side: usize) {
        self.sides[side].fs.sync_all();
        // What has no name is nowhere after the power was lost, however often it was brought to disk.
        let fs = &self.sides[side].fs;
        let named = fs.walk().into_iter().chain(fs.within(super::fs::SLOTS));
        let all: Vec<_> = named.map(|(_, ino)| fs.inodes[&ino].data.clone()).collect();
        all.iter().for_each(|data| self.oracle.durable(data));
    }

    /// What is at these paths could not be brought to disk: it is as safe as its author left it.
    pub(crate) fn unsecured(&mut self, side: usize, paths: &[RelPath]) {
        for path in paths {
            if let Some(ino) = self.file(side, path.as_str()) {
                let data = self.data(side, ino);
                self.oracle.unsecured(&data);
            }
        }
    }

    /// The power of a machine goes.
    pub(crate) fn lose_power(&mut self, side: usize) {
        let files = |fs: &SimFs| -> Vec<(String, Vec<u8>)> {
            let is_file = |ino: &Ino| fs.inodes[ino].kind == Kind::File;
            let files = fs.walk().into_iter().filter(|(_, ino)| is_file(ino));
            files.map(|(path, ino)| (path, fs.inodes[&ino].data.clone())).collect()
        };
        let slots = |fs: &SimFs| -> Vec<Vec<u8>> {
            let slots = fs.within(super::fs::SLOTS).into_iter();
            slots.map(|(_, ino)| fs.inodes[&ino].data.clone()).collect()
        };
        let before = files(&self.sides[side].fs);
        let slots_before = slots(&self.sides[side].fs);
        let mut rng = self.rng.fork();
        self.sides[side].fs.lose_power(&mut rng);
        self.sides[side].boots += 1;
        let after = files(&self.sides[side].fs);
        for (path, data) in &after {
            // Whoever was writing it does not go on.
            self.oracle.torn(data);
            if !before.contains(&(path.clone(), data.clone())) {
                self.oracle.put(side, path, data);
            }
        }
        let slots_after = slots(&self.sides[side].fs);
        slots_after.iter().for_each(|data| self.oracle.torn(data));
        let kept: BTreeSet<_> = after.iter().map(|(_, data)| data.clone()).collect();
        let all = before.iter().map(|(_, data)| data).chain(&slots_before);
        for data in all.filter(|data| !kept.contains(*data)) {
            self.oracle.lost(data);
        }
    }
}

#[cfg(test)]
mod tests {
    use oriel_wire::sync::Entry;

    use super::super::run::{LOCAL, UPSTREAM};
    use super::*;
    use crate::journal::Write;
    use crate::op::{Op, OpId};

    #[test]
    fn what_was_moved_on_the_other_machine_does_not_stand_where_it_was() {
        let mut state = state();
        for side in [LOCAL, UPSTREAM] {
            // As the engines put it there: nobody who writes did.
            let ino = state.sides[side].fs.make(Kind::File, b"one".to_vec(), 0o644, 0);
            state.sides[side]
                .fs
                .set(vec![((super::super::fs::ROOT, "a".to_owned()), Some(ino))], 0);
        }
        assert_eq!(state.standing(LOCAL), [digest_of(b"one")].into());
        state.actor_rename(UPSTREAM, "a", "b");
        assert!(state.standing(LOCAL).is_empty(), "it goes as soon as that is told");
        assert_eq!(state.standing(UPSTREAM), [digest_of(b"one")].into());
    }

    #[test]
    fn what_is_being_put_somewhere_does_not_stand_there_yet() {
        let mut state = state();
        state.actor_create(LOCAL, "a", b"one");
        assert_eq!(state.standing(LOCAL), [digest_of(b"one")].into());
        let new = Entry::File { digest: digest_of(b"one"), size: 3, exec: false };
        let op = Op {
            id: OpId(1),
            path: RelPath::parse("a").unwrap(),
            expected: Entry::Absent,
            stat: None,
            new: new.clone(),
            agreed: new,
            proposal: None,
        };
        state.sides[LOCAL].write(&[Write::Op(op)]);
        assert!(state.standing(LOCAL).is_empty());
    }

    #[test]
    fn what_has_no_name_any_more_is_not_brought_to_disk() {
        let mut state = state();
        state.oracle.written(b"one");
        let _nameless = state.sides[LOCAL].fs.make(Kind::File, b"one".to_vec(), 0o644, 0);
        state.actor_sync(LOCAL);
        state.oracle.lost(b"one");
        assert!(state.oracle.missing(&BTreeSet::new()).is_empty());
    }

    fn state() -> State {
        State::new(Rng::with_seed(1), 1, usize::MAX, [0; SIDES])
    }
}
