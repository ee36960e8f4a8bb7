//! No question goes through all events, whatever SQLite believes about the values in a store.

use std::sync::Mutex;

use oriel_model::{
    EventKind, EventNumber, Facet, Metadata, NewEvent, Outcome, Place, QuietLimit, SessionId,
    Tokens, Told,
};
use rusqlite::Connection;
use rusqlite::trace::{TraceEvent, TraceEventCodes};

use crate::open::{Durability, StoreOptions, open_reader};
use crate::query::{
    EntriesQuery, EventFilter, HeadsQuery, Part, PhaseFilter, SessionFilter, TableCursor,
    TableFilter, TableQuery, TableSort, ToolsQuery, UsageFilter,
};
use crate::search::{SearchFilter, SearchQuery, Sought};
use crate::store::Store;

/// 2023-11-14 22:13:20, when the first event is received. The last one follows 29 hours later.
const FIRST: i64 = 1_700_000_000;

/// The statements that the traced connection ran, with their values.
static ASKED: Mutex<Vec<String>> = Mutex::new(Vec::new());

#[tokio::test]
async fn no_question_goes_through_all_events() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("oriel.db");
    let options =
        StoreOptions { durability: Durability::Normal, readers: 1, queue_events_max: 10_000 };
    let store = Store::open(&file, options, |_| {}).unwrap();
    check(&store, "an empty store").await;
    for hour in 0..30 {
        let events = (hour * 100..).take(100).map(event).collect();
        store.append(events, FIRST + i64::from(hour) * 3600).await.unwrap();
    }
    check(&store, "a store that was never looked at").await;
    store.exclusive(|connection| connection.execute_batch("ANALYZE")).await.unwrap().unwrap();
    check(&store, "a store that was analysed").await;
    store.close().await;
}

/// Asks everything and fails where an answer needs more than a look at an index.
async fn check(store: &Store, which: &str) {
    let mut traced = open_reader(store.path()).unwrap();
    traced.trace_v2(TraceEventCodes::SQLITE_TRACE_STMT, Some(note)).unwrap();
    ASKED.lock().unwrap().clear();
    // There is one reader, so every question is asked of this connection.
    *store.readers().idle.lock().unwrap() = vec![traced];
    ask_everything(store).await;
    let asked = std::mem::take(&mut *ASKED.lock().unwrap());
    assert!(asked.len() > 100, "the questions were asked of another connection");
    let explaining = open_reader(store.path()).unwrap();
    for sql in asked.iter().filter(|sql| sql.starts_with("SELECT")) {
        for step in plan(&explaining, sql) {
            let wrong = ["SCAN events", "SCAN e", "SCAN session_", "AUTOMATIC"]
                .iter()
                .any(|wrong| step.split(" USING").next().unwrap_or("").contains(wrong))
                || step == "SCAN sessions"
                || (step.contains("TEMP B-TREE") && sql.contains("ORDER BY created_at"));
            assert!(!wrong, "on {which}, {sql}\ngoes by: {step}");
        }
    }
}

fn note(event: TraceEvent<'_>) {
    if let TraceEvent::Stmt(statement, _) = event {
        ASKED.lock().unwrap().extend(statement.expanded_sql());
    }
}

fn plan(connection: &Connection, sql: &str) -> Vec<String> {
    let mut explain = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
    explain.query_map([], |row| row.get(3)).unwrap().collect::<Result<_, _>>().unwrap()
}

async fn ask_everything(store: &Store) {
    let (now, quiet) = (FIRST + 29 * 3600 + 100, QuietLimit::from_seconds(300).unwrap());
    let within_an_hour = Some("2023-11-16T03:00:00.5Z".to_owned());
    let hours_before = Some("2023-11-16T00:30:00Z".to_owned());
    for since in [None, within_an_hour, hours_before.clone()] {
        for agent in [None, Some("codex".to_owned())] {
            store.stats(agent.clone(), since.clone(), now, quiet).await.unwrap();
            store.tools(agent.clone(), since.clone()).await.unwrap();
            store.costs(agent.clone(), since.clone(), 10).await.unwrap();
            for phase in [PhaseFilter::Active, PhaseFilter::Idle, PhaseFilter::Ended] {
                let agent_type = agent.clone();
                let since = since.clone();
                let filter =
                    SessionFilter { phase: Some(phase), not_phase: None, agent_type, since };
                store.sessions(filter, 10, now, quiet).await.unwrap();
            }
        }
    }
    store.used(vec![("codex".to_owned(), now - 18_000)]).await.unwrap();
    store.session("s1".to_owned()).await.unwrap();
    store.session_events("s1".to_owned(), 10).await.unwrap();
    for part in [Part::After(EventNumber(7)), Part::Before(EventNumber(1500)), Part::Last] {
        let session = "s1".to_owned();
        let query = EntriesQuery { session, part, until: None, limit: 10, text_bytes: 100 };
        store.entries(query).await.unwrap();
    }
    store.fell_silent(now - 60, now, quiet).await.unwrap();
    store.filter_options().await.unwrap();
    store.last_event().await.unwrap();
    store.heard().await.unwrap();
    for (words, since) in [("words", None), ("word* -s", None), ("", Some(FIRST))] {
        let filter = SearchFilter {
            agent_type: Some("codex".to_owned()),
            project: Some("oriel".to_owned()),
            session: since.is_none().then(|| "s1".to_owned()),
            since,
            ..SearchFilter::default()
        };
        let query = SearchQuery { words: words.to_owned(), filter, limit: 10, cursor: None };
        store.search(query).await.unwrap();
    }
    store.notes_named(&["waiting"]).await.unwrap();
    ask_for_pages(store, now, quiet).await;
    for which in 0..32 {
        let asked = |bit: u32, word: &str| (which & bit != 0).then(|| word.to_owned());
        let filter = EventFilter {
            agent_type: asked(1, "codex"),
            tool_name: asked(1, "Bash"),
            session_id: asked(2, if which & 16 == 0 { "s1" } else { "s2500" }),
            branch: asked(4, "main"),
            project: asked(8, "oriel"),
            since: hours_before.clone().filter(|_| which & 16 != 0),
            ..EventFilter::default()
        };
        store.events(filter.clone(), 10, 0).await.unwrap();
        store.events_after(EventNumber(7), filter, 10).await.unwrap();
    }
}

async fn ask_for_pages(store: &Store, now: i64, quiet: QuietLimit) {
    let sorts = ["last", "started", "cost", "tokens", "duration", "events", "turns"];
    for sort in sorts.map(|word| TableSort::from_word(word).unwrap()) {
        for after in [None, Some(TableCursor { key: FIRST, no: 9 })] {
            let filter = TableFilter { text: Some("ori".to_owned()), ..TableFilter::default() };
            let query = TableQuery { filter, sort, ascending: false, limit: 10, after };
            store.session_table(query, now, quiet).await.unwrap();
        }
    }
    let named = vec!["s1".to_owned()];
    let query = HeadsQuery { named, liveliest: 10, since: FIRST };
    store.heads(query, now, quiet, |_, events| events.len() > 5).await.unwrap();
    store.turns("s1".to_owned(), 10, Some(1000)).await.unwrap();
    store.session_files("s1".to_owned(), 10, None).await.unwrap();
    for since in [None, Some(FIRST + 3600)] {
        let query = ToolsQuery { since, ..ToolsQuery::default() };
        store.tools_detail(query).await.unwrap();
    }
    let since = UsageFilter { since: Some(FIRST + 1000), ..UsageFilter::default() };
    store.usage_over(since, |at| (at - 7200, at + 90_000)).await.unwrap();
    let words = EventFilter { text: Some(Sought::of("Bash")), ..EventFilter::default() };
    store.events(words.clone(), 10, 0).await.unwrap();
    store.follow(EventNumber(7), words, 10).await.unwrap();
}

/// Returns an event like most others: values that hardly tell events apart tempt most.
fn event(nth: u32) -> NewEvent {
    let rare = nth.is_multiple_of(1000);
    NewEvent {
        event_id: None,
        session_id: SessionId(format!("s{}", if nth < 2000 { 1 } else { nth })),
        facet: Facet {
            agent_type: if rare { "claude_code" } else { "codex" }.to_owned(),
            kind: EventKind::ToolUse,
            outcome: Outcome::Success,
            tool_name: Some(if rare { "Edit" } else { "Bash" }.to_owned()),
            model: Some("gpt-5".to_owned()),
            source: "hook".to_owned(),
        },
        place: Place { project: Some("oriel".to_owned()), branch: Some("main".to_owned()) },
        tokens: Tokens::default(),
        cost_usd: Some(0.01),
        duration_ms: Some(5),
        client_ms: rare.then_some(1_699_999_999_000),
        metadata: Metadata::default(),
        historical: false,
        told: Told::default(),
    }
}
