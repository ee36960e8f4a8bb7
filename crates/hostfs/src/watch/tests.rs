//! Whoever watches hears of everything that a page may know of, and of nothing else.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use oriel_wire::hostfs::{ChangeKind, Code, WorkspaceAccess};

use super::{CHANGES_MAX, Told, Watching, failed};
use crate::grants::{Grant, Grants};
use crate::root::Root;

#[test]
fn what_is_made_changed_and_removed_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let top = folder.path();
    fs::create_dir(top.join("old")).unwrap();
    fs::write(top.join("old/f"), "").unwrap();
    let watching = root(top, &[]).watch("").unwrap();
    fs::write(top.join("a"), "a").unwrap();
    assert_eq!(next(&watching, "a"), ChangeKind::Made);
    fs::write(top.join("old/f"), "f").unwrap();
    assert_eq!(next(&watching, "old/f"), ChangeKind::Changed);
    fs::rename(top.join("a"), top.join("b")).unwrap();
    assert_eq!(next(&watching, "b"), ChangeKind::Made);
    fs::remove_file(top.join("b")).unwrap();
    assert_eq!(next(&watching, "b"), ChangeKind::Removed);
    fs::create_dir(top.join("new")).unwrap();
    assert_eq!(next(&watching, "new"), ChangeKind::Made);
}

#[test]
fn nobody_hears_of_what_is_hidden_or_lies_outside() {
    let folder = tempfile::tempdir().unwrap();
    let top = folder.path().join("top");
    let outside = folder.path().join("outside");
    fs::create_dir_all(top.join("data")).unwrap();
    fs::create_dir_all(top.join("sub")).unwrap();
    fs::create_dir(&outside).unwrap();
    std::os::unix::fs::symlink(&outside, top.join("link")).unwrap();
    let watching = root(&top, &[&top.join("data")]).watch("").unwrap();
    fs::write(outside.join("o"), "").unwrap();
    fs::write(top.join("data/d"), "").unwrap();
    fs::write(top.join("sub/.oriel-0123456789abcdef.part"), "").unwrap();
    // A folder that was watched is swapped for a link to elsewhere: its news is of what is there no more.
    fs::write(top.join("sub/s"), "").unwrap();
    fs::rename(top.join("sub"), top.join("moved")).unwrap();
    std::os::unix::fs::symlink(&outside, top.join("sub")).unwrap();
    fs::write(top.join("end"), "").unwrap();
    let mut all = Vec::new();
    until(|| {
        all.extend(watching.changes(Duration::from_millis(100)).unwrap().changes);
        all.iter().any(|change| change.path == "end")
    });
    for change in &all {
        assert!(["sub", "moved", "moved/s", "end"].contains(&change.path.as_str()), "{change:?}");
    }
}

#[test]
fn nothing_is_heard_of_what_was_put_in_a_folders_place_or_was_moved_away() {
    for watched in ["", "a/b"] {
        let folder = tempfile::tempdir().unwrap();
        let place = |name: &str| folder.path().join(name);
        for name in ["above/top/a/b/c", "foreign/top/a/b/c", "foreign/b/c"] {
            fs::create_dir_all(place(name)).unwrap();
        }
        let watching = root(&place("above/top"), &[]).watch(watched).unwrap();
        let mut all = Vec::new();
        let mut hear = |until_told: &str| {
            until(|| {
                // Again and again: a folder on the way that is new is looked for in its own time, and
                // what was in it by then is told as something to look for.
                fs::write(place("above/top").join(until_told), "").unwrap();
                if let Ok(changes) = watching.changes(Duration::from_millis(50)) {
                    all.extend(changes.changes.into_iter().map(|change| change.path));
                }
                all.iter().any(|path| path == until_told)
            });
        };
        // Somebody puts another tree at its path for a while, and makes folders in both, which one who
        // goes by paths would look for in the wrong place.
        fs::create_dir(place("above/top/a/b/made")).unwrap();
        fs::rename(place("above"), place("away")).unwrap();
        fs::rename(place("foreign"), place("above")).unwrap();
        fs::create_dir(place("away/top/a/b/later")).unwrap();
        fs::create_dir(place("above/top/a/b/made")).unwrap();
        fs::create_dir(place("above/top/a/b/later")).unwrap();
        fs::write(place("away/top/a/b/ours"), "").unwrap();
        until(|| watching.news.told().paths.contains_key("a/b/ours"));
        for name in ["made/secret", "later/secret", "c/secret", "secret"] {
            fs::write(place("above/top/a/b").join(name), "").unwrap();
        }
        fs::rename(place("above"), place("foreign")).unwrap();
        fs::rename(place("away"), place("above")).unwrap();
        hear("a/b/c/again");
        // A folder that is moved out is none of ours any more, and neither is what is put there.
        fs::rename(place("above/top/a"), place("out")).unwrap();
        fs::write(place("out/b/c/secret"), "").unwrap();
        fs::write(place("out/b/secret"), "").unwrap();
        fs::create_dir(place("above/top/a")).unwrap();
        std::os::unix::fs::symlink(place("foreign/b"), place("above/top/a/b")).unwrap();
        fs::write(place("foreign/b/c/secret"), "").unwrap();
        fs::remove_file(place("above/top/a/b")).unwrap();
        fs::create_dir_all(place("above/top/a/b/new")).unwrap();
        hear("a/b/new/end");
        assert!(all.iter().all(|path| !path.contains("secret")), "{watched:?} {all:?}");
    }
}

#[test]
fn what_is_in_a_folder_that_comes_as_a_whole_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let top = folder.path().join("top");
    fs::create_dir(&top).unwrap();
    fs::create_dir_all(folder.path().join("whole/deep")).unwrap();
    fs::write(folder.path().join("whole/deep/file"), "").unwrap();
    let watching = root(&top, &[]).watch("").unwrap();
    fs::rename(folder.path().join("whole"), top.join("whole")).unwrap();
    assert_eq!(next(&watching, "whole/deep/file"), ChangeKind::Made);
    fs::write(top.join("whole/deep/file"), "x").unwrap();
    assert_eq!(next(&watching, "whole/deep/file"), ChangeKind::Changed);
}

#[test]
fn more_than_is_remembered_is_looked_for_again() {
    let mut told = Told::default();
    for number in 0..=CHANGES_MAX {
        told.add(Some(Path::new(&number.to_string())), true);
    }
    assert!(told.look_again && told.paths.is_empty());
}

#[test]
fn who_waits_is_woken_when_it_is_closed_and_hears_that_the_folder_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    let top = folder.path().join("top");
    fs::create_dir(&top).unwrap();
    let watching = root(&top, &[]).watch("").unwrap();
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| watching.changes(Duration::from_secs(600)));
        watching.close();
        assert_eq!(waiting.join().unwrap().unwrap().changes, []);
    });
    fs::rename(&top, folder.path().join("else")).unwrap();
    fs::create_dir(&top).unwrap();
    assert_eq!(watching.changes(Duration::ZERO).unwrap_err().code, Code::Gone);
}

#[test]
fn a_limit_of_the_system_names_the_setting_to_change() {
    let error = failed(notify::Error::new(notify::ErrorKind::MaxFilesWatch), "a");
    assert_eq!(error.code, Code::TooMany);
    assert!(error.hint.unwrap().contains("max_user_watches"));
}

fn root(path: &Path, hidden: &[&Path]) -> Root {
    let path = path.canonicalize().unwrap();
    let grant = Grant::new("g", "page", path, WorkspaceAccess::ReadWrite);
    let hidden = hidden.iter().map(|&path| path.to_owned()).collect();
    Root::open(&Grants::fixed(vec![grant]).hiding(hidden).of("page")[0]).unwrap()
}

fn next(watching: &Watching, path: &str) -> ChangeKind {
    let mut found = None;
    until(|| {
        let changes = watching.changes(Duration::from_millis(100)).unwrap().changes;
        found = changes.into_iter().find(|change| change.path == path);
        found.is_some()
    });
    found.unwrap().kind
}

fn until(mut done: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !done() {
        assert!(Instant::now() < deadline, "it did not come");
    }
}
