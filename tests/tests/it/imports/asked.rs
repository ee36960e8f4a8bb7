//! An import that is asked for does what was asked, and says what became of every record.

use std::fs;

use oriel_tests::history::{self, exchange, session};
use oriel_tests::wait::until;
use oriel_tests::{Daemon, Launch, Request};
use serde_json::{Value, json};

use super::{check_made, import, sums};

#[test]
fn a_line_that_cannot_be_read_is_counted_with_its_place() {
    let daemon = start();
    let (path, name) = elsewhere(&daemon, 0);
    let half = exchange(&session(0), 0, 10);
    let text = format!("{half}{{\"type\":\"assistant\", oh\n{}", exchange(&session(0), 1, 10));
    fs::write(&path, text).unwrap();
    let status = import(&daemon, &["--path", &name]);
    assert_eq!((&status["phase"], &status["bad"]), (&json!("done"), &json!(1)));
    let bad = &status["files"][0]["fate"]["badRecords"][0];
    assert_eq!((&bad["line"], &bad["path"]), (&json!(4), &json!(name)), "{status:#}");
    assert_eq!(requests(&daemon), 2, "the others are there");
    let fate = &status["files"][0]["fate"];
    let left_out: u64 = fate["leftOut"]
        .as_array()
        .unwrap()
        .iter()
        .map(|kind| kind["records"].as_u64().unwrap())
        .sum();
    let of = |name: &str| fate[name].as_u64().unwrap();
    assert_eq!(of("records"), of("told") + of("joined") + left_out + of("bad"), "{fate:#}");
}

#[test]
fn a_dry_run_writes_nothing() {
    let daemon = start();
    let made = history::write(&daemon.home().path("elsewhere"), 2, 20_000);
    let folder = daemon.home().path("elsewhere").display().to_string();
    let before = daemon.get("/api/stats").text().to_owned();
    let dry = import(&daemon, &["--path", &folder, "--dry-run"]);
    assert_eq!((&dry["phase"], &dry["dryRun"]), (&json!("done"), &json!(true)));
    assert_eq!(daemon.get("/api/stats").text(), before);
    let real = import(&daemon, &["--path", &folder]);
    assert_eq!((&real["found"], &real["imported"]), (&dry["found"], &dry["found"]));
    check_made(&sums(&daemon), &made);
}

#[test]
fn only_what_happened_in_the_asked_time_is_imported() {
    let daemon = start();
    let (path, name) = elsewhere(&daemon, 0);
    // One exchange on each of three days.
    let day = 24 * 60;
    let lines: String = (0..3).map(|nth| exchange(&session(0), nth * day, 10)).collect();
    fs::write(&path, lines).unwrap();
    let second = import(&daemon, &["--path", &name, "--from", "2026-11-02", "--to", "2026-11-02"]);
    assert_eq!((&second["imported"], requests(&daemon)), (&json!(2), 1), "{second:#}");
    assert_eq!(second["formats"][0]["outOfRange"], 4);
    let days = daemon.get("/api/reports?by=day&tz=UTC").json();
    assert_eq!(days["rows"][0]["key"], "2026-11-02");
    let since = import(&daemon, &["--path", &name, "--from", "2026-11-02T00:00:00Z"]);
    assert_eq!((&since["imported"], requests(&daemon)), (&json!(2), 2));
    // What was asked for in part is not taken for read.
    let all = import(&daemon, &["--path", &name]);
    assert_eq!((&all["imported"], requests(&daemon)), (&json!(2), 3));
    let refused = daemon.oriel(&["import", "--path", &name, "--from", "soon"]);
    assert!(refused.stderr.contains("soon"), "{refused:?}");
    assert_ne!(refused.code, Some(0));
}

#[test]
fn what_is_read_again_is_known() {
    let daemon = start();
    let made = history::write(&daemon.home().path("elsewhere"), 2, 20_000);
    let folder = daemon.home().path("elsewhere").display().to_string();
    let first = import(&daemon, &["--path", &folder]);
    let before = sums(&daemon);
    check_made(&before, &made);
    let unchanged = import(&daemon, &["--path", &folder]);
    assert_eq!((&unchanged["found"], &unchanged["filesUnchanged"]), (&json!(0), &json!(2)));
    let forced = import(&daemon, &["--path", &folder, "--force"]);
    assert_eq!(forced["imported"], 0);
    assert_eq!((&forced["found"], &forced["duplicates"]), (&first["found"], &first["imported"]));
    assert_eq!(sums(&daemon), before);
    daemon.verify();
}

#[test]
fn an_import_that_is_cancelled_stops_and_the_next_one_does_the_rest() {
    let daemon = start();
    let made = history::write(&daemon.home().path("elsewhere"), 8, 1_200_000);
    let folder = daemon.home().path("elsewhere").display().to_string();
    let token = daemon.token();
    let asked = json!({ "paths": [folder] });
    let request = Request::post("/control/imports", &asked).header("x-oriel-authtok", token);
    let started = daemon.send(&request).json();
    let target = format!("/control/imports/{}", started["id"]);
    let cancelled = daemon.control("DELETE", &target);
    assert!(cancelled.status < 300, "{cancelled:?}");
    let phase = until("the import to stop", || {
        let status = daemon.control("GET", &target).expect(200).json();
        let phase = status["phase"].as_str().unwrap().to_owned();
        ["cancelled", "done", "failed"].contains(&phase.as_str()).then_some(phase)
    });
    assert_eq!(phase, "cancelled");
    daemon.verify();
    let rest = import(&daemon, &["--path", &folder]);
    assert_eq!(rest["phase"], "done");
    check_made(&sums(&daemon), &made);
}

#[test]
fn what_the_archive_restores_is_what_there_was_byte_for_byte() {
    let mut daemon = Launch::new().set("archive.enabled", "true").start();
    let made = history::write(&daemon.home().path(super::HISTORIES), 3, 200_000);
    let kept: Vec<Vec<u8>> = made.files.iter().map(|path| fs::read(path).unwrap()).collect();
    daemon.restart();
    super::wait_for_import(&daemon);
    until("the archive to have them", || {
        let list = daemon.oriel(&["archive", "list", "--json"]).json();
        let files = list["files"].as_array().unwrap();
        let bytes: u64 = files.iter().map(|file| file["bytes"].as_u64().unwrap()).sum();
        (files.len() == 3 && bytes == made.bytes).then_some(())
    });
    assert_eq!(daemon.oriel(&["archive", "verify", "--json"]).json()["ok"], true);
    made.files.iter().for_each(|path| fs::remove_file(path).unwrap());
    let folder = daemon.home().path(super::HISTORIES).display().to_string();
    let report = daemon.oriel(&["archive", "restore", &folder, "--json"]).json();
    assert_eq!(report["written"].as_array().unwrap().len(), 3, "{report:#}");
    for (path, kept) in made.files.iter().zip(&kept) {
        assert!(fs::read(path).unwrap() == *kept, "{} is another one", path.display());
    }
    // What is there is left alone.
    fs::write(&made.files[0], "mine").unwrap();
    let again = daemon.oriel(&["archive", "restore", &folder, "--json"]);
    assert_eq!(again.code, Some(1));
    assert_eq!(fs::read(&made.files[0]).unwrap(), b"mine");
}

/// Returns a path of a history outside of the usual folders, and the same as text.
fn elsewhere(daemon: &Daemon, nth: usize) -> (std::path::PathBuf, String) {
    let folder = daemon.home().path("elsewhere/-home-u-river");
    fs::create_dir_all(&folder).unwrap();
    let path = folder.join(format!("{}.jsonl", session(nth)));
    let name = path.display().to_string();
    (path, name)
}

fn requests(daemon: &Daemon) -> u64 {
    let totals: Value = daemon.get("/api/reports?by=day&tz=UTC").json()["totals"].clone();
    totals["requests"].as_u64().unwrap()
}

fn start() -> Daemon {
    Launch::new().set("import.auto", "false").start()
}
