//! What the engine knows of one path beside what is on disk: the ledger, what is there, and what goes on.
#![forbid(unsafe_code)]

use std::ops::Bound;

use oriel_wire::sync::{Digest, Entry, RelPath};

use super::{Engine, Trouble, is_content};
use crate::conflict::ConflictId;
use crate::journal::{Proposed, Row};
use crate::look::Seen;
use crate::op::OpId;

/// What is known of a path.
#[derive(Debug)]
pub(crate) struct Pair {
    /// What both sides last agreed on.
    pub(super) agreed: Entry,
    /// What is there.
    pub(super) there: Entry,
    /// Since which revision.
    pub(super) rev: u64,
    /// What was proposed and not answered.
    pub(super) proposed: Option<Proposed>,
    /// The change to this tree that is under way.
    pub(super) running: Option<OpId>,
    /// The content that it needs and that is here.
    pub(super) ready: Option<Digest>,
    /// The conflict that it waits for.
    pub(super) conflict: Option<ConflictId>,
    /// Why nothing is done.
    pub(super) stuck: Option<Stuck>,
}

/// Why nothing is done about a path for now.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stuck {
    pub(super) why: Trouble,
    /// How often it failed.
    pub(super) failures: u32,
    /// Its time has not come again.
    pub(super) is_waiting: bool,
}

impl Pair {
    pub(super) fn new(row: Row) -> Self {
        let Row { agreed, there, rev, proposed, here: _ } = row;
        let mut pair = Self::known(agreed, there, rev);
        pair.proposed = proposed;
        pair
    }

    const fn known(agreed: Entry, there: Entry, rev: u64) -> Self {
        Self {
            agreed,
            there,
            rev,
            proposed: None,
            running: None,
            ready: None,
            conflict: None,
            stuck: None,
        }
    }

    /// Nothing is there, nothing is agreed on and nothing goes on.
    const fn is_nothing(&self) -> bool {
        matches!(self.agreed, Entry::Absent)
            && matches!(self.there, Entry::Absent)
            && self.proposed.is_none()
            && self.running.is_none()
            && self.conflict.is_none()
    }
}

pub(super) static NOTHING: Entry = Entry::Absent;

impl Engine {
    pub(super) fn pair(&mut self, path: &RelPath) -> &mut Pair {
        let nothing = || Pair::known(Entry::Absent, Entry::Absent, 0);
        self.pairs.entry(path.clone()).or_insert_with(nothing)
    }

    pub(super) fn agreed(&self, path: &RelPath) -> &Entry {
        self.pairs.get(path).map_or(&NOTHING, |pair| &pair.agreed)
    }

    pub(super) fn here(&self, path: &RelPath) -> &Entry {
        self.disk.entry(path)
    }

    pub(super) fn there(&self, path: &RelPath) -> &Entry {
        self.pairs.get(path).map_or(&NOTHING, |pair| &pair.there)
    }

    /// Returns what is in a folder there, however deep.
    pub(super) fn beneath_there(
        &self,
        folder: &RelPath,
    ) -> impl Iterator<Item = (&RelPath, &Entry)> {
        let from = (Bound::Excluded(folder.clone()), Bound::Unbounded);
        let folder = folder.clone();
        let pairs = self.pairs.range::<RelPath, _>(from);
        pairs
            .take_while(move |(path, _)| path.starts_with(&folder))
            .map(|(path, pair)| (path, &pair.there))
            .filter(|(_, there)| **there != Entry::Absent)
    }

    /// Both sides have this.
    pub(super) fn agree(&mut self, path: &RelPath, entry: Entry) {
        let pair = self.pair(path);
        let (is, was) = (is_content(&entry), is_content(&pair.agreed));
        pair.agreed = entry;
        self.tracked = self.tracked + usize::from(is) - usize::from(was);
        self.unsaved.insert(path.clone());
        self.touch(path);
    }

    /// This is there. What is known to be newer stays.
    pub(super) fn set_there(&mut self, path: &RelPath, entry: Entry, rev: u64) {
        let entry = self.tracked_there(path, entry);
        let pair = self.pair(path);
        if rev < pair.rev || (rev == pair.rev && pair.there == entry) {
            return;
        }
        pair.rev = rev;
        let was = std::mem::replace(&mut pair.there, entry);
        pair.stuck = None;
        let became_folder = was != Entry::Dir && pair.there == Entry::Dir;
        self.unsaved.insert(path.clone());
        self.changed(path, became_folder);
    }

    /// What is left out here is not synced, whatever it is there.
    fn tracked_there(&self, path: &RelPath, entry: Entry) -> Entry {
        let is_left_out =
            entry != Entry::Absent && self.setup.left_out.has(path, entry == Entry::Dir);
        if is_left_out { Entry::Untracked } else { entry }
    }

    /// Something else is here or there than was known: it is planned again, as are the folders that may
    /// go or stay because of it, and what waits for a folder.
    pub(super) fn changed(&mut self, path: &RelPath, became_folder: bool) {
        self.touch(path);
        for folder in path.ancestors() {
            if let Some(pair) = self.pairs.get_mut(&folder)
                && pair.stuck.is_some_and(|stuck| stuck.why == Trouble::NotEmpty)
            {
                pair.stuck = None;
            }
            self.touch(&folder);
        }
        if became_folder {
            self.touch_beneath(path);
        }
        if self.setup.folds {
            self.touch_namesakes(path);
        }
    }

    pub(super) fn touch(&mut self, path: &RelPath) {
        self.touched.insert(path.clone());
    }

    pub(super) fn touch_beneath(&mut self, folder: &RelPath) {
        let here = self.disk.beneath(folder).map(|(path, _)| path.clone());
        // What is on neither side any more may still have to be agreed on.
        let from = (Bound::Excluded(folder.clone()), Bound::Unbounded);
        let pairs = self.pairs.range::<RelPath, _>(from).map(|(path, _)| path);
        let pairs = pairs.take_while(|path| path.starts_with(folder)).cloned();
        let beneath: Vec<_> = here.chain(pairs).collect();
        self.touched.extend(beneath);
    }

    /// Plans everything anew.
    pub(super) fn touch_all(&mut self) {
        self.touched.extend(self.pairs.keys().cloned());
        self.touched.extend(self.disk.all().map(|(path, _)| path.clone()));
    }

    /// Returns what is to be remembered of a path.
    pub(super) fn row(&self, path: &RelPath) -> Option<Row> {
        let here = self.disk.seen(path).cloned();
        let here = here.unwrap_or(Seen { entry: Entry::Absent, stat: None });
        let pair = self.pairs.get(path).filter(|pair| {
            // A delete that the other side has not confirmed is remembered as one.
            !pair.is_nothing()
        });
        match pair {
            None if here.entry == Entry::Absent => None,
            None => {
                let (agreed, there) = (Entry::Absent, Entry::Absent);
                Some(Row { agreed, here, there, rev: 0, proposed: None })
            }
            Some(pair) => Some(Row {
                agreed: pair.agreed.clone(),
                here,
                there: pair.there.clone(),
                rev: pair.rev,
                proposed: pair.proposed.clone(),
            }),
        }
    }

    /// Forgets a path at which nothing is and nothing goes on.
    pub(super) fn forget_nothing(&mut self, path: &RelPath) {
        let is_nothing = self.pairs.get(path).is_some_and(Pair::is_nothing);
        if is_nothing && *self.here(path) == Entry::Absent {
            self.pairs.remove(path);
            self.allowed.remove(path);
            self.unsaved.insert(path.clone());
        }
    }

    /// Returns where something is still to be done, or waits for somebody.
    #[cfg(any(test, feature = "sim"))]
    pub(crate) fn unsettled(&self) -> Vec<RelPath> {
        let all = self.pairs.keys().chain(self.disk.all().map(|(path, _)| path));
        let is_open = |path: &&RelPath| {
            let is_frozen = self.action(path) == crate::reconcile::Action::Freeze;
            !is_frozen && self.action(path) != crate::reconcile::Action::Nothing
        };
        all.filter(is_open).cloned().collect()
    }

    pub(super) fn problems(&self) -> Vec<(RelPath, Trouble)> {
        let here = self.disk.all().filter_map(|(path, entry)| match entry {
            Entry::Problem(problem) => Some((path.clone(), Trouble::Here(*problem))),
            _ => None,
        });
        let there = self.pairs.iter().filter_map(|(path, pair)| match pair.there {
            Entry::Problem(problem) => Some((path.clone(), Trouble::There(problem))),
            _ => pair.stuck.map(|stuck| (path.clone(), stuck.why)),
        });
        here.chain(there).collect()
    }
}
