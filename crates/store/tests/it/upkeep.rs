//! A backup is a store as it was at one moment, and upkeep changes nothing that anyone can ask for.

use std::fs;

use oriel_model::{EventNumber, Metadata, NewEvent, StoredEvent};
use oriel_store::{EventFilter, MaintainError, Store};

use crate::answers::live_through;
use crate::make::{Home, assert_clean, costed, dump, event, numbers, options};

const AT: i64 = 1_700_000_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_while_events_arrive_is_a_store_of_the_first_of_them() {
    let home = Home::new();
    let store = home.open();
    let mut answered = 0;
    for round in 0..4 {
        let writers: Vec<_> = (0..4)
            .map(|writer| {
                let store = store.clone();
                tokio::spawn(async move {
                    for nth in 0..20 {
                        let session = format!("s{writer}-{nth}");
                        let events = vec![costed(&session, "p", 0.5), event(&session)];
                        store.append(events, AT).await.unwrap();
                    }
                })
            })
            .collect();
        let backup = store.backup(home.path(&format!("copy-{round}.db"))).await.unwrap();
        for writer in writers {
            writer.await.unwrap();
        }
        let copy = Store::open(&backup.path, options(), |_| {}).unwrap();
        assert_clean(&copy).await;
        let held = all(&copy).await;
        assert_eq!(held.len() as u64, backup.events);
        assert!(answered <= held.len(), "every event answered before is in the copy");
        assert!(all(&store).await.starts_with(&held), "the copy holds the first events");
        copy.close().await;
        answered = all(&store).await.len();
    }
}

#[tokio::test]
async fn a_backup_is_private_and_goes_on_as_a_store_of_its_own() {
    let home = Home::new();
    let store = home.open();
    store.append(vec![costed("s1", "p", 0.5)], AT).await.unwrap();
    let backup = store.backup(home.path("it's a copy.db")).await.unwrap();
    assert_eq!((backup.events, backup.bytes), (1, fs::metadata(&backup.path).unwrap().len()));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(fs::metadata(&backup.path).unwrap().permissions().mode() & 0o777, 0o600);
    }
    let copy = Store::open(&backup.path, options(), |_| {}).unwrap();
    assert_eq!(dump(&backup.path), dump(&home.file()));
    assert_eq!(numbers(&copy.append(vec![event("s1")], AT).await.unwrap()), [2]);
    assert_eq!(store.last_event().await.unwrap(), EventNumber(1));
}

#[tokio::test]
async fn a_backup_never_replaces_a_file_and_leaves_none_behind_when_it_fails() {
    let home = Home::new();
    let store = home.open();
    fs::write(home.path("mine.txt"), "mine").unwrap();
    let taken = store.backup(home.path("mine.txt")).await.unwrap_err();
    assert!(matches!(taken, MaintainError::Exists(_)), "{taken}");
    assert_eq!(fs::read_to_string(home.path("mine.txt")).unwrap(), "mine");
    let itself = store.backup(home.file()).await.unwrap_err();
    assert!(matches!(itself, MaintainError::Exists(_)), "{itself}");
    let nowhere = store.backup(home.path("nowhere/copy.db")).await.unwrap_err();
    assert!(matches!(nowhere, MaintainError::File { .. }), "{nowhere}");
    assert!(!home.path("nowhere").exists());
}

#[tokio::test]
async fn compaction_keeps_everything_and_the_store_goes_on() {
    let home = Home::new();
    let store = home.open();
    store.append(vec![costed("s1", "p", 0.5); 500], AT).await.unwrap();
    let rows = dump(&home.file());
    let compaction = store.compact().await.unwrap();
    assert!(0 < compaction.bytes_after && compaction.bytes_after <= compaction.bytes_before);
    assert_eq!(compaction.bytes_after, store.size().main_bytes + store.size().log_bytes);
    assert_eq!(dump(&home.file()), rows);
    assert_eq!(numbers(&store.append(vec![event("s1")], AT).await.unwrap()), [501]);
    assert_clean(&store).await;
}

#[tokio::test]
async fn the_log_is_folded_into_the_file_while_events_arrive() {
    let home = Home::new();
    let store = home.open();
    // More sessions than a writer remembers, so that it meets ones it has forgotten.
    let batch = |round: usize| (0..500).map(move |nth| session_event(round * 450 + nth)).collect();
    let mut round = 0;
    while round < 20 || store.size().main_bytes < 1_000_000 {
        store.append(batch(round), AT).await.unwrap();
        round += 1;
        assert!(round < 200, "the file is still as small as {:?}", store.size());
    }
    assert_clean(&store).await;
    store.close().await;
}

#[tokio::test]
async fn a_closed_store_cannot_be_compacted() {
    let home = Home::new();
    let store = home.open();
    store.close().await;
    let refused = store.compact().await.unwrap_err();
    assert!(matches!(refused, MaintainError::Closing), "{refused}");
}

#[tokio::test]
async fn verification_names_each_total_that_is_wrong() {
    let home = Home::new();
    let (store, _) = live_through(&home, &[]).await;
    let mut edit = costed("s1", "p", 0.5);
    edit.facet.tool_name = Some("Edit".to_owned());
    edit.metadata = Metadata::new(r#"{"file_path":"a.rs"}"#.to_owned(), false);
    store.append(vec![edit, event("s2")], AT).await.unwrap();
    for (breaks, name) in [
        ("UPDATE facets SET tokens_in = 1", "totals"),
        ("UPDATE spans SET events = events + 1 WHERE seconds = 3600", "totals by hour and day"),
        ("DELETE FROM place_hours", "events by place and hour"),
        ("UPDATE cost_hours SET cost = cost + 1", "costs by hour"),
        ("UPDATE session_hours SET hour = hour + 3600", "costs by session and hour"),
        ("UPDATE project_costs SET sessions = 2", "costs by project"),
        ("UPDATE sessions SET files = 2 WHERE id = 's1'", "edited files"),
        ("UPDATE sessions SET started_at = started_at - 1", "sessions"),
        (
            "INSERT INTO sessions SELECT 9, 's9', '', '', '', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, \
             0, 0, '', 0",
            "sessions",
        ),
        ("UPDATE sessions SET turns = turns + 1", "sessions"),
        ("UPDATE sessions SET model = 'm'", "sessions"),
        ("UPDATE session_files SET edits = 2", "sessions"),
        ("UPDATE tool_spans SET slowest_event = 9, slowest_ms = 1", "tools by hour and day"),
        ("UPDATE tool_spans SET times = x'0101' WHERE seconds = 86400", "tools by hour and day"),
        ("DELETE FROM events WHERE id = 2", "totals"),
    ] {
        assert_clean(&store).await;
        let whole = home.path("whole.db");
        store.backup(whole.clone()).await.unwrap();
        let broken = rusqlite::Connection::open(&whole).unwrap();
        assert!(broken.execute(breaks, []).unwrap() > 0);
        drop(broken);
        let copy = Store::open(&whole, options(), |_| {}).unwrap();
        let found = copy.verify().await.unwrap();
        let wrong = found.checks.iter().filter(|check| !check.problems.is_empty());
        let wrong: Vec<_> = wrong.map(|check| check.name).collect();
        assert!(!found.is_clean() && wrong.contains(&name), "{breaks}: {wrong:?}");
        copy.close().await;
        fs::remove_file(whole).unwrap();
    }
}

/// Returns an event of the session of this number.
fn session_event(session: usize) -> NewEvent {
    costed(&format!("s{session}"), "p", 0.25)
}

async fn all(store: &Store) -> Vec<StoredEvent> {
    store.events_after(EventNumber(0), EventFilter::default(), usize::MAX).await.unwrap()
}
