//! A rollout tells each request, call, prompt and answer once, whichever version wrote it and however
//! often it is looked at.

use oriel_model::{EventKind, Outcome, Sign, Tokens};
use oriel_sources::codex::Codex;
use oriel_sources::{Parsed, Reason};
use proptest::prelude::*;
use serde_json::json;

use crate::reading::{both_ways, fact, joined, latest, of_kind, usage, whole};

const CONTRACT: &str = include_str!("../fixtures/codex/contract.jsonl");
const OLDER: &str = include_str!("../fixtures/codex/older.jsonl");
const RECORDS: &str = include_str!("../fixtures/codex/records.jsonl");
const COPIED: &str = include_str!("../fixtures/codex/copied.jsonl");
const SUB_AGENT: &str = include_str!("../fixtures/codex/sub-agent.jsonl");
const BARE: &str = include_str!("../fixtures/codex/bare.jsonl");

#[test]
fn ids_are_those_of_the_contract() {
    let mut ids: Vec<_> =
        joined(&whole(&Codex, "rollout-x.jsonl", CONTRACT).events).into_keys().collect();
    let mut expected: Vec<_> = [
        "d8b35cf8eb672c3455fd59ce7a74aa2d",
        "94db7b34f4f2fbd6891bbeb3f4088a85",
        "cdfd886c4a18034787c1b2a691b35f49",
        "1a0f711fb3753c46a7792e4a53f581ab",
        "6dff329003993f4e8c12213e1c8cf7e9",
        "d56a6920f6f0f6fbb1a8d90cabd2f13b",
    ]
    .map(|digits| format!("import-cdx-{digits}"))
    .to_vec();
    ids.sort();
    expected.sort();
    assert_eq!(ids, expected);
}

#[test]
fn totals_alone_are_told_as_differences() {
    let events = both_ways(&Codex, "rollout-x.jsonl", CONTRACT);
    let tokens =
        Tokens { input: 700, output: 80, cache_read: 900, cache_write: 0, cache_write_1h: 0 };
    assert_eq!(usage(&events), (tokens, 2));
    let patches = of_kind(&events, EventKind::ToolUse);
    let lines = |nth: usize| {
        let facts = patches[nth].metadata.facts();
        (facts.file_path.as_deref(), facts.lines_added, facts.lines_removed)
    };
    assert_eq!((lines(0), lines(1)), ((Some("plan.md"), 2, 1), (Some("seeds.txt"), 1, 0)));
    assert_eq!(events[0].place.project.as_deref(), Some("barley"));
    assert_eq!(events[0].place.branch.as_deref(), Some("sowing"));
}

#[test]
fn totals_that_are_told_twice_count_once_and_may_fall() {
    let events = both_ways(&Codex, "rollout-x.jsonl", OLDER);
    let tokens =
        Tokens { input: 476 + 576 + 300, output: 91, cache_read: 2048, ..Tokens::default() };
    assert_eq!(usage(&events), (tokens, 3));
    for request in of_kind(&events, EventKind::LlmResponse) {
        assert_eq!(request.facet.model.as_deref(), Some("gpt-5-codex"));
    }
    let usage_key = "codex usage 019c7373-39f7-7000-8000-0000000000a1 1600 1024 41 16";
    assert!(events.iter().any(|event| event.told.keys.iter().any(|key| key.name == usage_key)));
    let calls = of_kind(&events, EventKind::ToolUse);
    let told: Vec<_> = calls
        .iter()
        .map(|call| {
            (call.facet.tool_name.as_deref().unwrap(), call.facet.outcome, call.duration_ms)
        })
        .collect();
    assert_eq!(
        told,
        [
            ("exec_command", Outcome::Success, Some(51)),
            ("shell", Outcome::Error, None),
            ("apply_patch", Outcome::Success, Some(200)),
        ]
    );
    assert_eq!(fact(calls[0], "content_preview"), "7 rows.txt\n");
    assert_eq!(fact(calls[1], "command"), "cat none");
    assert_eq!(of_kind(&events, EventKind::UserPrompt).len(), 1);
    assert_eq!(of_kind(&events, EventKind::Response).len(), 1, "one answer, told twice");
}

#[test]
fn records_of_usage_are_preferred_to_totals() {
    let out = whole(&Codex, "rollout-x.jsonl", RECORDS);
    let events = both_ways(&Codex, "rollout-x.jsonl", RECORDS);
    let tokens = Tokens {
        input: 476 + 476 + 676,
        output: 123,
        cache_read: 3072,
        cache_write: 100,
        cache_write_1h: 0,
    };
    assert_eq!(usage(&events), (tokens, 3));
    let first = of_kind(&events, EventKind::LlmResponse)[0];
    let names: Vec<_> = first.told.keys.iter().map(|key| key.name.as_str()).collect();
    assert_eq!(
        names,
        [
            "codex response resp_1",
            "codex usage 01a1fdbc-4879-7ba0-a984-8f43abebfe01 1500 1024 40 16",
        ]
    );
    assert_eq!(out.tally.bad, 1, "the half-written last line");
    assert_eq!(left_out(&out, "event_msg/token_count", Reason::SaidElsewhere), 3);
}

#[test]
fn a_call_is_one_event_with_all_that_is_told_of_it() {
    let events = both_ways(&Codex, "rollout-x.jsonl", RECORDS);
    let calls = of_kind(&events, EventKind::ToolUse);
    let told: Vec<_> = calls
        .iter()
        .map(|call| {
            (call.facet.tool_name.as_deref().unwrap(), call.facet.outcome, call.duration_ms)
        })
        .collect();
    assert_eq!(
        told,
        [
            ("exec_command", Outcome::Error, Some(11)),
            ("mcp__abacus__add", Outcome::Success, Some(4)),
            ("spawn_agent", Outcome::Success, Some(12)),
            ("web_search", Outcome::Success, None),
            ("exec_command", Outcome::Error, Some(19_685)),
        ]
    );
    assert_eq!(fact(calls[0], "error"), "ls: no fence\n");
    assert_eq!(fact(calls[2], "namespace"), "multi_agent_v1");
    assert_eq!(fact(calls[3], "query"), "fence posts");
}

#[test]
fn prompts_answers_and_ends_of_turns_are_told_once() {
    let events = both_ways(&Codex, "rollout-x.jsonl", RECORDS);
    let prompts: Vec<_> = of_kind(&events, EventKind::UserPrompt)
        .into_iter()
        .map(|prompt| (fact(prompt, "message"), prompt.told.keys[0].name.clone()))
        .collect();
    let thread = "01a1fdbc-4879-7ba0-a984-8f43abebfe01";
    assert_eq!(
        prompts,
        [
            (json!("mend the fence"), format!("codex prompt {thread} 14")),
            (json!("wait then"), format!("codex prompt {thread} 9")),
        ]
    );
    let over = |event: &&oriel_model::NewEvent| event.told.sign == Sign::TurnOver;
    let turns = events.iter().filter(over).map(|turn| fact(turn, "record_type"));
    assert_eq!(turns.collect::<Vec<_>>(), ["task_complete", "turn_aborted", "task_complete"]);
    assert_eq!(of_kind(&events, EventKind::Error).len(), 1, "one failure, told twice");
    let answers = events
        .iter()
        .filter(|event| event.told.texts.iter().any(|text| text.text == "The fence is gone."));
    assert_eq!(answers.count(), 1);
}

#[test]
fn an_answer_that_is_given_again_is_another_one() {
    let said = r#"{"type":"event_msg","payload":{"type":"agent_message","message":"Done."}}"#;
    let item = r#"{"type":"response_item","payload":{"type":"message","role":"assistant","content":[{"text":"Done."}]}}"#;
    for (lines, answers) in [
        (vec![said, item], 1),
        (vec![item, said], 1),
        (vec![said, item, item], 2),
        (vec![said, said], 2),
    ] {
        let events = both_ways(&Codex, "rollout-x.jsonl", &lines.join("\n"));
        assert_eq!(of_kind(&events, EventKind::Response).len(), answers, "{lines:?}");
    }
}

#[test]
fn what_is_not_known_is_kept_raw() {
    let events = both_ways(&Codex, "rollout-x.jsonl", RECORDS);
    let kept: Vec<_> = events.iter().filter(|event| !fact(event, "raw").is_null()).collect();
    let kinds: Vec<_> = kept.iter().map(|event| fact(event, "record_type")).collect();
    assert_eq!(kinds, ["weather_report", "event_msg/sundial_read"]);
    assert!(kept.iter().all(|event| event.told.sign == Sign::Aside));
}

#[test]
fn notes_say_how_a_session_and_its_limits_stand() {
    let notes = latest(&whole(&Codex, "rollout-x.jsonl", RECORDS).notes);
    let find = |name: &str| {
        let found = notes.iter().find(|(known, _)| known.ends_with(&format!(" {name}")));
        found.map(|(_, value)| value.clone())
    };
    assert_eq!(find("model"), Some(json!("gpt-5-codex")));
    assert_eq!(find("effort"), Some(json!("medium")));
    assert_eq!(find("context"), Some(json!({ "used": 1742, "size": 258_400 })));
    let primary =
        json!({ "used_percent": 12.5, "resets_at": 1_772_442_000, "window_minutes": 300 });
    assert_eq!(find("limit:primary"), Some(primary));
    let helper = json!({ "type": "Otter", "description": "look for posts", "running": true });
    assert_eq!(find("subagent:01a1fdbc-914f-7da1-a94d-aee42ef7abfc"), Some(helper));
}

#[test]
fn a_copied_history_counts_once() {
    let out = whole(&Codex, "rollout-x.jsonl", COPIED);
    let events = both_ways(&Codex, "rollout-x.jsonl", COPIED);
    let tokens = Tokens { input: 676 + 200, output: 49, cache_read: 1024, ..Tokens::default() };
    assert_eq!(usage(&events), (tokens, 2));
    assert_eq!(of_kind(&events, EventKind::ToolUse).len(), 0);
    let prompts = of_kind(&events, EventKind::UserPrompt);
    assert_eq!(prompts.len(), 1);
    assert_eq!(fact(prompts[0], "message"), "now the gate");
    assert_eq!(left_out(&out, "event_msg/token_count", Reason::Inherited), 2);
}

#[test]
fn a_sub_agent_tells_what_is_its_own() {
    let out = whole(&Codex, "rollout-x.jsonl", SUB_AGENT);
    let events = both_ways(&Codex, "rollout-x.jsonl", SUB_AGENT);
    let tokens = Tokens { input: 576, output: 41, cache_read: 1024, ..Tokens::default() };
    assert_eq!(usage(&events), (tokens, 1));
    assert_eq!(of_kind(&events, EventKind::UserPrompt).len(), 0);
    assert_eq!(of_kind(&events, EventKind::ToolUse).len(), 0);
    assert_eq!(left_out(&out, "token_usage_record", Reason::Inherited), 1);
    let parent = json!({ "session": "01a1fdbc-f721-7840-a1a2-1a01021af81d", "agent": "Otter" });
    assert!(latest(&out.notes).values().any(|value| *value == parent));
    assert!(events.iter().all(|event| event.session_id.0.starts_with("01a1fdbc-f969")));
}

#[test]
fn a_file_with_next_to_nothing_is_read_all_the_same() {
    let file = "rollout-2026-03-02T09-00-00-019c7373-39f7-7000-8000-0000000000b1.jsonl";
    let events = both_ways(&Codex, file, BARE);
    let prompts = of_kind(&events, EventKind::UserPrompt);
    assert_eq!(prompts.len(), 2, "without anything better, messages are prompts");
    let tokens = Tokens { input: 120, output: 7, ..Tokens::default() };
    assert_eq!(usage(&events), (tokens, 1));
    let thread = "019c7373-39f7-7000-8000-0000000000b1";
    assert!(events.iter().all(|event| event.session_id.0 == thread));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn damage_is_counted_and_never_fatal(cuts in prop::collection::vec((0usize..60, 0usize..400), 0..20)) {
        let mut lines: Vec<_> = RECORDS.lines().map(|line| line.as_bytes().to_vec()).collect();
        for (line, at) in cuts {
            let nth = line % lines.len();
            let line = &mut lines[nth];
            let at = at.min(line.len());
            line[at..].iter_mut().take(3).for_each(|byte| *byte = 0xff);
        }
        let mut out = Parsed::default();
        let mut reader = oriel_sources::Format::reader(&Codex, "rollout-x.jsonl".as_ref(), None);
        for line in &lines {
            reader.line(line, &mut out);
        }
        reader.pause(&mut out);
        prop_assert!(out.tally.adds_up());
        prop_assert_eq!(out.tally.records, lines.len() as u64);
    }
}

fn left_out(out: &Parsed, kind: &str, reason: Reason) -> u64 {
    out.tally.left_out.get(&(kind.to_owned(), reason)).copied().unwrap_or(0)
}
