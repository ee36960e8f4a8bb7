//! Every file is told of, with what it is read as or what it is instead.

use serde_json::json;

use super::*;

#[test]
fn every_file_of_a_folder_is_told_of() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    let prompt = json!({ "type": "user", "sessionId": "s1", "uuid": "u1", "cwd": "/w/p",
        "timestamp": "2026-02-03T10:00:00Z", "message": { "role": "user", "content": "hello" } });
    write("h/a.jsonl", &format!("{prompt}\nnot a record\n{{\"half\": "));
    write("notes.txt", "words");
    write("out.jsonl", "{\"type\":\"turn.started\"}\n");
    let hook = json!({ "hook_event_name": "UserPromptSubmit", "session_id": "s2", "prompt": "hi",
        "cwd": "/w/p" });
    write("http/1.json", &hook.to_string());
    write("http/2.json", &json!({ "resourceLogs": [] }).to_string());
    write("http/beside.json", &hook.to_string());
    let entry = |file: &str, path: &str| json!({ "file": file, "path": path, "headers": {} });
    let index = [
        entry("1.json", "/hook/x"),
        entry("2.json", "/otel/v1/logs"),
        entry("3.json", "/v1/messages"),
        entry("4.json", "/v1/traces"),
        entry("../1.json", "/hook/x"),
    ];
    write("http/index.jsonl", &index.map(|line| line.to_string()).join("\n"));

    let found = inspect(&[folder.path().to_owned()], None).unwrap();
    let at = |name: &str| {
        let path = folder.path().join(name).display().to_string();
        let of = |file: &&Inspected| file.path == path;
        found.files.iter().find(of).unwrap_or_else(|| panic!("{name} is told of")).clone()
    };
    let history = at("h/a.jsonl");
    assert_eq!(history.read_as.as_deref(), Some("claude-code"));
    let fate = &history.fate;
    assert_eq!((fate.records, fate.bad, fate.bad_records[0].line), (2, 1, 2));
    assert_eq!((history.events > 0, history.unfinished_bytes), (true, 9));
    assert!(at("notes.txt").not_read.unwrap().contains("text"));
    assert!(at("out.jsonl").not_read.unwrap().contains("codex exec"));
    assert_eq!(at("http/1.json").read_as.as_deref(), Some("hook of claude-code"));
    assert_eq!(at("http/2.json").read_as.as_deref(), Some("export of logs"));
    assert!(at("http/3.json").not_read.unwrap().contains("request to a model"));
    assert!(at("http/4.json").not_read.unwrap().contains("not kept"));
    assert_eq!(at("http/beside.json").read_as.as_deref(), Some("hook of claude-code"));
    assert_eq!(found.bad, 2, "a bad record, and a bad entry of the list");
    assert_eq!(found.kinds.iter().map(|kind| kind.files).sum::<u64>(), 4);
}

#[test]
fn a_file_is_what_it_is_said_to_be() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("any.txt");
    fs::write(&path, "{}\n").unwrap();
    let found = inspect(&[path.clone(), folder.path().join("none")], Some("codex")).unwrap();
    assert_eq!(found.files[0].read_as.as_deref(), Some("codex"));
    assert_eq!(found.files[0].fate.records, 1);
    assert!(found.files[1].problem.as_deref().unwrap().contains("cannot be read"));
    let error = inspect(&[path], Some("nope")).unwrap_err().to_string();
    assert!(error.contains("codex") && error.contains("claude-code"), "{error}");
}
