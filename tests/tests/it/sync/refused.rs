//! Folders that may not be synced, and commands that make no sense.

use std::fs;

use oriel_tests::Daemon;
use oriel_tests::sync::Synced;
use serde_json::json;

#[test]
fn a_folder_that_would_be_wrong_is_refused_with_a_reason() {
    let synced = Synced::apart();
    let data = synced.daemon.home().data_dir().join("mirror");
    let home = std::path::PathBuf::from("/");
    fs::write(synced.local.join("there already"), "1").unwrap();
    let cases = [
        (home, "folder_refused"),
        (data, "folder_refused"),
        ("relative".into(), "bad_command"),
        (synced.local.join("no/such"), "no_folder"),
        (synced.local.join("there already"), "no_folder"),
    ];
    for (dir, code) in cases {
        let answer = synced.ask_to_begin(&dir, true);
        assert_eq!(answer.json()["code"], code, "{}: {}", dir.display(), answer.text());
    }
    let answer = synced.ask_to_begin(&synced.local, false);
    assert_eq!((answer.status, &answer.json()["code"]), (409, &"folder_not_empty".into()));
    synced.begin();
    synced.settle();
    let within = synced.local.join("within");
    fs::create_dir(&within).unwrap();
    let other = json!({ "sessionId": "another", "localDir": within.display().to_string() });
    let answer = synced.command("start", &other);
    assert_eq!(answer.json()["code"], "folder_nested", "{}", answer.text());
    let same = json!({ "sessionId": "another", "localDir": synced.local.display().to_string() });
    assert_eq!(synced.command("start", &same).json()["code"], "folder_taken");
    let elsewhere = synced.ask_to_begin(&synced.workspace, true);
    assert_eq!(elsewhere.json()["code"], "already_syncing");
}

#[test]
fn a_workspace_is_not_synced_with_itself_nor_with_a_folder_in_it() {
    let synced = Synced::apart();
    let within = synced.workspace.join("mirror");
    fs::create_dir(&within).unwrap();
    fs::write(synced.workspace.join("file"), "1").unwrap();
    let answer = synced.ask_to_begin(&within, true);
    if answer.status == 200 {
        let status = synced.until("it is noticed", |status| status["state"] == "error");
        assert!(status["message"].as_str().unwrap().contains("one in the other"), "{status:#}");
    }
    assert!(!within.join("file").exists());
}

#[test]
fn a_session_that_is_not_there_is_named() {
    let daemon = Daemon::start();
    let folder = tempfile::tempdir().unwrap();
    let start = json!({ "sessionId": "no-such", "localDir": folder.path().display().to_string() });
    _ = daemon.control_with("POST", "/control/sync/start", &start).expect(200);
    let found = oriel_tests::wait::until("it is noticed", || {
        let status = daemon.control("GET", "/control/sync/no-such").json();
        (status["state"] == "error").then_some(status)
    });
    assert!(found["message"].as_str().unwrap().contains("no such session"), "{found:#}");
    for (name, body) in [
        ("start", json!({})),
        ("start", json!({ "sessionId": "x", "localDir": "/tmp", "sudo": true })),
        ("resolve", json!({ "sessionId": "no-such", "path": "../x", "resolution": "local" })),
        ("confirm", json!([])),
    ] {
        let answer = daemon.control_with("POST", &format!("/control/sync/{name}"), &body);
        assert_eq!(answer.json()["code"], "bad_command", "{name} {body}: {}", answer.text());
    }
}
