//! Under more load than it takes, the daemon refuses and says when to come again: what it answered
//! with success is there at once, what it refused is not, and nothing is dropped in silence.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use oriel_tests::events::event;
use oriel_tests::wait::PATIENCE;
use oriel_tests::{Daemon, Launch, Request, reads};

const SENDERS: usize = 6;

#[test]
fn a_full_queue_refuses_and_drops_nothing() {
    let daemon = Launch::new().set("store.queue_events_max", "1").start();
    let refused = AtomicBool::new(false);
    let mut acknowledged: Vec<String> = std::thread::scope(|scope| {
        let send = |sender| {
            let (daemon, refused) = (&daemon, &refused);
            scope.spawn(move || send_until_refused(daemon, sender, refused))
        };
        let senders: Vec<_> = (0..SENDERS).map(send).collect();
        senders.into_iter().flat_map(|sender| sender.join().unwrap()).collect()
    });
    assert!(refused.into_inner(), "nobody was refused in {} s", PATIENCE.as_secs());
    let events = reads::all_events(&daemon, 0, 1_000);
    let mut stored: Vec<&str> =
        events.iter().map(|event| event["event_id"].as_str().unwrap()).collect();
    stored.sort_unstable();
    acknowledged.sort_unstable();
    assert_eq!(stored, acknowledged);
    daemon.verify();
}

#[test]
fn what_was_answered_is_read_at_once_by_everyone() {
    let daemon = Daemon::start();
    std::thread::scope(|scope| {
        for sender in 0..4 {
            let daemon = &daemon;
            scope.spawn(move || {
                let mut writer = daemon.connect();
                let mut reader = daemon.connect();
                for nth in 1..=40 {
                    let session = format!("s{sender}");
                    let mut event = event(&format!("{sender}-{nth}"));
                    event["session_id"] = session.as_str().into();
                    let answer = writer.send(&Request::post("/api/events", &event)).unwrap();
                    assert_eq!(answer.status, 201);
                    let read = Request::get(&format!("/api/sessions/{session}"));
                    let shown = reader.send(&read).unwrap().json();
                    assert_eq!(shown["session"]["event_count"], nth);
                    assert_eq!(shown["events"][0]["event_id"], event["event_id"]);
                    let list = Request::get(&format!("/api/events?session_id={session}&limit=1"));
                    assert_eq!(reader.send(&list).unwrap().json()["total"], nth);
                }
            });
        }
    });
    assert_eq!(daemon.get("/api/stats").json()["total_events"], 160);
}

/// Sends until anybody is refused. Returns the names of what was acknowledged.
fn send_until_refused(daemon: &Daemon, sender: usize, refused: &AtomicBool) -> Vec<String> {
    let mut connection = daemon.connect();
    let mut acknowledged = Vec::new();
    let started = Instant::now();
    let mut next = 0;
    while !refused.load(Ordering::Relaxed) && started.elapsed() < PATIENCE {
        let id = format!("{sender}-{next}");
        next += 1;
        let answer = connection.send(&Request::post("/api/events", &event(&id))).unwrap();
        match answer.status {
            201 => acknowledged.push(id),
            503 => {
                assert!(answer.header("retry-after").is_some(), "{answer:?}");
                assert!(answer.json()["error"].as_str().unwrap().contains("again"));
                refused.store(true, Ordering::Relaxed);
            }
            other => panic!("{other}: {}", answer.text()),
        }
    }
    acknowledged
}
