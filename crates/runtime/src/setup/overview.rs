//! What a first run needs to know: who tells of what already, and what there is left to do.

use std::collections::BTreeMap;
use std::path::PathBuf;

use oriel_store::{Heard, HeardHistory};
use oriel_wire::setup::{
    AgentSources, HistoryFound, HookSetup, HookShort, OtlpEndpoints, SetupAction, SetupOverview,
    SetupStep,
};
use oriel_wire::time::rfc3339;

use super::TEST_AGENT;

/// What the overview is made of.
pub(crate) struct Facts {
    pub heard: Heard,
    pub histories: Vec<HeardHistory>,
    /// The folders of each format that are on this machine.
    pub folders: Vec<(&'static str, Vec<PathBuf>)>,
    pub importing: bool,
    pub hooks: Vec<HookSetup>,
    /// The daemon's address.
    pub url: String,
}

pub(crate) fn overview(facts: Facts) -> SetupOverview {
    let Facts { heard, histories: read, folders, importing, hooks, url } = facts;
    let of_tests = |agent: &str| agent == TEST_AGENT;
    let latest = |tests: bool| {
        let sources = heard.sources.iter().filter(|it| of_tests(&it.agent_type) == tests);
        sources.filter_map(|source| source.last_at).max().map(rfc3339)
    };
    let tests: u64 = heard
        .sources
        .iter()
        .filter(|source| of_tests(&source.agent_type))
        .fold(0, |sum, source| sum + source.events);
    let mut overview = SetupOverview {
        events: heard.events.saturating_sub(tests),
        last_event_at: latest(false),
        last_test_at: latest(true),
        sources: sources(&heard),
        histories: histories(&read, folders),
        importing,
        otlp: otlp(&url),
        hooks: hooks.iter().map(short).collect(),
        steps: Vec::new(),
    };
    overview.steps = steps(&overview, &hooks);
    overview
}

fn sources(heard: &Heard) -> Vec<AgentSources> {
    let mut agents: BTreeMap<&str, AgentSources> = BTreeMap::new();
    for source in heard.sources.iter().filter(|source| source.agent_type != TEST_AGENT) {
        let agent = agents.entry(&source.agent_type).or_default();
        agent.events = agent.events.saturating_add(source.events);
        let last = source.last_at.map(rfc3339);
        let place = match source.source.as_str() {
            "hook" => &mut agent.hook,
            "otel" => &mut agent.otel,
            "import" => &mut agent.import,
            _ => &mut agent.other,
        };
        // Times of this form stand in their own order.
        *place = place.take().max(last);
    }
    let named = agents.into_iter().map(|(name, agent)| AgentSources {
        agent_type: name.to_owned(),
        sessions: heard.sessions.get(name).copied().unwrap_or_default(),
        ..agent
    });
    named.collect()
}

fn histories(
    read: &[HeardHistory],
    folders: Vec<(&'static str, Vec<PathBuf>)>,
) -> Vec<HistoryFound> {
    let mut found: BTreeMap<String, HistoryFound> = BTreeMap::new();
    for (format, folders) in folders.into_iter().filter(|(_, folders)| !folders.is_empty()) {
        let entry = found.entry(format.to_owned()).or_default();
        entry.folders.extend(folders.iter().map(|folder| folder.display().to_string()));
    }
    for history in read {
        let entry = found.entry(history.format.clone()).or_default();
        (entry.files, entry.bytes, entry.events) = (history.files, history.bytes, history.events);
        entry.last_read_at = history.last_read_at.map(rfc3339);
    }
    found.into_iter().map(|(format, history)| HistoryFound { format, ..history }).collect()
}

fn otlp(url: &str) -> OtlpEndpoints {
    let of = |signal: &str| format!("{url}/api/otel/v1/{signal}");
    OtlpEndpoints {
        base: format!("{url}/api/otel"),
        logs: of("logs"),
        metrics: of("metrics"),
        traces: of("traces"),
    }
}

fn short(hooks: &HookSetup) -> HookShort {
    HookShort {
        agent_type: hooks.agent_type.clone(),
        label: hooks.label.clone(),
        found: hooks.found,
        installed: hooks.installed.clone(),
    }
}

/// Returns what there is to do. Only agents that are on this machine have a step of their own.
fn steps(overview: &SetupOverview, hooks: &[HookSetup]) -> Vec<SetupStep> {
    let request = |label: &str, path: String| {
        Some(SetupAction { label: label.to_owned(), method: "POST".to_owned(), path })
    };
    let mut steps: Vec<SetupStep> = hooks
        .iter()
        .filter(|hooks| hooks.found)
        .map(|hooks| SetupStep {
            id: format!("hooks-{}", hooks.agent_type),
            title: format!("Let {} tell what it does", hooks.label),
            done: hooks.installed == "ours",
            optional: false,
            action: match hooks.can_install {
                true => request(
                    "Install the hooks",
                    format!("/control/hooks/{}/install", hooks.agent_type),
                ),
                false => None,
            },
        })
        .collect();
    let has_histories = overview.histories.iter().any(|history| !history.folders.is_empty());
    let was_read = overview.histories.iter().any(|history| history.files > 0);
    if has_histories || was_read {
        steps.push(SetupStep {
            id: "histories".to_owned(),
            title: "Import what agents did before".to_owned(),
            done: was_read && !overview.importing,
            optional: false,
            action: request("Import now", "/control/imports".to_owned()),
        });
    }
    steps.push(SetupStep {
        id: "test".to_owned(),
        title: "Send a test event".to_owned(),
        done: overview.last_test_at.is_some(),
        optional: true,
        action: request("Send a test event", "/control/setup/test".to_owned()),
    });
    steps.push(SetupStep {
        id: "event".to_owned(),
        title: "Receive a first event of an agent".to_owned(),
        done: overview.events > 0,
        ..SetupStep::default()
    });
    steps.push(SetupStep {
        id: "telemetry".to_owned(),
        title: "Let agents send their telemetry as well".to_owned(),
        done: overview.sources.iter().any(|source| source.otel.is_some()),
        optional: true,
        action: None,
    });
    steps
}

#[cfg(test)]
mod tests;
