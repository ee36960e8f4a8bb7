//! A store of every earlier version opens, with the answers it had.
//!
//! The files were written by the program of their version and are never written again: what stands
//! in one must be understood for ever.

use std::path::PathBuf;

use oriel_model::{EventKind, Metadata, Money, NewEvent, Outcome};
use oriel_store::{EventFilter, Store};

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
