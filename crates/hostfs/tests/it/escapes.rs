//! Whatever a page calls a file: it sees nothing of what lies outside or is kept from it, and changes
//! nothing there.

use std::os::unix::fs::symlink;

use oriel_hostfs::Resolving;
use oriel_wire::hostfs::{Code, Create, Mode};

use crate::page::{Got, Page, WAYS};
use crate::world::{SECRET, World};

/// What may work, of all that can be tried with a path. Nothing else may.
#[derive(Clone, Copy, PartialEq, Eq)]
enum May {
    /// Nothing.
    Nothing,
    /// The thing of that name may go or get another name: it is in the folder, whatever it leads to.
    Name,
    /// That, and looking at it.
    NameAndLook,
    /// It is read, and never changed.
    Read,
    /// It is looked at and listed, and never changed.
    Look,
    /// It is read, goes, or gives its place to another file, and is never written in place.
    NotInPlace,
}

/// The attempts: what is tried, by which path, and what may work nevertheless. Nothing but the world's own
/// files is named, so that a broken engine breaks nothing else.
fn attempts() -> Vec<(&'static str, String, May)> {
    use May::{Look, Name, NameAndLook, NotInPlace, Nothing, Read};
    let long = |text: &str, times: usize| text.repeat(times);
    let text = |text: &str| text.to_owned();
    vec![
        // By the path alone.
        ("the folder above", text(".."), Nothing),
        ("a file beside the folder", text("../outside/secret"), Nothing),
        ("up and down again", text("../inside/file"), Nothing),
        ("down and up", text("sub/.."), Nothing),
        ("down, up and out", text("sub/../../outside/secret"), Nothing),
        ("deep down and out", text("sub/deep/../../../outside/secret"), Nothing),
        ("up at the end", text("sub/deep/.."), Nothing),
        ("up many times", format!("{}{{outside}}/secret", long("../", 60)), Nothing),
        ("a single dot", text("."), Nothing),
        ("a dot first", text("./file"), Nothing),
        ("a dot on the way", text("sub/./file"), Nothing),
        ("an absolute folder", text("{outside}"), Nothing),
        ("an absolute path", text("{outside}/secret"), Nothing),
        ("an absolute path into the folder", text("{inside}/file"), Nothing),
        ("an absolute path with two slashes", text("/{outside}/secret"), Nothing),
        ("an absolute path to something new", text("{outside}/new"), Nothing),
        ("an address", text("file://{outside}/secret"), Nothing),
        ("the process's root", text("/proc/self/root{outside}/secret"), Nothing),
        ("the process's folder", text("/proc/self/cwd/made-by-a-page"), Nothing),
        ("an open descriptor", text("/proc/self/fd/{fd}/secret"), Nothing),
        ("a slash too many", text("sub//file"), Nothing),
        ("a slash at the end", text("sub/"), Nothing),
        ("a slash behind a file", text("file/"), Nothing),
        ("NUL", text("\0"), Nothing),
        ("NUL behind a name", text("file\0.txt"), Nothing),
        ("NUL behind a way out", text("..\0/outside/secret"), Nothing),
        ("a name of 256 bytes", long("n", 256), Nothing),
        ("a path of 4,096 bytes", format!("{}file", long("sub/", 1023)), Nothing),
        ("a path of 3,000 parts", long("a/", 3000) + "b", Nothing),
        ("a path of a megabyte", long("x", 1 << 20), Nothing),
        ("a file as a folder", text("file/secret"), Nothing),
        // By links on the way.
        ("through a link", text("out/secret"), Nothing),
        ("through a link to something new", text("out/new"), Nothing),
        ("through a link and down", text("out/folder/secret"), Nothing),
        ("through an absolute link", text("out_abs/secret"), Nothing),
        ("through a link one level down", text("sub/out/secret"), Nothing),
        ("through a link two levels down", text("sub/deep/out/secret"), Nothing),
        ("through an absolute link two levels down", text("sub/deep/out_abs/secret"), Nothing),
        ("through a link to a link", text("twice/secret"), Nothing),
        ("through a link to a link to a link", text("thrice/secret"), Nothing),
        ("through a link up", text("up/outside/secret"), Nothing),
        ("through a link up and back", text("up/inside/file"), Nothing),
        ("through a link up twice", text("upup/{top}/outside/secret"), Nothing),
        ("through a link up, one level down", text("sub/up/outside/secret"), Nothing),
        ("through a link that leaves and returns", text("round/file"), Nothing),
        ("through an absolute link to the folder", text("here_abs/file"), Nothing),
        ("through a link to the top", text("root{outside}/secret"), Nothing),
        ("through a link with a detour", text("sneaky/secret"), Nothing),
        ("through a link with dots", text("dotted/secret"), Nothing),
        ("through the process's root", text("proc_root{outside}/secret"), Nothing),
        ("through the process's folder", text("proc_cwd/made-by-a-page"), Nothing),
        ("through an open descriptor", text("proc_fd/secret"), Nothing),
        ("through a thread's descriptor", text("proc_thread/secret"), Nothing),
        ("through the device of descriptors", text("dev_fd/secret"), Nothing),
        ("through a link to itself", text("loop/file"), Nothing),
        ("through links to each other", text("loop_a/file"), Nothing),
        ("through a link to nothing", text("nothing/file"), Nothing),
        ("through more links than there may be", text("chain40/file"), Nothing),
        // By links at the end.
        ("a link to a file outside", text("out_file"), Name),
        ("an absolute link to a file outside", text("out_file_abs"), Name),
        ("an absolute link by way of the top", text("by_top"), Name),
        ("a link to a folder outside", text("out"), Name),
        ("a link to what is not there outside", text("out_new"), Name),
        ("a link to nothing", text("nothing"), Name),
        ("a link up", text("up"), Name),
        ("an absolute link to a file in the folder", text("file_abs"), Name),
        ("a link to a descriptor", text("proc_fd"), Name),
        ("a link to the process's root", text("proc_root"), Name),
        ("a link to itself", text("loop"), Name),
        ("a link to a link that leads out", text("twice"), Name),
        // Other names of a file, and what is no file.
        ("another name of a file outside", text("hard"), NotInPlace),
        ("a pipe", text("fifo"), NameAndLook),
        ("a link to a pipe", text("to_fifo"), NameAndLook),
        ("a socket", text("socket"), NameAndLook),
        ("a device", text("device"), NameAndLook),
        ("the folder itself", text(""), Look),
        // What is kept from pages.
        ("settings of git", text(".git/config"), Read),
        ("a program that git starts", text(".git/hooks/post-commit"), Read),
        ("a new program for git", text(".git/hooks/pre-commit"), Nothing),
        ("git's folder", text(".git"), Look),
        ("a dotfile", text(".gitignore"), Read),
        ("a new dotfile", text(".envrc"), Nothing),
        ("a new folder of a program", text(".vscode/tasks.json"), Nothing),
        ("git's folder in capitals", text(".GIT/config"), Nothing),
        ("git's folder with a letter nobody sees", text(".g\u{200d}it/config"), Nothing),
        ("git's folder with a dot behind", text(".git./config"), Nothing),
        ("git's folder with a space behind", text(".git /config"), Nothing),
        ("git's folder in short form", text("GIT~1/config"), Nothing),
        ("git's folder with a byte order mark", text("\u{feff}.git/config"), Nothing),
        ("passwords", text(".env"), Nothing),
        ("passwords in capitals", text(".ENV"), Nothing),
        ("other passwords", text("sub/.env.local"), Nothing),
        ("passwords with a letter nobody sees", text(".en\u{34f}v"), Nothing),
        ("keys", text(".ssh/id_ed25519"), Nothing),
        ("a file beside keys", text(".ssh/known_hosts"), Nothing),
        ("the folder of keys", text(".ssh"), Nothing),
        ("the folder of keys with a long s", text(".ſſh/id"), Nothing),
        ("a private key", text("keys/id_rsa"), Nothing),
        ("a private key with an i without its dot", text("ıd_rsa"), Nothing),
        ("a certificate's key", text("keys/server.pem"), Nothing),
        ("a key in capitals", text("keys/SERVER.KEY"), Nothing),
        ("a key's backup", text("keys/id_ed25519.bak"), Nothing),
        ("git through a link", text("to_git/config"), Read),
        ("git through a link one level down", text("sub/to_git/config"), Read),
        ("a new program for git through a link", text("to_hooks/pre-commit"), Nothing),
        ("passwords through a link on the way", text("to_ssh/id_ed25519"), Nothing),
        // What Oriel keeps.
        ("Oriel's own folder", text("data"), Nothing),
        ("Oriel's grants", text("data/files/grants.json"), Nothing),
        ("Oriel's folder in capitals", text("DATA/files/grants.json"), Nothing),
        ("Oriel's folder through a link", text("to_data/files/grants.json"), Nothing),
    ]
}

#[test]
fn no_path_leads_to_what_a_page_may_not_have() {
    let attempts = attempts();
    assert!(attempts.len() >= 60, "{}", attempts.len());
    for way in WAYS {
        for (name, pattern, may) in &attempts {
            check(name, pattern, *may, way);
        }
    }
}

/// What is refused above is not refused because nothing works.
#[test]
fn in_its_folder_a_page_does_all_it_asks_for() {
    for way in WAYS {
        let world = World::new();
        let page = Page::new(&world.inside(), &world.hidden(), way);
        assert_eq!(page.read("chain30/file").unwrap(), b"theirs");
        page.write("sub/deep/file", Mode::Append, Create::Never, false).unwrap();
        assert_eq!(page.read("sub/deep/file").unwrap(), b"theirsby a page");
        page.replace("chain2/deep/file", Create::Never, b"new").unwrap();
        assert_eq!(page.read("sub/deep/file").unwrap(), b"new");
        page.make_folder("sub/a/b", true).unwrap();
        page.rename("file", "sub/a/b/file", false).unwrap();
        page.watch("sub").unwrap();
        page.remove("sub/a", true, true).unwrap();
        assert_eq!(page.names("sub"), ["deep", "file", "out", "to_git", "to_grants", "up"]);
        assert_eq!(page.read(".git/config").unwrap(), b"theirs");
        page.replace("hard", Create::Never, b"mine").unwrap();
        assert_eq!(std::fs::read(world.outside().join("hard")).unwrap(), SECRET);
    }
}

/// A link that leads to something that is kept may itself go, and that is all.
#[test]
fn links_to_what_is_kept_are_no_way_around() {
    for way in WAYS {
        for (name, link) in [
            ("a link to git's settings", "to_config"),
            ("a link to passwords", "to_env"),
            ("a link to a key", "to_key"),
            ("a link to a program that is not there", "new_hook"),
            ("a link to Oriel's grants", "sub/to_grants"),
        ] {
            let world = World::new();
            let page = Page::new(&world.inside(), &world.hidden(), way);
            let before = world.untouchable();
            for (what, got) in changes(&page, link) {
                assert!(got.is_err(), "{name}: {what}, {way:?}");
            }
            if link != "to_config" {
                assert!(page.read(link).is_err(), "{name}: {way:?}");
            }
            assert_eq!(world.untouchable(), before, "{name} {way:?}");
            page.remove(link, true, false).unwrap();
            assert_eq!(world.untouchable(), before, "{name} {way:?}");
        }
    }
}

#[test]
fn a_folder_that_holds_something_kept_is_not_removed_and_nothing_in_it_is() {
    for way in WAYS {
        let world = World::new();
        let page = Page::new(&world.inside(), &world.hidden(), way);
        let before = world.untouchable();
        assert_eq!(page.remove("holds", true, false).unwrap_err().code, Code::Denied);
        assert_eq!(page.read("holds/work").unwrap(), b"theirs");
        assert_eq!(world.untouchable(), before);
    }
}

#[test]
fn what_is_hidden_is_in_no_list_and_what_holds_it_stays() {
    for way in WAYS {
        let world = World::new();
        let inner = world.inside().join("sub/deep");
        let page = Page::new(&world.inside(), std::slice::from_ref(&inner), way);
        assert_eq!(page.names("sub"), ["file", "out", "to_git", "to_grants", "up"]);
        assert_eq!(page.remove("sub", true, false).unwrap_err().code, Code::Denied);
        assert_eq!(page.rename("sub", "moved", false).unwrap_err().code, Code::Denied);
        assert!(inner.join("file").is_file());
        // A folder that is Oriel's own, or lies in it, is no workspace at all.
        let page = Page::new(&inner, &[world.inside()], way);
        assert_eq!(page.list("").unwrap_err().code, Code::Denied);
    }
}

#[test]
fn a_folder_that_was_swapped_for_a_link_is_gone() {
    for way in WAYS {
        let world = World::new();
        let page = Page::new(&world.inside(), &[], way);
        page.read("file").unwrap();
        let moved = world.inside().with_file_name("moved");
        std::fs::rename(world.inside(), &moved).unwrap();
        let outside = world.outside();
        symlink(&outside, moved.with_file_name("inside")).unwrap();
        let link = moved.with_file_name("inside");
        for (what, got) in everything(&page, "secret") {
            assert_eq!(got.unwrap_err().code, Code::Gone, "{what} {way:?}");
        }
        std::fs::remove_file(link).unwrap();
        assert_eq!(page.read("file").unwrap_err().code, Code::Gone);
        std::fs::rename(moved, world.inside()).unwrap();
        assert_eq!(page.read("file").unwrap(), b"theirs");
    }
}

#[test]
fn a_workspace_that_was_not_granted_is_none() {
    let world = World::new();
    let page = Page::new(&world.inside(), &[], Resolving::Best);
    for name in ["", "W", "w ", "../w", "x", "\0"] {
        assert_eq!(page.stat_in(name, ""), Code::NoGrant, "{name:?}");
    }
}

fn check(name: &str, pattern: &str, may: May, way: Resolving) {
    let world = World::new();
    let page = Page::new(&world.inside(), &world.hidden(), way);
    let path = world.path(pattern);
    let before = world.untouchable();
    for (what, got) in everything(&page, &path) {
        let is_look = what.starts_with("look");
        let is_read = what.starts_with("read");
        let is_name = what.starts_with("name");
        let is_fine = match may {
            May::Nothing => false,
            May::Name => is_name,
            May::NameAndLook => is_name || is_look,
            May::Read | May::Look => is_look || (may == May::Read && is_read),
            May::NotInPlace => is_look || is_read || is_name || what.starts_with("place"),
        };
        if let Ok(bytes) = &got {
            assert!(is_fine, "{name}: {what} worked, {way:?}");
            let seen = bytes.windows(SECRET.len()).any(|part| part == SECRET);
            // A hard link cannot be told from a file.
            assert!(!seen || may == May::NotInPlace, "{name}: {what} shows the secret, {way:?}");
        }
        assert_eq!(world.untouchable(), before, "{name}: {what}, {got:?}, {way:?}");
    }
}

fn everything(page: &Page, path: &str) -> Vec<(&'static str, Got)> {
    let mut all = vec![
        ("read", page.read(path)),
        ("look: stat", page.stat(path)),
        ("look: list", page.list(path)),
        ("look: watch", page.watch(path)),
    ];
    all.extend(changes(page, path));
    all.extend([
        ("name: rename from", page.rename(path, "moved", false)),
        ("name: rename back", page.rename("moved", path, false)),
        ("name: rename onto", page.rename("file", path, true)),
        ("name: to the trash", page.remove(path, true, true)),
        ("name: remove", page.remove(path, false, false)),
        ("name: remove all", page.remove(path, true, false)),
    ]);
    all
}

/// All that changes what is at the end of a path, links followed.
fn changes(page: &Page, path: &str) -> Vec<(&'static str, Got)> {
    vec![
        ("write", page.write(path, Mode::Write, Create::Never, false)),
        ("write: empty", page.write(path, Mode::Write, Create::Never, true)),
        ("write: both", page.write(path, Mode::ReadWrite, Create::May, false)),
        ("write: append", page.write(path, Mode::Append, Create::May, false)),
        ("write: new", page.write(path, Mode::Write, Create::Must, false)),
        ("folder", page.make_folder(path, false)),
        ("folder beneath", page.make_folder(&format!("{path}/a"), false)),
        ("folders beneath", page.make_folder(&format!("{path}/a/b"), true)),
        ("place: new", page.replace(path, Create::Must, b"by a page")),
        ("place: another", page.replace(path, Create::Never, b"by a page")),
        ("place: any", page.replace(path, Create::May, b"by a page")),
    ]
}

#[test]
fn of_what_is_kept_from_pages_nobody_learns_whether_it_is_there() {
    for way in WAYS {
        let world = World::new();
        let page = Page::new(&world.inside(), &world.hidden(), way);
        for (there, not) in [
            ("data/files/grants.json", "data/files/nothing"),
            ("data", "data/nothing"),
            (".ssh/known_hosts", ".ssh/nothing"),
            ("keys/id_rsa", "keys/id_dsa"),
        ] {
            let codes = |path: &str| {
                [
                    page.stat(path).unwrap_err().code,
                    page.read(path).unwrap_err().code,
                    page.list(path).unwrap_err().code,
                    page.write(path, Mode::Write, Create::May, false).unwrap_err().code,
                    page.write(path, Mode::Write, Create::Must, false).unwrap_err().code,
                    page.make_folder(path, false).unwrap_err().code,
                    page.make_folder(path, true).unwrap_err().code,
                    page.rename(path, "new", false).unwrap_err().code,
                    page.remove(path, true, false).unwrap_err().code,
                    page.replace(path, Create::Must, b"").unwrap_err().code,
                ]
            };
            assert_eq!(codes(there), codes(not), "{there} {not} {way:?}");
            assert!(codes(not).iter().all(|code| *code == Code::Denied), "{not} {way:?}");
        }
    }
}
