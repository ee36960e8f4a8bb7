//! Histories are read once, whatever happens: to the daemon while it reads, to the files while it
//! watches. What cannot be read is said with its place.

mod asked;
mod watched;

use oriel_tests::history::{self, Made};
use oriel_tests::wait::until;
use oriel_tests::{Daemon, Home, Launch};
use serde_json::{Value, json};

/// Where Claude Code keeps its histories in a home.
const HISTORIES: &str = ".claude/projects";

/// What is imported while the daemon is killed: some thousand events, of which the store takes at
/// most 2,000 at a time.
const FILES: usize = 10;
const FILE_BYTES: usize = 800_000;

/// How often the daemon is killed where nothing is said.
const ROUNDS: u64 = 2;

#[test]
fn an_import_that_was_killed_goes_on_and_comes_to_the_same() {
    let rounds = rounds();
    let calm = Home::new();
    let made = history::write(&calm.path(HISTORIES), FILES, FILE_BYTES);
    let daemon = Launch::new().home(&calm).start();
    wait_for_import(&daemon);
    let expected = sums(&daemon);
    check_made(&expected, &made);
    let total = expected["/api/stats"]["total_events"].as_u64().unwrap();

    let home = Home::new();
    let again = history::write(&home.path(HISTORIES), FILES, FILE_BYTES);
    assert_eq!(made.bytes, again.bytes, "the same every time");
    let mut daemon = Launch::new().home(&home).start();
    for round in 0..rounds {
        let some = 1 + total * (2 * round + 1) / (2 * rounds + 2);
        let stored = until("some of the histories to be stored", || {
            let stored = daemon.get("/api/stats").json()["total_events"].as_u64().unwrap();
            (some <= stored).then_some(stored)
        });
        daemon.kill();
        assert!(round > 0 || stored < total, "it was done before it could be killed");
        if round % 2 == 0 {
            daemon.verify();
        }
        daemon.restart();
    }
    wait_for_import(&daemon);
    let found = sums(&daemon);
    for (target, answer) in expected.as_object().unwrap() {
        assert_eq!(answer, &found[target], "{target}");
    }
    daemon.verify();
    let unchanged = import(&daemon, &[]);
    assert_eq!((&unchanged["imported"], &unchanged["filesUnchanged"]), (&json!(0), &json!(FILES)));
}

/// Waits until the import that a daemon does at its start is done.
fn wait_for_import(daemon: &Daemon) {
    until("the import to be done", || {
        let overview = daemon.control("GET", "/control/imports").expect(200).json();
        let last = &overview["last"][0];
        assert!(last["phase"] != "failed", "{last:#}");
        (overview["running"].is_null() && last["phase"] == "done").then_some(())
    });
}

/// Imports with these arguments and returns what it came to.
fn import(daemon: &Daemon, arguments: &[&str]) -> Value {
    daemon.oriel(&[&["import", "--json"], arguments].concat()).json()
}

/// Returns all that is summed up, but for when it was received.
fn sums(daemon: &Daemon) -> Value {
    let mut sums = json!({});
    for target in [
        "/api/stats",
        "/api/stats/tools",
        "/api/sessions?limit=0",
        "/api/reports?by=day&tz=UTC",
        "/api/reports?by=session&tz=UTC",
        "/api/reports?by=model&tz=UTC",
        "/api/reports?by=branch&tz=UTC",
    ] {
        sums[target] = daemon.get(target).expect(200).json();
    }
    let sessions = sums["/api/sessions?limit=0"]["sessions"].as_array_mut().unwrap();
    for session in sessions.iter_mut() {
        for name in ["started_at", "ended_at", "last_event_at"] {
            session[name].take();
        }
    }
    // Those of which the last was heard at the same time stand in no order.
    sessions.sort_by_key(|session| session["id"].to_string());
    let rows = sums["/api/reports?by=session&tz=UTC"]["rows"].as_array_mut().unwrap();
    rows.sort_by_key(|row| row["key"].to_string());
    sums
}

/// Checks that what was written is what was found.
fn check_made(sums: &Value, made: &Made) {
    let totals = &sums["/api/reports?by=day&tz=UTC"]["totals"];
    assert_eq!(totals["requests"], made.requests);
    assert_eq!(totals["output_tokens"], made.output_tokens);
    assert_eq!(sums["/api/stats/tools"]["tools"][0]["total_calls"], made.calls);
    assert_eq!(sums["/api/stats"]["total_sessions"], made.files.len());
}

#[expect(clippy::disallowed_methods, reason = "whoever runs the tests says how thoroughly")]
fn rounds() -> u64 {
    let told = std::env::var("ORIEL_CRASH_ROUNDS").ok().filter(|text| !text.is_empty());
    told.map_or(ROUNDS, |text| text.parse().unwrap())
}
