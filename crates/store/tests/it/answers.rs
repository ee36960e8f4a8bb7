//! Every question is answered with what its events say, whatever the history was.

use std::collections::BTreeSet;

use oriel_model::EventNumber;
use oriel_store::{EventFilter, PhaseFilter, SessionFilter, Store};
use proptest::prelude::*;
use proptest::sample::Index;

use crate::histories::{
    AGENTS, NearMoment, Question, SESSIONS, Step, history, near_moment, question, timed,
};
use crate::make::{Home, assert_clean, dump, quiet};
use crate::oracle::{Asked, Moment, Oracle};

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 40, failure_persistence: None, ..ProptestConfig::default()
    })]

    #[test]
    fn every_answer_is_what_the_events_say(
        history in history(),
        questions in prop::collection::vec(question(), 24),
        moments in prop::collection::vec(near_moment(), 5),
        nows in prop::collection::vec((any::<Index>(), -700_i64..700), 3),
    ) {
        wait_for(async {
            let home = Home::new();
            let (store, oracle) = live_through(&home, &history).await;
            assert_clean(&store).await;
            check_totals(&store, &oracle, &moments, &nows).await;
            check_sessions(&store, &oracle, &moments, &nows).await;
            for question in &questions {
                check_events(&store, &oracle, question).await;
            }
            store.close().await;
        });
    }
}

pub(crate) fn wait_for<T>(test: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(test)
}

/// Gives a store and an oracle the same history.
pub(crate) async fn live_through(home: &Home, history: &[Step]) -> (Store, Oracle) {
    let (mut store, mut oracle) = (home.open(), Oracle::default());
    for (at, step) in timed(history) {
        for batch in &step.batches {
            let appended = store.append(batch.clone(), at).await.unwrap();
            let expected: Vec<_> =
                batch.iter().map(|event| oracle.append(event.clone(), at)).collect();
            assert_eq!(appended, expected);
        }
        if step.reopen {
            let before = dump(&home.file());
            store.close().await;
            store = home.open();
            assert_eq!(dump(&home.file()), before, "to be opened again changes nothing");
        }
    }
    (store, oracle)
}

/// Asks everything that does not depend on what is filtered by.
pub(crate) async fn check_all(store: &Store, oracle: &Oracle) {
    assert_clean(store).await;
    check_totals(store, oracle, &[], &[]).await;
    check_sessions(store, oracle, &[], &[]).await;
    let whole = oracle.events(&Asked::default(), usize::MAX, 0);
    assert_eq!(store.events(EventFilter::default(), usize::MAX, 0).await.unwrap(), whole);
}

async fn check_totals(
    store: &Store,
    oracle: &Oracle,
    moments: &[NearMoment],
    nows: &[(Index, i64)],
) {
    assert_eq!(store.filter_options().await.unwrap(), oracle.filter_options());
    let last = oracle.events.last().map(|stored| stored.number);
    assert_eq!(store.last_event().await.unwrap(), last.unwrap_or_default());
    let found = store.verify().await.unwrap();
    assert_eq!(found.events, oracle.events.len() as u64);
    assert_eq!(found.sessions, oracle.all_sessions().len() as u64);
    let now = nows_of(oracle, nows)[0];
    let agents: BTreeSet<String> = oracle.filter_options().agent_types.into_iter().collect();
    let others = AGENTS.into_iter().chain(["nobody", ""]).map(str::to_owned);
    let agents: BTreeSet<_> = agents.into_iter().chain(others).map(Some).chain([None]).collect();
    for agent in &agents {
        let agent = agent.as_deref();
        let named = || agent.map(str::to_owned);
        for since in moments.iter().map(|near| Some(near.moment(oracle))).chain([None]) {
            let text = || since.map(Moment::text);
            let asked = format!("of {agent:?} since {:?}", text());
            let stats = store.stats(named(), text(), now, quiet()).await.unwrap();
            assert_eq!(stats, oracle.stats(agent, since, now), "stats {asked}");
            let tools = store.tools(named(), text()).await.unwrap();
            assert_eq!(tools, oracle.tools(agent, since), "tools {asked}");
            for limit in [10, 1] {
                let costs = store.costs(named(), text(), limit).await.unwrap();
                assert_eq!(costs, oracle.costs(agent, since, limit), "costs {asked}");
            }
        }
        if let Some(agent) = agent {
            let since = now - 5 * 3600;
            let windows = vec![(agent.to_owned(), since), (agent.to_owned(), now)];
            let used = store.used(windows).await.unwrap();
            assert_eq!(used, [oracle.used(agent, since), oracle.used(agent, now)], "of {agent}");
        }
    }
}

async fn check_sessions(
    store: &Store,
    oracle: &Oracle,
    moments: &[NearMoment],
    nows: &[(Index, i64)],
) {
    use PhaseFilter::{Active, Ended, Idle, Other};
    let phases = [None, Some(Active), Some(Idle), Some(Ended), Some(Other)];
    let mut since = moments.iter().map(|near| near.moment(oracle)).cycle();
    let mut agents =
        [None, Some("codex"), None, Some("claude_code"), Some("nobody")].iter().cycle();
    for now in nows_of(oracle, nows) {
        for phase in phases {
            for not_phase in phases {
                let since = since.next().filter(|_| not_phase.is_none());
                let filter = SessionFilter {
                    phase,
                    not_phase,
                    agent_type: agents.next().unwrap().map(str::to_owned),
                    since: since.map(Moment::text),
                };
                for limit in [usize::MAX, 2] {
                    let expected = oracle.sessions(&filter, since, limit, now);
                    let found = store.sessions(filter.clone(), limit, now, quiet()).await.unwrap();
                    assert_eq!(found, expected, "{filter:?} at {now}");
                }
            }
        }
        let fell = store.fell_silent(now - 400, now, quiet()).await.unwrap();
        assert_eq!(fell, oracle.fell_silent(now - 400, now), "at {now}");
    }
    let ids: Vec<String> = oracle.all_sessions().into_iter().map(|session| session.id).collect();
    for id in ids.iter().map(String::as_str).chain(SESSIONS).chain(["nobody"]) {
        assert_eq!(store.session(id.to_owned()).await.unwrap(), oracle.session(id));
    }
}

async fn check_events(store: &Store, oracle: &Oracle, question: &Question) {
    let asked = question.asked(oracle);
    let Question { limit, offset, after, .. } = question;
    let page = store.events(asked.filter(), *limit, *offset).await.unwrap();
    assert_eq!(page, oracle.events(&asked, *limit, *offset), "{asked:?}");
    let after = after.index(oracle.events.len().max(1) + 1) as i64;
    let expected = oracle.events_after(after, &asked, *limit);
    let later = store.events_after(EventNumber(after), asked.filter(), *limit).await.unwrap();
    assert_eq!(later, expected, "{asked:?} after {after}");
    for stored in &oracle.events {
        let told = asked.words.matches(&stored.event);
        let mut words = asked.clone();
        (words.since, words.until) = (None, None);
        assert_eq!(told, words.admits(stored), "{words:?} of {stored:?}");
    }
    if let Some(session) = &asked.words.session_id {
        let mut of_session = Asked::default();
        of_session.words.session_id = Some(session.clone());
        let expected = oracle.events(&of_session, *limit, 0).events;
        assert_eq!(store.session_events(session.clone(), *limit).await.unwrap(), expected);
    }
}

/// Returns moments at which sessions are looked at: near events, and long after all.
fn nows_of(oracle: &Oracle, nows: &[(Index, i64)]) -> Vec<i64> {
    let times: Vec<i64> = oracle.events.iter().map(|stored| stored.created_at).collect();
    let last = times.iter().max().copied().unwrap_or_default();
    let near = nows.iter().filter(|_| !times.is_empty());
    let near = near.map(|(event, offset)| times[event.index(times.len())] + offset);
    near.chain([last, last + 100_000]).collect()
}
