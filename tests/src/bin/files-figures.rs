//! What files cost a page: bytes a second and time a call by each way, beside plain calls of the system on
//! the same file in the same minute, and beside a page of another program with the ways that are usual:
//! `cargo xtask bench files`.
#![expect(clippy::print_stdout, reason = "the figures are the program's output")]

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::time::Instant;

use oriel_tests::Home;
use oriel_tests::desktop::{Desktop, Options, Seat, Workbench};
use serde_json::Value;

/// The file that is read and written, in MiB.
const MIB: u64 = 1024;

/// Pieces of 4 KiB that are read one at a time, by ways that take microseconds and by those that take
/// milliseconds.
const CALLS: u64 = 20_000;
const SLOW_CALLS: u64 = 200;

/// How much the ways move that go through the engine's channels, in MiB; and less by those that write
/// bytes as text.
const SLOW_MIB: u64 = 128;
const TEXT_MIB: u64 = 8;

/// How often each is measured.
const ROUNDS: usize = 5;

/// Where the nth small piece lies: all over the file, and the same for everyone.
const PLACE: &str = "(nth * 7919 % 262144) * 4096";

/// The page's buffer, and how bytes that arrived elsewhere come into it.
const PUT: &str = "const piece = new Uint8Array(1 << 20); \
    const put = (bytes) => { piece.set(bytes); return bytes.length; };";

/// What one way comes to in one round.
#[derive(Clone, Copy)]
struct Round {
    /// Megabytes a second.
    read: f64,
    write: f64,
    /// Microseconds for 4 KiB anywhere.
    call: f64,
}

fn main() {
    let peer = std::env::args_os().nth(1).map(PathBuf::from);
    let peer = peer.expect("the peer's program is the first argument");
    let workbench = Workbench::start();
    let file = workbench.path("figures.bin");
    std::fs::write(&file, vec![1; bytes(MIB)]).expect("the home is ours");
    let path = file.to_str().expect("a home's path is text");
    let options = Options::new().program(&peer).variable("ORIEL_PEER_FILE", path);
    let peer = Desktop::at(&Seat::of(&Home::new()), &options);
    peer.until("the peer's page", "document.querySelector('h1')");

    let mut ways: Vec<(&str, Vec<Round>)> = Vec::new();
    for _ in 0..ROUNDS {
        let round = [
            ("plain calls of the system", native(&file)),
            ("functions of the page's own process", extension(&workbench)),
            ("command, raw", channel(&workbench, "command", SLOW_MIB)),
            ("scheme `orielfs`", channel(&workbench, "scheme", SLOW_MIB)),
            ("command, base64 in JSON", channel(&workbench, "text", TEXT_MIB)),
            ("another program: file plugin", plugin(&peer, path)),
            ("another program: plain scheme", scheme(&peer)),
        ];
        for (way, figures) in round {
            match ways.iter_mut().find(|(known, _)| *known == way) {
                Some((_, rounds)) => rounds.push(figures),
                None => ways.push((way, vec![figures])),
            }
        }
    }
    tell(&ways);
    ask(&workbench);
}

/// Plain calls of the system, into one buffer.
fn native(path: &Path) -> Round {
    let file = File::options().read(true).write(true).open(path).expect("the file is there");
    let mut piece = vec![0; 1 << 20];
    let read = rate(MIB, || {
        for nth in 0..MIB {
            file.read_exact_at(&mut piece, nth << 20).expect("the file is as long");
        }
    });
    let write = rate(MIB, || {
        for nth in 0..MIB {
            file.write_all_at(&piece, nth << 20).expect("there is room");
        }
    });
    let mut small = vec![0; 4096];
    let started = Instant::now();
    for nth in 0..CALLS {
        file.read_exact_at(&mut small, nth * 7919 % 262_144 * 4096).expect("the file is as long");
    }
    Round { read, write, call: started.elapsed().as_secs_f64() * 1e6 / CALLS as f64 }
}

/// The functions of the page's own process.
fn extension(workbench: &Workbench) -> Round {
    let steps = steps(
        "const handle = await t.by('extension').open('figures.bin', 'readwrite', { direct: true }); \
         const [hi, lo] = t.halves(handle), piece = new Uint8Array(1 << 20), small = new Uint8Array(4096);",
        "__orielFiles.readInto(hi, lo, offset, piece)",
        "__orielFiles.writeFrom(hi, lo, offset, piece)",
        "__orielFiles.readInto(hi, lo, offset, small)",
        "await t.by('extension').close(handle)",
        [MIB, MIB, CALLS],
    );
    figures(&workbench.run_long(&steps))
}

/// The ways that go through the engine's own channels.
fn channel(workbench: &Workbench, way: &str, mib: u64) -> Round {
    let steps = steps(
        &format!(
            "const files = t.by('{way}'); const handle = await files.open('figures.bin', 'readwrite'); \
             {PUT}"
        ),
        "put(await files.read(handle, offset, 1 << 20))",
        "(await files.write(handle, offset, piece), piece.length)",
        "(await files.read(handle, offset, 4096)).length",
        "await files.close(handle)",
        [mib, mib, SLOW_CALLS],
    );
    figures(&workbench.run_long(&steps))
}

/// The file plugin, which has a place in each file, and takes what is written as a list of numbers.
fn plugin(peer: &Desktop, path: &str) -> Round {
    let steps = steps(
        &format!(
            "const ask = (name, given) => window.__TAURI_INTERNALS__.invoke('plugin:fs|' + name, given); \
             const rid = await ask('open', {{ path: {}, options: {{ read: true, write: true }} }}); \
             {PUT} const read = async (offset, len) => {{ await ask('seek', {{ rid, offset, whence: 0 }}); \
               return new Uint8Array(await ask('read', {{ rid, len }})).subarray(0, len); }}; \
             const write = async (offset) => {{ await ask('seek', {{ rid, offset, whence: 0 }}); \
               return ask('write', {{ rid, data: Array.from(piece) }}); }};",
            Value::from(path)
        ),
        "put(await read(offset, 1 << 20))",
        "await write(offset)",
        "(await read(offset, 4096)).length",
        "",
        [SLOW_MIB, TEXT_MIB, SLOW_CALLS],
    );
    figures(&peer.run_long(&steps))
}

/// Requests to a scheme whose host only reads and writes.
fn scheme(peer: &Desktop) -> Round {
    let steps = steps(
        &format!(
            "{PUT} const read = async (offset, length) => new Uint8Array(await (await \
             fetch(`plain://localhost/${{offset}}/${{length}}`)).arrayBuffer());"
        ),
        "put(await read(offset, 1 << 20))",
        "((await fetch(`plain://localhost/${offset}/1`, { method: 'POST', body: piece })).ok ? piece.length : 0)",
        "(await read(offset, 4096)).length",
        "",
        [SLOW_MIB, SLOW_MIB, SLOW_CALLS],
    );
    figures(&peer.run_long(&steps))
}

/// Returns the steps of a page that reads, writes and reads small pieces, each at an `offset`. Each says how
/// many bytes it moved, and all of them have to be there.
fn steps(
    before: &str,
    read: &str,
    write: &str,
    call: &str,
    after: &str,
    counts: [u64; 3],
) -> String {
    let [reads, writes, calls] = counts;
    format!(
        "{before} const timed = async (bytes, work) => {{ const at = performance.now(); \
         const moved = await work(), took = performance.now() - at; \
         if (moved !== bytes) throw new Error(`${{moved}} of ${{bytes}} bytes were moved`); return took; }}; \
         const reading = await timed({reads} * 1048576, async () => {{ let moved = 0; \
           for (let nth = 0; nth < {reads}; nth++) {{ const offset = nth * 1048576; moved += {read}; }} return moved; }}); \
         const writing = await timed({writes} * 1048576, async () => {{ let moved = 0; \
           for (let nth = 0; nth < {writes}; nth++) {{ const offset = nth * 1048576; moved += {write}; }} return moved; }}); \
         const calling = await timed({calls} * 4096, async () => {{ let moved = 0; \
           for (let nth = 0; nth < {calls}; nth++) {{ const offset = {PLACE}; moved += {call}; }} return moved; }}); \
         {after}; return [{reads} * 1048.576 / reading, {writes} * 1048.576 / writing, calling * 1000 / {calls}]"
    )
}

fn figures(came: &Value) -> Round {
    let [read, write, call] =
        [0, 1, 2].map(|nth| came[nth].as_f64().expect("a page tells its figures"));
    Round { read, write, call }
}

/// What one message and its answer take, which is what opening, listing and the like cost at least.
fn ask(workbench: &Workbench) {
    let took = workbench.run_long(
        "const use = t.message('use'), at = performance.now(); \
         for (let nth = 0; nth < 5000; nth++) __orielFiles.call(use); return (performance.now() - at) / 5",
    );
    let took = took.as_f64().expect("a page tells its figures");
    println!("a message of the page's own process and its answer: {took:.1} µs");
}

/// Tells the medians, and the median of each round's ratio to the system's own calls.
fn tell(ways: &[(&str, Vec<Round>)]) {
    let (_, native) = ways.first().expect("the system's own calls are first");
    println!(
        "1 GiB in pieces of 1 MiB, and 4 KiB anywhere; medians of {ROUNDS}, and of their ratio to plain calls"
    );
    for (way, rounds) in ways {
        let of = |what: fn(&Round) -> f64| median(rounds.iter().map(what).collect());
        let ratio = |what: fn(&Round) -> f64| {
            median(
                rounds.iter().zip(native).map(|(ours, plain)| what(ours) / what(plain)).collect(),
            )
        };
        println!(
            "{way:<36} read {:>7.0} MB/s ({:.3})   write {:>7.0} MB/s ({:.3})   4 KiB {:>8.1} µs ({:.2})",
            of(|one| one.read),
            ratio(|one| one.read),
            of(|one| one.write),
            ratio(|one| one.write),
            of(|one| one.call),
            ratio(|one| one.call),
        );
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Returns how many megabytes a second some work moves.
fn rate(mib: u64, work: impl FnOnce()) -> f64 {
    let started = Instant::now();
    work();
    bytes(mib) as f64 / 1e6 / started.elapsed().as_secs_f64()
}

fn bytes(mib: u64) -> usize {
    usize::try_from(mib << 20).expect("it fits into memory")
}
