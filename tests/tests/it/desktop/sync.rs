//! Sync as the workbench's page has it: its commands do what the daemon does, it hears what happens, and no
//! other page has any of it.

use std::fs;

use oriel_tests::desktop::{Desktop, NOTHING, Options, Seat, Workbench};
use oriel_tests::sync::Synced;
use serde_json::{Value, json};

use super::invoke;

const PATH: &str = "notes.md";
const COMMANDS: [&str; 6] = [
    "start_sync",
    "stop_sync",
    "sync_status",
    "confirm_sync",
    "resolve_conflict",
    "conflict_versions",
];

/// What a page says to listen, and to keep what it hears.
const LISTENER: &str = "{ event: 'sync-event', target: { kind: 'Any' }, \
    handler: window.__TAURI_INTERNALS__.transformCallback((event) => (window.heard ??= []).push(event.payload)) }";

#[test]
fn the_page_starts_a_sync_hears_of_a_conflict_ends_it_and_stops() {
    let synced = Synced::apart();
    fs::write(synced.workspace.join(PATH), "one\n").unwrap();
    let options = Options::attach().place(NOTHING);
    let desktop = Desktop::at(&Seat::of(synced.daemon.home()), &options);
    let page = Workbench::of(desktop, synced.local.clone());
    invoke(&page, "plugin:event|listen", LISTENER).unwrap();

    let own = json!({ "sessionId": synced.session });
    let start = json!({
        "sessionId": synced.session, "localDir": synced.local.display().to_string(),
        "confirmNonEmpty": true,
    });
    let begun = ask(&page, "start_sync", &start).unwrap();
    assert_eq!(begun["sessionId"], synced.session.as_str());
    synced.until_both_hold(PATH, b"one\n");
    synced.settle();
    let status = ask(&page, "sync_status", &own).unwrap();
    assert_eq!((&status["state"], &status["filesTracked"]), (&json!("active"), &json!(1)));
    page.until("word that both are equal", &told("event.status?.phase === 'watching'"));

    ask(&page, "stop_sync", &own).unwrap();
    fs::write(synced.local.join(PATH), "mine\n").unwrap();
    fs::write(synced.workspace.join(PATH), "theirs\n").unwrap();
    ask(&page, "start_sync", &start).unwrap();
    page.until(
        "word of the conflict",
        &told("event.type === 'conflict' && event.conflict.path === 'notes.md'"),
    );
    let which = json!({ "sessionId": synced.session, "path": PATH });
    let texts = ask(&page, "conflict_versions", &which).unwrap();
    assert_eq!(
        (&texts["local"]["text"], &texts["upstream"]["text"]),
        (&json!("mine\n"), &json!("theirs\n"))
    );

    // A choice holds for what was seen, and has to say what that was.
    let conflict = &texts["conflict"];
    let mut choice = json!({
        "sessionId": synced.session, "path": PATH, "resolution": "merged", "content": "both\n",
        "expectLocal": conflict["upstream"]["digest"], "expectRemote": conflict["upstream"]["digest"],
    });
    assert_eq!(ask(&page, "resolve_conflict", &choice).unwrap_err()["code"], "conflict_changed");
    assert_eq!(ask(&page, "resolve_conflict", &which).unwrap_err()["code"], "bad_command");
    choice["expectLocal"] = conflict["local"]["digest"].clone();
    ask(&page, "resolve_conflict", &choice).unwrap();
    synced.until_both_hold(PATH, b"both\n");
    page.until(
        "word that it is over",
        &told("event.type === 'resolved' && event.path === 'notes.md'"),
    );

    ask(&page, "stop_sync", &own).unwrap();
    let stopped = ask(&page, "sync_status", &own);
    let is_over = match &stopped {
        Ok(status) => status["phase"] == "stopped",
        Err(refused) => refused["code"] == "not_syncing",
    };
    assert!(is_over, "{stopped:?}");
}

#[test]
fn a_page_of_the_console_gets_nothing_of_sync() {
    let synced = Synced::apart();
    let desktop = Desktop::at(&Seat::of(synced.daemon.home()), &Options::attach());
    desktop.until_console();
    let own = json!({ "sessionId": synced.session }).to_string();
    for command in COMMANDS {
        let came = invoke(&desktop, command, &own);
        assert!(came.is_err(), "{command} gives {came:?}");
    }
    let came = invoke(&desktop, "plugin:event|listen", LISTENER);
    assert!(came.is_err(), "it may not listen: {came:?}");
    synced.begin();
    synced.settle();
    assert_eq!(desktop.eval("typeof window.heard"), "undefined");
}

/// Gives a command as the page does.
fn ask(page: &Workbench, command: &str, said: &Value) -> Result<Value, Value> {
    let came = page.eval(&format!(
        "window.__TAURI_INTERNALS__.invoke('{command}', {said}).then((value) => ({{ value }}), \
         (error) => ({{ error }}))"
    ));
    match &came["error"] {
        Value::Null => Ok(came["value"].clone()),
        error => Err(error.clone()),
    }
}

/// Returns whether some event was told that is so.
fn told(is_so: &str) -> String {
    format!("window.heard?.some((event) => {is_so})")
}
