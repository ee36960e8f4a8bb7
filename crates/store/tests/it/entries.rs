//! A session is read part by part, forwards and backwards, and each entry comes once, with its words.

use oriel_model::{EventNumber, NewEvent, Role, Text};
use oriel_store::{Entries, EntriesQuery, Part, Store};

use crate::make::{Home, event};

const AT: i64 = 1_700_000_000;

#[tokio::test]
async fn parts_in_either_direction_make_up_the_session() {
    let home = Home::new();
    let store = home.open();
    for nth in 0..30 {
        // Two sessions take turns, three events a second.
        let events = vec![says("s1", &format!("one {nth}")), says("s2", "two")];
        store.append(events, AT + nth / 3).await.unwrap();
    }
    let expected: Vec<i64> = (0..30).map(|nth| nth * 2 + 1).collect();
    let (mut forwards, mut part) = (Vec::new(), Part::After(EventNumber(0)));
    loop {
        let page = read(&store, part, 7).await;
        assert_eq!(page.has_older, !forwards.is_empty());
        forwards.extend(numbers(&page));
        part = Part::After(EventNumber(*forwards.last().unwrap()));
        if !page.has_newer {
            break;
        }
    }
    assert_eq!(forwards, expected);
    let (mut backwards, mut part) = (Vec::new(), Part::Last);
    loop {
        let page = read(&store, part, 7).await;
        assert_eq!(page.has_newer, !backwards.is_empty());
        let numbers = numbers(&page);
        part = Part::Before(EventNumber(numbers[0]));
        backwards.splice(0..0, numbers);
        if !page.has_older {
            break;
        }
    }
    assert_eq!(backwards, expected);
}

#[tokio::test]
async fn a_part_ends_where_it_is_told_to() {
    let home = Home::new();
    let store = home.open();
    let events = (0..10).map(|_| says("s1", "word")).collect();
    store.append(events, AT).await.unwrap();
    let query =
        EntriesQuery { until: Some(EventNumber(6)), ..query(Part::After(EventNumber(4)), 9) };
    let page = store.entries(query.clone()).await.unwrap().unwrap();
    assert_eq!((numbers(&page), page.has_older, page.has_newer), (vec![5, 6], true, false));
    let last = EntriesQuery { part: Part::Last, limit: 2, ..query };
    let page = store.entries(last).await.unwrap().unwrap();
    assert_eq!((numbers(&page), page.has_older, page.has_newer), (vec![5, 6], true, false));
    let beyond = read(&store, Part::After(EventNumber(10)), 5).await;
    assert_eq!((numbers(&beyond), beyond.has_older, beyond.has_newer), (vec![], true, false));
}

#[tokio::test]
async fn an_entry_has_its_words_as_far_as_asked_for() {
    let home = Home::new();
    let store = home.open();
    let mut both = says("s1", "what it was given");
    both.told.texts.push(Text { role: Role::Output, text: "é".repeat(500) });
    store.append(vec![says("s0", "other"), both], AT).await.unwrap();
    let asked = EntriesQuery { text_bytes: 5, ..query(Part::Last, 5) };
    let page = store.entries(asked).await.unwrap().unwrap();
    let texts: Vec<_> =
        page.entries[0].texts.iter().map(|text| (text.role, &*text.text, text.bytes)).collect();
    assert_eq!(texts, [(Role::Input, "what ", 17), (Role::Output, "éé", 1000)]);
    assert_eq!(store.texts(EventNumber(1), 99).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_session_that_is_not_there_has_no_part() {
    let home = Home::new();
    assert_eq!(home.open().entries(query(Part::Last, 5)).await.unwrap(), None);
}

async fn read(store: &Store, part: Part, limit: usize) -> Entries {
    store.entries(query(part, limit)).await.unwrap().unwrap()
}

fn query(part: Part, limit: usize) -> EntriesQuery {
    EntriesQuery { session: "s1".to_owned(), part, until: None, limit, text_bytes: 100 }
}

fn numbers(page: &Entries) -> Vec<i64> {
    page.entries.iter().map(|entry| entry.event.number.0).collect()
}

fn says(session: &str, words: &str) -> NewEvent {
    let mut event = event(session);
    event.told.texts = vec![Text { role: Role::Input, text: words.to_owned() }];
    event
}
