//! What the operator's pages show is what the events say, read page by page: nothing is lost between
//! two pages and nothing comes twice.

use std::collections::{BTreeMap, BTreeSet};

use oriel_model::{
    About, EventKind, EventNumber, Metadata, Note, Outcome, Role, SessionId, StoredEvent, Text,
};
use oriel_store::{
    EventFilter, HeadsQuery, PhaseFilter, Sought, Store, TableFilter, TableQuery, TableSort,
    ToolsQuery, Turn,
};
use proptest::prelude::*;
use proptest::sample::select;

use crate::answers::{live_through, wait_for};
use crate::histories::{SESSIONS, history};
use crate::make::{Home, MIDNIGHT, assert_clean, event, named, quiet};

const SORTS: [TableSort; 7] = [
    TableSort::Last,
    TableSort::Started,
    TableSort::Cost,
    TableSort::Tokens,
    TableSort::Duration,
    TableSort::Events,
    TableSort::Turns,
];

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 40, failure_persistence: None, ..ProptestConfig::default()
    })]

    #[test]
    fn pages_show_what_the_events_say(
        history in history(),
        limit in 1_usize..4,
        sort in select(SORTS.to_vec()),
        ascending in any::<bool>(),
    ) {
        wait_for(async {
            let home = Home::new();
            let (store, _) = live_through(&home, &history).await;
            let events = all(&store).await;
            for session in SESSIONS {
                check_turns(&store, session, &events, limit).await;
                check_files(&store, session, &events, limit).await;
            }
            check_table(&store, &events, sort, ascending, limit).await;
            check_tools(&store, &events).await;
            store.close().await;
        });
    }
}

#[tokio::test]
async fn a_page_of_turns_ends_where_much_was_done() {
    let home = Home::new();
    let store = home.open();
    for _ in 0..3 {
        let mut batch = vec![prompt("s1", "go")];
        batch.resize(2000, event("s1"));
        store.append(batch, MIDNIGHT).await.unwrap();
    }
    let first = store.turns("s1".to_owned(), 20, None).await.unwrap().unwrap();
    let numbers: Vec<_> = first.turns.iter().map(|turn| (turn.number, turn.events)).collect();
    assert_eq!(numbers, [(3, 2000), (2, 2000)]);
    let rest = store.turns("s1".to_owned(), 20, first.next).await.unwrap().unwrap();
    assert_eq!(rest.turns.iter().map(|turn| turn.number).collect::<Vec<_>>(), [1]);
    assert_eq!(rest.next, None);
    assert_eq!(store.turns("s9".to_owned(), 20, None).await.unwrap(), None);
}

#[tokio::test]
async fn a_session_is_found_by_its_id_title_project_or_branch() {
    let home = Home::new();
    let store = home.open();
    for (session, project, branch) in
        [("abc-1", "Oriel", "main"), ("abd-2", "house", "fix/50%_off"), ("x", "\u{d6}tzi", "main")]
    {
        let mut event = event(session);
        event.place.project = Some(project.to_owned());
        event.place.branch = Some(branch.to_owned());
        store.append(vec![event], MIDNIGHT).await.unwrap();
    }
    let title = Note {
        about: About::Session(SessionId("abd-2".to_owned())),
        name: "title".to_owned(),
        value: "\"Paint the Roof\"".to_owned(),
        at_ms: 1,
    };
    store.note(vec![title]).await.unwrap();
    for (text, expected) in [
        ("ab", &["abc-1", "abd-2"][..]),
        ("ABC", &["abc-1"]),
        ("bc", &[]),
        ("the roof", &["abd-2"]),
        ("rie", &["abc-1"]),
        ("\u{f6}TZ", &["x"]),
        ("50%_", &["abd-2"]),
        ("5__", &[]),
        ("%", &["abd-2"]),
        ("'; DROP TABLE sessions", &[]),
        ("  ", &["abc-1", "abd-2", "x"]),
    ] {
        let filter = TableFilter { text: Some(text.to_owned()), ..TableFilter::default() };
        let query = TableQuery {
            filter,
            limit: 10,
            sort: TableSort::Started,
            ascending: true,
            after: None,
        };
        let page = store.session_table(query, MIDNIGHT, quiet()).await.unwrap();
        let found: Vec<_> = page.rows.iter().map(|row| row.session.id.as_str()).collect();
        assert_eq!(found, expected, "{text}");
        assert_eq!(page.total, Some(expected.len() as u64), "{text}");
    }
}

#[tokio::test]
async fn a_session_without_a_title_has_its_first_prompt_beside_it() {
    let home = Home::new();
    let store = home.open();
    let says = |session: &str, kind, words: &str| {
        let mut says = event(session);
        says.facet.kind = kind;
        says.told.texts = vec![Text { role: Role::Prompt, text: words.to_owned() }];
        says
    };
    let prompt = EventKind::UserPrompt;
    let many = |nth| says("s1", EventKind::LlmResponse, &format!("work {nth}"));
    let mut all: Vec<_> = (0..20).map(many).collect();
    all.extend([says("s1", prompt, "mend the gate"), says("s1", prompt, "and paint it")]);
    all.extend([says("s2", prompt, "sweep"), event("s3")]);
    store.append(all, MIDNIGHT).await.unwrap();
    let about = About::Session(SessionId("s2".to_owned()));
    let title = Note { about, name: "title".to_owned(), value: "\"t\"".to_owned(), at_ms: 1 };
    store.note(vec![title]).await.unwrap();
    let query = TableQuery { limit: 9, ..TableQuery::default() };
    let page = store.session_table(query, MIDNIGHT, quiet()).await.unwrap();
    let told = page.rows.iter().map(|row| {
        let opening = row.opening.as_ref().map(|entry| entry.texts[0].text.as_str());
        (row.session.id.as_str(), row.title.as_deref(), opening)
    });
    let told: Vec<_> = told.collect();
    let expected =
        [("s3", None, None), ("s2", Some("\"t\""), None), ("s1", None, Some("mend the gate"))];
    assert_eq!(told, expected);
}

#[tokio::test]
async fn the_table_is_filtered_by_every_word() {
    let home = Home::new();
    let store = home.open();
    let mut one = event("s1");
    one.facet.agent_type = "codex".to_owned();
    one.facet.model = Some("gpt-5".to_owned());
    let mut two = event("s2");
    two.facet.agent_type = "claude_code".to_owned();
    two.facet.kind = EventKind::SessionEnd;
    two.facet.model = Some("opus".to_owned());
    store.append(vec![one, two], MIDNIGHT).await.unwrap();
    let word = |word: &str| Some(word.to_owned());
    for (filter, expected) in [
        (TableFilter { agent_type: word("codex"), ..TableFilter::default() }, &["s1"][..]),
        (TableFilter { model: word("opus"), ..TableFilter::default() }, &["s2"]),
        (TableFilter { phase: Some(PhaseFilter::Active), ..TableFilter::default() }, &["s1"]),
        (TableFilter { phase: Some(PhaseFilter::Idle), ..TableFilter::default() }, &["s2"]),
        (TableFilter { phase: Some(PhaseFilter::Other), ..TableFilter::default() }, &[]),
        (TableFilter { project: word("none"), ..TableFilter::default() }, &[]),
    ] {
        let query = TableQuery { filter: filter.clone(), limit: 10, ..TableQuery::default() };
        let page = store.session_table(query, MIDNIGHT + 1, quiet()).await.unwrap();
        let found: Vec<_> = page.rows.iter().map(|row| row.session.id.as_str()).collect();
        assert_eq!(found, expected, "{filter:?}");
    }
}

#[tokio::test]
async fn heads_are_the_liveliest_and_the_named_each_once() {
    let home = Home::new();
    let store = home.open();
    for (nth, session) in ["s1", "s2", "s3"].into_iter().enumerate() {
        store.append(vec![event(session), event(session)], MIDNIGHT + nth as i64).await.unwrap();
    }
    let named = ["s1", "s3", "nobody"].map(str::to_owned).to_vec();
    let query = HeadsQuery { named, liveliest: 2, since: 0 };
    let heads =
        store.heads(query, MIDNIGHT + 9, quiet(), |_, events| events.len() == 1).await.unwrap();
    let found: Vec<_> = heads
        .heads
        .iter()
        .map(|head| (head.session.id.as_str(), head.events[0].number.0, head.events.len()))
        .collect();
    assert_eq!(found, [("s3", 6, 1), ("s2", 4, 1), ("s1", 2, 1)]);
    assert_eq!(heads.last_event, EventNumber(6));
}

#[tokio::test]
async fn a_call_that_changes_is_not_the_slowest_any_more() {
    let home = Home::new();
    let store = home.open();
    let call = |id: &str, key: &str, ms: u64, outcome: Outcome| {
        let mut call = named("s1", id);
        call.facet.tool_name = Some("Bash".to_owned());
        (call.duration_ms, call.facet.outcome) = (Some(ms), outcome);
        call.told.keys = vec![oriel_model::Key::one("codex", "tool", key)];
        call
    };
    let mut first = call("e1", "k1", 500, Outcome::Success);
    first.client_ms = Some(MIDNIGHT * 1000);
    store.append(vec![first, call("e2", "k2", 90, Outcome::Error)], MIDNIGHT + 9).await.unwrap();
    let shown = |store: Store| async move {
        let tools = store.tools_detail(ToolsQuery::default()).await.unwrap().tools;
        let tool = &tools[0];
        let numbers = |events: &[StoredEvent]| -> Vec<i64> {
            events.iter().map(|stored| stored.number.0).collect()
        };
        (tool.calls.max_ms, numbers(&tool.slowest), numbers(&tool.failures), tool.calls.timeouts)
    };
    assert_eq!(shown(store.clone()).await, (Some(500), vec![1], vec![2], 0));
    // Another source says that it happened on the day before, and was slower and too slow.
    let mut again = call("e3", "k1", 700, Outcome::Timeout);
    again.client_ms = Some(MIDNIGHT * 1000 - 1);
    again.facet.source = "import".to_owned();
    store.append(vec![again], MIDNIGHT + 10).await.unwrap();
    assert_clean(&store).await;
    let today = ToolsQuery { since: Some(MIDNIGHT), ..ToolsQuery::default() };
    let tools = store.tools_detail(today).await.unwrap().tools;
    assert_eq!((tools[0].calls.calls, tools[0].calls.max_ms), (1, Some(90)));
    assert_eq!(shown(store.clone()).await, (Some(700), vec![1, 2], vec![2, 1], 1));
    store.append(vec![event("s2")], MIDNIGHT + 99_999).await.unwrap();
    store.forget_sessions(MIDNIGHT + 99_999).await.unwrap();
    assert_eq!(store.tools_detail(ToolsQuery::default()).await.unwrap().tools, []);
    assert_clean(&store).await;
}

#[tokio::test]
async fn a_series_goes_by_hours_up_to_three_days_and_then_by_days() {
    let home = Home::new();
    let store = home.open();
    for hour in 0..30 {
        let mut call = event("s1");
        call.facet.tool_name = Some("Bash".to_owned());
        call.duration_ms = Some(hour + 1);
        store.append(vec![call], MIDNIGHT + hour as i64 * 3600).await.unwrap();
    }
    let series = |since: Option<i64>, until: Option<i64>| {
        let store = store.clone();
        async move {
            let now = MIDNIGHT + 30 * 86_400;
            let query = ToolsQuery { since, until, now, ..ToolsQuery::default() };
            let detail = store.tools_detail(query).await.unwrap();
            let spans: Vec<_> =
                detail.series.iter().map(|span| (span.start, span.calls.calls)).collect();
            (detail.series_seconds, spans)
        }
    };
    let (seconds, spans) = series(Some(MIDNIGHT + 3605), Some(MIDNIGHT + 2 * 3600)).await;
    assert_eq!((seconds, spans), (3600, vec![(MIDNIGHT + 3600, 1), (MIDNIGHT + 7200, 1)]));
    let days = vec![(MIDNIGHT, 24), (MIDNIGHT + 86_400, 6)];
    assert_eq!(series(None, None).await, (86_400, days));
    let recent = series(Some(MIDNIGHT + 28 * 86_400), None).await;
    assert_eq!(recent, (3600, vec![]), "until now it is two days");
    let rest = vec![(MIDNIGHT, 23), (MIDNIGHT + 86_400, 6)];
    assert_eq!(series(Some(MIDNIGHT + 3600), None).await, (86_400, rest));
    assert_eq!(series(Some(MIDNIGHT + 9), Some(MIDNIGHT)).await.1, [(MIDNIGHT, 1)]);
    assert_eq!(series(Some(i64::MAX), Some(i64::MIN)).await.1, []);
}

#[tokio::test]
async fn words_are_found_among_the_newest_events_and_those_to_come() {
    let home = Home::new();
    let store = home.open();
    let mut events = vec![event("s1"); 1500];
    events[3] = prompt("s1", "mend the roof\\nof the barn");
    events[700].facet.tool_name = Some("Roof".to_owned());
    events[1400].told.texts =
        vec![oriel_model::Text { role: oriel_model::Role::Output, text: "no roof".to_owned() }];
    store.append(events, MIDNIGHT).await.unwrap();
    let filter =
        |text: &str| EventFilter { text: Some(Sought::of(text)), ..EventFilter::default() };
    let follow = |after: i64, text: &str| {
        let (store, filter) = (store.clone(), filter(text));
        async move {
            let followed = store.follow(EventNumber(after), filter, 50).await.unwrap();
            let numbers: Vec<_> = followed.events.iter().map(|stored| stored.number.0).collect();
            (numbers, followed.reached.map(|reached| reached.0))
        }
    };
    assert_eq!(follow(0, "roof").await, (vec![4, 701], Some(1000)), "no more is looked at");
    assert_eq!(follow(1000, "roof").await, (vec![1401], None));
    assert_eq!(follow(0, "roof of").await, (vec![4], Some(1000)));
    assert_eq!(follow(0, "message").await, (vec![], Some(1000)), "names of fields say nothing");
    assert_eq!(follow(0, "!!").await.0, [0; 0]);
    let one = store.follow(EventNumber(0), filter("roof"), 1).await.unwrap();
    assert_eq!(one.reached, Some(EventNumber(4)), "the page is full there");
    let page = store.events(filter("roof"), 50, 0).await.unwrap();
    let numbers: Vec<_> = page.events.iter().map(|stored| stored.number.0).collect();
    assert_eq!(numbers, [1401], "a tool's name is only looked at in the newest events");
    assert_eq!(store.events(filter("roof"), 50, 1).await.unwrap().events, []);
    let of_another = EventFilter { status: Some("error".to_owned()), ..filter("roof") };
    assert_eq!(store.events(of_another, 50, 0).await.unwrap().events, []);
}

async fn check_turns(store: &Store, session: &str, events: &[StoredEvent], limit: usize) {
    let mine: Vec<_> = events.iter().filter(|e| e.event.session_id.0 == session).collect();
    let mut expected: Vec<Vec<&StoredEvent>> = Vec::new();
    for stored in &mine {
        let is_prompt = stored.event.facet.kind == EventKind::UserPrompt;
        match expected.last_mut() {
            Some(turn) if !is_prompt => turn.push(stored),
            _ => expected.push(vec![stored]),
        }
    }
    let mut found: Vec<Turn> = Vec::new();
    let mut before = None;
    while let Some(page) = store.turns(session.to_owned(), limit, before).await.unwrap() {
        assert!(page.turns.len() <= limit);
        found.extend(page.turns);
        before = page.next;
        if before.is_none() {
            break;
        }
    }
    found.reverse();
    assert_eq!(found.len(), expected.len(), "the turns of {session}");
    let mut number = 0;
    for (turn, events) in found.iter().zip(&expected) {
        number += u64::from(events[0].event.facet.kind == EventKind::UserPrompt);
        let sum = |of: fn(&StoredEvent) -> u64| events.iter().map(|stored| of(stored)).sum::<u64>();
        assert_eq!(turn.number, number);
        assert_eq!(turn.first, *events[0]);
        assert_eq!(turn.last_event, events.last().unwrap().number.0);
        assert_eq!(turn.events, events.len() as u64);
        assert_eq!(turn.tool_calls, sum(|e| u64::from(e.event.facet.tool_name.is_some())));
        let failed = |e: &StoredEvent| {
            let facet = &e.event.facet;
            u64::from(facet.outcome != Outcome::Success || facet.kind == EventKind::Error)
        };
        assert_eq!(turn.errors, sum(failed));
        let models: BTreeSet<_> =
            events.iter().filter_map(|stored| stored.event.facet.model.clone()).collect();
        assert_eq!(turn.models, models);
        let input: u128 = events.iter().map(|e| u128::from(e.event.tokens.input)).sum();
        assert_eq!(u128::from(turn.tokens.input), input.min(1 << 53));
    }
}

async fn check_files(store: &Store, session: &str, events: &[StoredEvent], limit: usize) {
    const EDITING: [&str; 5] = ["Edit", "Write", "MultiEdit", "apply_patch", "write_stdin"];
    let mut expected: BTreeMap<String, (u64, u64, i64)> = BTreeMap::new();
    for stored in events.iter().filter(|e| e.event.session_id.0 == session) {
        let facts = stored.event.metadata.facts();
        let edits = stored.event.facet.tool_name.as_deref().is_some_and(|t| EDITING.contains(&t));
        if let (true, Some(path)) = (edits, &facts.file_path) {
            let file = expected.entry(path.clone()).or_default();
            *file = (file.0 + 1, file.1 + facts.lines_added, stored.number.0);
        }
    }
    let mut found = Vec::new();
    let mut after = None;
    while let Some(page) = store.session_files(session.to_owned(), limit, after).await.unwrap() {
        assert_eq!(page.total, expected.len() as u64);
        found.extend(page.files);
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert!(found.is_sorted_by_key(|file| std::cmp::Reverse(file.last_event)));
    assert_eq!(found.len(), expected.len(), "no file comes twice");
    for file in found {
        let told = (file.edits, file.lines_added, file.last_event);
        assert_eq!(expected.get(&file.path), Some(&told), "{}", file.path);
    }
}

async fn check_table(
    store: &Store,
    events: &[StoredEvent],
    sort: TableSort,
    ascending: bool,
    limit: usize,
) {
    let mut found = Vec::new();
    let mut after = None;
    loop {
        let query = TableQuery { filter: TableFilter::default(), sort, ascending, limit, after };
        let page = store.session_table(query, MIDNIGHT, quiet()).await.unwrap();
        found.extend(page.rows.into_iter().map(|row| row.session));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    let sessions: BTreeSet<_> = events.iter().map(|e| e.event.session_id.0.clone()).collect();
    let ids: BTreeSet<_> = found.iter().map(|session| session.id.clone()).collect();
    assert_eq!(ids, sessions, "no session is lost");
    assert_eq!(found.len(), sessions.len(), "no session comes twice");
    let keys = found.iter().map(|session| match sort {
        TableSort::Last => session.life.last_event,
        TableSort::Started => session.started_at,
        TableSort::Cost => session.cost.units(),
        TableSort::Tokens => {
            let tokens =
                [session.tokens_in, session.tokens_out, session.cache_read, session.cache_write];
            tokens.iter().sum::<u64>() as i64
        }
        TableSort::Duration => session.life.last_event - session.started_at,
        TableSort::Events => session.events as i64,
        TableSort::Turns => session.turns as i64,
    });
    let keys: Vec<i64> = keys.map(|key| if ascending { key } else { -key }).collect();
    assert!(keys.is_sorted(), "{sort:?}: {keys:?}");
}

async fn check_tools(store: &Store, events: &[StoredEvent]) {
    let detail = store.tools_detail(ToolsQuery::default()).await.unwrap();
    let mut calls: BTreeMap<&str, Vec<&StoredEvent>> = BTreeMap::new();
    for stored in events {
        if let Some(tool) = &stored.event.facet.tool_name {
            calls.entry(tool).or_default().push(stored);
        }
    }
    assert_eq!(detail.tools.len(), calls.len());
    for tool in &detail.tools {
        let mine = &calls[tool.tool_name.as_str()];
        let count =
            |outcome| mine.iter().filter(|e| e.event.facet.outcome == outcome).count() as u64;
        assert_eq!(tool.calls.calls, mine.len() as u64);
        assert_eq!(tool.calls.errors, count(Outcome::Error));
        assert_eq!(tool.calls.timeouts, count(Outcome::Timeout));
        let mut times: Vec<u64> = mine.iter().filter_map(|e| e.event.duration_ms).collect();
        times.sort_unstable();
        assert_eq!(tool.calls.timed, times.len() as u64);
        assert_eq!(tool.calls.max_ms, times.last().copied());
        for (percent, told) in [(50, tool.calls.p50_ms), (95, tool.calls.p95_ms)] {
            let rank = (times.len() * percent).div_ceil(100).max(1);
            let exact = times.get(rank - 1).copied();
            assert_eq!(told.is_some(), exact.is_some());
            if let (Some(told), Some(exact)) = (told, exact) {
                assert!(told.abs_diff(exact) as f64 <= exact as f64 * 0.016, "{told} for {exact}");
            }
        }
        assert_eq!(tool.slowest.first().and_then(|e| e.event.duration_ms), times.last().copied());
        let of_agents: u64 = tool.by_agent.iter().map(|(_, calls)| calls.calls).sum();
        assert_eq!(of_agents, tool.calls.calls);
    }
}

fn prompt(session: &str, words: &str) -> oriel_model::NewEvent {
    let mut prompt = event(session);
    prompt.facet.kind = EventKind::UserPrompt;
    prompt.metadata = Metadata::new(format!(r#"{{"message":"{words}"}}"#), false);
    prompt
}

async fn all(store: &Store) -> Vec<StoredEvent> {
    store.events_after(EventNumber(0), EventFilter::default(), usize::MAX).await.unwrap()
}
