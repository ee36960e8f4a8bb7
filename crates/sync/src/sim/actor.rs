//! Those who write: a person with editors and shells, and an agent. What they do comes in small steps,
//! between which anything can happen.

use std::collections::VecDeque;

use fastrand::Rng;

use super::fs::Ino;
use super::state::State;
use crate::stat::Kind;

/// One step.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    /// Opens a file to write it in place, which empties it.
    Open(String),
    /// Opens a file to write it later, and leaves it as it is until then.
    Hold(String),
    /// Writes more of what is to be in it.
    Write(usize),
    /// Writes the rest, and is finished.
    Close,
    /// Does nothing for a moment.
    Wait,
    /// Makes a file as a whole.
    Create(String, Vec<u8>),
    Rename(String, String),
    Remove(String),
    MakeDir(String),
    RemoveDir(String),
    Chmod(String),
    Link(String, String),
    Sync,
}

/// A file that is being written in place.
#[derive(Debug)]
struct Open {
    path: String,
    ino: Ino,
    data: Vec<u8>,
    at: usize,
    /// What was in it is there still.
    is_untouched: bool,
}

/// Somebody who writes.
#[derive(Debug)]
pub(crate) struct Actor {
    side: usize,
    who: char,
    steps: VecDeque<Step>,
    open: Option<Open>,
    /// What is left to begin.
    pub(crate) budget: usize,
    syncs: bool,
    /// How many of the names there are to choose from: with few, both sides meet often.
    names: usize,
}

const NAMES: [&str; 9] = ["a", "b", "c", "d/a", "d/b", "d/e/a", "d/e/b", "f/a", "f/g/h/a"];
const FOLDERS: [&str; 5] = ["d", "d/e", "f", "f/g", "f/g/h"];

impl Actor {
    pub(crate) fn new(side: usize, budget: usize, syncs: bool, names: usize) -> Self {
        let who = ['u', 'g', 'v'][side];
        Self {
            side,
            who,
            steps: VecDeque::new(),
            open: None,
            budget,
            syncs,
            names: names.min(NAMES.len()),
        }
    }

    pub(crate) fn is_idle(&self) -> bool {
        self.steps.is_empty() && self.open.is_none() && self.budget == 0
    }

    /// The machine went down with whatever was being done.
    pub(crate) fn interrupted(&mut self) {
        self.steps.clear();
        self.open = None;
    }

    /// Does a step.
    pub(crate) fn act(&mut self, state: &mut State, rng: &mut Rng) {
        if self.steps.is_empty() && 0 < self.budget {
            self.budget -= 1;
            self.begin(state, rng);
        }
        if let Some(step) = self.steps.pop_front() {
            self.step(state, step);
        }
    }

    fn begin(&mut self, state: &mut State, rng: &mut Rng) {
        let (one, other) = (self.name(rng), self.name(rng));
        let size = 8 + rng.usize(..24);
        let drawn = if self.names == 1 && rng.bool() { 0 } else { rng.u8(..20) };
        let steps = match drawn {
            0..=3 => self.in_place(rng, one),
            4..=6 => self.atomic(state, rng, one, size),
            7 => self.vim(state, one, size),
            8 => swap(&one, &other),
            9 => vec![Step::Rename(one, other)],
            10..=12 => vec![Step::Remove(one)],
            13 => self.nested(state, size),
            14 => remove_all(state, self.side, FOLDERS[rng.usize(..FOLDERS.len())]),
            15 => self.burst(state, rng, size),
            16 => vec![Step::Chmod(one)],
            17 => vec![Step::Remove(one.clone()), Step::Link(one, "b".to_owned())],
            18 => retype(state, self.side, self.who, rng, size),
            _ => vec![Step::Rename(
                FOLDERS[rng.usize(..FOLDERS.len())].to_owned(),
                ["k", "d/k", "f"][rng.usize(..3)].to_owned(),
            )],
        };
        self.steps.extend(steps);
        if self.syncs && rng.bool() {
            self.steps.push_back(Step::Sync);
        }
    }

    fn name(&self, rng: &mut Rng) -> String {
        NAMES[rng.usize(..self.names)].to_owned()
    }

    /// Many at once, as when another branch is checked out.
    fn burst(&self, state: &mut State, rng: &mut Rng, size: usize) -> Vec<Step> {
        let one = |_| Step::Create(self.name(rng), state.oracle.unique(self.who, size));
        (0..4).map(one).collect()
    }

    /// As editors do that keep the inode: the file is empty for a while.
    fn in_place(&self, rng: &mut Rng, path: String) -> Vec<Step> {
        let mut steps = vec![if rng.bool() { Step::Open(path) } else { Step::Hold(path) }];
        // A program may have a file open for long before it writes.
        if rng.bool() {
            steps.extend(std::iter::repeat_n(Step::Wait, rng.usize(..40)));
        }
        steps.extend((0..rng.usize(..4)).map(|_| Step::Write(1 + rng.usize(..12))));
        steps.push(Step::Close);
        steps
    }

    fn atomic(&self, state: &mut State, rng: &mut Rng, path: String, size: usize) -> Vec<Step> {
        // Some of these names are left out of the tree and some are not.
        let temporary = format!("{path}{}", if rng.bool() { "~" } else { ".new" });
        let data = state.oracle.unique(self.who, size);
        vec![Step::Create(temporary.clone(), data), Step::Rename(temporary, path)]
    }

    fn vim(&self, state: &mut State, path: String, size: usize) -> Vec<Step> {
        let backup = format!("{path}~");
        let data = state.oracle.unique(self.who, size);
        vec![
            Step::Rename(path.clone(), backup.clone()),
            Step::Create(path, data),
            Step::Remove(backup),
        ]
    }

    fn nested(&self, state: &mut State, size: usize) -> Vec<Step> {
        let folders = ["f", "f/g", "f/g/h"].map(|path| Step::MakeDir(path.to_owned()));
        let data = state.oracle.unique(self.who, size);
        let mut steps = folders.to_vec();
        steps.push(Step::Create("f/g/h/a".to_owned(), data));
        steps
    }

    fn opened(&mut self, state: &mut State, path: String, ino: Ino, is_untouched: bool) {
        let data = state.oracle.unique(self.who, 8 + path.len() * 3);
        self.open = Some(Open { path, ino, data, at: 0, is_untouched });
    }

    fn step(&mut self, state: &mut State, step: Step) {
        let side = self.side;
        match step {
            Step::Open(path) => {
                let Some(ino) = state.actor_open(side, &path, true) else { return };
                self.opened(state, path, ino, false);
            }
            Step::Hold(path) => {
                let Some(ino) = state.actor_open(side, &path, false) else { return };
                self.opened(state, path, ino, true);
            }
            Step::Write(count) => {
                if let Some(open) = &mut self.open {
                    if std::mem::take(&mut open.is_untouched) {
                        state.actor_overwrite(side, open.ino, &open.path);
                    }
                    open.at = (open.at + count).min(open.data.len());
                    state.actor_write(side, open.ino, &open.path, &open.data[..open.at]);
                }
            }
            Step::Close => {
                if let Some(open) = self.open.take() {
                    if open.is_untouched {
                        state.actor_overwrite(side, open.ino, &open.path);
                    }
                    state.actor_close(side, open.ino, &open.path, &open.data);
                }
            }
            Step::Wait => {}
            Step::Create(path, data) => state.actor_create(side, &path, &data),
            Step::Rename(from, to) => state.actor_rename(side, &from, &to),
            Step::Remove(path) => state.actor_remove(side, &path),
            Step::MakeDir(path) => state.actor_make(side, &path, Kind::Dir, ""),
            Step::RemoveDir(path) => state.actor_remove_dir(side, &path),
            Step::Chmod(path) => state.actor_chmod(side, &path),
            Step::Link(path, target) => state.actor_make(side, &path, Kind::Symlink, &target),
            Step::Sync => state.actor_sync(side),
        }
    }
}

fn swap(one: &str, other: &str) -> Vec<Step> {
    let between = format!("{one}.swap");
    vec![
        Step::Rename(one.to_owned(), between.clone()),
        Step::Rename(other.to_owned(), one.to_owned()),
        Step::Rename(between, other.to_owned()),
    ]
}

/// As `rm -rf` does: one after the other.
fn remove_all(state: &State, side: usize, folder: &str) -> Vec<Step> {
    let prefix = format!("{folder}/");
    let fs = &state.sides[side].fs;
    let mut steps: Vec<_> = fs
        .walk()
        .into_iter()
        .filter(|(path, _)| path == folder || path.starts_with(&prefix))
        .map(|(path, ino)| match fs.inodes[&ino].kind {
            Kind::Dir => Step::RemoveDir(path),
            _ => Step::Remove(path),
        })
        .collect();
    steps.reverse();
    steps
}

/// Makes a folder where a file was, or a file where a folder was.
fn retype(state: &mut State, side: usize, who: char, rng: &mut Rng, size: usize) -> Vec<Step> {
    let data = state.oracle.unique(who, size);
    if rng.bool() {
        let mut steps = remove_all(state, side, "d/e");
        steps.push(Step::Create("d/e".to_owned(), data));
        steps
    } else {
        vec![
            Step::Remove("d/e".to_owned()),
            Step::MakeDir("d/e".to_owned()),
            Step::Create("d/e/a".to_owned(), data),
        ]
    }
}
