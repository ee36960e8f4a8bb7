//! Eight readers and two writers on one file, for as long as one likes: whatever a reader sees of a record
//! belongs to it, and its writer finds there what it wrote.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use oriel_hostfs::{Config, Files, Grant, Grants, Handle, Limits, Surface};
use oriel_wire::hostfs::{Mode, WorkspaceAccess};

use super::{W, asks};

const RECORDS: u64 = 8192;

/// Records of different lengths, so that some go by a mapping, some are held behind and some are not.
fn length(place: u64) -> usize {
    [128, 4096, 100, 20_000, 512, 70_000, 8, 3000][(place % 8) as usize]
}

fn offset(place: u64) -> u64 {
    place / 8 * (0..8).map(|it| length(it) as u64).sum::<u64>()
        + (0..place % 8).map(|it| length(it) as u64).sum::<u64>()
}

fn record(place: u64, round: u64) -> Vec<u8> {
    let mark = (place as u8).wrapping_mul(31);
    (0..length(place)).map(|at| if at % 2 == 0 { mark } else { round as u8 }).collect()
}

pub(crate) fn run(time: Duration) {
    let folder = tempfile::tempdir().unwrap();
    let first: Vec<u8> = (0..RECORDS).flat_map(|place| record(place, 0)).collect();
    std::fs::write(folder.path().join("a"), &first).unwrap();
    let root = folder.path().canonicalize().unwrap();
    let grants = Grants::fixed(vec![Grant::new(W, "bench", root, WorkspaceAccess::ReadWrite)]);
    let files = Files::new(Config { grants, limits: Limits::default() });
    let until = Instant::now() + time;
    let (reads, writes) = (AtomicU64::new(0), AtomicU64::new(0));
    let open = || {
        let page = files.surface("bench");
        let handle = page.open(&asks("a", Mode::ReadWrite)).unwrap().0;
        (page, handle)
    };
    std::thread::scope(|scope| {
        for seed in 0..8 {
            let (reads, (page, handle)) = (&reads, open());
            scope.spawn(move || {
                let mut random = fastrand::Rng::with_seed(seed);
                while Instant::now() < until {
                    look(&page, handle, random.u64(..RECORDS), None);
                    reads.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        for seed in 0..2 {
            let (writes, (page, handle)) = (&writes, open());
            scope.spawn(move || {
                let mut random = fastrand::Rng::with_seed(100 + seed);
                while Instant::now() < until {
                    // Each writer has the records of its own, by pairs.
                    let place = random.u64(..RECORDS / 2) * 2 + seed;
                    let round = random.u64(..256);
                    page.write_at(handle, offset(place), &record(place, round)).unwrap();
                    look(&page, handle, place, Some(round));
                    writes.fetch_add(1, Ordering::Relaxed);
                }
                page.sync(handle).unwrap();
            });
        }
    });
    let (page, handle) = open();
    for place in 0..RECORDS {
        look(&page, handle, place, None);
    }
    println!("{} reads and {} writes, all of them right", reads.into_inner(), writes.into_inner());
}

fn look(page: &Surface, handle: Handle, place: u64, round: Option<u64>) {
    let mut into = vec![0; length(place)];
    assert_eq!(page.read_at(handle, offset(place), &mut into).unwrap(), into.len());
    let mark = record(place, 0)[0];
    assert!(into.iter().step_by(2).all(|byte| *byte == mark), "record {place} is mixed up");
    if let Some(round) = round {
        assert!(into == record(place, round), "record {place} is not what was just written");
    }
}
