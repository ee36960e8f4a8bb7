//! Everything that can be read of a daemon, read at once: to see that it all can be, or that it is
//! all as it was.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::daemon::Daemon;
use crate::http::Connection;
use crate::http::Request;

/// What answers the same at any time, as long as nothing is stored.
const LISTS: [&str; 21] = [
    "/api/events",
    "/api/events?limit=-1",
    "/api/events?after=0&limit=-1",
    "/api/events/wait?after=0&timeout=0",
    "/api/events?since=2000-01-01&until=2999-12-31&event_type=tool_use",
    "/api/stats",
    "/api/stats?agent_type=claude_code&since=2000-01-01",
    "/api/stats/tools",
    "/api/stats/cost",
    "/api/stats/cost?since=2000-01-01T00:30:00Z&limit=1000",
    "/api/stats/usage-monitor",
    "/api/sessions?limit=0",
    "/api/filter-options",
    "/api/reports?by=day&tz=UTC",
    "/api/reports?by=session&tz=Asia/Tokyo",
    "/api/reports?by=branch&tz=UTC&since=2000-01-01&until=2999-12-31",
    "/api/prices",
    "/api/limits",
    "/api/stats/tools/detail",
    "/api/stats/tools/detail?since=2000-01-01&tool_name=Bash",
    "/api/events?text=the&limit=-1",
];

/// Returns the answers of every address that reads, those of each session included.
///
/// # Panics
/// Where one does not answer with status 200 and valid JSON.
#[must_use]
pub fn everything(daemon: &Daemon) -> BTreeMap<String, String> {
    let mut connection = daemon.connect();
    let mut answers: BTreeMap<String, String> = BTreeMap::new();
    for target in LISTS {
        answers.insert(target.to_owned(), read(&mut connection, target));
    }
    let sessions: Value = answers.get("/api/sessions?limit=0").map_or(Value::Null, |text| {
        serde_json::from_str(text).expect("it was valid when it was read")
    });
    for session in sessions["sessions"].as_array().into_iter().flatten() {
        let id = session["id"].as_str().expect("a session has a name");
        let address = format!("/api/sessions/{}", encode(id));
        // A longer one is no address that any server takes.
        if address.len() > 32 * 1024 {
            continue;
        }
        let parts =
            ["?event_limit=-1", "/transcript", "/provenance", "/turns?limit=-1", "/files?limit=-1"];
        for target in parts.map(|part| format!("{address}{part}")) {
            let text = read(&mut connection, &target);
            answers.insert(target, text);
        }
    }
    answers
}

/// Returns all events after a number, in pages of this size.
///
/// # Panics
/// Where a page cannot be read, or does not go on where it says.
#[must_use]
pub fn all_events(daemon: &Daemon, mut after: i64, page: usize) -> Vec<Value> {
    let mut connection = daemon.connect();
    let mut all = Vec::new();
    loop {
        let target = format!("/api/events?after={after}&limit={page}");
        let text = read(&mut connection, &target);
        let mut answer: Value = serde_json::from_str(&text).expect("it was valid above");
        let Value::Array(events) = answer["events"].take() else { panic!("no events: {text}") };
        let next = answer["next"].as_i64().expect("a page says where to go on");
        if events.is_empty() {
            assert_eq!(next, after, "an empty page goes nowhere");
            return all;
        }
        assert!(next > after && events.len() <= page, "{after} goes on at {next}");
        after = next;
        all.extend(events);
    }
}

/// Writes text as one part of an address.
#[must_use]
pub fn encode(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

fn read(connection: &mut Connection, target: &str) -> String {
    let answer = match connection.send(&Request::get(target)) {
        Ok(answer) => answer,
        Err(error) => panic!("no answer to {target}: {error}"),
    };
    let text = String::from_utf8_lossy(&answer.body);
    assert_eq!(answer.status, 200, "{target}: {text}");
    let _: Value = answer.json();
    text.into_owned()
}
