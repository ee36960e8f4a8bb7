//! What can be seen of a session, without what depends on when and by whom it was told first.

use std::collections::BTreeMap;

use oriel_tests::Daemon;
use oriel_tests::script::{Agent, Script, Way};
use serde_json::{Value, json};

/// Members that tell when something arrived, or how a session stands since, and not what happened.
const WHEN: [&str; 8] = [
    "last_event_at",
    "generated_at",
    "started_at",
    "ended_at",
    "status",
    "active_sessions",
    "live_sessions",
    "active_agents",
];

/// The answers that sum up.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    answers: BTreeMap<&'static str, Value>,
    /// Events by kind.
    kinds: BTreeMap<String, u64>,
    /// How many tellings of how many sources there are of each kind of event.
    pub(super) tellings: BTreeMap<String, u64>,
}

impl Seen {
    pub(super) fn of(daemon: &Daemon, script: &Script) -> Self {
        let mut answers = BTreeMap::new();
        for target in [
            "/api/stats",
            "/api/stats/tools",
            "/api/stats/cost",
            "/api/sessions?limit=0",
            "/api/reports?by=day&tz=UTC",
            "/api/reports?by=session&tz=UTC",
            "/api/reports?by=model&tz=UTC",
            "/api/reports?by=project&tz=UTC",
            "/api/reports?by=branch&tz=UTC",
        ] {
            let mut answer = daemon.get(target).expect(200).json();
            forget_when(&mut answer);
            answers.insert(target, answer);
        }
        let provenance = provenance(daemon, script);
        let (mut kinds, mut tellings) = (BTreeMap::new(), BTreeMap::new());
        for part in provenance["parts"].as_array().unwrap() {
            let kind = part["event_type"].as_str().unwrap();
            let events = part["events"].as_u64().unwrap();
            *kinds.entry(kind.to_owned()).or_default() += events;
            *tellings.entry(format!("{kind} {}", part["sources"])).or_default() += events;
        }
        Self { answers, kinds, tellings }
    }

    /// Returns who told of requests.
    pub(super) fn sources_of_requests(daemon: &Daemon, script: &Script) -> Vec<String> {
        let provenance = provenance(daemon, script);
        let parts = provenance["parts"].as_array().into_iter().flatten();
        parts
            .filter(|part| part["event_type"] == "llm_response")
            .flat_map(|part| part["sources"].as_array().unwrap())
            .map(|source| source.as_str().unwrap().to_owned())
            .collect()
    }

    /// Checks that what the script says happened happened once.
    pub(super) fn check_script(&self, script: &Script, what: &str, ways: &[Way]) {
        let count = |kind: &str| self.kinds.get(kind).copied().unwrap_or_default();
        assert_eq!(count("llm_response"), script.requests().count() as u64, "requests, {what}");
        assert_eq!(count("tool_use"), script.calls() as u64, "calls, {what}");
        assert_eq!(count("user_prompt"), script.turns.len() as u64, "prompts, {what}");
        let stats = &self.answers["/api/stats"];
        let sum =
            |of: fn(&oriel_tests::script::Asked) -> u64| -> u64 { script.requests().map(of).sum() };
        assert_eq!(stats["total_tokens_out"], json!(sum(|asked| asked.output)), "{what}");
        assert_eq!(stats["total_tokens_in"], json!(sum(|asked| asked.input)), "{what}");
        if script.agent == Agent::Claude {
            let cost: f64 =
                script.requests().map(oriel_tests::script::Asked::claude_cost_usd).sum();
            let told = stats["total_cost_usd"].as_f64().unwrap();
            assert!((told - cost).abs() < 1e-9, "{told} and not {cost}, {what}");
        }
        let mut sources: Vec<&str> = ways
            .iter()
            .map(|way| match way {
                Way::Hooks => "hook",
                Way::Export => "otel",
                Way::History => "import",
            })
            .collect();
        sources.sort_unstable();
        for kind in ["tool_use", "user_prompt"] {
            let all = format!("{kind} {}", json!(sources));
            assert_eq!(self.tellings.get(&all), self.kinds.get(kind), "{all}, {what}");
        }
    }

    /// Checks that nothing at all differs.
    pub(super) fn check_same(&self, other: &Self, what: &str) {
        assert_eq!(self.tellings, other.tellings, "{what}");
        for (target, answer) in &self.answers {
            let found = &other.answers[target];
            assert_eq!(answer, found, "{target}, {what}: {answer:#}\nand not\n{found:#}");
        }
    }

    /// Checks that what is counted does not differ, though others told of it.
    pub(super) fn check_counts_alike(&self, other: &Self, what: &str) {
        for name in ["total_tokens_in", "total_tokens_out", "total_cost_usd"] {
            let of = |seen: &Self| seen.answers["/api/stats"][name].clone();
            assert_eq!(of(self), of(other), "{name}, {what}");
        }
        let totals = |seen: &Self| seen.answers["/api/reports?by=day&tz=UTC"]["totals"].clone();
        assert_eq!(totals(self), totals(other), "{what}");
        let calls = |seen: &Self| -> Vec<(Value, Value)> {
            let tools = seen.answers["/api/stats/tools"]["tools"].as_array().unwrap().iter();
            tools.map(|tool| (tool["tool_name"].clone(), tool["total_calls"].clone())).collect()
        };
        assert_eq!(calls(self), calls(other), "{what}");
    }
}

fn provenance(daemon: &Daemon, script: &Script) -> Value {
    daemon.get(&format!("/api/sessions/{}/provenance", script.session)).json()
}

fn forget_when(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|name, _| !WHEN.contains(&name.as_str()));
            fields.values_mut().for_each(forget_when);
        }
        Value::Array(items) => items.iter_mut().for_each(forget_when),
        _ => {}
    }
}
