//! A session that is forked begins with a copy of another one, in a file of its own. The copy tells
//! nothing that happened.

use oriel_tests::Daemon;
use oriel_tests::script::{Agent, Script};
use serde_json::{Value, json};

use super::start;

#[test]
fn a_fork_of_claude_code_counts_nothing_twice() {
    let parent = Script::of(Agent::Claude);
    let fork_id = "3f6b0c1e-5a52-4c5b-9a53-0d1f2c3bf0f0";
    // The copy has the lines of its parent under its own name, and a turn of its own after them.
    let copied = parent.history().replace(
        &format!(r#""sessionId":"{}""#, parent.session),
        &format!(r#""sessionId":"{fork_id}""#),
    );
    let fork = copied + &own_turn(&parent, fork_id).history();
    check(&parent, fork_id, &fork);
}

#[test]
fn a_fork_of_codex_counts_nothing_twice() {
    let parent = Script::of(Agent::Codex);
    let fork_id = "019a8e2c-4b61-7a31-8c11-5d2e7f9af0f0";
    let own = own_turn(&parent, fork_id).history();
    let (meta, own_turn) = own.split_once('\n').unwrap();
    let mut meta: Value = serde_json::from_str(meta).unwrap();
    meta["payload"]["forked_from_id"] = json!(parent.session);
    // Copied lines bear the moment of the copy.
    let copied: String = parent
        .history()
        .lines()
        .map(|line| {
            let mut line: Value = serde_json::from_str(line).unwrap();
            line["timestamp"] = meta["timestamp"].clone();
            format!("{line}\n")
        })
        .collect();
    let own_turn = own_turn.replace("2026-11-20T10:", "2026-11-20T13:");
    check(&parent, fork_id, &format!("{meta}\n{copied}{own_turn}"));
}

/// Imports a session and its fork in both orders.
fn check(parent: &Script, fork_id: &str, fork: &str) {
    let own = own_turn(parent, fork_id);
    let mut all = Vec::new();
    for fork_first in [false, true] {
        let daemon = start();
        let fork_file = Script { session: fork_id.to_owned(), ..parent.clone() };
        let fork_path = fork_file.write_history(&daemon, "elsewhere");
        std::fs::write(&fork_path, fork).unwrap();
        let parent_path = parent.write_history(&daemon, "elsewhere");
        let mut paths = [&parent_path, &fork_path];
        if fork_first {
            paths.reverse();
        }
        for path in paths {
            let path = path.to_str().unwrap();
            let arguments = ["import", "--format", parent.format(), "--path", path, "--json"];
            assert_eq!(daemon.oriel(&arguments).json()["bad"], 0);
        }
        let totals = daemon.get("/api/reports?by=day&tz=UTC").json()["totals"].clone();
        let outputs = parent.requests().chain(own.requests()).map(|asked| asked.output);
        let outputs: Vec<u64> = outputs.collect();
        let output: u64 = outputs.iter().sum();
        assert_eq!(totals["requests"], outputs.len(), "fork first: {fork_first}: {totals:#}");
        assert_eq!(totals["output_tokens"], output, "fork first: {fork_first}");
        assert_eq!(events_of(&daemon, "tool_use"), parent.calls() + own.calls());
        assert_eq!(events_of(&daemon, "user_prompt"), parent.turns.len() + own.turns.len());
        daemon.verify();
        all.push(totals);
    }
    assert_eq!(all[0], all[1]);
}

/// Returns the session that the fork is apart from its copy: one turn.
fn own_turn(parent: &Script, session: &str) -> Script {
    let mut own = parent.clone();
    own.session = session.to_owned();
    own.turns.truncate(1);
    own.turns[0].prompt = "count them again".to_owned();
    own
}

fn events_of(daemon: &Daemon, kind: &str) -> usize {
    let target = format!("/api/events?event_type={kind}&limit=-1");
    daemon.get(&target).json()["events"].as_array().unwrap().len()
}
