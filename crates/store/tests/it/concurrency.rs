//! However many write at once, each gets numbers of its own, and an answered event is seen by
//! whoever asks next and is told of once, in order.

use std::collections::BTreeSet;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::Poll;

use oriel_model::EventNumber;
use oriel_store::{AppendError, EventFilter};

use crate::make::{Home, assert_clean, event, numbers};

const WRITERS: usize = 24;
const REQUESTS: usize = 12;
const AT: i64 = 1_700_000_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_answered_event_has_a_number_of_its_own_and_is_told_of_once_in_order() {
    let home = Home::new();
    let told = Arc::new(Mutex::new(Vec::new()));
    let of_store = Arc::clone(&told);
    let store = home.open_telling(move |new| of_store.lock().unwrap().extend(new.stored));
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let store = store.clone();
            tokio::spawn(async move {
                let mut mine = Vec::new();
                for request in 0..REQUESTS {
                    let size = if request % 3 == 0 { 1 + (writer + request) % 9 } else { 1 };
                    let events = vec![event(&format!("s{}", (writer + request) % 7)); size];
                    let stored = numbers(&store.append(events.clone(), AT).await.unwrap());
                    assert!(stored.is_sorted_by(|a, b| a < b), "a batch keeps its order");
                    // The reader that asks right after an answer sees the event.
                    let last = EventNumber(stored[size - 1]);
                    assert!(store.last_event().await.unwrap() >= last);
                    let after = EventNumber(stored[0] - 1);
                    let seen = store.events_after(after, EventFilter::default(), 1).await.unwrap();
                    assert_eq!(seen[0].number.0, stored[0]);
                    assert_eq!(seen[0].event.session_id, events[0].session_id);
                    mine.extend(stored);
                }
                mine
            })
        })
        .collect();
    for _ in 0..3 {
        assert_clean(&store).await;
    }
    let mut all = BTreeSet::new();
    for writer in writers {
        for number in writer.await.unwrap() {
            assert!(all.insert(number), "{number} was given twice");
        }
    }
    let expected: Vec<i64> = (1..).take(all.len()).collect();
    assert!(all.iter().eq(&expected), "numbers have no gaps where nothing failed");
    let told: Vec<_> = std::mem::take(&mut *told.lock().unwrap());
    assert_eq!(told.iter().map(|stored| stored.number.0).collect::<Vec<_>>(), expected);
    let page =
        store.events_after(EventNumber(0), EventFilter::default(), usize::MAX).await.unwrap();
    assert_eq!(page, told, "what was told is what is on disk");
    assert_clean(&store).await;
}

#[tokio::test]
async fn an_event_is_stored_even_if_its_sender_went_away() {
    let home = Home::new();
    let store = home.open();
    let mut asking = Box::pin(store.append(vec![event("s1")], AT));
    answer_at_once(asking.as_mut()).await;
    drop(asking);
    store.append(vec![event("s1")], AT).await.unwrap();
    assert_eq!(store.session("s1".to_owned()).await.unwrap().unwrap().events, 2);
}

#[tokio::test]
async fn a_request_for_nothing_is_answered_at_once() {
    let home = Home::new();
    let store = home.open();
    assert_eq!(store.append(vec![], AT).await.unwrap(), vec![]);
    assert_eq!(store.last_event().await.unwrap(), EventNumber(0));
}

#[tokio::test]
async fn a_closed_store_has_written_what_waited_and_refuses_the_rest() {
    let home = Home::new();
    let store = home.open();
    let waiting: Vec<_> = (0..20)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move { store.append(vec![event("s1"); 3], AT).await })
        })
        .collect();
    // Every request is sent while this task waits for its turn.
    tokio::task::yield_now().await;
    store.close().await;
    for request in waiting {
        assert_eq!(request.await.unwrap().unwrap().len(), 3);
    }
    let refused = store.append(vec![event("s1")], AT).await.unwrap_err();
    assert!(matches!(refused, AppendError::Closing), "{refused}");
    assert!(store.last_event().await.is_err());
    assert!(!home.path("oriel.db-wal").exists(), "the log is folded into the file");
    let again = home.open();
    assert_eq!(again.last_event().await.unwrap(), EventNumber(60));
    assert_clean(&again).await;
}

/// Sends a request and returns its answer, if that is there at once.
pub(crate) async fn answer_at_once<F: Future>(mut asking: Pin<&mut F>) -> Option<F::Output> {
    poll_fn(|context| match asking.as_mut().poll(context) {
        Poll::Ready(answer) => Poll::Ready(Some(answer)),
        Poll::Pending => Poll::Ready(None),
    })
    .await
}
