//! What a person waits for: how soon an event is on the page, what a busy hour costs the browser, and
//! how long the server makes each page. The browser is a real one, on the same machine and clock.

use std::net::SocketAddr;
use std::time::{Duration, Instant, SystemTime};

use oriel_tests::browser::{Browser, Options};
use oriel_tests::{Connection, Console, Request};
use serde_json::{Value, json};

use crate::bench::{Bench, BenchError, Durability, Filling, failed, fill};
use crate::client::Client;
use crate::clock::pause;
use crate::latency::Latency;
use crate::report::{Place, Report, Target, progress};
use crate::server::Server;

/// Answers that are not measured, since the first ones also fill caches.
const WARM_UP_REQUESTS: usize = 5;

/// So many events are sent at once while the page is kept busy.
const BATCH: u64 = 50;

/// A task of the page that takes longer keeps a person waiting.
const LONG_TASK_MS: u64 = 100;

/// A person notices what is later than this.
const ON_PAGE_MS_MAX: f64 = 200.0;

/// The server makes a page within this.
const PAGE_MS_MAX: f64 = 10.0;

/// The most that a page's first load may bring over the network.
const FIRST_LOAD_KB_MAX: f64 = 150.0;

/// Notes when each marked event is first in the page, by the clock of the machine.
const WATCH: &str = r"
    window.seen = {};
    const look = (node) => {
        const text = node.textContent ?? '';
        for (const [mark] of text.matchAll(/oriel-mark-\d+/g)) {
            window.seen[mark] ??= performance.timeOrigin + performance.now();
        }
    };
    new MutationObserver((changes) => changes.forEach((one) => {
        one.addedNodes.forEach(look);
        if (one.type === 'characterData') look(one.target);
    })).observe(document.body, { childList: true, subtree: true, characterData: true });
    0";

/// Notes every long task.
const COUNT_TASKS: &str = r"
    window.tasks = [];
    new PerformanceObserver((list) => list.getEntries().forEach((one) => tasks.push(one.duration)))
        .observe({ type: 'longtask', buffered: false });
    0";

/// What to measure.
#[derive(Debug, Clone)]
pub struct ConsolePlan {
    /// What the store has in it when pages are asked for.
    pub filling: Filling,
    /// How many events are followed to the page, one by one.
    pub marks: usize,
    /// How many events a second the page is kept busy with.
    pub rate: u64,
    /// For how long.
    pub span: Duration,
    /// How often each page is asked for in a run.
    pub requests: usize,
}

/// Measures all of it.
pub fn run(bench: &Bench, plan: &ConsolePlan, report: &mut Report) -> Result<(), BenchError> {
    for (run, durability) in bench.rounds() {
        progress(&format!("console, run {}, {}: one event at a time", run + 1, durability.name()));
        let running = bench.start_fresh(durability, &[])?;
        let console = console_of(&running.server)?;
        let browser = Browser::with(Options { network: false, ..Options::default() });
        follow(bench, plan, durability, &running.server, (&browser, console), report)?;
        progress(&format!("console, run {}: {} events/s", run + 1, plan.rate));
        keep_busy(plan, durability, &running.server, (&browser, console), report)?;
        drop(browser);
        running.stop()?;
    }
    for &durability in &bench.durabilities {
        let running = bench.start_fresh(durability, &[])?;
        let events = plan.filling.events;
        progress(&format!("console, {}: filling with {events} events", durability.name()));
        fill(bench, &running.server, plan.filling)?;
        measure_pages(bench, plan, durability, console_of(&running.server)?, report)?;
        running.stop()?;
    }
    Ok(())
}

/// Posts marked events and notes how long after the answer each is in the page.
fn follow(
    bench: &Bench,
    plan: &ConsolePlan,
    durability: Durability,
    server: &Server,
    (browser, console): (&Browser, SocketAddr),
    report: &mut Report,
) -> Result<(), BenchError> {
    let mut connection = connect(server)?;
    // The page of a daemon that knows nothing gives way to another one at the first event.
    post(&mut connection, "/api/events/batch", &batch(0))?;
    browser.visit(console, "/");
    browser.eval(WATCH);
    let mut sent = Vec::with_capacity(plan.marks);
    for nth in 0..plan.marks {
        let mark = format!("oriel-mark-{nth}");
        let event = json!({
            "session_id": "mark", "agent_type": "claude_code", "event_type": "user_prompt",
            "project": "marks", "metadata": { "message": mark },
        });
        post(&mut connection, "/api/events", &event)?;
        let answered = millis(bench.clock.now());
        browser.until("the event to be on the page", &format!("window.seen['{mark}']"));
        sent.push((mark, answered));
    }
    let seen = browser.eval("window.seen");
    let mut latency = Latency::new();
    for (mark, answered) in sent {
        let at = seen[&mark].as_f64().unwrap_or(f64::MAX);
        // The page may have it before the answer is read: both are sent at the commit.
        latency.record(Duration::from_secs_f64(((at - answered) / 1e3).clamp(0.0, 60.0)));
    }
    let place = Place { section: "console", work: "event on page", durability: durability.name() };
    let target = durability.target(Target::AtMost(ON_PAGE_MS_MAX));
    report.record(place, "p50 ms", latency.quantile_ms(0.5), None);
    report.record(place, "p95 ms", latency.quantile_ms(0.95), target);
    report.record(place, "max ms", latency.max_ms(), None);
    Ok(())
}

/// Sends events at a steady rate while the page is looked at.
fn keep_busy(
    plan: &ConsolePlan,
    durability: Durability,
    server: &Server,
    (browser, console): (&Browser, SocketAddr),
    report: &mut Report,
) -> Result<(), BenchError> {
    browser.visit(console, "/");
    browser.eval(COUNT_TASKS);
    let before = memory(browser);
    let mut connection = connect(server)?;
    let every = Duration::from_secs_f64(BATCH as f64 / plan.rate as f64);
    let began = Instant::now();
    let mut sent = 0;
    while began.elapsed() < plan.span {
        post(&mut connection, "/api/events/batch", &batch(sent))?;
        sent += BATCH;
        let due = every.mul_f64(sent as f64 / BATCH as f64);
        pause(due.saturating_sub(began.elapsed()));
    }
    let rate = sent as f64 / began.elapsed().as_secs_f64();
    let tasks = browser.eval("window.tasks");
    let tasks: Vec<f64> =
        tasks.as_array().into_iter().flatten().filter_map(Value::as_f64).collect();
    let long = tasks.iter().filter(|took| LONG_TASK_MS as f64 <= **took).count();
    let after = memory(browser);
    let work = format!("{} events/s for {} s", plan.rate, plan.span.as_secs());
    let place = Place { section: "console", work: &work, durability: durability.name() };
    report.record(place, "tasks over 100 ms", long as f64, durability.target(Target::AtMost(0.0)));
    report.record(place, "longest task ms", tasks.iter().copied().fold(0.0, f64::max), None);
    report.record(place, "heap MB at start", before.heap_mb, None);
    report.record(place, "heap MB at end", after.heap_mb, None);
    report.record(place, "nodes at start", before.nodes, None);
    report.record(place, "nodes at end", after.nodes, None);
    report.record(place, "sent events/s", rate, None);
    Ok(())
}

/// Asks for each page again and again, and loads it once as a browser that has nothing of it.
fn measure_pages(
    bench: &Bench,
    plan: &ConsolePlan,
    durability: Durability,
    console: SocketAddr,
    report: &mut Report,
) -> Result<(), BenchError> {
    let section = format!("pages, {} events", plan.filling.events);
    let pages = Console::stranger(console).pages();
    for run in 0..bench.runs {
        progress(&format!("{section}, run {}, {}", run + 1, durability.name()));
        for path in &pages {
            let place = Place { section: &section, work: path, durability: durability.name() };
            let latency = ask(console, path, plan.requests);
            let (latency, bytes) =
                latency.map_err(|source| failed(format!("read {path}"), source))?;
            let target = durability.target(Target::AtMost(PAGE_MS_MAX));
            report.record(place, "p50 ms", latency.quantile_ms(0.5), target);
            report.record(place, "p95 ms", latency.quantile_ms(0.95), None);
            report.explain(place, "p50 ms", "bytes", bytes as f64);
        }
    }
    let browser = Browser::start();
    browser.cdp("Network.enable", &json!({}));
    browser.cdp("Network.setCacheDisabled", &json!({ "cacheDisabled": true }));
    for path in &pages {
        _ = browser.take_log();
        browser.visit(console, path);
        let place = Place { section: &section, work: path, durability: durability.name() };
        let kilobytes = browser.take_log().bytes() as f64 / 1e3;
        report.record(place, "first load KB", kilobytes, Some(Target::AtMost(FIRST_LOAD_KB_MAX)));
    }
    Ok(())
}

fn ask(console: SocketAddr, path: &str, requests: usize) -> std::io::Result<(Latency, usize)> {
    let mut client = Client::connect(console)?;
    client.prepare(path);
    let mut latency = Latency::new();
    let mut bytes = 0;
    for request in 0..WARM_UP_REQUESTS + requests {
        let sent = Instant::now();
        let reply = client.send()?;
        if WARM_UP_REQUESTS <= request {
            latency.record(sent.elapsed());
        }
        bytes = reply.body().len();
    }
    Ok((latency, bytes))
}

struct Memory {
    heap_mb: f64,
    nodes: f64,
}

/// Returns what the page holds once it has let go of what it does not need.
fn memory(browser: &Browser) -> Memory {
    browser.cdp("HeapProfiler.collectGarbage", &json!({}));
    browser.cdp("Performance.enable", &json!({}));
    let found = browser.cdp("Performance.getMetrics", &json!({}));
    let metric = |name: &str| {
        let metrics = found["metrics"].as_array().into_iter().flatten();
        let mut named = metrics.filter(|metric| metric["name"] == name);
        named.next().and_then(|metric| metric["value"].as_f64()).unwrap_or_default()
    };
    let nodes = browser.eval("document.querySelectorAll('*').length").as_f64().unwrap_or_default();
    Memory { heap_mb: metric("JSHeapUsedSize") / 1e6, nodes }
}

fn batch(from: u64) -> Value {
    let event = |nth: u64| {
        let session = format!("busy-{}", nth % 20);
        json!({
            "session_id": session, "agent_type": "claude_code", "event_type": "tool_use",
            "tool_name": "Bash", "project": "busy", "duration_ms": 40,
            "metadata": { "command": format!("cargo test number {nth}") },
        })
    };
    json!({ "events": (from..from + BATCH).map(event).collect::<Vec<_>>() })
}

fn connect(server: &Server) -> Result<Connection, BenchError> {
    Connection::tcp(server.addr()).map_err(|source| failed("connect to the server", source))
}

fn post(connection: &mut Connection, path: &str, body: &Value) -> Result<(), BenchError> {
    let answer = connection.send(&Request::post(path, body));
    let answer = answer.map_err(|source| failed(format!("post to {path}"), source))?;
    if answer.status == 201 {
        return Ok(());
    }
    let refused = std::io::Error::other(format!("it answered {}", answer.status));
    Err(failed(format!("post to {path}"), refused))
}

fn console_of(server: &Server) -> Result<SocketAddr, BenchError> {
    let file = server.data_dir().join("console").join("bind");
    let text = std::fs::read_to_string(&file)
        .map_err(|source| failed(format!("read {}", file.display()), source))?;
    let addr = text.trim().parse();
    addr.map_err(|error| failed(format!("read {}", file.display()), std::io::Error::other(error)))
}

fn millis(at: SystemTime) -> f64 {
    at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs_f64() * 1e3
}
