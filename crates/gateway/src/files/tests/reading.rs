//! Listing and reading.

use oriel_wire::gateway::{Encoding, ErrorCode, FileKind};
use proptest::prelude::*;

use super::*;

#[test]
fn a_list_is_sorted_and_goes_as_deep_as_is_asked() {
    let house = House::new();
    for path in ["b/c/d.txt", "a.txt", "b.txt", "b/e.txt"] {
        house.write(path, "12345");
    }
    let list = |path: &str, depth: u32| {
        let (entries, _) = house.workspace.list(path, depth, LISTED_MAX).unwrap();
        entries.into_iter().map(|entry| entry.path).collect::<Vec<_>>()
    };
    assert_eq!(list("", 1), ["a.txt", "b", "b.txt"]);
    assert_eq!(list("", 0), list("", 1), "no less than one level");
    assert_eq!(list("", 2), ["a.txt", "b", "b.txt", "b/c", "b/e.txt"]);
    assert_eq!(list("b", 9), ["b/c", "b/c/d.txt", "b/e.txt"]);
    let (entries, _) = house.workspace.list("", 1, LISTED_MAX).unwrap();
    assert_eq!((entries[0].kind, entries[0].size), (FileKind::File, 5));
    assert!(entries[0].modified_at > 1_600_000_000_000);
    assert_eq!((entries[1].kind, entries[1].size), (FileKind::Folder, 0));
}

#[test]
fn a_long_list_is_cut_and_says_so_and_upper_folders_come_first() {
    let house = House::new();
    for nth in 0..20 {
        house.write(&format!("a/{nth:02}"), "");
    }
    house.write("z", "");
    let (entries, is_truncated) = house.workspace.list("", 2, 5).unwrap();
    let paths: Vec<_> = entries.iter().map(|entry| entry.path.as_str()).collect();
    assert_eq!((paths, is_truncated), (vec!["a", "a/00", "a/01", "a/02", "z"], true));
    assert!(!house.workspace.list("", 2, 22).unwrap().1);
}

#[test]
fn a_part_tells_the_whole_files_size_and_hash() {
    let house = House::new();
    house.write("a.txt", "grüße");
    let part = house.workspace.read("a.txt", 0, 3).unwrap();
    assert_eq!((part.content.as_str(), part.size, part.eof), ("gr", 7, false));
    assert_eq!(part.hash, Some(blake3::hash("grüße".as_bytes()).to_hex().to_string()));
    let rest = house.workspace.read("a.txt", 2, PART_BYTES_MAX).unwrap();
    assert_eq!((rest.content.as_str(), rest.eof, rest.hash), ("üße", true, part.hash));
    house.write("a.txt", "other");
    let anew = house.workspace.read("a.txt", 0, 9).unwrap();
    assert_eq!(anew.hash, Some(blake3::hash(b"other").to_hex().to_string()));
    house.write("b", [0xff, 0]);
    let bytes = house.workspace.read("b", 0, 9).unwrap();
    assert_eq!((bytes.encoding, bytes.content.as_str()), (Encoding::Base64, "/wA="));
}

#[test]
fn a_part_is_never_longer_than_a_part_may_be_and_a_long_file_has_no_hash() {
    let house = House::new();
    house.write("long", "");
    let file = fs::OpenOptions::new().write(true).open(house.path("long")).unwrap();
    file.set_len(HASHED_BYTES_MAX + 1).unwrap();
    let part = house.workspace.read("long", 0, u64::MAX).unwrap();
    assert_eq!((part.content.len() as u64, part.hash), (PART_BYTES_MAX, None));
    let end = house.workspace.read("long", u64::MAX, u64::MAX);
    assert!(end.is_err() || end.unwrap().eof, "no place beyond all files is an end of this one");
}

#[test]
fn what_is_not_there_or_is_no_file_is_told_apart_from_what_is_refused() {
    let house = House::new();
    house.write("folder/a", "x");
    let code = |path: &str| house.workspace.read(path, 0, 9).unwrap_err().code();
    assert_eq!(code("none"), ErrorCode::FileNotFound);
    assert_eq!(code("folder"), ErrorCode::FileNotFound);
    assert_eq!(code("folder/a/b"), ErrorCode::FileNotFound);
    assert_eq!(code("../secret"), ErrorCode::PathRefused);
    assert_eq!(code(""), ErrorCode::PathRefused);
    assert_eq!(code(&"x".repeat(300)), ErrorCode::PathRefused);
    let list = |path: &str| house.workspace.list(path, 1, 9).unwrap_err().code();
    assert_eq!(
        (list("none"), list("folder/a")),
        (ErrorCode::FileNotFound, ErrorCode::FileNotFound)
    );
    assert_eq!((list(".."), list("/")), (ErrorCode::PathRefused, ErrorCode::PathRefused));
}

#[cfg(unix)]
#[test]
fn no_link_leads_out_and_those_that_stay_within_are_followed() {
    let house = House::new();
    house.write("inner/a", "mine");
    let link = |to: &Path, name: &str| std::os::unix::fs::symlink(to, house.path(name)).unwrap();
    let secret = house.folder.path().join("secret");
    link(Path::new("../secret"), "up");
    link(&secret, "absolute");
    link(house.folder.path(), "folder");
    link(Path::new("inner"), "within");
    link(Path::new("loop"), "loop");
    for path in ["up", "absolute", "folder/secret", "within/../../secret", "loop"] {
        let error = house.workspace.read(path, 0, 99).unwrap_err();
        assert_eq!(error.code(), ErrorCode::PathRefused, "{path}: {error}");
        let told = error.to_string();
        assert!(!told.contains(&*house.folder.path().to_string_lossy()), "{told}");
    }
    assert_eq!(house.workspace.list("folder", 1, 9).unwrap_err().code(), ErrorCode::PathRefused);
    assert_eq!(house.workspace.read("within/a", 0, 9).unwrap().content, "mine");
    let (entries, _) = house.workspace.list("", 8, 99).unwrap();
    let links = entries.iter().filter(|entry| entry.kind == FileKind::Link).count();
    assert_eq!((links, entries.len()), (5, 7), "they are told and not followed");
}

#[cfg(unix)]
#[test]
fn what_is_no_file_is_refused_at_once() {
    let house = House::new();
    let pipe = rustix::fs::Mode::from_raw_mode(0o600);
    rustix::fs::mkfifoat(rustix::fs::CWD, house.path("pipe"), pipe).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(house.path("socket")).unwrap();
    for path in ["pipe", "socket"] {
        let error = house.workspace.read(path, 0, 9).unwrap_err();
        assert_eq!(error.code(), ErrorCode::PathRefused, "{error}");
    }
    let (entries, _) = house.workspace.list("", 1, 9).unwrap();
    assert!(entries.iter().all(|entry| entry.kind == FileKind::Other));
}

#[cfg(unix)]
#[test]
fn a_file_that_turns_into_a_link_while_it_is_read_gives_nothing_away() {
    let house = House::new();
    let secret = house.folder.path().join("secret");
    let (file, path) = (house.path("turn"), house.path("swap"));
    std::os::unix::fs::symlink(&secret, &path).unwrap();
    fs::write(&file, "mine").unwrap();
    let is_over = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !is_over.load(std::sync::atomic::Ordering::Relaxed) {
                // The file and the link change places, each time at once.
                let cwd = rustix::fs::CWD;
                let swap = rustix::fs::RenameFlags::EXCHANGE;
                rustix::fs::renameat_with(cwd, &file, cwd, &path, swap).unwrap();
            }
        });
        for _ in 0..5_000 {
            if let Ok(part) = house.workspace.read("turn", 0, 99) {
                assert_eq!(part.content, "mine");
            }
        }
        is_over.store(true, std::sync::atomic::Ordering::Relaxed);
    });
}

proptest! {
    #[test]
    fn whatever_is_asked_for_nothing_outside_is_told(path in "[a/.\\\\\0~$*é ]{0,16}|(\\.\\./){1,4}secret") {
        let house = House::new();
        house.write("a/a", "mine");
        if let Ok(part) = house.workspace.read(&path, 0, 99) {
            prop_assert_eq!(part.content, "mine");
        }
        if let Ok((entries, _)) = house.workspace.list(&path, 3, 99) {
            prop_assert!(entries.iter().all(|entry| entry.path.starts_with('a')));
        }
    }
}

#[test]
fn a_hidden_folder_is_as_if_it_were_not_there() {
    let folder = tempfile::tempdir().unwrap();
    let own = folder.path().join("own");
    std::fs::create_dir(&own).unwrap();
    std::fs::write(own.join("token"), "secret").unwrap();
    std::fs::write(folder.path().join("ownership"), "mine").unwrap();
    std::os::unix::fs::symlink(&own, folder.path().join("way")).unwrap();
    std::os::unix::fs::symlink("own/token", folder.path().join("key")).unwrap();
    let workspace = Workspace::open(folder.path()).unwrap().hiding(&own);
    let (entries, _) = workspace.list("", 3, 100).unwrap();
    let paths: Vec<_> = entries.iter().map(|entry| entry.path.as_str()).collect();
    assert_eq!(paths, ["key", "ownership", "way"]);
    for path in ["own/token", "way/token", "key"] {
        let refused = workspace.read(path, 0, 100).map(|part| part.content);
        assert_eq!(refused.unwrap_err().code(), ErrorCode::PathRefused, "{path}");
    }
    assert!(workspace.list("own", 1, 100).is_err() && workspace.list("way", 1, 100).is_err());
    assert_eq!(workspace.read("ownership", 0, 100).unwrap().content, "mine");
    let scan = super::super::scan::scan(&workspace, 100).unwrap();
    assert_eq!(scan.looks.keys().collect::<Vec<_>>(), ["ownership"]);
}
