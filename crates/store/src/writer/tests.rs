//! A disk without room costs nobody more than the wait.

use oriel_model::{
    EventKind, EventNumber, Facet, Metadata, NewEvent, Outcome, Place, SessionId, Tokens, Told,
};
use rusqlite::ErrorCode;

use crate::append::AppendError;
use crate::open::{Durability, StoreOptions};
use crate::store::Store;

#[tokio::test]
async fn a_full_disk_refuses_events_and_the_store_goes_on_once_there_is_room() {
    let folder = tempfile::tempdir().unwrap();
    let options =
        StoreOptions { durability: Durability::Full, readers: 1, queue_events_max: 10_000 };
    let store = Store::open(&folder.path().join("oriel.db"), options, |_| {}).unwrap();
    store.append(vec![large_event("s1"); 10], 1_700_000_000).await.unwrap();
    let pages = pragma(&store, "page_count").await;

    assert_eq!(pragma(&store, &format!("max_page_count = {pages}")).await, pages);
    for session in ["s1", "s2"] {
        let batch = vec![large_event(session); 50];
        let error = store.append(batch, 1_700_000_100).await.unwrap_err();
        let AppendError::Disk(cause) = &error else { panic!("{error}") };
        assert_eq!(cause.sqlite_error_code(), Some(ErrorCode::DiskFull));
        assert_eq!(store.last_event().await.unwrap(), EventNumber(10));
        assert_eq!(store.session("s2".to_owned()).await.unwrap(), None);
        assert!(store.verify().await.unwrap().is_clean());
    }

    pragma(&store, "max_page_count = 1000000").await;
    store.append(vec![large_event("s2"); 50], 1_700_000_200).await.unwrap();
    assert_eq!(store.last_event().await.unwrap(), EventNumber(60));
    assert!(store.verify().await.unwrap().is_clean());
    store.close().await;
}

async fn pragma(store: &Store, text: &str) -> i64 {
    let sql = format!("PRAGMA {text}");
    let answer = store.exclusive(move |writer| writer.query_row(&sql, [], |row| row.get(0))).await;
    answer.unwrap().unwrap()
}

/// Returns an event that needs pages of its own.
fn large_event(session: &str) -> NewEvent {
    NewEvent {
        event_id: None,
        session_id: SessionId(session.to_owned()),
        facet: Facet {
            agent_type: "codex".to_owned(),
            kind: EventKind::ToolUse,
            outcome: Outcome::Success,
            tool_name: None,
            model: None,
            source: "api".to_owned(),
        },
        place: Place::default(),
        tokens: Tokens::default(),
        cost_usd: Some(0.5),
        duration_ms: None,
        client_ms: None,
        metadata: Metadata::new(format!("\"{}\"", "x".repeat(9000)), false),
        historical: false,
        told: Told::default(),
    }
}
