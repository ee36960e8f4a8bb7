//! What happens to a folder while a page uses it is told, and leaves nothing half done.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::path::Path;

use oriel_wire::hostfs::{Code, Create, Mode};
use rustix::thread::{CapabilitySet, CapabilitySets};

use crate::page::{Page, WAYS};

#[test]
fn what_the_system_does_not_permit_is_told_and_nothing_changes() {
    for way in WAYS {
        let folder = tempfile::tempdir().unwrap();
        let top = folder.path();
        let page = Page::new(top, &[], way);
        page.make_folder("closed", false).unwrap();
        page.replace("closed/file", Create::Must, b"old").unwrap();
        page.replace("file", Create::Must, b"old").unwrap();
        page.replace("read_only", Create::Must, b"old").unwrap();
        page.make_folder("dark", false).unwrap();
        permit(&top.join("file"), 0o000);
        permit(&top.join("read_only"), 0o400);
        permit(&top.join("closed"), 0o500);
        permit(&top.join("dark"), 0o000);
        as_anybody(|| {
            for (what, got) in [
                ("read", page.read("file")),
                ("write", page.write("read_only", Mode::Write, Create::Never, true)),
                ("make", page.write("closed/new", Mode::Write, Create::Must, false)),
                ("replace", page.replace("closed/file", Create::May, b"new")),
                ("folder", page.make_folder("closed/folder", false)),
                ("remove", page.remove("closed/file", false, false)),
                ("remove all", page.remove("closed", true, false)),
                ("rename", page.rename("closed/file", "moved", false)),
                ("list", page.list("dark")),
                ("in the dark", page.read("dark/file")),
            ] {
                let error = got.unwrap_err();
                assert_eq!(error.code, Code::NotPermitted, "{what}: {error:?} {way:?}");
                assert!(error.hint.is_some() && error.path.is_some(), "{what}");
            }
        });
        permit(&top.join("closed"), 0o700);
        permit(&top.join("dark"), 0o700);
        assert_eq!(fs::read(top.join("closed/file")).unwrap(), b"old");
        assert_eq!(fs::read_dir(top.join("closed")).unwrap().count(), 1);
        assert_eq!(fs::read(top.join("read_only")).unwrap(), b"old");
    }
}

#[test]
fn a_folder_that_is_removed_under_a_page_is_gone() {
    for way in WAYS {
        let folder = tempfile::tempdir().unwrap();
        let top = folder.path().join("top");
        fs::create_dir(&top).unwrap();
        let page = Page::new(&top, &[], way);
        page.replace("file", Create::Must, b"old").unwrap();
        fs::remove_dir_all(&top).unwrap();
        for is_new in [false, true] {
            for (what, got) in [
                ("read", page.read("file")),
                ("write", page.write("new", Mode::Write, Create::May, false)),
                ("list", page.list("")),
                ("stat", page.stat("file")),
                ("folder", page.make_folder("new", true)),
                ("replace", page.replace("new", Create::May, b"")),
                ("remove", page.remove("file", false, false)),
                ("watch", page.watch("")),
            ] {
                let error = got.unwrap_err();
                assert_eq!(error.code, Code::Gone, "{what}: {error:?} {way:?}");
                assert!(error.hint.is_some(), "{what}");
            }
            if !is_new {
                // Another folder of that name is not the one that was granted.
                fs::create_dir(&top).unwrap();
                fs::write(top.join("file"), "of another").unwrap();
            }
        }
        assert_eq!(fs::read_dir(&top).unwrap().count(), 1);
    }
}

#[test]
fn a_killed_replace_leaves_the_old_file_and_the_next_one_tidies_up() {
    for way in WAYS {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("file"), "old").unwrap();
        let left = folder.path().join(".oriel-00000000000000aa.part");
        fs::write(&left, "half of the n").unwrap();
        let busy = folder.path().join(".oriel-00000000000000bb.part");
        let writing = fs::File::create(&busy).unwrap();
        writing.lock().unwrap();
        let page = Page::new(folder.path(), &[], way);
        assert_eq!(page.read("file").unwrap(), b"old");
        assert_eq!(
            page.remove(".oriel-00000000000000aa.part", false, false).unwrap_err().code,
            Code::Denied
        );
        page.replace("file", Create::Never, b"new").unwrap();
        assert_eq!(page.read("file").unwrap(), b"new");
        assert!(!left.exists(), "nobody writes it any more");
        assert!(busy.exists(), "somebody writes it now");
    }
}

#[test]
fn a_file_of_somebody_else_that_is_replaced_lets_nobody_do_more() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    fs::write(&path, "old").unwrap();
    permit(&path, 0o664);
    // Only an administrator can have such a file here.
    if chown(&path, Some(12345), Some(54321)).is_err() {
        return;
    }
    let page = Page::new(folder.path(), &[], WAYS[0]);
    as_anybody(|| page.replace("file", Create::Never, b"new").map(|_| ()).unwrap());
    let stat = fs::metadata(&path).unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"new");
    assert_ne!((stat.uid(), stat.gid()), (12345, 54321), "nobody could give it away");
    assert_eq!(stat.mode() & 0o777, 0o604, "another group is in the place of theirs");
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
