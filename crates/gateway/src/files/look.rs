//! What a look at files tells without reading them, and what two looks say has changed.

use std::collections::BTreeMap;

use cap_std::fs::Metadata;
use oriel_wire::gateway::FileChange;

/// What a look at a file tells without reading it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Look {
    /// Its length in bytes.
    pub(crate) size: u64,
    /// When its content changed, in Unix nanoseconds.
    pub(crate) modified_ns: i128,
    /// When anything of it changed, which no program can set. The system's own clock gives it.
    pub(crate) changed_ns: i128,
    /// Which file it is.
    pub(crate) inode: u64,
}

/// The files of a folder, by path.
pub(crate) type Looks = BTreeMap<String, Look>;

impl Look {
    pub(super) fn of(metadata: &Metadata) -> Self {
        #[cfg(unix)]
        {
            use cap_std::fs::MetadataExt;
            let nanos =
                |seconds: i64, rest: i64| i128::from(seconds) * 1_000_000_000 + i128::from(rest);
            Self {
                size: metadata.len(),
                modified_ns: nanos(metadata.mtime(), metadata.mtime_nsec()),
                changed_ns: nanos(metadata.ctime(), metadata.ctime_nsec()),
                inode: metadata.ino(),
            }
        }
        #[cfg(not(unix))]
        {
            let modified = metadata.modified().ok();
            let since = modified.and_then(|at| at.duration_since(std::time::UNIX_EPOCH).ok());
            let modified_ns = since.map_or(0, |since| since.as_nanos().cast_signed());
            Self { size: metadata.len(), modified_ns, changed_ns: modified_ns, inode: 0 }
        }
    }
}

/// Returns what happened to files between two looks, by path.
pub(crate) fn changes(before: &Looks, after: &Looks) -> Vec<(String, FileChange)> {
    let mut found: Vec<(String, FileChange)> = Vec::new();
    for (path, look) in after {
        match before.get(path) {
            None => found.push((path.clone(), FileChange::Created)),
            Some(known) if known != look => found.push((path.clone(), FileChange::Modified)),
            Some(_) => {}
        }
    }
    let gone = before.keys().filter(|path| !after.contains_key(*path));
    found.extend(gone.map(|path| (path.clone(), FileChange::Deleted)));
    found.sort_unstable_by(|(one, _), (two, _)| one.cmp(two));
    found
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn two_looks_tell_what_came_what_changed_and_what_went() {
        let before = looks(&[("a", 1), ("b", 1), ("c", 1)]);
        let after = looks(&[("b", 2), ("c", 1), ("d", 1)]);
        let expected = [
            ("a".to_owned(), FileChange::Deleted),
            ("b".to_owned(), FileChange::Modified),
            ("d".to_owned(), FileChange::Created),
        ];
        assert_eq!(changes(&before, &after), expected);
    }

    proptest! {
        #[test]
        fn what_changed_leads_from_one_look_to_the_other(
            before in prop::collection::btree_map("[a-c]{1,2}", 0_u64..3, 0..8),
            after in prop::collection::btree_map("[a-c]{1,2}", 0_u64..3, 0..8),
        ) {
            let of = |sizes: &BTreeMap<String, u64>| -> Looks {
                sizes.iter().map(|(path, size)| (path.clone(), look(*size))).collect()
            };
            let (before, after) = (of(&before), of(&after));
            let mut led = before.clone();
            for (path, kind) in changes(&before, &after) {
                let was_there = led.contains_key(&path);
                prop_assert_eq!(was_there, kind != FileChange::Created);
                match kind {
                    FileChange::Deleted => drop(led.remove(&path)),
                    FileChange::Created | FileChange::Modified => drop(led.insert(path.clone(), after[&path])),
                }
            }
            prop_assert_eq!(led, after.clone());
            prop_assert!(changes(&after, &after).is_empty());
        }
    }

    fn looks(sizes: &[(&str, u64)]) -> Looks {
        sizes.iter().map(|(path, size)| ((*path).to_owned(), look(*size))).collect()
    }

    fn look(size: u64) -> Look {
        Look { size, modified_ns: 0, changed_ns: 0, inode: 7 }
    }
}
