//! Every file goes in, or it is said why not; and looking changes nothing.

use std::fs;

use oriel_tests::Home;
use serde_json::{Value, json};

#[test]
fn every_file_is_told_of_and_nothing_is_stored() {
    let home = Home::new();
    let write = |name: &str, text: &str| {
        let path = home.path("files").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    let meta = json!({ "timestamp": "2026-02-03T10:00:00.000Z", "type": "session_meta",
        "payload": { "id": "t1", "cwd": "/w/p", "timestamp": "2026-02-03T10:00:00.000Z" } });
    write("deep/rollout-2026-02-03T10-00-00-t1.jsonl", &format!("{meta}\n"));
    write("notes.md", "# words\n");
    let hook = json!({ "hook_event_name": "Stop", "session_id": "s1", "cwd": "/w/p" });
    write("http/0001-hook.json", &hook.to_string());
    write("http/0002-logs.json", &json!({ "resourceLogs": [] }).to_string());
    let entry = |file: &str, path: &str| json!({ "file": file, "path": path, "headers": {} });
    let listed = [
        entry("0001-hook.json", "/hook/any"),
        entry("0002-logs.json", "/v1/logs"),
        entry("0003-model.json", "/v1/messages"),
    ];
    write("http/index.jsonl", &listed.map(|line| line.to_string()).join("\n"));

    let found = home.oriel(&["inspect", "files", "--json"]).json();
    let said: Vec<_> = found["files"].as_array().unwrap().iter().map(what).collect();
    assert_eq!(
        said,
        [
            "codex",
            "not a history: the list of the requests that were captured here",
            "hook of claude-code",
            "export of logs",
            "not ours: a request to a model; its agent tells of the answer",
            "not a history: text",
        ]
    );
    let words = home.oriel(&["inspect", "files"]);
    assert!(words.done().ends_with("6 files looked at, 3 not read, 0 bad\n"), "{words:?}");
    assert!(!home.data_dir().exists(), "nothing is stored");

    write("deep/rollout-2026-02-03T10-00-01-t2.jsonl", "not a record\n");
    let bad = home.oriel(&["inspect", "files/deep"]);
    assert_eq!(bad.code, Some(1));
    assert!(bad.stdout.contains("bad  record 1: "), "{bad:?}");
}

#[test]
fn an_import_from_anywhere_takes_each_file_for_what_it_is() {
    let home = Home::new();
    let folder = home.path("elsewhere");
    fs::create_dir_all(&folder).unwrap();
    let meta = json!({ "timestamp": "2026-02-03T10:00:00.000Z", "type": "session_meta",
        "payload": { "id": "t1", "cwd": "/w/p", "timestamp": "2026-02-03T10:00:00.000Z" } });
    fs::write(folder.join("rollout-2026-02-03T10-00-00-t1.jsonl"), format!("{meta}\n")).unwrap();
    fs::write(folder.join("out.jsonl"), "{\"type\":\"turn.started\"}\n").unwrap();
    let status = home.oriel(&["import", "--path", "elsewhere", "--json"]).json();
    let formats = status["formats"].as_array().unwrap();
    let names: Vec<_> = formats.iter().map(|format| format["format"].as_str().unwrap()).collect();
    assert_eq!(names, ["codex"], "no other format takes the rollout, and none what a run printed");
    assert_eq!(formats[0]["files"], 1);
}

#[test]
fn a_file_may_be_said_to_be_something() {
    let home = Home::new();
    let line = json!({ "type": "user", "sessionId": "s1", "uuid": "u1", "cwd": "/w/p",
        "timestamp": "2026-02-03T10:00:00Z", "message": { "role": "user", "content": "hello" } });
    fs::write(home.path("copy.txt"), format!("{line}\n")).unwrap();
    let found = home.oriel(&["inspect", "copy.txt", "--as", "claude-code", "--json"]).json();
    assert_eq!(what(&found["files"][0]), "claude-code");
    assert!(found["kinds"][0]["events"].as_u64() > Some(0), "{found:#}");
    let said = home.oriel(&["inspect", "copy.txt", "--as", "nothing"]);
    assert!(said.failed(1).contains("claude-code"), "it names those that there are");
    let gone = home.oriel(&["inspect", "none"]);
    assert_eq!(gone.code, Some(1), "{gone:?}");
}

fn what(file: &Value) -> &str {
    file["readAs"].as_str().or(file["notRead"].as_str()).unwrap_or("unknown")
}
