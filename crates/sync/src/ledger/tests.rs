//! What was committed is there after the process is gone, all of it or nothing, and what is broken is not
//! believed.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};

use oriel_wire::sync::{Digest, Entry, LinkTarget, Problem};
use proptest::prelude::*;

use super::*;
use crate::conflict::{Conflict, ConflictKind};
use crate::journal::{Head, Pause, Proposed, Row};
use crate::look::Seen;
use crate::op::{Left, Op, OpId};
use crate::reconcile::Clash;
use crate::slots::Kept;
use crate::stat::{Kind, Stat};
use oriel_wire::sync::RelPath;

#[test]
fn a_commit_says_in_which_boot_it_was_made_and_nothing_before_does() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    let ledger = Ledger::open(&path, "one").unwrap();
    assert!(!ledger.is_same_boot(), "nothing was committed");
    ledger.set_about("root", "r1").unwrap();
    assert!(!ledger.is_same_boot());
    ledger.write(&[]).unwrap();
    assert!(ledger.is_same_boot());
    drop(ledger);
    assert!(Ledger::open(&path, "one").unwrap().is_same_boot());
    let ledger = Ledger::open(&path, "two").unwrap();
    assert!(!ledger.is_same_boot());
    assert_eq!(ledger.about("root").unwrap().as_deref(), Some("r1"));
    ledger.set_about("root", "r2").unwrap();
    drop(ledger);
    let ledger = Ledger::open(&path, "one").unwrap();
    assert!(ledger.is_same_boot(), "a fact about it is no commit");
    assert_eq!(ledger.about("root").unwrap().as_deref(), Some("r2"));
    assert_eq!(ledger.about("other").unwrap(), None);
}

#[test]
fn a_ledger_is_its_owners_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    let ledger = Ledger::open(&path, "one").unwrap();
    ledger.write(&[Write::Head(Head::default())]).unwrap();
    let again = Ledger::open(&path, "one");
    assert!(matches!(again, Err(LedgerError::InUse { .. })), "{again:?}");
    #[cfg(unix)]
    for file in std::fs::read_dir(folder.path()).unwrap() {
        use std::os::unix::fs::PermissionsExt as _;
        let file = file.unwrap();
        let mode = file.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{file:?}");
    }
}

#[test]
fn another_file_in_its_place_is_told_and_not_touched() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    std::fs::write(&path, b"some text that somebody wrote here".repeat(99)).unwrap();
    assert!(matches!(Ledger::open(&path, "one"), Err(LedgerError::Broken { .. })));
    std::fs::remove_file(&path).unwrap();
    Connection::open(&path).unwrap().execute_batch("CREATE TABLE t (x)").unwrap();
    let bytes = std::fs::read(&path).unwrap();
    assert!(matches!(Ledger::open(&path, "one"), Err(LedgerError::NotOurs { .. })));
    assert!(std::fs::read(&path).unwrap() == bytes);
    std::fs::remove_file(&path).unwrap();
    drop(Ledger::open(&path, "one").unwrap());
    Connection::open(&path).unwrap().execute_batch("PRAGMA user_version = 9").unwrap();
    let other = Ledger::open(&path, "one").unwrap_err();
    assert!(matches!(other, LedgerError::Version { found: 9, known: 1, .. }), "{other}");
    let nowhere = Ledger::open(&folder.path().join("none/ledger.db"), "one").unwrap_err();
    assert!(matches!(nowhere, LedgerError::File { .. }), "{nowhere}");
}

#[test]
fn what_is_broken_is_told_or_is_as_it_was_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    let ledger = Ledger::open(&path, "one").unwrap();
    let rows = (0..200).map(|number| {
        let path = RelPath::parse(&format!("folder/{number:03}")).unwrap();
        Write::Row(path, Some(row(u8::try_from(number).unwrap())))
    });
    ledger.write(&rows.collect::<Vec<_>>()).unwrap();
    let written = ledger.read().unwrap();
    drop(ledger);
    let whole = std::fs::read(&path).unwrap();
    let mut random = fastrand::Rng::with_seed(3);
    let mut told = 0;
    for _ in 0..200 {
        let mut bytes = whole.clone();
        let at = random.usize(..bytes.len());
        bytes[at] ^= 1 << random.u8(..8);
        std::fs::write(&path, bytes).unwrap();
        match Ledger::open(&path, "one").and_then(|ledger| ledger.read()) {
            // Not every byte of the file means something, and a page may be lost as a whole.
            Ok(read) => {
                for (path, row) in &read.rows {
                    assert!(written.rows.iter().any(|(it, as_was)| it == path && as_was == row));
                }
            }
            Err(error) => {
                told += 1;
                assert!(error.to_string().contains("ledger.db"), "{error}");
            }
        }
    }
    assert!(50 < told, "{told}");
    std::fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    let half = Ledger::open(&path, "one").and_then(|ledger| ledger.read()).unwrap_err();
    assert!(matches!(half, LedgerError::Broken { .. }), "{half:?}");
}

#[test]
fn a_full_disk_leaves_what_was_committed_and_what_comes_later_fits_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    let ledger = Ledger::open(&path, "one").unwrap();
    let name = |number: u32| RelPath::parse(&format!("{number:06}")).unwrap();
    let first = Write::Row(name(0), Some(row(1)));
    ledger.write(&[first]).unwrap();
    let many: Vec<_> = (0..2000).map(|number| Write::Row(name(number), Some(row(2)))).collect();
    let pages = |count: u32| {
        let inner = ledger.inner();
        inner.connection.pragma_update(None, "max_page_count", count).unwrap();
    };
    pages(10);
    let full = ledger.write(&many).unwrap_err();
    assert!(matches!(full, LedgerError::Full { .. }), "{full:?}");
    assert_eq!(ledger.commit(&many), Err(Fault::Full));
    assert_eq!(ledger.read().unwrap().rows, [(name(0), row(1))]);
    pages(100_000);
    ledger.write(&many).unwrap();
    assert_eq!(ledger.read().unwrap().rows.len(), 2000);
}

/// Where the child writes. It is this program, started again for one test.
const PATH: &str = "ORIEL_LEDGER_CHILD_PATH";

#[test]
fn what_a_killed_process_said_it_committed_is_there_and_nothing_half() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    let mut random = fastrand::Rng::with_seed(7);
    let mut committed = 0;
    for kill in 0..12 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "ledger::tests::the_child_that_is_killed",
                "--ignored",
                "--nocapture",
            ])
            .env(PATH, &path)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let number = |line: &str| line.strip_prefix("committed ").and_then(|it| it.parse().ok());
        let mut said: u64 = committed;
        for _ in 0..random.u32(1..9) {
            let lines = lines.by_ref().map_while(Result::ok);
            said = lines.filter_map(|line| number(&line)).next().unwrap();
        }
        for _ in 0..random.u32(..200_000) {
            std::hint::spin_loop();
        }
        child.kill().unwrap();
        child.wait().unwrap();
        for line in lines.map_while(Result::ok) {
            said = number(&line).unwrap_or(said);
        }
        let ledger = Ledger::open(&path, "two").unwrap();
        let saved = ledger.read().unwrap();
        assert!(committed < said && said <= saved.head.seq, "kill {kill}: {said} {saved:?}");
        committed = saved.head.seq;
        // Each commit has the same number in all that it writes.
        assert_eq!(saved.rows.len(), 50, "kill {kill}");
        assert!(saved.rows.iter().all(|(_, row)| row.rev == committed), "kill {kill}");
        assert!(!ledger.is_same_boot());
    }
}

#[test]
#[ignore = "it is started by the test above and has nothing to do without it"]
#[expect(clippy::disallowed_methods, reason = "a test has no other arguments")]
fn the_child_that_is_killed() {
    let Some(path) = std::env::var_os(PATH) else { return };
    let ledger = Ledger::open(Path::new(&path), "one").unwrap();
    let mut seq = ledger.read().unwrap().head.seq;
    loop {
        seq += 1;
        let rows = (0..50).map(|number| {
            let path = RelPath::parse(&format!("{number}")).unwrap();
            Write::Row(path, Some(Row { rev: seq, ..row(1) }))
        });
        let head = Write::Head(Head { seq, ..Head::default() });
        ledger.write(&rows.chain([head]).collect::<Vec<_>>()).unwrap();
        let mut out = std::io::stdout();
        if writeln!(out, "\ncommitted {seq}").and_then(|()| out.flush()).is_err() {
            return;
        }
    }
}

#[test]
#[ignore = "it measures; run it with `--release --ignored --nocapture`"]
fn how_long_a_hundred_thousand_rows_take() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    let ledger = Ledger::open(&path, "one").unwrap();
    let name = |number: u32| {
        let (a, b) = (number / 10_000, number / 100 % 100);
        RelPath::parse(&format!("packages/p{a}/source/part{b}/file{number}.ts")).unwrap()
    };
    let rows: Vec<_> = (0..100_000)
        .map(|number| Write::Row(name(number), Some(row((number % 251) as u8))))
        .collect();
    let began = std::time::Instant::now();
    ledger.write(&rows).unwrap();
    println!("{:?} to write {} rows at once", began.elapsed(), rows.len());
    drop(ledger);
    println!("{} bytes", std::fs::metadata(&path).unwrap().len());
    let began = std::time::Instant::now();
    let ledger = Ledger::open(&path, "one").unwrap();
    let count = ledger.read().unwrap().rows.len();
    println!("{:?} to open and load {count} rows", began.elapsed());
    let began = std::time::Instant::now();
    let inner = ledger.inner();
    let found: String =
        inner.connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0)).unwrap();
    println!("{:?} for a quick check: {found}", began.elapsed());
    drop(inner);
    let mut times: Vec<_> = (0..1000_u32)
        .map(|number| {
            // What is written as it was is no change, and not synced.
            let other = Row { rev: u64::from(number), ..row(1) };
            let write = [Write::Row(name(number * 97), Some(other))];
            let began = std::time::Instant::now();
            ledger.write(&write).unwrap();
            began.elapsed()
        })
        .collect();
    times.sort();
    println!("{:?} for one row, {:?} for the slowest of a hundred", times[500], times[990]);
}

/// What a ledger is compared with.
#[derive(Debug, Default)]
struct Model {
    rows: BTreeMap<RelPath, Row>,
    ops: BTreeMap<OpId, Op>,
    kept: BTreeMap<OpId, Kept>,
    conflicts: BTreeMap<OpId, Conflict>,
    head: Head,
}

impl Model {
    fn write(&mut self, write: Write) {
        match write {
            Write::Row(path, row) => set(&mut self.rows, path, row),
            Write::Op(op) => _ = self.ops.insert(op.id, op),
            Write::EndOp(id) => _ = self.ops.remove(&id),
            Write::Kept(id, kept) => set(&mut self.kept, id, kept),
            Write::Conflict(id, conflict) => set(&mut self.conflicts, id, conflict),
            Write::Head(head) => self.head = head,
        }
    }

    fn saved(self) -> Saved {
        Saved {
            rows: self.rows.into_iter().collect(),
            ops: self.ops.into_values().collect(),
            kept: self.kept.into_iter().collect(),
            conflicts: self.conflicts.into_iter().collect(),
            head: self.head,
        }
    }
}

fn set<K: Ord, V>(map: &mut BTreeMap<K, V>, key: K, value: Option<V>) {
    match value {
        Some(value) => _ = map.insert(key, value),
        None => _ = map.remove(&key),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn what_is_read_is_what_was_written(
        commits in proptest::collection::vec(proptest::collection::vec(any_write(), 0..6), 0..12),
        opens in 1..4_usize,
    ) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ledger.db");
        let mut model = Model::default();
        let mut ledger = Ledger::open(&path, "one").unwrap();
        for (number, commit) in commits.into_iter().enumerate() {
            ledger.commit(&commit).unwrap();
            commit.into_iter().for_each(|write| model.write(write));
            if number % opens == 0 {
                drop(ledger);
                ledger = Ledger::open(&path, "one").unwrap();
            }
        }
        drop(ledger);
        let mut saved = Ledger::open(&path, "one").unwrap().load().unwrap();
        saved.rows.sort_by(|(a, _), (b, _)| a.cmp(b));
        prop_assert_eq!(saved, model.saved());
    }
}

fn any_write() -> impl Strategy<Value = Write> {
    let id = || {
        (0..4_u8, any::<bool>())
            .prop_map(|(id, high)| OpId(u128::from(id) << if high { 120 } else { 0 }))
    };
    let path = || "[abé-]{1,2}(/[ab]){0,2}".prop_map(|text| RelPath::parse(&text).unwrap());
    let row = (any_entry(), any_entry(), any_entry(), any_stat(), any::<u64>(), any_entry());
    let row = row.prop_map(|(agreed, here, there, stat, rev, new)| Row {
        proposed: stat.map(|_| Proposed {
            op: OpId(u128::from(rev) << 64),
            new,
            base: agreed.clone(),
            base_rev: rev,
        }),
        agreed,
        here: Seen { entry: here, stat },
        there,
        rev,
    });
    let op = (id(), path(), any_entry(), any_stat(), proptest::option::of(id()));
    let op = op.prop_map(|(id, path, new, stat, proposal)| Op {
        id,
        path,
        expected: Entry::Dir,
        stat,
        agreed: new.clone(),
        new,
        proposal,
    });
    let kept = (path(), any_entry(), any_stat(), any::<bool>(), any::<u64>(), any::<u8>());
    let kept = kept.prop_map(|(path, holds, stat, is_rescued, since_ms, checks)| Kept {
        path,
        left: Left { holds, stat, is_rescued },
        since_ms,
        checks,
    });
    let kind = prop_oneof![
        Just(ConflictKind::Both(Clash::Edit)),
        Just(ConflictKind::Both(Clash::Type)),
        Just(ConflictKind::LateHere),
        Just(ConflictKind::LateThere),
    ];
    let conflict = (path(), kind, any_entry(), any_entry(), any::<u64>());
    let conflict = conflict.prop_map(|(path, kind, local, upstream, opened_ms)| Conflict {
        path,
        kind,
        base: Entry::Absent,
        local,
        upstream,
        opened_ms,
    });
    let pause = prop_oneof![
        Just(Pause::RemoteReset),
        Just(Pause::RootGone),
        (any::<usize>(), any::<bool>()).prop_map(|(files, here)| Pause::MassDelete { files, here }),
    ];
    let head = (any::<Option<u64>>(), any::<u64>(), proptest::option::of(pause));
    prop_oneof![
        3 => (path(), proptest::option::of(row)).prop_map(|(path, row)| Write::Row(path, row)),
        1 => op.prop_map(Write::Op),
        1 => id().prop_map(Write::EndOp),
        1 => (id(), proptest::option::of(kept)).prop_map(|(id, kept)| Write::Kept(id, kept)),
        1 => (id(), proptest::option::of(conflict)).prop_map(|(id, it)| Write::Conflict(id, it)),
        1 => head.prop_map(|(epoch, seq, pause)| Write::Head(Head { epoch, seq, pause })),
    ]
}

fn any_entry() -> impl Strategy<Value = Entry> {
    let file = (any::<[u8; 32]>(), any::<u64>(), any::<bool>());
    let link = LinkTarget::parse(&RelPath::parse("a/b").unwrap(), "../ä").unwrap();
    prop_oneof![
        Just(Entry::Absent),
        Just(Entry::Dir),
        file.prop_map(|(digest, size, exec)| Entry::File { digest: Digest(digest), size, exec }),
        Just(Entry::Symlink { target: link }),
        Just(Entry::Untracked),
        proptest::sample::select(&Problem::ALL[..]).prop_map(Entry::Problem),
    ]
}

fn any_stat() -> impl Strategy<Value = Option<Stat>> {
    let kind =
        prop_oneof![Just(Kind::File), Just(Kind::Dir), Just(Kind::Symlink), Just(Kind::Special),];
    let stat = (kind, any::<u64>(), any::<u64>(), any::<i64>(), any::<i64>(), any::<u32>());
    proptest::option::of(stat.prop_map(|(kind, ino, size, mtime_ns, ctime_ns, mode)| Stat {
        kind,
        dev: ino ^ 7,
        ino,
        size,
        mtime_ns,
        ctime_ns,
        mode,
    }))
}

fn row(byte: u8) -> Row {
    let entry = Entry::File { digest: Digest([byte; 32]), size: 4000, exec: false };
    let stat = Stat {
        kind: Kind::File,
        dev: 2049,
        ino: 1_234_567,
        size: 4000,
        mtime_ns: 1_790_000_000_123_456_789,
        ctime_ns: 1_790_000_000_123_456_789,
        mode: 0o100_644,
    };
    Row {
        agreed: entry.clone(),
        here: Seen { entry: entry.clone(), stat: Some(stat) },
        there: entry,
        rev: 12_345,
        proposed: None,
    }
}
