//! Whatever was said in an answered event is found from that moment on, newest first, however far
//! the index has come, and nothing that anyone types fails.

use oriel_model::{EventNumber, NewEvent, Role, SessionId, Text};
use oriel_store::{Found, SearchCursor, SearchFilter, SearchQuery, Store};
use proptest::prelude::*;

use crate::make::{Home, assert_clean, event, options};

const AT: i64 = 1_700_000_000;

#[tokio::test]
async fn what_was_said_is_found_as_soon_as_it_is_answered() {
    let home = Home::new();
    let store = home.open();
    for nth in 0..50 {
        let words = format!("Répare le test n{nth} dans src/main.rs");
        store.append(vec![says("s1", Role::Prompt, &words)], AT).await.unwrap();
        let found = ask(&store, &format!("n{nth} repare")).await;
        assert_eq!(numbers(&found), [(nth + 1, Role::Prompt)]);
        assert_eq!(line(&found), format!("[Répare] le test [n{nth}] dans src/main.rs"));
    }
    indexed(&store).await;
    assert_eq!(ask(&store, "\"main rs\"").await.hits.len(), 50);
    assert_eq!(ask(&store, "main.rs -n4*").await.hits.len(), 39);
    assert_eq!(ask(&store, "n7 OR n8").await.total_is_at_least, 2);
    assert_eq!(ask(&store, "").await.hits.len(), 50);
    assert_eq!(ask(&store, "!!!").await, Found::default());
    assert_clean(&store).await;
}

#[tokio::test]
async fn hits_come_page_by_page_while_events_arrive() {
    let home = Home::new();
    let store = home.open();
    let batch: Vec<_> = (0..100).map(|_| says("s1", Role::Answer, "the word")).collect();
    store.append(batch, AT).await.unwrap();
    let (mut seen, mut cursor) = (Vec::new(), None);
    loop {
        let query = SearchQuery { limit: 7, cursor, ..words("wor*") };
        let found = store.search(query).await.unwrap();
        seen.extend(numbers(&found).into_iter().map(|(number, _)| number));
        store.append(vec![says("s1", Role::Answer, "the word")], AT).await.unwrap();
        cursor = found.next;
        if cursor.is_none() {
            break;
        }
        assert_eq!((found.hits.len(), found.total_is_at_least), (7, 8));
    }
    assert_eq!(seen, (1..=100).rev().collect::<Vec<_>>());
    let last = SearchQuery { limit: 100, cursor: Some(SearchCursor(0)), ..words("word") };
    assert_eq!(store.search(last).await.unwrap(), Found::default());
}

#[tokio::test]
async fn every_filter_leaves_out_what_it_says() {
    let home = Home::new();
    let store = home.open();
    let mut other = says("s2", Role::Output, "same words");
    other.facet.agent_type = "claude_code".to_owned();
    other.facet.tool_name = Some("Bash".to_owned());
    other.facet.model = Some("opus".to_owned());
    (other.place.project, other.place.branch) = (Some("p".to_owned()), Some("b".to_owned()));
    other.client_ms = Some((AT - 500) * 1000 + 999);
    store.append(vec![says("s1", Role::Prompt, "same words"), other], AT).await.unwrap();
    let word = |word: &str| Some(word.to_owned());
    let all = SearchFilter::default;
    for filter in [
        SearchFilter { agent_type: word("claude_code"), ..all() },
        SearchFilter { session: word("s2"), ..all() },
        SearchFilter { project: word("p"), ..all() },
        SearchFilter { branch: word("b"), ..all() },
        SearchFilter { model: word("opus"), ..all() },
        SearchFilter { tool: word("Bash"), ..all() },
        SearchFilter { role: Some(Role::Output), ..all() },
        SearchFilter { until: Some(AT - 500), ..all() },
        SearchFilter { since: Some(AT - 500), until: Some(AT - 1), ..all() },
    ] {
        for (words, first) in [("same", 2), ("", 2), ("other", 0)] {
            let query = SearchQuery { filter: filter.clone(), ..self::words(words) };
            let found = store.search(query).await.unwrap();
            let number = found.hits.first().map_or(0, |hit| hit.event.number.0);
            assert_eq!((number, found.next), (first, None), "{filter:?}");
            assert!(found.hits.len() < 2, "{filter:?}");
        }
    }
    for filter in [
        SearchFilter { session: word("s3"), ..all() },
        SearchFilter { project: word(""), ..all() },
        SearchFilter { role: Some(Role::Input), ..all() },
        SearchFilter { since: Some(AT + 1), ..all() },
        SearchFilter { since: Some(i64::MAX), until: Some(i64::MIN), ..all() },
        SearchFilter { tool: word("Bash"), session: word("s1"), ..all() },
    ] {
        let query = SearchQuery { filter: filter.clone(), ..words("same") };
        assert_eq!(store.search(query).await.unwrap(), Found::default(), "{filter:?}");
    }
}

#[tokio::test]
async fn a_page_ends_after_so_much_work_and_says_where_to_go_on() {
    let home = Home::new();
    let store = home.open();
    // In each the words stand, and in one alone they follow each other.
    let long = "two one ".repeat(30_000) + "x two";
    let needle = says("s1", Role::Output, "one two, at last");
    let hay = vec![says("s1", Role::Output, &long.replace("two one ", "two x one x ")); 25];
    store.append([vec![needle], hay].concat(), AT).await.unwrap();
    let (mut pages, mut cursor) = (0, None);
    let found = loop {
        let query = SearchQuery { cursor, ..words("\"one two\"") };
        let found = store.search(query).await.unwrap();
        pages += 1;
        if found.next.is_none() {
            break found;
        }
        assert!(found.hits.is_empty() && found.next < cursor.or(Some(SearchCursor(i64::MAX))));
        cursor = found.next;
    };
    assert_eq!(numbers(&found), [(1, Role::Output)]);
    assert!(pages > 1, "this is more than one page goes through");
}

#[tokio::test]
async fn a_text_without_end_is_kept_in_part() {
    let home = Home::new();
    let store = home.open();
    let endless = format!("begins {} ends", "é ".repeat(1_000_000));
    store.append(vec![says("s1", Role::Output, &endless)], AT).await.unwrap();
    indexed(&store).await;
    assert_eq!(ask(&store, "begins e").await.hits.len(), 1);
    assert_eq!(ask(&store, "ends").await.hits.len(), 0);
}

#[tokio::test]
async fn an_abandoned_store_finds_everything_when_it_is_opened_again() {
    let elsewhere = Home::new();
    let abandoned = elsewhere.open();
    for nth in 0..40 {
        let batch = vec![says("s1", Role::Output, &format!("word {nth}")); 10];
        abandoned.append(batch, AT).await.unwrap();
        if nth == 20 {
            indexed(&abandoned).await;
        }
    }
    let home = Home::new();
    std::fs::copy(elsewhere.file(), home.file()).unwrap();
    std::fs::copy(elsewhere.path("oriel.db-wal"), home.path("oriel.db-wal")).unwrap();
    std::mem::forget(abandoned);
    let store = home.open();
    for nth in 0..40 {
        assert_eq!(ask(&store, &format!("{nth}")).await.hits.len(), 10, "{nth}");
    }
    assert_clean(&store).await;
    indexed(&store).await;
    assert_eq!(ask(&store, "\"word 39\"").await.hits.len(), 10);
    assert_clean(&store).await;
}

#[tokio::test]
async fn texts_are_forgotten_and_events_stay() {
    let home = Home::new();
    let store = home.open();
    let mut old = says("s1", Role::Prompt, "old secret");
    old.client_ms = Some(1000);
    store.append(vec![old, says("s1", Role::Prompt, "new secret")], AT).await.unwrap();
    indexed(&store).await;
    let mut old = says("s2", Role::Prompt, "another old secret");
    old.client_ms = Some(1000);
    store.append(vec![old], AT).await.unwrap();
    assert_eq!(store.forget_texts(AT).await.unwrap(), 2);
    assert_eq!(numbers(&ask(&store, "secret").await), [(2, Role::Prompt)]);
    assert_eq!(store.forget_texts(AT).await.unwrap(), 0);
    assert_eq!(store.forget_texts_of(SessionId("s2".to_owned())).await.unwrap(), 0);
    assert_eq!(store.forget_texts_of(SessionId("s1".to_owned())).await.unwrap(), 1);
    assert_eq!(ask(&store, "").await, Found::default());
    assert_eq!(store.last_event().await.unwrap(), EventNumber(3));
    indexed(&store).await;
    assert_clean(&store).await;
}

#[tokio::test]
async fn verification_sees_what_cannot_be_found() {
    for breaks in [
        "DELETE FROM texts WHERE no = (SELECT min(no) FROM texts)",
        "DELETE FROM text_index WHERE rowid = (SELECT min(no) FROM texts)",
        "INSERT INTO text_queue SELECT min(no), 1 FROM texts",
        "INSERT INTO text_queue VALUES (99, 1)",
        "UPDATE text_index_data SET block = zeroblob(length(block)) WHERE id > 100",
    ] {
        let home = Home::new();
        let store = home.open();
        store.append(vec![says("s1", Role::Prompt, "a word")], AT).await.unwrap();
        indexed(&store).await;
        assert_clean(&store).await;
        store.close().await;
        assert!(home.intrude().execute(breaks, []).unwrap() > 0, "{breaks}");
        // The writer would index what waits.
        let intruder = home.intrude();
        intruder.execute_batch("BEGIN IMMEDIATE").unwrap();
        let copy = Store::open(&home.file(), options(), |_| {}).unwrap();
        let found = copy.verify().await.unwrap();
        let wrong = found.checks.iter().find(|check| check.name == "search index").unwrap();
        assert!(!wrong.problems.is_empty(), "{breaks}");
        drop(intruder);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn what_is_found_is_what_a_plain_search_finds(
        texts in prop::collection::vec((0..4_usize, prop::collection::vec(0..WORDS.len(), 0..8), 0..4_usize), 1..40),
        index_after in 0..40_usize,
        asked in prop::collection::vec(prop::collection::vec(term(), 1..3), 1..4),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let home = Home::new();
            let store = home.open();
            for (nth, (role, said, gap)) in texts.iter().enumerate() {
                let gap = [" ", "_", ", \n", "/"][*gap];
                let said: Vec<_> = said.iter().map(|word| WORDS[*word].0).collect();
                store.append(vec![says("s1", Role::ALL[*role], &said.join(gap))], AT).await.unwrap();
                if nth == index_after {
                    indexed(&store).await;
                }
            }
            let typed: Vec<_> = asked.iter().map(|clause| {
                clause.iter().map(Asked::typed).collect::<Vec<_>>().join(" OR ")
            }).collect();
            let typed = typed.join(" ");
            let expected: Vec<_> = texts.iter().enumerate().rev().filter(|(_, (_, said, _))| {
                !said.is_empty() && asked.iter().all(|clause| clause.iter().any(|term| term.holds(said)))
            }).map(|(nth, (role, ..))| (nth as i64 + 1, Role::ALL[*role])).collect();
            for _ in 0..2 {
                let found = ask(&store, &typed).await;
                assert_eq!(numbers(&found), expected, "{typed}");
                indexed(&store).await;
            }
            assert_clean(&store).await;
        });
    }

    #[test]
    fn nothing_that_is_typed_fails(typed in "[\\PC\"*\\-()^:+ \0]{0,30}", more in any::<String>()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let home = Home::new();
            let store = home.open();
            store.append(vec![says("s1", Role::Prompt, &typed), says("s1", Role::Input, &more)], AT).await.unwrap();
            for words in [&typed, &more] {
                ask(&store, words).await;
                ask(&store, &format!("\"{words}\"*")).await;
            }
            indexed(&store).await;
            ask(&store, &typed).await;
            assert_clean(&store).await;
        });
    }
}

/// Words as they are written, and as they are looked for.
const WORDS: [(&str, &str); 7] =
    [("a", "a"), ("AB", "ab"), ("é", "e"), ("abc", "abc"), ("b2", "b2"), ("Ж", "ж"), ("字", "字")];

#[derive(Debug, Clone)]
struct Asked {
    words: Vec<usize>,
    prefix: bool,
    negated: bool,
}

fn term() -> impl Strategy<Value = Asked> {
    let words = prop::collection::vec(0..WORDS.len(), 1..3);
    let negated = prop::bool::weighted(0.2);
    (words, prop::bool::weighted(0.3), negated).prop_map(|(words, prefix, negated)| Asked {
        words,
        prefix,
        negated,
    })
}

impl Asked {
    fn typed(&self) -> String {
        let words: Vec<_> = self.words.iter().map(|word| WORDS[*word].1).collect();
        let (no, star) = (if self.negated { "-" } else { "" }, if self.prefix { "*" } else { "" });
        format!("{no}\"{}\"{star}", words.join(" "))
    }

    fn holds(&self, said: &[usize]) -> bool {
        let (last, before) = self.words.split_last().unwrap();
        let is_there = said.windows(self.words.len()).any(|there| {
            let (end, begin) = there.split_last().unwrap();
            let ends = match self.prefix {
                true => WORDS[*end].1.starts_with(WORDS[*last].1),
                false => end == last,
            };
            begin == before && ends
        });
        is_there != self.negated
    }
}

/// Returns an event in which something was said.
fn says(session: &str, role: Role, text: &str) -> NewEvent {
    let mut event = event(session);
    event.told.texts = vec![Text { role, text: text.to_owned() }];
    event
}

fn words(words: &str) -> SearchQuery {
    SearchQuery { words: words.to_owned(), limit: 100, ..SearchQuery::default() }
}

async fn ask(store: &Store, typed: &str) -> Found {
    store.search(words(typed)).await.unwrap()
}

fn numbers(found: &Found) -> Vec<(i64, Role)> {
    found.hits.iter().map(|hit| (hit.event.number.0, hit.role)).collect()
}

/// Returns the first snippet, with marks around what was found.
fn line(found: &Found) -> String {
    let mark = |part: &oriel_store::Fragment| match part.matched {
        true => format!("[{}]", part.text),
        false => part.text.clone(),
    };
    found.hits[0].snippet.iter().map(mark).collect()
}

/// Waits until nothing waits for the index.
async fn indexed(store: &Store) {
    let connection = rusqlite::Connection::open(store.path()).unwrap();
    let waiting = || -> i64 {
        connection.query_row("SELECT count(*) FROM text_queue", [], |row| row.get(0)).unwrap()
    };
    while waiting() > 0 {
        tokio::task::yield_now().await;
    }
}
