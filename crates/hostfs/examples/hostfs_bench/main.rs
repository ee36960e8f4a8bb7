//! Measures the engine beside plain calls of the system, in one run: each row is measured by turns, and
//! its ratio is the median of the turns' ratios. `cargo xtask bench hostfs` runs it.
//!
//! `hostfs_bench [FOLDER] [--runs N] [--mib N]` measures; `hostfs_bench --overlap SECONDS` has eight
//! readers and two writers use one file for so long and checks all they see.

#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a program for a terminal")]

use std::fs::File;
use std::hint::black_box;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use oriel_hostfs::{Config, Files, Grant, Grants, Handle, Limits, Surface};
use oriel_wire::hostfs::{Create, Mode, Named, Open, WorkspaceAccess};

mod overlap;

const W: &str = "w";

fn main() {
    let mut arguments = std::env::args().skip(1);
    let (mut folder, mut runs, mut mib) = (None, 7, 1024);
    while let Some(argument) = arguments.next() {
        let mut number = || arguments.next().and_then(|it| it.parse().ok()).expect("a number");
        match argument.as_str() {
            "--runs" => runs = number(),
            "--mib" => mib = number(),
            "--overlap" => return overlap::run(Duration::from_secs(number())),
            _ => folder = Some(PathBuf::from(argument)),
        }
    }
    let folder = match folder {
        Some(parent) => tempfile::tempdir_in(parent).unwrap(),
        None => tempfile::tempdir().unwrap(),
    };
    let bench = Bench::new(folder.path(), mib << 20);
    println!(
        "{} runs, {mib} MiB, in {}, built {}\n",
        runs,
        folder.path().display(),
        if cfg!(debug_assertions) {
            "WITHOUT optimization: these figures mean nothing"
        } else {
            "for release"
        }
    );
    println!("| work | native | engine | ratio (engine ahead: above 1) | to reach |");
    println!("| --- | --- | --- | --- | --- |");
    for (work, goal, native, engine) in bench.works() {
        measure(runs, work, goal, &native, &engine);
    }
}

/// One side of a comparison: does the work, and returns how much of what was done.
type Side<'a> = Box<dyn Fn() -> Amount + 'a>;

#[derive(Clone, Copy)]
enum Amount {
    Bytes(u64),
    Calls(u64),
}

fn measure(runs: u64, work: &str, goal: &str, native: &Side<'_>, engine: &Side<'_>) {
    let time = |side: &Side<'_>| {
        let began = Instant::now();
        let amount = side();
        (began.elapsed(), amount)
    };
    time(native);
    time(engine);
    let mut rows: Vec<(f64, f64)> = Vec::new();
    let mut amount = Amount::Calls(1);
    for run in 0..runs {
        // By turns first and second, so that neither always finds what the other left.
        let (first, second) = if run % 2 == 0 { (native, engine) } else { (engine, native) };
        let (one, two) = (time(first), time(second));
        amount = one.1;
        let (one, two) = (one.0.as_secs_f64(), two.0.as_secs_f64());
        rows.push(if run % 2 == 0 { (one, two) } else { (two, one) });
    }
    let native = shown(median(rows.iter().map(|row| row.0)), amount);
    let engine = shown(median(rows.iter().map(|row| row.1)), amount);
    let ratio = median(rows.iter().map(|row| row.0 / row.1));
    println!("| {work} | {native} | {engine} | {ratio:.2} | {goal} |");
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<_> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn shown(seconds: f64, amount: Amount) -> String {
    match amount {
        Amount::Bytes(bytes) => format!("{:.2} GB/s", bytes as f64 / seconds / 1e9),
        Amount::Calls(calls) => format!("{:.2} µs", seconds / calls as f64 * 1e6),
    }
}

struct Bench {
    folder: PathBuf,
    page: Surface,
    length: u64,
    big: Handle,
    native: File,
}

/// How many random reads, writes and calls make one measurement.
const CALLS: u64 = 200_000;

impl Bench {
    fn new(folder: &Path, length: u64) -> Self {
        let folder = folder.canonicalize().unwrap();
        let native =
            File::options().read(true).write(true).create_new(true).open(folder.join("big"));
        let native = native.unwrap();
        let piece: Vec<u8> = (0..1_u32 << 20).map(|at| (at % 251) as u8 + 1).collect();
        for at in (0..length).step_by(piece.len()) {
            native.write_all_at(&piece, at).unwrap();
        }
        native.sync_all().unwrap();
        let grants =
            Grants::fixed(vec![Grant::new(W, "bench", &folder, WorkspaceAccess::ReadWrite)]);
        let page = Files::new(Config { grants, limits: Limits::default() }).surface("bench");
        let big = page.open(&asks("big", Mode::ReadWrite)).unwrap().0;
        Self { folder, page, length, big, native }
    }

    fn works(&self) -> Vec<(&'static str, &'static str, Side<'_>, Side<'_>)> {
        vec![
            ("read all, 64 KiB", "0.95", self.read(64 << 10, false), self.read(64 << 10, true)),
            ("read all, 1 MiB", "0.95", self.read(1 << 20, false), self.read(1 << 20, true)),
            (
                "random 4 KiB, 1 thread",
                "1",
                self.random(1, 4096, false),
                self.random(1, 4096, true),
            ),
            (
                "random 4 KiB, 2 threads",
                "1",
                self.random(2, 4096, false),
                self.random(2, 4096, true),
            ),
            ("random 64 B, 1 thread", "1", self.random(1, 64, false), self.random(1, 64, true)),
            (
                "random 16 KiB, 1 thread",
                "1",
                self.random(1, 16384, false),
                self.random(1, 16384, true),
            ),
            (
                "random 64 KiB, 1 thread",
                "–",
                self.random(1, 65536, false),
                self.random(1, 65536, true),
            ),
            (
                "write all, 1 MiB",
                "–",
                self.write(1 << 20, 1024, false),
                self.write(1 << 20, 1024, true),
            ),
            (
                "write 64 MiB, 64 KiB",
                "–",
                self.write(64 << 10, 1024, false),
                self.write(64 << 10, 1024, true),
            ),
            (
                "write 8 MiB, 4 KiB",
                "–",
                self.write(4096, 2048, false),
                self.write(4096, 2048, true),
            ),
            ("write 100 B, one after the other", "–", self.short(false), self.short(true)),
            ("write 4 KiB and sync", "–", self.synced(false), self.synced(true)),
            ("open and close", "–", self.open_close(false), self.open_close(true)),
            ("stat, the same name", "–", self.stat(false), self.stat(true)),
        ]
    }

    fn read(&self, size: usize, by_engine: bool) -> Side<'_> {
        Box::new(move || {
            let mut into = vec![1; size];
            for at in (0..self.length).step_by(size) {
                let came = if by_engine {
                    self.page.read_at(self.big, at, &mut into).unwrap()
                } else {
                    self.native.read_at(&mut into, at).unwrap()
                };
                assert_eq!(black_box(&into).len(), came);
            }
            Amount::Bytes(self.length)
        })
    }

    fn random(&self, threads: u64, size: usize, by_engine: bool) -> Side<'_> {
        Box::new(move || {
            let calls = CALLS.min((4 << 30) / size as u64);
            std::thread::scope(|scope| {
                for thread in 0..threads {
                    scope.spawn(move || {
                        let mut random = fastrand::Rng::with_seed(thread);
                        let mut into = vec![1; size];
                        for _ in 0..calls {
                            let at = random.u64(..self.length / 4096 - 16) * 4096;
                            if by_engine {
                                self.page.read_at(self.big, at, &mut into).unwrap();
                            } else {
                                self.native.read_at(&mut into, at).unwrap();
                            }
                            black_box(&into);
                        }
                    });
                }
            });
            Amount::Calls(calls)
        })
    }

    /// Writes over a part of the big file.
    fn write(&self, size: usize, pieces: u64, by_engine: bool) -> Side<'_> {
        Box::new(move || {
            let from = vec![7; size];
            let pieces = pieces.min(self.length / size as u64);
            for piece in 0..pieces {
                let at = piece * size as u64;
                if by_engine {
                    self.page.write_at(self.big, at, &from).unwrap();
                } else {
                    self.native.write_all_at(&from, at).unwrap();
                }
            }
            if by_engine {
                self.page.flush(self.big).unwrap();
            }
            Amount::Bytes(pieces * size as u64)
        })
    }

    fn short(&self, by_engine: bool) -> Side<'_> {
        Box::new(move || {
            for call in 0..CALLS {
                if by_engine {
                    self.page.write_at(self.big, call * 100, &[7; 100]).unwrap();
                } else {
                    self.native.write_all_at(&[7; 100], call * 100).unwrap();
                }
            }
            if by_engine {
                self.page.flush(self.big).unwrap();
            }
            Amount::Calls(CALLS)
        })
    }

    fn synced(&self, by_engine: bool) -> Side<'_> {
        Box::new(move || {
            let calls = 300;
            for call in 0..calls {
                if by_engine {
                    self.page.write_at(self.big, call * 4096, &[7; 4096]).unwrap();
                    self.page.sync(self.big).unwrap();
                } else {
                    self.native.write_all_at(&[7; 4096], call * 4096).unwrap();
                    self.native.sync_data().unwrap();
                }
            }
            Amount::Calls(calls)
        })
    }

    fn open_close(&self, by_engine: bool) -> Side<'_> {
        let path = self.folder.join("big");
        Box::new(move || {
            let calls = 20_000;
            let open = asks("big", Mode::Read);
            for _ in 0..calls {
                if by_engine {
                    let (handle, _) = self.page.open(&open).unwrap();
                    self.page.close(handle).unwrap();
                } else {
                    drop(File::open(&path).unwrap());
                }
            }
            Amount::Calls(calls)
        })
    }

    fn stat(&self, by_engine: bool) -> Side<'_> {
        let path = self.folder.join("big");
        let named = Named { workspace: W.to_owned(), path: "big".to_owned() };
        Box::new(move || {
            let calls = 100_000;
            for _ in 0..calls {
                if by_engine {
                    black_box(self.page.stat_one(&named).unwrap());
                } else {
                    black_box(path.metadata().unwrap());
                }
            }
            Amount::Calls(calls)
        })
    }
}

fn asks(path: &str, mode: Mode) -> Open {
    let (workspace, path) = (W.to_owned(), path.to_owned());
    Open { workspace, path, mode, create: Create::Never, truncate: false, direct: false }
}
