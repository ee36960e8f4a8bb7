//! Editors and tools as they really save.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use oriel_tests::sync::{Synced, tree};

#[test]
fn a_checkout_of_a_thousand_files_arrives_whole() {
    let synced = Synced::start();
    let repository = &synced.local;
    git(repository, &["init", "-q", "-b", "main"]);
    for side in ["first", "second"] {
        for number in 0..1000 {
            let folder = repository.join(format!("d{}", number % 25));
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join(format!("f{number}")), format!("{side} {number}\n")).unwrap();
        }
        git(repository, &["add", "-A"]);
        git(repository, &["commit", "-q", "-m", side]);
        git(repository, &["branch", side]);
    }
    synced.settle();
    for _ in 0..2 {
        git(repository, &["checkout", "-q", "first"]);
        git(repository, &["checkout", "-q", "second"]);
    }
    git(repository, &["checkout", "-q", "first"]);
    synced.settle();
    assert_eq!(fs::read(synced.workspace.join("d7/f507")).unwrap(), b"first 507\n");
    assert!(!synced.workspace.join(".git").exists(), "a repository is never copied");
    let status =
        Command::new("git").arg("-C").arg(repository).args(["status", "--porcelain"]).output();
    assert_eq!(String::from_utf8_lossy(&status.unwrap().stdout).trim(), "", "nothing came back");
}

#[test]
fn editors_that_save_in_whichever_way_are_followed() {
    let synced = Synced::start();
    for (number, save) in [in_place, by_rename, by_backup, by_removal, in_pieces].iter().enumerate()
    {
        let name = format!("text-{number}");
        for (side, root) in [&synced.local, &synced.workspace, &synced.local].iter().enumerate() {
            let text = format!("save {side} of {name}\n");
            save(&root.join(&name), text.as_bytes());
            synced.until_both_hold(&name, text.as_bytes());
        }
    }
    synced.settle();
    let status = synced.status();
    assert_eq!(status["conflicts"].as_array().unwrap().len(), 0, "{status:#}");
}

#[test]
fn names_may_trade_places_and_change_their_case() {
    let synced = Synced::start();
    fs::write(synced.local.join("one"), "1").unwrap();
    fs::write(synced.local.join("other"), "2").unwrap();
    fs::write(synced.local.join("Readme"), "read me").unwrap();
    synced.settle();
    for root in [&synced.local, &synced.workspace] {
        fs::rename(root.join("one"), root.join("between")).unwrap();
        fs::rename(root.join("other"), root.join("one")).unwrap();
        fs::rename(root.join("between"), root.join("other")).unwrap();
        synced.settle();
    }
    assert_eq!(fs::read(synced.local.join("one")).unwrap(), b"1");
    fs::rename(synced.workspace.join("Readme"), synced.workspace.join("README")).unwrap();
    synced.settle();
    assert!(tree(&synced.local).contains_key("README"));
    assert!(!tree(&synced.local).contains_key("Readme"));
}

#[test]
fn what_cannot_be_synced_is_told_and_holds_up_nothing_else() {
    let synced = Synced::start();
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("secret"), "secret").unwrap();
    symlink(outside.path().join("secret"), synced.local.join("leads out")).unwrap();
    symlink("../../etc", synced.local.join("climbs")).unwrap();
    let pipe = Command::new("mkfifo").arg(synced.local.join("pipe")).status().unwrap();
    assert!(pipe.success());
    fs::write(synced.local.join("plain"), "plain").unwrap();
    synced.until_both_hold("plain", b"plain");
    let status =
        synced.until("what is wrong", |status| status["problems"].as_array().unwrap().len() == 3);
    let problem = |path: &str| {
        let all = status["problems"].as_array().unwrap();
        all.iter().find(|it| it["path"] == path).unwrap()["problem"].as_str().unwrap().to_owned()
    };
    assert_eq!(problem("leads out"), "link_outside");
    assert_eq!(problem("climbs"), "link_outside");
    assert_eq!(problem("pipe"), "special");
    assert_eq!(tree(&synced.workspace).len(), 1);
    for path in ["leads out", "climbs", "pipe"] {
        fs::remove_file(synced.local.join(path)).unwrap();
    }
    synced.until("nothing is wrong", |status| status["problems"].as_array().unwrap().is_empty());
}

#[test]
fn a_file_that_is_written_slowly_comes_when_it_is_whole() {
    let synced = Synced::start();
    let mut file = fs::File::create(synced.workspace.join("log")).unwrap();
    for line in 0..200 {
        writeln!(file, "line {line}").unwrap();
        file.flush().unwrap();
        std::thread::yield_now();
    }
    drop(file);
    let whole = fs::read(synced.workspace.join("log")).unwrap();
    synced.until_both_hold("log", &whole);
    synced.settle();
}

fn in_place(path: &Path, text: &[u8]) {
    fs::write(path, text).unwrap();
}

fn by_rename(path: &Path, text: &[u8]) {
    let new = path.with_extension("tmp");
    fs::write(&new, text).unwrap();
    fs::rename(new, path).unwrap();
}

/// As vim does: the old file gets another name, and a new one is written.
fn by_backup(path: &Path, text: &[u8]) {
    let backup = path.with_file_name(format!("{}~", path.file_name().unwrap().display()));
    if path.exists() {
        fs::rename(path, &backup).unwrap();
    }
    fs::write(path, text).unwrap();
    // There is none the first time.
    _ = fs::remove_file(backup);
}

fn by_removal(path: &Path, text: &[u8]) {
    // There is none the first time.
    _ = fs::remove_file(path);
    fs::write(path, text).unwrap();
}

fn in_pieces(path: &Path, text: &[u8]) {
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).open(path).unwrap();
    for piece in text.chunks(3) {
        file.write_all(piece).unwrap();
        std::thread::yield_now();
    }
}

fn git(folder: &Path, arguments: &[&str]) {
    let own =
        ["-c", "user.name=Ada", "-c", "user.email=ada@example.org", "-c", "commit.gpgsign=false"];
    let mut git = Command::new("git");
    git.arg("-C").arg(folder).args(own).args(arguments);
    let done = git.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1").output();
    let done = done.unwrap();
    assert!(done.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
}
