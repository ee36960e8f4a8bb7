//! Addresses and methods are read as the first server of this API reads them, and what is not there
//! says so.

use oriel_tests::events::{batch, event, event_with, names};
use oriel_tests::{Answer, Daemon, Request};
use serde_json::{Value, json};

#[test]
fn what_is_not_there_is_not_found_whatever_the_method() {
    let daemon = Daemon::start();
    for (method, target) in [
        ("GET", "/"),
        ("GET", "/api"),
        ("GET", "/api/event"),
        ("GET", "/api/events/1/2"),
        ("GET", "/api/events/batch"),
        ("GET", "/control/nothing"),
        ("POST", "/api/stats"),
        ("DELETE", "/api/events"),
        ("PUT", "/api/events"),
        ("PATCH", "/api/sessions/s1"),
        ("POST", "/nothing?a=b"),
    ] {
        let answer = daemon.send(&Request::new(method, target));
        let path = target.trim_end_matches("?a=b");
        let expected = format!(r#"{{"error":"Cannot {method} {path}"}}"#);
        assert_eq!((answer.status, answer.text()), (404, &*expected), "{method} {target}");
    }
}

#[test]
fn head_answers_as_get_does_without_the_body() {
    let daemon = Daemon::start();
    daemon.store(&event("e1"));
    for target in ["/api/events", "/api/stats", "/api/sessions/s1", "/api/sessions/none"] {
        let whole = daemon.get(target);
        let head = daemon.send(&Request::new("HEAD", target));
        assert_eq!((head.status, head.body.len()), (whole.status, 0), "{target}");
        for name in ["content-type", "content-length", "etag"] {
            assert_eq!(head.header(name), whole.header(name), "{name} of {target}");
        }
    }
}

#[test]
fn options_names_the_methods_and_opens_nothing() {
    let daemon = Daemon::start();
    for (target, methods) in [
        ("/api/events", "POST,GET,HEAD"),
        ("/api/events/batch", "POST"),
        ("/api/sessions/s1", "GET,HEAD"),
        ("/api/stream", "GET,HEAD"),
    ] {
        let answer = daemon.send(&Request::new("OPTIONS", target));
        assert_eq!((answer.status, answer.text()), (200, methods), "{target}");
        assert_eq!(answer.header("allow"), Some(methods));
        assert!(answer.headers.iter().all(|(name, _)| !name.starts_with("access-control")));
    }
    assert_eq!(daemon.send(&Request::new("OPTIONS", "/nothing")).status, 404);
}

#[test]
fn paths_are_read_in_any_case_and_with_a_slash_at_their_end() {
    let daemon = Daemon::start();
    let posted = Request::post("/API/Events/", &event_with("e1", &json!({ "session_id": "AbC" })));
    assert_eq!(daemon.send(&posted).status, 201);
    let batch = Request::post("/api/events/BATCH/", &batch(&names("b", 2)));
    assert_eq!(daemon.send(&batch).status, 201);
    for (odd, usual) in [
        ("/API/EVENTS?limit=2", "/api/events?limit=2"),
        ("/api/events/?limit=2", "/api/events?limit=2"),
        ("/Api/Stats/Tools/", "/api/stats/tools"),
        ("/api/sessions/", "/api/sessions"),
        ("/API/SESSIONS/AbC/", "/api/sessions/AbC"),
        ("/api/sessions/AbC/TRANSCRIPT/", "/api/sessions/AbC/transcript"),
    ] {
        let (odd_answer, answer) = (daemon.get(odd), daemon.get(usual));
        assert_eq!((odd_answer.status, odd_answer.text()), (200, answer.text()), "{odd}");
    }
    assert_eq!(daemon.get("/api/sessions/abc").status, 404, "names of sessions keep their case");
}

#[test]
fn a_parameter_is_given_once_and_an_empty_one_is_not_given() {
    let daemon = Daemon::start();
    daemon.store_all(&batch(&names("e", 3)));
    let twice = daemon.get("/api/events?limit=1&limit=2").expect(400);
    assert_eq!(twice.text(), r#"{"error":"`limit` is given twice; give it once"}"#);
    let all = daemon.get("/api/events");
    assert_eq!(daemon.get("/api/events?agent_type=&since=&limit=").text(), all.text());
    assert_eq!(
        daemon.get("/api/events?limit=&limit=1").json()["events"].as_array().unwrap().len(),
        1
    );
    assert_eq!(daemon.get("/api/events?nobody_knows_this=1").text(), all.text());
    for odd in ["%", "%zz=1", "a=%ff", "&&&=&", "limit=%00", "since=%F0%9F%98%80"] {
        let status = daemon.get(&format!("/api/events?{odd}")).status;
        assert!(matches!(status, 200 | 400), "{odd}: {status}");
    }
}

#[test]
fn numbers_are_read_as_javascript_reads_them() {
    let daemon = Daemon::start();
    daemon.store_all(&batch(&names("e", 60)));
    for (limit, count) in [
        ("10", 10),
        ("10abc", 10),
        ("+7", 7),
        ("%207", 7),
        ("3.9", 3),
        ("1e3", 1),
        ("0x10", 50),
        ("0", 50),
        ("abc", 50),
        ("-1", 60),
        ("99999999999999999999", 60),
    ] {
        check_limit(&daemon, &format!("/api/events?limit={limit}"), "events", count);
    }
    check_limit(&daemon, "/api/events?limit=50&offset=55x", "events", 5);
    check_limit(&daemon, "/api/events?offset=-3", "events", 50);
    for (limit, count) in [
        ("", 10),
        ("?event_limit=0", 0),
        ("?limit=4", 4),
        ("?event_limit=-1", 60),
        ("?event_limit=x", 10),
    ] {
        check_limit(&daemon, &format!("/api/sessions/s1{limit}"), "events", count);
    }
    for (limit, count) in [("?limit=0", 1), ("?limit=-5", 1), ("?limit=x", 1)] {
        check_limit(&daemon, &format!("/api/sessions{limit}"), "sessions", count);
    }
    let page = daemon.get("/api/events?limit=10").json();
    assert_eq!(page["total"], 60, "the total does not know of pages");
}

#[test]
fn whoever_has_the_answer_is_told_only_that() {
    let daemon = Daemon::start();
    daemon.store(&event("e1"));
    let first = daemon.get("/api/events").expect(200);
    let tag = first.header("etag").unwrap();
    assert!(tag.starts_with("W/\"") && tag.ends_with('"'), "{tag}");
    let again = |tag: &str| daemon.send(&Request::get("/api/events").header("if-none-match", tag));
    for known in [tag, &format!("\"other\", {tag}")] {
        let same: Answer = again(known);
        assert_eq!((same.status, same.body.len()), (304, 0), "{known}");
        assert_eq!(same.header("etag"), Some(tag));
    }
    assert_eq!(again("W/\"other\"").status, 200);
    daemon.store(&event("e2"));
    let changed = again(tag).expect(200);
    assert_ne!(changed.header("etag"), Some(tag));
    assert_eq!(daemon.get("/api/sessions/none").header("etag"), None, "a refusal has no tag");
}

#[test]
fn events_are_filtered_by_every_field_and_by_time() {
    let daemon = Daemon::start();
    let other = json!({
        "session_id": "s2", "agent_type": "claude_code", "event_type": "llm_response",
        "tool_name": "Read", "branch": "dev", "project": "oriel", "model": "o3", "source": "hook",
        "status": "timeout",
    });
    daemon.store(&event("plain"));
    daemon.store(&event_with("other", &other));
    for (name, value) in other.as_object().unwrap() {
        let found = ids(&daemon, &format!("{name}={}", value.as_str().unwrap()));
        assert_eq!(found, ["other"], "{name}");
        assert_eq!(ids(&daemon, &format!("{name}=nothing")), [""; 0], "{name}");
    }
    assert_eq!(ids(&daemon, "agent_type=claude_code&tool_name=Bash"), [""; 0], "all must match");
    assert_eq!(ids(&daemon, "since=2000-01-01&until=2999-01-01T00:00:00Z"), ["other", "plain"]);
    for nothing in ["since=2999-01-01", "until=2000-01-01", "since=whenever", "until=13-13-13"] {
        assert_eq!(ids(&daemon, nothing), [""; 0], "{nothing}");
    }
}

fn ids(daemon: &Daemon, query: &str) -> Vec<String> {
    let page = daemon.get(&format!("/api/events?{query}")).expect(200).json();
    let events = page["events"].as_array().unwrap();
    assert_eq!(page["total"], events.len(), "{query}");
    events.iter().map(|event| event["event_id"].as_str().unwrap().to_owned()).collect()
}

fn check_limit(daemon: &Daemon, target: &str, list: &str, count: usize) {
    let answer = daemon.get(target).expect(200).json();
    assert_eq!(answer[list].as_array().map(Vec::len), Some(count), "{target}");
    if list == "sessions" {
        assert_eq!(answer["total"], Value::from(count), "{target}");
    }
}
