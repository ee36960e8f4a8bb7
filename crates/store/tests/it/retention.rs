//! What is forgotten is gone from every total, and nothing else is.

use oriel_model::{About, Note, Role, SessionId, Text, Tokens};
use oriel_store::{Appended, SearchQuery, UsageFilter};
use proptest::prelude::*;

use crate::answers::{live_through, wait_for};
use crate::histories::history;
use crate::make::{Home, assert_clean, costed, event, numbers};

const AT: i64 = 1_770_000_000;

#[test]
fn a_session_is_forgotten_whole_and_the_others_stay() {
    wait_for(async {
        let home = Home::new();
        let store = home.open();
        store.append(vec![costed("old", "p", 1.0), costed("old", "p", 2.0)], AT).await.unwrap();
        store.append(vec![costed("new", "p", 4.0), costed("old2", "q", 8.0)], AT).await.unwrap();
        store.append(vec![event("new")], AT + 100).await.unwrap();
        let forgotten = store.forget_sessions(AT + 50).await.unwrap();
        assert_eq!((forgotten.sessions, forgotten.events), (2, 3));
        assert_clean(&store).await;
        let costs = store.costs(None, None, 10).await.unwrap();
        assert_eq!(costs.projects.len(), 1, "{costs:?}");
        assert_eq!(costs.projects[0].cost.dollars(), 4.0);
        assert_eq!(store.session("old".to_owned()).await.unwrap(), None);
        let next = store.append(vec![event("old")], AT + 200).await.unwrap();
        assert_eq!(numbers(&next), [6], "numbers go on");
        assert_clean(&store).await;
    });
}

#[test]
fn no_word_and_no_note_of_a_forgotten_session_stays() {
    wait_for(async {
        let home = Home::new();
        let store = home.open();
        let says = |session: &str, words: &str| {
            let mut event = event(session);
            event.told.texts = Role::ALL.map(|role| Text { role, text: words.to_owned() }).to_vec();
            event
        };
        let about = |session: &str| About::Session(SessionId(session.to_owned()));
        let note = |session: &str| Note {
            about: about(session),
            name: "title".to_owned(),
            value: "\"walls\"".to_owned(),
            at_ms: 1,
        };
        let told = vec![says("old", "paint the wall")];
        store.append_told(told, vec![note("old")], AT).await.unwrap();
        let told = vec![says("new", "paint the door"), says("new", "paint it")];
        store.append_told(told, vec![note("new")], AT + 100).await.unwrap();
        assert_eq!(store.forget_sessions(AT + 50).await.unwrap().sessions, 1);
        let ask = |words: &str| {
            store.search(SearchQuery { words: words.to_owned(), limit: 50, ..Default::default() })
        };
        assert_eq!(ask("wall").await.unwrap().hits.len(), 0);
        assert_eq!(ask("paint").await.unwrap().hits.len(), 8);
        assert_eq!(store.notes(about("old")).await.unwrap(), []);
        assert_eq!(store.notes(about("new")).await.unwrap(), [note("new")]);
        let file = home.intrude();
        let kept: i64 = file.query_row("SELECT count(*) FROM texts", [], |row| row.get(0)).unwrap();
        assert_eq!(kept, 8);
        assert_clean(&store).await;
    });
}

#[test]
fn what_stays_is_known_though_the_sum_over_all_sessions_was_at_its_cap() {
    wait_for(async {
        let home = Home::new();
        let store = home.open();
        let uses = |session: &str, input: u64| {
            let mut event = costed(session, "p", 1.0);
            event.tokens = Tokens { input, ..Tokens::default() };
            event
        };
        for _ in 0..3 {
            store.append(vec![uses("old", u64::MAX); 1500], AT).await.unwrap();
        }
        store.append(vec![uses("new", 7)], AT + 100).await.unwrap();
        assert_eq!(store.forget_sessions(AT + 50).await.unwrap().sessions, 1);
        let rows = store.usage(UsageFilter::default(), false).await.unwrap();
        assert_eq!(rows.iter().map(|row| row.usage.tokens_in).collect::<Vec<_>>(), [7]);
        assert_clean(&store).await;
    });
}

#[test]
fn the_session_of_the_last_event_stays() {
    wait_for(async {
        let home = Home::new();
        let store = home.open();
        store.append(vec![event("s1"), event("s2")], AT).await.unwrap();
        assert_eq!(store.forget_sessions(AT + 1).await.unwrap().sessions, 1);
        assert!(store.session("s2".to_owned()).await.unwrap().is_some());
    });
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

    #[test]
    fn totals_stay_true_whatever_is_forgotten(history in history(), before in 0_i64..200_000) {
        wait_for(async {
            let home = Home::new();
            let (store, _) = live_through(&home, &history).await;
            store.forget_sessions(crate::make::MIDNIGHT - 100 + before).await.unwrap();
            assert_clean(&store).await;
            let appended = store.append(vec![costed("s1", "oriel", 0.5)], AT).await.unwrap();
            assert!(matches!(appended[..], [Appended::New(_)]));
            assert_clean(&store).await;
        });
    }
}
