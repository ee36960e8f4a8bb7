//! What a session does and waits for is shown until something happens that contradicts it.

use oriel_model::{About, Life, Money, Note, Phase, QuietLimit, Rest, SessionId};
use oriel_store::Session;
use serde_json::{Value, json};

use super::{Mode, Sight, State, What, Whom, state_of};

const NOW_MS: i64 = 1_770_000_000_000;
const MINUTE_MS: i64 = 60_000;

#[test]
fn a_wait_is_shown_until_something_later_contradicts_it() {
    use What::{Other, Prompt, SessionOver, Tool, TurnOver};
    for (whom, what, after_ms, is_main, expected) in [
        ("permission", Other, 1, true, Some(Whom::Permission)),
        ("permission", Tool, 0, true, Some(Whom::Permission)),
        ("permission", Tool, -5, true, Some(Whom::Permission)),
        ("permission", Tool, 1, true, None),
        ("permission", Tool, 1, false, Some(Whom::Permission)),
        ("permission", Prompt, 1, true, None),
        ("permission", SessionOver, 1, true, None),
        // Someone refused and interrupted: it is that one's turn.
        ("permission", TurnOver, 1, true, Some(Whom::Input)),
        ("answer", Tool, 1, true, None),
        ("input", TurnOver, 0, true, Some(Whom::Input)),
        ("input", Prompt, 1, true, None),
        ("input", Prompt, -1, true, Some(Whom::Input)),
        ("input", Other, 1, true, Some(Whom::Input)),
        ("input", SessionOver, 1, true, None),
    ] {
        let at = NOW_MS - MINUTE_MS;
        let notes = [note("waiting", json!({ "for": whom, "tool": "Bash" }), at)];
        let sight = Sight { is_main, ..sight(what, at + after_ms) };
        let state = derive(Rest::Working, &notes, &[sight]);
        let found = state.waiting.map(|waiting| waiting.whom);
        assert_eq!(found, expected, "{whom}, then {what:?} after {after_ms}");
    }
}

#[test]
fn work_is_shown_until_its_result() {
    let at = NOW_MS - MINUTE_MS;
    let doing = note("doing", json!({ "tool": "Bash", "detail": "ls", "id": "t1" }), at);
    let result =
        |id: &str, at_ms| Sight { tool_use_id: Some(id.to_owned()), ..sight(What::Tool, at_ms) };
    for (sights, expected) in [
        (vec![], true),
        (vec![result("t0", at + 9)], true),
        (vec![result("t1", at + 9)], false),
        (vec![result("t1", at - 9)], false),
        (vec![sight(What::Prompt, at + 1)], false),
        (vec![sight(What::Prompt, at - 1)], true),
        (vec![sight(What::TurnOver, at + 1)], false),
        (vec![sight(What::SessionOver, at + 1)], false),
        (vec![Sight { historical: true, ..sight(What::TurnOver, at + 1) }], true),
    ] {
        let state = derive(Rest::Working, std::slice::from_ref(&doing), &sights);
        assert_eq!(state.doing.is_some(), expected, "{sights:?}");
    }
}

#[test]
fn after_an_interruption_it_is_a_persons_turn() {
    let at = NOW_MS - MINUTE_MS;
    let notes = [note("doing", json!({ "tool": "Bash" }), at)];
    let told = derive(Rest::BetweenTurns, &notes, &[sight(What::TurnOver, at + 5)]);
    assert_eq!(told.doing, None);
    assert_eq!(told.waiting.map(|waiting| waiting.since_ms), Some(at + 5));
    // Without a word in the history, the process itself says that it rests.
    let registered = process(true, Some(("idle", at + 7)));
    let told = derive(Rest::Working, &[notes[0].clone(), registered], &[sight(What::Tool, at)]);
    assert_eq!((told.doing, told.phase), (None, Phase::Idle));
    assert_eq!(told.waiting.map(|waiting| waiting.since_ms), Some(at + 7));
    let busy = process(true, Some(("busy", at + 7)));
    let told = derive(Rest::Working, &[notes[0].clone(), busy], &[sight(What::Tool, at - 5)]);
    assert!(told.doing.is_some() && told.waiting.is_none());
}

#[test]
fn an_allowed_tool_is_not_waited_for_while_it_runs() {
    let at = NOW_MS - MINUTE_MS;
    let waits = note("waiting", json!({ "for": "permission", "tool": "Bash" }), at);
    let asked = [waits.clone(), process(true, Some(("busy", at - 9)))];
    assert!(derive(Rest::Working, &asked, &[]).waiting.is_some());
    let allowed = [waits, process(true, Some(("busy", at + 9)))];
    assert!(derive(Rest::Working, &allowed, &[]).waiting.is_none());
}

#[test]
fn a_session_whose_process_is_gone_has_ended_whatever_it_said() {
    let at = NOW_MS - MINUTE_MS;
    let notes = [
        note("doing", json!({ "tool": "Bash" }), at),
        note("waiting", json!({ "for": "permission" }), at),
        note("subagent:a1", json!({ "type": "Explore", "running": true }), at),
        process(false, None),
    ];
    let state = derive(Rest::Working, &notes, &[sight(What::Tool, at - 5)]);
    assert_eq!(state.alive, Some(false));
    assert!(matches!(state.phase, Phase::Ended { .. }));
    assert_eq!((state.doing, state.waiting, state.pid), (None, None, None));
    assert!(!state.subagents[0].running);
    let resumed = derive(Rest::Working, &notes, &[sight(What::Prompt, NOW_MS)]);
    assert_eq!((resumed.alive, resumed.phase), (None, Phase::Active), "it goes on elsewhere");
}

#[test]
fn a_session_that_waits_for_hours_waits_still_if_it_lives() {
    for (whom, hours, alive, expected) in [
        ("permission", 30, Some(true), true),
        ("input", 30, Some(true), true),
        ("permission", 11, None, true),
        ("permission", 13, None, false),
        ("input", 0, None, true),
        ("input", 2, None, false),
        ("input", 0, Some(false), false),
    ] {
        let at = NOW_MS - hours * 60 * MINUTE_MS - MINUTE_MS;
        let mut notes = vec![note("waiting", json!({ "for": whom }), at)];
        notes.extend(alive.map(|alive| process(alive, None)));
        let mut session = session(Rest::Working);
        session.life.last_event = at / 1000;
        let state = state_of(&session, &notes, &[], NOW_MS, quiet());
        assert_eq!(state.waiting.is_some(), expected, "{whom} {hours} {alive:?}");
        let is_ended = matches!(state.phase, Phase::Ended { .. });
        assert_eq!(is_ended, !expected, "{whom} {hours} {alive:?}");
    }
}

#[test]
fn a_session_that_is_over_waits_for_nobody() {
    let at = NOW_MS - MINUTE_MS;
    let waits = note("waiting", json!({ "for": "input" }), at);
    let over = Rest::Over { at: NOW_MS / 1000 };
    assert!(derive(over, std::slice::from_ref(&waits), &[]).waiting.is_none());
    // Its process has not noticed yet.
    let notes = [waits, process(true, None)];
    let state = derive(over, &notes, &[sight(What::SessionOver, NOW_MS)]);
    assert_eq!((state.alive, state.waiting), (None, None));
    assert!(matches!(state.phase, Phase::Ended { .. }));
}

#[test]
fn whether_a_person_sits_there_is_told_by_how_it_was_started() {
    for (entrypoint, expected) in [
        ("cli", Some(Mode::Interactive)),
        ("sdk-cli", Some(Mode::Headless)),
        ("codex_exec", Some(Mode::Headless)),
        ("codex_vscode", Some(Mode::Interactive)),
        ("something new", None),
    ] {
        let notes = [note("entrypoint", json!(entrypoint), 1)];
        assert_eq!(derive(Rest::Working, &notes, &[]).mode, expected, "{entrypoint}");
    }
    let turn_over = [sight(What::TurnOver, NOW_MS - 5)];
    let headless = [note("entrypoint", json!("sdk-cli"), 1)];
    assert_eq!(derive(Rest::BetweenTurns, &headless, &turn_over).waiting, None);
}

#[test]
fn no_note_is_too_odd() {
    let names = ["waiting", "doing", "context", "parent", "client_cost", "process", "title"];
    for value in ["", "{", "7", "[]", "null", r#"{"for":7}"#, r#"{"alive":"x"}"#, r#""""#] {
        let notes = names.map(|name| Note { value: value.to_owned(), ..note(name, json!(0), 1) });
        let state = derive(Rest::Working, &notes, &[sight(What::Tool, i64::MIN)]);
        assert_eq!((state.waiting, state.title, state.parent), (None, None, None), "{value}");
        let state = state_of(&session(Rest::Working), &notes, &[], i64::MIN, quiet());
        assert_eq!(state.doing, None);
    }
}

fn derive(rest: Rest, notes: &[Note], sights: &[Sight]) -> State {
    state_of(&session(rest), notes, sights, NOW_MS, quiet())
}

fn quiet() -> QuietLimit {
    QuietLimit::from_seconds(300).unwrap()
}

fn session(rest: Rest) -> Session {
    Session {
        id: "s".to_owned(),
        agent_type: "claude_code".to_owned(),
        project: None,
        branch: None,
        started_at: NOW_MS / 1000 - 999,
        life: Life { last_event: NOW_MS / 1000, rest },
        events: 1,
        tokens_in: 0,
        tokens_out: 0,
        cost: Money::default(),
        files_edited: 0,
        lines_added: 0,
        lines_removed: 0,
        cache_read: 0,
        cache_write: 0,
        turns: 0,
        unpriced: 0,
        model: None,
    }
}

fn process(alive: bool, status: Option<(&str, i64)>) -> Note {
    let (status, since) = status.unzip();
    let value = json!({ "pid": 7, "alive": alive, "since": NOW_MS - 9, "status": status,
        "status_since": since });
    note("process", value, NOW_MS - 9)
}

#[expect(clippy::needless_pass_by_value, reason = "a test writes its values where it needs them")]
fn note(name: &str, value: Value, at_ms: i64) -> Note {
    let about = About::Session(SessionId("s".to_owned()));
    Note { about, name: name.to_owned(), value: value.to_string(), at_ms }
}

fn sight(what: What, at_ms: i64) -> Sight {
    Sight {
        number: 1,
        at_ms,
        what,
        is_main: true,
        failed: false,
        historical: false,
        tool_use_id: None,
    }
}
