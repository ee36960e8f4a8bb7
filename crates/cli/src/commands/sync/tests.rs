//! Commands say to the service what was meant, and to the person what came of it.

use std::path::Path;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use axum::response::{IntoResponse as _, Response};
use clap::Parser;
use http_body_util::BodyExt as _;
use oriel_daemon::Surroundings;
use oriel_link::Link;
use oriel_runtime::Runtime;
use oriel_runtime::config::Clock;
use oriel_runtime::settings::Folders;
use serde_json::{Value, json};

use crate::args::Args;
use crate::output::{Output, Paint};
use crate::{Exit, testing};

const LOCAL: &str = "a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1";
const UPSTREAM: &str = "b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2";

#[test]
fn a_folder_is_synced_as_it_was_asked_for() {
    let house = House::new(&["s1"]);
    let (exit, told) = house.oriel(&["sync", "start", "work/.", "--session", "s1"]).unwrap();
    assert_eq!(exit, Exit::Done);
    let work = house.folder.path().join("work").display().to_string();
    assert_eq!(
        house.last("/sync/start"),
        json!({ "sessionId": "s1", "localDir": work, "confirmNonEmpty": false,
            "allowPolling": false, "useGitignore": false, "mergeUnasked": false })
    );
    assert!(told.contains("are kept equal"), "{told}");

    let all = ["--allow-non-empty", "--allow-polling", "--gitignore", "--merge", "--json"];
    let line = [&["sync", "start", "/x", "--session", "s1"][..], &all].concat();
    let (_, status) = house.oriel(&line).unwrap();
    assert_eq!(serde_json::from_str::<Value>(&status).unwrap()["sessionId"], "s1");
    let said = house.last("/sync/start");
    for field in ["confirmNonEmpty", "allowPolling", "useGitignore", "mergeUnasked"] {
        assert_eq!(said[field], true, "{field}");
    }
}

#[test]
fn what_the_service_asks_back_names_the_flag() {
    let house = House::new(&["s1"]);
    for (dir, flag) in [("/full", "--allow-non-empty"), ("/far", "--allow-polling")] {
        let line = ["sync", "start", dir, "--session", "s1"];
        let error = house.oriel(&line).unwrap_err().to_string();
        assert!(error.starts_with("the folder is") && error.contains(flag), "{error}");
    }
}

#[test]
fn a_session_is_named_by_its_beginning_and_not_at_all_where_there_is_one() {
    let one = House::new(&["s1"]);
    one.oriel(&["sync", "stop"]).unwrap();
    assert_eq!(one.last("/sync/stop"), json!({ "sessionId": "s1", "forget": false }));
    let error = one.oriel(&["sync", "stop", "x"]).unwrap_err().to_string();
    assert!(error.contains("oriel sync status"), "{error}");

    let two = House::new(&["abc", "abd", "x"]);
    for (name, wanted) in [("abd", Ok("abd")), ("x", Ok("x")), ("ab", Err("2 synced sessions"))] {
        match wanted {
            Ok(id) => {
                two.oriel(&["sync", "stop", name, "--forget"]).unwrap();
                assert_eq!(two.last("/sync/stop"), json!({ "sessionId": id, "forget": true }));
            }
            Err(words) => {
                let error = two.oriel(&["sync", "stop", name]).unwrap_err().to_string();
                assert!(error.contains(words) && error.contains("abc, abd"), "{error}");
            }
        }
    }
    let error = two.oriel(&["sync", "verify"]).unwrap_err().to_string();
    assert!(error.contains("3 sessions are synced; say which"), "{error}");
    let none = House::new(&[]);
    let error = none.oriel(&["sync", "stop"]).unwrap_err().to_string();
    assert!(error.contains("nothing is synced"), "{error}");
}

#[test]
fn the_status_says_what_waits_for_a_person() {
    let house = House::new(&["s1", "paused"]);
    let (exit, told) = house.oriel(&["sync", "status"]).unwrap();
    assert_eq!(exit, Exit::Failed, "somebody is needed");
    for part in [
        "s1  conflict  /home/me/project  42 files",
        "2 to send, 1 to come (4.0 KiB)",
        "conflict: src/main.rs, both sides changed it",
        "run.sock[2J is not synced (here)",
        "31 files would be removed",
        "oriel sync confirm --restore",
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }
    assert!(!told.contains('\u{1b}'), "nothing steers the terminal: {told:?}");
    let (_, list) = house.oriel(&["sync", "status", "--json"]).unwrap();
    assert_eq!(serde_json::from_str::<Value>(&list).unwrap()["syncs"].as_array().unwrap().len(), 2);
    let (_, one) = house.oriel(&["sync", "status", "pau", "--json"]).unwrap();
    assert_eq!(serde_json::from_str::<Value>(&one).unwrap()["sessionId"], "paused");
    let (exit, told) = House::new(&[]).oriel(&["sync", "status"]).unwrap();
    assert_eq!((exit, told.contains("oriel sync start")), (Exit::Done, true), "{told}");
}

#[test]
fn what_happens_is_told_until_the_daemon_ends() {
    let house = House::new(&["s1", "other"]);
    let mut told = Vec::new();
    let error = house.run(&["sync", "status", "s1", "--watch"], &mut told).unwrap_err();
    assert!(error.to_string().contains("the daemon ended"), "{error}");
    let told = String::from_utf8(told).unwrap();
    let lines: Vec<&str> = told.lines().collect();
    assert_eq!(lines.len(), 2, "{told}");
    assert!(lines[0].starts_with("s1  conflict"), "{told}");
    assert_eq!(lines[1], "no conflict any more: src/main.rs");
}

#[test]
fn a_conflict_is_shown_with_what_each_side_did() {
    let house = House::new(&["s1"]);
    let (exit, told) = house.oriel(&["sync", "resolve", "src/main.rs"]).unwrap();
    assert_eq!(exit, Exit::Done);
    for part in ["-two\n+zwei\n", "-three\n+drei\n", "--seen a1a1a1a1-b2b2b2b2 --keep local"] {
        assert!(told.contains(part), "{part}: {told}");
    }
    assert_eq!(house.last("/sync/resolve"), Value::Null, "nothing was done");
    // It is also known by where it lies.
    let (_, texts) =
        house.oriel(&["sync", "resolve", "/home/me/project/src/main.rs", "--json"]).unwrap();
    assert_eq!(serde_json::from_str::<Value>(&texts).unwrap()["conflict"]["id"], 3);
}

#[test]
fn a_conflict_ends_as_it_was_said_and_only_for_what_was_seen() {
    let house = House::new(&["s1"]);
    let resolve = |more: &[&str]| {
        let line = [&["sync", "resolve", "src/main.rs", "--session", "s1"], more].concat();
        house.oriel(&line)
    };
    std::fs::write(house.folder.path().join("merged"), "mine\n").unwrap();
    for (more, resolution, content) in [
        (&["--keep", "local"][..], "local", Value::Null),
        (&["--keep", "upstream", "--seen", "a1a1a1a1-b2b2b2b2"], "upstream", Value::Null),
        (&["--merged", "merged"], "merged", "mine\n".into()),
    ] {
        resolve(more).unwrap();
        let said = house.last("/sync/resolve");
        assert_eq!((&said["resolution"], &said["content"]), (&resolution.into(), &content));
        assert_eq!(
            (&said["expectLocal"], &said["expectRemote"]),
            (&LOCAL.into(), &UPSTREAM.into())
        );
    }
    let error = resolve(&["--keep", "local", "--seen", "a1a1a1a1-none"]).unwrap_err().to_string();
    assert!(error.contains("is another since"), "{error}");
    std::fs::write(house.folder.path().join("merged"), [0xff]).unwrap();
    let error = resolve(&["--merged", "merged"]).unwrap_err().to_string();
    assert!(error.contains("UTF-8"), "{error}");
    assert!(resolve(&["--merged", "nowhere"]).is_err());
    assert!(resolve(&["--keep", "both"]).is_err());
    assert!(resolve(&["--keep", "local", "--merged", "merged"]).is_err());
    assert_eq!(house.last("/sync/resolve"), Value::Null, "none of them was sent");
}

#[test]
fn a_pause_is_confirmed_for_its_reason() {
    let house = House::new(&["s1", "paused"]);
    for (more, restore) in [(&[][..], false), (&["--restore"], true)] {
        let (_, told) = house.oriel(&[&["sync", "confirm"], more].concat()).unwrap();
        assert_eq!(
            house.last("/sync/confirm"),
            json!({ "sessionId": "paused", "reason": "mass_delete", "restore": restore }),
            "{told}"
        );
    }
    let error = house.oriel(&["sync", "confirm", "s1"]).unwrap_err().to_string();
    assert!(error.contains("not paused"), "{error}");
}

#[test]
fn what_differs_is_listed_and_fails() {
    let house = House::new(&["s1"]);
    let (exit, told) = house.oriel(&["sync", "verify"]).unwrap();
    assert_eq!(exit, Exit::Failed);
    assert_eq!(told, "a/b\nboth sides differ in 3 of 43 paths\n");
}

#[test]
fn without_a_daemon_nothing_is_synced() {
    let folder = tempfile::tempdir().unwrap();
    let line = ["sync", "status"];
    assert_eq!(oriel(folder.path(), &line, &mut Vec::new()).unwrap(), Exit::NotRunning);
    let mut types = Vec::new();
    oriel(folder.path(), &["sync", "types"], &mut types).unwrap();
    assert!(String::from_utf8(types).unwrap().contains("export type StartSync"));
}

/// A daemon beside which a scripted service answers.
struct House {
    folder: tempfile::TempDir,
    threads: tokio::runtime::Runtime,
    daemon: Option<Runtime>,
    heard: Arc<Mutex<Vec<(String, Value)>>>,
}

impl House {
    fn new(sessions: &'static [&'static str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let threads = tokio::runtime::Runtime::new().unwrap();
        let config = testing::config(folder.path());
        let daemon = threads.block_on(Runtime::start(config)).unwrap();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let all = Arc::clone(&heard);
        let service = Router::new().fallback(move |request: Request<Body>| async move {
            let (head, body) = request.into_parts();
            let body = body.collect().await.unwrap().to_bytes();
            let command = serde_json::from_slice(&body).unwrap_or_default();
            let path = head.uri.to_string();
            let answer = answer(sessions, &path, &command);
            all.lock().unwrap().push((path, command));
            answer
        });
        daemon.sync_through(Link::InProcess(service));
        Self { folder, threads, daemon: Some(daemon), heard }
    }

    fn oriel(&self, arguments: &[&str]) -> anyhow::Result<(Exit, String)> {
        let mut text = Vec::new();
        let exit = self.run(arguments, &mut text)?;
        Ok((exit, String::from_utf8(text)?))
    }

    fn run(&self, arguments: &[&str], text: &mut Vec<u8>) -> anyhow::Result<Exit> {
        oriel(self.folder.path(), arguments, text)
    }

    /// Returns what was said at an address last, once.
    fn last(&self, path: &str) -> Value {
        let mut heard = self.heard.lock().unwrap();
        let said = heard.iter().rfind(|(at, _)| at == path).map(|(_, command)| command.clone());
        heard.clear();
        said.unwrap_or_default()
    }
}

impl Drop for House {
    fn drop(&mut self) {
        if let Some(daemon) = self.daemon.take() {
            self.threads.block_on(daemon.shutdown());
        }
    }
}

fn oriel(folder: &Path, arguments: &[&str], text: &mut Vec<u8>) -> anyhow::Result<Exit> {
    let data = folder.join("data").display().to_string();
    let line = ["oriel", "--data-dir", &data].into_iter();
    let args = Args::try_parse_from(line.chain(arguments.iter().copied()))?;
    let surroundings = Surroundings {
        environment: std::collections::BTreeMap::new(),
        folders: Folders { home: None, working: folder.to_owned() },
        clock: Clock::new(|| {
            std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_772_366_400)
        }),
        program: None,
    };
    crate::commands::run(args, &surroundings, &mut Output::new(text, Paint::new(false)))
}

fn answer(sessions: &[&str], path: &str, command: &Value) -> Response {
    let status = match command["localDir"].as_str() {
        Some("/full") => return failed("folder_not_empty", "the folder is not empty"),
        Some("/far") => return failed("folder_not_watched", "the folder is far away"),
        _ => status(command["sessionId"].as_str().unwrap_or("s1")),
    };
    let answer = match path {
        "/sync" => {
            json!({ "syncs": sessions.iter().map(|id| self::status(id)).collect::<Vec<_>>() })
        }
        "/sync/events" => {
            let events = [
                json!({ "type": "resolved", "sessionId": "other", "id": 1, "path": "x" }),
                json!({ "type": "resolved", "sessionId": "s1", "id": 3, "path": "src/main.rs" }),
                json!({ "type": "of another version" }),
            ];
            let text: String = events.iter().map(|event| format!("data: {event}\n\n")).collect();
            return ([("content-type", "text/event-stream")], text).into_response();
        }
        "/sync/s1/conflict?path=src%2Fmain.rs" => json!({
            "conflict": conflict(),
            "base": { "is": "text", "text": "one\ntwo\nthree\n" },
            "local": { "is": "text", "text": "one\nzwei\nthree\n" },
            "upstream": { "is": "text", "text": "one\ntwo\ndrei\n" },
            "merged": { "text": "one\nzwei\ndrei\n", "conflicts": 0 },
        }),
        "/sync/verify" => json!({ "sessionId": "s1", "paths": 43, "differing": ["a/b"], "more": 2,
            "isEqual": false }),
        _ => status,
    };
    axum::Json(answer).into_response()
}

fn failed(code: &str, message: &str) -> Response {
    (StatusCode::CONFLICT, axum::Json(json!({ "code": code, "message": message }))).into_response()
}

fn conflict() -> Value {
    let version = |digest: &str| json!({ "digest": digest, "size": 9 });
    json!({ "id": 3, "path": "src/main.rs", "kind": "edit_edit", "base": null,
        "local": version(LOCAL), "upstream": version(UPSTREAM), "mergeable": false, "since": 1 })
}

fn status(session: &str) -> Value {
    let is_paused = session == "paused";
    let mut status = json!({
        "sessionId": session, "state": if is_paused { "paused" } else { "conflict" },
        "filesTracked": 42, "lastSyncAt": null, "localDir": "/home/me/project", "phase": "syncing",
        "pending": 3, "pendingUp": 2, "pendingDown": 1, "bytes": 4096, "watch": "native",
        "conflicts": [conflict()], "moreConflicts": 0,
        "problems": [{ "path": "run.sock\u{1b}[2J", "problem": "special", "isUpstream": false,
            "message": "it is a socket" }],
        "moreProblems": 0,
    });
    if is_paused {
        status["reason"] = "mass_delete".into();
        status["message"] = "31 files would be removed".into();
        status["conflicts"] = json!([]);
    }
    status
}
