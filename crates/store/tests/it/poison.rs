//! No event, however odd, costs anyone an answer.

use std::sync::{Arc, Mutex};

use oriel_model::{EventId, Metadata, NewEvent, SessionId, Tokens};
use oriel_store::{EventFilter, Store};

use crate::answers::{check_all, wait_for};
use crate::make::{Home, costed, event};
use crate::oracle::{Asked, Oracle};

const AT: i64 = 1_700_000_000;
const COUNT_MAX: u64 = 1 << 53;

#[test]
fn counts_stop_at_the_largest_number_that_readers_hold_exactly() {
    let mut large = event("s1");
    let Tokens { input, output, .. } = &mut large.tokens;
    (*input, *output) = (COUNT_MAX, COUNT_MAX - 1);
    large.duration_ms = Some(COUNT_MAX);
    large.facet.tool_name = Some("Bash".to_owned());
    large.facet.model = Some("opus".to_owned());
    large.cost_usd = Some(0.5);
    check(vec![vec![large; 3], vec![event("s1")]]);
}

#[test]
fn sums_of_money_stop_and_still_move_between_projects() {
    // Each project's sum is past the largest amount, and so is what stays behind in the first.
    let mut batches = vec![vec![costed("s1", "p1", 1e6); 450], vec![costed("s2", "p1", 1e6); 500]];
    batches.push(vec![costed("s3", "p1", 3.0), costed("s4", "p2", 4.0)]);
    // In one group, with a session whose project and cost are new in it.
    batches.push(vec![
        costed("s5", "p1", 5.0),
        costed("s3", "p1", 7.0),
        costed("s1", "p2", 1.0),
        costed("s2", "p2", 2.0),
    ]);
    batches.push(vec![costed("s1", "p3", 1e300), costed("s1", "p1", 1e-300)]);
    // More than the disk's own numbers hold, had they not been capped in each group.
    batches.extend(vec![vec![costed("s2", "p2", 1e300)]; 3]);
    check(batches);
}

#[test]
fn costs_that_round_to_nothing_are_still_costs() {
    let tiny = [1e-300, f64::MIN_POSITIVE, 4.999_999_999_999_999e-11, 5e-11, 0.0, -0.0];
    check(vec![tiny.map(|dollars| costed("s1", "p1", dollars)).to_vec()]);
}

#[test]
fn a_senders_clock_may_say_anything() {
    // The first and the last moment of four-digit years, and of all numbers.
    let clocks = [-62_167_219_200_000, 253_402_300_799_999, i64::MIN, i64::MAX, 0, -1];
    let at = |client_ms| NewEvent { client_ms: Some(client_ms), ..costed("s1", "p1", 0.5) };
    check(vec![clocks.map(at).to_vec()]);
}

#[test]
fn words_may_be_long_and_hold_any_character() {
    let long = |end: &str| "x".repeat(100_000) + end;
    // Words that differ only past a NUL, or at their end, are different words.
    let words = [
        "a\0b".to_owned(),
        "a\0c".to_owned(),
        "\0".to_owned(),
        long("y"),
        long("z"),
        "'; DROP TABLE events; --".to_owned(),
        "\"%_\\[]{}\u{feff}\u{202e}🦀\r\n".to_owned(),
        "NULL".to_owned(),
        "-default".to_owned(),
    ];
    check(vec![words.iter().map(|word| named_everywhere(word)).collect()]);
}

#[test]
fn metadata_may_be_anything() {
    let deep = "[".repeat(5_000) + &"]".repeat(5_000);
    let texts = [
        "",
        "null",
        "{}",
        "0",
        "\"file_path\"",
        "{\"file_path\":",
        "{\"file_path\":\"a\",\"file_path\":\"b\"}",
        "{\"file_path\":\"a\\u0000b\",\"lines_added\":1e400,\"lines_removed\":-1}",
        "{\"lines_added\":1e15,\"lines_removed\":9007199254740993}",
        "not JSON \0 at all",
        deep.as_str(),
    ];
    let long_path = format!("{{\"file_path\":\"{}\"}}", "p/".repeat(50_000));
    let with = |text: &str| {
        let mut event = event("s1");
        event.facet.tool_name = Some("Write".to_owned());
        event.metadata = Metadata::new(text.to_owned(), false);
        event
    };
    check(vec![texts.into_iter().chain([long_path.as_str()]).map(with).collect()]);
}

#[tokio::test]
async fn metadata_that_was_spoilt_on_disk_breaks_no_question() {
    let home = Home::new();
    let (store, mut oracle) = (home.open(), Oracle::default());
    let mut edit = costed("s1", "p1", 0.5);
    edit.facet.tool_name = Some("Edit".to_owned());
    append(&store, &mut oracle, vec![edit, event("s1"), event("s2")]).await;
    home.intrude().execute("UPDATE events SET metadata = '{\"file_path\": oh'", []).unwrap();
    for stored in &mut oracle.events {
        stored.event.metadata = Metadata::new("{\"file_path\": oh".to_owned(), false);
    }
    check_all(&store, &oracle).await;
}

#[tokio::test]
async fn a_count_that_no_disk_holds_is_cut_and_costs_nobody_else_an_answer() {
    let home = Home::new();
    let told = Arc::new(Mutex::new(Vec::new()));
    let of_store = Arc::clone(&told);
    let store = home.open_telling(move |new| of_store.lock().unwrap().extend(new.stored));
    let mut huge = event("s1");
    huge.tokens = Tokens {
        input: u64::MAX,
        output: u64::MAX,
        cache_read: u64::MAX,
        cache_write: u64::MAX,
        cache_write_1h: u64::MAX,
    };
    huge.duration_ms = Some(u64::MAX);
    store.append(vec![event("s1"), huge], AT).await.unwrap();
    let events = store.events(EventFilter::default(), 1, 0).await.unwrap().events;
    let expected = Tokens {
        input: COUNT_MAX,
        output: COUNT_MAX,
        cache_read: COUNT_MAX,
        cache_write: COUNT_MAX,
        cache_write_1h: COUNT_MAX,
    };
    assert_eq!((events[0].event.tokens, events[0].event.duration_ms), (expected, Some(COUNT_MAX)));
    assert_eq!(told.lock().unwrap()[1..], events, "what is told is what is on disk");
}

/// Returns an event that says a word wherever one can be said.
fn named_everywhere(word: &str) -> NewEvent {
    let said = || Some(word.to_owned());
    let mut event = costed("s1", word, 0.5);
    event.event_id = said().map(EventId);
    event.session_id = SessionId(word.to_owned());
    event.facet.agent_type = word.to_owned();
    (event.facet.tool_name, event.facet.model) = (said(), said());
    event.facet.source = word.to_owned();
    event.place.branch = said();
    event
}

/// Checks that every question is answered rightly after these batches, and after each of them is
/// asked for by its own words, and again once the store is opened anew.
fn check(batches: Vec<Vec<NewEvent>>) {
    wait_for(async {
        let home = Home::new();
        let (mut store, mut oracle) = (home.open(), Oracle::default());
        for batch in batches {
            append(&store, &mut oracle, batch).await;
            check_all(&store, &oracle).await;
        }
        store.close().await;
        store = home.open();
        check_all(&store, &oracle).await;
        for event in oracle.events.iter().rev().take(20).map(|stored| &stored.event) {
            let words = EventFilter {
                agent_type: Some(event.facet.agent_type.clone()),
                tool_name: event.facet.tool_name.clone(),
                session_id: Some(event.session_id.0.clone()),
                branch: event.place.branch.clone(),
                model: event.facet.model.clone(),
                ..EventFilter::default()
            };
            let asked = Asked { words, ..Asked::default() };
            let page = store.events(asked.filter(), 5, 0).await.unwrap();
            assert_eq!(page, oracle.events(&asked, 5, 0));
        }
        store.close().await;
    });
}

async fn append(store: &Store, oracle: &mut Oracle, events: Vec<NewEvent>) {
    let appended = store.append(events.clone(), AT).await.unwrap();
    let expected: Vec<_> = events.into_iter().map(|event| oracle.append(event, AT)).collect();
    assert_eq!(appended, expected);
}
