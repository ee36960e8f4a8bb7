//! What is mounted in a folder is another place, which nobody granted. And a full disk tears nothing.
//!
//! The tests that need a mount of their own run again as a child in namespaces of their own, where the
//! system lets them; their second half is ignored otherwise.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output};

use oriel_wire::hostfs::{Code, Create, Mode};

use crate::page::{Page, WAYS};
use crate::world::{SECRET, World};
use oriel_hostfs::Resolving;

#[test]
fn another_file_system_is_not_in_the_folder() {
    for way in WAYS {
        // Nobody can grant it; but there is always something mounted in it.
        let page = Page::new(Path::new("/dev"), &[], way);
        for path in ["pts", "pts/ptmx", "shm", "shm/new"] {
            assert_eq!(page.list(path).unwrap_err().code, Code::Outside, "{path} {way:?}");
            assert_eq!(page.read(path).unwrap_err().code, Code::Outside, "{path} {way:?}");
            assert_eq!(page.stat(path).unwrap_err().code, Code::Outside, "{path} {way:?}");
        }
    }
}

#[test]
fn a_folder_that_is_bound_into_another_is_not_in_it() {
    let world = World::new();
    let inside = world.inside();
    fs::create_dir_all(inside.join("holder/bound")).unwrap();
    fs::write(inside.join("bound_file"), "").unwrap();
    let before = world.untouchable();
    let bind = "mount --bind ../outside holder/bound && mount --bind ../outside/secret bound_file";
    match namespaces() {
        Some(how) => passed(&child(how, bind, &inside, "mounts::bound_child")),
        // Without a namespace there is nothing to bind with, and so no one who could do it to us.
        None => another_file_system_is_not_in_the_folder(),
    }
    assert_eq!(world.untouchable(), before);
}

#[test]
#[ignore = "the other half of `a_folder_that_is_bound_into_another_is_not_in_it`"]
fn bound_child() {
    let page = Page::new(Path::new("."), &[], Resolving::Best);
    assert_eq!(fs::read("holder/bound/secret").unwrap(), SECRET, "it is bound");
    for path in ["holder/bound/secret", "bound_file"] {
        assert_eq!(page.read(path).unwrap_err().code, Code::Outside, "{path}");
        assert_eq!(page.stat(path).unwrap_err().code, Code::Outside, "{path}");
        for create in [Create::Never, Create::May] {
            let wrote = page.write(path, Mode::Write, create, true);
            assert_eq!(wrote.unwrap_err().code, Code::Outside, "{path}");
            assert_eq!(page.replace(path, create, b"").unwrap_err().code, Code::Outside, "{path}");
        }
    }
    assert_eq!(page.list("holder/bound").unwrap_err().code, Code::Outside);
    assert_eq!(page.make_folder("holder/bound/new", false).unwrap_err().code, Code::Outside);
    assert_eq!(page.rename("file", "holder/bound/new", false).unwrap_err().code, Code::Outside);
    assert_eq!(page.remove("holder/bound/secret", true, false).unwrap_err().code, Code::Outside);
    assert_eq!(page.remove("holder", true, false).unwrap_err().code, Code::Denied);
    for way in WAYS {
        assert!(Page::new(Path::new("."), &[], way).remove("bound_file", true, false).is_err());
        assert!(fs::exists("bound_file").unwrap());
    }
}

#[test]
fn a_full_disk_is_told_and_tears_nothing() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("full")).unwrap();
    let (how, make, code) = match namespaces() {
        Some(how) => (how, "mount -t tmpfs -o size=256k none full && cd full", Code::DiskFull),
        // A limit on the length of files stands in for the end of the disk.
        None => (&["env"][..], "cd full && trap '' XFSZ && ulimit -f 256", Code::TooLarge),
    };
    fs::write(folder.path().join("code"), code.as_str()).unwrap();
    passed(&child(how, make, folder.path(), "mounts::full_child"));
}

#[test]
#[ignore = "the other half of `a_full_disk_is_told_and_tears_nothing`"]
fn full_child() {
    let code = fs::read_to_string("../code").unwrap();
    let fails = |got: crate::page::Got| assert_eq!(got.unwrap_err().code.as_str(), code);
    for way in WAYS {
        let page = Page::new(Path::new("."), &[], way);
        page.replace("file", Create::May, b"old").unwrap();
        let much = vec![7; 1 << 20];
        fails(page.replace("file", Create::May, &much));
        fails(page.replace("new", Create::Must, &much));
        assert_eq!(fs::read("file").unwrap(), b"old");
        fails(page.write_all("big", &much));
        fs::remove_file("big").unwrap();
        let left: Vec<_> =
            fs::read_dir(".").unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left, ["file"], "nothing is left of what did not fit");
        page.replace("file", Create::Never, b"newer").unwrap();
        assert_eq!(fs::read("file").unwrap(), b"newer", "and it goes on");
    }
}

#[test]
fn what_is_on_another_disk_goes_to_the_trash_there() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("disk")).unwrap();
    let mount =
        "mount -t tmpfs -o size=1m,mode=755 none disk && mkdir -p disk/work/sub && cd disk/work";
    // Without a namespace there is no other disk to be had.
    if let Some(how) = namespaces() {
        passed(&child(how, mount, folder.path(), "mounts::trash_child"));
    }
    assert_eq!(fs::read_dir(folder.path().join("disk")).unwrap().count(), 0);
}

#[test]
#[ignore = "the other half of `what_is_on_another_disk_goes_to_the_trash_there`"]
fn trash_child() {
    let user = rustix::process::getuid().as_raw();
    let own = format!("../.Trash-{user}");
    let page = Page::new(Path::new("."), &[], Resolving::Best);
    let put = |name: &str| {
        fs::write(name, name).unwrap();
        page.remove(name, false, true)
    };
    let info = |trash: &str, name: &str| {
        let info = fs::read_to_string(format!("{trash}/info/{name}.trashinfo")).unwrap();
        info.lines().nth(1).unwrap().to_owned()
    };
    put("sub/one").unwrap();
    assert_eq!(fs::read_to_string(format!("{own}/files/one")).unwrap(), "sub/one");
    assert_eq!(info(&own, "one"), "Path=work/sub/one", "it is told from the top of the disk");
    assert_eq!(fs::metadata(&own).unwrap().permissions().mode() & 0o777, 0o700);

    // A folder for everybody that keeps nobody from another's is none; one that does is used first.
    fs::create_dir("../.Trash").unwrap();
    permit("../.Trash", 0o777);
    put("two").unwrap();
    assert_eq!(info(&own, "two"), "Path=work/two");
    permit("../.Trash", 0o1777);
    put("three").unwrap();
    assert_eq!(info(&format!("../.Trash/{user}"), "three"), "Path=work/three");

    // A link, or what others may write, is no trash, and then nothing goes anywhere.
    fs::remove_dir_all("../.Trash").unwrap();
    fs::remove_dir_all(&own).unwrap();
    fs::create_dir("../elsewhere").unwrap();
    std::os::unix::fs::symlink("elsewhere", &own).unwrap();
    assert_eq!(put("four").unwrap_err().code, Code::Unsupported);
    fs::remove_file(&own).unwrap();
    fs::create_dir(&own).unwrap();
    permit(&own, 0o777);
    assert_eq!(put("four").unwrap_err().code, Code::Unsupported);
    assert_eq!(fs::read_to_string("four").unwrap(), "four");
    assert_eq!(fs::read_dir("../elsewhere").unwrap().count(), 0);
}

fn permit(path: &str, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// Returns how to get a mount table of one's own, where that is allowed.
fn namespaces() -> Option<&'static [&'static str]> {
    let ways: [&[&str]; 2] = [&["unshare", "-Urm"], &["unshare", "-m"]];
    let folder = tempfile::tempdir().unwrap();
    ways.into_iter().find(|way| {
        let tried = Command::new(way[0])
            .args(&way[1..])
            .args(["mount", "-t", "tmpfs", "none"])
            .arg(folder.path())
            .output();
        tried.is_ok_and(|tried| tried.status.success())
    })
}

/// Runs one test of this program again, in a folder and after a script.
fn child(how: &[&str], script: &str, folder: &Path, test: &str) -> Output {
    let script = format!("{script} && exec \"$0\" --exact {test} --ignored --nocapture");
    Command::new(how[0])
        .args(&how[1..])
        .args(["sh", "-c", &script])
        .arg(std::env::current_exe().unwrap())
        .current_dir(folder)
        .output()
        .unwrap()
}

fn passed(output: &Output) {
    let text = String::from_utf8_lossy(&output.stdout);
    let is_fine = output.status.success() && text.contains("1 passed");
    assert!(is_fine, "{text}\n{}", String::from_utf8_lossy(&output.stderr));
}
