//! A store of every earlier version opens, with the answers it had.
//!
//! The files were written by the program of their version and are never written again: what stands
//! in one must be understood for ever.

use std::path::PathBuf;

use oriel_model::{About, EventKind, Metadata, Money, NewEvent, Note, Outcome, SessionId};
use oriel_store::{EventFilter, OpenError, Store};

use crate::answers::check_all;
use crate::make::{Home, MIDNIGHT, assert_clean, costed, event, named, numbers, options};
use crate::oracle::Oracle;

#[tokio::test]
async fn a_store_of_version_1_opens_with_the_answers_it_had() {
    let file = fixtures().join("v1.db");
    if !file.exists() {
        write_version_1(&file).await;
    }
    let home = Home::new();
    std::fs::copy(&file, home.file()).unwrap();
    let (store, oracle) = (home.open(), history_of_version_1());
    let new = Home::new();
    new.open().close().await;
    assert_eq!(tables(&home), tables(&new), "every store has the same tables in the end");
    check_all(&store, &oracle).await;
    let costs = store.costs(None, None, 10).await.unwrap();
    let told: Vec<_> =
        costs.projects.iter().map(|p| (p.project.as_deref(), p.cost, p.sessions)).collect();
    let dollars = Money::from_dollars;
    assert_eq!(told, [(Some("house"), dollars(1.75), 1), (Some("oriel"), dollars(0.5), 1)]);
    let next = store.append(vec![event("s1"), event("s4")], MIDNIGHT).await.unwrap();
    assert_eq!(numbers(&next), [7, 8], "it goes on where it ended");
    assert_clean(&store).await;
    assert_eq!(store.events(EventFilter::default(), 1, 0).await.unwrap().total, 8);
}

#[tokio::test]
async fn a_store_of_version_2_opens_with_the_answers_it_had() {
    let file = fixtures().join("v2.db");
    if !file.exists() {
        write_version_2(&file).await;
    }
    let home = Home::new();
    std::fs::copy(&file, home.file()).unwrap();
    let (store, oracle) = (home.open(), history_of_version_2());
    let new = Home::new();
    new.open().close().await;
    assert_eq!(tables(&home), tables(&new), "every store has the same tables in the end");
    check_all(&store, &oracle).await;
    assert_clean(&store).await;
    store.append(vec![event("s5"), event("s9")], MIDNIGHT).await.unwrap();
    assert_clean(&store).await;
}

#[tokio::test]
async fn a_store_of_version_3_opens_with_the_answers_it_had() {
    let file = fixtures().join("v3.db");
    if !file.exists() {
        write_version_3(&file).await;
    }
    let home = Home::new();
    std::fs::copy(&file, home.file()).unwrap();
    let (store, oracle) = (home.open(), history_of_version_3());
    let new = Home::new();
    new.open().close().await;
    assert_eq!(tables(&home), tables(&new), "every store has the same tables in the end");
    check_all(&store, &oracle).await;
    assert_clean(&store).await;
    store
        .append(events_of_version_3().into_iter().map(|(event, _)| event).collect(), MIDNIGHT)
        .await
        .unwrap();
    assert_clean(&store).await;
}

#[tokio::test]
async fn a_store_of_an_earlier_version_is_copied_before_it_is_changed() {
    let home = Home::new();
    std::fs::copy(fixtures().join("v2.db"), home.file()).unwrap();
    // What an attempt that was cut short left.
    std::fs::create_dir(home.path("backups")).unwrap();
    std::fs::write(home.path("backups/oriel-version-2.part"), "half").unwrap();
    home.open().close().await;
    let copy = home.path("backups/oriel-version-2.db");
    let connection = rusqlite::Connection::open(&copy).unwrap();
    let version: i64 =
        connection.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
    assert_eq!(version, 2);
    let events: i64 =
        connection.query_row("SELECT count(*) FROM events", [], |row| row.get(0)).unwrap();
    assert_eq!(events, 51);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(&copy).unwrap().permissions().mode() & 0o777, 0o600);
    }
    let there = std::fs::read_dir(home.path("backups")).unwrap().count();
    assert_eq!(there, 1, "nothing unfinished is left");
}

#[tokio::test]
async fn a_store_that_cannot_be_copied_is_left_as_it_is() {
    let home = Home::new();
    std::fs::copy(fixtures().join("v2.db"), home.file()).unwrap();
    std::fs::write(home.path("backups"), "a file where the folder is to be").unwrap();
    let refused = Store::open(&home.file(), options(), |_| {}).err().unwrap();
    assert!(matches!(refused, OpenError::Backup { .. }), "{refused}");
    let version = home.intrude().pragma_query_value(None, "user_version", |row| row.get(0));
    assert_eq!(version, Ok(2_i64));
}

/// The history in the file of version 1: a bit of everything that a store keeps.
fn history_of_version_1() -> Oracle {
    let mut oracle = Oracle::default();
    for (event, at) in events_of_version_1() {
        oracle.append(event, at);
    }
    oracle
}

fn events_of_version_1() -> Vec<(NewEvent, i64)> {
    let mut begin = named("s1", "e1");
    begin.facet.agent_type = "claude_code".to_owned();
    begin.facet.kind = EventKind::SessionStart;
    begin.place.branch = Some("main".to_owned());
    let mut edit = costed("s1", "oriel", 0.25);
    edit.facet.agent_type = "claude_code".to_owned();
    edit.facet.tool_name = Some("Edit".to_owned());
    edit.facet.model = Some("opus".to_owned());
    edit.facet.source = "hook".to_owned();
    (edit.tokens.input, edit.tokens.output) = (1200, 340);
    (edit.tokens.cache_read, edit.tokens.cache_write) = (5, 6);
    edit.duration_ms = Some(1500);
    edit.client_ms = Some(MIDNIGHT * 1000 - 1);
    let facts = r#"{"file_path":"src/caf\u00e9.rs","lines_added":12,"lines_removed":3}"#;
    edit.metadata = Metadata::new(facts.to_owned(), false);
    let moved = costed("s1", "house", 1.5);
    let mut past = costed("s2", "oriel", 0.5);
    past.historical = true;
    past.metadata = Metadata::new(r#"{"_truncated":true}"#.to_owned(), true);
    let mut failed = named("s3", "e5");
    failed.facet.outcome = Outcome::Timeout;
    failed.facet.kind = EventKind::Error;
    let mut end = named("s3", "e6");
    end.facet.kind = EventKind::SessionEnd;
    vec![
        (begin, MIDNIGHT - 10),
        (edit, MIDNIGHT - 2),
        (moved, MIDNIGHT + 1),
        (past, MIDNIGHT + 2),
        (failed, MIDNIGHT + 3600),
        (end, MIDNIGHT + 90_000),
    ]
}

/// The history in the file of version 2: that of version 1, and what tools did since.
fn history_of_version_2() -> Oracle {
    let mut oracle = history_of_version_1();
    for (event, at) in events_of_version_2() {
        oracle.append(event, at);
    }
    oracle
}

fn events_of_version_2() -> Vec<(NewEvent, i64)> {
    let mut events = Vec::new();
    for nth in 0..40_u64 {
        let mut call = costed("s5", "oriel", 0.125);
        call.facet.agent_type = "codex".to_owned();
        call.facet.tool_name = Some(["Bash", "Edit", "Read"][nth as usize % 3].to_owned());
        call.facet.outcome = match nth % 10 {
            3 => Outcome::Error,
            7 => Outcome::Timeout,
            _ => Outcome::Success,
        };
        call.facet.model = Some(if nth < 20 { "gpt-5" } else { "gpt-5-mini" }.to_owned());
        call.duration_ms = (nth % 4 != 0).then_some(nth * nth * 13 + 1);
        call.client_ms = (nth % 5 == 0).then_some((MIDNIGHT + 100_000 + nth as i64 * 700) * 1000);
        (call.tokens.input, call.tokens.cache_read) = (nth, 10 * nth);
        if nth % 8 == 0 {
            call.cost_usd = None;
        }
        let path = ["a.rs", "b/caf\u{e9}.rs"][nth as usize % 2];
        let facts = format!(r#"{{"file_path":"{path}","lines_added":{nth},"lines_removed":1}}"#);
        call.metadata = Metadata::new(facts, false);
        if nth % 9 == 0 {
            let mut prompt = event("s5");
            prompt.facet.agent_type = "codex".to_owned();
            prompt.facet.kind = EventKind::UserPrompt;
            prompt.metadata = Metadata::new(format!(r#"{{"message":"do {nth}"}}"#), false);
            events.push((prompt, MIDNIGHT + 100_000 + nth as i64 * 700 - 1));
        }
        events.push((call, MIDNIGHT + 100_000 + nth as i64 * 700));
    }
    events
}

/// The history in the file of version 3: that of version 2, and requests of several sessions at a time.
fn history_of_version_3() -> Oracle {
    let mut oracle = history_of_version_2();
    for (event, at) in events_of_version_3() {
        oracle.append(event, at);
    }
    oracle
}

fn events_of_version_3() -> Vec<(NewEvent, i64)> {
    let request = |nth: u64| {
        let mut request = costed(["s5", "s6", "s7"][nth as usize % 3], "oriel", 0.25);
        request.facet.kind = EventKind::LlmResponse;
        request.facet.model = Some(["opus", "gpt-5"][nth as usize % 2].to_owned());
        request.client_ms = Some((MIDNIGHT + 200_000 + nth as i64 * 350) * 1000);
        (request.tokens.input, request.tokens.output) = (100 + nth, nth);
        if nth.is_multiple_of(7) {
            request.cost_usd = None;
        }
        if nth == 11 {
            // No event has more.
            request.tokens.cache_read = 1 << 53;
        }
        (request, MIDNIGHT + 300_000)
    };
    (0..60).map(request).collect()
}

/// Writes the file of version 3; see [`write_version_1`].
async fn write_version_3(file: &std::path::Path) {
    assert_eq!(Store::VERSION, 3, "{} is lost", file.display());
    let store = Store::open(file, options(), |_| {}).unwrap();
    let all = events_of_version_1().into_iter().chain(events_of_version_2());
    for (event, at) in all.chain(events_of_version_3()) {
        store.append(vec![event], at).await.unwrap();
    }
    store.compact().await.unwrap();
    store.close().await;
}

/// Writes the file of version 2; see [`write_version_1`].
async fn write_version_2(file: &std::path::Path) {
    assert_eq!(Store::VERSION, 2, "{} is lost", file.display());
    let store = Store::open(file, options(), |_| {}).unwrap();
    for (event, at) in events_of_version_1().into_iter().chain(events_of_version_2()) {
        store.append(vec![event], at).await.unwrap();
    }
    let title = Note {
        about: About::Session(SessionId("s5".to_owned())),
        name: "title".to_owned(),
        value: "\"the fifth\"".to_owned(),
        at_ms: MIDNIGHT * 1000,
    };
    store.note(vec![title]).await.unwrap();
    store.compact().await.unwrap();
    store.close().await;
}

/// Writes the file of version 1. Only a program of that version can: a lost file of an earlier
/// version has to be found again, in the history of this repository.
async fn write_version_1(file: &std::path::Path) {
    assert_eq!(Store::VERSION, 1, "{} is lost", file.display());
    std::fs::create_dir_all(fixtures()).unwrap();
    let store = Store::open(file, options(), |_| {}).unwrap();
    for (event, at) in events_of_version_1() {
        store.append(vec![event], at).await.unwrap();
    }
    store.compact().await.unwrap();
    store.close().await;
}

/// Returns how the tables and indexes of a store were made.
fn tables(home: &Home) -> Vec<String> {
    let connection = home.intrude();
    let sql = "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name";
    let mut read = connection.prepare(sql).unwrap();
    read.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap()
}

fn fixtures() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}
