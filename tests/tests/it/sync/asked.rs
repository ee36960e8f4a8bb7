//! Before much is removed somebody is asked, and a folder that is not there removes nothing.

use std::fs;

use oriel_tests::sync::{Synced, tree};
use serde_json::json;

const FILES: usize = 80;

#[test]
fn nothing_is_removed_before_somebody_says_that_it_is_meant() {
    let synced = many();
    fs::remove_dir_all(synced.workspace.join("docs")).unwrap();
    let status = synced.until("the question", |status| status["state"] == "paused");
    assert_eq!(status["reason"], "mass_delete", "{status:#}");
    assert!(status["message"].as_str().unwrap().contains("80 files"), "{status:#}");
    assert_eq!(fs::read_dir(synced.local.join("docs")).unwrap().count(), FILES);
    synced.daemon.oriel(&["sync", "confirm"]).done();
    synced.settle();
    assert!(!synced.local.join("docs").exists());
    assert!(synced.local.join("other").exists());
}

#[test]
fn what_was_removed_by_mistake_is_put_back() {
    let mut synced = many();
    fs::remove_dir_all(synced.local.join("docs")).unwrap();
    synced.until("the question", |status| status["reason"] == "mass_delete");
    // The question stands until it is answered, whatever happens to who asked it.
    synced.daemon.kill();
    synced.daemon.restart();
    synced.until("the question again", |status| status["reason"] == "mass_delete");
    assert_eq!(fs::read_dir(synced.workspace.join("docs")).unwrap().count(), FILES);
    synced.daemon.oriel(&["sync", "confirm", "--restore"]).done();
    synced.settle();
    assert_eq!(fs::read_dir(synced.local.join("docs")).unwrap().count(), FILES);
}

#[test]
fn a_folder_that_is_moved_away_stops_everything_until_it_is_back() {
    let synced = many();
    let away = synced.local.with_file_name("away");
    fs::rename(&synced.local, &away).unwrap();
    synced.until("it is missed", |status| status["reason"] == "root_gone");
    fs::create_dir(&synced.local).unwrap();
    fs::write(synced.workspace.join("new"), "new").unwrap();
    let answer =
        synced.command("confirm", &json!({ "sessionId": synced.session, "reason": "root_gone" }));
    assert_eq!(answer.status, 409, "{}", answer.text());
    assert_eq!(fs::read_dir(&synced.local).unwrap().count(), 0, "it is another folder");
    assert_eq!(fs::read_dir(synced.workspace.join("docs")).unwrap().count(), FILES);
    fs::remove_dir(&synced.local).unwrap();
    fs::rename(&away, &synced.local).unwrap();
    synced.until_both_hold("new", b"new");
    synced.settle();
}

#[test]
fn a_workspace_that_begins_anew_takes_nothing_along() {
    let synced = many();
    synced.stop();
    // What the gateway knows of the workspace is gone, and so is nearly all that was in it.
    let gateway = synced.daemon.home().data_dir().join("gateway/sync");
    let mut synced = synced;
    synced.daemon.terminate();
    fs::remove_dir_all(gateway).unwrap();
    fs::remove_dir_all(synced.workspace.join("docs")).unwrap();
    synced.daemon.restart();
    synced.begin();
    synced.until("the question", |status| status["reason"] == "remote_reset");
    assert_eq!(fs::read_dir(synced.local.join("docs")).unwrap().count(), FILES);
    let confirm = json!({ "sessionId": synced.session, "reason": "remote_reset" });
    _ = synced.command("confirm", &confirm).expect(200);
    synced.settle();
    assert_eq!(fs::read_dir(synced.workspace.join("docs")).unwrap().count(), FILES);
}

/// Both sides have many files in one folder, and one beside it.
fn many() -> Synced {
    let synced = Synced::start();
    fs::create_dir(synced.workspace.join("docs")).unwrap();
    for number in 0..FILES {
        fs::write(synced.workspace.join(format!("docs/{number}.md")), format!("{number}\n"))
            .unwrap();
    }
    fs::write(synced.local.join("other"), "other").unwrap();
    synced.settle();
    assert_eq!(tree(&synced.local).len(), FILES + 2);
    synced
}
