//! What waits for the writer is bounded: past the bound a request is refused at once and whole, and
//! nothing that was accepted is lost.

use std::sync::Mutex;
use std::sync::mpsc::{Sender, channel};

use oriel_store::{AppendError, Appended, Store, StoreOptions};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::concurrency::answer_at_once;
use crate::make::{Home, assert_clean, event, numbers, options};

const AT: i64 = 1_700_000_000;

#[tokio::test]
async fn a_full_queue_refuses_and_goes_on_when_there_is_room() {
    let home = Home::new();
    let (store, writer) = open_held(&home, 4).await;
    let mut three = Box::pin(store.append(vec![event("s1"); 3], AT));
    assert!(answer_at_once(three.as_mut()).await.is_none());
    assert_eq!(store.waiting(), 3);
    check_full(&store, 2, 3).await;
    let mut one = Box::pin(store.append(vec![event("s1")], AT));
    assert!(answer_at_once(one.as_mut()).await.is_none(), "a request that fits is not refused");
    check_full(&store, 1, 4).await;
    check_full(&store, 100, 4).await;

    writer.goes_on().await;
    assert_eq!(numbers(&three.await.unwrap()), [2, 3, 4]);
    assert_eq!(numbers(&one.await.unwrap()), [5]);
    assert_eq!(store.waiting(), 0);
    assert_eq!(numbers(&store.append(vec![event("s1")], AT).await.unwrap()), [6]);
    assert_clean(&store).await;
}

#[tokio::test]
async fn a_request_larger_than_the_queue_goes_through_alone() {
    let home = Home::new();
    let (store, writer) = open_held(&home, 4).await;
    let mut large = Box::pin(store.append(vec![event("s1"); 100], AT));
    assert!(answer_at_once(large.as_mut()).await.is_none());
    check_full(&store, 1, 100).await;
    writer.goes_on().await;
    assert_eq!(large.await.unwrap().len(), 100);
    assert_eq!(store.append(vec![event("s1")], AT).await.unwrap().len(), 1);
    assert_clean(&store).await;
}

/// Checks that so many events are refused while so many wait, and leave nothing behind.
async fn check_full(store: &Store, events: usize, expected: usize) {
    let mut asking = Box::pin(store.append(vec![event("refused"); events], AT));
    let refused = answer_at_once(asking.as_mut()).await.expect("it does not wait").unwrap_err();
    let AppendError::Full { waiting, max: 4 } = refused else { panic!("{refused}") };
    assert_eq!(waiting, expected);
    assert_eq!(store.waiting(), expected, "a refused request does not wait");
}

/// A writer that was stopped after its first group, until it is told to go on.
struct Held {
    /// The request whose group it was.
    first: JoinHandle<Result<Vec<Appended>, AppendError>>,
    release: Sender<()>,
}

impl Held {
    async fn goes_on(self) {
        self.release.send(()).unwrap();
        assert_eq!(numbers(&self.first.await.unwrap().unwrap()), [1]);
    }
}

async fn open_held(home: &Home, queue_events_max: usize) -> (Store, Held) {
    let (stop, stopped) = oneshot::channel();
    let (release, released) = channel();
    let once = Mutex::new(Some((stop, released)));
    let committed = move |_| {
        if let Some((stop, released)) = once.lock().unwrap().take() {
            stop.send(()).unwrap();
            released.recv().unwrap();
        }
    };
    let options = StoreOptions { queue_events_max, ..options() };
    let store = Store::open(&home.file(), options, committed).unwrap();
    let writing = store.clone();
    let mut first = tokio::spawn(async move { writing.append(vec![event("s1")], AT).await });
    tokio::select! {
        stopped = stopped => stopped.unwrap(),
        answer = &mut first => panic!("{answer:?} was answered before it was told of"),
    }
    (store, Held { first, release })
}
