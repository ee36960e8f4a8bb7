//! A file system in memory: inodes, open files that outlive their names, and what a loss of power leaves.
//!
//! Names change in steps that are all or nothing. A step is on disk once the names of a folder that it
//! touched were synced, and so are all steps before it. Of the others a loss of power keeps some: a later
//! one may survive an earlier one, unless both are about the same name.

use std::collections::{BTreeMap, BTreeSet};

use fastrand::Rng;

use crate::stat::{Kind, Stat};

/// The number of an inode.
pub(crate) type Ino = u64;

/// The root of the synced tree, and the folder of the slots.
pub(crate) const ROOT: Ino = 1;
pub(crate) const SLOTS: Ino = 2;

/// A name in a folder.
pub(crate) type Cell = (Ino, String);

#[derive(Debug, Clone)]
pub(crate) struct Inode {
    pub(crate) kind: Kind,
    /// Of a file its content, of a link where it leads.
    pub(crate) data: Vec<u8>,
    /// What of that is on disk.
    durable: Vec<u8>,
    mtime_ns: i64,
    ctime_ns: i64,
    pub(crate) mode: u32,
    /// How many have it open.
    pub(crate) open: u32,
}

/// The file system of one side.
#[derive(Debug)]
pub(crate) struct SimFs {
    pub(crate) inodes: BTreeMap<Ino, Inode>,
    names: BTreeMap<Cell, Ino>,
    durable: BTreeMap<Cell, Ino>,
    steps: Vec<Vec<(Cell, Option<Ino>)>>,
    last_ino: Ino,
    pub(crate) granularity_ns: i64,
}

impl SimFs {
    pub(crate) fn new(granularity_ns: i64) -> Self {
        let mut fs = Self {
            inodes: BTreeMap::new(),
            names: BTreeMap::new(),
            durable: BTreeMap::new(),
            steps: Vec::new(),
            last_ino: 0,
            granularity_ns,
        };
        for _ in [ROOT, SLOTS] {
            fs.make(Kind::Dir, Vec::new(), 0o755, 0);
        }
        fs
    }

    pub(crate) fn make(&mut self, kind: Kind, data: Vec<u8>, mode: u32, now_ns: i64) -> Ino {
        self.last_ino += 1;
        let time = self.coarse(now_ns);
        let durable = if kind == Kind::File { Vec::new() } else { data.clone() };
        let inode = Inode { kind, data, durable, mtime_ns: time, ctime_ns: time, mode, open: 0 };
        self.inodes.insert(self.last_ino, inode);
        self.last_ino
    }

    const fn coarse(&self, now_ns: i64) -> i64 {
        now_ns - now_ns.rem_euclid(self.granularity_ns)
    }

    /// Returns what a path stands for.
    pub(crate) fn find(&self, path: &str) -> Option<Ino> {
        let cell = self.cell(path)?;
        self.names.get(&cell).copied()
    }

    /// Returns the name that a path is, if its folder is there.
    pub(crate) fn cell(&self, path: &str) -> Option<Cell> {
        let mut at = ROOT;
        let mut parts = path.split('/').peekable();
        while let Some(part) = parts.next() {
            if parts.peek().is_none() {
                return Some((at, part.to_owned()));
            }
            at = *self.names.get(&(at, part.to_owned()))?;
            if self.inodes[&at].kind != Kind::Dir {
                return None;
            }
        }
        None
    }

    pub(crate) fn get(&self, cell: &Cell) -> Option<Ino> {
        self.names.get(cell).copied()
    }

    pub(crate) fn within(&self, folder: Ino) -> Vec<(String, Ino)> {
        let from = (folder, String::new());
        let names = self.names.range(from..).take_while(|((ino, _), _)| *ino == folder);
        names.map(|((_, name), ino)| (name.clone(), *ino)).collect()
    }

    pub(crate) fn stat(&self, ino: Ino) -> Stat {
        let inode = &self.inodes[&ino];
        Stat {
            kind: inode.kind,
            dev: 1,
            ino,
            size: inode.data.len() as u64,
            mtime_ns: inode.mtime_ns,
            ctime_ns: inode.ctime_ns,
            mode: inode.mode,
        }
    }

    /// Changes what names stand for, all of it or nothing of it.
    pub(crate) fn set(&mut self, step: Vec<(Cell, Option<Ino>)>, now_ns: i64) {
        let time = self.coarse(now_ns);
        for (cell, ino) in &step {
            if let Some(inode) = self.inodes.get_mut(&cell.0) {
                (inode.mtime_ns, inode.ctime_ns) = (time, time);
            }
            match ino {
                Some(ino) => {
                    if let Some(inode) = self.inodes.get_mut(ino) {
                        inode.ctime_ns = time;
                    }
                    self.names.insert(cell.clone(), *ino)
                }
                None => self.names.remove(cell),
            };
        }
        self.steps.push(step);
    }

    pub(crate) fn write(&mut self, ino: Ino, data: Vec<u8>, now_ns: i64) {
        let time = self.coarse(now_ns);
        if let Some(inode) = self.inodes.get_mut(&ino) {
            (inode.data, inode.mtime_ns, inode.ctime_ns) = (data, time, time);
        }
    }

    pub(crate) fn chmod(&mut self, ino: Ino, mode: u32, now_ns: i64) {
        let time = self.coarse(now_ns);
        if let Some(inode) = self.inodes.get_mut(&ino) {
            (inode.mode, inode.ctime_ns) = (mode, time);
        }
    }

    pub(crate) fn sync(&mut self, ino: Ino) {
        if let Some(inode) = self.inodes.get_mut(&ino) {
            inode.durable = inode.data.clone();
        }
    }

    pub(crate) fn sync_names(&mut self, folder: Ino) {
        let touches =
            |step: &Vec<(Cell, Option<Ino>)>| step.iter().any(|(cell, _)| cell.0 == folder);
        if let Some(last) = self.steps.iter().rposition(touches) {
            for step in self.steps.drain(..=last).collect::<Vec<_>>() {
                self.keep(step);
            }
        }
    }

    pub(crate) fn sync_all(&mut self) {
        for step in std::mem::take(&mut self.steps) {
            self.keep(step);
        }
        let all: Vec<_> = self.inodes.keys().copied().collect();
        all.into_iter().for_each(|ino| self.sync(ino));
    }

    fn keep(&mut self, step: Vec<(Cell, Option<Ino>)>) {
        for (cell, ino) in step {
            match ino {
                Some(ino) => self.durable.insert(cell, ino),
                None => self.durable.remove(&cell),
            };
        }
    }

    /// The power goes. What was not synced is there, in part or not at all.
    pub(crate) fn lose_power(&mut self, rng: &mut Rng) {
        let mut dropped: BTreeSet<Cell> = BTreeSet::new();
        // Nothing is in a folder that is not there.
        let mut folders: BTreeSet<Ino> = BTreeSet::new();
        for step in std::mem::take(&mut self.steps) {
            let follows =
                step.iter().any(|(cell, _)| dropped.contains(cell) || folders.contains(&cell.0));
            if follows || rng.u8(..3) == 0 {
                folders.extend(step.iter().filter_map(|(_, ino)| *ino));
                dropped.extend(step.into_iter().map(|(cell, _)| cell));
            } else {
                self.keep(step);
            }
        }
        self.names = self.durable.clone();
        for inode in self.inodes.values_mut() {
            inode.open = 0;
            if inode.data != inode.durable {
                inode.data = match rng.u8(..3) {
                    0 => inode.durable.clone(),
                    1 => inode.data[..rng.usize(..=inode.data.len())].to_vec(),
                    _ => inode.data.clone(),
                };
                inode.durable = inode.data.clone();
            }
        }
        self.remove_lost();
    }

    /// What has no name is nowhere after the power was lost, and a folder has one name at most.
    fn remove_lost(&mut self) {
        let mut reached = BTreeSet::from([ROOT, SLOTS]);
        let mut folders = vec![ROOT, SLOTS];
        while let Some(folder) = folders.pop() {
            for (name, ino) in self.within(folder) {
                if !reached.insert(ino) && self.inodes[&ino].kind == Kind::Dir {
                    self.names.remove(&(folder, name));
                } else if self.inodes[&ino].kind == Kind::Dir {
                    folders.push(ino);
                }
            }
        }
        self.names.retain(|(folder, _), _| reached.contains(folder));
        self.durable = self.names.clone();
    }

    /// Returns every path in the tree and what it stands for.
    pub(crate) fn walk(&self) -> Vec<(String, Ino)> {
        let (mut found, mut folders) = (Vec::new(), vec![(String::new(), ROOT)]);
        while let Some((prefix, folder)) = folders.pop() {
            for (name, ino) in self.within(folder) {
                let path = if prefix.is_empty() { name } else { format!("{prefix}/{name}") };
                if self.inodes[&ino].kind == Kind::Dir {
                    folders.push((path.clone(), ino));
                }
                found.push((path, ino));
            }
        }
        found.sort();
        found
    }
}
