//! Claude Code's meters tell what its log records tell, summed up: alone they count, beside records
//! they count nothing twice.

use oriel_tests::Daemon;
use oriel_tests::script::{Agent, BEGIN_MS, Script, Way};
use oriel_tests::told::{self, Temporality};
use serde_json::{Value, json};

use super::start;

#[test]
fn meters_alone_count_what_was_used() {
    let (script, daemon) = (Script::of(Agent::Claude), start());
    tell_meters(&daemon, &script);
    check_used(&daemon, &script, "alone");
    tell_meters(&daemon, &script);
    check_used(&daemon, &script, "told twice");
    daemon.verify();
}

#[test]
fn meters_beside_records_or_a_history_count_nothing_twice() {
    let script = Script::of(Agent::Claude);
    for way in [Way::Export, Way::History] {
        for meters_first in [true, false] {
            let daemon = start();
            if meters_first {
                tell_meters(&daemon, &script);
            }
            script.tell(&daemon, way);
            if !meters_first {
                tell_meters(&daemon, &script);
            }
            check_used(&daemon, &script, &format!("{way:?}, meters first: {meters_first}"));
            daemon.verify();
        }
    }
}

#[test]
fn meters_count_what_records_leave_out() {
    let script = Script::of(Agent::Claude);
    let mut known = script.clone();
    known.turns.truncate(1);
    for meters_first in [true, false] {
        let daemon = start();
        if meters_first {
            tell_meters(&daemon, &script);
        }
        known.tell(&daemon, Way::Export);
        if !meters_first {
            tell_meters(&daemon, &script);
        }
        check_used(&daemon, &script, &format!("meters first: {meters_first}"));
        daemon.verify();
    }
}

/// Sends one step for each request, as exporters do at their intervals.
fn tell_meters(daemon: &Daemon, script: &Script) {
    for (nth, asked) in script.requests().enumerate() {
        let of = |kind: Value| {
            let mut members = json!({
                "session.id": script.session, "model": script.model, "query_source": "main",
            });
            if !kind.is_null() {
                members["type"] = kind;
            }
            members
        };
        let tokens = |kind: &str, count: u64| {
            ("claude_code.token.usage", of(json!(kind)), json!(count as f64))
        };
        let points = [
            ("claude_code.cost.usage", of(Value::Null), json!(asked.claude_cost_usd())),
            tokens("input", asked.input),
            tokens("output", asked.output),
            tokens("cacheRead", asked.cache_read),
            tokens("cacheCreation", asked.cache_write.iter().sum()),
        ];
        let at_ms = BEGIN_MS + 10_000 * (nth as i64 + 1);
        let export = told::metrics("claude-code", Temporality::Delta, at_ms, &points);
        assert_eq!(told::export(daemon, "metrics", &export).expect(200).json(), json!({}));
    }
}

/// Checks that what was used is what the script says, by every sum of it.
fn check_used(daemon: &Daemon, script: &Script, what: &str) {
    let sum =
        |of: fn(&oriel_tests::script::Asked) -> u64| -> u64 { script.requests().map(of).sum() };
    let (input, output) = (sum(|asked| asked.input), sum(|asked| asked.output));
    let cost: f64 = script.requests().map(oriel_tests::script::Asked::claude_cost_usd).sum();
    let is_cost = |value: &Value| (value.as_f64().unwrap() - cost).abs() < 1e-6;
    let stats = daemon.get("/api/stats").json();
    assert_eq!(stats["total_tokens_in"], input, "{what}");
    assert_eq!(stats["total_tokens_out"], output, "{what}");
    assert!(
        is_cost(&stats["total_cost_usd"]),
        "{what}: {} and not {cost}",
        stats["total_cost_usd"]
    );
    let totals = daemon.get("/api/reports?by=day&tz=UTC").json()["totals"].clone();
    assert_eq!(totals["input_tokens"], input, "{what}");
    assert_eq!(totals["output_tokens"], output, "{what}");
    assert_eq!(totals["cache_read_tokens"], sum(|asked| asked.cache_read), "{what}");
    let written = sum(|asked| asked.cache_write.iter().sum());
    assert_eq!(totals["cache_write_tokens"], written, "{what}");
    assert!(is_cost(&totals["cost_usd"]), "{what}: {totals}");
    let session = &daemon.get("/api/sessions?limit=0").json()["sessions"][0];
    assert_eq!((&session["tokens_in"], &session["tokens_out"]), (&json!(input), &json!(output)));
    assert!(is_cost(&session["total_cost_usd"]), "{what}: {session}");
}
