//! Exporters send what they have in any form that their protocol allows, as often as they like, and
//! while the daemon comes and goes. Each thing counts once, and what cannot be read is said.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use oriel_tests::script::{Agent, BEGIN_MS, Script};
use oriel_tests::told::{self, Temporality};
use oriel_tests::{Answer, Daemon, Launch, Request, protobuf};
use serde_json::{Value, json};

const LOGS: &str = "/api/otel/v1/logs";
const METRICS: &str = "/api/otel/v1/metrics";
const PROTOBUF: &str = "application/x-protobuf";

#[test]
fn every_form_of_an_export_says_the_same() {
    for agent in [Agent::Claude, Agent::Codex] {
        let logs = Script::of(agent).logs();
        let text = logs.to_string().into_bytes();
        let binary = protobuf::logs(&logs);
        let forms = [
            ("JSON", Request::post(LOGS, &logs)),
            ("packed JSON", packed(Request::new("POST", LOGS), "application/json", &text)),
            ("protobuf", Request::new("POST", LOGS).typed(PROTOBUF, binary.clone())),
            ("packed protobuf", packed(Request::new("POST", LOGS), PROTOBUF, &binary)),
        ];
        let mut expected = None;
        for (form, request) in &forms {
            let daemon = start();
            check_taken(&daemon.send(request), form);
            let counted = counted(&daemon);
            assert_ne!(counted["total_tokens_out"], 0, "{agent:?}, {form}");
            let expected = expected.get_or_insert_with(|| counted.clone());
            assert_eq!(*expected, counted, "{agent:?}, {form}");
            // Whatever form it is sent in again, it is known.
            for (again, request) in &forms {
                check_taken(&daemon.send(request), again);
            }
            assert_eq!(*expected, self::counted(&daemon), "{agent:?}, {form} and all others");
            daemon.verify();
        }
    }
}

#[test]
fn a_record_that_cannot_be_read_costs_no_other() {
    let daemon = start();
    let mut logs = Script::of(Agent::Claude).logs();
    let whole = logs.clone();
    let records = logs["resourceLogs"][0]["scopeLogs"][0]["logRecords"].as_array_mut().unwrap();
    records.insert(1, json!(7));
    records.insert(3, json!("no record"));
    let answer = told::export(&daemon, "logs", &logs).expect(200).json();
    assert_eq!(answer["partialSuccess"]["rejectedLogRecords"], "2");
    assert!(answer["partialSuccess"]["errorMessage"].as_str().unwrap().contains("record 2"));
    let counted = counted(&daemon);
    let other = start();
    check_taken(&told::export(&other, "logs", &whole), "without them");
    assert_eq!(counted, self::counted(&other));
}

#[test]
fn what_is_no_export_is_refused_with_the_reason() {
    let daemon = start();
    for (body, problem) in
        [(&b"{"[..], "Invalid JSON payload"), (b"\xff\xfe", "Invalid JSON payload")]
    {
        let answer = daemon.send(&Request::new("POST", LOGS).typed("application/json", body));
        assert_eq!(answer.expect(400).json(), json!({ "error": problem }));
    }
    for body in ["[]", "7"] {
        let answer = daemon.send(&Request::new("POST", METRICS).typed("application/json", body));
        assert!(answer.expect(400).json()["error"].is_string(), "{body}");
    }
    let request = Request::new("POST", LOGS).typed("application/json", "{}");
    let answer = daemon.send(&request.header("content-encoding", "gzip")).expect(400).json();
    assert!(answer["error"].as_str().unwrap().contains("gzip"), "{answer}");
    let answer = daemon.send(&Request::new("POST", LOGS).typed(PROTOBUF, b"\xff\xff\xff".to_vec()));
    assert_eq!((answer.status, answer.header("content-type")), (400, Some(PROTOBUF)));
    assert_eq!(counted(&daemon)["total_events"], 0);
}

#[test]
fn the_strict_mode_refuses_the_binary_form_in_the_old_words() {
    let daemon = Launch::new().set("import.auto", "false").set("compat", "agentmonitor").start();
    for target in [LOGS, METRICS, "/api/otel/v1/traces"] {
        let answer = daemon.send(&Request::new("POST", target).typed(PROTOBUF, b"x".to_vec()));
        assert_eq!(
            answer.expect(415).text(),
            "{\"error\":\"Protobuf not supported yet. Use JSON format.\",\
             \"hint\":\"Set OTEL_EXPORTER_OTLP_PROTOCOL=http/json\"}"
        );
    }
}

#[test]
fn a_meter_of_wholes_counts_its_steps() {
    let daemon = start();
    for whole in [1000, 400, 450] {
        let answer = told::export(&daemon, "metrics", &whole_of("s1", whole)).expect(200);
        assert_eq!(answer.json(), json!({}));
    }
    let events = daemon.get("/api/events").expect(200).json();
    let steps: Vec<&Value> =
        events["events"].as_array().unwrap().iter().map(|event| &event["tokens_in"]).collect();
    assert_eq!(steps, [50, 1000], "the newest first");
    daemon.verify();
}

#[test]
fn a_meter_of_wholes_goes_on_where_it_was_when_the_daemon_died() {
    let mut daemon = start();
    let mut sent = 0;
    for (whole, binary) in [(1000, false), (1200, true), (1200, false), (1950, false)] {
        let export = whole_of("s1", whole);
        if binary {
            let body = protobuf::metrics(&export);
            let request = Request::new("POST", METRICS).typed(PROTOBUF, body);
            check_taken(&daemon.send(&request), "binary");
        } else {
            check_taken(&told::export(&daemon, "metrics", &export), "JSON");
        }
        sent = whole;
        daemon.kill();
        daemon.restart();
        assert_eq!(counted(&daemon)["total_tokens_in"], sent, "after {whole}");
    }
    check_taken(&told::export(&daemon, "metrics", &whole_of("s2", 30)), "of another session");
    assert_eq!(counted(&daemon)["total_tokens_in"], sent + 30, "another session has its own");
    daemon.verify();
}

fn whole_of(session: &str, whole: u64) -> Value {
    let members = json!({ "session.id": session, "model": "gemini-2.5-pro", "type": "input" });
    let points = [("gemini_cli.token.usage", members, json!(whole))];
    let at_ms = BEGIN_MS + whole as i64;
    told::metrics("gemini-cli", Temporality::Cumulative, at_ms, &points)
}

fn packed(request: Request, kind: &str, body: &[u8]) -> Request {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(body).unwrap();
    request.typed(kind, encoder.finish().unwrap()).header("content-encoding", "gzip")
}

fn check_taken(answer: &Answer, what: &str) {
    let answer = answer.clone().expect(200);
    match answer.header("content-type") {
        Some(PROTOBUF) => assert!(answer.body.is_empty(), "{what}: {answer:?}"),
        _ => assert_eq!(answer.json(), json!({}), "{what}"),
    }
}

fn counted(daemon: &Daemon) -> Value {
    daemon.get("/api/stats").expect(200).json()
}

fn start() -> Daemon {
    Launch::new().set("import.auto", "false").start()
}
