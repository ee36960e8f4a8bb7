//! A store that a later version wrote is left alone: the daemon runs, says what is wrong and what
//! may be done, and takes and gives nothing.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::Path;

use oriel_tests::events::{batch, event, names};
use oriel_tests::{Daemon, Request, reads};
use serde_json::{Value, json};

mod kinds;
mod restart;

/// Where a SQLite file keeps its `user_version`: four bytes, the highest first.
const VERSION_AT: u64 = 60;

#[test]
fn a_store_of_a_later_version_blocks_and_is_not_touched() {
    let mut daemon = Daemon::start();
    daemon.store_all(&batch(&names("e", 50)));
    let before = reads::everything(&daemon);
    assert!(daemon.terminate().status.success());
    let path = daemon.home().data_dir().join("oriel.db");
    let known = version(&path);
    set_version(&path, known + 1);
    let bytes = fs::read(&path).unwrap();

    daemon.restart();
    check_blocked(&daemon, &path, known);
    assert!(daemon.terminate().status.success(), "{}", daemon.log());
    daemon.restart();
    daemon.kill();
    assert!(fs::read(&path).unwrap() == bytes, "the file was changed");
    for command in [&["store", "verify"][..], &["store", "compact"], &["seed"]] {
        let said = daemon.oriel(command);
        assert_ne!(said.code, Some(0), "{said:?}");
        assert!(!said.stderr.contains("panicked"), "{said:?}");
    }
    assert!(fs::read(&path).unwrap() == bytes, "the file was changed");

    set_version(&path, known);
    daemon.restart();
    assert_eq!(reads::everything(&daemon), before, "the right program finds everything");
    daemon.verify();
}

#[test]
fn a_data_directory_that_others_may_enter_blocks() {
    use std::os::unix::fs::PermissionsExt;
    let mut daemon = Daemon::start();
    daemon.store(&event("e1"));
    assert!(daemon.terminate().status.success());
    let data_dir = daemon.home().data_dir();
    fs::set_permissions(&data_dir, fs::Permissions::from_mode(0o755)).unwrap();
    daemon.restart();
    let readiness = daemon.control("GET", "/control/readiness").expect(200).json();
    assert_eq!(readiness["blockers"][0]["kind"], "data-dir-permissions", "{readiness}");
    let reason = readiness["blockers"][0]["reason"].as_str().unwrap();
    assert!(reason.contains("chmod"), "{reason}");
    assert_eq!(daemon.get("/api/events").status, 503);
    fs::set_permissions(&data_dir, fs::Permissions::from_mode(0o700)).unwrap();
    daemon.restart();
    assert_eq!(daemon.get("/api/stats").json()["total_events"], 1);
}

fn check_blocked(daemon: &Daemon, path: &Path, known: u32) {
    let posts = [
        Request::post("/api/events", &event("new")),
        Request::post("/api/events/batch", &batch(&names("new", 2))),
    ];
    let reads =
        ["/api/events", "/api/stats", "/api/sessions", "/api/stream", "/api/filter-options"];
    for request in posts.into_iter().chain(reads.map(Request::get)) {
        let answer = daemon.send(&request);
        assert_eq!(answer.status, 503, "{request:?}");
        let seconds = answer.header("retry-after").expect("it says when to try again");
        assert!(seconds.parse::<u32>().is_ok(), "{seconds}");
        let error = answer.json()["error"].as_str().unwrap().to_owned();
        assert!(error.contains("oriel doctor"), "{error}");
    }
    let health = daemon.get("/api/health").expect(200).json();
    assert_eq!(health["status"], "local_readiness_gate");
    let status = daemon.oriel(&["status", "--json"]).json();
    assert_eq!(status["status"]["phase"], "local_readiness_gate");

    let readiness = daemon.control("GET", "/control/readiness").expect(200).json();
    assert_eq!(readiness["phase"], "local_readiness_gate");
    let blockers = readiness["blockers"].as_array().unwrap();
    assert_eq!(blockers.len(), 1, "{readiness}");
    let blocker = &blockers[0];
    assert_eq!(blocker["kind"], "store-newer-than-program");
    assert_eq!(blocker["artifactId"], path.to_str().unwrap());
    let reason = blocker["reason"].as_str().unwrap();
    for part in [format!("version {}", known + 1), format!("up to {known}")] {
        assert!(reason.contains(&part), "{part} is not in {reason}");
    }
    assert_ne!(blocker["actions"], json!([]), "it says what may be done");

    let doctor = daemon.oriel(&["doctor", "--json"]);
    assert_eq!(doctor.code, Some(1), "{doctor:?}");
    let doctor: Value = serde_json::from_str(&doctor.stdout).unwrap();
    assert_eq!(doctor["ok"], false);
}

/// Does something about a blocker.
fn act(daemon: &Daemon, id: &str, action: &str, body: &Value) -> oriel_tests::Answer {
    let target = format!("/control/readiness/{id}/{action}");
    let request = match body {
        Value::Null => Request::new("POST", &target),
        body => Request::post(&target, body),
    };
    daemon.send(&request.header("x-oriel-authtok", daemon.token()))
}

/// Checks the status of an answer.
#[track_caller]
fn expect(answer: &oriel_tests::Answer, status: u16) {
    assert_eq!(answer.status, status, "{}", answer.text());
}

/// Returns the names of what blocks.
fn blockers(daemon: &Daemon) -> Vec<String> {
    let readiness = daemon.control("GET", "/control/readiness").expect(200).json();
    let blockers = readiness["blockers"].as_array().unwrap();
    blockers.iter().map(|blocker| blocker["id"].as_str().unwrap().to_owned()).collect()
}

/// Starts a daemon again through the control API, as the same process.
fn restart(daemon: &mut Daemon) {
    let pid = daemon.pid();
    assert!(daemon.control("POST", "/control/restart").expect(202).json()["restarting"] == true);
    daemon.come_back();
    let status = daemon.control("GET", "/control/status").expect(200).json();
    assert_eq!(status["pid"], pid, "no supervisor notices");
}

/// Tells of a prompt as Claude Code's hook does.
fn hook(daemon: &Daemon, session: &str) {
    let body = json!({ "session_id": session, "hook_event_name": "UserPromptSubmit",
        "prompt": "hello", "prompt_id": session });
    let path = daemon.home().path("body.json");
    fs::write(&path, body.to_string()).unwrap();
    let mut command = daemon.home().command(&["hook", "claude-code"]);
    command.stdin(std::process::Stdio::from(fs::File::open(&path).unwrap()));
    assert_eq!(daemon.home().run(command).code, Some(0));
}

/// Returns how many events there are, once there are as many.
fn wait_for_events(daemon: &Daemon, count: u64) {
    oriel_tests::wait::until("what hooks kept", || {
        let stats = daemon.get("/api/stats").expect(200).json();
        (stats["total_events"].as_u64()? >= count).then_some(())
    });
    assert_eq!(daemon.get("/api/stats").json()["total_events"], count);
}

/// Returns the entries of the audit whose target ends so.
fn audited(daemon: &Daemon, ends: &str) -> Vec<Value> {
    let page = daemon.control("GET", "/control/audit?limit=500").expect(200).json();
    let entries = page["entries"].as_array().unwrap().iter();
    entries.filter(|entry| entry["target"].as_str().unwrap().ends_with(ends)).cloned().collect()
}

fn version(path: &Path) -> u32 {
    let mut bytes = [0; 4];
    fs::File::open(path).unwrap().read_exact_at(&mut bytes, VERSION_AT).unwrap();
    u32::from_be_bytes(bytes)
}

fn set_version(path: &Path, version: u32) {
    let log = path.with_extension("db-wal");
    assert!(!log.exists(), "a store at rest is one file");
    let file = OpenOptions::new().write(true).open(path).unwrap();
    file.write_all_at(&version.to_be_bytes(), VERSION_AT).unwrap();
}
