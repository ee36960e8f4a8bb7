//! A person is told of what needs them, once, and of nothing else.

use oriel_model::{Life, Money, Phase, Rest};
use oriel_wire::control::BlockerKind;

use super::*;

const NOW_MS: i64 = 1_770_000_000_000;
const MINUTE_MS: i64 = 60_000;

#[test]
fn a_question_is_told_of_at_once() {
    for (whom, reason, title) in [
        (Whom::Permission, "permission", "Claude Code in shop asks for permission to use Bash"),
        (Whom::Answer, "answer", "Claude Code in shop asks you something"),
    ] {
        let state = State { waiting: Some(waiting(whom, NOW_MS)), ..state(Phase::Active) };
        let notice = turn(&state, &[], None).unwrap().notice;
        assert_eq!((notice.kind.as_str(), notice.reason.as_str()), (AGENT_WAITS, reason));
        assert_eq!((notice.title.as_str(), notice.priority), (title, Priority::High));
        assert_eq!(notice.body, "rm -r rust");
        let later = State { waiting: Some(waiting(whom, NOW_MS + 1)), ..state.clone() };
        let later = turn(&later, &[], None).unwrap().notice;
        assert_ne!(notice.idempotency_key, later.idempotency_key);
        assert_eq!(notice.collapse, later.collapse);
    }
}

#[test]
fn the_end_of_a_turn_is_told_of_where_it_took_long() {
    let input = Some(waiting(Whom::Input, NOW_MS));
    for (seconds, has_prompt, has_parent, expected) in [
        (61, true, false, true),
        (60, true, false, false),
        (61, false, false, false),
        (61, true, true, false),
        (-5, true, false, false),
    ] {
        let state = State {
            waiting: input.clone(),
            parent: has_parent.then(|| (Some("p".to_owned()), None)),
            ..state(Phase::Idle)
        };
        let prompt = Prompt { number: 3, at_ms: NOW_MS - seconds * 1000 };
        let found = turn(&state, &[], has_prompt.then_some(prompt));
        assert_eq!(found.is_some(), expected, "{seconds} {has_prompt} {has_parent}");
        if let Some(Wanted { notice, is_news }) = found {
            assert_eq!((notice.reason.as_str(), notice.priority), ("input", Priority::Medium));
            assert_eq!((notice.idempotency_key.as_str(), is_news), ("turn s 3", true));
            assert_eq!(notice.body, "Paint the gate. The turn took 1 min 1 s.");
        }
    }
}

#[test]
fn what_waits_for_nobody_is_told_of_when_it_is_done() {
    let ended = Phase::Ended { at: NOW_MS / 1000 };
    let prompt = Prompt { number: 3, at_ms: NOW_MS - 5 * MINUTE_MS };
    for (mode, phase, what, ago_ms, expected) in [
        (Some(Mode::Headless), ended, What::SessionOver, 9, Some(true)),
        (Some(Mode::Headless), Phase::Idle, What::TurnOver, 9, Some(true)),
        (None, Phase::Idle, What::TurnOver, 9, Some(true)),
        (Some(Mode::Interactive), ended, What::SessionOver, 9, None),
        (Some(Mode::Headless), ended, What::SessionOver, -61 * MINUTE_MS, Some(true)),
        (Some(Mode::Headless), Phase::Active, What::Tool, 9, None),
        // The prompt came after it.
        (Some(Mode::Headless), Phase::Active, What::TurnOver, 6 * MINUTE_MS, None),
    ] {
        let state = State { mode, ..state(phase) };
        let found = turn(&state, &[sight(what, NOW_MS - ago_ms)], Some(prompt));
        assert_eq!(found.map(|found| found.notice.kind == TURN_ENDED), expected, "{what:?}");
    }
    let long_ago = Prompt { at_ms: NOW_MS - 90 * MINUTE_MS, ..prompt };
    let state = State { mode: Some(Mode::Headless), ..state(ended) };
    let over = [sight(What::SessionOver, NOW_MS - 60 * MINUTE_MS)];
    assert!(!turn(&state, &over, Some(long_ago)).unwrap().is_news);
    let told = [Sight { historical: true, ..sight(What::SessionOver, NOW_MS) }];
    assert_eq!(turn(&state, &told, Some(long_ago)), None, "the past is no news");
}

#[test]
fn a_burst_of_failures_is_told_of_once_a_prompt() {
    let failed = |ago_ms: i64| Sight { failed: true, ..sight(What::Tool, NOW_MS - ago_ms) };
    for (agos, expected) in [
        (vec![1, 2, 3, 4, 5], true),
        (vec![1, 2, 3, 4], false),
        (vec![1, 2, 3, 4, 5 * MINUTE_MS], false),
        (vec![1, 2, 3, 4, 5 * MINUTE_MS - 1], true),
    ] {
        let sights: Vec<Sight> = agos.iter().map(|&ago| failed(ago)).collect();
        let state = state(Phase::Active);
        let seen = Seen {
            session: &session(),
            state: &state,
            sights: &sights,
            prompt: Some(Prompt { number: 9, at_ms: 0 }),
        };
        let found = of_failures(&seen, &config(), NOW_MS);
        assert_eq!(found.is_some(), expected, "{agos:?}");
        if let Some(Wanted { notice, .. }) = found {
            assert_eq!(notice.idempotency_key, "failures s 9");
            assert_eq!(notice.body, "5 failures within 5 minutes.");
        }
        let off = NotifyConfig { failures: 0, ..config() };
        assert_eq!(of_failures(&seen, &off, NOW_MS), None);
    }
}

#[test]
fn a_budget_is_told_of_at_each_of_its_thresholds() {
    for (spent_usd, limit_usd, expected) in [
        (7.9, 10.0, None),
        (8.0, 10.0, Some(("warning", Priority::Medium))),
        (10.0, 10.0, Some(("limit", Priority::High))),
        (10.0, 0.0, None),
        (f64::NAN, 10.0, None),
    ] {
        let spent = Spent {
            period: "week".to_owned(),
            begins: "2026-11-16".to_owned(),
            resets_at: Some(9),
            spent_usd,
            limit_usd,
            warn_percent: 80.0,
        };
        let notice = of_budget(&spent);
        let found = notice.as_ref().map(|notice| (notice.reason.as_str(), notice.priority));
        assert_eq!(found, expected, "{spent_usd} of {limit_usd}");
        let name = notice.map(|notice| notice.idempotency_key);
        let named = expected.map(|(word, _)| format!("budget week 2026-11-16 {word}"));
        assert_eq!(name, named);
    }
}

#[test]
fn a_blocker_is_told_of_in_its_own_words() {
    let blocker = Blocker {
        id: "store-newer-than-program".to_owned(),
        kind: BlockerKind::StoreNewerThanProgram,
        artifact_id: "oriel.db".to_owned(),
        label: "The store is newer".to_owned(),
        reason: "its version is 9".to_owned(),
        actions: Vec::new(),
    };
    let notice = of_blocker(&blocker);
    assert_eq!((notice.kind.as_str(), notice.priority), (BLOCKER, Priority::High));
    assert_eq!((notice.title, notice.body), (blocker.label, blocker.reason));
}

fn turn(state: &State, sights: &[Sight], prompt: Option<Prompt>) -> Option<Wanted> {
    of_turn(&Seen { session: &session(), state, sights, prompt }, &config(), NOW_MS)
}

fn config() -> NotifyConfig {
    NotifyConfig::default()
}

fn waiting(whom: Whom, since_ms: i64) -> Waiting {
    let tool = Some("Bash".to_owned());
    Waiting { whom, what: Some("rm -r rust".to_owned()), tool, since_ms }
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

fn state(phase: Phase) -> State {
    State {
        phase,
        alive: None,
        pid: None,
        mode: None,
        doing: None,
        waiting: None,
        context: None,
        title: Some("Paint the gate".to_owned()),
        cwd: None,
        model: None,
        permission_mode: None,
        client_cost_usd: None,
        parent: None,
        subagents: Vec::new(),
    }
}

fn session() -> Session {
    Session {
        id: "s".to_owned(),
        agent_type: "claude_code".to_owned(),
        project: Some("shop".to_owned()),
        branch: None,
        started_at: 0,
        life: Life { last_event: NOW_MS / 1000, rest: Rest::Working },
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
