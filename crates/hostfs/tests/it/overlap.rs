//! Eight readers and two writers on one file at the same time: no read is torn within a record that is
//! written at once and read at once by the system, and nothing that was written is lost.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use oriel_wire::hostfs::Mode;

use crate::desk::{Desk, open};

const RECORDS: u64 = 4096;
const RECORD: usize = 512;
const ROUNDS: u64 = 4;

/// A record says its place and the round in which it was written, over and over.
fn record(place: u64, round: u64) -> Vec<u8> {
    let word = (place << 16 | round).to_le_bytes();
    word.repeat(RECORD / word.len())
}

/// Returns the round in which a record was written, if it is whole.
fn round_of(place: u64, bytes: &[u8]) -> Option<u64> {
    let (words, _) = bytes.as_chunks::<8>();
    let first = u64::from_le_bytes(words[0]);
    let is_whole = words.iter().all(|word| u64::from_le_bytes(*word) == first);
    (is_whole && first >> 16 == place).then_some(first & 0xffff)
}

#[test]
fn readers_and_writers_of_one_file_do_not_hold_each_other_up_or_mix_things_up() {
    let desk = Desk::new();
    let first: Vec<u8> = (0..RECORDS).flat_map(|place| record(place, 0)).collect();
    std::fs::write(desk.path("a"), &first).unwrap();
    let page = desk.page();
    let shared = open(&page, "a", Mode::ReadWrite);
    let (is_over, reads, torn) = (AtomicBool::new(false), AtomicU64::new(0), AtomicU64::new(0));
    std::thread::scope(|scope| {
        for reader in 0..8_u64 {
            let (page, is_over, reads, torn, desk) = (&page, &is_over, &reads, &torn, &desk);
            scope.spawn(move || {
                let own = desk.page();
                let own_handle = open(&own, "a", Mode::Read);
                let mut random = fastrand::Rng::with_seed(reader);
                let mut into = vec![0; RECORD];
                while !is_over.load(Ordering::Relaxed) {
                    let place = random.u64(..RECORDS);
                    let (page, handle) =
                        if reader % 2 == 0 { (page, shared) } else { (&own, own_handle) };
                    let came = page.read_at(handle, place * RECORD as u64, &mut into).unwrap();
                    assert_eq!(came, RECORD);
                    reads.fetch_add(1, Ordering::Relaxed);
                    match round_of(place, &into) {
                        Some(round) => assert!(round <= ROUNDS),
                        // Nothing promises that one sees all of a record or nothing while it is written;
                        // but what one sees is of this record.
                        None => {
                            torn.fetch_add(1, Ordering::Relaxed);
                            let (words, _) = into.as_chunks::<8>();
                            let is_here = |word| u64::from_le_bytes(word) >> 16 == place;
                            assert!(words.iter().all(|word| is_here(*word)), "{place}");
                        }
                    }
                }
            });
        }
        let writers: Vec<_> = (0..2_u64)
            .map(|writer| {
                let (page, desk) = (&page, &desk);
                scope.spawn(move || {
                    let own = desk.page();
                    let own_handle = open(&own, "a", Mode::ReadWrite);
                    let (page, handle) =
                        if writer == 0 { (page, shared) } else { (&own, own_handle) };
                    let mut into = vec![0; RECORD];
                    for round in 1..=ROUNDS {
                        for place in (writer..RECORDS).step_by(2) {
                            let at = place * RECORD as u64;
                            page.write_at(handle, at, &record(place, round)).unwrap();
                            if place % 64 < 2 {
                                page.read_at(handle, at, &mut into).unwrap();
                                assert_eq!(round_of(place, &into), Some(round), "its own write");
                            }
                        }
                    }
                    page.flush(handle).unwrap();
                })
            })
            .collect();
        for writer in writers {
            writer.join().unwrap();
        }
        is_over.store(true, Ordering::Relaxed);
    });
    let last: Vec<u8> = (0..RECORDS).flat_map(|place| record(place, ROUNDS)).collect();
    assert!(desk.seen("a") == last, "the last round is in the file");
    assert!(RECORDS < reads.into_inner(), "readers were not held up");
}
