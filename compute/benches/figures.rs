//! How long things take: `cargo bench -p oriel-compute`. Files through our provider and through the
//! engine's own are read by the same script, in turns, in the same minute.

#![expect(dead_code, reason = "the driver of the tests is used in part")]
#![expect(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a bench that cannot measure ends, as a test does"
)]

#[path = "../tests/it/driver.rs"]
mod driver;

use std::path::Path;
use std::time::{Duration, Instant};

use driver::Session;
use oriel_wire::compute::{Event, Request};

/// What the scripts read: 64 MiB.
const BYTES: usize = 64 << 20;

const SCRIPTS: [(&str, &str); 3] = [
    (
        "fread 64 MiB uint8",
        "fid = fopen('large.bin', 'r'); a = fread(fid, Inf, 'uint8'); fclose(fid);",
    ),
    (
        "fread 64 MiB double",
        "fid = fopen('large.bin', 'r'); a = fread(fid, Inf, 'double'); fclose(fid);",
    ),
    (
        "fprintf 200,000 lines",
        "fid = fopen('out.txt', 'w'); for i = 1:200000, fprintf(fid, '%d\\n', i); end; fclose(fid);",
    ),
];

#[expect(clippy::print_stdout, reason = "a bench says what it measured")]
fn main() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let bytes: Vec<u8> = (0..BYTES).map(|at| (at % 251) as u8).collect();
    std::fs::write(folder.path().join("large.bin"), bytes).expect("a file can be written");
    for (name, script) in SCRIPTS {
        let ours = run(folder.path(), &[], script);
        let own = run(folder.path(), &["--unconfined", "--native-files"], script);
        let ratio = own.as_secs_f64() / ours.as_secs_f64();
        println!("{name}: ours {ours:?}, the engine's own {own:?}, {ratio:.1} times");
    }
    let mut first = Vec::new();
    let mut later = Vec::new();
    let mut stops = Vec::new();
    for _ in 0..5 {
        let began = Instant::now();
        let mut session = Session::start(folder.path(), &[]);
        session.prints("x = 1;");
        first.push(began.elapsed());
        let began = Instant::now();
        session.prints("x = x + 1;");
        later.push(began.elapsed());
        session.begin_run("disp('in'); while true, x = 1; end");
        session.wait_for(|event| matches!(event, Event::Output { .. }).then_some(()));
        let began = Instant::now();
        session.ask(Request::Interrupt);
        session.finish();
        stops.push(began.elapsed());
    }
    let middle = |times: &mut Vec<Duration>| {
        times.sort_unstable();
        times[times.len() / 2]
    };
    println!("process and first script: {:?}", middle(&mut first));
    println!("a later script: {:?}", middle(&mut later));
    println!("interrupt of a loop: {:?}", middle(&mut stops));
}

/// The better of two runs.
fn run(folder: &Path, more: &[&str], script: &str) -> Duration {
    let mut session = Session::start(folder, more);
    (0..2)
        .map(|_| {
            let began = Instant::now();
            session.prints(script);
            began.elapsed()
        })
        .min()
        .unwrap_or_default()
}
