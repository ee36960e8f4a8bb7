//! What is done is told as done, and a test event makes nobody look at work.

use oriel_store::HeardSource;

use super::*;

#[test]
fn test_events_are_no_events_of_agents() {
    let told = overview(facts(vec![heard(TEST_AGENT, "hook", 3, 50)]));
    assert_eq!((told.events, told.last_event_at, told.sources.len()), (0, None, 0));
    assert_eq!(told.last_test_at.as_deref(), Some("1970-01-01T00:00:50Z"));
    assert_eq!((is_done(&told.steps, "test"), is_done(&told.steps, "event")), (true, false));
}

#[test]
fn who_told_last_is_told_by_agent_and_source() {
    let told = overview(facts(vec![
        heard("claude_code", "hook", 2, 10),
        heard("claude_code", "otel", 0, 20),
        heard("codex", "api", 1, 5),
        heard("codex", "script", 1, 7),
    ]));
    assert_eq!((told.events, told.last_event_at.as_deref()), (4, Some("1970-01-01T00:00:20Z")));
    let [claude, codex] = &told.sources[..] else { panic!("two agents: {told:?}") };
    assert_eq!(claude.hook.as_deref(), Some("1970-01-01T00:00:10Z"));
    assert_eq!((&claude.import, claude.sessions), (&None, 4));
    assert_eq!(codex.other.as_deref(), Some("1970-01-01T00:00:07Z"));
    assert!(is_done(&told.steps, "event") && is_done(&told.steps, "telemetry"));
}

#[test]
fn only_what_is_on_this_machine_is_a_step() {
    let mut facts = facts(Vec::new());
    let none = overview(facts_again(&facts));
    let ids: Vec<&str> = none.steps.iter().map(|step| &*step.id).collect();
    assert_eq!(ids, ["hooks-claude_code", "test", "event", "telemetry"]);
    let action = none.steps[0].action.as_ref().unwrap();
    assert_eq!(action.path, "/control/hooks/claude_code/install");
    facts.folders = vec![("codex", vec!["/h/.codex".into()]), ("qwen", Vec::new())];
    let found = overview(facts_again(&facts));
    assert_eq!((found.histories.len(), is_done(&found.steps, "histories")), (1, false));
    let history =
        HeardHistory { format: "codex".to_owned(), files: 2, bytes: 9, ..HeardHistory::default() };
    facts.histories.push(history);
    let read = overview(facts_again(&facts));
    assert_eq!((read.histories[0].files, read.histories[0].bytes), (2, 9));
    assert!(is_done(&read.steps, "histories"));
    facts.importing = true;
    assert!(!is_done(&overview(facts).steps, "histories"), "it goes on");
}

fn facts(sources: Vec<HeardSource>) -> Facts {
    let hook = |agent: &str, found| HookSetup {
        agent_type: agent.to_owned(),
        found,
        can_install: true,
        ..HookSetup::default()
    };
    Facts {
        heard: Heard {
            events: sources.iter().map(|source| source.events).sum(),
            sources,
            sessions: [("claude_code".to_owned(), 4)].into(),
        },
        histories: Vec::new(),
        folders: Vec::new(),
        importing: false,
        hooks: vec![hook("claude_code", true), hook("codex", false)],
        url: "http://127.0.0.1:1".to_owned(),
    }
}

fn facts_again(facts: &Facts) -> Facts {
    Facts {
        heard: facts.heard.clone(),
        histories: facts.histories.clone(),
        folders: facts.folders.clone(),
        importing: facts.importing,
        hooks: facts.hooks.clone(),
        url: facts.url.clone(),
    }
}

fn heard(agent: &str, source: &str, events: u64, at: i64) -> HeardSource {
    HeardSource {
        agent_type: agent.to_owned(),
        source: source.to_owned(),
        events,
        last_at: Some(at),
    }
}

fn is_done(steps: &[SetupStep], id: &str) -> bool {
    steps.iter().find(|step| step.id == id).unwrap().done
}
