//! Who told of whom, and when last, is known from what is kept, also where several told of the same.

use std::path::PathBuf;

use oriel_model::{Key, Told};
use oriel_store::{FileSeen, HeardHistory, ImportCounts, ImportedFile};

use crate::make::{Home, event};

const AT: i64 = 1_770_000_000;

#[tokio::test]
async fn each_source_is_known_by_what_it_told_last() {
    let home = Home::new();
    let store = home.open();
    assert_eq!(store.heard().await.unwrap(), oriel_store::Heard::default());
    for (nth, (source, tool)) in
        [("hook", "Bash"), ("hook", "Edit"), ("otel", "Bash")].iter().enumerate()
    {
        let mut told = event(&format!("s{nth}"));
        told.facet.source = (*source).to_owned();
        told.facet.tool_name = Some((*tool).to_owned());
        told.told = Told { keys: vec![Key::one("codex", "thing", tool)], ..Told::default() };
        store.append(vec![told], AT + nth as i64).await.unwrap();
    }
    let heard = store.heard().await.unwrap();
    let sources: Vec<_> =
        heard.sources.iter().map(|it| (&*it.source, it.events, it.last_at)).collect();
    assert_eq!(
        sources,
        [("hook", 2, Some(AT + 1)), ("otel", 0, Some(AT + 2))],
        "what joined counts once"
    );
    assert_eq!((heard.events, heard.sessions.values().sum::<u64>()), (2, 2));
}

#[tokio::test]
async fn histories_are_added_up_by_their_format() {
    let home = Home::new();
    let store = home.open();
    let file = |name: &str, bytes| ImportedFile {
        path: PathBuf::from(name),
        format: "codex".to_owned(),
        seen: FileSeen { bytes, ..FileSeen::default() },
        read_to: bytes,
        fingerprint: Vec::new(),
        state: String::new(),
        counts: ImportCounts { events: 3, ..ImportCounts::default() },
        fate: String::new(),
        first_seen: AT,
        read_at: AT,
        gone_at: None,
    };
    store.write_imported(vec![file("/a", 10), file("/b", 20)]).await.unwrap();
    let expected = HeardHistory {
        format: "codex".to_owned(),
        files: 2,
        bytes: 30,
        events: 6,
        last_read_at: Some(AT),
    };
    assert_eq!(store.heard_histories().await.unwrap(), [expected]);
}
