//! The real folder answers as the simulated one does, and what is ours in it is private and whole.

mod same;

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::Path;

use oriel_wire::sync::RelPath;
use tempfile::TempDir;

use super::*;
use crate::vfs::Vfs as _;

#[test]
fn what_is_ours_is_private_and_the_marker_stays() {
    let top = TempDir::new().unwrap();
    fs::create_dir(top.path().join(".oriel")).unwrap();
    permit(&top.path().join(".oriel"), 0o777);
    let id = open(top.path()).id();
    for (name, mode) in [
        (".oriel", 0o700),
        (".oriel/.gitignore", 0o600),
        (".oriel/root-id", 0o600),
        (".oriel/sync", 0o700),
        (".oriel/sync/stage", 0o700),
        (".oriel/sync/slots", 0o700),
        (".oriel/sync/lock", 0o600),
    ] {
        let found = fs::metadata(top.path().join(name)).unwrap().mode() & 0o777;
        assert_eq!(found, mode, "{name}");
    }
    assert_eq!(fs::read_to_string(top.path().join(".oriel/.gitignore")).unwrap(), "*\n");
    assert_eq!(open(top.path()).id(), id, "it is kept");
    fs::write(top.path().join(".oriel/root-id"), "not hexadecimal").unwrap();
    assert_ne!(open(top.path()).id(), id, "what is none is made anew");
}

#[test]
fn a_folder_is_synced_once_at_a_time() {
    let top = TempDir::new().unwrap();
    let folder = open(top.path());
    let second = Folder::open(top.path(), |_| {}).unwrap_err();
    assert!(matches!(second, OpenError::InUse { .. }), "{second}");
    drop(folder);
    open(top.path());
}

#[test]
fn what_cannot_be_synced_is_refused_with_a_reason() {
    let top = TempDir::new().unwrap();
    fs::write(top.path().join("file"), "").unwrap();
    for name in ["nothing", "file"] {
        let error = Folder::open(&top.path().join(name), |_| {}).unwrap_err();
        assert!(matches!(error, OpenError::NotThere { .. }), "{name}: {error}");
    }
    // Whoever wrote the tree may have put a link there, to have sync write somewhere else.
    let outside = TempDir::new().unwrap();
    symlink(outside.path(), top.path().join(".oriel")).unwrap();
    Folder::open(top.path(), |_| {}).unwrap_err();
    assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 0);
}

#[test]
fn another_folder_in_its_place_is_not_the_one_that_was_chosen() {
    let above = TempDir::new().unwrap();
    let (top, away) = (above.path().join("top"), above.path().join("away"));
    fs::create_dir(&top).unwrap();
    let folder = open(&top);
    assert_eq!(folder.check_root(), Ok(()));
    fs::rename(&top, &away).unwrap();
    assert_eq!(folder.check_root(), Err(Fault::RootGone));
    fs::create_dir_all(top.join(".oriel")).unwrap();
    fs::copy(away.join(".oriel/root-id"), top.join(".oriel/root-id")).unwrap();
    assert_eq!(folder.check_root(), Err(Fault::RootGone), "a copy is another one");
    fs::remove_dir_all(&top).unwrap();
    fs::rename(&away, &top).unwrap();
    assert_eq!(folder.check_root(), Ok(()));
    fs::write(top.join(".oriel/root-id"), "0".repeat(32)).unwrap();
    assert_eq!(folder.check_root(), Err(Fault::RootGone), "another marker");
}

#[test]
fn without_its_slots_nothing_is_synced() {
    let top = TempDir::new().unwrap();
    let folder = open(top.path());
    fs::remove_dir_all(top.path().join(".oriel/sync")).unwrap();
    assert_eq!(folder.check_root(), Err(Fault::RootGone));
}

#[test]
fn new_files_have_the_permissions_that_a_plain_program_would_give_them() {
    let top = TempDir::new().unwrap();
    let folder = open(top.path()).with_umask(0o027);
    let modes = [(0o666, 0o640), (0o777, 0o750), (0o600, 0o600), (0o664, 0o664), (0o400, 0o400)];
    for (asked, given) in modes {
        let file = folder.create(OpId(1), asked).unwrap();
        assert_eq!(folder.fstat(&file).unwrap().mode, given, "{asked:o}");
    }
    let path = RelPath::parse("folder").unwrap();
    folder.make_dir(Place::Tree(&path)).unwrap();
    assert_eq!(folder.lstat(Place::Tree(&path)).unwrap().unwrap().mode, 0o750);
}

#[test]
fn nothing_that_is_written_later_has_an_earlier_time_than_the_clock() {
    for top in places() {
        let folder = open(top.path());
        let path = RelPath::parse("file").unwrap();
        for round in 0..2000 {
            let now_ns = folder.now_ns();
            fs::write(top.path().join("file"), round.to_string()).unwrap();
            let stat = folder.lstat(Place::Tree(&path)).unwrap().unwrap();
            assert!(now_ns <= stat.mtime_ns, "{now_ns} {stat:?}");
        }
        assert!(!folder.is_remote() && !folder.folds_case());
        assert_eq!((folder.granularity_ns(), folder.means()), (20_000_000, Means::Exchange));
    }
}

#[test]
fn a_slot_goes_with_all_that_is_in_it_and_no_link_is_followed() {
    let (top, outside) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    fs::write(outside.path().join("file"), "").unwrap();
    let folder = open(top.path());
    let slot = top.path().join(".oriel/sync/slots").join(OpId(7).to_string());
    fs::create_dir_all(slot.join("a/b")).unwrap();
    fs::write(slot.join("a/b/file"), "").unwrap();
    symlink(outside.path(), slot.join("a/link")).unwrap();
    folder.discard(OpId(7)).unwrap();
    assert!(!slot.exists());
    assert!(outside.path().join("file").exists());
    folder.discard(OpId(7)).unwrap();
}

#[test]
fn what_was_replaced_by_links_when_the_process_ended_is_in_its_slot_afterwards() {
    let top = TempDir::new().unwrap();
    drop(open(top.path()));
    let slots = top.path().join(".oriel/sync/slots");
    let (done, begun) = (slots.join(OpId(1).to_string()), slots.join(OpId(2).to_string()));
    fs::write(done.with_extension("old"), "old").unwrap();
    fs::write(&begun, "new").unwrap();
    fs::write(begun.with_extension("old"), "old").unwrap();
    fs::write(top.path().join(".oriel/sync/stage/part"), "half").unwrap();
    open(top.path());
    assert_eq!(fs::read_to_string(done).unwrap(), "old");
    assert_eq!(fs::read_to_string(begun).unwrap(), "new");
    assert_eq!(fs::read_dir(slots).unwrap().count(), 2);
    assert!(!top.path().join(".oriel/sync/stage/part").exists());
}

#[test]
fn a_pipe_is_never_opened() {
    let top = TempDir::new().unwrap();
    let folder = open(top.path());
    let (mode, kind) = (rustix::fs::Mode::RUSR, rustix::fs::FileType::Fifo);
    rustix::fs::mknodat(rustix::fs::CWD, top.path().join("pipe"), kind, mode, 0).unwrap();
    let path = RelPath::parse("pipe").unwrap();
    let stat = folder.lstat(Place::Tree(&path)).unwrap().unwrap();
    assert_eq!(stat.kind, crate::stat::Kind::Special);
    assert_eq!(folder.open(Place::Tree(&path)).unwrap_err(), Fault::Io);
}

#[test]
fn the_clock_of_another_machine_is_asked_by_writing() {
    let top = TempDir::new().unwrap();
    let mut folder = open(top.path());
    folder.disk.is_remote = true;
    let first = folder.now_ns();
    fs::write(top.path().join("file"), "").unwrap();
    let path = RelPath::parse("file").unwrap();
    let stat = folder.lstat(Place::Tree(&path)).unwrap().unwrap();
    assert!(first <= stat.mtime_ns && stat.mtime_ns <= folder.now_ns());
    let lock = fs::metadata(top.path().join(".oriel/sync/lock")).unwrap();
    assert!(first <= lock.mtime() * 1_000_000_000 + lock.mtime_nsec(), "it was written");
}

#[test]
fn where_names_have_no_case_only_the_listed_one_is_there() {
    let top = TempDir::new().unwrap();
    let mut folder = open(top.path());
    folder.disk.folds_case = true;
    fs::create_dir(top.path().join("Folder")).unwrap();
    fs::write(top.path().join("Folder/File"), "").unwrap();
    for (text, is_there) in [("Folder", true), ("Folder/File", true), ("Folder/file", false)] {
        let path = RelPath::parse(text).unwrap();
        assert_eq!(folder.lstat(Place::Tree(&path)).unwrap().is_some(), is_there, "{text}");
    }
    let path = RelPath::parse("Folder/File").unwrap();
    let spot = folder.spot(Place::Tree(&path)).unwrap();
    let other = read::Spot { name: "FILE".to_owned(), ..spot };
    assert_eq!(read::is_listed(&other), Ok(false), "it is found by the name and not by the answer");
}

/// A folder on each kind of disk there is here.
fn places() -> Vec<TempDir> {
    let mut places = vec![TempDir::new().unwrap()];
    places.extend(TempDir::new_in("/dev/shm"));
    places
}

fn open(path: &Path) -> Folder {
    Folder::open(path, |_| {}).unwrap()
}

fn permit(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}
