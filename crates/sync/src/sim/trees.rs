//! Small trees, all of them, and larger ones that were changed on both sides while nobody could talk.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::run::{LOCAL, UPSTREAM};
use super::state::State;
use super::{Plan, Sim};
use crate::stat::Kind;

/// What is at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Thing {
    Nothing,
    One,
    Other,
    Link,
    Dir,
}

use Thing::{Dir, Link, Nothing, One, Other};

/// A folder's name and the two names in it, in which nothing is where it is no folder.
type Tree = [Thing; 3];

const PATHS: [&str; 3] = ["a", "a/b", "a/c"];

/// How many triples of trees are tried when tests are run as always.
const TRIPLES: usize = 1500;

#[test]
fn all_triples_of_small_trees_become_what_each_path_and_what_is_in_it_say() {
    let trees = trees();
    let count = trees.len().pow(3);
    assert_eq!(count, 24_389);
    let step =
        if super::tests::setting("ORIEL_TEST_SEEDS").is_some() { 1 } else { count / TRIPLES };
    let one = super::tests::setting("ORIEL_TEST_SEED").map(|seed| usize::try_from(seed).unwrap());
    for number in (0..count).step_by(step).filter(|number| one.is_none_or(|one| one == *number)) {
        let agreed = trees[number % trees.len()];
        let here = trees[number / trees.len() % trees.len()];
        let there = trees[number / trees.len().pow(2)];
        let found = met(number as u64, one.is_some(), [agreed, here, there]);
        for (at, path) in PATHS.iter().enumerate() {
            let told = format!("{number}: {path} of {agreed:?} / {here:?} / {there:?}: {found:?}");
            match expected(agreed, here, there, at) {
                Some(thing) => assert_eq!([found[0][at], found[1][at]], [thing; 2], "{told}"),
                None => assert_eq!([found[0][at], found[1][at]], [here[at], there[at]], "{told}"),
            }
        }
    }
}

/// Returns what is to be at a path in the end; nothing where each side keeps its own.
fn expected(agreed: Tree, here: Tree, there: Tree, at: usize) -> Option<Thing> {
    let wish = |at: usize| match (agreed[at], here[at], there[at]) {
        (_, here, there) if here == there => Some(here),
        (agreed, here, there) if here == agreed => Some(there),
        (agreed, here, there) if there == agreed => Some(here),
        (_, Nothing, other) | (_, other, Nothing) => Some(other),
        _ => None,
    };
    // What one side changed in a folder lives, and so does the folder.
    let lives = |at: usize| wish(at) != Some(Nothing);
    let folder = match wish(0) {
        Some(Dir) => Some(Dir),
        Some(thing) if [here[0], there[0]].contains(&Dir) && (lives(1) || lives(2)) => {
            if thing == Nothing { Some(Dir) } else { None }
        }
        wish => wish,
    };
    match folder {
        _ if at == 0 => folder,
        Some(Dir) => wish(at),
        Some(_) => Some(Nothing),
        // What is in the folder waits for the choice, but for what was deleted from it.
        None if wish(at) == Some(Nothing) => Some(Nothing),
        None => None,
    }
}

/// All trees of these three paths.
fn trees() -> Vec<Tree> {
    let all = [Nothing, One, Other, Link, Dir];
    let mut trees: Vec<Tree> = all[..4].iter().map(|thing| [*thing, Nothing, Nothing]).collect();
    for one in all {
        trees.extend(all.iter().map(|other| [Dir, one, *other]));
    }
    trees
}

/// Lets two trees meet that were changed apart, and returns what becomes of them.
fn met(seed: u64, is_loud: bool, [agreed, here, there]: [Tree; 3]) -> [Tree; 2] {
    let mut sim = Sim::new(&Plan { is_calm: true, is_empty: true, is_loud, ..Plan::of(seed) });
    change(&mut sim.state.borrow_mut(), UPSTREAM, agreed);
    sim.settle();
    sim.cut(0);
    change(&mut sim.state.borrow_mut(), LOCAL, here);
    change(&mut sim.state.borrow_mut(), UPSTREAM, there);
    sim.settle();
    assert!(sim.is_still());
    [read(&sim.state.borrow(), LOCAL), read(&sim.state.borrow(), UPSTREAM)]
}

fn change(state: &mut State, side: usize, tree: Tree) {
    let now = read(state, side);
    for (at, path) in PATHS.iter().enumerate().rev() {
        if now[at] != tree[at] {
            state.actor_remove(side, path);
            state.actor_remove_dir(side, path);
        }
    }
    for (path, thing) in PATHS.iter().zip(tree) {
        match thing {
            Nothing => {}
            One => state.actor_create(side, path, b"one"),
            Other => state.actor_create(side, path, b"other"),
            Link => state.actor_make(side, path, Kind::Symlink, "x"),
            Dir => state.actor_make(side, path, Kind::Dir, ""),
        }
    }
}

fn read(state: &State, side: usize) -> Tree {
    let fs = &state.sides[side].fs;
    let found: BTreeMap<_, _> = fs.walk().into_iter().collect();
    PATHS.map(|path| match found.get(path).map(|ino| &fs.inodes[ino]) {
        None => Nothing,
        Some(inode) if inode.kind == Kind::Dir => Dir,
        Some(inode) if inode.kind == Kind::Symlink => Link,
        Some(inode) if inode.data == b"one" => One,
        Some(_) => Other,
    })
}

/// Something that somebody does to a tree at once.
#[derive(Debug, Clone)]
enum Deed {
    Write(&'static str),
    Remove(&'static str),
    RemoveDir(&'static str),
    MakeDir(&'static str),
    Rename(&'static str, &'static str),
    Chmod(&'static str),
    Link(&'static str),
}

const NAMES: [&str; 7] = ["a", "b", "d", "d/a", "d/e", "d/e/a", "d/e/f"];

fn deed() -> impl Strategy<Value = Deed> {
    let name = || proptest::sample::select(&NAMES[..]);
    prop_oneof![
        4 => name().prop_map(Deed::Write),
        3 => name().prop_map(Deed::Remove),
        1 => name().prop_map(Deed::RemoveDir),
        3 => name().prop_map(Deed::MakeDir),
        3 => (name(), name()).prop_map(|(from, to)| Deed::Rename(from, to)),
        1 => name().prop_map(Deed::Chmod),
        1 => name().prop_map(Deed::Link),
    ]
}

fn does(state: &mut State, side: usize, deed: &Deed) {
    match *deed {
        Deed::Write(path) => {
            let data = state.oracle.unique(if side == LOCAL { 'u' } else { 'g' }, 8);
            state.actor_create(side, path, &data);
        }
        Deed::Remove(path) => state.actor_remove(side, path),
        Deed::RemoveDir(path) => state.actor_remove_dir(side, path),
        Deed::MakeDir(path) => state.actor_make(side, path, Kind::Dir, ""),
        Deed::Rename(from, to) => state.actor_rename(side, from, to),
        Deed::Chmod(path) => state.actor_chmod(side, path),
        Deed::Link(path) => state.actor_make(side, path, Kind::Symlink, "a"),
    }
}

fn deeds() -> impl Strategy<Value = Vec<Deed>> {
    proptest::collection::vec(deed(), 0..14)
}

proptest! {
    /// One tree, changed twice apart: whatever order the events come in, both become one again, and
    /// nothing is lost.
    #[test]
    fn a_tree_that_was_changed_twice_apart_becomes_one(
        seed in any::<u64>(), base in deeds(), here in deeds(), there in deeds(),
    ) {
        let mut sim = Sim::new(&Plan { is_calm: true, is_empty: true, ..Plan::of(seed) });
        base.iter().for_each(|deed| does(&mut sim.state.borrow_mut(), UPSTREAM, deed));
        sim.settle();
        sim.cut(0);
        here.iter().for_each(|deed| does(&mut sim.state.borrow_mut(), LOCAL, deed));
        there.iter().for_each(|deed| does(&mut sim.state.borrow_mut(), UPSTREAM, deed));
        sim.settle();
        let wrong = sim.judge().wrong;
        prop_assert!(wrong.is_empty(), "{wrong:#?}");
    }
}
