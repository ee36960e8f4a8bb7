//! Whoever reads a file while it is replaced finds the old one or the new one, and always one of them.

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use oriel_sync::folder::{Means, Options};
use oriel_sync::op::Outcome;

use crate::world::{World, disks};

const FILE_BYTES: usize = 200 * 1024;

#[test]
fn a_reader_finds_a_whole_file_at_every_moment() {
    for disk in disks() {
        replaced_under_a_reader(&World::on(disk, Options::default()));
    }
    let options = Options { means: Some(Means::Links), ..Options::default() };
    replaced_under_a_reader(&World::on(tempfile::tempdir().unwrap(), options));
}

fn replaced_under_a_reader(world: &World) {
    let path = world.path("file");
    fs::write(&path, whole(0)).unwrap();
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mut reads = 0;
            while !is_over.load(Ordering::Relaxed) {
                assert_eq!(fs::metadata(&path).unwrap().len(), FILE_BYTES as u64);
                let bytes = fs::read(&path).unwrap();
                assert_eq!(bytes, whole(bytes[0]));
                reads += 1;
            }
            reads
        });
        for round in 1..=200_u8 {
            let seen = world.look("file");
            let new = world.keep(&whole(round));
            assert_eq!(world.apply("file", seen, new).1.outcome, Outcome::Done);
        }
        is_over.store(true, Ordering::Relaxed);
        assert!(reader.join().unwrap() > 0);
    });
}

fn whole(round: u8) -> Vec<u8> {
    vec![round; FILE_BYTES]
}
