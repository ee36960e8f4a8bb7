//! No event, however odd, breaks a read, and no request, however odd, breaks the daemon: it is
//! taken or refused in a word, and afterwards everything can still be read.

mod bodies;
mod requests;

use oriel_tests::{Connection, Daemon, Request, reads};
use serde_json::Value;

#[test]
fn whatever_is_posted_everything_can_be_read() {
    let mut daemon = Daemon::start();
    let mut sender = Sender::new(&daemon);
    for body in bodies::odd_bodies() {
        for target in ["/api/events", "/api/events/batch"] {
            sender.post(target, &body);
        }
    }
    for event in bodies::odd_events() {
        sender.post("/api/events", event.as_bytes());
        let batch = format!(r#"{{"events":[{event},{event}]}}"#);
        sender.post("/api/events/batch", batch.as_bytes());
    }
    check_reads(&mut daemon);
}

#[test]
fn amounts_at_their_limits_add_up_without_breaking_a_sum() {
    let mut daemon = Daemon::start();
    let mut sender = Sender::new(&daemon);
    for batch in bodies::batches_of_the_largest() {
        assert_eq!(sender.post("/api/events/batch", &batch), 201);
    }
    check_reads(&mut daemon);
}

#[test]
fn whatever_is_sent_is_answered_or_cut_off() {
    let mut daemon = Daemon::start();
    for (what, bytes) in requests::odd_requests() {
        let answer = daemon.raw(&bytes);
        for status in statuses(&answer) {
            assert!(status < 500, "{what}: {}", String::from_utf8_lossy(&answer));
        }
        assert_eq!(daemon.get("/api/health").status, 200, "after {what}");
    }
    check_reads(&mut daemon);
}

#[test]
fn a_request_of_two_lengths_is_not_two_requests() {
    let daemon = Daemon::start();
    for (what, bytes) in requests::requests_of_two_lengths() {
        let mut connection = daemon.connect();
        connection.write(&bytes).unwrap();
        // The daemon does not wait to see what else comes.
        let answer = connection.read_to_end().expect("such a connection is closed");
        assert_eq!(statuses(&answer), [400], "{what}: {}", String::from_utf8_lossy(&answer));
    }
    assert_eq!(daemon.get("/api/stats").json()["tool_breakdown"]["smuggled"], Value::Null);
}

#[test]
fn odd_questions_are_answered_or_refused() {
    let mut daemon = Daemon::start();
    let mut sender = Sender::new(&daemon);
    for event in bodies::odd_events().iter().take(40) {
        sender.post("/api/events", event.as_bytes());
    }
    for target in requests::odd_questions() {
        let answer = daemon.get(&target);
        assert!(matches!(answer.status, 200 | 400 | 404), "{target}: {}", answer.text());
        let _: Value = answer.json();
    }
    check_reads(&mut daemon);
}

/// Posts on one connection for as long as that lasts.
struct Sender<'a> {
    daemon: &'a Daemon,
    connection: Connection,
}

impl<'a> Sender<'a> {
    fn new(daemon: &'a Daemon) -> Self {
        Self { daemon, connection: daemon.connect() }
    }

    /// Posts a body and checks that it is taken or refused, and that the answer is JSON.
    fn post(&mut self, target: &str, body: &[u8]) -> u16 {
        let request = Request::new("POST", target).typed("application/json", body);
        // What is refused unread may cost the connection.
        let answer = self.connection.send(&request).or_else(|_| {
            self.connection = self.daemon.connect();
            self.connection.send(&request)
        });
        let shown = String::from_utf8_lossy(&body[..body.len().min(300)]);
        let answer = answer.unwrap_or_else(|error| panic!("no answer to {shown}: {error}"));
        let status = answer.status;
        assert!(matches!(status, 200 | 201 | 400 | 413), "{status} to {shown}: {}", answer.text());
        let _: Value = answer.json();
        status
    }
}

/// Checks that everything can be read, before and after a restart, and that all of it is true.
fn check_reads(daemon: &mut Daemon) {
    let before = reads::everything(daemon);
    let events = reads::all_events(daemon, 0, 500);
    for event in &events {
        let metadata = event["metadata"].as_str().unwrap();
        let parsed = serde_json::from_str::<Value>(metadata);
        assert!(parsed.is_ok(), "metadata is no JSON: {metadata}");
    }
    if let Some(last) = events.last() {
        let mut stream = daemon.stream("/api/stream?after=0");
        let frames: Vec<Value> =
            events.iter().map(|_| stream.next_of("event").json()["payload"].take()).collect();
        assert_eq!(frames.last(), Some(last));
        assert_eq!(frames, events);
    }
    assert!(!daemon.log().contains("panicked"), "{}", daemon.log());
    let report = daemon.verify();
    assert_eq!(report["events"], events.len());
    daemon.restart();
    assert_eq!(reads::everything(daemon), before, "after a restart");
}

/// Returns the statuses of the answers in what came back.
fn statuses(bytes: &[u8]) -> Vec<u16> {
    let text = String::from_utf8_lossy(bytes);
    // Bodies are JSON, which has no line that begins like this.
    let heads = text.split("HTTP/1.1 ").skip(1);
    heads
        .map(|head| head[..3].parse().unwrap_or_else(|_| panic!("an odd answer: {text}")))
        .collect()
}
