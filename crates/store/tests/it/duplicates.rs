//! An event that comes again changes nothing at all, whatever it says the second time.

use std::sync::{Arc, Mutex};

use oriel_model::EventNumber;
use oriel_store::Appended;
use proptest::prelude::*;

use crate::answers::{live_through, wait_for};
use crate::histories::history;
use crate::make::{Home, assert_clean, costed, dump, event, named, numbers};

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 24, failure_persistence: None, ..ProptestConfig::default()
    })]

    #[test]
    fn a_repeated_event_changes_no_row(
        history in history(), other in history(), reopened in any::<bool>(),
    ) {
        wait_for(async {
            let home = Home::new();
            let (mut store, oracle) = live_through(&home, &history).await;
            if reopened {
                // What a store remembers of rows is gone, and so is its way of telling duplicates.
                store.close().await;
                store = home.open();
            }
            let names = oracle.events.iter().filter_map(|stored| stored.event.event_id.clone());
            let others = other.into_iter().flat_map(|step| step.batches).flatten();
            // The names of what is there, on events that say something else.
            let repeated: Vec<_> = names
                .zip(others)
                .map(|(name, mut event)| {
                    event.event_id = Some(name);
                    event
                })
                .collect();
            let before = dump(&home.file());
            let appended = store.append(repeated.clone(), 1_800_000_000).await.unwrap();
            assert_eq!(appended, vec![Appended::Duplicate; repeated.len()]);
            assert_eq!(dump(&home.file()), before);
            store.close().await;
        });
    }
}

#[tokio::test]
async fn a_duplicate_does_not_touch_its_session_and_the_rest_of_its_batch_is_stored() {
    let (home, at) = (Home::new(), 1_700_000_000);
    let store = home.open();
    store.append(vec![named("s1", "e1")], at).await.unwrap();
    let mut moved = costed("s1", "elsewhere", 1.0);
    moved.event_id = named("s1", "e1").event_id;
    let in_a_new_session = named("s9", "e1");
    let batch = vec![named("s1", "e2"), moved, in_a_new_session, named("s1", "e2"), event("s1")];
    let appended = store.append(batch, at + 50).await.unwrap();
    let (new, again) = (|number| Appended::New(EventNumber(number)), Appended::Duplicate);
    assert_eq!(appended, [new(2), again, again, again, new(3)], "duplicates take no number");
    assert_eq!(store.session("s9".to_owned()).await.unwrap(), None);
    let session = store.session("s1".to_owned()).await.unwrap().unwrap();
    assert_eq!((session.events, session.project), (3, None));
    assert_clean(&store).await;
}

#[tokio::test]
async fn nobody_is_told_of_a_duplicate() {
    let (told, home) = (Arc::new(Mutex::new(Vec::new())), Home::new());
    let of_store = Arc::clone(&told);
    let store = home.open_telling(move |new| of_store.lock().unwrap().extend(new.stored));
    let first = store.append(vec![named("s1", "e1"), named("s1", "e1")], 10).await.unwrap();
    store.append(vec![named("s1", "e1")], 20).await.unwrap();
    let told: Vec<i64> = told.lock().unwrap().iter().map(|stored| stored.number.0).collect();
    assert_eq!(told, numbers(&first[..1]));
}
