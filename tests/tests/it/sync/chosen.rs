//! Two versions of a file: both are kept until somebody chooses, and what was chosen is on both sides.

use std::fs;

use oriel_tests::sync::Synced;
use serde_json::{Value, json};

const BASE: &str = "one\ntwo\nthree\nfour\nfive\nsix\nseven\n";

#[test]
fn both_versions_are_kept_until_somebody_chooses() {
    let synced = Synced::start();
    for (name, choice) in [("local.md", "local"), ("upstream.md", "upstream")] {
        conflict(&synced, name, "mine\n", "theirs\n");
        assert_eq!(fs::read_to_string(synced.local.join(name)).unwrap(), "mine\n");
        assert_eq!(fs::read_to_string(synced.workspace.join(name)).unwrap(), "theirs\n");
        let shown = synced.daemon.oriel(&["sync", "resolve", name]);
        assert!(shown.done().contains("mine") && shown.done().contains("theirs"), "{shown:?}");
        synced.daemon.oriel(&["sync", "resolve", name, "--keep", choice]).done();
        let wanted = if choice == "local" { "mine\n" } else { "theirs\n" };
        synced.until_both_hold(name, wanted.as_bytes());
    }
    synced.settle();
    let status = synced.status();
    assert_eq!(
        (&status["state"], status["conflicts"].as_array().unwrap().len()),
        (&"active".into(), 0)
    );
}

#[test]
fn changes_in_different_places_are_put_together_where_somebody_says_so() {
    let synced = Synced::start();
    let (mine, theirs) = (BASE.replace("two", "zwei"), BASE.replace("six", "sechs"));
    conflict(&synced, "song", &mine, &theirs);
    synced.until("it is told", |status| status["conflicts"][0]["mergeable"] == true);
    let texts = texts(&synced, "song");
    let merged = texts["merged"]["text"].as_str().unwrap();
    assert_eq!(merged, BASE.replace("two", "zwei").replace("six", "sechs"));
    assert_eq!(texts["base"]["text"], BASE);
    _ = resolve(&synced, &texts, "merged", Some(merged)).expect(200);
    synced.until_both_hold("song", merged.as_bytes());
    synced.settle();
}

#[test]
fn texts_are_put_together_unasked_where_that_was_wanted() {
    let synced = Synced::apart();
    let body = json!({
        "sessionId": synced.session, "localDir": synced.local.display().to_string(), "mergeUnasked": true,
    });
    _ = synced.command("start", &body).expect(200);
    let (mine, theirs) = (BASE.replace("two", "zwei"), BASE.replace("six", "sechs"));
    apart(&synced, "song", &mine, &theirs);
    _ = synced.command("start", &body).expect(200);
    synced.until_both_hold("song", BASE.replace("two", "zwei").replace("six", "sechs").as_bytes());
    synced.settle();
}

#[test]
fn a_choice_between_versions_that_are_no_more_changes_nothing() {
    let synced = Synced::start();
    conflict(&synced, "plan", "mine\n", "theirs\n");
    let shown = texts(&synced, "plan");
    fs::write(synced.local.join("plan"), "mine, later\n").unwrap();
    let digest = shown["conflict"]["local"]["digest"].clone();
    synced.until("the new version", |status| status["conflicts"][0]["local"]["digest"] != digest);
    let answer = resolve(&synced, &shown, "upstream", None);
    assert_eq!((answer.status, &answer.json()["code"]), (409, &"conflict_changed".into()));
    assert_eq!(fs::read_to_string(synced.local.join("plan")).unwrap(), "mine, later\n");
    let now = texts(&synced, "plan");
    assert_eq!(now["local"]["text"], "mine, later\n");
    _ = resolve(&synced, &now, "local", None).expect(200);
    synced.until_both_hold("plan", b"mine, later\n");
}

#[test]
fn an_edit_is_stronger_than_a_delete_and_a_file_and_a_folder_of_one_name_are_asked_about() {
    let synced = Synced::start();
    for name in ["gone here", "gone there", "kind"] {
        fs::write(synced.local.join(name), BASE).unwrap();
    }
    synced.settle();
    synced.stop();
    fs::remove_file(synced.local.join("gone here")).unwrap();
    fs::write(synced.workspace.join("gone here"), "edited\n").unwrap();
    fs::remove_file(synced.workspace.join("gone there")).unwrap();
    fs::write(synced.local.join("gone there"), "edited\n").unwrap();
    fs::remove_file(synced.workspace.join("kind")).unwrap();
    fs::create_dir(synced.workspace.join("kind")).unwrap();
    fs::write(synced.workspace.join("kind/in it"), "kept\n").unwrap();
    fs::write(synced.local.join("kind"), "edited\n").unwrap();
    synced.begin();
    synced.until_both_hold("gone here", b"edited\n");
    synced.until_both_hold("gone there", b"edited\n");
    let status = synced.until("the conflict", |status| status["state"] == "conflict");
    assert_eq!(status["conflicts"][0]["kind"], "type", "{status:#}");
    assert_eq!(fs::read_to_string(synced.local.join("kind")).unwrap(), "edited\n");
    assert_eq!(fs::read_to_string(synced.workspace.join("kind/in it")).unwrap(), "kept\n");
    synced.daemon.oriel(&["sync", "resolve", "kind", "--keep", "upstream"]).done();
    synced.until_both_hold("kind/in it", b"kept\n");
    synced.settle();
}

/// Makes a file on both sides, and then changes it on both while nobody syncs them.
fn apart(synced: &Synced, name: &str, mine: &str, theirs: &str) {
    fs::write(synced.local.join(name), BASE).unwrap();
    synced.until_both_hold(name, BASE.as_bytes());
    synced.settle();
    synced.stop();
    fs::write(synced.local.join(name), mine).unwrap();
    fs::write(synced.workspace.join(name), theirs).unwrap();
}

fn conflict(synced: &Synced, name: &str, mine: &str, theirs: &str) -> Value {
    apart(synced, name, mine, theirs);
    synced.begin();
    synced.until("the conflict with its versions", |status| {
        let is_here = |version: &Value| version["text"].is_string() || version["is"] == "absent";
        status["state"] == "conflict" && {
            let texts = texts(synced, name);
            is_here(&texts["upstream"]) && is_here(&texts["base"])
        }
    })
}

fn texts(synced: &Synced, path: &str) -> Value {
    let target = format!("/control/sync/{}/conflict?path={path}", synced.session);
    synced.daemon.control("GET", &target).expect(200).json()
}

fn resolve(
    synced: &Synced,
    texts: &Value,
    choice: &str,
    content: Option<&str>,
) -> oriel_tests::Answer {
    let conflict = &texts["conflict"];
    let mut body = json!({
        "sessionId": synced.session, "path": conflict["path"], "resolution": choice,
        "expectLocal": conflict["local"]["digest"], "expectRemote": conflict["upstream"]["digest"],
    });
    if let Some(content) = content {
        body["content"] = content.into();
    }
    synced.command("resolve", &body)
}
