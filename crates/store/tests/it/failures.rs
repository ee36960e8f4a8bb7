//! What could not be written was not written: its sender is told, nothing of it is left, and the
//! store goes on as if it had never been asked.
//!
//! A trigger stands for the disk: SQLite fails the statement, or the commit, as it does when there
//! is no room. The writer's own tests fill up a real file.

use std::sync::{Arc, Mutex};

use oriel_model::{NewEvent, StoredEvent};
use oriel_store::{AppendError, Store};

use crate::answers::check_all;
use crate::make::{Home, costed, dump, event, named};
use crate::oracle::Oracle;

const AT: i64 = 1_700_000_000;

#[tokio::test]
async fn a_statement_that_fails_midway_leaves_nothing_of_its_group() {
    check(
        "CREATE TRIGGER broken BEFORE INSERT ON events WHEN new.id = 5 \
         BEGIN SELECT RAISE(ABORT, 'no room'); END",
        "DROP TRIGGER broken",
    )
    .await;
}

#[tokio::test]
async fn a_failure_that_ends_the_transaction_leaves_nothing_of_its_group() {
    check(
        "CREATE TRIGGER broken BEFORE INSERT ON events WHEN new.id = 5 \
         BEGIN SELECT RAISE(ROLLBACK, 'no room'); END",
        "DROP TRIGGER broken",
    )
    .await;
}

#[tokio::test]
async fn totals_that_cannot_be_written_leave_nothing_of_their_group() {
    check(
        "CREATE TRIGGER broken BEFORE INSERT ON spans \
         BEGIN SELECT RAISE(ABORT, 'no room'); END; \
         CREATE TRIGGER broken_too BEFORE UPDATE ON spans \
         BEGIN SELECT RAISE(ABORT, 'no room'); END",
        "DROP TRIGGER broken; DROP TRIGGER broken_too",
    )
    .await;
}

#[tokio::test]
async fn a_commit_that_fails_leaves_nothing_of_its_group() {
    check(
        "CREATE TABLE nobody (no INTEGER PRIMARY KEY); \
         CREATE TABLE promises (no REFERENCES nobody DEFERRABLE INITIALLY DEFERRED); \
         CREATE TRIGGER broken AFTER INSERT ON events BEGIN INSERT INTO promises VALUES (1); END",
        "DROP TRIGGER broken; DROP TABLE promises; DROP TABLE nobody",
    )
    .await;
}

#[tokio::test]
async fn nobody_is_told_of_events_that_were_not_stored() {
    let home = Home::new();
    let told = Arc::new(Mutex::new(Vec::<StoredEvent>::new()));
    let of_store = Arc::clone(&told);
    let store = home.open_telling(move |new| of_store.lock().unwrap().extend(new.stored));
    home.intrude()
        .execute_batch(
            "CREATE TRIGGER broken BEFORE INSERT ON spans BEGIN SELECT RAISE(ABORT, 'no'); END",
        )
        .unwrap();
    store.append(vec![event("s1")], AT).await.unwrap_err();
    home.intrude().execute_batch("DROP TRIGGER broken").unwrap();
    store.append(vec![event("s2")], AT).await.unwrap();
    let told: Vec<_> = told.lock().unwrap().iter().map(|e| e.event.session_id.0.clone()).collect();
    assert_eq!(told, ["s2"]);
}

/// Breaks a store, sees every request refused, mends it, and sees it answer as if nothing had been.
async fn check(breaks: &str, mends: &str) {
    let home = Home::new();
    let (store, mut oracle) = (home.open(), Oracle::default());
    let before = vec![costed("s1", "p1", 1.0), named("s1", "e1"), costed("s2", "p1", 2.0)];
    append(&store, &mut oracle, before).await;
    let rows = dump(&home.file());

    home.intrude().execute_batch(breaks).unwrap();
    // New sessions, words and names, a move and more costs: all of it must be forgotten.
    let mut lost = vec![costed("s1", "p2", 4.0), named("s3", "e2"), costed("s2", "p3", 8.0)];
    lost[1].facet.tool_name = Some("Edit".to_owned());
    lost[1].place.branch = Some("main".to_owned());
    for _ in 0..2 {
        let error = store.append(lost.clone(), AT + 7).await.unwrap_err();
        assert!(matches!(error, AppendError::Disk(_)), "{error}");
    }
    assert_eq!(store.waiting(), 0);
    home.intrude().execute_batch(mends).unwrap();
    assert_eq!(dump(&home.file()), rows, "nothing is left of what failed");
    check_all(&store, &oracle).await;

    append(&store, &mut oracle, lost).await;
    append(&store, &mut oracle, vec![costed("s1", "p1", 16.0), costed("s3", "p1", 32.0)]).await;
    check_all(&store, &oracle).await;
}

async fn append(store: &Store, oracle: &mut Oracle, events: Vec<NewEvent>) {
    let appended = store.append(events.clone(), AT).await.unwrap();
    let expected: Vec<_> = events.into_iter().map(|event| oracle.append(event, AT)).collect();
    assert_eq!(appended, expected);
}
