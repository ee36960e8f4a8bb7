//! A file that is read often is mapped, and nobody can tell but by the clock.

use std::os::unix::fs::FileExt as _;

use oriel_hostfs::{Handle, Limits, Surface};
use oriel_wire::hostfs::{Code, Mode};

use crate::desk::{Desk, open, read};

const LENGTH: usize = 100_000;

/// Reads so often that the file is mapped.
fn read_often(page: &Surface, handle: Handle) {
    let mut into = [0; 64];
    for at in 0..40 {
        assert_eq!(page.read_at(handle, at * 100, &mut into).unwrap(), 64);
    }
}

fn mapped(page: &Surface) -> u64 {
    page.limits_used().mapped_bytes
}

#[test]
fn what_others_write_is_seen_through_a_mapping_and_so_is_growth() {
    let desk = Desk::new();
    std::fs::write(desk.path("a"), vec![1; LENGTH]).unwrap();
    let page = desk.page();
    let handle = open(&page, "a", Mode::ReadWrite);
    read_often(&page, handle);
    assert_eq!(mapped(&page), LENGTH as u64);
    let outside = std::fs::OpenOptions::new().write(true).open(desk.path("a")).unwrap();
    outside.write_all_at(&[2; 10], 50).unwrap();
    page.write_at(handle, 60, &[3; 10]).unwrap();
    let mut into = [0; 20];
    page.read_at(handle, 50, &mut into).unwrap();
    assert_eq!(into, [[2; 10], [3; 10]].concat().as_slice());
    outside.write_all_at(&[4; 10], LENGTH as u64).unwrap();
    assert_eq!(page.read_at(handle, LENGTH as u64 - 5, &mut into).unwrap(), 15);
    assert_eq!(into[..15], [[1; 5].as_slice(), &[4; 10]].concat());
    for _ in 0..40 {
        page.read_at(handle, LENGTH as u64, &mut into[..10]).unwrap();
    }
    assert_eq!(mapped(&page), LENGTH as u64 + 10, "it is mapped anew");
}

#[test]
fn a_file_that_is_cut_short_under_its_mapping_is_told_once() {
    // Inside the last page that is read, inside one before it, at the end of one, and before all.
    for cut in [17_000, 4096 * 3 + 5, 4096 * 3, 10] {
        let desk = Desk::new();
        std::fs::write(desk.path("a"), vec![1; LENGTH]).unwrap();
        let page = desk.page();
        let handle = open(&page, "a", Mode::Read);
        read_often(&page, handle);
        let outside = std::fs::OpenOptions::new().write(true).open(desk.path("a")).unwrap();
        outside.set_len(cut).unwrap();
        let mut into = vec![0; 9000];
        let error = page.read_at(handle, 4096 * 2, &mut into).unwrap_err();
        assert_eq!(error.code, Code::CutShort, "{error}");
        assert_eq!(mapped(&page), 0);
        assert_eq!(read(&page, handle), vec![1; cut as usize]);
        // What one's own engine cuts is no surprise.
        read_often_if(&page, handle, cut);
        let writer = open(&page, "a", Mode::Write);
        page.set_length(writer, 1).unwrap();
        assert_eq!(page.read_at(handle, 0, &mut into).unwrap(), 1);
    }
}

fn read_often_if(page: &Surface, handle: Handle, length: u64) {
    if 4100 < length {
        read_often(page, handle);
        assert_eq!(mapped(page), length);
    }
}

#[test]
fn zeros_are_as_good_as_any_bytes() {
    let desk = Desk::new();
    std::fs::write(desk.path("a"), vec![0; LENGTH]).unwrap();
    let page = desk.page();
    let handle = open(&page, "a", Mode::Read);
    read_often(&page, handle);
    assert_eq!(mapped(&page), LENGTH as u64);
    assert_eq!(read(&page, handle), vec![0; LENGTH]);
}

#[test]
fn what_was_read_longest_ago_goes_and_what_is_too_long_never_comes() {
    let desk = Desk::with(Limits { mapped_bytes_max: 2 * LENGTH as u64, ..Limits::default() });
    let page = desk.page();
    let handles = ["a", "b", "c"].map(|name| {
        std::fs::write(desk.path(name), vec![1; LENGTH]).unwrap();
        open(&page, name, Mode::Read)
    });
    for handle in handles {
        read_often(&page, handle);
        assert!(mapped(&page) <= 2 * LENGTH as u64);
    }
    assert_eq!(mapped(&page), 2 * LENGTH as u64);
    std::fs::write(desk.path("long"), vec![1; 2 * LENGTH + 1]).unwrap();
    read_often(&page, open(&page, "long", Mode::Read));
    assert_eq!(mapped(&page), 2 * LENGTH as u64);
    for handle in handles {
        assert_eq!(read(&page, handle), vec![1; LENGTH]);
    }
}
