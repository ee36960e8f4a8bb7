//! A whole tree that comes in pages: each folder before what is in it, and nothing twice.

use super::{Change, Entry, RelPath};

/// Holds the order of a tree that comes in pages.
///
/// It keeps the folders of one path, however large the tree is.
#[derive(Debug, Clone, Default)]
pub struct Snapshot {
    last: Option<RelPath>,
    open: Vec<RelPath>,
    paths: u64,
}

/// A tree that comes in pages is in no order.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SnapshotError {
    /// It does not come after the one before it.
    #[error("`{0}` comes again or too late in the tree")]
    Order(RelPath),
    /// A whole tree does not tell of what is not in it.
    #[error("`{0}` is told of, and nothing is there")]
    Nothing(RelPath),
    /// What it is in is no folder.
    #[error("`{0}` is in nothing that is a folder")]
    NoFolder(RelPath),
}

impl Snapshot {
    /// Begins a tree.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next path.
    ///
    /// # Errors
    /// Where it is not in its place.
    pub fn admit(&mut self, change: &Change) -> Result<(), SnapshotError> {
        let path = &change.path;
        if change.entry == Entry::Absent {
            return Err(SnapshotError::Nothing(path.clone()));
        }
        if self.last.as_ref().is_some_and(|last| path <= last) {
            return Err(SnapshotError::Order(path.clone()));
        }
        let parent = path.parent();
        while self.open.last() != parent.as_ref() {
            if self.open.pop().is_none() {
                return Err(SnapshotError::NoFolder(path.clone()));
            }
        }
        if change.entry == Entry::Dir {
            self.open.push(path.clone());
        }
        self.last = Some(path.clone());
        self.paths += 1;
        Ok(())
    }

    /// Returns how many paths it has.
    #[must_use]
    pub const fn paths(&self) -> u64 {
        self.paths
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Digest, Rev};
    use super::*;

    #[test]
    fn folders_come_before_what_is_in_them() {
        check(&["a/", "a/b", "a/c/", "a/c/d", "a-b", "b"], &Ok(6));
        check(&["a", "a-b/", "a-b/c"], &Ok(3));
        check(&["a/b"], &Err(SnapshotError::NoFolder(path("a/b"))));
        check(&["a", "a/b"], &Err(SnapshotError::NoFolder(path("a/b"))));
        check(&["a/", "b", "a/c"], &Err(SnapshotError::Order(path("a/c"))));
        check(&["a", "a"], &Err(SnapshotError::Order(path("a"))));
        check(&["a/", "b/", "b/c/d"], &Err(SnapshotError::NoFolder(path("b/c/d"))));
    }

    #[test]
    fn a_whole_tree_does_not_tell_of_what_is_not_in_it() {
        let (path, entry) = (path("a"), Entry::Absent);
        let gone = Change { path, entry, rev: Rev(1), origin: None, renamed_from: None };
        let refused = Snapshot::new().admit(&gone);
        assert_eq!(refused, Err(SnapshotError::Nothing(gone.path)));
    }

    fn path(text: &str) -> RelPath {
        RelPath::parse(text).unwrap()
    }

    /// A path that ends with `/` is a folder.
    fn check(paths: &[&str], wanted: &Result<u64, SnapshotError>) {
        let mut snapshot = Snapshot::new();
        let admitted = paths.iter().try_for_each(|text| {
            let entry = if text.ends_with('/') {
                Entry::Dir
            } else {
                Entry::File { digest: Digest([0; 32]), size: 0, exec: false }
            };
            let path = path(text.trim_end_matches('/'));
            snapshot.admit(&Change { path, entry, rev: Rev(1), origin: None, renamed_from: None })
        });
        assert_eq!(&admitted.map(|()| snapshot.paths()), wanted, "{paths:?}");
    }
}
