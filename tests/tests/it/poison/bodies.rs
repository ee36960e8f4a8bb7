//! Bodies and events that have broken servers, or look as if they could.

use fastrand::Rng;
use serde_json::{Value, json};

/// Every body is changed at random in so many ways; always in the same ones.
const MUTATIONS: u64 = 300;

/// Counts and costs are taken up to these.
const COUNT_MAX: u64 = 9_007_199_254_740_992;
const COST_MAX: u64 = 1_000_000;

/// Returns bodies that are no event, or hardly one.
pub(super) fn odd_bodies() -> Vec<Vec<u8>> {
    let whole = usual();
    let mut bodies: Vec<Vec<u8>> = Vec::new();
    for text in [
        "",
        " \t\r\n ",
        "\u{feff}",
        "\u{feff}\u{feff}{}",
        "\0",
        "null",
        "NaN",
        "-",
        "1e999999999",
        "{\"events\":",
        "{\"events\":[{}]}",
        "{\"events\":[[[[]]]]}",
        "{\"events\":[1,\"2\",null,true,{},[]],\"events\":[]}",
        "{\"__proto__\":{\"session_id\":\"s\"}}",
        "//{}",
        "{}{}",
        "{\"a\":1}\0",
    ] {
        bodies.push(text.into());
    }
    // Bombs: too deep to be read by recursion, and quotes around quotes.
    for depth in [200, 100_000] {
        bodies.push("[".repeat(depth).into());
        bodies.push(format!("{}{}", "[".repeat(depth), "]".repeat(depth)).into());
        bodies.push(format!("{}1{}", "{\"a\":".repeat(depth), "}".repeat(depth)).into());
        let events = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        bodies.push(format!("{{\"events\":{events}}}").into());
    }
    let mut quoted = whole.clone();
    for _ in 0..9 {
        quoted = Value::String(quoted).to_string();
        bodies.push(quoted.clone().into());
    }
    bodies.push("\"".repeat(1_000_000).into());
    bodies.push(format!("{{\"events\":[{}{{}}]}}", "{},".repeat(5_000)).into());
    bodies.push(format!("{{\"events\":[{}0]}}", "0,".repeat(20_000)).into());
    // Text that is no text.
    let utf_16 = whole.encode_utf16().flat_map(u16::to_le_bytes);
    bodies.push(utf_16.collect());
    for bad in [&b"\xff"[..], b"\xc0\x80", b"\xed\xa0\x80", b"\xf8\x88\x80\x80\x80", b"\xe2\x82"] {
        for place in ["s-usual", "metadata", "{"] {
            bodies.push(insert(whole.as_bytes(), place, bad));
        }
    }
    // Every beginning of a body, and a body with any byte changed.
    bodies.extend((0..whole.len()).map(|end| whole.as_bytes()[..end].to_vec()));
    let mut rng = Rng::with_seed(7);
    bodies.extend((0..MUTATIONS).map(|_| mutate(whole.as_bytes(), &mut rng)));
    bodies
}

/// Returns events, most of them valid JSON, with something odd in each.
pub(super) fn odd_events() -> Vec<String> {
    let mut events = Vec::new();
    for (nth, text) in odd_texts().iter().enumerate() {
        let quoted = Value::String(text.clone()).to_string();
        everywhere(&mut events, nth, &quoted);
    }
    // Half characters cannot stand in a Rust string.
    for (nth, quoted) in
        [r#""\ud800""#, r#""\udc00\ud800x""#, r#""\ud83d\ude00\ud83d""#, r#""\u0000""#]
            .iter()
            .enumerate()
    {
        everywhere(&mut events, 1_000 + nth, quoted);
    }
    for number in [
        "1e400",
        "-1e400",
        "1e308",
        "1e-400",
        "9007199254740993",
        "18446744073709551616",
        "1e16",
        "-0",
        "-1",
        "0.1",
        "5.0",
        "1E+2",
        "\"5\"",
        "true",
        "[1]",
        "{}",
        "null",
        "1000000.01",
    ]
    .map(str::to_owned)
    .into_iter()
    .chain([format!("1{}", "0".repeat(400)), format!("0.{}1", "0".repeat(400))])
    {
        for field in [
            "duration_ms",
            "tokens_in",
            "tokens_out",
            "cache_read_tokens",
            "cache_write_tokens",
            "cost_usd",
            "client_timestamp",
            "status",
            "event_id",
        ] {
            events.push(usual_with(&format!("\"{field}\":{number}")));
        }
        let counted = format!(
            "\"metadata\":{{\"lines_added\":{number},\"lines_removed\":{number},\"file_path\":{number}}}"
        );
        events.push(usual_with(&counted));
    }
    for date in [
        "0000-01-01",
        "0000-01-01T00:00:00Z",
        "0001-01-01",
        "1969-12-31T23:59:59.999Z",
        "9999-12-31T23:59:59.999Z",
        "9999-12-31T23:59:59-23:59",
        "0000-01-01T00:00:00+23:59",
        "10000-01-01",
        "+010000-01-01",
        "-000001-01-01",
        "-271821-04-20",
        "+275760-09-13",
        "2026-02-30",
        "2026-13-45",
        "2016-12-31T23:59:60Z",
        "2026-01-02T24:00:00Z",
        "2026-01-02T03:04:05+99:99",
        "1700000000",
        "Infinity",
        "T",
        "24:00",
        "12/31/1969",
        "Thu, 01 Jan 1970 00:00:00 GMT",
        "\u{0}",
        "2026-01-02T03:04:05.123456789123456789Z",
    ] {
        events.push(usual_with(&format!("\"client_timestamp\":{}", Value::from(date))));
    }
    events.extend(odd_metadata().iter().map(|text| usual_with(&format!("\"metadata\":{text}"))));
    events.push(usual_with(
        "\"session_id\":\"first\",\"session_id\":\"second\",\"metadata\":1,\"metadata\":{}",
    ));
    events.push(usual_with("\"__proto__\":null,\"constructor\":{\"prototype\":1},\"\":\"\",\"id\":-1,\"created_at\":\"x\""));
    events
}

/// Returns batches of events with the largest amounts, each in a session, hour, project and so on
/// of its own, and then some that share theirs.
pub(super) fn batches_of_the_largest() -> Vec<Vec<u8>> {
    let event = |nth: u64, own: u64| {
        json!({
            "session_id": format!("s{own}"), "agent_type": format!("a{own}"),
            "event_type": "llm_response", "tool_name": format!("t{own}"),
            "model": format!("m{own}"), "project": format!("p{own}"), "branch": format!("b{own}"),
            "source": format!("from {own}"), "tokens_in": COUNT_MAX, "tokens_out": COUNT_MAX,
            "cache_read_tokens": COUNT_MAX, "cache_write_tokens": COUNT_MAX,
            "duration_ms": COUNT_MAX, "cost_usd": COST_MAX,
            "client_timestamp": format!("20{:02}-{:02}-01T0{}:00:00Z", own / 120, own / 10 % 12 + 1, own % 10),
            "metadata": { "lines_added": 1e300, "lines_removed": 1e300, "nth": nth },
        })
    };
    let apart = (0..1_100).map(|nth| event(nth, nth));
    let together = (0..1_100).map(|nth| event(nth, nth % 2));
    // Known agents have windows that are added up as well.
    let known = ["claude_code", "codex"].into_iter().cycle().zip(0..1_100).map(|(agent, nth)| {
        let mut event = event(nth, nth % 3);
        event["agent_type"] = agent.into();
        event
    });
    let all: Vec<Value> = apart.chain(together).chain(known).collect();
    all.chunks(1_100).map(|part| json!({ "events": part }).to_string().into_bytes()).collect()
}

/// Returns text that has been taken for something else than text.
pub(super) fn odd_texts() -> Vec<String> {
    let mut texts: Vec<String> = [
        ".",
        "..",
        "/",
        "//",
        "../../etc/passwd",
        "a/b/c",
        "C:\\x\\..",
        "a?b#c&d=e",
        "a b+c%20%2F%",
        "%00",
        "__proto__",
        "constructor",
        "toString",
        "null",
        "undefined",
        "NaN",
        "transcript",
        "batch",
        "'; DROP TABLE events;--",
        "%' OR 1=1 --",
        "<script>alert(1)</script>",
        "\"",
        "\\",
        "\u{0}",
        "a\u{0}b",
        "\u{1b}[2J\u{1b}]0;owned\u{7}",
        "\u{9b}31m",
        "\r\n\r\nHTTP/1.1 500 x",
        "\u{202e}fdp.exe\u{202c}",
        "\u{2066}\u{2069}\u{200f}",
        "\u{fffe}\u{ffff}",
        "\u{10ffff}",
        "e\u{301}\u{301}\u{301}",
        "👩‍💻",
        "\u{85}",
        "\u{2028}",
        "id: 7\ndata: {}\n\n",
        "ﷺ",
        "İi",
        "CON",
        "-1",
        "1e400",
        "true",
        "{\"a\":1}",
        "[]",
    ]
    .map(str::to_owned)
    .into();
    for blank in ["", " ", "\t\n", "\u{feff}", "\u{3000}\u{a0}"] {
        texts.push(blank.to_owned());
    }
    texts.push("x".repeat(20_000));
    texts.push("😀".repeat(5_000));
    texts.push("../".repeat(500));
    texts
}

/// Returns JSON that is odd as metadata.
fn odd_metadata() -> Vec<String> {
    let heredoc = format!("cat <<'EOF'\n{}\nEOF", "echo \"it's\" \\\n".repeat(800));
    let mut all: Vec<String> = [
        json!({ "command": heredoc }),
        json!(heredoc),
        json!("plain text"),
        json!([]),
        json!([1, [2, [3]]]),
        json!(0),
        json!(false),
        json!(""),
        json!({ "": "" }),
        json!({ "10": 1, "9": 2, "-1": 3, "01": 4, "4294967295": 5, "a": 6 }),
        json!({ "command": "\"".repeat(6_000) }),
        json!("\u{0}".repeat(5_000)),
        json!("\\".repeat(10_239)),
        json!("é".repeat(5_119)),
        json!({ "x".repeat(200_000): 1 }),
        json!({ "command": { "nested": [1] }, "file_path": ["a"], "error": { "message": 5 } }),
        json!({ "message": null, "error": "", "content_preview": 7, "query": [] }),
        json!(
            (0..30_000).map(|nth| (nth.to_string(), json!(nth))).collect::<serde_json::Map<_, _>>()
        ),
    ]
    .map(|value| value.to_string())
    .into();
    all.push(r#"{"a":1,"a":2,"a":{"b":1,"b":2}}"#.to_owned());
    all.push(r#"{"\u0061":1,"a":2,"\ud800":3,"\ud801":4}"#.to_owned());
    all.push("[1e400,-1e400,1e-400,-0,0.1e1,12345678901234567890123]".to_owned());
    for depth in [100, 118, 119, 120, 121, 122, 126, 127, 128, 129, 1_000, 100_000] {
        all.push(format!("{}{}", "[".repeat(depth), "]".repeat(depth)));
        all.push(format!("{}1{}", "{\"a\":".repeat(depth), "}".repeat(depth)));
    }
    all
}

/// Adds events that have this JSON text in one field each, and one that has it in all.
fn everywhere(events: &mut Vec<String>, nth: usize, quoted: &str) {
    let fields = [
        "session_id",
        "agent_type",
        "event_type",
        "tool_name",
        "branch",
        "project",
        "model",
        "source",
        "status",
        "client_timestamp",
    ];
    for field in fields {
        events.push(usual_with(&format!("\"{field}\":{quoted}")));
    }
    let all: Vec<String> =
        ["session_id", "agent_type", "tool_name", "branch", "project", "model", "source"]
            .iter()
            .map(|field| format!("\"{field}\":{quoted}"))
            .collect();
    let metadata =
        format!("\"metadata\":{{{quoted}:{quoted},\"command\":{quoted},\"file_path\":{quoted}}}");
    events.push(usual_with(&format!("{},{metadata}", all.join(","))));
    events.push(usual_with(&format!("\"event_id\":{quoted}")));
    events.push(usual_with(&format!("\"event_id\":\"id-{nth}\",{}", all.join(","))));
}

fn usual() -> String {
    usual_with(r#""metadata":{"command":"ls","file_path":"a.rs","lines_added":1}"#)
}

/// Returns an event with these members as well; a later one of the same name counts.
fn usual_with(members: &str) -> String {
    format!(
        "{{\"session_id\":\"s-usual\",\"agent_type\":\"codex\",\"event_type\":\"tool_use\",\
         \"tool_name\":\"Edit\",\"model\":\"o3\",\"tokens_in\":1,{members}}}"
    )
}

fn insert(body: &[u8], behind: &str, bytes: &[u8]) -> Vec<u8> {
    let at = body.windows(behind.len()).position(|part| part == behind.as_bytes());
    let at = at.expect("the body has that part") + behind.len();
    [&body[..at], bytes, &body[at..]].concat()
}

fn mutate(body: &[u8], rng: &mut Rng) -> Vec<u8> {
    let mut body = body.to_vec();
    for _ in 0..rng.usize(1..4) {
        let at = rng.usize(..body.len());
        match rng.u8(0..4) {
            0 => body[at] = rng.u8(..),
            1 => drop(body.remove(at)),
            2 => body.insert(at, *rng.choice(b"\"\\{}[],:0-eu\x00\xff").unwrap_or(&0)),
            _ => body.swap(at, 0),
        }
    }
    body
}
