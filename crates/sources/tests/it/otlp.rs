//! Agents export what they did; each thing becomes one event, told once, with what it used.

use oriel_model::{Amount, EventKind, NewEvent, Outcome, Role, Tokens};
use oriel_sources::otlp::{self, BodyError, Counted, Encoding, Metered};
use oriel_sources::{Parsed, Reason};
use serde_json::{Value, json};

const CLAUDE: &[u8] = include_bytes!("../fixtures/otlp/claude-logs.json");
const CLAUDE_OLDER: &[u8] = include_bytes!("../fixtures/otlp/claude-older-logs.json");
const CODEX: &[u8] = include_bytes!("../fixtures/otlp/codex-logs.json");
const GEMINI: &[u8] = include_bytes!("../fixtures/otlp/gemini-logs.json");
const QWEN: &[u8] = include_bytes!("../fixtures/otlp/qwen-logs.json");
const CLAUDE_SPANS: &[u8] = include_bytes!("../fixtures/otlp/claude-traces.json");
const CODEX_SPANS: &[u8] = include_bytes!("../fixtures/otlp/codex-traces.json");
const COPILOT_SPANS: &[u8] = include_bytes!("../fixtures/otlp/copilot-traces.json");
const CLAUDE_METERS: &[u8] = include_bytes!("../fixtures/otlp/claude-metrics.json");
const GEMINI_METERS: &[u8] = include_bytes!("../fixtures/otlp/gemini-metrics.json");

#[test]
fn a_request_of_claude_code_is_one_event_with_its_own_price() {
    let parsed = logs(CLAUDE);
    let request = with_key(&parsed, "claude_code request req_one");
    let (told, answered) = (request[0], request[1]);
    let tokens =
        Tokens { input: 12, output: 8, cache_read: 2400, cache_write: 340, cache_write_1h: 40 };
    assert_eq!((told.facet.kind, told.tokens), (EventKind::LlmResponse, tokens));
    assert_eq!((told.cost_usd, told.told.cost_is_stated), (Some(0.002508), true));
    assert_eq!(
        (told.duration_ms, told.facet.model.as_deref()),
        (Some(34), Some("claude-opus-5-5"))
    );
    assert_eq!(told.session_id.0, "11111111-aaaa-4000-8000-000000000001");
    assert_eq!(facts(told)["ttft_ms"], 23);
    assert_eq!((answered.facet.kind, answered.tokens), (EventKind::LlmResponse, Tokens::default()));
    assert_eq!(facts(answered)["content_preview"], "It is sharp now.");
}

#[test]
fn a_tool_call_of_claude_code_is_one_event_and_a_refusal_is_an_error() {
    let parsed = logs(CLAUDE);
    let call = with_key(&parsed, "claude_code tool toolu_one");
    assert_eq!(call.len(), 2, "the decision and the result");
    let facts_of_call = facts(call[1]);
    assert_eq!(facts_of_call["file_path"], "/shed/saw.txt");
    assert_eq!(
        (&facts_of_call["lines_added"], &facts_of_call["lines_removed"]),
        (&json!(2), &json!(1))
    );
    assert_eq!((call[1].duration_ms, call[1].facet.outcome), (Some(56), Outcome::Success));
    let refused = with_key(&parsed, "claude_code tool toolu_two")[0];
    assert_eq!((refused.facet.outcome, &facts(refused)["denied"]), (Outcome::Error, &json!(true)));
    let failed = with_key(&parsed, "claude_code tool toolu_three")[0];
    assert_eq!(
        (failed.facet.outcome, &facts(failed)["error"]),
        (Outcome::Error, &json!("no such shed"))
    );
}

#[test]
fn the_rest_of_what_claude_code_says_has_its_place() {
    let parsed = logs(CLAUDE);
    let prompt = with_key(&parsed, "claude_code prompt 22222222-aaaa-4000-8000-000000000001")[0];
    assert_eq!(facts(prompt)["message"], "sharpen the saw ☂");
    assert_eq!(prompt.told.texts[0].role, Role::Prompt);
    assert_eq!(with_key(&parsed, "claude_code error req_two")[0].facet.kind, EventKind::Error);
    let compaction = "claude_code compaction 22222222-aaaa-4000-8000-000000000001";
    assert_eq!(facts(with_key(&parsed, compaction)[0])["post_tokens"], 3296);
    let helper = with_key(&parsed, "claude_code subagent agent_one")[0];
    assert_eq!((helper.tokens, &facts(helper)["total_tokens"]), (Tokens::default(), &json!(2760)));
    let unknown = named(&parsed, "moon_phase_noticed")[0];
    assert_eq!(facts(unknown)["attributes"], json!({ "phase": "waxing", "brightness": 0.5 }));
    assert_eq!(parsed.tally.left_out[&("hook_registered".to_owned(), Reason::Housekeeping)], 1);
    assert_eq!(named(&parsed, "user_prompt").len(), 1, "a notice is nobody's prompt");
    let noted: Vec<_> =
        parsed.notes.iter().map(|note| (note.name.as_str(), note.value.as_str())).collect();
    let expected = [
        ("effort", r#""medium""#),
        ("model", r#""claude-opus-5-5""#),
        ("permission_mode", r#""acceptEdits""#),
        ("version", r#""2.1.329""#),
        ("waiting", "null"),
    ];
    assert_eq!(noted, expected);
}

#[test]
fn an_older_claude_code_tells_numbers_as_text_and_no_names_of_requests() {
    let parsed = logs(CLAUDE_OLDER);
    let request = named(&parsed, "api_request")[0];
    assert_eq!((request.tokens.cache_read, request.cost_usd), (1200, Some(0.001998)));
    assert_eq!(facts(named(&parsed, "user_prompt")[0]).get("message"), None, "it is held back");
    let call = named(&parsed, "tool_result")[0];
    assert_eq!(facts(call)["command"], "ls -l shed");
    assert_eq!(named(&parsed, "tool_decision").len(), 0, "nothing would join it to its result");
}

#[test]
fn codex_tells_usage_once_and_with_the_cached_part_taken_out() {
    let parsed = logs(CODEX);
    let thread = "01a1fdbc-0000-7000-8000-000000000001";
    let usage = with_key(&parsed, &format!("codex usage {thread} 1500 1024 40 16"));
    assert_eq!(usage.len(), 1);
    let tokens = Tokens { input: 476, output: 40, cache_read: 1024, ..Tokens::default() };
    assert_eq!((usage[0].tokens, usage[0].facet.kind), (tokens, EventKind::LlmResponse));
    assert_eq!(usage[0].client_ms, Some(1_790_000_000_500), "its own time, and not 1970");
    let start = with_key(&parsed, &format!("codex start {thread}"))[0];
    assert_eq!(facts(start)["context_window"], 272_000);
    assert_eq!(
        facts(with_key(&parsed, &format!("codex prompt {thread} 12"))[0])["message"],
        "oil the door"
    );
    let call = with_key(&parsed, "codex tool call_one");
    assert_eq!(call.len(), 3, "the decision, the result and how the sandbox took it");
    assert_eq!(facts(call[1])["lines_added"], 2);
    assert_eq!(with_key(&parsed, "codex tool call_two")[0].facet.outcome, Outcome::Error);
    assert_eq!(with_key(&parsed, "codex tool call_three")[0].facet.outcome, Outcome::Error);
    let kinds = |kind| parsed.events.iter().filter(|event| event.facet.kind == kind).count();
    assert_eq!((kinds(EventKind::Error), kinds(EventKind::LlmRequest)), (2, 1));
    let said = ("codex.sse_event response.completed".to_owned(), Reason::SaidElsewhere);
    assert_eq!(parsed.tally.left_out[&said], 1);
}

#[test]
fn gemini_and_qwen_tell_a_request_in_several_ways_and_it_counts_once() {
    let parsed = logs(GEMINI);
    let used: Vec<_> =
        parsed.events.iter().filter(|event| event.tokens != Tokens::default()).collect();
    let tokens = Tokens { input: 400, output: 33, cache_read: 600, ..Tokens::default() };
    assert_eq!((used.len(), used[0].tokens), (1, tokens), "thoughts are beside the output");
    assert_eq!(facts(used[0])["content_preview"], "Painted.");
    assert_eq!(facts(named(&parsed, "gemini_cli.user_prompt")[0])["message"], "paint the shed");
    assert_eq!(named(&parsed, "gemini_cli.config")[0].facet.kind, EventKind::SessionStart);
    assert_eq!(facts(named(&parsed, "gemini_cli.tool_call")[0])["command"], "mix paint");
    assert_eq!(facts(named(&parsed, "gemini_cli.api_error")[0])["error"], "quota is used up");
    assert_eq!(named(&parsed, "gemini_cli.chat_compression")[0].facet.kind, EventKind::Response);

    let parsed = logs(QWEN);
    let tokens = Tokens { input: 438, output: 21, cache_read: 512, ..Tokens::default() };
    assert_eq!(
        named(&parsed, "qwen-code.api_response")[0].tokens,
        tokens,
        "thoughts are within it"
    );
    let call = named(&parsed, "qwen-code.tool_call")[0];
    assert_eq!((call.facet.outcome, call.facet.agent_type.as_str()), (Outcome::Error, "qwen_code"));
    assert_eq!(facts(call)["lines_added"], 2);
}

#[test]
fn spans_tell_requests_and_tool_calls_and_their_inner_workings_are_counted() {
    let parsed = traces(CLAUDE_SPANS);
    let request = with_key(&parsed, "claude_code request req_one")[0];
    assert_eq!((request.tokens.output, request.duration_ms), (8, Some(34)));
    assert_eq!(request.session_id.0, "11111111-aaaa-4000-8000-000000000001");
    let call = with_key(&parsed, "claude_code tool toolu_nine");
    assert_eq!(call.len(), 2);
    assert_eq!(facts(call[0])["content_preview"], "sharp");
    assert_eq!(
        (call[1].facet.outcome, &facts(call[1])["error"]),
        (Outcome::Error, &json!("no such file"))
    );

    assert!(traces(CODEX_SPANS).events.is_empty());

    let parsed = traces(COPILOT_SPANS);
    let tokens = Tokens { input: 400, output: 30, cache_read: 600, ..Tokens::default() };
    let request = with_key(&parsed, "copilot_cli response resp_one")[0];
    assert_eq!((request.tokens, request.facet.model.as_deref()), (tokens, Some("some-model-2")));
    assert_eq!(facts(with_key(&parsed, "copilot_cli tool call_nine")[0])["command"], "ls");
    assert_eq!(parsed.events.len(), 2, "what adds up several requests is none");
}

#[test]
fn a_meter_of_what_came_makes_events_and_its_tokens_are_not_billed_twice() {
    let Metered { parsed, running } = meters(CLAUDE_METERS);
    assert!(running.is_empty());
    let sum = parsed.events.iter().fold(Tokens::default(), |sum, event| Tokens {
        input: sum.input + event.tokens.input,
        output: sum.output + event.tokens.output,
        cache_read: sum.cache_read + event.tokens.cache_read,
        cache_write: sum.cache_write + event.tokens.cache_write,
        ..sum
    });
    let tokens =
        Tokens { input: 12, output: 8, cache_read: 2400, cache_write: 340, cache_write_1h: 0 };
    assert_eq!(sum, tokens);
    let cost: f64 = parsed.events.iter().filter_map(|event| event.cost_usd).sum();
    assert_eq!(cost, 0.002508);
    for event in &parsed.events {
        assert_eq!(event.told.amount, Amount::Meter);
        assert!(event.told.cost_is_stated, "a price list would bill these tokens once more");
        assert_eq!(event.facet.model.as_deref(), Some("claude-opus-5-5"), "as requests tell it");
        assert_eq!(event.metadata.text(), r#"{"_synthetic":true,"_source":"otel_metric"}"#);
    }
    let other = ("claude_code.active_time.total".to_owned(), Reason::OtherMeter);
    assert_eq!(parsed.tally.left_out[&other], 1);
}

#[test]
fn a_meter_of_a_whole_is_given_to_the_caller_with_each_token_once() {
    let Metered { parsed, running } = meters(GEMINI_METERS);
    assert!(parsed.events.is_empty());
    let totals: Vec<_> = running.iter().map(|one| (one.counted, one.total)).collect();
    let expected = [
        (Counted::Input, 400.0),
        (Counted::Output, 25.0),
        (Counted::CacheRead, 600.0),
        (Counted::Output, 8.0),
        (Counted::Input, 0.0),
    ];
    assert_eq!(totals, expected);
    let said = ("gen_ai.client.token.usage".to_owned(), Reason::SaidElsewhere);
    assert_eq!(parsed.tally.left_out[&said], 2);
}

#[test]
fn a_whole_that_falls_gives_nothing_and_its_next_step_starts_there() {
    let mut last = None;
    let mut given = Vec::new();
    for total in [1000, 400, 450] {
        let body = meter("claude_code.token.usage", 2, json!({ "asInt": total }));
        let one = meters(body.to_string().as_bytes()).running.remove(0);
        let whole = one.total;
        given.extend(one.step(last).map(|event| event.tokens.input));
        last = Some(whole);
    }
    assert_eq!(given, [1000, 50]);
}

#[test]
fn steps_of_a_whole_add_up_to_it_even_where_they_are_fractions() {
    let mut last = None;
    let mut sum = 0;
    for total in [0.4, 0.8, 1.2, 1.6, 10.0] {
        let body = meter("gen_ai.client.token.usage", 2, json!({ "asDouble": total }));
        let one = meters(body.to_string().as_bytes()).running.remove(0);
        let whole = one.total;
        sum += one.step(last).map_or(0, |event| event.tokens.input);
        last = Some(whole);
    }
    assert_eq!(sum, 10);
}

#[test]
fn a_million_tokens_and_what_they_cost_are_billed_once() {
    let points = |value: Value| json!({ "aggregationTemporality": 1, "dataPoints": [value] });
    let model = json!([{ "key": "model", "value": { "stringValue": "claude-sonnet-4-5" } }]);
    let body = json!({ "resourceMetrics": [{ "scopeMetrics": [{ "metrics": [
        { "name": "claude_code.token.usage", "sum": points(json!({ "asInt": 1_000_000, "attributes": model })) },
        { "name": "claude_code.cost.usage", "sum": points(json!({ "asDouble": 3.0, "attributes": model })) },
    ] }] }] });
    let parsed = meters(body.to_string().as_bytes()).parsed;
    assert_eq!(parsed.events[0].tokens.input, 1_000_000);
    let costs: Vec<_> = parsed.events.iter().map(|event| event.cost_usd).collect();
    assert_eq!(costs, [Some(0.0), Some(3.0)]);
    assert_eq!(parsed.events[0].session_id.0, "unknown");
}

#[test]
fn any_agent_may_use_the_common_names() {
    let attributes = json!([
        pair("event.name", json!({ "stringValue": "night_shift.tool_result" })),
        pair("conversation.id", json!({ "stringValue": "s1" })),
        pair("gen_ai.tool.name", json!({ "stringValue": "apply_patch" })),
        pair("gen_ai.latency", json!({ "intValue": "12" })),
        pair("project", json!({ "stringValue": "shed" })),
    ]);
    let patch = "*** Begin Patch\n*** Update File: a.rs\n-one\n+two\n+three\n*** End Patch";
    let said = json!({ "input": patch, "model": "o3", "input_tokens": 5, "colour": "red" });
    let body = json!({ "stringValue": said.to_string() });
    let parsed = logs(&log(attributes, body));
    let event = &parsed.events[0];
    assert_eq!(
        (event.facet.agent_type.as_str(), event.facet.kind),
        ("Night Shift", EventKind::ToolUse)
    );
    assert_eq!((event.facet.model.as_deref(), event.tokens.input), (Some("o3"), 5));
    assert_eq!((event.duration_ms, event.place.project.as_deref()), (Some(12), Some("shed")));
    let facts = facts(event);
    assert_eq!((&facts["file_path"], &facts["lines_added"]), (&json!("a.rs"), &json!(2)));
    assert_eq!((facts.get("model"), &facts["colour"]), (None, &json!("red")));
}

#[test]
fn a_prompt_may_stand_in_the_body() {
    let name = |name: &str| {
        json!([
            pair("event.name", json!({ "stringValue": name })),
            pair("session.id", json!({ "stringValue": "s1" })),
        ])
    };
    let plain = json!({ "stringValue": "paint it" });
    let fields = json!({ "kvlistValue": { "values": [
        pair("payload", json!({ "kvlistValue": { "values": [
            pair("type", json!({ "stringValue": "user_message" })),
            pair("message", json!({ "stringValue": "paint it" })),
        ] } })),
    ] } });
    for (name_of_event, body) in
        [("user_prompt", &plain), ("codex.user_message", &plain), ("codex.event_msg", &fields)]
    {
        let parsed = logs(&log(name(name_of_event), body.clone()));
        assert_eq!(facts(&parsed.events[0])["message"], "paint it", "{name_of_event}");
    }
}

#[test]
fn a_retried_body_makes_events_of_the_same_names_and_no_two_share_one() {
    for body in [CLAUDE, CLAUDE_OLDER, CODEX, GEMINI, QWEN] {
        check_names(&logs(body), &logs(body));
    }
    for body in [CLAUDE_SPANS, COPILOT_SPANS] {
        check_names(&traces(body), &traces(body));
    }
    check_names(&meters(CLAUDE_METERS).parsed, &meters(CLAUDE_METERS).parsed);
    let named = |one: otlp::Running| one.step(None).map(|event| event.event_id);
    let (one, other) = (meters(GEMINI_METERS).running, meters(GEMINI_METERS).running);
    let one: Vec<_> = one.into_iter().map(named).collect();
    assert_eq!(one, other.into_iter().map(named).collect::<Vec<_>>());
}

#[test]
fn records_that_are_the_same_are_several_things() {
    let one = json!({ "timeUnixNano": "1790000000000000000", "attributes": [
        pair("event.name", json!({ "stringValue": "tool_use" })),
        pair("session.id", json!({ "stringValue": "s1" })),
    ] });
    let body = json!({ "resourceLogs": [{ "scopeLogs": [{ "logRecords": [one, one] }] }] });
    let parsed = logs(body.to_string().as_bytes());
    assert_ne!(parsed.events[0].event_id, parsed.events[1].event_id);
}

#[test]
fn a_bad_record_costs_nothing_but_itself() {
    let deep = format!("{}{}", "[".repeat(500), "]".repeat(500));
    let good = r#"{"attributes":[{"key":"event.name","value":{"stringValue":"tool_use"}},{"key":"session.id","value":{"stringValue":"s"}},7,{"key":3}]}"#;
    let half = r#"{"attributes":[{"key":"a","value":{"stringValue":"\ud83d"}}]}"#;
    let body = format!(
        r#"{{"resourceLogs":[7,{{"scopeLogs":[{{"logRecords":[{good},null,"x",{{"body":{deep}}},{half},{good}]}},{{"logRecords":9}}]}}]}}"#
    );
    let parsed = logs(body.as_bytes());
    assert_eq!((parsed.events.len(), parsed.tally.bad), (2, 6), "{:?}", parsed.tally);
}

#[test]
fn one_body_cannot_ask_for_all_memory() {
    let many = "{},".repeat(70_000);
    let body = format!(r#"{{"resourceLogs":[{{"scopeLogs":[{{"logRecords":[{many}{{}}]}}]}}]}}"#);
    let parsed = logs(body.as_bytes());
    assert_eq!((parsed.tally.records, parsed.tally.bad), (70_001, 70_001 - 65_536));

    let long = "x".repeat(10_000);
    let attributes = json!([pair("session.id", json!({ "stringValue": long }))]);
    let name = json!([pair("event.name", json!({ "stringValue": "tool_use" }))]);
    let mut group = json!({ "resource": {}, "scopeLogs": [{ "logRecords": [{}] }] });
    group["resource"]["attributes"] = attributes;
    group["scopeLogs"][0]["logRecords"][0]["attributes"] = name;
    let parsed = logs(json!({ "resourceLogs": [group] }).to_string().as_bytes());
    assert_eq!(parsed.events[0].session_id.0.len(), 256, "it is kept with each event");
}

#[test]
fn what_is_no_export_is_refused_in_one_line() {
    let json = |body: &[u8]| otlp::logs(body, Encoding::Json);
    assert_eq!(json(b"{").unwrap_err(), BodyError::NotJson);
    assert_eq!(json(b"[]").unwrap_err(), BodyError::NotAnObject);
    assert_eq!(json(b"[]").unwrap_err().to_string(), "Invalid OTEL JSON payload");
    assert_eq!(otlp::traces(b"{}{", Encoding::Protobuf).unwrap_err(), BodyError::NotProtobuf);
    for empty in [&b""[..], b"  ", b"{}", br#"{"resourceLogs":null}"#, br#""{}""#, br#""\"{}\"""#] {
        assert_eq!(json(empty).unwrap(), Parsed::default());
    }
    assert_eq!(otlp::metrics(b"", Encoding::Protobuf).unwrap(), Metered::default());
}

fn logs(body: &[u8]) -> Parsed {
    adding_up(otlp::logs(body, Encoding::Json).unwrap())
}

fn traces(body: &[u8]) -> Parsed {
    adding_up(otlp::traces(body, Encoding::Json).unwrap())
}

fn meters(body: &[u8]) -> Metered {
    let metered = otlp::metrics(body, Encoding::Json).unwrap();
    Metered { parsed: adding_up(metered.parsed), running: metered.running }
}

fn adding_up(parsed: Parsed) -> Parsed {
    assert!(parsed.tally.adds_up(), "{:?}", parsed.tally);
    assert!(parsed.tally.records > 0 || parsed.events.is_empty());
    parsed
}

fn with_key<'a>(parsed: &'a Parsed, name: &str) -> Vec<&'a NewEvent> {
    let is_it = |event: &&NewEvent| event.told.keys.iter().any(|key| key.name == name);
    let found: Vec<_> = parsed.events.iter().filter(is_it).collect();
    assert!(!found.is_empty(), "nothing is called {name}");
    found
}

fn named<'a>(parsed: &'a Parsed, name: &str) -> Vec<&'a NewEvent> {
    parsed.events.iter().filter(|event| facts(event)["otel_event_name"] == name).collect()
}

fn facts(event: &NewEvent) -> Value {
    serde_json::from_str(event.metadata.text()).unwrap()
}

fn check_names(one: &Parsed, other: &Parsed) {
    assert_eq!(one, other);
    let mut names: Vec<_> =
        one.events.iter().map(|event| event.event_id.clone().unwrap().0).collect();
    assert!(names.iter().all(|name| name.starts_with("otel-")));
    names.sort();
    names.dedup();
    assert_eq!(names.len(), one.events.len());
}

fn pair(key: &str, value: Value) -> Value {
    let mut pair = json!({ "key": key });
    pair["value"] = value;
    pair
}

fn log(attributes: Value, body: Value) -> Vec<u8> {
    let service = pair("service.name", json!({ "stringValue": "Night Shift" }));
    let mut record = json!({});
    record["attributes"] = attributes;
    record["body"] = body;
    let scopes = json!([{ "logRecords": [record] }]);
    let group = json!({ "resource": { "attributes": [service] }, "scopeLogs": scopes });
    json!({ "resourceLogs": [group] }).to_string().into_bytes()
}

fn meter(name: &str, temporality: u8, point: Value) -> Value {
    let mut sum = json!({ "aggregationTemporality": temporality, "dataPoints": [null] });
    sum["dataPoints"][0] = point;
    let metrics = json!([{ "name": name, "sum": sum }]);
    json!({ "resourceMetrics": [{ "scopeMetrics": [{ "metrics": metrics }] }] })
}
