//! Whether both sides take the upstream tree for the same, asked with few words.
//!
//! What is told of changes is trusted, and now and then looked after: the local side asks about the root, and
//! goes down into the folders whose digests differ. It is no use while the tree changes, so an answer that
//! tells of another moment ends the walk, and it is begun again later.
#![forbid(unsafe_code)]

use std::collections::VecDeque;

use oriel_wire::sync::{CHILDREN_MAX, Child, Entry, Name, RelPath, Seq, Verify, VerifyDiff, pages};

use crate::merkle::Merkle;

/// The most paths that a walk finds. Where there are more, it ends there and says that it does.
pub const PATHS_MAX: usize = 10_000;

/// The most folders that wait to be compared. Where there are more, the walk ends there.
pub const FOLDERS_MAX: usize = 10_000;

/// A tree as one side knows it, at one moment.
#[derive(Debug, Clone)]
pub struct Tree {
    merkle: Merkle,
    seq: u64,
}

impl Tree {
    /// Takes the digests of a tree as it is after a change of the log.
    #[must_use]
    pub fn of<'a>(entries: impl IntoIterator<Item = (&'a RelPath, &'a Entry)>, seq: u64) -> Self {
        Self { merkle: Merkle::of(entries), seq }
    }

    /// Returns after which change of the log it is so. A tree of another moment is taken anew.
    #[must_use]
    pub const fn seq(&self) -> u64 {
        self.seq
    }

    /// Answers what the other side asks about a folder.
    #[must_use]
    pub fn answer(&self, verify: &Verify) -> VerifyDiff {
        let Verify { folder, cursor, digest, after } = verify;
        let ours = match folder {
            None => Some(self.merkle.root()),
            Some(folder) => self.merkle.digest(Some(folder)),
        };
        let is_same = ours == Some(*digest);
        // Of another moment nothing is compared.
        let children = if is_same || cursor.0 != self.seq {
            &[]
        } else {
            self.merkle.children(folder.as_ref(), after.as_ref())
        };
        let few = children.iter().take(CHILDREN_MAX).cloned();
        let first = pages(few, CHILDREN_MAX).into_iter().next().unwrap_or_default();
        let has_more = first.len() < children.len();
        let (folder, head) = (folder.clone(), Seq(self.seq));
        VerifyDiff { folder, head, digest: ours, children: first, has_more }
    }
}

/// A walk down to what differs.
#[derive(Debug)]
pub struct Walk {
    tree: Tree,
    /// What is to be asked about, and after which name.
    next: VecDeque<(Option<RelPath>, Option<Name>)>,
    /// What was asked and not answered.
    asked: Option<(Option<RelPath>, Option<Name>)>,
    paths: Vec<RelPath>,
    end: Option<End>,
}

/// How a walk ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    All,
    Some,
    Moved,
}

/// What came of a walk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Both have the same.
    Same,
    /// Both do not have the same at these paths.
    Differs {
        /// What differs. A folder that only one side has stands for all that is in it.
        paths: Vec<RelPath>,
        /// Whether there are no more.
        is_all: bool,
    },
    /// The tree has changed meanwhile. It may be compared again.
    Moved,
}

/// An answer is none to what was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WalkError {
    /// It is of another folder, or nothing was asked.
    #[error("the other side answered about a folder that nobody asked about; connect again")]
    NotAsked,
    /// Names come again, so that it would never end.
    #[error("the other side told of names of a folder again; connect again")]
    Again,
}

impl Walk {
    /// Begins at the root of what this side takes the other one's tree for.
    #[must_use]
    pub fn new(tree: Tree) -> Self {
        let next = VecDeque::from([(None, None)]);
        Self { tree, next, asked: None, paths: Vec::new(), end: None }
    }

    /// Returns what to ask next; nothing while an answer is awaited, or where the walk has ended.
    pub fn ask(&mut self) -> Option<Verify> {
        if self.asked.is_some() || self.end.is_some() {
            return None;
        }
        let (folder, after) = self.next.pop_front()?;
        self.asked = Some((folder.clone(), after.clone()));
        let merkle = &self.tree.merkle;
        // Only folders that both have are asked about.
        let digest = folder.as_ref().and_then(|folder| merkle.digest(Some(folder)));
        let digest = digest.unwrap_or_else(|| merkle.root());
        Some(Verify { folder, cursor: Seq(self.tree.seq), digest, after })
    }

    /// Takes an answer.
    ///
    /// # Errors
    /// Where it is none to what was asked.
    pub fn hear(&mut self, diff: &VerifyDiff) -> Result<(), WalkError> {
        let asked = self.asked.take().filter(|(folder, _)| *folder == diff.folder);
        let (folder, after) = asked.ok_or(WalkError::NotAsked)?;
        if diff.head.0 != self.tree.seq {
            self.end = Some(End::Moved);
            return Ok(());
        }
        let first = diff.children.first();
        if first.is_some_and(|first| after.as_ref().is_some_and(|after| first.name <= *after)) {
            return Err(WalkError::Again);
        }
        let ours = match &folder {
            None => Some(self.tree.merkle.root()),
            Some(folder) => self.tree.merkle.digest(Some(folder)),
        };
        match (diff.digest, folder) {
            // It went away at the same moment: what is told is of no one tree.
            (None, Some(folder)) => self.paths.push(folder),
            (digest, _) if digest == ours => {}
            (_, folder) => self.compare(folder, after.as_ref(), &diff.children, diff.has_more),
        }
        if PATHS_MAX < self.paths.len() || FOLDERS_MAX < self.next.len() {
            self.paths.truncate(PATHS_MAX);
            self.end = Some(End::Some);
        } else if self.next.is_empty() {
            self.end = Some(End::All);
        }
        Ok(())
    }

    fn compare(
        &mut self,
        folder: Option<RelPath>,
        after: Option<&Name>,
        theirs: &[Child],
        has_more: bool,
    ) {
        let differing = self.tree.merkle.compare(folder.as_ref(), after, theirs, has_more);
        self.paths.extend(differing.paths);
        if let (true, Some(last)) = (has_more, theirs.last()) {
            self.next.push_back((folder, Some(last.name.clone())));
        }
        self.next.extend(differing.folders.into_iter().map(|folder| (Some(folder), None)));
    }

    /// Returns what came of it, once it has ended.
    #[must_use]
    pub fn outcome(&self) -> Option<Outcome> {
        Some(match self.end? {
            End::Moved => Outcome::Moved,
            End::All if self.paths.is_empty() => Outcome::Same,
            end => Outcome::Differs { paths: self.paths.clone(), is_all: end == End::All },
        })
    }
}

#[cfg(test)]
mod tests;
