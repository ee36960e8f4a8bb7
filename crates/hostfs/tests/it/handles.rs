//! A handle is of one page, stands for one opening, and ends with either.

use std::os::unix::fs::FileExt as _;

use oriel_hostfs::{Handle, Limits, Lock, Surface};
use oriel_wire::hostfs::{Code, Mode, Named, Open, Part, Watch};

use crate::desk::{Desk, READ_ONLY, W, asks, open};

/// What every operation on a handle answers.
fn codes(page: &Surface, handle: Handle) -> Vec<Code> {
    let mut into = [0; 4];
    let part = Part { handle: handle.0, offset: 0, length: 1 };
    let wait = std::time::Duration::ZERO;
    let errors = [
        page.read_at(handle, 0, &mut into).err(),
        page.read_many(&[part], &mut Vec::new()).err(),
        page.write_at(handle, 0, b"x").err(),
        page.length(handle).err(),
        page.set_length(handle, 0).err(),
        page.flush(handle).err(),
        page.sync(handle).err(),
        page.lock(handle, Lock::Shared).err(),
        page.descriptor(handle).err(),
        page.changes(handle, wait).err(),
        page.close(handle).err(),
    ];
    errors.into_iter().map(|error| error.expect("it is refused").code).collect()
}

#[test]
fn a_handle_that_is_closed_forged_or_of_another_page_does_nothing() {
    let desk = Desk::new();
    let (page, other, stranger) = (desk.page(), desk.page(), desk.files.surface("console"));
    let handle = open(&page, "a", Mode::ReadWrite);
    page.write_at(handle, 0, b"mine").unwrap();
    for wrong in [0, 1, 2, u64::MAX, !handle.0, handle.0 ^ 1, handle.0.swap_bytes() ^ 7] {
        assert!(codes(&page, Handle(wrong)).iter().all(|code| *code == Code::BadHandle));
    }
    for other in [&other, &stranger] {
        assert!(codes(other, handle).iter().all(|code| *code == Code::BadHandle));
    }
    page.close(handle).unwrap();
    assert!(codes(&page, handle).iter().all(|code| *code == Code::BadHandle));
    for _ in 0..100 {
        assert_ne!(open(&page, "a", Mode::Read), handle, "no number is given again");
    }
    assert_eq!(desk.seen("a"), b"mine");
    let refused = stranger.open(&asks("a", Mode::Read)).unwrap_err();
    assert_eq!(refused.code, Code::NoGrant);
}

#[test]
fn a_handle_does_only_what_it_was_opened_for() {
    let desk = Desk::new();
    std::fs::write(desk.path("a"), b"abc").unwrap();
    let page = desk.page();
    let mut into = [0; 3];
    for mode in [Mode::Write, Mode::Append] {
        let error = page.read_at(open(&page, "a", mode), 0, &mut into).unwrap_err();
        assert_eq!(error.code, Code::NotPermitted);
    }
    let read = open(&page, "a", Mode::Read);
    assert_eq!(page.write_at(read, 0, b"x").unwrap_err().code, Code::ReadOnly);
    assert_eq!(page.set_length(read, 0).unwrap_err().code, Code::ReadOnly);
    let empty = Open { truncate: true, ..asks("a", Mode::Read) };
    assert_eq!(page.open(&empty).unwrap_err().code, Code::ReadOnly);
    for mode in [Mode::Write, Mode::ReadWrite, Mode::Append] {
        let error = page.open(&Open { workspace: READ_ONLY.to_owned(), ..asks("a", mode) });
        assert_eq!(error.unwrap_err().code, Code::ReadOnly);
    }
    let given = std::fs::File::from(page.descriptor(read).unwrap());
    assert!(given.write_at(b"x", 0).is_err(), "a descriptor has the mode of its handle");
    assert_eq!(desk.seen("a"), b"abc");
}

#[test]
fn a_place_that_no_file_has_is_refused() {
    let desk = Desk::new();
    let page = desk.page();
    let handle = open(&page, "a", Mode::ReadWrite);
    for offset in [u64::MAX, u64::MAX - 1, 1 << 63] {
        assert_eq!(page.write_at(handle, offset, b"xx").unwrap_err().code, Code::TooLarge);
        assert_eq!(page.set_length(handle, offset).unwrap_err().code, Code::TooLarge);
        assert_eq!(page.read_at(handle, offset, &mut [0; 2]).unwrap(), 0);
    }
    page.flush(handle).unwrap();
}

#[test]
fn one_handle_too_many_is_refused_and_room_is_made_by_closing() {
    let desk = Desk::with(Limits { handles_max: 3, ..Limits::default() });
    let (page, other) = (desk.page(), desk.page());
    let first = open(&page, "a", Mode::Write);
    let handles = [first, open(&page, "a", Mode::Write), open(&page, "a", Mode::Write)];
    let error = page.open(&asks("a", Mode::Read)).unwrap_err();
    assert_eq!(error.code, Code::TooMany);
    assert!(error.message.contains('3') && error.hint.is_some());
    assert_eq!(page.limits_used().handles, 3);
    open(&other, "a", Mode::Read);
    page.close(handles[1]).unwrap();
    open(&page, "a", Mode::Read);
}

#[test]
fn a_lock_is_kept_from_others_and_goes_with_its_handle() {
    let desk = Desk::new();
    let (one, other) = (desk.page(), desk.page());
    let (mine, yours) = (open(&one, "a", Mode::Write), open(&other, "a", Mode::Write));
    one.lock(mine, Lock::Exclusive).unwrap();
    for lock in [Lock::Exclusive, Lock::Shared] {
        assert_eq!(other.lock(yours, lock).unwrap_err().code, Code::Locked);
    }
    let outside = std::fs::File::open(desk.path("a")).unwrap();
    assert!(outside.try_lock_shared().is_err(), "other programs see it too");
    one.lock(mine, Lock::Shared).unwrap();
    other.lock(yours, Lock::Shared).unwrap();
    other.lock(yours, Lock::Release).unwrap();
    one.lock(mine, Lock::Exclusive).unwrap();
    // A descriptor that a page keeps does not keep the lock.
    let _given = one.descriptor(mine).unwrap();
    one.close(mine).unwrap();
    other.lock(yours, Lock::Exclusive).unwrap();
}

#[test]
fn a_page_that_goes_takes_its_locks_and_handles_along() {
    let desk = Desk::new();
    let (one, other) = (desk.page(), desk.page());
    let handle = open(&one, "a", Mode::Write);
    one.lock(handle, Lock::Exclusive).unwrap();
    let _given = one.descriptor(handle).unwrap();
    drop(one);
    other.lock(open(&other, "a", Mode::Write), Lock::Exclusive).unwrap();
}

#[test]
fn parts_of_many_files_come_in_their_order() {
    let desk = Desk::new();
    let page = desk.page();
    let handles = ["a", "b"].map(|name| {
        std::fs::write(desk.path(name), name.repeat(5)).unwrap();
        open(&page, name, Mode::Read)
    });
    let part = |file: usize, offset, length| Part { handle: handles[file].0, offset, length };
    let mut bytes = b"!".to_vec();
    let wanted = [part(0, 0, 2), part(1, 3, 9), part(0, 5, 1), part(0, 4, 1)];
    assert_eq!(page.read_many(&wanted, &mut bytes).unwrap(), [2, 2, 0, 1]);
    assert_eq!(bytes, b"!aabba");
    let error = page.read_many(&[part(0, 0, 8 << 20), part(0, 0, 1)], &mut bytes).unwrap_err();
    assert_eq!(error.code, Code::TooLarge);
}

#[test]
fn a_file_that_is_replaced_or_removed_stays_what_it_was_for_who_has_it_open() {
    let desk = Desk::new();
    std::fs::write(desk.path("a"), b"old").unwrap();
    let page = desk.page();
    let handle = open(&page, "a", Mode::Read);
    for _ in 0..40 {
        assert_eq!(page.read_at(handle, 0, &mut [0; 3]).unwrap(), 3);
    }
    std::fs::write(desk.path("b"), b"new and longer").unwrap();
    std::fs::rename(desk.path("b"), desk.path("a")).unwrap();
    assert_eq!(crate::desk::read(&page, handle), b"old");
    assert_eq!(crate::desk::read(&page, open(&page, "a", Mode::Read)), b"new and longer");
    let named = Named { workspace: W.to_owned(), path: "a".to_owned() };
    assert_eq!(page.stat_one(&named).unwrap().length, 14);
}

#[test]
fn a_page_that_may_open_no_more_neither_empties_nor_makes_a_file() {
    let desk = Desk::with(Limits { handles_max: 1, ..Limits::default() });
    std::fs::write(desk.path("a"), b"kept").unwrap();
    let page = desk.page();
    let handle = open(&page, "b", Mode::Write);
    let empty = Open { truncate: true, ..asks("a", Mode::Write) };
    assert_eq!(page.open(&empty).unwrap_err().code, Code::TooMany);
    assert_eq!(page.open(&asks("new", Mode::Write)).unwrap_err().code, Code::TooMany);
    assert_eq!(desk.seen("a"), b"kept");
    assert!(!desk.path("new").exists());
    page.close(handle).unwrap();
    assert_eq!(page.open(&empty).unwrap().1.length, 0);
    assert_eq!(desk.seen("a"), b"");
}

#[test]
fn a_page_leaves_watchers_to_other_programs() {
    let desk = Desk::new();
    let page = desk.page();
    let watch = Watch { workspace: W.to_owned(), path: String::new() };
    let watches: Vec<_> = (0..16).map(|_| page.watch(&watch).unwrap()).collect();
    assert_eq!(page.watch(&watch).unwrap_err().code, Code::TooMany);
    page.close(watches[0]).unwrap();
    page.watch(&watch).unwrap();
}
