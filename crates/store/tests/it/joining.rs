//! A thing that several sources tell of is one event: it counts once in every sum, whoever tells
//! first, however often, and in whatever order.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use oriel_model::{
    Amount, EventId, EventKind, Key, Metadata, NewEvent, Outcome, Phase, Sign, Tokens, Told,
};
use oriel_store::{Appended, EventFilter, Store};
use proptest::prelude::*;

use crate::answers::wait_for;
use crate::make::{Home, assert_clean, event};

const AT: i64 = 1_770_000_000;
const MODEL: &str = "claude-opus-4-8";

#[test]
fn three_tellings_of_one_request_are_one_event_in_every_order() {
    let tellings = [hook_like(1), otel(1), import(1)];
    let mut answers = Vec::new();
    for order in permutations(&tellings) {
        answers.push(wait_for(async {
            let home = Home::new();
            let store = home.open();
            for (nth, telling) in order.into_iter().enumerate() {
                let appended = store.append(vec![telling], AT).await.unwrap();
                let joined = matches!(appended[..], [Appended::Joined(_)]);
                assert_eq!(joined, nth > 0, "only the first is new");
            }
            assert_clean(&store).await;
            sums(&store).await
        }));
    }
    assert_eq!(answers[0].events, 1);
    assert_eq!(answers[0].tokens, (15, 231));
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:#?}");
}

#[test]
fn a_telling_that_comes_twice_changes_nothing() {
    wait_for(async {
        let home = Home::new();
        let store = home.open();
        store.append(vec![otel(1), import(1)], AT).await.unwrap();
        let before = sums(&store).await;
        let again = store.append(vec![import(1), otel(1), import(1)], AT + 5).await.unwrap();
        assert_eq!(again, vec![Appended::Duplicate; 3]);
        assert_eq!(sums(&store).await, before);
    });
}

#[test]
fn an_event_that_learns_is_told_of_as_it_is_now() {
    let told = Arc::new(Mutex::new(Vec::new()));
    let of_store = Arc::clone(&told);
    wait_for(async {
        let home = Home::new();
        let store = home.open_telling(move |committed| of_store.lock().unwrap().push(committed));
        store.append(vec![import(1)], AT).await.unwrap();
        store.append(vec![otel(1)], AT).await.unwrap();
        let page = store.events(EventFilter::default(), 10, 0).await.unwrap();
        let told = told.lock().unwrap();
        assert_eq!(told.len(), 2);
        assert_eq!((told[0].stored.len(), told[0].amended.len()), (1, 0));
        assert_eq!((told[1].stored.len(), &told[1].amended), (0, &page.events));
        assert_eq!(page.events[0].event.cost_usd, Some(0.5), "what the agent states");
    });
}

#[test]
fn things_that_look_alike_are_joined_one_by_one() {
    let usage = |source: &str, nth: u32| {
        let mut event = base(source, &format!("{source} usage {nth}"), EventKind::LlmResponse);
        event.tokens = Tokens { input: 10, output: 2, ..Tokens::default() };
        event.told.keys = vec![Key::alike("codex", "usage", "t1 10 0 2 0")];
        event
    };
    for order in [["otel", "import"], ["import", "otel"]] {
        wait_for(async {
            let home = Home::new();
            let store = home.open();
            for source in order {
                for nth in 0..3 {
                    store.append(vec![usage(source, nth), usage(source, nth)], AT).await.unwrap();
                }
            }
            let sums = sums(&store).await;
            assert_eq!((sums.events, sums.tokens), (3, (30, 6)), "each of them once");
            assert_clean(&store).await;
        });
    }
}

#[test]
fn a_meter_counts_what_no_request_accounts_for() {
    // The meter knows of 40 input tokens and a dollar; two requests account for 30 and 0.80.
    let request = |nth: u32| {
        let mut request = import(nth);
        request.tokens = Tokens { input: 15, ..Tokens::default() };
        (request.cost_usd, request.told.cost_is_stated) = (Some(0.4), true);
        request
    };
    let steps = [step(1, 10, None), step(2, 30, None), step(3, 0, Some(1.0))];
    let all = [&steps[..], &[request(1), request(2)]].concat();
    for order in permutations(&all) {
        let sums = wait_for(async {
            let home = Home::new();
            let store = home.open();
            for event in order {
                store.append(vec![event], AT).await.unwrap();
            }
            assert_clean(&store).await;
            sums(&store).await
        });
        assert_eq!(sums.tokens, (40, 0));
        assert_eq!(sums.cost, 10_000_000_000, "a dollar, and not 1.80");
    }
}

#[test]
fn a_meter_without_a_model_adds_up_requests_of_all_models() {
    let mut small = otel(1);
    small.facet.model = Some("small".to_owned());
    let mut whole = step(3, 40, Some(1.5));
    whole.facet.model = None;
    // It knows of 40 input tokens and a dollar and a half; two requests account for 30 and a dollar.
    for order in permutations(&[small, otel(2), whole]) {
        wait_for(async {
            let home = Home::new();
            let store = home.open();
            for telling in order {
                store.append(vec![telling], AT).await.unwrap();
                assert_clean(&store).await;
            }
            let sums = sums(&store).await;
            assert_eq!((sums.tokens.0, sums.cost), (40, 15_000_000_000));
        });
    }
}

#[test]
fn a_price_worked_out_from_a_meter_gives_way_to_a_stated_cost() {
    for order in
        permutations(&[step(1, 1000, Some(0.0)), priced(2, 0.003), step(3, 0, Some(0.003))])
    {
        let sums = wait_for(async {
            let home = Home::new();
            let store = home.open();
            store.append(order, AT).await.unwrap();
            assert_clean(&store).await;
            sums(&store).await
        });
        assert_eq!(sums.cost, 30_000_000);
    }
}

#[test]
fn where_a_session_is_does_not_depend_on_who_tells_first() {
    let project = |name: &str, mut event: NewEvent| {
        event.place.project = Some(name.to_owned());
        event
    };
    // The session goes from one project to another, which its exporter does not say.
    let otel = [otel(1), otel(2), otel(3)];
    let import = [project("one", import(1)), project("two", import(2)), project("two", import(3))];
    for order in [[&otel[..], &import].concat(), [&import[..], &otel].concat()] {
        for chunk in [1, 6] {
            wait_for(async {
                let home = Home::new();
                let mut store = home.open();
                for events in order.chunks(chunk) {
                    store.append(events.to_vec(), AT).await.unwrap();
                    assert_clean(&store).await;
                    store.close().await;
                    store = home.open();
                }
                let filter = oriel_store::SessionFilter::default();
                let sessions = store.sessions(filter, 10, AT, quiet()).await.unwrap();
                let place = (sessions[0].project.as_deref(), sessions[0].branch.as_deref());
                assert_eq!(place, (Some("two"), Some("main")));
                let page = store.events(EventFilter::default(), 10, 0).await.unwrap();
                let projects: Vec<_> =
                    page.events.iter().map(|stored| stored.event.place.project.clone()).collect();
                let expected = ["two", "two", "one"].map(|name| Some(name.to_owned()));
                assert_eq!(projects, expected, "the newest first");
            });
        }
    }
}

#[test]
fn what_is_told_late_does_not_wake_a_session_that_came_to_rest() {
    let at = |source: &str, seconds: i64, sign: Sign| {
        let mut event = base(source, &format!("{source} {seconds}"), EventKind::Response);
        (event.client_ms, event.told.sign) = (Some((AT + seconds) * 1000 + 900), sign);
        event.told.may_be_late = source != "hook";
        event
    };
    for (rest, phase) in
        [(Sign::TurnOver, Phase::Idle), (Sign::SessionOver, Phase::Ended { at: AT + 20 })]
    {
        wait_for(async {
            let home = Home::new();
            let store = home.open();
            let phase_at = async |seconds: i64| {
                let filter = oriel_store::SessionFilter::default();
                let found = store.sessions(filter, 10, AT + seconds, quiet()).await.unwrap();
                found[0].life.phase(AT + seconds, quiet())
            };
            store.append(vec![at("hook", 10, Sign::Kind)], AT + 10).await.unwrap();
            store.append(vec![at("hook", 20, rest)], AT + 20).await.unwrap();
            let late = vec![at("otel", 20, Sign::Kind), at("import", 15, Sign::Kind)];
            store.append(late, AT + 25).await.unwrap();
            assert_eq!(phase_at(25).await, phase);
            store.append(vec![at("otel", 24, Sign::Kind)], AT + 26).await.unwrap();
            assert_eq!(phase_at(26).await, Phase::Active, "this happened since");
            assert_clean(&store).await;
        });
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn sums_do_not_depend_on_the_order_of_tellings(
        things in prop::collection::vec((0_u8..3, any::<[bool; 3]>(), 1_u64..500), 1..9),
        meters in prop::collection::vec((0_u64..900, any::<bool>(), any::<bool>()), 0..4),
        keys in prop::collection::vec(any::<prop::sample::Index>(), 64),
        groups in 1_usize..5,
    ) {
        let mut tellings = Vec::new();
        for (nth, (kind, sources, size)) in things.iter().enumerate() {
            let nth = u32::try_from(nth).unwrap();
            for (source, _) in ["hook", "otel", "import"].iter().zip(sources).filter(|(_, told)| **told) {
                tellings.push(thing(nth, *kind, source, *size));
            }
        }
        for (nth, (size, stated, of_all)) in meters.iter().enumerate() {
            let nth = u32::try_from(nth).unwrap();
            let mut step = if *stated { step(nth, 0, Some(*size as f64 / 1000.0)) } else { step(nth, *size, None) };
            step.facet.model = step.facet.model.filter(|_| !of_all);
            tellings.push(step);
        }
        let mut shuffled = tellings.clone();
        for (place, index) in keys.iter().enumerate().take(shuffled.len()) {
            let other = index.index(shuffled.len());
            shuffled.swap(place, other);
        }
        let [one, other] = [tellings, shuffled].map(|tellings| wait_for(async {
            let home = Home::new();
            let mut store = home.open();
            for chunk in tellings.chunks(groups) {
                store.append(chunk.to_vec(), AT).await.unwrap();
                assert_clean(&store).await;
            }
            store.close().await;
            store = home.open();
            // Everything once more, as after a crash.
            let again = store.append(tellings, AT).await.unwrap();
            assert!(again.iter().all(|one| *one == Appended::Duplicate));
            sums(&store).await
        }));
        prop_assert_eq!(one, other);
    }
}

/// What must not depend on who tells first.
#[derive(Debug, PartialEq)]
struct Sums {
    events: u64,
    tokens: (u64, u64),
    cost: i64,
    tools: Vec<(String, u64, u64)>,
    hours: Vec<(i64, i64, u64, u64)>,
    // Which of a meter's steps still cost something depends on which came first.
    projects: Vec<(i64, u64)>,
    sessions: Vec<(u64, u64, i64, u64, u64)>,
}

async fn sums(store: &Store) -> Sums {
    let stats = store.stats(None, None, AT, quiet()).await.unwrap();
    let mut tools: BTreeMap<String, (u64, u64)> = BTreeMap::new();
    for tool in store.tools(None, None).await.unwrap() {
        tools.insert(tool.tool_name, (tool.calls, tool.errors));
    }
    let costs = store.costs(None, None, 100).await.unwrap();
    let sessions = store.sessions(oriel_store::SessionFilter::default(), 100, AT, quiet());
    Sums {
        events: stats.events,
        tokens: (stats.tokens_in, stats.tokens_out),
        cost: stats.cost.units(),
        tools: tools.into_iter().map(|(name, (calls, errors))| (name, calls, errors)).collect(),
        hours: costs
            .hours
            .iter()
            .map(|hour| (hour.start, hour.cost.units(), hour.tokens_in, hour.events))
            .collect(),
        projects: costs
            .projects
            .iter()
            .map(|project| (project.cost.units(), project.sessions))
            .collect(),
        sessions: sessions
            .await
            .unwrap()
            .iter()
            .map(|one| {
                (one.events, one.tokens_in, one.cost.units(), one.lines_added, one.files_edited)
            })
            .collect(),
    }
}

fn quiet() -> oriel_model::QuietLimit {
    oriel_model::QuietLimit::from_seconds(300).unwrap()
}

fn thing(nth: u32, kind: u8, source: &str, size: u64) -> NewEvent {
    match (kind, source) {
        (0, "hook") => hook_like(nth),
        (0, "otel") => otel(nth),
        (0, _) => import(nth),
        (1, _) => tool(nth, source, size),
        _ => {
            let mut prompt = base(source, &format!("{source} prompt {nth}"), EventKind::UserPrompt);
            prompt.told.keys = vec![Key::one("claude_code", "prompt", &nth.to_string())];
            prompt
        }
    }
}

fn tool(nth: u32, source: &str, size: u64) -> NewEvent {
    let mut call = base(source, &format!("{source} tool {nth}"), EventKind::ToolUse);
    call.told.keys = vec![Key::one("claude_code", "tool", &format!("toolu_{nth}"))];
    call.facet.tool_name = Some("Edit".to_owned());
    if source == "hook" {
        (call.duration_ms, call.client_ms) = (Some(size), Some(AT * 1000 - 4_000_000));
    } else {
        let text = format!(r#"{{"file_path":"f{nth}.rs","lines_added":{size}}}"#);
        call.metadata = Metadata::new(text, false);
    }
    if source == "import" && size.is_multiple_of(3) {
        call.facet.outcome = Outcome::Error;
    }
    call
}

/// Tells of a request without its usage.
fn hook_like(nth: u32) -> NewEvent {
    let mut event = base("hook", &format!("hook request {nth}"), EventKind::LlmResponse);
    event.facet.model = None;
    event.told.keys = request_keys(nth);
    event
}

/// Tells of a request with the agent's own cost.
fn otel(nth: u32) -> NewEvent {
    let mut event = base("otel", &format!("otel request {nth}"), EventKind::LlmResponse);
    event.tokens = Tokens { input: 15, output: 231, ..Tokens::default() };
    (event.cost_usd, event.told.cost_is_stated) = (Some(0.5), true);
    event.told.keys = request_keys(nth)[..1].to_vec();
    event
}

/// Tells of a request as a history that was written too early.
fn import(nth: u32) -> NewEvent {
    let mut event = base("import", &format!("import request {nth}"), EventKind::LlmResponse);
    event.tokens = Tokens { input: 15, output: 1, ..Tokens::default() };
    event.cost_usd = Some(0.0625);
    event.told.keys = request_keys(nth);
    event.told.keys.reverse();
    event
}

fn request_keys(nth: u32) -> Vec<Key> {
    let key = |kind: &str| Key::one("claude_code", kind, &nth.to_string());
    vec![key("request"), key("message")]
}

fn step(nth: u32, input: u64, cost_usd: Option<f64>) -> NewEvent {
    let mut event =
        base("otel", &format!("step {nth} {input} {cost_usd:?}"), EventKind::LlmResponse);
    event.tokens.input = input;
    (event.cost_usd, event.told.cost_is_stated) = (cost_usd, cost_usd.is_some());
    event.told.amount = Amount::Meter;
    event
}

fn priced(nth: u32, cost_usd: f64) -> NewEvent {
    let mut event = step(nth, 1000, Some(cost_usd));
    event.told.cost_is_stated = false;
    event
}

fn base(source: &str, id: &str, kind: EventKind) -> NewEvent {
    let mut event = event("s1");
    event.event_id = Some(EventId(id.to_owned()));
    event.facet.agent_type = "claude_code".to_owned();
    event.facet.kind = kind;
    event.facet.source = source.to_owned();
    event.facet.model = (kind == EventKind::LlmResponse).then(|| MODEL.to_owned());
    // Exporters do not say where something happens, and hooks know no branch.
    event.place.project = (source != "otel").then(|| "oriel".to_owned());
    event.place.branch = (source == "import").then(|| "main".to_owned());
    event.told = Told::default();
    event
}

fn permutations(events: &[NewEvent]) -> Vec<Vec<NewEvent>> {
    if events.len() <= 1 {
        return vec![events.to_vec()];
    }
    let mut all = Vec::new();
    for nth in 0..events.len() {
        let mut rest = events.to_vec();
        let first = rest.remove(nth);
        all.extend(permutations(&rest).into_iter().map(|mut order| {
            order.insert(0, first.clone());
            order
        }));
    }
    all
}
