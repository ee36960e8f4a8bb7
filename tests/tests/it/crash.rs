//! What was answered is on disk: the daemon is killed under load, at any moment, and everything that
//! it acknowledged is there when it comes back, once, and nothing is there in part.
//!
//! `ORIEL_CRASH_ROUNDS` says how often, `ORIEL_CRASH_SEED` repeats a run that failed. What is drawn
//! is how many requests are acknowledged before the end, so a slow machine dies at the same places.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Condvar, Mutex};

use fastrand::Rng;
use oriel_tests::events::{batch, event_with};
use oriel_tests::wait::PATIENCE;
use oriel_tests::{Connection, Daemon, Request, reads};
use serde_json::{Value, json};

/// How often the daemon is killed where nothing is said.
const ROUNDS: u32 = 8;

/// How many connections send at the same time.
const SENDERS: u64 = 4;

/// The largest batch.
const BATCH_MAX: usize = 40;

/// The daemon is killed after at most this many answered requests.
const REQUESTS_MAX: usize = 300;

/// Every so many rounds it lives longer, so that it is also killed while its log is folded into its
/// file.
const LATE_EVERY: u32 = 4;

/// Rows are read back in pages of this size.
const PAGE: usize = 5_000;

#[test]
fn what_was_acknowledged_survives_a_crash_at_any_moment() {
    let rounds = variable("ORIEL_CRASH_ROUNDS").map_or(ROUNDS, |rounds| rounds as u32);
    let seed = variable("ORIEL_CRASH_SEED").unwrap_or_else(|| fastrand::u64(..));
    println!("ORIEL_CRASH_SEED={seed} repeats this run");
    let mut rng = Rng::with_seed(seed);
    let mut daemon = Daemon::start();
    let mut all = Vec::new();
    let mut last = 0;
    for round in 0..rounds {
        let late = if round % LATE_EVERY == LATE_EVERY - 1 { 4 } else { 1 };
        let requests = rng.usize(1..=late * REQUESTS_MAX);
        let mut sent = load_until_killed(&mut daemon, round, requests, rng.fork());
        // Every other time the store is looked at before a daemon has mended it.
        if round % 2 == 0 {
            daemon.verify();
        }
        daemon.restart();
        check(&daemon, last, &mut sent, &format!("seed {seed}, round {round}"));
        send_again(&daemon, &mut sent);
        all.append(&mut sent);
        last = last_number(&daemon);
    }
    check(&daemon, 0, &mut all, &format!("seed {seed}, at the end"));
    let report = daemon.verify();
    println!("{rounds} crashes, {} requests, {} events", all.len(), report["events"]);
}

/// A request, and what became of it.
struct Sent {
    ids: Vec<String>,
    /// The numbers that the daemon gave its events, if it answered.
    acknowledged: Option<Vec<i64>>,
}

/// What the senders have done so far.
#[derive(Default)]
struct Progress {
    sent: Mutex<Vec<Sent>>,
    more: Condvar,
}

/// Sends from several connections until so many requests are acknowledged, and kills the daemon
/// while they go on. Returns every request, also those that nobody answered.
fn load_until_killed(daemon: &mut Daemon, round: u32, requests: usize, mut rng: Rng) -> Vec<Sent> {
    let progress = Progress::default();
    std::thread::scope(|scope| {
        for sender in 0..SENDERS {
            let (connection, rng) = (daemon.connect(), rng.fork());
            let (progress, name) = (&progress, format!("r{round}-c{sender}"));
            scope.spawn(move || send_until_cut(connection, &name, rng, progress));
        }
        progress.wait_for(requests);
        daemon.kill();
    });
    progress.sent.into_inner().unwrap()
}

fn send_until_cut(mut connection: Connection, name: &str, mut rng: Rng, progress: &Progress) {
    let mut next = 0;
    loop {
        // As many single events as batches.
        let count = if rng.bool() { 1 } else { rng.usize(1..=BATCH_MAX) };
        let numbers = next..next + count;
        next += count;
        let (request, ids) = request(name, numbers, &mut rng);
        let answer = connection.send(&request);
        let acknowledged = match &answer {
            Ok(answer) => {
                assert_eq!(answer.status, 201, "{}", answer.text());
                Some(numbers_of(&answer.json()))
            }
            Err(_) => None,
        };
        progress.note(Sent { ids, acknowledged });
        if answer.is_err() {
            return;
        }
    }
}

fn request(name: &str, numbers: Range<usize>, rng: &mut Rng) -> (Request, Vec<String>) {
    let single = numbers.len() == 1;
    let ids: Vec<String> = numbers.map(|number| format!("{name}-{number}")).collect();
    let events: Vec<Value> = ids.iter().map(|id| some_event(id, rng)).collect();
    let request = match single {
        true => Request::post("/api/events", &events[0]),
        false => Request::post("/api/events/batch", &json!({ "events": events })),
    };
    (request, ids)
}

/// Returns an event that touches much of what is added up: sessions, files, costs, moves between
/// projects.
fn some_event(id: &str, rng: &mut Rng) -> Value {
    let kinds = ["tool_use", "llm_response", "session_end", "error"];
    let members = json!({
        "session_id": format!("s{}", rng.u8(0..20)),
        "agent_type": if rng.bool() { "codex" } else { "claude_code" },
        "event_type": kinds[rng.usize(0..kinds.len())],
        "tool_name": if rng.bool() { "Edit" } else { "Bash" },
        "project": format!("p{}", rng.u8(0..4)),
        "model": "o3",
        "tokens_in": rng.u16(..),
        "tokens_out": rng.u16(..),
        "metadata": {
            "file_path": format!("{}.rs", rng.u8(..)),
            "lines_added": rng.u8(..),
            "text": "x".repeat(rng.usize(0..400)),
        },
    });
    event_with(id, &members)
}

impl Progress {
    fn note(&self, sent: Sent) {
        self.sent.lock().unwrap().push(sent);
        self.more.notify_one();
    }

    fn wait_for(&self, requests: usize) {
        let sent = self.sent.lock().unwrap();
        let too_few = |sent: &mut Vec<Sent>| sent.len() < requests;
        let (sent, _) = self.more.wait_timeout_while(sent, PATIENCE, too_few).unwrap();
        assert!(sent.len() >= requests, "only {} requests were answered in time", sent.len());
    }
}

/// Checks that what came after a number is what was acknowledged, and of the rest all or nothing.
/// What is there without an answer counts as acknowledged from then on.
fn check(daemon: &Daemon, last: i64, all: &mut [Sent], when: &str) {
    let mut stored: HashMap<String, i64> = HashMap::new();
    let mut before = last;
    for row in reads::all_events(daemon, last, PAGE) {
        let number = row["id"].as_i64().unwrap();
        assert!(before < number, "{when}: {number} comes after {before}");
        before = number;
        let id = row["event_id"].as_str().unwrap().to_owned();
        let twice = stored.insert(id.clone(), number);
        assert_eq!(twice, None, "{when}: {id} is there twice");
    }
    for sent in all.iter_mut() {
        let numbers: Vec<i64> = sent.ids.iter().filter_map(|id| stored.remove(id)).collect();
        match &sent.acknowledged {
            Some(acknowledged) => {
                assert_eq!(&numbers, acknowledged, "{when}: {:?} were acknowledged", sent.ids);
            }
            None if numbers.is_empty() => {}
            None => {
                assert_eq!(numbers.len(), sent.ids.len(), "{when}: a part of {:?}", sent.ids);
                assert!(numbers.is_sorted(), "{when}: {numbers:?} are out of order");
                sent.acknowledged = Some(numbers);
            }
        }
    }
    assert!(stored.is_empty(), "{when}: nobody sent {stored:?}");
}

/// Sends what is not there again, as a sender does that got no answer, and a few that are there.
fn send_again(daemon: &Daemon, all: &mut [Sent]) {
    let mut connection = daemon.connect();
    let few = all.len().saturating_sub(2 * SENDERS as usize);
    for (nth, sent) in all.iter_mut().enumerate() {
        if sent.acknowledged.is_some() && nth < few {
            continue;
        }
        let request = Request::post("/api/events/batch", &batch(&sent.ids));
        let receipt = connection.send(&request).unwrap().expect(201).json();
        let (new, duplicates) = match sent.acknowledged {
            Some(_) => (0, sent.ids.len()),
            None => (sent.ids.len(), 0),
        };
        assert_eq!(
            (&receipt["received"], &receipt["duplicates"]),
            (&new.into(), &duplicates.into())
        );
        if new > 0 {
            sent.acknowledged = Some(numbers_of(&receipt));
        }
    }
}

fn numbers_of(receipt: &Value) -> Vec<i64> {
    receipt["ids"].as_array().unwrap().iter().map(|id| id.as_i64().unwrap()).collect()
}

fn last_number(daemon: &Daemon) -> i64 {
    daemon.get("/api/events?limit=1").json()["events"][0]["id"].as_i64().unwrap()
}

#[expect(clippy::disallowed_methods, reason = "whoever runs the tests says how thoroughly")]
fn variable(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok().filter(|text| !text.is_empty())?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} is {text:?}, which is no whole number")))
}
