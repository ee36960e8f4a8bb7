//! A notice is there once, until it is done with, and everything may be asked twice.

use oriel_model::{NewNotice, Notice, NoticeId, Priority, Subject};
use oriel_store::{AppendError, NoticeCounts, NoticeFilter, Posted, Store};
use proptest::prelude::*;

use crate::make::{Home, assert_clean};

const AT: i64 = 1_700_000_000;

#[tokio::test]
async fn a_notice_is_kept_as_it_was_posted_and_posted_once() {
    let home = Home::new();
    let store = home.open();
    let posted = NewNotice {
        subject: Some(Subject { kind: "session".to_owned(), id: "s1".to_owned() }),
        actions: r#"[{"do":"show"}]"#.to_owned(),
        expires_at: Some(AT + 60),
        body: "It asks whether it may go on.".to_owned(),
        ..notice("k1")
    };
    let first = new(store.post_notice(posted.clone(), AT).await.unwrap());
    assert_eq!((first.posted.clone(), first.created_at, first.version), (posted.clone(), AT, 1));
    let again = NewNotice { title: "Other words".to_owned(), ..posted };
    let known = store.post_notice(again, AT + 5).await.unwrap();
    assert_eq!(known, Posted::Known(first.clone()));
    let elsewhere = NewNotice { source: "budgets".to_owned(), ..notice("k1") };
    assert_eq!(new(store.post_notice(elsewhere, AT).await.unwrap()).id, NoticeId(2));
    for id in 3..5 {
        assert_eq!(new(store.post_notice(notice(""), AT).await.unwrap()).id, NoticeId(id));
    }
    store.close().await;
    let store = home.open();
    let all = store.notices(None, NoticeFilter::All, AT, 10, None).await.unwrap();
    assert_eq!((all.notices.len(), all.notices.last()), (4, Some(&first)));
    assert_clean(&store).await;
    store.close().await;
    let refused = store.post_notice(notice("k9"), AT).await.unwrap_err();
    assert!(matches!(refused, AppendError::Closing), "{refused}");
}

#[tokio::test]
async fn the_latest_word_takes_the_place_of_the_one_before() {
    let home = Home::new();
    let store = home.open();
    let word = |key: &str, recipient: &str| NewNotice {
        collapse: Some("s1 waits".to_owned()),
        recipient: recipient.to_owned(),
        ..notice(key)
    };
    for (key, recipient) in [("k1", "me"), ("k2", "me"), ("k3", "you"), ("k1", "me")] {
        store.post_notice(word(key, recipient), AT).await.unwrap();
    }
    assert_eq!(open(&store, AT).await, [3, 2]);
    let former = store.notices(None, NoticeFilter::All, AT, 10, None).await.unwrap().notices;
    assert_eq!((former[2].handled_at, former[2].version), (Some(AT), 2));
    store.handle_notice(NoticeId(2), AT).await.unwrap();
    store.post_notice(word("k4", "me"), AT + 1).await.unwrap();
    assert_eq!(open(&store, AT).await, [4, 3]);
    let mine = store.notices(Some("me".to_owned()), NoticeFilter::Open, AT, 10, None).await;
    assert_eq!(mine.unwrap().notices.len(), 1);
}

#[tokio::test]
async fn a_notice_is_opened_put_off_and_done_with() {
    let home = Home::new();
    let store = home.open();
    for (key, priority) in [("a", Priority::Low), ("b", Priority::Medium), ("c", Priority::High)] {
        store.post_notice(NewNotice { priority, ..notice(key) }, AT).await.unwrap();
    }
    let count = async |now: i64| {
        let NoticeCounts { unopened, low, medium, high } =
            store.notice_counts(None, now).await.unwrap();
        [unopened, low, medium, high]
    };
    assert_eq!(count(AT).await, [3, 1, 1, 1]);
    let opened = store.open_notice(NoticeId(1), AT + 1).await.unwrap().unwrap();
    assert_eq!((opened.opened_at, opened.version), (Some(AT + 1), 2));
    assert_eq!(store.open_notice(NoticeId(1), AT + 9).await.unwrap(), Some(opened));
    assert_eq!(count(AT).await, [2, 1, 1, 1]);
    let snoozed = store.snooze_notice(NoticeId(2), AT + 10, AT).await.unwrap().unwrap();
    assert_eq!(snoozed.snoozed_until, Some(AT + 10));
    assert_eq!((open(&store, AT).await, count(AT).await), (vec![3, 1], [1, 1, 0, 1]));
    assert_eq!((open(&store, AT + 10).await, count(AT + 10).await[2]), (vec![3, 2, 1], 1));
    let awake = store.snooze_notice(NoticeId(2), AT, AT).await.unwrap().unwrap();
    assert_eq!((awake.snoozed_until, awake.version), (None, 3));
    let handled = store.handle_notice(NoticeId(3), AT + 2).await.unwrap().unwrap();
    assert_eq!(store.handle_notice(NoticeId(3), AT + 3).await.unwrap(), Some(handled.clone()));
    assert_eq!(store.snooze_notice(NoticeId(3), AT + 9, AT).await.unwrap(), Some(handled));
    assert_eq!(count(AT).await, [1, 1, 1, 0]);
    assert_eq!(store.handle_notice(NoticeId(99), AT).await.unwrap(), None);
}

#[tokio::test]
async fn what_has_expired_is_not_open_and_then_done_with() {
    let home = Home::new();
    let store = home.open();
    let posted = NewNotice { expires_at: Some(AT + 10), ..notice("a") };
    store.post_notice(posted, AT).await.unwrap();
    store.post_notice(notice("b"), AT).await.unwrap();
    assert_eq!(open(&store, AT + 9).await, [2, 1]);
    assert_eq!(store.expire_notices(AT + 9).await.unwrap(), 0);
    assert_eq!(open(&store, AT + 10).await, [2]);
    assert_eq!(store.expire_notices(AT + 50).await.unwrap(), 1);
    assert_eq!(store.expire_notices(AT + 50).await.unwrap(), 0);
    let all = store.notices(None, NoticeFilter::All, AT, 10, None).await.unwrap();
    assert_eq!(all.notices[1].handled_at, Some(AT + 10));
}

#[tokio::test]
async fn notices_come_page_by_page() {
    let home = Home::new();
    let store = home.open();
    for nth in 0..7 {
        store.post_notice(notice(&nth.to_string()), AT).await.unwrap();
    }
    let (mut seen, mut before) = (Vec::new(), None);
    loop {
        let page = store.notices(None, NoticeFilter::All, AT, 3, before).await.unwrap();
        seen.push(page.notices.iter().map(|notice| notice.id.0).collect::<Vec<_>>());
        before = page.next;
        if before.is_none() {
            break;
        }
    }
    assert_eq!(seen, [vec![7, 6, 5], vec![4, 3, 2], vec![1]]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_done_the_counts_are_those_of_the_list(
        deeds in prop::collection::vec((0..5_u8, 0..8_i64, 0..20_i64, 0..3_usize), 1..40),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let home = Home::new();
            let store = home.open();
            for (now, (deed, which, later, priority)) in (AT..).zip(deeds) {
                let (id, moment) = (NoticeId(which), now + later);
                match deed {
                    0 | 1 => {
                        let posted = NewNotice {
                            priority: Priority::ALL[priority],
                            collapse: (which < 3).then(|| which.to_string()),
                            expires_at: (later < 15).then_some(moment),
                            ..notice(&later.to_string())
                        };
                        store.post_notice(posted, now).await.unwrap();
                    }
                    2 => drop(store.open_notice(id, now).await.unwrap()),
                    3 => drop(store.snooze_notice(id, moment, now).await.unwrap()),
                    _ => drop(store.handle_notice(id, now).await.unwrap()),
                }
                let all = store.notices(None, NoticeFilter::All, now, 500, None).await.unwrap();
                let is_open = |notice: &&Notice| {
                    notice.handled_at.is_none()
                        && !notice.is_expired(now)
                        && notice.snoozed_until.is_none_or(|until| until <= now)
                };
                let expected: Vec<_> = all.notices.iter().filter(is_open).cloned().collect();
                let listed = store.notices(None, NoticeFilter::Open, now, 500, None).await.unwrap();
                assert_eq!(listed.notices, expected);
                let of = |priority| {
                    expected.iter().filter(|n| n.posted.priority == priority).count() as u64
                };
                let counts = NoticeCounts {
                    unopened: expected.iter().filter(|n| n.opened_at.is_none()).count() as u64,
                    low: of(Priority::Low),
                    medium: of(Priority::Medium),
                    high: of(Priority::High),
                };
                assert_eq!(store.notice_counts(None, now).await.unwrap(), counts);
            }
        });
    }
}

async fn open(store: &Store, now: i64) -> Vec<i64> {
    let page = store.notices(None, NoticeFilter::Open, now, 100, None).await.unwrap();
    page.notices.iter().map(|notice| notice.id.0).collect()
}

fn new(posted: Posted) -> Notice {
    match posted {
        Posted::New(notice) => notice,
        Posted::Known(notice) => panic!("{notice:?} was there before"),
    }
}

fn notice(key: &str) -> NewNotice {
    NewNotice {
        source: "waiting".to_owned(),
        idempotency_key: key.to_owned(),
        kind: "agent_waits".to_owned(),
        reason: "permission".to_owned(),
        title: "An agent waits for you".to_owned(),
        actions: "[]".to_owned(),
        ..NewNotice::default()
    }
}
