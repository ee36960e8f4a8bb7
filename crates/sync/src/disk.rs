//! What is known of the tree on this machine, and where it has to be looked at again.
//!
//! Events only ask to look. Every doubt gives a path a new generation, and what was seen counts only if
//! it was asked for in the generation that the path still has: whatever changed since is looked at again.
#![forbid(unsafe_code)]

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use oriel_wire::sync::{Digest, Entry, Problem, RelPath};

use crate::look::{List, Listing, Seen};
use crate::stat::Kind;
use crate::vfs::Fault;

/// How many paths are looked at at once. Others wait.
const LOOKS_MAX: usize = 1024;

/// How often an unsteady file is looked at again before it is called a problem.
const UNSTEADY_LOOKS: u32 = 6;

/// The first wait before something that failed is tried again, in milliseconds; each later one is twice
/// as long, up to the last.
const RETRY_FIRST_MS: u64 = 100;
const RETRY_LAST_MS: u64 = 60_000;

/// The wait before a folder is listed again that could not be listed.
const LIST_RETRY_MS: u64 = 5000;

/// Returns how long to wait after so many failures.
pub(crate) fn retry_after_ms(failures: u32) -> u64 {
    (RETRY_FIRST_MS << failures.min(16)).min(RETRY_LAST_MS)
}

/// A path to look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look {
    /// Where.
    pub path: RelPath,
    /// The generation it is looked at for.
    pub generation: u64,
    /// What was there, where the system can say that it still is.
    pub known: Option<Seen>,
}

/// What is known of one path.
#[derive(Debug, Clone)]
struct Node {
    seen: Seen,
    generation: u64,
    /// It may be something else by now.
    is_doubtful: bool,
    /// It is being looked at.
    is_looked_at: bool,
    /// If it is a folder, its content is doubtful as well.
    is_told: bool,
    /// It is being changed, and its generation must not be forgotten.
    is_held: bool,
    failures: u32,
}

/// What is known of the tree.
#[derive(Debug, Default)]
pub(crate) struct Disk {
    nodes: BTreeMap<RelPath, Node>,
    last_generation: u64,
    doubtful: BTreeSet<RelPath>,
    looked_at: usize,
    retries: BTreeSet<(u64, RelPath)>,
    list_retries: BTreeSet<(u64, List)>,
    lists: BTreeSet<List>,
    listing: BTreeSet<List>,
    /// What was looked at while it or a folder it is in was being changed. What is there for that moment
    /// may be neither what was nor what will be, so it is looked at when the change is over.
    set_aside: BTreeSet<RelPath>,
    is_listed: bool,
    bad_names: BTreeSet<String>,
    pub(crate) is_unwatched: bool,
}

static NOTHING: Entry = Entry::Absent;

impl Disk {
    /// Begins with what was known when the journal was last written. All of it is doubtful.
    /// After the machine went down, a file can hold what it held before with the times of what was written
    /// later, so every file is read again.
    pub(crate) fn new(
        known: impl IntoIterator<Item = (RelPath, Seen)>,
        is_same_boot: bool,
    ) -> Self {
        let mut disk = Self::default();
        for (path, mut seen) in known {
            seen.stat = seen.stat.filter(|_| is_same_boot);
            disk.node(&path).seen = seen;
        }
        disk.doubt_all();
        disk
    }

    /// Returns what is at a path, as far as is known.
    pub(crate) fn entry(&self, path: &RelPath) -> &Entry {
        self.nodes.get(path).map_or(&NOTHING, |node| &node.seen.entry)
    }

    /// Returns what was seen at a path.
    pub(crate) fn seen(&self, path: &RelPath) -> Option<&Seen> {
        self.nodes.get(path).map(|node| &node.seen)
    }

    /// Returns whether a path may be something else by now.
    pub(crate) fn is_doubtful(&self, path: &RelPath) -> bool {
        self.nodes.get(path).is_some_and(|node| node.is_doubtful)
    }

    /// Returns whether the whole tree was seen since the start.
    pub(crate) fn is_known(&self) -> bool {
        let is_listed = self.listing.is_empty() && self.lists.is_empty();
        self.is_listed && is_listed && self.doubtful.is_empty() && self.looked_at == 0
    }

    /// Returns the generation of a path.
    pub(crate) fn generation(&self, path: &RelPath) -> u64 {
        self.nodes.get(path).map_or(0, |node| node.generation)
    }

    /// Returns the paths at which a content is, as far as is known.
    pub(crate) fn paths_of(&self, digest: &Digest) -> Vec<RelPath> {
        let is_it = |(_, entry): &(&RelPath, &Entry)| entry.digest() == Some(*digest);
        self.all().filter(is_it).map(|(path, _)| path.clone()).collect()
    }

    /// Returns all that is known to be there.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&RelPath, &Entry)> {
        let nodes = self.nodes.iter().map(|(path, node)| (path, &node.seen.entry));
        nodes.filter(|(_, entry)| **entry != Entry::Absent)
    }

    /// Returns what is known to be in a folder, however deep.
    pub(crate) fn beneath(&self, folder: &RelPath) -> impl Iterator<Item = (&RelPath, &Entry)> {
        let from = (Bound::Excluded(folder.clone()), Bound::Unbounded);
        let nodes = self.nodes.range::<RelPath, _>(from);
        let folder = folder.clone();
        nodes
            .take_while(move |(path, _)| path.starts_with(&folder))
            .map(|(path, node)| (path, &node.seen.entry))
            .filter(|(_, entry)| **entry != Entry::Absent)
    }

    /// Returns what is looked after in a folder, whether it is known to be there or not.
    fn known_beneath(&self, folder: &RelPath) -> Vec<RelPath> {
        let from = (Bound::Excluded(folder.clone()), Bound::Unbounded);
        let nodes = self.nodes.range::<RelPath, _>(from);
        nodes.map(|(path, _)| path).take_while(|path| path.starts_with(folder)).cloned().collect()
    }

    pub(crate) fn bad_names(&self) -> impl Iterator<Item = &str> {
        self.bad_names.iter().map(String::as_str)
    }

    /// Somebody said that something happened at a path.
    pub(crate) fn hint(&mut self, path: &RelPath) {
        self.doubt(path);
        self.node(path).is_told = true;
    }

    /// Something may have happened anywhere.
    pub(crate) fn doubt_all(&mut self) {
        self.want(List { folder: None, is_deep: true });
    }

    /// What is in a folder may have changed.
    pub(crate) fn doubt_within(&mut self, folder: &RelPath) {
        self.want(List { folder: Some(folder.clone()), is_deep: true });
    }

    fn want(&mut self, list: List) {
        self.lists.insert(list);
    }

    /// A path may be something else by now.
    pub(crate) fn doubt(&mut self, path: &RelPath) {
        self.last_generation += 1;
        let generation = self.last_generation;
        let node = self.node(path);
        node.generation = generation;
        node.is_doubtful = true;
        if !node.is_looked_at {
            self.doubtful.insert(path.clone());
        }
    }

    fn node(&mut self, path: &RelPath) -> &mut Node {
        self.nodes.entry(path.clone()).or_insert_with(|| Node {
            seen: Seen { entry: Entry::Absent, stat: None },
            generation: 0,
            is_doubtful: false,
            is_looked_at: false,
            is_told: false,
            is_held: false,
            failures: 0,
        })
    }

    /// Returns what to look at now.
    pub(crate) fn looks(&mut self) -> Vec<Look> {
        let mut looks = Vec::new();
        while self.looked_at < LOOKS_MAX {
            let Some(path) = self.doubtful.pop_first() else { break };
            let Some(node) = self.nodes.get_mut(&path) else { continue };
            node.is_looked_at = true;
            self.looked_at += 1;
            let known = node.seen.stat.is_some().then(|| node.seen.clone());
            looks.push(Look { path, generation: node.generation, known });
        }
        looks
    }

    /// Returns what to list now.
    pub(crate) fn lists(&mut self) -> Vec<List> {
        let ready: Vec<_> = self.lists.difference(&self.listing).cloned().collect();
        for list in &ready {
            self.lists.remove(list);
            self.listing.insert(list.clone());
        }
        ready
    }

    /// Takes in what was seen. Returns the paths at which something else is than was known; nothing where
    /// it has to be looked at again.
    pub(crate) fn looked(
        &mut self,
        now_ms: u64,
        look: &Look,
        seen: Result<Seen, Fault>,
    ) -> Option<Vec<RelPath>> {
        let node = self.nodes.get_mut(&look.path).filter(|node| node.is_looked_at)?;
        node.is_looked_at = false;
        self.looked_at -= 1;
        if node.generation != look.generation {
            self.doubtful.insert(look.path.clone());
            return None;
        }
        if self.is_held(&look.path) {
            self.set_aside.insert(look.path.clone());
            return None;
        }
        let node = self.nodes.get_mut(&look.path)?;
        let seen = seen.unwrap_or_else(|fault| Seen { entry: problem(fault), stat: None });
        if let Entry::Problem(problem) = seen.entry
            && is_passing(problem)
        {
            node.failures += 1;
            self.retries.insert((now_ms + retry_after_ms(node.failures), look.path.clone()));
            if problem == Problem::Unsteady && node.failures < UNSTEADY_LOOKS {
                return None;
            }
        } else {
            node.failures = 0;
        }
        node.is_doubtful = false;
        let is_told = std::mem::take(&mut node.is_told);
        let was = std::mem::replace(&mut node.seen, seen);
        Some(self.follow(&look.path, &was, is_told))
    }

    /// What a folder is decides what can be in it, and where else to look.
    fn follow(&mut self, path: &RelPath, was: &Seen, is_told: bool) -> Vec<RelPath> {
        let (was_in, now_in) = (was.stat, self.seen(path).and_then(|seen| seen.stat));
        let is_same = was_in.zip(now_in).is_some_and(|(was, now)| was.is_same_inode(&now));
        let (was, now) = (&was.entry, self.entry(path).clone());
        let mut changed = Vec::new();
        match (*was == Entry::Dir, now == Entry::Dir) {
            (false, true) => self.doubt_within(path),
            // Another folder is there, which nobody watches.
            (true, true) if !is_same => self.doubt_within(path),
            (true, true) if is_told => {
                self.want(List { folder: Some(path.clone()), is_deep: false });
            }
            // Nothing is in what is no folder, whatever was seen there a moment ago.
            (_, false) => {
                for path in self.known_beneath(path) {
                    let node = self.node(&path);
                    if node.seen.entry != Entry::Absent {
                        node.seen = Seen { entry: Entry::Absent, stat: None };
                        changed.push(path.clone());
                    }
                    self.doubt(&path);
                }
            }
            _ => {}
        }
        if *was != now {
            changed.push(path.clone());
        }
        self.forget_absent(path);
        changed
    }

    /// Takes in what is in a folder. Whatever is not as it is known is looked at.
    pub(crate) fn listed(&mut self, now_ms: u64, list: &List, listing: Result<Listing, Fault>) {
        self.listing.remove(list);
        let Ok(listing) = listing else {
            self.list_retries.insert((now_ms + LIST_RETRY_MS, list.clone()));
            return;
        };
        if list.folder.is_none() && list.is_deep {
            self.is_listed = true;
            self.is_unwatched = false;
            self.bad_names.clear();
        }
        self.is_unwatched |= listing.is_unwatched;
        for folder in listing.unread {
            let list = List { folder, is_deep: true };
            self.list_retries.insert((now_ms + LIST_RETRY_MS, list));
        }
        self.bad_names.extend(listing.bad_names);
        let mut missing: BTreeSet<RelPath> = self.within(list).collect();
        for (path, stat) in &listing.found {
            missing.remove(path);
            let seen = self.seen(path);
            let is_known = match stat.kind {
                Kind::Dir => seen.is_some_and(|seen| {
                    let is_same = |known: crate::stat::Stat| known.is_same_inode(stat);
                    seen.entry == Entry::Dir && seen.stat.is_some_and(is_same)
                }),
                _ => seen.is_some_and(|seen| seen.stat == Some(*stat)),
            };
            if !is_known {
                self.doubt(path);
            }
        }
        missing.iter().for_each(|path| self.doubt(path));
    }

    /// Returns what is looked after where a list looks: what is there, and what is being looked at, which
    /// may have been there when that began.
    fn within(&self, list: &List) -> impl Iterator<Item = RelPath> {
        let known: Vec<_> = match &list.folder {
            Some(folder) => self.known_beneath(folder),
            None => self.nodes.keys().cloned().collect(),
        };
        let (folder, is_deep) = (list.folder.clone(), list.is_deep);
        known.into_iter().filter(move |path| is_deep || path.parent() == folder)
    }

    /// A path is about to be changed here. Returns the generation in which that begins.
    pub(crate) fn hold(&mut self, path: &RelPath) -> u64 {
        let node = self.node(path);
        node.is_held = true;
        node.generation
    }

    /// A path or a folder that it is in is being changed.
    fn is_held(&self, path: &RelPath) -> bool {
        let is_held = |path: &RelPath| self.nodes.get(path).is_some_and(|node| node.is_held);
        is_held(path) || path.ancestors().any(|folder| is_held(&folder))
    }

    /// A change has ended without being made. What is there is looked at.
    pub(crate) fn release(&mut self, path: &RelPath) {
        self.node(path).is_held = false;
        self.doubt(path);
        self.take_up(path);
    }

    /// What was set aside because of a change is looked at now.
    fn take_up(&mut self, path: &RelPath) {
        let from = self.set_aside.range(path.clone()..);
        let aside: Vec<_> = from.take_while(|it| it.starts_with(path)).cloned().collect();
        for path in aside {
            self.set_aside.remove(&path);
            self.doubt(&path);
        }
    }

    /// A change that began in a generation was made. If anything happened since, it is looked at, and
    /// what the system says of it is not known before it was.
    pub(crate) fn put(&mut self, path: &RelPath, entry: Entry, since: u64) {
        let happened = self.generation(path) != since || self.is_doubtful(path);
        self.last_generation += 1;
        let generation = self.last_generation;
        let node = self.node(path);
        node.is_held = false;
        node.generation = generation;
        let was = std::mem::replace(&mut node.seen, Seen { entry, stat: None });
        if happened {
            self.doubt(path);
        }
        self.take_up(path);
        // Somebody may have put something into a new folder before it was watched.
        if self.entry(path) == &Entry::Dir && was.entry != Entry::Dir {
            self.doubt_within(path);
        }
        self.forget_absent(path);
    }

    fn forget_absent(&mut self, path: &RelPath) {
        let forgettable = |node: &Node| {
            let is_idle = !node.is_doubtful && !node.is_looked_at && !node.is_held;
            is_idle && node.seen.entry == Entry::Absent
        };
        if self.nodes.get(path).is_some_and(forgettable) {
            self.nodes.remove(path);
        }
    }

    /// Returns when something that failed is to be looked at again.
    pub(crate) fn next_retry_ms(&self) -> Option<u64> {
        let path = self.retries.first().map(|(due, _)| *due);
        path.into_iter().chain(self.list_retries.first().map(|(due, _)| *due)).min()
    }

    /// Looks again at what failed, where it is time.
    pub(crate) fn retry(&mut self, now_ms: u64) {
        while self.retries.first().is_some_and(|(due, _)| *due <= now_ms) {
            if let Some((_, path)) = self.retries.pop_first()
                && self.nodes.contains_key(&path)
            {
                self.doubt(&path);
            }
        }
        while self.list_retries.first().is_some_and(|(due, _)| *due <= now_ms) {
            self.lists.extend(self.list_retries.pop_first().map(|(_, list)| list));
        }
    }

    /// Forgets what was being looked at, as its answers do not come any more.
    pub(crate) fn interrupted(&mut self) {
        self.looked_at = 0;
        for (path, node) in &mut self.nodes {
            if std::mem::take(&mut node.is_looked_at) {
                self.doubtful.insert(path.clone());
            }
        }
        self.listing.clear();
        self.doubt_all();
    }
}

fn is_passing(problem: Problem) -> bool {
    use Problem::{DiskFull, Io, NotPermitted, Unsteady};
    matches!(problem, DiskFull | Io | NotPermitted | Unsteady)
}

/// Returns how a failed call is told of.
pub(crate) const fn problem(fault: Fault) -> Entry {
    Entry::Problem(match fault {
        Fault::NotPermitted => Problem::NotPermitted,
        Fault::Full => Problem::DiskFull,
        _ => Problem::Io,
    })
}
