//! What tests make: folders, stores and events, and the rows that a store's file holds.

use std::path::{Path, PathBuf};

use oriel_model::{
    EventId, EventKind, EventNumber, Facet, Metadata, NewEvent, Outcome, Place, QuietLimit,
    SessionId, Tokens, Told,
};
use oriel_store::{Appended, Committed, Durability, Store, StoreOptions};
use rusqlite::types::Value;
use tempfile::TempDir;

/// 2023-11-15 00:00:00, the beginning of a day.
pub(crate) const MIDNIGHT: i64 = 1_700_006_400;

/// Five minutes of silence.
pub(crate) const QUIET_SECONDS: i64 = 300;

/// A folder of its own for a store's file.
pub(crate) struct Home(TempDir);

impl Home {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Where the store's file is.
    pub(crate) fn file(&self) -> PathBuf {
        self.path("oriel.db")
    }

    pub(crate) fn open(&self) -> Store {
        self.open_telling(|_| {})
    }

    pub(crate) fn open_telling(
        &self,
        committed: impl Fn(Committed) + Send + Sync + 'static,
    ) -> Store {
        Store::open(&self.file(), options(), committed).unwrap()
    }

    /// Opens the store's file as another program would.
    pub(crate) fn intrude(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.file()).unwrap()
    }
}

/// Options under which no commit waits for the disk.
pub(crate) fn options() -> StoreOptions {
    StoreOptions { durability: Durability::Normal, readers: 2, queue_events_max: 100_000 }
}

pub(crate) fn quiet() -> QuietLimit {
    QuietLimit::from_seconds(QUIET_SECONDS.unsigned_abs()).unwrap()
}

/// Returns an event of a session, with nothing that may be absent.
pub(crate) fn event(session: &str) -> NewEvent {
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
        cost_usd: None,
        duration_ms: None,
        client_ms: None,
        metadata: Metadata::default(),
        historical: false,
        told: Told::default(),
    }
}

/// Returns an event that has a name.
pub(crate) fn named(session: &str, event_id: &str) -> NewEvent {
    NewEvent { event_id: Some(EventId(event_id.to_owned())), ..event(session) }
}

/// Returns an event that costs something in a project.
pub(crate) fn costed(session: &str, project: &str, dollars: f64) -> NewEvent {
    let place = Place { project: Some(project.to_owned()), branch: None };
    NewEvent { cost_usd: Some(dollars), place, ..event(session) }
}

/// Returns the numbers that new events got. No event may be a duplicate.
pub(crate) fn numbers(appended: &[Appended]) -> Vec<i64> {
    appended
        .iter()
        .map(|one| match one {
            Appended::New(EventNumber(number)) => *number,
            other => panic!("an event was not new: {other:?}"),
        })
        .collect()
}

/// Fails with what is wrong unless every total is what the events add up to.
pub(crate) async fn assert_clean(store: &Store) {
    let found = store.verify().await.unwrap();
    assert!(found.is_clean(), "{:#?}", found.checks);
}

/// Returns every row of every table in a store's file.
pub(crate) fn dump(file: &Path) -> Vec<(String, Vec<Vec<Value>>)> {
    let connection = rusqlite::Connection::open(file).unwrap();
    let tables = "SELECT name FROM sqlite_schema WHERE type = 'table' \
                  AND name NOT LIKE 'sqlite_%' ORDER BY name";
    let mut tables = connection.prepare(tables).unwrap();
    let tables: Vec<String> =
        tables.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap();
    assert!(tables.len() > 5, "a store has its tables");
    let rows = |table: &String| -> Vec<Vec<Value>> {
        let mut read = connection.prepare(&format!("SELECT * FROM {table}")).unwrap();
        let columns = read.column_count();
        let row = |row: &rusqlite::Row<'_>| (0..columns).map(|nth| row.get(nth)).collect();
        read.query_map([], row).unwrap().collect::<Result<_, _>>().unwrap()
    };
    tables.into_iter().map(|table| (table.clone(), rows(&table))).collect()
}
