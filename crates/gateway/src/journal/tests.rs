//! Pages end where they must, and a file's past is one row for each state that differs.

use oriel_wire::gateway::Author;

use super::files;
use super::*;

#[test]
fn a_page_is_bounded_by_count_and_by_bytes_and_never_empty() {
    let connection = open();
    let events = (1..=10).map(|seq| EventRow {
        seq: seq * 10,
        turn_id: None,
        ts: 1,
        kind: Kind::Other,
        frame: "x".repeat(100),
    });
    append(&connection, &Entry { events: events.collect(), ..Entry::default() }).unwrap();
    let page = |after, up_to, count, bytes| {
        let page = frames(&connection, after, up_to, count, bytes).unwrap();
        (page.frames.iter().map(|(seq, _)| *seq).collect::<Vec<_>>(), page.has_more)
    };
    assert_eq!(page(0, 100, 3, 9999), (vec![10, 20, 30], true));
    assert_eq!(page(70, 100, 3, 9999), (vec![80, 90, 100], false));
    assert_eq!(page(0, 30, 9, 9999), (vec![10, 20, 30], false));
    assert_eq!(page(0, 100, 9, 250), (vec![10, 20], true));
    assert_eq!(page(0, 100, 9, 1), (vec![10], true), "one at least");
    assert_eq!(page(100, u64::MAX, 9, 9999), (vec![], false));
    assert_eq!(page(u64::MAX, u64::MAX, 9, 9999), (vec![], false));
    assert_eq!(last_seq(&connection).unwrap(), 100);
}

#[test]
fn a_file_has_the_states_that_were_seen_each_once() {
    let connection = open();
    let seen = |iteration, hash: &str| Iteration {
        path: "src/main.rs".to_owned(),
        iteration,
        ts: 5,
        size: 7,
        hash: hash.to_owned(),
        author: if iteration == 2 { Author::User } else { Author::Agent },
        is_kept: !hash.is_empty(),
    };
    for it in [seen(1, "a"), seen(2, "b"), seen(2, "c"), seen(3, "")] {
        files::add(&connection, &it).unwrap();
    }
    let past = files::of_path(&connection, "src/main.rs").unwrap();
    assert_eq!(past.iter().map(|it| it.iteration).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(past[1].author, Author::User);
    let second = files::at(&connection, "src/main.rs", 2).unwrap().unwrap();
    assert_eq!(second.hash, "b", "what was told of a state stays");
    assert_eq!(files::at(&connection, "src/main.rs", 9).unwrap(), None);
    let all = files::latest_of_all(&connection).unwrap();
    assert_eq!((all.len(), all[0].1.iteration), (1, 3));
}

fn open() -> Connection {
    let connection = Connection::open_in_memory().unwrap();
    connection.execute_batch(SCHEMA).unwrap();
    connection
}
