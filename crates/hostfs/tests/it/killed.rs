//! A process that is killed loses at most what it had not synced, and what it was replacing is the old
//! file or the new one.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};

use oriel_hostfs::Limits;
use oriel_wire::hostfs::{Create, Mode, Replace};

use crate::desk::{Desk, LABEL, W, asks};

const KILLS: u64 = 100;
const RECORD: usize = 100;

/// Where the child writes. It is this program, started again for one test.
const FOLDER: &str = "ORIEL_HOSTFS_CHILD_FOLDER";

#[test]
fn what_was_synced_outlives_a_kill_and_a_replaced_file_is_whole() {
    let folder = tempfile::tempdir().unwrap();
    let mut random = fastrand::Rng::with_seed(7);
    let mut synced_before = 0;
    for kill in 0..KILLS {
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "killed::the_child_that_is_killed", "--ignored", "--nocapture"])
            .env(FOLDER, folder.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn();
        let mut child = child.unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let patience = random.u64(1..4);
        let mut synced = synced_before;
        for _ in 0..patience {
            let line =
                lines.by_ref().map_while(Result::ok).find(|line| line.starts_with("synced "));
            synced = line.unwrap()["synced ".len()..].parse().unwrap();
        }
        for _ in 0..random.u32(..200_000) {
            std::hint::spin_loop();
        }
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(synced_before < synced);
        // What it said meanwhile counts as well.
        for line in lines.map_while(Result::ok) {
            if let Some(more) = line.strip_prefix("synced ").and_then(|it| it.parse().ok()) {
                synced = more;
            }
        }
        check(folder.path(), synced, kill);
        synced_before = synced;
    }
}

/// Checks that all records up to one are there, and that nothing else looks like a file of ours.
fn check(folder: &Path, synced: u64, kill: u64) {
    let bytes = std::fs::read(folder.join("records")).unwrap();
    let whole: Vec<_> = bytes.chunks_exact(RECORD).collect();
    assert!(synced <= whole.len() as u64, "kill {kill}: {synced} synced, {} there", whole.len());
    for (number, bytes) in whole.iter().enumerate().take(synced as usize) {
        assert!(*bytes == record(number as u64), "kill {kill}: record {number}");
    }
    let replaced = std::fs::read(folder.join("replaced")).unwrap();
    let number = u64::from_le_bytes(*replaced.first_chunk().unwrap());
    assert!(replaced == replacement(number), "kill {kill}: the file is torn");
    assert!(synced <= number + 1, "kill {kill}: {synced} synced and {number} replaced");
}

fn record(number: u64) -> Vec<u8> {
    let mut bytes = format!("{number:>99}").into_bytes();
    bytes.push(b'\n');
    bytes
}

fn replacement(number: u64) -> Vec<u8> {
    let length = 1 + number % 5000;
    number.to_le_bytes().repeat(length as usize)
}

#[test]
#[ignore = "it is started by the test above and has nothing to do without it"]
#[expect(clippy::disallowed_methods, reason = "a test has no other arguments")]
fn the_child_that_is_killed() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let files = Desk::files(Path::new(&folder), Limits::default());
    let page = files.surface(LABEL);
    let (handle, stat) = page.open(&asks("records", Mode::ReadWrite)).unwrap();
    let mut number = stat.length / RECORD as u64;
    // What was not synced may have come in part.
    page.set_length(handle, number * RECORD as u64).unwrap();
    let replace =
        Replace { workspace: W.to_owned(), path: "replaced".to_owned(), create: Create::May };
    loop {
        page.write_at(handle, number * RECORD as u64, &record(number)).unwrap();
        page.replace(&replace, &replacement(number)).unwrap();
        number += 1;
        if number.is_multiple_of(3) {
            page.sync(handle).unwrap();
            let mut out = std::io::stdout();
            if writeln!(out, "\nsynced {number}").and_then(|()| out.flush()).is_err() {
                return;
            }
        }
    }
}
