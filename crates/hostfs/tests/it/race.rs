//! Somebody swaps a folder for a link that leads out, as fast as the system can, while a page goes
//! through it.

use std::fs;
use std::os::unix::fs::symlink;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use oriel_hostfs::Resolving;
use oriel_wire::hostfs::{Code, Create, Mode};
use rustix::fs::{CWD, RenameFlags};

use crate::page::Page;
use crate::world::{SECRET, World};

#[test]
fn a_swap_at_the_same_moment_leads_nowhere() {
    race(Resolving::Best, 100_000);
}

#[test]
fn a_swap_between_two_steps_leads_nowhere() {
    race(Resolving::Steps, 20_000);
}

fn race(way: Resolving, rounds: u32) {
    let world = World::new();
    let (folder, link) = (world.inside().join("race"), world.inside().join("other"));
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("secret"), "mine").unwrap();
    symlink("../outside", &link).unwrap();
    let page = Page::new(&world.inside(), &world.hidden(), way);
    let before = world.untouchable();
    let (is_over, swaps) = (AtomicBool::new(false), AtomicU64::new(0));
    let (mut went, mut led_out) = (0, 0);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                let (flags, both) = (RenameFlags::EXCHANGE, (&folder, &link));
                rustix::fs::renameat_with(CWD, both.0, CWD, both.1, flags).unwrap();
                swaps.fetch_add(1, Ordering::Relaxed);
            }
        });
        // Whatever fails below, the other thread ends.
        let _over = Over(&is_over);
        for round in 0..rounds {
            let got = match round % 8 {
                // It takes a hundred times longer than the others.
                0 if round % 512 == 0 => page.replace("race/secret", Create::May, b"mine"),
                0 | 1 => page.read("race/secret"),
                2 => page.write("race/secret", Mode::Write, Create::May, true),
                3 => page.stat("race/secret"),
                4 => page.list("race"),
                5 => page.make_folder("race/new", true),
                6 => page.remove("race/new", true, false),
                _ => page
                    .rename("race/secret", "race/secret2", false)
                    .and_then(|_| page.rename("race/secret2", "race/secret", false)),
            };
            match got {
                Ok(bytes) => {
                    went += 1;
                    assert!(!bytes.windows(SECRET.len()).any(|part| part == SECRET), "{round}");
                }
                Err(error) => led_out += u32::from(error.code == Code::Outside),
            }
        }
    });
    assert_eq!(world.untouchable(), before);
    assert!(swaps.into_inner() > 0, "somebody swapped");
    assert!(went > 0 && led_out > 0, "both were met: {went}, {led_out}");
}

struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
