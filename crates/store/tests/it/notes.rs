//! Of notes that come in any order the latest stands, and none is more than a note.

use std::collections::BTreeMap;

use oriel_model::{About, Note, SessionId};
use oriel_store::{AppendError, Store};
use proptest::prelude::*;

use crate::make::{Home, assert_clean};

#[tokio::test]
async fn a_note_is_read_by_whom_it_is_about_and_by_its_name() {
    let home = Home::new();
    let store = home.open();
    let (waiting, doing) = (r#"{"for":"answer"}"#, r#"{"tool":"Bash"}"#);
    let notes = vec![
        note(session("s1"), "title", "\"one\"", 5),
        note(session("s1"), "waiting", waiting, 5),
        note(session("s2"), "doing", doing, 5),
        note(session("s3"), "waiting", "null", 5),
        note(agent("codex"), "limit:5h", r#"{"used_percent":7}"#, 5),
        note(agent("claude_code"), "limit:7d", "{}", 5),
        note(session("agent codex"), "title", "\"an odd name\"", 5),
    ];
    store.note(notes.clone()).await.unwrap();
    assert_eq!(store.notes(session("s1")).await.unwrap(), notes[..2]);
    assert_eq!(store.notes(session("s3")).await.unwrap(), []);
    assert_eq!(store.notes(agent("codex")).await.unwrap(), notes[4..5]);
    let named = store.notes_named(&["waiting", "doing", "none"]).await.unwrap();
    assert_eq!(named, notes[1..3]);
    assert_eq!(store.agent_notes().await.unwrap(), [notes[5].clone(), notes[4].clone()]);
    store.close().await;
    let store = home.open();
    assert_eq!(store.notes(session("s1")).await.unwrap(), notes[..2]);
    assert_eq!(store.notes(session("agent codex")).await.unwrap(), notes[6..]);
    assert_clean(&store).await;
    store.close().await;
    let refused = store.note(notes).await.unwrap_err();
    assert!(matches!(refused, AppendError::Closing), "{refused}");
}

#[tokio::test]
async fn notes_have_a_size_and_a_number() {
    let home = Home::new();
    let store = home.open();
    let long = |bytes: usize| format!("\"{}\"", "x".repeat(bytes - 2));
    let (name, longer) = ("n".repeat(200), "n".repeat(201));
    store
        .note(vec![
            note(session("s1"), &name, &long(16 * 1024), 1),
            note(session("s1"), &longer, "1", 1),
            note(session("s1"), "long", &long(16 * 1024 + 1), 1),
            note(session("s1"), "blank", " ", 1),
        ])
        .await
        .unwrap();
    assert_eq!(names(&store).await, [name]);
    let many = (0..300).map(|nth| note(session("s1"), &format!("subagent:{nth:03}"), "1", 1));
    store.note(many.collect()).await.unwrap();
    assert_eq!(names(&store).await.len(), 200);
    let known = note(session("s1"), "subagent:198", "2", 2);
    store.note(vec![known.clone(), note(session("s2"), "title", "1", 1)]).await.unwrap();
    assert!(store.notes(session("s1")).await.unwrap().contains(&known), "a known name is told on");
    assert_eq!(store.notes(session("s2")).await.unwrap().len(), 1);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn the_latest_note_stands_in_whatever_order_they_come(
        told in prop::collection::vec((0..3_usize, 0..3_usize, 0..4_usize, 0..5_i64), 0..40),
        batch in 1..7_usize,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let home = Home::new();
            let store = home.open();
            let whom = [session("s1"), session("s2"), agent("codex")];
            let notes: Vec<_> = told.iter().map(|(about, name, value, at)| {
                note(whom[*about].clone(), ["a", "b", "c"][*name], ["null", "1", "2", "3"][*value], *at)
            }).collect();
            let mut latest: BTreeMap<(About, String), Note> = BTreeMap::new();
            for note in &notes {
                let key = (note.about.clone(), note.name.clone());
                if latest.get(&key).is_none_or(|known| known.at_ms <= note.at_ms) {
                    latest.insert(key, note.clone());
                }
            }
            for batch in notes.chunks(batch) {
                store.note(batch.to_vec()).await.unwrap();
            }
            for about in whom {
                let expected: Vec<_> = latest.values().filter(|note| {
                    note.about == about && note.value != "null"
                }).cloned().collect();
                assert_eq!(store.notes(about).await.unwrap(), expected);
            }
        });
    }
}

async fn names(store: &Store) -> Vec<String> {
    store.notes(session("s1")).await.unwrap().into_iter().map(|note| note.name).collect()
}

fn session(id: &str) -> About {
    About::Session(SessionId(id.to_owned()))
}

fn agent(agent_type: &str) -> About {
    About::Agent(agent_type.to_owned())
}

fn note(about: About, name: &str, value: &str, at_ms: i64) -> Note {
    Note { about, name: name.to_owned(), value: value.to_owned(), at_ms }
}
