//! Requests that no good client sends, and questions that nobody should ask.

use oriel_tests::reads::encode;

use super::bodies::odd_texts;

const EVENT: &str =
    r#"{"session_id":"s","agent_type":"a","event_type":"tool_use","tool_name":"smuggled"}"#;

/// Returns requests by what is odd about them.
pub(super) fn odd_requests() -> Vec<(String, Vec<u8>)> {
    let mut requests: Vec<(String, Vec<u8>)> = Vec::new();
    let mut add = |what: &str, bytes: &[u8]| requests.push((what.to_owned(), bytes.to_vec()));
    add("nothing", b"");
    add("empty lines", b"\r\n\r\n\r\n");
    add("a first line alone", b"GET /api/events HTTP/1.1");
    add("half a head", b"GET /api/events HTTP/1.1\r\nhost: localhost\r\n");
    add("an old version", b"GET /api/events HTTP/1.0\r\nhost: localhost\r\n\r\n");
    add("no version", b"GET /api/events\r\n\r\n");
    add("another version", b"GET / HTTP/9.9\r\nhost: localhost\r\n\r\n");
    add("a later protocol", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0");
    add("a handshake", b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03");
    add("noise", &(0..=255).cycle().take(5_000).collect::<Vec<u8>>());
    add("bare line feeds", b"GET /api/stats HTTP/1.1\nhost: localhost\n\n");
    add("no host", b"GET /api/stats HTTP/1.1\r\n\r\n");
    for line in [
        "GET http://localhost/api/stats HTTP/1.1",
        "GET http://evil.example/api/stats HTTP/1.1",
        "CONNECT localhost:80 HTTP/1.1",
        "OPTIONS * HTTP/1.1",
        "GET //api//events HTTP/1.1",
        "GET /api/../control/status HTTP/1.1",
        "GET /api/%2e%2e/control/status HTTP/1.1",
        "GET /%2E%2E/%2E%2E/etc/passwd HTTP/1.1",
        "GET /api/sessions/%00 HTTP/1.1",
        "GET /api/sessions/%FF HTTP/1.1",
        "GET /api/sessions/% HTTP/1.1",
        "GET /api/sessions/\u{e9} HTTP/1.1",
        "GET /api/events?\u{e9}=\u{0} HTTP/1.1",
        "GET  /api/events HTTP/1.1",
        "G\u{0}T /api/events HTTP/1.1",
        "get /api/events HTTP/1.1",
        "AVERYLONGMETHODNAMETHATNOBODYEVERHEARDOF /api/events HTTP/1.1",
    ] {
        add(line, format!("{line}\r\nhost: localhost\r\n\r\n").as_bytes());
    }
    add("a long address", &get(&format!("/api/events?x={}", "y".repeat(200_000)), ""));
    add("many headers", &get("/api/stats", &"x: y\r\n".repeat(5_000)));
    add("a long header", &get("/api/stats", &format!("x: {}\r\n", "y".repeat(200_000))));
    add("a folded header", &get("/api/stats", "x: y\r\n z\r\n"));
    add("a header of noise", &get("/api/stats", "x: \u{1}\u{7f}\r\n"));
    add("a header without a name", &get("/api/stats", ": y\r\n"));
    add("an upgrade", &get("/api/stream", "connection: upgrade\r\nupgrade: websocket\r\n"));
    add("an odd tag", &get("/api/stats", "if-none-match: W/\u{ff}, *, \"\r\n"));
    add("an odd place", &get("/api/events", "last-event-id: 99999999999999999999\r\n"));
    for (what, headers, body) in odd_lengths() {
        add(&what, &post(&headers, &body));
    }
    add("many at once", &get("/api/stats", "").repeat(50));
    requests
}

/// Returns requests that one reader takes for one and another for two.
pub(super) fn requests_of_two_lengths() -> Vec<(String, Vec<u8>)> {
    let inner = format!(
        "POST /api/events HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n{EVENT}",
        EVENT.len()
    );
    let chunked = format!("0\r\n\r\n{inner}");
    let both = |more: &str| {
        let headers = format!("{more}content-length: {}\r\n", chunked.len());
        post(&headers, chunked.as_bytes())
    };
    let mut requests = Vec::new();
    for more in [
        "transfer-encoding: chunked\r\n",
        "Transfer-Encoding:chunked\r\n",
        "transfer-encoding: CHUNKED\r\n",
        "transfer-encoding: chunked\r\ntransfer-encoding: identity\r\n",
        "transfer-encoding: identity, chunked\r\n",
        "transfer-encoding: chunked, chunked\r\n",
        "transfer-encoding: xchunked\r\n",
        "transfer-encoding: \u{b}chunked\r\n",
        "transfer-encoding : chunked\r\n",
        "x: y\r\n transfer-encoding: chunked\r\n",
        "content-length: 5\r\n",
        "content-length: 0\r\n",
    ] {
        requests.push((format!("{more:?} before a length"), both(more)));
    }
    for lengths in ["content-length: 0, 5\r\n", "content-length: 5\r\ncontent-length: 6\r\n"] {
        requests.push((format!("{lengths:?}"), post(lengths, inner.as_bytes())));
    }
    requests
}

/// Returns addresses that read, with odd parameters and names.
pub(super) fn odd_questions() -> Vec<String> {
    let mut targets = Vec::new();
    for text in odd_texts().iter().map(|text| encode(text)) {
        // Longer ones make an address that is refused before it is read.
        if text.len() > 10_000 {
            continue;
        }
        targets.push(format!("/api/sessions/{text}"));
        targets.push(format!("/api/sessions/{text}/transcript"));
        targets.push(format!("/api/events?since={text}&until={text}&limit={text}&offset={text}"));
        targets.push(format!("/api/events?session_id={text}&event_type={text}&project={text}"));
        targets.push(format!("/api/events?after={text}&limit={text}"));
        targets.push(format!("/api/events/wait?after={text}&timeout=0&limit={text}"));
        targets.push(format!("/api/stats?agent_type={text}&since={text}"));
        targets.push(format!("/api/stats/tools?agent_type={text}&since={text}"));
        targets.push(format!("/api/stats/cost?agent_type={text}&since={text}&limit={text}"));
        targets.push(format!("/api/sessions?status={text}&since={text}&limit={text}"));
        targets.push(format!("/api/events?{text}={text}"));
    }
    for number in ["-9223372036854775808", "9223372036854775807", "-99999999999999999999", "1e9"] {
        for name in ["after", "limit", "offset"] {
            targets.push(format!("/api/events?{name}={number}"));
            targets.push(format!("/api/events?after=0&{name}x=1&limit={number}"));
        }
        targets.push(format!("/api/events/wait?after={number}&timeout=0"));
        targets.push(format!("/api/events/wait?after=0&timeout={number}"));
        targets.push(format!("/api/sessions?limit={number}"));
        targets.push(format!("/api/sessions/s-usual?event_limit={number}"));
        targets.push(format!("/api/stats/cost?limit={number}"));
    }
    for moment in [
        "0000-01-01",
        "9999-12-31T23:59:59Z",
        "-4713-11-24",
        "now",
        "2026-01-01T00:00:00%2B23:59",
        "1e400",
        "2460000.5",
        "-1",
        "99999999999999",
        "12:00",
        "2026-02-31",
    ] {
        for list in ["events", "stats", "stats/tools", "stats/cost", "sessions"] {
            targets.push(format!("/api/{list}?since={moment}"));
        }
        targets.push(format!("/api/events?until={moment}&after=0"));
    }
    targets
}

fn odd_lengths() -> Vec<(String, String, Vec<u8>)> {
    let event = EVENT.as_bytes();
    let mut odd = Vec::new();
    for length in
        ["99999999999999999999", "9999999999", "1048577", "-1", "+5", "5 5", "0x10", "", "1e3", "٣"]
    {
        let headers = format!("content-length: {length}\r\n");
        odd.push((format!("a length of {length:?}"), headers, event.to_vec()));
    }
    let longer = format!("content-length: {}\r\n", EVENT.len() + 10);
    odd.push(("a body that is cut".to_owned(), longer, event.to_vec()));
    for body in [
        "ffffffffffffffffff\r\nx",
        "7fffffffffffffff\r\nx",
        "-1\r\nx\r\n0\r\n\r\n",
        "zz\r\nx",
        "5;ext=\"\r\n\"\r\nhello\r\n0\r\n\r\n",
        "5\r\nhell",
        "5\r\nhelloX\r\n0\r\n\r\n",
        "\r\n\r\n",
        "0\r\nx: y\r\n",
        "1\n{\n0\n\n",
    ] {
        let headers = "transfer-encoding: chunked\r\n".to_owned();
        odd.push((format!("chunks {body:?}"), headers, body.into()));
    }
    let extensions = format!("1;{}\r\nx\r\n0\r\n\r\n", "e".repeat(100_000));
    odd.push((
        "a long extension".to_owned(),
        "transfer-encoding: chunked\r\n".to_owned(),
        extensions.into(),
    ));
    let trailers = format!("0\r\n{}\r\n", "x: y\r\n".repeat(10_000));
    odd.push((
        "many trailers".to_owned(),
        "transfer-encoding: chunked\r\n".to_owned(),
        trailers.into(),
    ));
    odd.push((
        "a packed body".to_owned(),
        "content-encoding: gzip\r\ncontent-length: 3\r\n".to_owned(),
        b"\x1f\x8b\x08".to_vec(),
    ));
    odd
}

fn get(target: &str, headers: &str) -> Vec<u8> {
    format!("GET {target} HTTP/1.1\r\nhost: localhost\r\n{headers}\r\n").into_bytes()
}

fn post(headers: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "POST /api/events HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n{headers}\r\n"
    );
    [head.as_bytes(), body].concat()
}
