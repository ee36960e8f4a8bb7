//! Two trees are compared by asking, and what differs is found.

use std::collections::{BTreeMap, BTreeSet};

use oriel_wire::sync::{Digest, Down, Up};
use proptest::prelude::*;

use super::*;

#[test]
fn trees_that_are_the_same_need_one_question() {
    let tree = tree(&[("a/", 0), ("a/b", 1), ("c", 2)]);
    let (outcome, asked) = walk(&Tree::of(&tree, 4), Tree::of(&tree, 4));
    assert_eq!((outcome, asked), (Outcome::Same, 1));
}

#[test]
fn a_tree_that_changed_meanwhile_is_not_compared() {
    let ours = tree(&[("a", 1)]);
    let theirs = tree(&[("a", 2)]);
    let (outcome, _) = walk(&Tree::of(&theirs, 5), Tree::of(&ours, 4));
    assert_eq!(outcome, Outcome::Moved);
}

#[test]
fn a_folder_with_very_many_names_is_told_in_parts() {
    let names: Vec<_> = (0..9000).map(|number| format!("{number:0>200}")).collect();
    let theirs: Vec<_> = names.iter().map(|name| (name.as_str(), 1)).collect();
    let mut ours = theirs.clone();
    ours.swap_remove(8500);
    ours[4100].1 = 2;
    let (outcome, asked) = walk(&Tree::of(&tree(&theirs), 1), Tree::of(&tree(&ours), 1));
    let paths = vec![path(&names[4100]), path(&names[8500])];
    assert_eq!(outcome, Outcome::Differs { paths, is_all: true });
    assert!((3..6).contains(&asked), "{asked}");
}

#[test]
fn a_walk_that_finds_too_much_says_so() {
    let names: Vec<_> = (0..PATHS_MAX + 10).map(|number| format!("{number:06}")).collect();
    let theirs: Vec<_> = names.iter().map(|name| (name.as_str(), 1)).collect();
    let (outcome, _) = walk(&Tree::of(&tree(&theirs), 1), Tree::of(&tree(&[]), 1));
    let Outcome::Differs { paths, is_all: false } = outcome else { panic!("{outcome:?}") };
    assert_eq!(paths.len(), PATHS_MAX);
}

#[test]
fn answers_that_nobody_asked_for_are_refused() {
    let (ours, theirs) = (tree(&[("a/", 0), ("b", 1)]), tree(&[("a/", 0), ("b", 2)]));
    let there = Tree::of(&theirs, 1);
    let mut walk = Walk::new(Tree::of(&ours, 1));
    let asked = walk.ask().unwrap();
    assert_eq!(walk.ask(), None, "one after the other");
    let answer = there.answer(&asked);
    let other = VerifyDiff { folder: Some(path("a")), ..answer.clone() };
    assert_eq!(walk.hear(&other), Err(WalkError::NotAsked));
    assert_eq!(walk.hear(&answer), Err(WalkError::NotAsked));
    let mut walk = Walk::new(Tree::of(&ours, 1));
    walk.ask().unwrap();
    let endless = VerifyDiff { has_more: true, ..answer };
    walk.hear(&endless).unwrap();
    walk.ask().unwrap();
    assert_eq!(walk.hear(&endless), Err(WalkError::Again));
}

proptest! {
    #[test]
    fn a_walk_finds_what_differs(ours in any_tree(), theirs in any_tree()) {
        let (outcome, _) = walk(&Tree::of(&theirs, 1), Tree::of(&ours, 1));
        let found: BTreeSet<_> = match &outcome {
            Outcome::Differs { paths, is_all: true } => paths.iter().collect(),
            Outcome::Same => BTreeSet::new(),
            other => panic!("{other:?}"),
        };
        prop_assert_eq!(outcome == Outcome::Same, ours == theirs);
        for path in ours.keys().chain(theirs.keys()) {
            let is_found = found.iter().any(|above| path.starts_with(above));
            prop_assert_eq!(ours.get(path) != theirs.get(path), is_found, "{}", path);
        }
    }
}

/// Lets one side ask the other until the walk ends, and counts the questions.
fn walk(theirs: &Tree, ours: Tree) -> (Outcome, usize) {
    let mut walk = Walk::new(ours);
    let mut asked = 0;
    while let Some(verify) = walk.ask() {
        asked += 1;
        let frame = Up::Verify(verify).encode().unwrap();
        let Ok(Up::Verify(verify)) = Up::decode(&frame) else { panic!() };
        let frame = Down::VerifyDiff(theirs.answer(&verify)).encode().unwrap();
        let Ok(Down::VerifyDiff(diff)) = Down::decode(&frame) else { panic!() };
        walk.hear(&diff).unwrap();
    }
    (walk.outcome().unwrap(), asked)
}

fn any_tree() -> impl Strategy<Value = BTreeMap<RelPath, Entry>> {
    let paths = proptest::collection::btree_map("[ab-](/[ab]){0,3}", 1..3_u8, 0..8);
    paths.prop_map(|paths| {
        let mut tree = BTreeMap::new();
        for (text, byte) in paths {
            let path = path(&text);
            if path.ancestors().any(|folder| tree.get(&folder).is_some_and(|it| *it != Entry::Dir))
            {
                continue;
            }
            path.ancestors().for_each(|folder| _ = tree.insert(folder, Entry::Dir));
            tree.entry(path).or_insert(file(byte));
        }
        tree
    })
}

fn path(text: &str) -> RelPath {
    RelPath::parse(text).unwrap()
}

fn file(byte: u8) -> Entry {
    Entry::File { digest: Digest([byte; 32]), size: 1, exec: false }
}

/// A path that ends with `/` is a folder.
fn tree(entries: &[(&str, u8)]) -> BTreeMap<RelPath, Entry> {
    let entry = |(text, byte): &(&str, u8)| match text.strip_suffix('/') {
        Some(text) => (path(text), Entry::Dir),
        None => (path(text), file(*byte)),
    };
    entries.iter().map(entry).collect()
}
