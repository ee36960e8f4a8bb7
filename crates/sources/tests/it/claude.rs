//! Claude Code: every line has a fate, everything is counted once however it is read, and what
//! several sources tell is one thing.

mod hooks;
mod joined;

use std::path::{Path, PathBuf};

use joined::{count, join, sums};
use oriel_model::{EventKind, NewEvent, Outcome, Tokens};
use oriel_sources::claude::ClaudeCode;
use oriel_sources::{Format, Homes, Parsed, Reason};
use proptest::prelude::*;

const MAIN: &str = "aaaaaaaa-0000-4000-8000-000000000001";
const FORK: &str = "bbbbbbbb-0000-4000-8000-000000000002";
const OLD: &str = "cccccccc-0000-4000-8000-000000000003";

#[test]
fn histories_lie_where_the_settings_say() {
    let mut homes = Homes { home: "/home/dev".into(), ..Homes::default() };
    let usual = ["/home/dev/.claude/projects", "/home/dev/.config/claude/projects"];
    assert_eq!(ClaudeCode.folders(&homes), usual.map(PathBuf::from));
    homes.claude = vec!["/srv/claude".into()];
    assert_eq!(ClaudeCode.folders(&homes), [PathBuf::from("/srv/claude/projects")]);
    assert!(ClaudeCode.claims(Path::new("-home/s/subagents/agent-7f.jsonl")));
    assert!(!ClaudeCode.claims(Path::new("-home/s/subagents/agent-7f.meta.json")));
}

#[test]
fn every_line_of_a_folder_has_a_fate() {
    for file in files() {
        let lines = lines(&file);
        let parsed = read(&file);
        assert_eq!(parsed.tally.records, lines.len() as u64, "{}", file.display());
        assert!(parsed.tally.adds_up(), "{:?}", parsed.tally);
    }
    let tally = read(&main_file()).tally;
    assert_eq!((tally.bad, tally.bad_records[0].nth), (1, 21), "half a line");
    let reason = |kind: &str, reason| tally.left_out.get(&(kind.to_owned(), reason)).copied();
    assert_eq!(reason("user/notification", Reason::SaidElsewhere), Some(1));
    assert_eq!(reason("user/command", Reason::Housekeeping), Some(1));
    assert_eq!(reason("api-request", Reason::Scaffolding), Some(1));
}

#[test]
fn a_request_is_one_event_with_the_weightiest_usage() {
    let told = read(&main_file()).events;
    // One answer goes on after its first call was answered, and that is told under the same names.
    assert_eq!(count(&told, EventKind::LlmResponse), 8);
    let events = join(told);
    let answers = of_kind(&events, EventKind::LlmResponse);
    assert_eq!(answers.len(), 7);
    let first = answers[0];
    let tokens =
        Tokens { input: 11, output: 18, cache_read: 1200, cache_write: 340, cache_write_1h: 40 };
    assert_eq!(first.tokens, tokens);
    let keys: Vec<_> = first.told.keys.iter().map(|key| key.name.as_str()).collect();
    assert_eq!(
        keys[..3],
        [
            "claude_code request req_m1",
            "claude_code message msg_m1",
            "claude_code usage aaaaaaaa-0000-4000-8000-000000000001 claude-opus-4-8 11 1200 340",
        ]
    );
    assert!(keys[3].starts_with("claude_code answer-words aaaaaaaa-"), "and by its words");
    assert_eq!(first.facet.model.as_deref(), Some("claude-opus-4-8"));
    assert_eq!(first.place.project.as_deref(), Some("shop"));
    assert_eq!(answers[6].facet.model.as_deref(), Some("claude-opus-4-8"), "without [1m]");
}

#[test]
fn a_call_is_one_event_with_what_came_of_it() {
    let events = read(&main_file()).events;
    let calls = of_kind(&events, EventKind::ToolUse);
    let told: Vec<_> = calls
        .iter()
        .map(|call| (call.facet.tool_name.as_deref().unwrap_or_default(), call.facet.outcome))
        .collect();
    let (good, bad) = (Outcome::Success, Outcome::Error);
    let expected = [("Bash", good), ("Read", bad), ("Edit", good), ("Agent", good), ("Bash", bad)];
    assert_eq!(told, expected);
    assert_eq!(calls[0].duration_ms, Some(12));
    assert!(calls[0].metadata.text().contains(r#""content_preview":"green\nrusty""#));
    let facts = calls[2].metadata.facts();
    assert_eq!((facts.lines_added, facts.lines_removed), (2, 1));
    assert_eq!(facts.file_path.as_deref(), Some("/home/dev/shop/gate.txt"));
    assert!(calls[4].metadata.text().contains(r#""denied":true"#));
}

#[test]
fn an_answer_is_told_before_its_calls_and_a_prompt_before_its_answer() {
    let events = join(read(&main_file()).events);
    let kinds: Vec<_> = events.iter().take(4).map(|event| event.facet.kind).collect();
    let (answer, call) = (EventKind::LlmResponse, EventKind::ToolUse);
    assert_eq!(kinds, [EventKind::UserPrompt, answer, call, call]);
}

#[test]
fn only_what_a_person_wrote_is_a_prompt() {
    let events = read(&main_file()).events;
    let prompts = of_kind(&events, EventKind::UserPrompt);
    let words: Vec<_> = prompts.iter().map(|event| fact(event, "message")).collect();
    let expected =
        ["paint the gate", "throw the rust away", "/tidy shed", "and the fence", "and the roof"];
    assert_eq!(words, expected.map(|words| Some(words.to_owned())));
}

#[test]
fn what_nobody_understands_is_kept() {
    let events = read(&main_file()).events;
    let unknown: Vec<_> =
        events.iter().filter(|event| fact(event, "record_type").is_some()).collect();
    assert_eq!(unknown.len(), 1);
    assert_eq!(fact(unknown[0], "record_type").as_deref(), Some("constellation"));
    assert!(unknown[0].metadata.text().contains("stars"));
}

#[test]
fn failures_and_compactions_are_told_once_with_their_prompt() {
    let events = read(&main_file()).events;
    let keyed = |name: &str| {
        events.iter().filter(|event| event.told.keys.iter().any(|key| key.name == name)).count()
    };
    assert_eq!(keyed("claude_code error req_e1"), 1);
    assert_eq!(keyed("claude_code failure p7"), 1);
    assert_eq!(keyed("claude_code compaction p6"), 1);
}

#[test]
fn names_are_those_of_the_contract() {
    let events = read(&folder().join(format!("{OLD}.jsonl"))).events;
    let id = events[0].event_id.as_ref().map(|id| id.0.as_str());
    // The first 32 digits of the SHA-256 of `claude-code:<session>:1`.
    assert_eq!(id, Some("import-cc-cee45f5e5c11d2b1edb977b15b4c4d70"));
    let sub = read(&folder().join(format!("{MAIN}/subagents/agent-7f.jsonl"))).events;
    assert!(sub.iter().all(|event| event.session_id.0 == MAIN));
    assert!(sub.iter().all(|event| fact(event, "agent_id").as_deref() == Some("7f")));
}

#[test]
fn old_files_state_their_cost_as_a_running_sum() {
    let parsed = read(&folder().join(format!("{OLD}.jsonl")));
    let costs: Vec<_> = of_kind(&parsed.events, EventKind::LlmResponse)
        .iter()
        .map(|event| event.cost_usd.map(|cost| (cost * 1000.0).round()))
        .collect();
    assert_eq!(costs, [Some(10.0), Some(20.0), None]);
    let calls = of_kind(&parsed.events, EventKind::ToolUse);
    assert_eq!(calls[0].metadata.facts().lines_added, 2);
    assert_eq!(calls[1].facet.outcome, Outcome::Error);
    assert_eq!(parsed.notes.iter().filter(|note| note.name == "title").count(), 1);
}

#[test]
fn notes_tell_how_the_session_stands() {
    let notes = read(&main_file()).notes;
    let note = |name: &str| {
        let found: Vec<_> = notes.iter().filter(|note| note.name == name).collect();
        assert_eq!(found.len(), 1, "{name}");
        found[0].value.clone()
    };
    assert_eq!(note("title"), r#""Blue gate""#);
    assert_eq!(note("cwd"), r#""/home/dev/shop""#);
    assert_eq!(note("context"), r#"{"used":900,"size":null}"#);
    assert_eq!(
        note("subagent:7f"),
        r#"{"type":"Explore","description":"Look at the shed","running":false}"#
    );
}

#[test]
fn a_history_read_line_by_line_tells_the_same() {
    for file in files() {
        let at_once = join(read(&file).events);
        let (by_line, state) = read_by_line(&file);
        let by_line = join(by_line.events);
        assert_eq!(sums(&at_once), sums(&by_line), "{}", file.display());
        assert!(state.len() < 4096, "{state}");
    }
    let all = |read: fn(&Path) -> Vec<NewEvent>| {
        join(files().iter().flat_map(|file| read(file)).collect())
    };
    let by_line = all(|file| read_by_line(file).0.events);
    assert_eq!(sums(&all(|file| read(file).events)), sums(&by_line));
}

#[test]
fn a_fork_adds_only_what_is_its_own() {
    let fork_file = folder().join(format!("{FORK}.jsonl"));
    let (main, fork) = (read(&main_file()).events, read(&fork_file).events);
    assert!(fork.iter().all(|event| !event.told.keys.is_empty()));
    for events in [[main.clone(), fork.clone()].concat(), [fork, main.clone()].concat()] {
        let both = join(events);
        let alone = join(main.clone());
        assert_eq!(count(&both, EventKind::LlmResponse), count(&alone, EventKind::LlmResponse) + 1);
        assert_eq!(count(&both, EventKind::UserPrompt), count(&alone, EventKind::UserPrompt) + 1);
        assert_eq!(count(&both, EventKind::ToolUse), count(&alone, EventKind::ToolUse));
        assert_eq!(both.len(), alone.len() + 2);
    }
}

proptest! {
    #[test]
    fn no_line_is_fatal(lines in prop::collection::vec(any_line(), 0..12)) {
        let mut parsed = Parsed::default();
        let mut reader = ClaudeCode.reader(Path::new("p/s.jsonl"), None);
        for line in &lines {
            reader.line(line, &mut parsed);
        }
        reader.pause(&mut parsed);
        prop_assert_eq!(parsed.tally.records, lines.len() as u64);
        prop_assert!(parsed.tally.adds_up());
    }

    #[test]
    fn no_body_is_fatal(body in any_line()) {
        if let Ok(parsed) = oriel_sources::claude::hooks::read(&body, 1) {
            prop_assert!(parsed.tally.adds_up());
        }
        _ = oriel_sources::claude::statusline::read(&body, 1);
        _ = oriel_sources::claude::registry::read(&body);
    }
}

/// Makes a line of the fixtures with one byte changed and its end cut off, or any bytes.
fn any_line() -> impl Strategy<Value = Vec<u8>> {
    let known: Vec<_> = files().iter().flat_map(|file| lines(file)).collect();
    let bent =
        (prop::sample::select(known), any::<prop::sample::Index>(), any::<u8>(), 0..40_usize)
            .prop_map(|(mut line, at, byte, cut)| {
                if !line.is_empty() {
                    let at = at.index(line.len());
                    line[at] = byte;
                }
                line.truncate(line.len().saturating_sub(cut.saturating_sub(20)));
                line
            });
    prop_oneof![4 => bent, 1 => prop::collection::vec(any::<u8>(), 0..200)]
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/claude/projects/-home-dev-shop")
}

fn main_file() -> PathBuf {
    folder().join(format!("{MAIN}.jsonl"))
}

fn files() -> Vec<PathBuf> {
    let sub = format!("{MAIN}/subagents/agent-7f.jsonl");
    let names = [MAIN, FORK, OLD].map(|session| format!("{session}.jsonl"));
    names
        .into_iter()
        .chain([sub, "agent-9c.jsonl".to_owned()])
        .map(|name| folder().join(name))
        .collect()
}

fn lines(file: &Path) -> Vec<Vec<u8>> {
    let bytes = std::fs::read(file).expect("a fixture");
    let lines = bytes.split(|byte| *byte == b'\n');
    lines.filter(|line| !line.trim_ascii().is_empty()).map(<[u8]>::to_vec).collect()
}

fn read(file: &Path) -> Parsed {
    let mut parsed = Parsed::default();
    let mut reader = ClaudeCode.reader(file, None);
    for line in lines(file) {
        reader.line(&line, &mut parsed);
    }
    reader.pause(&mut parsed);
    parsed
}

/// Reads a file as one that is followed: with a pause and a new reader after every line.
fn read_by_line(file: &Path) -> (Parsed, String) {
    let mut parsed = Parsed::default();
    let mut state = None;
    for line in lines(file) {
        let mut reader = ClaudeCode.reader(file, state.as_deref());
        reader.line(&line, &mut parsed);
        reader.pause(&mut parsed);
        state = Some(reader.state());
    }
    (parsed, state.unwrap_or_default())
}

fn of_kind(events: &[NewEvent], kind: EventKind) -> Vec<&NewEvent> {
    events.iter().filter(|event| event.facet.kind == kind).collect()
}

fn fact(event: &NewEvent, name: &str) -> Option<String> {
    let facts: serde_json::Value = serde_json::from_str(event.metadata.text()).ok()?;
    facts.get(name)?.as_str().map(str::to_owned)
}
