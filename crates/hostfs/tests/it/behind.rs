//! A short write returns at once, is seen by every handle of its file, and reaches the file by itself, in
//! order, and before anything else that depends on it.

use std::time::{Duration, Instant};

use oriel_hostfs::Limits;
use oriel_wire::hostfs::{Code, Create, Mode, Named, Open, StatMany};

use crate::desk::{Desk, W, asks, open, read, until};

#[test]
fn a_write_is_seen_by_others_at_once_and_in_the_file_soon() {
    let desk = Desk::new();
    let (one, other) = (desk.page(), desk.page());
    let writer = open(&one, "a", Mode::Write);
    let reader = open(&other, "a", Mode::Read);
    assert_eq!(one.write_at(writer, 0, b"abc").unwrap(), 3);
    let mut into = [0; 4];
    assert_eq!(other.read_at(reader, 0, &mut into).unwrap(), 3);
    assert_eq!(into, *b"abc\0");

    let began = Instant::now();
    one.write_at(writer, 3, b"def").unwrap();
    until("the write", || desk.seen("a") == b"abcdef");
    assert!(began.elapsed() < Duration::from_millis(500), "{:?}", began.elapsed());
}

#[test]
fn what_is_held_is_counted_and_reaches_the_file_with_every_call_that_promises_it() {
    let desk = Desk::new();
    let page = desk.page();
    let handle = open(&page, "a", Mode::ReadWrite);
    type Act<'a> = &'a dyn Fn();
    let acts: [Act<'_>; 6] = [
        &|| page.flush(handle).unwrap(),
        &|| page.sync(handle).unwrap(),
        &|| page.set_length(handle, 3).unwrap(),
        &|| drop(page.length(handle)),
        &|| drop(page.descriptor(handle)),
        &|| page.close(handle).unwrap(),
    ];
    for (round, act) in acts.into_iter().enumerate() {
        let text = [b'a' + round as u8; 3];
        page.write_at(handle, 0, &text).unwrap();
        act();
        assert_eq!(desk.seen("a"), text, "act {round}");
        assert_eq!(page.limits_used().behind_bytes, 0);
    }
}

#[test]
fn a_page_that_goes_and_an_engine_that_ends_lose_nothing() {
    let desk = Desk::new();
    let page = desk.page();
    let handle = open(&page, "a", Mode::Write);
    page.write_at(handle, 0, b"first").unwrap();
    drop(page);
    assert_eq!(desk.seen("a"), b"first");

    let page = desk.page();
    let handle = open(&page, "a", Mode::Write);
    page.write_at(handle, 0, b"again").unwrap();
    desk.files.shutdown();
    assert_eq!(desk.seen("a"), b"again");
    page.write_at(handle, 0, b"later").unwrap();
    assert_eq!(desk.seen("a"), b"later", "after the end, nothing is held");
    let second = open(&page, "b", Mode::Write);
    page.write_at(second, 0, b"x").unwrap();
    assert_eq!(desk.seen("b"), b"x");
}

#[test]
fn who_opens_and_empties_a_file_does_so_after_what_was_written_before() {
    let desk = Desk::new();
    let page = desk.page();
    let first = open(&page, "a", Mode::Write);
    page.write_at(first, 0, b"before").unwrap();
    let empty = Open { truncate: true, ..asks("a", Mode::ReadWrite) };
    let (second, stat) = page.open(&empty).unwrap();
    assert_eq!(stat.length, 0);
    page.write_at(second, 0, b"x").unwrap();
    page.close(first).unwrap();
    assert_eq!(read(&page, second), b"x");
}

#[test]
fn who_asks_for_names_sees_what_was_written() {
    let desk = Desk::new();
    let page = desk.page();
    let handle = open(&page, "a", Mode::Write);
    let named = Named { workspace: W.to_owned(), path: "a".to_owned() };
    for length in 1..50 {
        page.write_at(handle, length - 1, b"x").unwrap();
        assert_eq!(page.stat_one(&named).unwrap().length, length);
    }
    let many = StatMany { workspace: W.to_owned(), paths: vec!["a".to_owned(), "b".to_owned()] };
    let looked = serde_json::to_value(page.stat(&many).unwrap()).unwrap();
    assert_eq!(looked["stats"][0]["length"], 49);
    assert_eq!(looked["stats"][1]["code"], "not_found");
    page.close(open(&page, "b", Mode::Write)).unwrap();
    let looked = serde_json::to_value(page.stat(&many).unwrap()).unwrap();
    assert_eq!(looked["stats"][1]["kind"], "file", "a file that was just made");
}

#[test]
fn nothing_is_held_of_a_file_whose_descriptor_was_given_away() {
    let desk = Desk::new();
    let page = desk.page();
    let (direct, writer) = (open(&page, "a", Mode::ReadWrite), open(&page, "a", Mode::Write));
    page.write_at(writer, 0, b"ab").unwrap();
    let given = page.descriptor(direct).unwrap();
    assert_eq!(desk.seen("a"), b"ab");
    page.write_at(writer, 2, b"cd").unwrap();
    assert_eq!(desk.seen("a"), b"abcd");
    rustix::io::pwrite(&given, b"AB", 0).unwrap();
    assert_eq!(read(&page, writer_reads(&page)), b"ABcd");
    drop(given);
    page.close(direct).unwrap();
    page.write_at(writer, 4, b"e").unwrap();
    assert_ne!(page.limits_used().behind_bytes, 0, "it is held again");
}

fn writer_reads(page: &oriel_hostfs::Surface) -> oriel_hostfs::Handle {
    open(page, "a", Mode::Read)
}

#[test]
fn who_appends_is_told_where_and_writes_after_all_others() {
    let desk = Desk::new();
    std::fs::write(desk.path("a"), b"12").unwrap();
    let page = desk.page();
    let (log, other) = (open(&page, "a", Mode::Append), open(&page, "a", Mode::Write));
    assert_eq!(page.write_at(log, 0, b"34").unwrap(), 4);
    assert_eq!(page.write_at(log, 0, b"5").unwrap(), 5);
    assert_eq!(page.write_at(other, 5, b"67").unwrap(), 7);
    assert_eq!(page.write_at(log, 0, b"8").unwrap(), 8);
    assert_eq!(page.write_at(log, 0, &vec![b'9'; 100_000]).unwrap(), 100_008);
    let mut expected = b"12345678".to_vec();
    expected.resize(100_008, b'9');
    assert_eq!(desk.seen("a"), expected);
}

#[test]
fn a_writer_waits_where_too_much_is_held_and_never_fails() {
    let desk = Desk::with(Limits { behind_bytes_max: 1000, ..Limits::default() });
    let page = desk.page();
    let handles = ["a", "b", "c"].map(|name| open(&page, name, Mode::Write));
    for round in 0..3000_u64 {
        let handle = handles[(round % 3) as usize];
        // Every second byte, so that no two writes touch.
        page.write_at(handle, round / 3 * 2, b"x").unwrap();
        assert!(page.limits_used().behind_bytes <= 1000);
    }
    drop(page);
    for name in ["a", "b", "c"] {
        assert_eq!(desk.seen(name).iter().filter(|&&byte| byte == b'x').count(), 1000);
    }
}

#[test]
fn a_file_that_must_be_new_is_refused_where_there_is_one() {
    let desk = Desk::new();
    let page = desk.page();
    let new = Open { create: Create::Must, ..asks("a", Mode::Write) };
    let (handle, _) = page.open(&new).unwrap();
    page.close(handle).unwrap();
    assert_eq!(page.open(&new).unwrap_err().code, oriel_wire::hostfs::Code::Exists);
}

#[test]
fn nothing_is_done_to_a_file_after_a_write_that_is_not_in_it() {
    let far = i64::MAX as u64 - 100;
    type Act<'a> = &'a dyn Fn(&oriel_hostfs::Surface, oriel_hostfs::Handle) -> Option<Code>;
    let acts: [Act<'_>; 3] = [
        &|page, handle| page.write_at(handle, 0, &[1; 100_000]).err().map(|error| error.code),
        &|page, handle| page.set_length(handle, 5).err().map(|error| error.code),
        &|page, handle| page.sync(handle).err().map(|error| error.code),
    ];
    for act in acts {
        let desk = Desk::new();
        let page = desk.page();
        let handle = open(&page, "a", Mode::ReadWrite);
        // It is held behind, and no disk has such a place.
        page.write_at(handle, far, b"x").unwrap();
        assert_eq!(act(&page, handle), Some(Code::LateWrite));
        assert_eq!(desk.seen("a"), b"");
        assert_eq!(act(&page, handle), None, "it is told once");
    }
}

#[test]
fn what_is_written_by_a_descriptor_is_known_at_once() {
    let desk = Desk::new();
    let page = desk.page();
    let handle = open(&page, "a", Mode::ReadWrite);
    let length = || {
        let named = Named { workspace: W.to_owned(), path: "a".to_owned() };
        page.stat_one(&named).unwrap().length
    };
    assert_eq!(length(), 0);
    let given = std::fs::File::from(page.descriptor(handle).unwrap());
    for bytes in 1..10 {
        std::os::unix::fs::FileExt::write_all_at(&given, b"x", bytes - 1).unwrap();
        assert_eq!(length(), bytes);
    }
    page.close(handle).unwrap();
    assert_eq!(length(), 9);
}
