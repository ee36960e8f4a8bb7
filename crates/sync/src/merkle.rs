//! Where two trees differ, found by few digests.
//!
//! Each folder has the digest of what is in it. Where the digests of two roots are the same, so are the trees;
//! where not, the folders that differ are found by going down into those alone.
#![forbid(unsafe_code)]

use std::collections::BTreeMap;

use oriel_wire::sync::{Child, Digest, Entry, Name, RelPath};

use crate::digest::Digester;

/// The digests of a tree's folders.
///
/// What is left out and what is not there has no part in them. A problem has: a path that cannot be synced on
/// one side is no agreement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Merkle {
    /// The root has no path.
    folders: BTreeMap<Option<RelPath>, Folder>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Folder {
    digest: Digest,
    /// In the order of their names.
    children: Vec<Child>,
}

/// What one comparison of a folder tells.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Differing {
    /// What is not the same on both sides and is to be looked at.
    pub paths: Vec<RelPath>,
    /// Folders that both have and in which something differs; they are compared next.
    pub folders: Vec<RelPath>,
}

impl Merkle {
    /// Takes the digests of a tree. A path that comes twice counts as it came last.
    #[must_use]
    pub fn of<'a>(entries: impl IntoIterator<Item = (&'a RelPath, &'a Entry)>) -> Self {
        let mut tree = Builder::default();
        let entries: BTreeMap<_, _> = entries.into_iter().collect();
        for (path, entry) in entries {
            if !matches!(entry, Entry::Absent | Entry::Untracked) {
                tree.take(path, entry);
            }
        }
        Self { folders: tree.finish() }
    }

    /// Returns the digest of the whole tree.
    #[must_use]
    pub fn root(&self) -> Digest {
        self.digest(None).unwrap_or_else(|| Folder::of(Vec::new()).digest)
    }

    /// Returns the digest of all that is in a folder, where there is such a folder. None is the root.
    #[must_use]
    pub fn digest(&self, folder: Option<&RelPath>) -> Option<Digest> {
        self.folders.get(&folder.cloned()).map(|folder| folder.digest)
    }

    /// Returns what is in a folder, in the order of names, after a name; nothing where there is no such
    /// folder.
    #[must_use]
    pub fn children(&self, folder: Option<&RelPath>, after: Option<&Name>) -> &[Child] {
        let Some(Folder { children, .. }) = self.folders.get(&folder.cloned()) else { return &[] };
        let first = after.map_or(0, |after| children.partition_point(|child| child.name <= *after));
        &children[first..]
    }

    /// Compares a folder with what the other side says is in it after a name. Where there is `more` to
    /// come, only names up to its last one are compared.
    #[must_use]
    pub fn compare(
        &self,
        folder: Option<&RelPath>,
        after: Option<&Name>,
        theirs: &[Child],
        more: bool,
    ) -> Differing {
        let mut ours = self.children(folder, after);
        if let (true, Some(last)) = (more, theirs.last()) {
            ours = &ours[..ours.partition_point(|child| child.name <= last.name)];
        }
        let mut both: BTreeMap<&Name, [Option<&Child>; 2]> = BTreeMap::new();
        ours.iter().for_each(|child| both.entry(&child.name).or_default()[0] = Some(child));
        theirs.iter().for_each(|child| both.entry(&child.name).or_default()[1] = Some(child));
        let mut differing = Differing::default();
        for (name, [ours, theirs]) in both {
            if ours == theirs {
                continue;
            }
            // A name that makes no path here is told by who looks at the folder.
            let Ok(path) = RelPath::in_folder(folder, name) else { continue };
            let are_folders =
                [ours, theirs].map(|child| child.is_some_and(|child| child.is_folder));
            if are_folders == [true, true] {
                differing.folders.push(path);
            } else {
                differing.paths.push(path);
            }
        }
        differing
    }
}

impl Folder {
    fn of(children: Vec<Child>) -> Self {
        let mut hash = Digester::new();
        hash.update(b"oriel sync folder 1\0");
        for child in &children {
            let name = child.name.as_str().as_bytes();
            hash.update(&(name.len() as u64).to_le_bytes());
            hash.update(name);
            hash.update(&[u8::from(child.is_folder)]);
            hash.update(&child.digest.0);
        }
        Self { digest: hash.finish(), children }
    }
}

/// Returns the digest of what is at a path and is no folder.
fn digest_of_entry(entry: &Entry) -> Digest {
    let mut hash = Digester::new();
    hash.update(b"oriel sync entry 1\0");
    match entry {
        Entry::File { digest, size, exec } => {
            hash.update(&[1, u8::from(*exec)]);
            hash.update(&size.to_le_bytes());
            hash.update(&digest.0);
        }
        Entry::Symlink { target } => {
            hash.update(&[2]);
            hash.update(target.as_str().as_bytes());
        }
        // Why it is one may be told in other words on the other side.
        Entry::Problem(_) => hash.update(&[3]),
        Entry::Dir => hash.update(&[4]),
        Entry::Untracked | Entry::Absent => hash.update(&[0]),
    }
    hash.finish()
}

/// Builds the digests from paths in their order: what is in a folder comes at once after it.
#[derive(Default)]
struct Builder {
    /// The folders that the last path is in, the root's children first.
    open: Vec<(RelPath, Vec<Child>)>,
    root: Vec<Child>,
    done: BTreeMap<Option<RelPath>, Folder>,
}

impl Builder {
    fn take(&mut self, path: &RelPath, entry: &Entry) {
        while self.open.last().is_some_and(|(folder, _)| !path.starts_with(folder)) {
            self.close();
        }
        // A folder that is not told of by itself is there all the same.
        let mut above: Vec<_> = path.ancestors().take(path.depth() - 1 - self.open.len()).collect();
        above.reverse();
        self.open.extend(above.into_iter().map(|folder| (folder, Vec::new())));
        if *entry == Entry::Dir {
            self.open.push((path.clone(), Vec::new()));
        } else {
            let digest = digest_of_entry(entry);
            self.inner().push(Child { name: path.name(), is_folder: false, digest });
        }
    }

    fn close(&mut self) {
        let Some((path, children)) = self.open.pop() else { return };
        let folder = Folder::of(sorted(children));
        let child = Child { name: path.name(), is_folder: true, digest: folder.digest };
        self.inner().push(child);
        self.done.insert(Some(path), folder);
    }

    fn inner(&mut self) -> &mut Vec<Child> {
        self.open.last_mut().map_or(&mut self.root, |(_, children)| children)
    }

    fn finish(mut self) -> BTreeMap<Option<RelPath>, Folder> {
        while !self.open.is_empty() {
            self.close();
        }
        self.done.insert(None, Folder::of(sorted(self.root)));
        self.done
    }
}

/// What is no folder and has things in it counts as both, in one order.
fn sorted(mut children: Vec<Child>) -> Vec<Child> {
    children.sort_by(|a, b| (&a.name, a.is_folder).cmp(&(&b.name, b.is_folder)));
    children
}

#[cfg(test)]
mod tests {
    use oriel_wire::sync::{LinkTarget, Problem};
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn whatever_changes_in_a_tree_changes_its_digest() {
        let trees = [
            tree(&[]),
            tree(&[("a", file(1))]),
            tree(&[("b", file(1))]),
            tree(&[("a", file(2))]),
            tree(&[("a", Entry::File { digest: Digest([1; 32]), size: 1, exec: true })]),
            tree(&[("a", Entry::File { digest: Digest([1; 32]), size: 2, exec: false })]),
            tree(&[("a", Entry::Dir)]),
            tree(&[("a", Entry::Problem(Problem::Io))]),
            tree(&[("a", link("b"))]),
            tree(&[("a", link("c"))]),
            tree(&[("a", Entry::Dir), ("a/b", file(1))]),
            tree(&[("a", Entry::Dir), ("a/b", Entry::Dir)]),
            tree(&[("a", Entry::Dir), ("b", Entry::Dir)]),
            tree(&[("a", Entry::Dir), ("b", Entry::Dir), ("b/c", file(1))]),
        ];
        let mut digests: Vec<_> = trees.iter().map(|tree| merkle(tree).root()).collect();
        digests.sort();
        digests.dedup();
        assert_eq!(digests.len(), trees.len());
    }

    #[test]
    fn what_is_left_out_and_why_something_is_a_problem_has_no_part() {
        let plain = merkle(&tree(&[("a", file(1))]));
        let more = tree(&[("a", file(1)), ("b", Entry::Untracked), ("c", Entry::Absent)]);
        assert_eq!(merkle(&more).root(), plain.root());
        let [io, special] = [Problem::Io, Problem::Special].map(Entry::Problem);
        assert_eq!(merkle(&tree(&[("a", io)])).root(), merkle(&tree(&[("a", special)])).root());
    }

    #[test]
    fn the_names_of_a_folder_rise_where_paths_do_not() {
        let found = merkle(&tree(&[
            ("a", Entry::Dir),
            ("a/x", file(1)),
            ("a-b", file(2)),
            ("a!", file(3)),
        ]));
        let names: Vec<_> =
            found.children(None, None).iter().map(|child| child.name.as_str()).collect();
        assert_eq!(names, ["a", "a!", "a-b"]);
        let after = Name::parse("a!").unwrap();
        assert_eq!(found.children(None, Some(&after)).len(), 1);
        assert!(found.children(Some(&path("none")), None).is_empty());
        assert_eq!(found.digest(Some(&path("none"))), None);
    }

    #[test]
    fn a_folder_that_is_not_told_of_is_there_all_the_same() {
        let told = tree(&[("a", Entry::Dir), ("a/b", Entry::Dir), ("a/b/c", file(1))]);
        assert_eq!(merkle(&told), merkle(&tree(&[("a/b/c", file(1))])));
    }

    #[test]
    fn a_folder_that_comes_in_pages_is_compared_page_by_page() {
        let ours = merkle(&tree(&[("a", file(1)), ("c", file(1)), ("d", file(1)), ("z", file(1))]));
        let theirs = merkle(&tree(&[("a", file(1)), ("b", file(1)), ("d", file(2))]));
        let all = theirs.children(None, None);
        let first = ours.compare(None, None, &all[..2], true);
        assert_eq!(first.paths, [path("b")]);
        let rest = ours.compare(None, Some(&all[1].name), &all[2..], false);
        assert_eq!(rest.paths, [path("c"), path("d"), path("z")]);
    }

    proptest! {
        #[test]
        fn going_down_finds_exactly_what_differs(ours in any_tree(), theirs in any_tree(), page in 1..4_usize) {
            let (here, there) = (merkle(&ours), merkle(&theirs));
            let mut found = Vec::new();
            let mut folders = vec![None];
            while let Some(folder) = folders.pop() {
                let folder: Option<RelPath> = folder;
                prop_assert!(here.digest(folder.as_ref()) != there.digest(folder.as_ref()) || folder.is_none());
                let mut after = None;
                loop {
                    let rest = there.children(folder.as_ref(), after.as_ref());
                    let (some, more) = (&rest[..rest.len().min(page)], page < rest.len());
                    let differing = here.compare(folder.as_ref(), after.as_ref(), some, more);
                    found.extend(differing.paths);
                    folders.extend(differing.folders.into_iter().map(Some));
                    if !more {
                        break;
                    }
                    after = some.last().map(|child| child.name.clone());
                }
            }
            found.sort();
            // What is in a folder that only one side has is found with the folder.
            let mut wanted: Vec<RelPath> = Vec::new();
            for path in ours.keys().chain(theirs.keys()).collect::<std::collections::BTreeSet<_>>() {
                let differ = ours.get(path) != theirs.get(path);
                if differ && !wanted.iter().any(|above| path.starts_with(above)) {
                    wanted.push(path.clone());
                }
            }
            prop_assert_eq!(here.root() == there.root(), wanted.is_empty());
            prop_assert_eq!(found, wanted);
        }
    }

    /// Trees in which everything is in a folder.
    fn any_tree() -> impl Strategy<Value = BTreeMap<RelPath, Entry>> {
        let paths = proptest::collection::btree_map("[ab-](/[ab]){0,3}", 0..4_u8, 0..8);
        paths.prop_map(|paths| {
            let mut tree: BTreeMap<RelPath, Entry> = BTreeMap::new();
            for (text, kind) in paths {
                let path = path(&text);
                if path
                    .ancestors()
                    .any(|folder| tree.get(&folder).is_some_and(|entry| *entry != Entry::Dir))
                {
                    continue;
                }
                path.ancestors().for_each(|folder| _ = tree.insert(folder, Entry::Dir));
                let entry = if kind == 0 { Entry::Dir } else { file(kind) };
                tree.entry(path).or_insert(entry);
            }
            tree
        })
    }

    fn path(text: &str) -> RelPath {
        RelPath::parse(text).unwrap()
    }

    fn file(content: u8) -> Entry {
        Entry::File { digest: Digest([content; 32]), size: 1, exec: false }
    }

    fn link(target: &str) -> Entry {
        Entry::Symlink { target: LinkTarget::parse(&path("a"), target).unwrap() }
    }

    fn tree(entries: &[(&str, Entry)]) -> BTreeMap<RelPath, Entry> {
        entries.iter().map(|(text, entry)| (path(text), entry.clone())).collect()
    }

    fn merkle(tree: &BTreeMap<RelPath, Entry>) -> Merkle {
        Merkle::of(tree)
    }
}
