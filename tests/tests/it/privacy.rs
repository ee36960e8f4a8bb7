//! What the user does not want kept is nowhere: in no answer, and in no byte of the data directory.

use std::fs;
use std::path::Path;

use oriel_tests::script::{Agent, Script, Way};
use oriel_tests::{Daemon, Launch};
use serde_json::json;

const ASKED: &str = "zirkonprompt";
const GIVEN: &str = "quendelcommand";
const ANSWERED: &str = "saffronanswer";
const OUTPUT: &str = "lindenoutput";
const KEY: &str = "sk-wisteria-4711";

const WAYS: [Way; 3] = [Way::Hooks, Way::Export, Way::History];

#[test]
fn words_that_are_kept_are_found_so_that_the_others_are_looked_for_well() {
    for agent in [Agent::Claude, Agent::Codex] {
        let mut daemon = told(agent, &[]);
        for word in [ASKED, GIVEN, ANSWERED, OUTPUT, KEY] {
            assert!(is_found(&daemon, word), "{agent:?}: {word} is not found");
        }
        daemon.terminate();
        for word in [ASKED, GIVEN, ANSWERED, OUTPUT, KEY] {
            assert!(is_in_files(&daemon, word), "{agent:?}: {word} is in no file");
        }
    }
}

#[test]
fn prompts_that_are_dropped_are_nowhere() {
    check_dropped(&[("privacy.prompts", "drop")], &[ASKED], &[GIVEN, ANSWERED, OUTPUT]);
}

#[test]
fn answers_that_are_dropped_are_nowhere() {
    check_dropped(&[("privacy.answers", "drop")], &[ANSWERED], &[ASKED, GIVEN, OUTPUT]);
}

#[test]
fn what_tools_are_given_is_nowhere_where_it_is_dropped() {
    check_dropped(&[("privacy.tool_inputs", "drop")], &[GIVEN], &[ASKED, ANSWERED, OUTPUT]);
}

#[test]
fn what_tools_give_back_is_nowhere_where_it_is_dropped() {
    check_dropped(&[("privacy.tool_outputs", "drop")], &[OUTPUT], &[ASKED, GIVEN, ANSWERED]);
}

#[test]
fn what_matches_a_pattern_is_nowhere() {
    let patterns = "sk-[a-z]+-[0-9]+\nlinden[a-z]+";
    let kept = [ASKED, GIVEN, ANSWERED];
    check_dropped(&[("privacy.patterns", patterns)], &[KEY, OUTPUT], &kept);
}

#[test]
fn with_everything_dropped_everything_is_still_counted() {
    let all = ["prompts", "answers", "tool_inputs", "tool_outputs"];
    let names = all.map(|name| format!("privacy.{name}"));
    let settings: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "drop")).collect();
    for agent in [Agent::Claude, Agent::Codex] {
        let dropping = told(agent, &settings);
        let keeping = told(agent, &[]);
        for target in ["/api/stats", "/api/reports?by=day&tz=UTC", "/api/stats/tools"] {
            assert_eq!(dropping.get(target).text(), keeping.get(target).text(), "{target}");
        }
    }
    check_dropped(&settings, &[ASKED, GIVEN, ANSWERED, OUTPUT], &[]);
}

/// Tells of a session in every way, hooks that wait included, and looks for words everywhere.
fn check_dropped(settings: &[(&str, &str)], dropped: &[&str], kept: &[&str]) {
    for agent in [Agent::Claude, Agent::Codex] {
        let mut daemon = told(agent, settings);
        for word in dropped {
            assert!(!is_found(&daemon, word), "{agent:?}: {word} is found");
            for (target, text) in oriel_tests::reads::everything(&daemon) {
                assert!(!text.contains(word), "{agent:?}: {word} is in {target}: {text}");
            }
        }
        for word in kept {
            assert!(is_found(&daemon, word), "{agent:?}: {word} is not found");
        }
        daemon.verify();
        daemon.terminate();
        for word in dropped {
            assert!(!is_in_files(&daemon, word), "{agent:?}: {word} is in a file");
            assert!(!daemon.log().contains(word), "{agent:?}: {word} is logged");
        }
    }
}

/// Starts a daemon with these settings and tells it of a session in all ways.
fn told(agent: Agent, settings: &[(&str, &str)]) -> Daemon {
    let launch = Launch::new().set("import.auto", "false");
    let launch = settings.iter().fold(launch, |launch, (name, value)| launch.set(name, value));
    let daemon = launch.start();
    let script = with_words(agent);
    WAYS.into_iter().for_each(|way| script.tell(&daemon, way));
    daemon
}

/// Returns a session with a word of its own in each place.
fn with_words(agent: Agent) -> Script {
    let mut script = Script::of(agent);
    for (nth, turn) in script.turns.iter_mut().enumerate() {
        turn.prompt = format!("please look at {ASKED} number {nth}");
        for asked in &mut turn.requests {
            if !asked.says.is_empty() {
                asked.says = format!("it says {ANSWERED} {nth} and {KEY}");
            }
            for call in &mut asked.calls {
                let name = if agent == Agent::Claude { "command" } else { "cmd" };
                call.input[name] = json!(format!("grep {GIVEN} notes"));
                call.output = format!("{OUTPUT} in line {nth} by {KEY}");
            }
        }
    }
    script
}

/// Returns whether a search finds a word.
fn is_found(daemon: &Daemon, word: &str) -> bool {
    let target = format!("/api/search?q={}", oriel_tests::reads::encode(word));
    let found = daemon.get(&target).expect(200).json();
    !found["hits"].as_array().unwrap().is_empty()
}

/// Returns whether any file of the data directory holds a word.
fn is_in_files(daemon: &Daemon, word: &str) -> bool {
    fn below(folder: &Path, word: &[u8]) -> bool {
        fs::read_dir(folder).unwrap().any(|entry| {
            let path = entry.unwrap().path();
            if path.is_dir() {
                return below(&path, word);
            }
            fs::read(&path).unwrap().windows(word.len()).any(|window| window == word)
        })
    }
    below(&daemon.home().data_dir(), word.as_bytes())
}
