//! Senders wrap what they post in odd ways; what can be made out is taken, and the rest is refused
//! in plain JSON.

use oriel_tests::events::{batch, event, names};
use oriel_tests::{Answer, Daemon, Request};
use serde_json::{Value, json};

const NOT_AN_OBJECT: &str = r#"{"error":"Invalid event payload","details":[{"field":"body","message":"must be a JSON object"}]}"#;
const NOT_A_BATCH: &str = r#"{"error":"Expected { events: [...] }"}"#;
const NOT_JSON: &str = r#"{"error":"Invalid JSON payload"}"#;
const ONE: &str = "/api/events";
const MANY: &str = "/api/events/batch";

/// The longest body.
const BYTES_MAX: usize = 1024 * 1024;

#[test]
fn json_is_read_under_every_name_that_senders_give_it() {
    let daemon = Daemon::start();
    for (number, kind) in [
        "application/json",
        "application/json; charset=utf-8",
        "APPLICATION/JSON",
        " application/json ;charset=latin1",
        "application/vnd.api+json",
        "application/cloudevents+json; v=1",
        "text/plain",
        "text/plain;charset=UTF-8",
    ]
    .iter()
    .enumerate()
    {
        let body = event(&format!("e{number}")).to_string();
        let answer = daemon.send(&Request::new("POST", ONE).typed(kind, body));
        assert_eq!(answer.status, 201, "{kind}: {}", answer.text());
    }
}

#[test]
fn what_does_not_say_that_it_is_json_is_not_read() {
    let daemon = Daemon::start();
    let kinds = ["application/x-www-form-urlencoded", "text/html", "json", "application/xml", ""];
    for kind in kinds {
        let one = Request::new("POST", ONE).typed(kind, event("e").to_string());
        check(&daemon.send(&one), 400, NOT_AN_OBJECT, kind);
        let many = Request::new("POST", MANY).typed(kind, batch(&names("e", 1)).to_string());
        check(&daemon.send(&many), 400, NOT_A_BATCH, kind);
    }
    let unnamed = Request::new("POST", ONE).body(event("e").to_string());
    check(&daemon.send(&unnamed), 400, NOT_AN_OBJECT, "no type");
    assert_eq!(daemon.get("/api/stats").json()["total_events"], 0);
}

#[test]
fn three_layers_of_quotes_are_peeled_and_a_fourth_is_not() {
    let daemon = Daemon::start();
    let mut body = event("plain").to_string();
    for layers in 0..=3 {
        let named = body.replace("plain", &format!("quoted {layers}"));
        let answer = post(&daemon, ONE, named);
        assert_eq!(answer.status, 201, "{layers} layers: {}", answer.text());
        body = Value::String(body).to_string();
    }
    check(&post(&daemon, ONE, body), 400, NOT_JSON, "four layers");
    let quoted = Value::String(batch(&names("b", 3)).to_string()).to_string();
    assert_eq!(post(&daemon, MANY, quoted).expect(201).json()["received"], 3);
}

#[test]
fn space_and_a_byte_order_mark_around_the_document_do_not_matter() {
    let daemon = Daemon::start();
    let text = event("e1");
    let spaced = format!("\u{feff} \r\n\t{text}\n \u{a0}");
    assert_eq!(post(&daemon, ONE, spaced).status, 201);
    let inside = Value::String(format!(" \n{}\n", event("e2"))).to_string();
    assert_eq!(post(&daemon, ONE, inside).status, 201);
}

#[test]
fn an_empty_body_is_an_empty_object() {
    let daemon = Daemon::start();
    let answer = post(&daemon, ONE, "");
    let same = post(&daemon, ONE, "{}");
    assert_eq!(answer, Answer { headers: answer.headers.clone(), ..same }, "as if it were said");
    assert_eq!((answer.status, answer.json()["details"].as_array().unwrap().len()), (400, 4));
    check(&post(&daemon, MANY, ""), 400, NOT_A_BATCH, "empty");
}

#[test]
fn what_is_no_json_is_refused_in_json() {
    let daemon = Daemon::start();
    let whole = event("e1").to_string();
    let mut cases: Vec<String> =
        ["{", "nonsense", "{'a':1}", "{\"a\":1,}", "[1,2", "\"", "5", "null", "true", "\"x\"", " "]
            .map(str::to_owned)
            .into();
    cases.push(whole[..whole.len() - 1].to_owned());
    cases.push(format!("{whole}{whole}"));
    cases.push(Value::String("nonsense".to_owned()).to_string());
    for body in cases {
        for target in [ONE, MANY] {
            let answer = post(&daemon, target, body.clone());
            check(&answer, 400, NOT_JSON, &body);
            assert_eq!(answer.header("content-type"), Some("application/json; charset=utf-8"));
        }
    }
}

#[test]
fn an_array_is_no_event_and_no_batch() {
    let daemon = Daemon::start();
    for body in ["[]", r#"[{"session_id":"s"}]"#] {
        check(&post(&daemon, ONE, body), 400, NOT_AN_OBJECT, body);
        check(&post(&daemon, MANY, body), 400, NOT_A_BATCH, body);
    }
    for body in [r#"{"events":{}}"#, r#"{"events":null}"#, r#"{"event":[]}"#, "{}"] {
        check(&post(&daemon, MANY, body), 400, NOT_A_BATCH, body);
    }
}

#[test]
fn a_batch_names_what_it_rejects_and_stores_the_rest_in_order() {
    let daemon = Daemon::start();
    let body = json!({ "events": [
        event("first"),
        "text",
        { "session_id": " ", "agent_type": "codex", "event_type": "tool_use" },
        event("first"),
        null,
        { "session_id": "s", "agent_type": "a", "event_type": "sleep", "tokens_in": -1, "source": 5 },
        [],
        event("last"),
    ]});
    let answer = daemon.post(MANY, &body);
    let expected = concat!(
        r#"{"received":2,"ids":[1,2],"duplicates":1,"rejected":["#,
        r#"{"index":1,"errors":["body: must be a JSON object"]},"#,
        r#"{"index":2,"errors":["session_id: must be a non-empty string"]},"#,
        r#"{"index":4,"errors":["body: must be a JSON object"]},"#,
        r#"{"index":5,"errors":["event_type: must be one of: tool_use, session_start, session_end, "#,
        r#"error, llm_request, llm_response, response, file_change, git_commit, plan_step, "#,
        r#"user_prompt, instruction_load","tokens_in: must be a non-negative integer when provided","#,
        r#""source: must be a string when provided"]},"#,
        r#"{"index":6,"errors":["body: must be a JSON object"]}]}"#,
    );
    check(&answer, 201, expected, "a mixed batch");
    let nothing = r#"{"received":0,"ids":[],"duplicates":0,"rejected":[]}"#;
    check(&post(&daemon, MANY, r#"{"events":[]}"#), 201, nothing, "an empty batch");
    let again = r#"{"received":0,"ids":[],"duplicates":1,"rejected":[]}"#;
    check(&daemon.post(MANY, &json!({ "events": [event("last")] })), 201, again, "a repeat");
    let stored = oriel_tests::reads::all_events(&daemon, 0, 10);
    assert_eq!(
        stored.iter().map(|event| &event["event_id"]).collect::<Vec<_>>(),
        ["first", "last"]
    );
}

#[test]
fn a_body_of_a_mebibyte_is_taken_and_a_longer_one_is_refused() {
    let daemon = Daemon::start();
    let longest = padded("e1", BYTES_MAX);
    assert_eq!(post(&daemon, ONE, longest).status, 201);
    for target in [ONE, MANY] {
        let answer = post(&daemon, target, padded("e2", BYTES_MAX + 1));
        assert_eq!(answer.status, 413, "{target}");
        let error = answer.json()["error"].as_str().unwrap().to_owned();
        assert!(error.contains("1048576"), "{error}");
    }
    let mut chunked = daemon.connect();
    let head = "POST /api/events HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
        transfer-encoding: chunked\r\n\r\n100001\r\n";
    chunked.write(head.as_bytes()).unwrap();
    chunked.write(padded("e3", BYTES_MAX + 1).as_bytes()).unwrap();
    chunked.write(b"\r\n0\r\n\r\n").unwrap();
    assert_eq!(chunked.read("POST").unwrap().status, 413, "in chunks");
    assert_eq!(daemon.get("/api/stats").json()["total_events"], 1);
}

#[test]
fn a_body_in_chunks_is_read_as_one() {
    let daemon = Daemon::start();
    let mut connection = daemon.connect();
    let head = "POST /api/events HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
        transfer-encoding: chunked\r\n\r\n";
    connection.write(head.as_bytes()).unwrap();
    for byte in event("e1").to_string().chars() {
        connection.write(format!("1\r\n{byte}\r\n").as_bytes()).unwrap();
    }
    connection.write(b"0\r\n\r\n").unwrap();
    let answer = connection.read("POST").unwrap();
    check(&answer, 201, r#"{"received":1,"ids":[1],"duplicates":0}"#, "chunks");
    let next = connection.send(&Request::get("/api/events")).unwrap();
    assert_eq!(next.json()["total"], 1, "the connection goes on");
}

#[test]
fn a_sender_that_asks_first_is_told_to_go_on() {
    let daemon = Daemon::start();
    let mut connection = daemon.connect();
    let body = event("e1").to_string();
    let head = format!(
        "POST /api/events HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
         expect: 100-continue\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    connection.write(head.as_bytes()).unwrap();
    assert_eq!(connection.read("HEAD").unwrap().status, 100);
    connection.write(body.as_bytes()).unwrap();
    assert_eq!(connection.read("POST").unwrap().status, 201);
}

fn post(daemon: &Daemon, target: &str, body: impl Into<Vec<u8>>) -> Answer {
    daemon.send(&Request::new("POST", target).typed("application/json", body))
}

/// Returns an event that is so many bytes long, most of it space.
fn padded(id: &str, bytes: usize) -> String {
    let text = event(id).to_string();
    format!("{}{text}", " ".repeat(bytes - text.len()))
}

fn check(answer: &Answer, status: u16, body: &str, what: &str) {
    assert_eq!((answer.status, answer.text()), (status, body), "{what}");
}
