//! A full disk, lost permissions: each is told for what it is, and leaves the tree as it was.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use oriel_sync::folder::{Folder, OpenError, Options};
use oriel_sync::look::{List, Seen, list};
use oriel_sync::op::Outcome;
use oriel_sync::rules::LeftOut;
use oriel_sync::vfs::{Fault, Place, Vfs as _};
use oriel_wire::sync::Entry;
use rustix::thread::{CapabilitySet, CapabilitySets};
use tempfile::TempDir;

use crate::world::{World, child, namespaces, passed, rel};

#[test]
fn a_full_disk_is_told_and_tears_nothing() {
    // A limit on the length of files stands in for the end of the disk where nothing may be mounted.
    let ways = [
        (namespaces(), "mkdir full && mount -t tmpfs -o size=1m none full"),
        (Some(&["env"][..]), "mkdir full && trap '' XFSZ && ulimit -f 1024"),
    ];
    for (how, script) in ways {
        let Some(how) = how else { continue };
        let top = TempDir::new().unwrap();
        passed(&child(how, script, top.path(), "trouble::full_child"));
    }
}

#[test]
#[ignore = "the other half of `a_full_disk_is_told_and_tears_nothing`"]
fn full_child() {
    let kept = TempDir::new().unwrap();
    let world = World::at(kept, &Path::new("full").canonicalize().unwrap(), Options::default());
    assert_eq!(world.put("file", b"old").outcome, Outcome::Done);
    // The store is on a disk with room; but where only the length is limited, it is as well.
    let pieces: Vec<_> = (0..4).map(|piece| world.keep(&vec![piece; 512 * 1024])).collect();
    let much = vec![7; 2 << 20];
    let mut draft = oriel_sync::vfs::Blobs::begin(&world.contents).unwrap();
    let added = oriel_sync::vfs::Blobs::add(&world.contents, &mut draft, &much);
    drop(draft);
    if added == Ok(()) {
        let new = world.keep(&much);
        for path in ["file", "new"] {
            let seen = world.look(path);
            let (_, applied) = world.apply(path, seen, new.clone());
            assert_eq!(applied.outcome, Outcome::Failed(Fault::Full));
        }
        assert_eq!(fs::read_dir(world.path(".oriel/sync/stage")).unwrap().count(), 0);
    } else {
        assert_eq!(added, Err(Fault::Full));
    }
    assert_eq!(fs::read(world.path("file")).unwrap(), b"old");
    let seen = world.look("file");
    let (_, applied) = world.apply("file", seen, pieces[0].clone());
    assert_eq!(applied.outcome, Outcome::Done, "and it goes on");
}

#[test]
fn what_the_system_does_not_permit_is_told_and_changes_nothing() {
    let world = World::new();
    for folder in ["closed", "dark"] {
        fs::create_dir(world.path(folder)).unwrap();
        fs::write(world.path(folder).join("file"), "old").unwrap();
    }
    fs::write(world.path("unread"), "old").unwrap();
    let seen = world.look("closed/file");
    let new = world.keep(b"new");
    for (path, mode) in [("closed", 0o500), ("dark", 0o000), ("unread", 0o000)] {
        permit(&world.path(path), mode);
    }
    as_anybody(|| {
        let failed = Outcome::Failed(Fault::NotPermitted);
        let absent = Seen { entry: Entry::Absent, stat: None };
        let apply = |path: &str, seen: &Seen, new: &Entry| {
            world.apply(path, seen.clone(), new.clone()).1.outcome
        };
        assert_eq!(apply("closed/file", &seen, &new), failed);
        assert_eq!(apply("closed/file", &seen, &Entry::Absent), failed);
        assert_eq!(apply("closed/new", &absent, &new), failed);
        assert_eq!(apply("closed/folder", &absent, &Entry::Dir), failed);
        let (unread, inner) = (rel("unread"), rel("dark/file"));
        assert_eq!(world.folder.open(Place::Tree(&unread)).unwrap_err(), Fault::NotPermitted);
        assert_eq!(world.folder.lstat(Place::Tree(&inner)), Err(Fault::NotPermitted));
        let all = List { folder: None, is_deep: true };
        let listing = list(&world.folder, &LeftOut::nothing(), &all).unwrap();
        assert_eq!(listing.unread, [Some(rel("dark"))]);
        assert!(listing.found.iter().any(|(path, _)| *path == rel("closed/file")));
    });
    permit(&world.path("closed"), 0o700);
    assert_eq!(fs::read(world.path("closed/file")).unwrap(), b"old");
    assert_eq!(fs::read_dir(world.path("closed")).unwrap().count(), 1);
    for place in ["stage", "slots"] {
        let place = world.path(".oriel/sync").join(place);
        assert_eq!(fs::read_dir(place).unwrap().count(), 0);
    }
}

#[test]
fn a_folder_that_may_not_be_written_is_refused() {
    let top = TempDir::new().unwrap();
    permit(top.path(), 0o500);
    as_anybody(|| {
        let error = Folder::open(top.path(), |_| {}).unwrap_err();
        assert!(matches!(error, OpenError::NotPermitted { .. }), "{error}");
    });
}

#[test]
fn what_is_mounted_in_the_folder_is_not_entered() {
    let top = TempDir::new().unwrap();
    // Without a namespace there is nothing that can be mounted.
    let Some(how) = namespaces() else { return };
    let script = "mkdir -p full/disk && mount -t tmpfs none full/disk && echo x > full/disk/file";
    passed(&child(how, script, top.path(), "trouble::mounted_child"));
}

#[test]
#[ignore = "the other half of `what_is_mounted_in_the_folder_is_not_entered`"]
fn mounted_child() {
    use oriel_sync::stat::Kind;
    for resolving in [oriel_sync::folder::Resolving::Best, oriel_sync::folder::Resolving::Steps] {
        let options = Options { resolving, ..Options::default() };
        let world =
            World::at(TempDir::new().unwrap(), &Path::new("full").canonicalize().unwrap(), options);
        let (disk, inner) = (rel("disk"), rel("disk/file"));
        let stat = world.folder.lstat(Place::Tree(&disk)).unwrap().unwrap();
        assert_eq!(stat.kind, Kind::Special, "it is nothing that can be synced");
        assert_eq!(world.folder.list(None).unwrap()[0].stat.kind, Kind::Special);
        // That it is not reached is no sign that it is not there.
        assert_eq!(world.folder.lstat(Place::Tree(&inner)), Err(Fault::NotPermitted));
        assert_eq!(world.folder.open(Place::Tree(&inner)).unwrap_err(), Fault::NotPermitted);
        assert_eq!(world.folder.remove_dir(Place::Tree(&disk)), Err(Fault::NotPermitted));
    }
}

fn permit(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// Does something without the powers of an administrator, on a thread that gives them up.
fn as_anybody(work: impl FnOnce() + Send) {
    std::thread::scope(|scope| {
        let done = scope.spawn(|| {
            let none = CapabilitySet::empty();
            let none = CapabilitySets { effective: none, permitted: none, inheritable: none };
            rustix::thread::set_capabilities(None, none).unwrap();
            work();
        });
        done.join().unwrap();
    });
}
