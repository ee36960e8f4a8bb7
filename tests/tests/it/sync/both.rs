//! What changes on one side comes to the other.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};

use oriel_tests::Launch;
use oriel_tests::sync::{Synced, Thing, tree};
use oriel_tests::wait::until;

#[test]
fn what_is_made_changed_moved_and_removed_on_one_side_is_so_on_the_other() {
    let synced = Synced::apart();
    fs::write(synced.workspace.join("notes.md"), "what the agent wrote\n").unwrap();
    fs::create_dir_all(synced.workspace.join("src/deep/down")).unwrap();
    fs::write(synced.workspace.join("src/deep/down/lib.rs"), "fn one() {}\n").unwrap();
    synced.begin();
    synced.until_both_hold("notes.md", b"what the agent wrote\n");
    synced.until_both_hold("src/deep/down/lib.rs", b"fn one() {}\n");
    for (from, to) in [(&synced.local, &synced.workspace), (&synced.workspace, &synced.local)] {
        let name = from.file_name().unwrap().to_str().unwrap();
        fs::create_dir_all(from.join(name).join("a/b")).unwrap();
        fs::write(from.join(name).join("a/b/c"), [0, 159, 146, 150]).unwrap();
        fs::write(from.join(name).join("run"), "#!/bin/sh\n").unwrap();
        fs::set_permissions(from.join(name).join("run"), fs::Permissions::from_mode(0o755))
            .unwrap();
        symlink("a/b/c", from.join(name).join("link")).unwrap();
        fs::write(from.join(name).join("large"), vec![7; 3 << 20]).unwrap();
        synced.settle();
        let there = tree(to);
        assert_eq!(there[&format!("{name}/run")], Thing::File(b"#!/bin/sh\n".to_vec(), true));
        assert_eq!(there[&format!("{name}/link")], Thing::Link("a/b/c".into()));
        fs::rename(from.join(name).join("a"), from.join(name).join("moved")).unwrap();
        fs::remove_file(from.join(name).join("run")).unwrap();
        fs::write(from.join("notes.md"), format!("changed in {name}\n")).unwrap();
        synced.until_both_hold("notes.md", format!("changed in {name}\n").as_bytes());
        synced.settle();
        let there = tree(to);
        assert!(there.contains_key(&format!("{name}/moved/b/c")), "{there:?}");
        assert!(!there.contains_key(&format!("{name}/a")), "{there:?}");
        assert!(!there.contains_key(&format!("{name}/run")), "{there:?}");
    }
    let verified = synced.daemon.oriel(&["sync", "verify", "--json"]);
    assert_eq!(verified.json()["isEqual"], true);
}

#[test]
fn what_is_left_out_stays_where_it_is() {
    let synced = Synced::start();
    for root in [&synced.local, &synced.workspace] {
        let own = root.file_name().unwrap().to_str().unwrap();
        for folder in [".git", "node_modules", "built"] {
            fs::create_dir_all(root.join(folder)).unwrap();
            fs::write(root.join(folder).join(own), own).unwrap();
        }
        fs::write(root.join(".notes.swp"), own).unwrap();
    }
    fs::write(synced.local.join(".orielignore"), "/built\n").unwrap();
    fs::write(synced.local.join("kept"), "kept").unwrap();
    synced.until_both_hold("kept", b"kept");
    synced.until_both_hold(".orielignore", b"/built\n");
    fs::write(synced.local.join("built/later"), "later").unwrap();
    fs::write(synced.local.join("last"), "last").unwrap();
    synced.until_both_hold("last", b"last");
    assert_eq!(fs::read(synced.local.join(".git/local")).unwrap(), b"local");
    for missing in [".git/local", "node_modules/local", "built/later"] {
        assert!(!synced.workspace.join(missing).exists(), "{missing}");
    }
    assert!(!synced.local.join(".git/workspace").exists());
    // What nobody leaves out any more comes.
    fs::write(synced.local.join(".orielignore"), "").unwrap();
    synced.until_both_hold("built/later", b"later");
    synced.until_both_hold("built/workspace", b"workspace");
}

#[test]
fn new_files_have_the_permissions_that_the_persons_programs_give_them() {
    let synced = Synced::start();
    fs::write(synced.workspace.join("new"), "new").unwrap();
    fs::write(synced.local.join("open"), "1").unwrap();
    fs::set_permissions(synced.local.join("open"), fs::Permissions::from_mode(0o604)).unwrap();
    synced.settle();
    let mode =
        |path: &str| fs::metadata(synced.local.join(path)).unwrap().permissions().mode() & 0o777;
    let plain = tempfile::tempdir().unwrap();
    fs::write(plain.path().join("plain"), "").unwrap();
    let plain = fs::metadata(plain.path().join("plain")).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode("new"), plain, "{:o}", mode("new"));
    fs::write(synced.workspace.join("open"), "2").unwrap();
    synced.until_both_hold("open", b"2");
    assert_eq!(mode("open"), 0o604, "what is replaced keeps its own");
}

#[test]
fn a_daemon_that_starts_again_goes_on_where_it_stopped() {
    let mut synced = Synced::start();
    fs::write(synced.local.join("before"), "1").unwrap();
    synced.settle();
    synced.daemon.terminate();
    fs::write(synced.local.join("while away"), "2").unwrap();
    fs::write(synced.workspace.join("before"), "3").unwrap();
    synced.daemon.restart();
    synced.until_both_hold("while away", b"2");
    synced.until_both_hold("before", b"3");
    synced.stop();
    fs::write(synced.local.join("stopped"), "4").unwrap();
    let status = synced.status();
    assert_eq!((&status["state"], &status["reason"]), (&"paused".into(), &"asked".into()));
    synced.daemon.terminate();
    synced.daemon.restart();
    assert_eq!(synced.status()["reason"], "asked", "what was stopped stays so");
    assert!(!synced.workspace.join("stopped").exists());
    synced.daemon.oriel(&["sync", "confirm"]).done();
    synced.until_both_hold("stopped", b"4");
}

#[test]
fn nothing_is_watched_or_kept_of_a_sync_that_is_forgotten() {
    let synced = Synced::start();
    fs::write(synced.local.join("mine"), "1").unwrap();
    synced.settle();
    let answer =
        synced.command("stop", &serde_json::json!({ "sessionId": synced.session, "forget": true }));
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(fs::read(synced.local.join("mine")).unwrap(), b"1", "no file of the person's goes");
    let left = fs::read_dir(synced.daemon.home().data_dir().join("sync")).unwrap().count();
    assert_eq!(left, 0);
    let answer = synced.daemon.control("GET", &format!("/control/sync/{}", synced.session));
    assert_eq!(answer.json()["code"], "not_syncing");
}

#[test]
fn a_folder_with_more_folders_than_may_be_watched_is_looked_through_and_says_so() {
    // A limit for this daemon alone: it lives in a namespace of its own, where there is such a thing.
    let limited = [
        "unshare",
        "-r",
        "sh",
        "-c",
        "echo 60 > /proc/sys/user/max_inotify_watches && exec \"$@\"",
        "sh",
    ];
    let launch = Launch::new().within(&limited);
    let synced = Synced::of(launch.start());
    for number in 0..120 {
        fs::create_dir(synced.workspace.join(format!("d{number}"))).unwrap();
    }
    synced.begin();
    let status = synced.until("everything there", |status| status["phase"] == "watching");
    assert_eq!(status["watch"], "degraded", "{status:#}");
    synced.settle();
    for number in [3, 60, 119] {
        fs::write(synced.local.join(format!("d{number}/new")), "new").unwrap();
        synced.until_both_hold(&format!("d{number}/new"), b"new");
    }
    until("the status says so", || (synced.status()["watch"] == "degraded").then_some(()));
}
