//! A record is kept as it came, and an author has one active record about a resource.

use oriel_store::{NewRecord, RecordFilter, Recorded, Store};

use crate::make::{Home, assert_clean};

#[tokio::test]
async fn a_record_is_kept_as_it_came_and_written_once() {
    let home = Home::new();
    let store = home.open();
    let first = NewRecord { resource_id: "e\u{301}\0 ".to_owned(), ..record("r1", None) };
    assert_eq!(store.append_record(first.clone()).await.unwrap(), Recorded::New);
    let other = NewRecord { body: "{}".to_owned(), ..first.clone() };
    assert_eq!(store.append_record(other).await.unwrap(), Recorded::Known);
    store.close().await;
    let store = home.open();
    let kept = store.record("r1".to_owned()).await.unwrap().unwrap();
    assert_eq!((kept.number, kept.active, kept.record), (1, true, first));
    assert_eq!(store.record("r2".to_owned()).await.unwrap(), None);
    assert_clean(&store).await;
}

#[tokio::test]
async fn a_revision_names_the_active_record_of_its_author_and_resource() {
    let home = Home::new();
    let store = home.open();
    let refused = |active: Option<&str>| Recorded::Refused { active: active.map(str::to_owned) };
    for (given, expected) in [
        (record("r0", Some("r9")), refused(None)),
        (record("r1", None), Recorded::New),
        (record("r2", None), refused(Some("r1"))),
        (record("r2", Some("r1")), Recorded::New),
        (record("r3", Some("r1")), refused(Some("r2"))),
        (NewRecord { author: "bob".to_owned(), ..record("r4", None) }, Recorded::New),
        (NewRecord { resource_id: "s2".to_owned(), ..record("r5", None) }, Recorded::New),
        (NewRecord { resource_kind: "url".to_owned(), ..record("r6", None) }, Recorded::New),
        (NewRecord { resource_id: "S1".to_owned(), ..record("r7", None) }, Recorded::New),
    ] {
        let id = given.id.clone();
        assert_eq!(store.append_record(given).await.unwrap(), expected, "{id}");
    }
    let active = store.active_record("ada".into(), "session".into(), "s1".into()).await.unwrap();
    assert_eq!(active.unwrap().record.id, "r2");
    assert!(!store.record("r1".to_owned()).await.unwrap().unwrap().active);
}

#[tokio::test]
async fn of_many_revisions_at_once_one_is_the_next() {
    let home = Home::new();
    let store = home.open();
    store.append_record(record("r1", None)).await.unwrap();
    let revisions: Vec<_> = (0..16)
        .map(|nth| {
            let store = store.clone();
            tokio::spawn(async move {
                store.append_record(record(&format!("v{nth}"), Some("r1"))).await.unwrap()
            })
        })
        .collect();
    let mut written = 0;
    for revision in revisions {
        written += usize::from(revision.await.unwrap() == Recorded::New);
    }
    assert_eq!(written, 1);
    assert_eq!(ids(&store, RecordFilter::default()).await.len(), 2);
}

#[tokio::test]
async fn records_are_found_by_what_they_are_about_and_what_they_say() {
    let home = Home::new();
    let store = home.open();
    let said = |id: &str, text: &str, tags: &[&str]| NewRecord {
        resource_id: format!("about {id}"),
        body: format!(
            r#"{{"schema":"agora-record.v1","content":{{"opinion/text":"{text}","opinion/tags":{tags:?}}}}}"#
        ),
        ..record(id, None)
    };
    for record in [
        said("r1", "A Careful review", &["tests"]),
        said("r2", "quick_and dirty 100%", &[]),
        NewRecord { author: "bob".to_owned(), ..said("r3", "x", &["tests"]) },
        NewRecord { body: "no JSON".to_owned(), ..said("r4", "", &[]) },
        NewRecord {
            supersedes: Some("r1".to_owned()),
            id: "r5".to_owned(),
            ..said("r1", "y", &[])
        },
    ] {
        assert_eq!(store.append_record(record).await.unwrap(), Recorded::New);
    }
    let words =
        |words: &str| RecordFilter { words: Some(words.to_owned()), ..RecordFilter::default() };
    for (filter, expected) in [
        (RecordFilter::default(), vec!["r5", "r4", "r3", "r2", "r1"]),
        (
            RecordFilter { active_only: true, ..RecordFilter::default() },
            vec!["r5", "r4", "r3", "r2"],
        ),
        (RecordFilter { author: Some("bob".to_owned()), ..RecordFilter::default() }, vec!["r3"]),
        (
            RecordFilter { resource_id: Some("about r1".to_owned()), ..RecordFilter::default() },
            vec!["r5", "r1"],
        ),
        (RecordFilter { resource_kind: Some("url".into()), ..RecordFilter::default() }, vec![]),
        (words("careful"), vec!["r1"]),
        (words("TESTS"), vec!["r3", "r1"]),
        (words("about r4"), vec!["r4"]),
        (words("100%"), vec!["r2"]),
        (words("k_a"), vec!["r2"]),
        (words("%"), vec!["r2"]),
        (words("agora"), vec![]),
        (words("' OR 1 --"), vec![]),
    ] {
        assert_eq!(ids(&store, filter.clone()).await, expected, "{filter:?}");
    }
}

#[tokio::test]
async fn pages_hold_each_record_once_while_more_come() {
    let home = Home::new();
    let store = home.open();
    for nth in 0..7 {
        let about =
            NewRecord { resource_id: format!("s{nth}"), ..record(&format!("r{nth}"), None) };
        store.append_record(about).await.unwrap();
    }
    let (mut seen, mut before) = (Vec::new(), None);
    loop {
        let page = store.records(RecordFilter::default(), 3, before).await.unwrap();
        seen.extend(page.records.into_iter().map(|record| record.record.id));
        let late = format!("late{}", seen.len());
        let more = NewRecord { resource_id: late.clone(), ..record(&late, None) };
        store.append_record(more).await.unwrap();
        before = page.next;
        if before.is_none() {
            break;
        }
    }
    assert_eq!(seen, ["r6", "r5", "r4", "r3", "r2", "r1", "r0"]);
}

async fn ids(store: &Store, filter: RecordFilter) -> Vec<String> {
    let page = store.records(filter, 100, None).await.unwrap();
    page.records.into_iter().map(|record| record.record.id).collect()
}

fn record(id: &str, supersedes: Option<&str>) -> NewRecord {
    NewRecord {
        id: id.to_owned(),
        kind: "resource-opinion.v1".to_owned(),
        resource_kind: "session".to_owned(),
        resource_id: "s1".to_owned(),
        author: "ada".to_owned(),
        created_at: "2026-01-02T03:04:05Z".to_owned(),
        supersedes: supersedes.map(str::to_owned),
        body: "{}".to_owned(),
    }
}
