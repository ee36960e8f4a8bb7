//! A store opens what is its own and nothing else, keeps it private, and loses nothing that it
//! answered for, however its last holder ended.

use std::fs;
use std::path::Path;

use oriel_model::EventNumber;
use oriel_store::{Durability, OpenError, Store, StoreOptions};

use crate::make::{Home, assert_clean, dump, event, numbers, options};

const AT: i64 = 1_700_000_000;

#[tokio::test]
async fn a_new_store_is_empty_and_answers() {
    for durability in [Durability::Full, Durability::Normal] {
        let home = Home::new();
        let options = StoreOptions { durability, ..options() };
        let store = Store::open(&home.file(), options, |_| {}).unwrap();
        assert_eq!(store.last_event().await.unwrap(), EventNumber(0));
        assert_clean(&store).await;
        assert_eq!(numbers(&store.append(vec![event("s1")], AT).await.unwrap()), [1]);
        store.close().await;
        assert_eq!(home.open().last_event().await.unwrap(), EventNumber(1));
    }
}

#[test]
fn what_is_no_database_is_refused_and_left_as_it_is() {
    for text in ["#!/bin/sh\n", "SQLite format 3\0 and so on", &"x".repeat(10_000), "\0"] {
        let home = Home::new();
        fs::write(home.file(), text).unwrap();
        check_refused(&home, &["oriel.db"]);
    }
}

#[test]
fn the_database_of_another_program_is_refused_and_left_as_it_is() {
    let home = Home::new();
    let theirs = home.intrude();
    theirs.execute_batch("PRAGMA user_version = 1; CREATE TABLE events (id)").unwrap();
    drop(theirs);
    check_refused(&home, &["oriel.db"]);
}

#[test]
fn the_log_of_another_program_is_not_touched_either() {
    let elsewhere = Home::new();
    let theirs = elsewhere.intrude();
    theirs.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(())).unwrap();
    theirs.execute_batch("CREATE TABLE events (id); INSERT INTO events VALUES (1)").unwrap();
    // As their program leaves it when it dies.
    let home = Home::new();
    fs::copy(elsewhere.file(), home.file()).unwrap();
    fs::copy(elsewhere.path("oriel.db-wal"), home.path("oriel.db-wal")).unwrap();
    assert!(0 < fs::metadata(home.path("oriel.db-wal")).unwrap().len());
    check_refused(&home, &["oriel.db", "oriel.db-wal"]);
}

#[tokio::test]
async fn the_store_of_a_later_program_is_refused_and_left_as_it_is() {
    let home = Home::new();
    home.open().close().await;
    home.intrude().pragma_update(None, "user_version", Store::VERSION + 1).unwrap();
    let before = fs::read(home.file()).unwrap();
    let refused = refusal(&home.file());
    let known = Store::VERSION;
    let OpenError::Newer { found, known: told, .. } = &refused else { panic!("{refused}") };
    assert_eq!((*found, *told), (known + 1, known));
    assert_eq!(fs::read(home.file()).unwrap(), before);
}

#[tokio::test]
async fn a_damaged_store_is_named_and_not_used() {
    let home = Home::new();
    home.open().close().await;
    let mut bytes = fs::read(home.file()).unwrap();
    // Past the header, where the tables are listed.
    bytes[100..4096].fill(0xAA);
    fs::write(home.file(), bytes).unwrap();
    let refused = refusal(&home.file());
    assert!(matches!(refused, OpenError::Sqlite { .. }), "{refused}");
    assert!(refused.to_string().contains("oriel.db"), "{refused}");
}

#[test]
fn a_place_where_no_file_can_be_is_named() {
    let home = Home::new();
    let refused = refusal(&home.path("nowhere/oriel.db"));
    assert!(matches!(refused, OpenError::File { .. }), "{refused}");
    assert!(refused.to_string().contains("nowhere/oriel.db"), "{refused}");
}

#[cfg(unix)]
#[tokio::test]
async fn every_file_of_a_store_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt;

    let home = Home::new();
    let store = home.open();
    store.append(vec![event("s1")], AT).await.unwrap();
    for name in ["oriel.db", "oriel.db-wal", "oriel.db-shm"] {
        let mode = fs::metadata(home.path(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
}

#[tokio::test]
async fn a_first_opening_that_was_cut_short_is_done_again() {
    let elsewhere = Home::new();
    let begun = elsewhere.open();
    // Without its log the file is as it was before the tables were made.
    let home = Home::new();
    fs::copy(elsewhere.file(), home.file()).unwrap();
    begun.close().await;
    check_empty(&home).await;

    let home = Home::new();
    fs::write(home.file(), "").unwrap();
    check_empty(&home).await;
}

#[tokio::test]
async fn a_store_that_was_never_closed_opens_with_every_answered_event() {
    let elsewhere = Home::new();
    let abandoned = elsewhere.open();
    let mut answered = 0;
    for size in 1..30 {
        let batch = vec![event(&format!("s{size}")); size];
        answered += numbers(&abandoned.append(batch, AT).await.unwrap()).len();
    }
    // As after the death of its process: the files stay as they are, and nothing is closed.
    let home = Home::new();
    fs::copy(elsewhere.file(), home.file()).unwrap();
    fs::copy(elsewhere.path("oriel.db-wal"), home.path("oriel.db-wal")).unwrap();
    let expected = dump(&elsewhere.file());
    std::mem::forget(abandoned);

    let store = home.open();
    assert_eq!(store.last_event().await.unwrap(), EventNumber(answered as i64));
    assert_clean(&store).await;
    assert_eq!(dump(&home.file()), expected);
    assert_eq!(numbers(&store.append(vec![event("s1")], AT).await.unwrap()), [answered as i64 + 1]);
}

#[tokio::test]
async fn the_last_holder_that_lets_go_closes_the_store() {
    let home = Home::new();
    let store = home.open();
    let holder = store.clone();
    drop(store);
    holder.append(vec![event("s1")], AT).await.unwrap();
    drop(holder);
    assert_eq!(home.open().last_event().await.unwrap(), EventNumber(1));
}

fn refusal(file: &Path) -> OpenError {
    Store::open(file, options(), |_| {}).err().expect("the file is not one of ours")
}

/// Checks that a file is refused as not ours, and that these files alone are there, as they were.
fn check_refused(home: &Home, names: &[&str]) {
    let read =
        || -> Vec<_> { names.iter().map(|name| fs::read(home.path(name)).unwrap()).collect() };
    let before = read();
    let refused = refusal(&home.file());
    assert!(matches!(refused, OpenError::NotOurs { .. }), "{refused}");
    assert!(refused.to_string().contains("oriel.db"), "{refused}");
    assert!(read() == before, "a file was changed");
    let there = fs::read_dir(home.path("")).unwrap();
    let mut there: Vec<_> =
        there.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    there.sort();
    assert_eq!(there, names);
}

async fn check_empty(home: &Home) {
    let store = home.open();
    assert_eq!(store.last_event().await.unwrap(), EventNumber(0));
    assert_eq!(numbers(&store.append(vec![event("s1")], AT).await.unwrap()), [1]);
    assert_clean(&store).await;
    store.close().await;
}
