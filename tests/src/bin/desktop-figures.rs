//! What the desktop costs beside a bare window of the same engine: how soon it shows something, how soon
//! the console can be used, its memory, and what the bridge adds to a request: `cargo xtask bench desktop`.
#![expect(clippy::print_stdout, reason = "the figures are the program's output")]

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::extract::Path as InPath;
use axum::routing::get;
use oriel_tests::desktop::{Desktop, Options, Seat};
use oriel_tests::front::Front;
use oriel_tests::{Daemon, Home};
use serde_json::Value;
use x11rb::connection::Connection as _;
use x11rb::protocol::xproto::{ConnectionExt as _, ImageFormat};

/// How often each start is measured.
const STARTS: usize = 10;

/// Requests of each size, one after another.
const REQUESTS: [(&str, u32); 2] = [("12", 1_000), ("1048576", 60)];

/// How often a point of the screen is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(2);

/// The figures of one start, in milliseconds since the program was asked for.
struct Started {
    painted: f64,
    usable: f64,
    desktop: Desktop,
}

fn main() {
    let bare = std::env::args_os().nth(1).map(PathBuf::from);
    let bare = bare.expect("the bare window's program is the first argument");
    starts(&bare);
    requests(&bare);
}

/// Starts both by turns.
fn starts(bare: &Path) {
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    let (mut our_memory, mut their_memory) = (Vec::new(), Vec::new());
    for _ in 0..STARTS {
        let started = start(&Options::new(), "document.querySelector('#nav')");
        our_memory.push(memory(&started.desktop));
        ours.push((started.painted, started.usable));
        drop(started);
        let started = start(&Options::new().program(bare), "document.querySelector('h1')");
        their_memory.push(memory(&started.desktop));
        theirs.push((started.painted, started.usable));
    }
    for (name, times, memory) in
        [("desktop", ours, our_memory), ("bare window", theirs, their_memory)]
    {
        let painted: Vec<f64> = times.iter().map(|time| time.0).collect();
        let usable: Vec<f64> = times.iter().map(|time| time.1).collect();
        println!("{name}: first paint ms {}", told(&painted));
        println!("{name}: page usable ms {}", told(&usable));
        println!("{name}: memory of the process tree (PSS) MB {}", told(&memory));
    }
}

fn start(options: &Options, is_usable: &str) -> Started {
    let seat = Seat::of(&Home::new());
    let watch = Watch::of(seat.display().name());
    let begun = now();
    let watching = std::thread::spawn(move || watch.until_painted());
    let desktop = Desktop::at(&seat, options);
    desktop.until("its page", &format!("document.readyState === 'complete' && {is_usable}"));
    // The page's own clock is the machine's.
    let at = "(() => { const [load] = performance.getEntriesByType('navigation'); \
        return performance.timeOrigin + (load ? load.domContentLoadedEventEnd : performance.now()) })()";
    let usable = desktop.eval(at).as_f64().expect("a page knows when it was loaded") - begun;
    let painted = watching.join().expect("the watch does not panic") - begun;
    Started { painted, usable, desktop }
}

/// Looks at one point of a screen, which is black until a window shows something.
struct Watch {
    screen: x11rb::rust_connection::RustConnection,
    root: u32,
}

impl Watch {
    fn of(display: &str) -> Self {
        let (screen, number) = x11rb::connect(Some(display)).expect("the display answers");
        let root = screen.setup().roots[number].root;
        Self { screen, root }
    }

    /// Returns when the point had a colour of a page's. An empty window has the system's light grey.
    fn until_painted(&self) -> f64 {
        let started = Instant::now();
        while started.elapsed() < Duration::from_secs(60) {
            let image = self
                .screen
                .get_image(ImageFormat::Z_PIXMAP, self.root, 640, 40, 1, 1, !0)
                .ok()
                .and_then(|asked| asked.reply().ok());
            let point = image.and_then(|image| image.data.get(..3).map(<[u8]>::to_vec));
            // Blue, green, red: the bare page's colour, and the host's pages' in the light.
            if matches!(
                point.as_deref(),
                Some([0x56, 0x34, 0x12] | [0xf7, 0xf7, 0xf6] | [0xf8, 0xf6, 0xf5])
            ) {
                return now();
            }
            pause();
        }
        f64::NAN
    }
}

/// Asks for the same through the bridge and, in the bare window, of the server itself.
fn requests(bare: &Path) {
    let daemon = Daemon::start();
    let routes = Router::new().route("/figures/{bytes}", get(bytes)).route("/figures", get(page));
    let front = Front::before(&daemon, routes);
    let bridged = Desktop::at(&Seat::of(daemon.home()), &Options::attach());
    bridged.until_console();
    let plain = Desktop::start(&Options::new().program(bare));
    plain.until("its page", "document.querySelector('h1')");
    plain.goto(&format!("http://{}/figures", front.addr()));
    for (size, count) in REQUESTS {
        for (name, window) in [("bridge", &bridged), ("plain loopback", &plain)] {
            let mut times = ask(window, size, count);
            times.sort_unstable_by(f64::total_cmp);
            let at = |part: f64| times[((times.len() - 1) as f64 * part) as usize];
            let each: f64 = times.iter().sum::<f64>() / times.len() as f64;
            println!(
                "{name}: {size} bytes, {count} times: {:.0} requests/s, p50 {:.2} ms, p99 {:.2} ms",
                1_000.0 / each,
                at(0.5),
                at(0.99)
            );
        }
    }
}

async fn bytes(InPath(bytes): InPath<usize>) -> Vec<u8> {
    vec![b'x'; bytes]
}

async fn page() -> axum::response::Html<&'static str> {
    axum::response::Html("<!doctype html><title>Figures</title><h1>Figures</h1>")
}

fn ask(window: &Desktop, size: &str, count: u32) -> Vec<f64> {
    let script = format!(
        "void (async () => {{ window.times = null; const times = []; \
         for (let i = 0; i < {count} + 10; i++) {{ const from = performance.now(); \
         const answer = await fetch('/figures/{size}', {{ cache: 'no-store' }}); await answer.arrayBuffer(); \
         if (10 <= i) times.push(performance.now() - from); }} window.times = times; }})()"
    );
    window.eval(&script);
    let times = window.until("the answers", "window.times");
    times.as_array().into_iter().flatten().filter_map(Value::as_f64).collect()
}

/// Returns the memory that the processes of a window do not share with others, and their part of what they
/// do, in megabytes. The driver is left out.
fn memory(desktop: &Desktop) -> f64 {
    let kilobytes = |pid: &u32| -> f64 {
        let text = std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("Pss:"));
        line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or_default()
    };
    desktop.processes().iter().map(kilobytes).sum::<f64>() / 1_000.0
}

fn told(values: &[f64]) -> String {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let median = sorted[sorted.len() / 2];
    format!(
        "median {median:.0} (least {:.0}, most {:.0}, {} times)",
        sorted[0],
        sorted[sorted.len() - 1],
        sorted.len()
    )
}

#[expect(
    clippy::disallowed_methods,
    reason = "pages tell the time of the machine, and so does this"
)]
fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64() * 1e3
}

#[expect(clippy::disallowed_methods, reason = "the pause between two looks at the screen")]
fn pause() {
    std::thread::sleep(LOOK_EVERY);
}
