//! Hooks, an exporter and a history tell of one session, and it happened once: whoever tells, and in
//! whatever order, every sum is the same.

mod forks;
mod meters;
mod seen;

use oriel_tests::script::{Agent, Script, Way};
use oriel_tests::{Daemon, Launch};
use serde_json::json;

use seen::Seen;

const ALL: [Way; 3] = [Way::Hooks, Way::Export, Way::History];

#[test]
fn claude_code_is_counted_once_whoever_tells_first() {
    in_every_order(Agent::Claude);
}

#[test]
fn codex_is_counted_once_whoever_tells_first() {
    in_every_order(Agent::Codex);
}

/// Tells of a session in all orders of all three ways and of each pair of them.
fn in_every_order(agent: Agent) {
    let script = Script::of(agent);
    let mut wholes = Vec::new();
    for ways in orders() {
        let what = format!("{agent:?} by {ways:?}");
        let daemon = start();
        for way in &ways {
            script.tell(&daemon, *way);
        }
        let seen = Seen::of(&daemon, &script);
        seen.check_script(&script, &what, &ways);
        daemon.verify();
        // What a way tells again is known.
        for way in &ways {
            script.tell(&daemon, *way);
        }
        seen.check_same(&Seen::of(&daemon, &script), &format!("{what}, told twice"));
        wholes.push((ways, seen));
    }
    for (ways, seen) in &wholes {
        let mut sorted = ways.clone();
        sorted.sort();
        let (first, same) = wholes
            .iter()
            .find(|(others, _)| {
                let mut others = others.clone();
                others.sort();
                others == sorted
            })
            .expect("it is among them itself");
        same.check_same(seen, &format!("{agent:?} by {ways:?} and not {first:?}"));
    }
    let (_, counted) = &wholes[0];
    for (ways, seen) in &wholes {
        counted.check_counts_alike(seen, &format!("{agent:?} by {ways:?}"));
    }
}

/// Returns each order of all ways, and of each two of them.
fn orders() -> Vec<Vec<Way>> {
    let mut orders = Vec::new();
    for one in ALL {
        for two in ALL.into_iter().filter(|two| *two != one) {
            let three = ALL.into_iter().find(|way| *way != one && *way != two);
            orders.push(vec![one, two]);
            orders.push([one, two].into_iter().chain(three).collect());
        }
    }
    orders.sort_by_key(|ways| std::cmp::Reverse(ways.len()));
    orders
}

#[test]
fn the_daemon_that_watches_finds_what_hooks_and_exports_told() {
    for agent in [Agent::Claude, Agent::Codex] {
        let script = Script::of(agent);
        let named = start();
        ALL.into_iter().for_each(|way| script.tell(&named, way));
        let expected = Seen::of(&named, &script);

        let watching = Daemon::start();
        let path = script.write_history(&watching, script.histories());
        assert!(path.exists());
        script.tell(&watching, Way::Export);
        script.tell(&watching, Way::Hooks);
        oriel_tests::wait::until("the history to be read", || {
            let told = Seen::sources_of_requests(&watching, &script);
            told.contains(&"import".to_owned()).then_some(())
        });
        let mut last = None;
        oriel_tests::wait::until("all of the history to be read", || {
            let seen = Seen::of(&watching, &script);
            let settled = seen.tellings == expected.tellings;
            last = Some(seen);
            settled.then_some(())
        });
        expected.check_same(&last.unwrap(), &format!("{agent:?}, watched"));
        watching.verify();
    }
}

#[test]
fn what_differs_is_told_in_the_provenance() {
    let script = Script::of(Agent::Claude);
    let daemon = start();
    script.tell(&daemon, Way::History);
    script.tell(&daemon, Way::Hooks);
    let told = daemon.get(&format!("/api/sessions/{}/provenance", script.session)).json();
    let sources_of = |kind: &str| {
        let parts = told["parts"].as_array().unwrap().iter();
        parts
            .filter(|part| part["event_type"] == kind)
            .map(|part| (part["sources"].clone(), part["events"].clone()))
            .collect::<Vec<_>>()
    };
    assert_eq!(sources_of("tool_use"), [(json!(["hook", "import"]), json!(script.calls()))]);
    assert_eq!(sources_of("user_prompt"), [(json!(["hook", "import"]), json!(2))]);
    assert_eq!(sources_of("llm_response"), [(json!(["import"]), json!(4))]);
}

#[test]
fn an_export_that_comes_after_the_last_hook_wakes_nobody() {
    for agent in [Agent::Claude, Agent::Codex] {
        for (last, status) in [("Stop", "idle"), ("SessionEnd", "ended")] {
            let script = Script::of(agent);
            let daemon = start();
            let name = if agent == Agent::Claude { "claude-code" } else { "codex" };
            for (_, body) in script.hooks() {
                // These hooks run now, and what they tell of is under way.
                let answer = daemon.post(&format!("/api/hooks/{name}"), &body);
                assert!(matches!(answer.status, 200 | 201), "{answer:?}");
                if body["hook_event_name"] == last && body["last_assistant_message"] != "" {
                    break;
                }
            }
            for way in [Way::Export, Way::History] {
                script.tell(&daemon, way);
                let session = &daemon.get("/api/sessions?limit=0").json()["sessions"][0];
                if way == Way::Export {
                    assert_eq!(session["status"], status, "{agent:?}, {last}");
                } else {
                    assert_ne!(session["status"], "active", "{agent:?}, {last}");
                }
            }
        }
    }
}

#[test]
fn an_old_exporter_that_names_no_requests_counts_nothing_twice() {
    let mut script = Script::of(Agent::Claude);
    // Some histories were written before the answer was there.
    let whole = script.logs();
    script.turns[0].requests[0].output = 1;
    let mut logs = whole.clone();
    let records = logs["resourceLogs"][0]["scopeLogs"][0]["logRecords"].as_array_mut().unwrap();
    records.retain(|record| record["body"]["stringValue"] != "claude_code.assistant_response");
    for record in records {
        let attributes = record["attributes"].as_array_mut().unwrap();
        attributes.retain(|attribute| attribute["key"] != "request_id");
    }
    for history_first in [true, false] {
        let daemon = start();
        if history_first {
            script.tell(&daemon, Way::History);
        }
        for _ in 0..2 {
            let answer = oriel_tests::told::export(&daemon, "logs", &logs);
            assert_eq!(answer.json(), json!({}));
        }
        if !history_first {
            script.tell(&daemon, Way::History);
        }
        let totals = daemon.get("/api/reports?by=day&tz=UTC").json()["totals"].clone();
        let output: u64 = Script::of(Agent::Claude).requests().map(|asked| asked.output).sum();
        assert_eq!(totals["requests"], script.requests().count(), "history first: {history_first}");
        assert_eq!(totals["output_tokens"], output, "what is known of the whole answer counts");
        daemon.verify();
    }
}

/// Starts a daemon that imports only what it is told to.
fn start() -> Daemon {
    Launch::new().set("import.auto", "false").start()
}
