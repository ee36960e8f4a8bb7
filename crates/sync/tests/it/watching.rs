//! Every change is heard of, under the path that it has, or it is said that more happened than was told.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::sync::mpsc::{Receiver, channel, sync_channel};

use oriel_sync::coalesce::Hint;
use oriel_sync::folder::Folder;
use oriel_sync::look::{List, Listing, list};
use oriel_sync::rules::LeftOut;
use oriel_sync::vfs::{Fault, Vfs as _};
use oriel_sync::watcher::Heard;
use tempfile::TempDir;

use crate::world::{child, namespaces, next, passed, rel, until};

#[test]
fn each_change_is_told_for_what_it_is() {
    let (top, folder, heard) = heard_folder();
    fs::create_dir(top.path().join("inner")).unwrap();
    listed(&folder, None);
    let path = |name: &str| top.path().join(name);
    let told = |text: &str, hint| until_heard(&heard, text, hint);
    fs::write(path("file"), "text").unwrap();
    assert_eq!(next(&heard), hint("file", Hint::Written), "it is made");
    told("file", Hint::Closed);
    fs::set_permissions(path("file"), fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!(next(&heard), hint("file", Hint::Closed), "its mode");
    fs::rename(path("file"), path("inner/moved")).unwrap();
    assert_eq!(next(&heard), hint("file", Hint::Removed));
    assert_eq!(next(&heard), hint("inner/moved", Hint::Closed));
    fs::remove_file(path("inner/moved")).unwrap();
    told("inner/moved", Hint::Removed);
    symlink("nowhere", path("link")).unwrap();
    assert_eq!(next(&heard), hint("link", Hint::Written));
    fs::create_dir(path("new")).unwrap();
    assert_eq!(next(&heard), hint("new", Hint::Folder));
    fs::remove_dir(path("new")).unwrap();
    assert_eq!(next(&heard), hint("new", Hint::Removed));
    // Reading is no change, and what is sync's own or has no name that can be synced is not told.
    fs::read_dir(path("inner")).unwrap().count();
    fs::write(path(".oriel/sync/file"), "").unwrap();
    fs::write(path(".ORIEL"), "").unwrap();
    fs::write(path("bad\\name"), "").unwrap();
    fs::write(path("last"), "").unwrap();
    assert_eq!(next(&heard), hint("last", Hint::Written));
}

#[test]
fn folders_that_are_made_and_filled_at_once_are_found_whole() {
    let (top, folder, heard) = heard_folder();
    listed(&folder, None);
    let mut expected = BTreeSet::new();
    for tree in 0..30 {
        let path = format!("t{tree}/a/b/c/d");
        fs::create_dir_all(top.path().join(&path)).unwrap();
        for file in 0..5 {
            let path = format!("{path}/f{file}");
            fs::write(top.path().join(&path), "").unwrap();
            expected.insert(rel(&path));
        }
    }
    let mut found = BTreeSet::new();
    until("all of them are found", || {
        follow(&folder, &next(&heard), &mut found);
        expected.is_subset(&found)
    });
}

#[test]
fn a_folder_that_was_moved_is_heard_under_its_new_path_only() {
    let (top, folder, heard) = heard_folder();
    fs::create_dir_all(top.path().join("old/a/b")).unwrap();
    fs::create_dir(top.path().join("deep")).unwrap();
    listed(&folder, None);
    let mut old = "old".to_owned();
    for (round, new) in ["deep/new", "other", "deep/new", "old"].into_iter().enumerate() {
        fs::rename(top.path().join(&old), top.path().join(new)).unwrap();
        let mut found = BTreeSet::new();
        until("it is listed", || {
            follow(&folder, &next(&heard), &mut found);
            found.contains(&rel(&format!("{new}/a/b")))
        });
        let file = format!("{new}/a/b/file{round}");
        fs::write(top.path().join(&file), "").unwrap();
        let first = next(&heard);
        assert_eq!(first, hint(&file, Hint::Written), "nothing is told of the old path");
        until_heard(&heard, &file, Hint::Closed);
        new.clone_into(&mut old);
    }
}

#[test]
fn a_folder_that_was_moved_and_listed_before_that_was_heard_keeps_being_heard() {
    // Whoever hears waits at the gate, so the folder is listed at its new path first.
    let top = TempDir::new().unwrap();
    let ((tell, heard), (open, gate)) = (channel(), channel::<()>());
    let gate = std::sync::Mutex::new(gate);
    let hear = move |news| {
        let _ = gate.lock().unwrap().recv();
        let _ = tell.send(news);
    };
    let folder = Folder::open(top.path(), hear).unwrap();
    fs::create_dir_all(top.path().join("old/a")).unwrap();
    listed(&folder, None);
    fs::write(top.path().join("first"), "").unwrap();
    fs::rename(top.path().join("old"), top.path().join("new")).unwrap();
    listed(&folder, Some("new"));
    drop(open);
    fs::write(top.path().join("new/a/file"), "").unwrap();
    until_heard(&heard, "new/a/file", Hint::Closed);
}

#[test]
fn what_was_moved_out_is_not_heard_any_more_and_the_root_is_told_itself() {
    let (top, folder, heard) = heard_folder();
    let outside = TempDir::new().unwrap();
    fs::create_dir_all(top.path().join("old/a")).unwrap();
    listed(&folder, None);
    fs::rename(top.path().join("old"), outside.path().join("old")).unwrap();
    assert_eq!(next(&heard), hint("old", Hint::Removed));
    fs::write(outside.path().join("old/a/file"), "").unwrap();
    fs::write(top.path().join("file"), "").unwrap();
    assert_eq!(next(&heard), hint("file", Hint::Written));
    until_heard(&heard, "file", Hint::Closed);
    fs::rename(top.path(), outside.path().join("top")).unwrap();
    assert_eq!(next(&heard), Heard::Root);
    assert_eq!(folder.check_root(), Err(Fault::RootGone));
}

#[test]
fn that_the_root_is_removed_is_told_even_if_nothing_was_in_it() {
    let (top, folder, heard) = heard_folder();
    listed(&folder, None);
    fs::remove_dir_all(top.path()).unwrap();
    assert_eq!(next(&heard), Heard::Root);
    assert_eq!(folder.check_root(), Err(Fault::RootGone));
}

#[test]
fn when_more_happens_than_is_kept_that_is_told() {
    let limit = fs::read_to_string("/proc/sys/fs/inotify/max_queued_events").unwrap();
    let limit: usize = limit.trim().parse().unwrap();
    let top = TempDir::new().unwrap();
    // Whoever hears does not come on before all has happened.
    let ((tell, heard), (open, gate)) = (sync_channel(0), channel::<()>());
    let gate = std::sync::Mutex::new(gate);
    let hear = move |news| {
        let _ = gate.lock().unwrap().recv();
        let _ = tell.send(news);
    };
    let folder = Folder::open(top.path(), hear).unwrap();
    listed(&folder, None);
    for file in 0..limit / 2 + 3000 {
        let path = top.path().join(format!("file{file}"));
        fs::create_dir(&path).unwrap();
        fs::remove_dir(&path).unwrap();
    }
    drop(open);
    until("it is told", || next(&heard) == Heard::Rescan);
    fs::write(top.path().join("later"), "").unwrap();
    until_heard(&heard, "later", Hint::Closed);
}

#[test]
fn where_the_system_allows_no_more_watches_the_rest_is_listed_unwatched() {
    // Without a namespace only the whole machine's limit could be reached.
    let Some(how) = namespaces() else { return };
    let top = TempDir::new().unwrap();
    let script = "echo 100 > /proc/sys/user/max_inotify_watches";
    passed(&child(how, script, top.path(), "watching::limit_child"));
}

#[test]
#[ignore = "the other half of `where_the_system_allows_no_more_watches_the_rest_is_listed_unwatched`"]
fn limit_child() {
    let (top, folder, heard) = heard_folder();
    for number in 0..150 {
        fs::create_dir(top.path().join(format!("folder{number}"))).unwrap();
    }
    let listing = listed(&folder, None);
    assert!(listing.is_unwatched);
    assert_eq!(listing.found.len(), 150);
    let watched = (0..150).map(|number| format!("folder{number}"));
    let watched: Vec<_> = watched.filter(|path| folder.watch(Some(&rel(path))) == Ok(())).collect();
    assert_eq!(watched.len(), 99, "and the root");
    // What is watched is heard, and what goes makes room.
    fs::write(top.path().join(&watched[0]).join("file"), "").unwrap();
    until_heard(&heard, &format!("{}/file", watched[0]), Hint::Closed);
    fs::remove_dir(top.path().join(&watched[1])).unwrap();
    until_heard(&heard, &watched[1], Hint::Removed);
    let is_watched = |path: &String| folder.watch(Some(&rel(path))) == Ok(());
    let others: Vec<_> = (0..150).map(|number| format!("folder{number}")).collect();
    until("there is room for one more", || {
        others.iter().filter(|path| !watched.contains(path)).any(is_watched)
    });
}

#[test]
fn a_folder_that_is_dropped_while_things_happen_leaves_nothing_open() {
    let top = TempDir::new().unwrap();
    passed(&child(&["env"], "true", top.path(), "watching::dropped_child"));
}

#[test]
#[ignore = "the other half of `a_folder_that_is_dropped_while_things_happen_leaves_nothing_open`"]
fn dropped_child() {
    let count = |folder: &str| fs::read_dir(folder).unwrap().count();
    let before = (count("/proc/self/fd"), count("/proc/self/task"));
    for _ in 0..50 {
        let (top, folder, heard) = heard_folder();
        listed(&folder, None);
        for file in 0..200 {
            fs::write(top.path().join(format!("file{file}")), "").unwrap();
        }
        assert!(matches!(next(&heard), Heard::Hint(..)));
        drop(folder);
    }
    until("all is closed", || (count("/proc/self/fd"), count("/proc/self/task")) == before);
}

fn heard_folder() -> (TempDir, Folder, Receiver<Heard>) {
    let top = TempDir::new().unwrap();
    let (tell, heard) = channel();
    let tell = move |news| {
        // Who does not listen any more has all it wants.
        let _ = tell.send(news);
    };
    let folder = open(top.path(), tell);
    (top, folder, heard)
}

fn open(top: &Path, hear: impl Fn(Heard) + Send + Sync + 'static) -> Folder {
    Folder::open(top, hear).unwrap()
}

fn listed(folder: &Folder, path: Option<&str>) -> Listing {
    let all = List { folder: path.map(rel), is_deep: true };
    list(folder, &LeftOut::nothing(), &all).unwrap()
}

/// Does what an engine does with what it hears, as far as it is about what is there.
fn follow(folder: &Folder, heard: &Heard, found: &mut BTreeSet<oriel_wire::sync::RelPath>) {
    let Heard::Hint(path, hint) = heard else { panic!("{heard:?}") };
    found.insert(path.clone());
    if *hint == Hint::Folder {
        found.extend(listed(folder, Some(path.as_str())).found.into_iter().map(|(path, _)| path));
    }
}

fn hint(path: &str, hint: Hint) -> Heard {
    Heard::Hint(rel(path), hint)
}

fn until_heard(heard: &Receiver<Heard>, path: &str, expected: Hint) {
    until(path, || next(heard) == hint(path, expected));
}
