//! What a workspace promises, whichever way its paths are resolved.

use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

use oriel_wire::hostfs::{Code, Create, Kind, Mode, WorkspaceAccess};

use super::Root;
use crate::grants::{Grant, Grants};
use crate::sys::Resolving;

const WAYS: [Resolving; 2] = [Resolving::Best, Resolving::Steps];

#[test]
fn a_file_is_made_written_read_and_found() {
    for way in WAYS {
        let folder = tempfile::tempdir().unwrap();
        let root = root(folder.path(), way);
        let mut file = root.open_file("a.txt", Mode::Write, Create::Must).unwrap().file;
        file.write_all(b"hello").unwrap();
        let mut text = String::new();
        let mut file = root.open_file("a.txt", Mode::Read, Create::Never).unwrap().file;
        file.read_to_string(&mut text).unwrap();
        assert_eq!(text, "hello");
        let stat = root.stat("a.txt").unwrap();
        assert_eq!((stat.kind, stat.length, stat.is_read_only), (Kind::File, 5, false));
        assert_eq!(root.stat("").unwrap().kind, Kind::Folder);
        let again = root.open_file("a.txt", Mode::Write, Create::Must).unwrap_err();
        assert_eq!(again.code, Code::Exists);
        let there = root.open_file("a.txt", Mode::ReadWrite, Create::May).unwrap();
        assert_eq!(there.stat, root.stat("a.txt").unwrap());
        assert_eq!(root.stat("b").unwrap_err().code, Code::NotFound);
    }
}

#[test]
fn links_are_followed_in_the_workspace_and_not_out_of_it() {
    for way in WAYS {
        let folder = tempfile::tempdir().unwrap();
        let outside = folder.path().join("outside");
        let inside = folder.path().join("inside");
        fs::create_dir_all(inside.join("a/b")).unwrap();
        fs::create_dir(&outside).unwrap();
        fs::write(outside.join("secret"), "s").unwrap();
        fs::write(inside.join("a/b/x"), "x").unwrap();
        symlink("a/b", inside.join("in")).unwrap();
        symlink("../a/b/x", inside.join("a/x")).unwrap();
        symlink("../outside", inside.join("out")).unwrap();
        symlink(&outside, inside.join("abs")).unwrap();
        symlink("loop", inside.join("loop")).unwrap();
        let root = root(&inside, way);
        for good in ["in/x", "a/x", "a/b/x"] {
            assert_eq!(root.stat(good).unwrap().length, 1, "{good}");
        }
        for bad in ["out/secret", "abs/secret", "out", "abs", "loop", "loop/x"] {
            assert_eq!(root.stat(bad).unwrap_err().code, Code::Outside, "{bad} {way:?}");
            let read = root.open_file(bad, Mode::Read, Create::Never);
            assert_eq!(read.unwrap_err().code, Code::Outside, "{bad}");
            let made = root.open_file(&format!("{bad}/new"), Mode::Write, Create::May);
            assert_eq!(made.unwrap_err().code, Code::Outside, "{bad}");
        }
    }
}

#[test]
fn a_list_goes_on_where_the_last_one_ended() {
    for way in WAYS {
        let folder = tempfile::tempdir().unwrap();
        for number in 0..5000 {
            fs::write(folder.path().join(format!("{number:05}")), "").unwrap();
        }
        let root = root(folder.path(), way);
        let first = root.list("", None).unwrap();
        assert_eq!((first.entries.len(), first.has_more), (4096, true));
        assert_eq!(first.entries.last().unwrap().name, "04095");
        let rest = root.list("", Some("04095")).unwrap();
        assert_eq!((rest.entries.len(), rest.has_more), (904, false));
    }
}

#[test]
fn folders_are_made_renamed_and_removed() {
    for way in WAYS {
        let folder = tempfile::tempdir().unwrap();
        let root = root(folder.path(), way);
        assert_eq!(root.make_folder("a/b/c", false).unwrap_err().code, Code::NotFound);
        assert_eq!(root.make_folder("a/b/c", true).unwrap().kind, Kind::Folder);
        root.make_folder("a/b/c", true).unwrap();
        assert_eq!(root.make_folder("a", false).unwrap_err().code, Code::Exists);
        fs::write(folder.path().join("a/f"), "f").unwrap();
        fs::write(folder.path().join("g"), "g").unwrap();
        assert_eq!(root.rename("g", "a/f", false).unwrap_err().code, Code::Exists);
        root.rename("g", "a/f", true).unwrap();
        assert_eq!(fs::read(folder.path().join("a/f")).unwrap(), b"g");
        assert_eq!(root.rename("a", "a/b/d", false).unwrap_err().code, Code::BadName);
        assert_eq!(root.remove("a", false, false).unwrap_err().code, Code::NotEmpty);
        symlink("/etc", folder.path().join("a/b/link")).unwrap();
        root.remove("a", true, false).unwrap();
        assert_eq!(root.list("", None).unwrap().entries, []);
    }
}

#[test]
fn what_is_replaced_keeps_its_permissions_and_leaves_nothing_beside() {
    for way in WAYS {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("f");
        fs::write(&path, "old").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        fs::write(folder.path().join(".oriel-0123456789abcdef.part"), "left").unwrap();
        let root = root(folder.path(), way);
        assert_eq!(root.replace("f", Create::Never, b"newer").unwrap().length, 5);
        assert_eq!(fs::read(&path).unwrap(), b"newer");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
        assert_eq!(root.replace("f", Create::Must, b"").unwrap_err().code, Code::Exists);
        assert_eq!(root.replace("g", Create::Never, b"").unwrap_err().code, Code::NotFound);
        root.replace("g", Create::Must, b"g").unwrap();
        symlink("g", folder.path().join("link")).unwrap();
        root.replace("link", Create::May, b"through").unwrap();
        assert_eq!(fs::read(folder.path().join("g")).unwrap(), b"through");
        let names = root.list("", None).unwrap().entries;
        assert_eq!(
            names.iter().map(|entry| entry.name.as_str()).collect::<Vec<_>>(),
            ["f", "g", "link"]
        );
    }
}

#[test]
fn what_is_new_gets_the_umask_of_its_user_and_what_is_replaced_stays_as_it_was() {
    for way in WAYS {
        // As the test's own process would make a file with neither.
        for (umask, file, dir) in [(0o007, 0o660, 0o770), (0o077, 0o600, 0o700), (0, 0o666, 0o777)]
        {
            let folder = tempfile::tempdir().unwrap();
            let root = root_with(folder.path(), way, Some(umask));
            drop(root.open_file("made", Mode::Write, Create::Must).unwrap());
            drop(root.open_file("may", Mode::Append, Create::May).unwrap());
            root.replace("put", Create::May, b"1").unwrap();
            root.make_folder("a/b", true).unwrap();
            let mode = |name: &str| {
                fs::metadata(folder.path().join(name)).unwrap().permissions().mode() & 0o7777
            };
            assert_eq!(["made", "may", "put"].map(mode), [file; 3], "{umask:o} {way:?}");
            assert_eq!(["a", "a/b"].map(mode), [dir; 2], "{umask:o} {way:?}");
            fs::set_permissions(folder.path().join("put"), fs::Permissions::from_mode(0o640))
                .unwrap();
            root.replace("put", Create::May, b"2").unwrap();
            drop(root.open_file("put", Mode::Write, Create::May).unwrap());
            assert_eq!(mode("put"), 0o640);
            fs::set_permissions(folder.path().join("a"), fs::Permissions::from_mode(0o2755))
                .unwrap();
            root.make_folder("a/c", false).unwrap();
            assert_eq!(mode("a/c"), dir | 0o2000, "a group that is handed on stays");
        }
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_folder_that_says_what_new_files_get_is_heeded() {
    let folder = tempfile::tempdir().unwrap();
    // Version 2; the owner may all, the group and others nothing.
    let mut says = 2_u32.to_le_bytes().to_vec();
    for (who, may) in [(0x01_u16, 7_u16), (0x04, 0), (0x20, 0)] {
        says.extend([who.to_le_bytes(), may.to_le_bytes()].concat());
        says.extend(u32::MAX.to_le_bytes());
    }
    let none = rustix::fs::XattrFlags::empty();
    let said = rustix::fs::setxattr(folder.path(), "system.posix_acl_default", &says, none);
    if said == Err(rustix::io::Errno::NOTSUP) {
        return;
    }
    said.unwrap();
    let root = root_with(folder.path(), Resolving::Best, Some(0o022));
    drop(root.open_file("made", Mode::Write, Create::Must).unwrap());
    root.make_folder("sub", false).unwrap();
    let mode = |name: &str| fs::metadata(folder.path().join(name)).unwrap().permissions().mode();
    assert_eq!([mode("made") & 0o777, mode("sub") & 0o777], [0o600, 0o700]);
}

fn root(path: &Path, way: Resolving) -> Root {
    root_with(path, way, None)
}

fn root_with(path: &Path, way: Resolving, umask: Option<u32>) -> Root {
    let path = path.canonicalize().unwrap();
    let grant = Grant::new("g", "page", path, WorkspaceAccess::ReadWrite);
    let grants = Grants::fixed(vec![grant]).resolving(way).umask(umask);
    Root::open(&grants.of("page")[0]).unwrap()
}
