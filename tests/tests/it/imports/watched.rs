//! A history that grows is read as it grows, and only what is new in it.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use oriel_tests::Daemon;
use oriel_tests::history::{exchange, session};
use serde_json::json;

use super::{HISTORIES, import, wait_for_import};

#[test]
fn what_is_appended_appears_and_only_that_is_read() {
    let daemon = Daemon::start();
    wait_for_import(&daemon);
    let path = begin(&daemon);
    let mut last = 0;
    let mut size = 0;
    for nth in 0..4 {
        let lines = exchange(&session(0), nth, 40);
        append(&path, lines.as_bytes());
        size += lines.len() as u64;
        last = wait_for_events(&daemon, last, 2);
        assert_eq!(bytes_read(&daemon), size, "after exchange {nth}");
    }
    assert_eq!(daemon.get("/api/stats").json()["total_events"], 8);
    daemon.verify();
}

#[test]
fn half_a_line_waits_for_its_other_half() {
    let daemon = Daemon::start();
    wait_for_import(&daemon);
    let path = begin(&daemon);
    let lines = exchange(&session(0), 0, 40);
    append(&path, lines.as_bytes());
    let last = wait_for_events(&daemon, 0, 2);
    let next = exchange(&session(0), 1, 40);
    let (one, rest) = next.as_bytes().split_at(next.len() / 5);
    let before = bytes_read(&daemon);
    append(&path, one);
    oriel_tests::wait::until("the half to be looked at", || {
        (bytes_read(&daemon) > before).then_some(())
    });
    assert_eq!(daemon.get("/api/stats").json()["total_events"], 2);
    append(&path, rest);
    wait_for_events(&daemon, last, 2);
    let totals = daemon.get("/api/reports?by=day&tz=UTC").json()["totals"].clone();
    assert_eq!(totals["requests"], 2);
    let forced = import(&daemon, &["--force"]);
    assert_eq!((&forced["bad"], &forced["imported"]), (&json!(0), &json!(0)));
    assert!(!daemon.log().contains("WARN"), "{}", daemon.log());
    daemon.verify();
}

#[test]
fn a_history_that_vanishes_takes_nothing_with_it() {
    let mut daemon = Daemon::start();
    wait_for_import(&daemon);
    let path = begin(&daemon);
    append(&path, exchange(&session(0), 0, 40).as_bytes());
    wait_for_events(&daemon, 0, 2);
    let before = super::sums(&daemon);
    fs::remove_file(&path).unwrap();
    oriel_tests::wait::until("it to be noticed", || {
        let overview = daemon.control("GET", "/control/imports").expect(200).json();
        (overview["filesGone"] == 1).then_some(())
    });
    assert_eq!(super::sums(&daemon), before);
    daemon.restart();
    wait_for_import(&daemon);
    assert_eq!(super::sums(&daemon), before);
    // One that comes back is the one that went.
    let lines = exchange(&session(0), 0, 40) + &exchange(&session(0), 1, 40);
    let after = daemon.get("/api/events?limit=1").json()["events"][0]["id"].as_i64().unwrap();
    append(&path, lines.as_bytes());
    wait_for_events(&daemon, after, 2);
    assert_eq!(daemon.get("/api/stats").json()["total_events"], 4);
    daemon.verify();
}

#[test]
fn a_history_that_is_written_anew_is_read_anew_and_counts_once() {
    let daemon = Daemon::start();
    wait_for_import(&daemon);
    let path = begin(&daemon);
    append(&path, exchange(&session(0), 0, 40).as_bytes());
    let last = wait_for_events(&daemon, 0, 2);
    let beside = path.with_extension("new");
    let lines = exchange(&session(0), 0, 40) + &exchange(&session(0), 1, 40);
    fs::write(&beside, lines).unwrap();
    fs::rename(&beside, &path).unwrap();
    wait_for_events(&daemon, last, 2);
    assert_eq!(daemon.get("/api/stats").json()["total_events"], 4);
    daemon.verify();
}

/// Returns the path of a history in the folder that is watched.
fn begin(daemon: &Daemon) -> PathBuf {
    let folder = daemon.home().path(HISTORIES).join("-home-u-river");
    fs::create_dir_all(&folder).unwrap();
    folder.join(format!("{}.jsonl", session(0)))
}

fn append(path: &Path, bytes: &[u8]) {
    let mut file = OpenOptions::new().create(true).append(true).open(path).unwrap();
    file.write_all(bytes).unwrap();
}

/// Waits for so many events after a number, and returns the number of the last.
fn wait_for_events(daemon: &Daemon, mut after: i64, mut count: usize) -> i64 {
    while count > 0 {
        let target = format!("/api/events/wait?after={after}&timeout=30&limit={count}");
        let answer = daemon.get(&target).expect(200).json();
        let found = answer["events"].as_array().unwrap().len();
        assert!(found > 0, "{count} more events do not come after {after}");
        count -= found;
        after = answer["next"].as_i64().unwrap();
    }
    after
}

fn bytes_read(daemon: &Daemon) -> u64 {
    let metrics = daemon.get("/metrics").expect(200);
    let line = metrics
        .text()
        .lines()
        .find_map(|line| line.strip_prefix("oriel_import_bytes_read_total ").map(str::to_owned));
    line.expect("the metric is there").trim().parse().unwrap()
}
