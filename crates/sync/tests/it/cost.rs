//! What bringing many files to disk costs. It says a figure and holds nobody to it.

use std::fs;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Instant;

use oriel_sync::op::Outcome;

use crate::world::World;

#[test]
#[ignore = "it is measured on a machine that does nothing else"]
fn ten_thousand_small_files_by_many_threads() {
    const FILES: usize = 10_000;
    let world = World::new();
    for folder in 0..100 {
        fs::create_dir(world.path(&format!("folder{folder}"))).unwrap();
    }
    for pass in ["new", "replaced"] {
        let texts: Vec<_> = (0..FILES)
            .map(|file| format!("{pass} {file} ").repeat(4096 / 12).into_bytes())
            .collect();
        let begun = Instant::now();
        let entries: Vec<_> = texts.iter().map(|text| world.keep(text)).collect();
        world.contents.secure().unwrap();
        let kept = begun.elapsed();
        let next = AtomicUsize::new(0);
        let begun = Instant::now();
        thread::scope(|scope| {
            for _ in 0..64 {
                scope.spawn(|| {
                    loop {
                        let file = next.fetch_add(1, Ordering::Relaxed);
                        let Some(entry) = entries.get(file) else { return };
                        let path = format!("folder{}/file{file}", file % 100);
                        let seen = world.look(&path);
                        let applied = world.apply(&path, seen, entry.clone()).1;
                        assert_eq!(applied.outcome, Outcome::Done);
                    }
                });
            }
        });
        println!("{pass}: kept in {kept:?}, applied in {:?}", begun.elapsed());
    }
}
