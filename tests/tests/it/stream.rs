//! Whoever listens gets every event once and in order: from now on or from where it left off, in
//! bursts, beside clients that stall, and up to the moment when the daemon stops.

use std::ops::RangeInclusive;

use oriel_tests::events::{batch, event, event_with, names};
use oriel_tests::{Connection, Daemon, Launch, Request, Signal, Stream, wait};
use serde_json::{Value, json};

#[test]
fn a_stream_begins_with_a_greeting() {
    let daemon = Daemon::start();
    let mut stream = Stream::open(daemon.connect(), &Request::get("/api/stream"));
    for (name, value) in [
        ("content-type", "text/event-stream"),
        ("cache-control", "no-cache"),
        ("x-accel-buffering", "no"),
        ("etag", ""),
    ] {
        assert_eq!(stream.header(name).unwrap_or_default(), value, "{name}");
    }
    let greeting = stream.next().unwrap();
    let (before, time) = greeting.text.split_once("\"timestamp\":").unwrap();
    assert_eq!(before, r#"data: {"type":"connected","#);
    let form: String = time.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    assert_eq!(form, r#""0000-00-00T00:00:00.000Z"}"#);
}

#[test]
fn event_frames_are_the_rows_of_the_list() {
    let daemon = Daemon::start();
    let mut stream = daemon.stream("/api/stream");
    let odd = json!({
        "metadata": { "text": "a\n\nb\r\u{2028}data: x", "10": 1 }, "model": "o3",
        "tokens_in": 250_000, "tokens_out": 125_000, "project": "p\u{85}\u{0}", "duration_ms": 5,
    });
    daemon.store(&event_with("odd", &odd));
    daemon.store_all(&batch(&names("b", 3)));
    let listed = daemon.get("/api/events?after=0").expect(200);
    let streamed: Vec<String> = (1..=4)
        .map(|number| {
            let frame = stream.next_of("event");
            assert_eq!(frame.number(), number);
            let payload = frame.data().unwrap().strip_prefix(r#"{"type":"event","payload":"#);
            payload.and_then(|payload| payload.strip_suffix('}')).unwrap().to_owned()
        })
        .collect();
    assert_eq!(
        listed.text(),
        format!(r#"{{"events":[{}],"next":4,"last":4}}"#, streamed.join(","))
    );
}

#[test]
fn a_stream_passes_what_its_filter_names() {
    let daemon = Daemon::start();
    let other = json!({
        "session_id": "s2", "agent_type": "claude_code", "event_type": "llm_response",
        "tool_name": "Read", "branch": "dev", "project": "oriel", "model": "o3", "source": "hook",
        "status": "timeout",
    });
    let fields: Vec<_> = other.as_object().unwrap().iter().collect();
    let mut streams: Vec<_> = fields
        .iter()
        .map(|(name, value)| {
            daemon.stream(&format!("/api/stream?{name}={}", value.as_str().unwrap()))
        })
        .collect();
    daemon.store(&event("plain"));
    daemon.store(&event_with("other", &other));
    daemon.store(&event("plain again"));
    daemon.store(&event_with("last", &other));
    for (stream, (name, _)) in streams.iter_mut().zip(&fields) {
        assert_eq!(stream.numbers(2), [2, 4], "{name}");
    }
    let mut replayed = daemon.stream("/api/stream?after=0&agent_type=codex");
    assert_eq!(replayed.numbers(2), [1, 3], "what is replayed is filtered too");
}

#[test]
fn a_filtered_stream_gets_statistics_at_their_interval() {
    let daemon = Launch::new().set("stream.stats_interval_ms", "250").start();
    let mut stream = daemon.stream("/api/stream?agent_type=nobody");
    for _ in 0..2 {
        assert!(stream.next_of("stats").json()["payload"]["usage_monitor"].is_array());
    }
}

#[test]
fn a_quiet_stream_gets_heartbeats() {
    let daemon = Launch::new().set("stream.heartbeat_ms", "1000").start();
    let mut stream = daemon.stream("/api/stream");
    let heartbeat = stream.next().unwrap();
    assert_eq!((heartbeat.text.as_str(), heartbeat.kind()), (": heartbeat", ""));
}

#[test]
fn replay_goes_over_into_the_live_stream_without_gap_or_repeat() {
    const EVENTS: usize = 3_000;
    let daemon = Daemon::start();
    daemon.store_all(&batch(&names("before", 100)));
    std::thread::scope(|scope| {
        let posting = scope.spawn(|| {
            let mut connection = daemon.connect();
            let all = names("during", EVENTS);
            for part in all.chunks(20) {
                let request = Request::post("/api/events/batch", &batch(part));
                assert_eq!(connection.send(&request).unwrap().status, 201);
            }
        });
        let listening: Vec<_> = (0..6_i64)
            .map(|nth| {
                let daemon = &daemon;
                scope.spawn(move || {
                    // They come one after another, while events are stored.
                    let reached = 100 + 400 * nth;
                    wait::until("events to be stored", || (last(daemon) >= reached).then_some(()));
                    let after = 30 * nth;
                    let mut stream = match nth % 2 {
                        0 => daemon.stream(&format!("/api/stream?after={after}")),
                        _ => resume(daemon, after),
                    };
                    check_numbers(&mut stream, after + 1..=100 + EVENTS as i64);
                })
            })
            .collect();
        posting.join().unwrap();
        listening.into_iter().for_each(|client| client.join().unwrap());
    });
}

#[test]
fn a_stream_resumes_from_the_last_event_that_its_client_names() {
    let mut daemon = Daemon::start();
    daemon.store_all(&batch(&names("e", 10)));
    check_numbers(&mut resume(&daemon, 7), 8..=10);
    let both = Request::get("/api/stream?after=2").header("last-event-id", "8");
    let mut stream = Stream::open(daemon.connect(), &both);
    assert_eq!(stream.numbers(2), [9, 10], "what the client says of itself is newer");
    daemon.restart();
    check_numbers(&mut resume(&daemon, 4), 5..=10);
    let mut ahead = resume(&daemon, 1_000_000);
    daemon.store(&event("next"));
    assert_eq!(ahead.numbers(1), [11], "a number that there never was does not silence a stream");
}

#[test]
fn more_clients_than_may_listen_are_refused_and_one_that_leaves_makes_room() {
    let daemon = Launch::new().set("stream.clients_max", "3").start();
    let streams: Vec<_> = (0..3).map(|_| daemon.stream("/api/stream")).collect();
    let refused = daemon.get("/api/stream");
    let expected = r#"{"error":"SSE client limit reached","max_clients":3}"#;
    assert_eq!((refused.status, refused.text()), (503, expected));
    assert!(refused.header("retry-after").is_some());
    assert_eq!(clients(&daemon), 3, "who was refused is not counted");
    drop(streams);
    wait::until("all clients to be forgotten", || (clients(&daemon) == 0).then_some(()));
    daemon.stream("/api/stream");
}

#[test]
fn a_stream_of_nothing_is_no_client() {
    let daemon = Daemon::start();
    let head = daemon.send(&Request::new("HEAD", "/api/stream"));
    assert_eq!((head.status, head.header("content-type")), (200, Some("text/event-stream")));
    wait::until("no client to be left", || (clients(&daemon) == 0).then_some(()));
}

#[test]
fn twenty_clients_get_every_event_of_a_burst_once_and_in_order() {
    const CLIENTS: usize = 20;
    const BATCHES: usize = 8;
    let daemon = Daemon::start();
    let streams: Vec<_> = (0..CLIENTS).map(|_| daemon.stream("/api/stream")).collect();
    assert_eq!(clients(&daemon), CLIENTS as u64);
    std::thread::scope(|scope| {
        for mut stream in streams {
            scope.spawn(move || check_numbers(&mut stream, 1..=(BATCHES * 500) as i64));
        }
        for nth in 0..BATCHES {
            daemon.store_all(&batch(&names(&format!("burst-{nth}"), 500)));
        }
    });
    wait::until("all clients to be forgotten", || (clients(&daemon) == 0).then_some(()));
}

#[test]
fn a_client_that_stalls_costs_nobody_anything_and_then_gets_everything() {
    // More than the daemon holds for a client, and more than the system does.
    const BATCHES: i64 = 16;
    const BATCH: i64 = 100;
    let daemon = Daemon::start();
    let cramped = Connection::cramped(daemon.addr()).unwrap();
    let mut stalled = Stream::open(cramped, &Request::get("/api/stream"));
    let mut lively = daemon.stream("/api/stream");
    let text = "x".repeat(9_500);
    for nth in 0..BATCHES {
        let events: Vec<Value> = (0..BATCH)
            .map(|number| event_with(&format!("{nth}-{number}"), &json!({ "metadata": text })))
            .collect();
        daemon.store_all(&json!({ "events": events }));
        check_numbers(&mut lively, nth * BATCH + 1..=(nth + 1) * BATCH);
    }
    assert_eq!(stalled.next().unwrap().kind(), "connected");
    let mut passed = 0;
    let mut resyncs = 0;
    while passed < BATCHES * BATCH {
        let frame = stalled.next().expect("nobody is kicked");
        match frame.kind() {
            "event" => {
                assert_eq!(frame.number(), passed + 1);
                passed += 1;
            }
            "resync" => {
                let expected = format!(r#"data: {{"type":"resync","after":{passed}}}"#);
                assert_eq!(frame.text, expected);
                resyncs += 1;
            }
            _ => {}
        }
    }
    assert_eq!(resyncs, 1, "it is told that it fell behind");
    daemon.store(&event("last"));
    assert_eq!(stalled.numbers(1), [BATCHES * BATCH + 1], "it is live again");
}

#[test]
fn a_long_poll_answers_at_once_where_there_is_something() {
    let daemon = Daemon::start();
    daemon.store_all(&batch(&names("e", 5)));
    let page = daemon.get("/api/events/wait?after=3&timeout=60").expect(200);
    assert_eq!(page.text(), daemon.get("/api/events?after=3").text());
    assert_eq!(page.json()["next"], 5);
    let nothing = daemon.get("/api/events/wait?after=5&timeout=0").expect(200);
    assert_eq!(nothing.text(), r#"{"events":[],"next":5,"last":5}"#);
    assert_eq!(daemon.get("/api/events/wait").status, 400, "it must say after what");
}

#[test]
fn a_long_poll_waits_for_what_it_asks_for() {
    let daemon = Daemon::start();
    daemon.store(&event("before"));
    let mut polls: Vec<_> = ["", "&agent_type=claude_code"]
        .map(|filter| {
            let mut connection = daemon.connect();
            let target = format!("/api/events/wait?after=1&timeout=60{filter}");
            connection.ask(&Request::get(&target)).unwrap();
            connection
        })
        .into();
    daemon.store(&event("plain"));
    let first = polls[0].read("GET").unwrap().json();
    assert_eq!((&first["events"][0]["event_id"], &first["next"]), (&json!("plain"), &json!(2)));
    daemon.store(&event_with("wanted", &json!({ "agent_type": "claude_code" })));
    let second = polls[1].read("GET").unwrap().json();
    assert_eq!((&second["events"][0]["event_id"], &second["next"]), (&json!("wanted"), &json!(3)));
    assert_eq!(second["events"].as_array().unwrap().len(), 1);
}

#[test]
fn streams_and_long_polls_end_well_when_the_daemon_stops() {
    let mut daemon = Daemon::start();
    daemon.store(&event("e1"));
    let mut stream = daemon.stream("/api/stream?after=0");
    assert_eq!(stream.numbers(1), [1]);
    let mut poll = daemon.connect();
    // The answer to the first request shows that the second one was taken, too.
    poll.ask(&Request::get("/api/health")).unwrap();
    poll.ask(&Request::get("/api/events/wait?after=1&timeout=60")).unwrap();
    poll.read("GET").unwrap();
    let stopped = daemon.signal(Signal::TERM);
    assert!(stopped.status.success(), "{stopped:?}");
    assert_eq!(stream.next(), None, "a whole body, not a broken connection");
    let answer = poll.read("GET").expect("a wait is answered, not cut off");
    assert_eq!((answer.status, answer.text()), (200, r#"{"events":[],"next":1,"last":1}"#));
}

#[test]
fn pages_lead_to_the_end() {
    let daemon = Daemon::start();
    for nth in 0..3 {
        daemon.store_all(&batch(&names(&format!("part-{nth}"), 400)));
    }
    for page in [1_000, 7, 1_200, 1] {
        let after = if page == 1 { 1_100 } else { 0 };
        let events = oriel_tests::reads::all_events(&daemon, after, page);
        let numbers: Vec<i64> = events.iter().map(|event| event["id"].as_i64().unwrap()).collect();
        assert_eq!(numbers, (after + 1..=1_200).collect::<Vec<_>>(), "pages of {page}");
    }
    let filtered = daemon.get("/api/events?after=0&agent_type=nobody").json();
    assert_eq!(
        filtered,
        json!({ "events": [], "next": 1_200, "last": 1_200 }),
        "what does not match is passed"
    );
}

fn resume(daemon: &Daemon, after: i64) -> Stream {
    let request = Request::get("/api/stream").header("last-event-id", after.to_string());
    Stream::open(daemon.connect(), &request)
}

fn check_numbers(stream: &mut Stream, expected: RangeInclusive<i64>) {
    for number in expected {
        assert_eq!(stream.next_of("event").number(), number);
    }
}

fn last(daemon: &Daemon) -> i64 {
    daemon.get("/api/events?limit=1").json()["events"][0]["id"].as_i64().unwrap()
}

fn clients(daemon: &Daemon) -> u64 {
    daemon.get("/api/health").json()["sse_clients"].as_u64().unwrap()
}
