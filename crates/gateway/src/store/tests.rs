//! What is written together is kept together, one's failure is not the others', and only so much is open.

use super::*;
use crate::folders::private;

#[tokio::test]
async fn work_that_fails_leaves_nothing_and_keeps_nobody_from_writing() {
    let (_folder, _, store) = open();
    let write = |sql: &'static str| store.write(Base::Registry, move |c| c.execute_batch(sql));
    write("CREATE TABLE t (n INTEGER PRIMARY KEY)").await.unwrap();
    let (one, two, three) = tokio::join!(
        write("INSERT INTO t VALUES (1)"),
        write("INSERT INTO t VALUES (2); INSERT INTO t VALUES (1)"),
        write("INSERT INTO t VALUES (3)"),
    );
    assert!(one.is_ok() && matches!(two, Err(StoreError::Sqlite { .. })) && three.is_ok());
    let sum = |c: &Connection| c.query_row("SELECT sum(n) FROM t", [], |row| row.get::<_, u64>(0));
    assert_eq!(store.read(Base::Registry, sum).await.unwrap(), 4);
    store.close().await;
    assert!(matches!(write("SELECT 1").await, Err(StoreError::Closed)));
}

#[tokio::test]
async fn a_reader_changes_nothing() {
    let (_folder, _, store) = open();
    let change = |c: &Connection| c.execute("DELETE FROM sessions", []);
    let refused = store.read(Base::Registry, change).await;
    assert!(matches!(refused, Err(StoreError::Sqlite { .. })), "{refused:?}");
}

#[tokio::test]
async fn many_databases_are_written_and_few_are_open() {
    let (_folder, folders, store) = open();
    for number in 0..100 {
        let id = format!("session-{number}");
        make(&folders, &id);
        let reserve = |c: &Connection| c.execute("UPDATE session SET seq_reserved = 1", []);
        store.write(Base::Session(id), reserve).await.unwrap();
    }
    #[cfg(target_os = "linux")]
    {
        let open = std::fs::read_dir("/proc/self/fd").unwrap().filter(|entry| {
            let target = std::fs::read_link(entry.as_ref().unwrap().path());
            target.is_ok_and(|target| target.starts_with(folders.sessions()))
        });
        assert!(open.count() <= 3 * 32);
    }
    let gone = store.write(Base::Session("session-none".to_owned()), |_| Ok(())).await;
    assert!(matches!(gone, Err(StoreError::File { .. })), "{gone:?}");
}

#[tokio::test]
async fn a_database_of_somebody_else_is_left_alone() {
    let (_folder, folders, store) = open();
    for (id, sql) in [("other", "PRAGMA application_id = 7"), ("newer", "PRAGMA user_version = 99")]
    {
        make(&folders, id);
        store.write(Base::Session(id.to_owned()), |_| Ok(())).await.unwrap();
        store.forget(id).await;
        Connection::open(folders.session_db(id)).unwrap().execute_batch(sql).unwrap();
    }
    let write = |id: &str| store.write(Base::Session(id.to_owned()), |_| Ok(()));
    assert!(matches!(write("other").await, Err(StoreError::NotOurs(_))));
    let newer = write("newer").await.unwrap_err();
    assert!(matches!(newer, StoreError::Newer { found: 99, .. }));
    for error in [newer, write("gone").await.unwrap_err()] {
        let message = error.for_people();
        assert!(message.contains("delete the session") && !message.contains('/'), "{message}");
    }
}

fn open() -> (tempfile::TempDir, Folders, Store) {
    let folder = tempfile::tempdir().unwrap();
    let folders = Folders::make(folder.path()).unwrap();
    let store = Store::open(&folders, folders.lock().unwrap()).unwrap();
    (folder, folders, store)
}

fn make(folders: &Folders, id: &str) {
    std::fs::create_dir(folders.session(id)).unwrap();
    private().create_new(true).open(folders.session_db(id)).unwrap();
}
