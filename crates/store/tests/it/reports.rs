//! Reports are sums over what each request used, costs can be worked out anew, and every number
//! says who told it.

use std::collections::BTreeMap;

use oriel_model::{EventId, EventKind, EventNumber, Key, NewEvent, SessionId, StoredEvent, Tokens};
use oriel_store::{Store, Usage, UsageFilter};

use crate::answers::wait_for;
use crate::make::{Home, assert_clean, costed, event};

const AT: i64 = 1_770_000_000;

#[test]
fn usage_is_summed_by_quarters_of_the_senders_clock() {
    wait_for(async {
        let home = Home::new();
        let store = home.open();
        let at = |second: i64| NewEvent { client_ms: Some(second * 1000), ..request("s1", 10) };
        let elsewhere = NewEvent { client_ms: Some(1000), ..request("s2", 7) };
        store.append(vec![at(0), at(899), at(900), elsewhere, event("s1")], AT).await.unwrap();
        let rows = store.usage(UsageFilter::default(), false).await.unwrap();
        let told: Vec<_> =
            rows.iter().map(|row| (row.first, row.usage.requests, row.usage.tokens_in)).collect();
        assert_eq!(told, [(0, 3, 27), (900, 1, 10)]);
        let of_one = UsageFilter { session: Some("s2".to_owned()), ..UsageFilter::default() };
        let rows = store.usage(of_one, true).await.unwrap();
        assert_eq!((rows.len(), rows[0].session.as_deref()), (1, Some("s2")));
        let since = UsageFilter { since: Some(901), before: Some(1800), ..UsageFilter::default() };
        assert_eq!(store.usage(since, false).await.unwrap()[0].usage.tokens_in, 10);
        assert_clean(&store).await;
    });
}

#[test]
fn a_stretch_of_time_is_the_sum_of_its_quarters() {
    wait_for(async {
        let home = Home::new();
        let store = home.open();
        // Some in the middle of days and hours, some years apart.
        let at = [0, 900, 2700, 3600, 86_399, 86_400, 90_000, 200_000, 260_000, 9_000_000_000];
        let requests = (0..200_u32).map(|nth| {
            let mut asked = request(["s1", "s2"][nth as usize % 2], u64::from(nth));
            asked.facet.model = Some(["opus", "haiku", "o3"][nth as usize % 3].to_owned());
            asked.facet.source = ["hook", "otel"][nth as usize / 7 % 2].to_owned();
            asked.facet.kind = [EventKind::LlmResponse, EventKind::LlmRequest][nth as usize % 2];
            asked.client_ms = Some(at[nth as usize * 7 % 10] * 1000);
            asked
        });
        store.append(requests.collect(), AT).await.unwrap();
        let of_source = Some("otel".to_owned());
        for (since, before, source) in [
            (None, None, None),
            (Some(901), Some(86_401), None),
            (Some(2700), Some(200_001), of_source.clone()),
            (Some(86_000), None, of_source),
        ] {
            let filter = UsageFilter { since, before, source, ..UsageFilter::default() };
            let quarters = store.usage(filter.clone(), false).await.unwrap();
            // Of what is odd: one that is cut in the middle of a quarter, and one that is none at all.
            for (begin, length) in
                [(0, 900), (0, 3600), (0, 86_400), (-79_200, 86_400), (-1, 100_000), (0, 0)]
            {
                let stretch = move |at: i64| {
                    let start = match length {
                        0 => 5,
                        _ => begin + (at - begin).div_euclid(length) * length,
                    };
                    (start, start + length)
                };
                let mut expected: BTreeMap<_, (i64, i64, Usage)> = BTreeMap::new();
                for row in &quarters {
                    // A quarter is of the stretch in which it begins.
                    let of = if length == 0 { row.first } else { stretch(row.first).0 };
                    let key = (of, row.agent_type.clone(), row.model.clone());
                    let new = (row.first, row.last, Usage::default());
                    let (_, last, usage) = expected.entry(key).or_insert(new);
                    *last = row.last;
                    usage.add(&row.usage, 1);
                }
                let expected: Vec<_> = expected
                    .into_iter()
                    .map(|((_, agent, model), sums)| (agent, model, sums))
                    .collect();
                let rows = store.usage_over(filter.clone(), stretch).await.unwrap();
                let found = rows
                    .into_iter()
                    .map(|row| (row.agent_type, row.model, (row.first, row.last, row.usage)));
                assert_eq!(found.collect::<Vec<_>>(), expected, "{filter:?} by {length}");
            }
        }
        assert_clean(&store).await;
    });
}

#[test]
fn what_is_taken_from_a_sum_at_its_cap_is_counted_again() {
    wait_for(async {
        let home = Home::new();
        let store = home.open();
        let dear = |nth: i64| NewEvent {
            cost_usd: Some(1e6),
            client_ms: Some(nth % 3 * 900_000),
            ..request("s1", 1 << 53)
        };
        // More than a sum holds, of one session and of all.
        store.append((0..1200).map(dear).collect(), AT).await.unwrap();
        store
            .append(
                (0..9)
                    .map(|nth| NewEvent { session_id: SessionId("s2".to_owned()), ..dear(nth) })
                    .collect(),
                AT,
            )
            .await
            .unwrap();
        assert_clean(&store).await;
        let price = |stored: &StoredEvent| Some(if stored.number.0 % 2 == 0 { 0.5 } else { 1.5 });
        store.reprice(Box::new(price), false).await.unwrap();
        assert_clean(&store).await;
        assert_eq!(total(&store).await, 1209.5);
    });
}

#[test]
fn a_span_ends_where_what_is_left_of_it_ends() {
    wait_for(async {
        let home = Home::new();
        let store = home.open();
        let at = |session: &str, quarter: i64| NewEvent {
            client_ms: Some(quarter * 900_000),
            ..request(session, 10)
        };
        let all = [("s1", 0), ("s2", 1), ("s2", 50), ("s1", 95), ("s1", 97)];
        store
            .append(all.map(|(session, quarter)| at(session, quarter)).to_vec(), AT)
            .await
            .unwrap();
        store.append(vec![at("s2", 2)], AT + 100).await.unwrap();
        assert_eq!(store.forget_sessions(AT + 50).await.unwrap().events, 3);
        assert_clean(&store).await;
        let rows =
            store.usage_over(UsageFilter::default(), |_| (i64::MIN, i64::MAX)).await.unwrap();
        assert_eq!(rows.len(), 1);
        assert_eq!((rows[0].first, rows[0].last, rows[0].usage.requests), (900, 45_000, 3));
    });
}

#[test]
fn costs_are_worked_out_anew_but_for_those_that_the_agent_stated() {
    wait_for(async {
        let home = Home::new();
        let store = home.open();
        let mut stated = request("s1", 30);
        (stated.cost_usd, stated.told.cost_is_stated) = (Some(7.0), true);
        let mut priced = request("s1", 10);
        priced.cost_usd = Some(1.0);
        let mut unknown = request("s2", 20);
        unknown.facet.model = Some("who".to_owned());
        store.append(vec![stated, priced, unknown], AT).await.unwrap();
        let price = |stored: &StoredEvent| {
            let event = &stored.event;
            (event.facet.model.as_deref() == Some("opus"))
                .then_some(event.tokens.input as f64 / 4.0)
        };
        let dry = store.reprice(Box::new(price), true).await.unwrap();
        assert_eq!((dry.updated, dry.stated, dry.unchanged), (1, 1, 1));
        assert_eq!(dry.unknown.get("who"), Some(&1));
        assert_eq!((dry.before.dollars(), dry.after.dollars()), (8.0, 9.5));
        assert_eq!(total(&store).await, 8.0, "a dry run changes nothing");
        let done = store.reprice(Box::new(price), false).await.unwrap();
        assert_eq!(done, dry);
        assert_eq!(total(&store).await, 9.5);
        assert_clean(&store).await;
        store.append(vec![request("s1", 1)], AT).await.unwrap();
        assert_clean(&store).await;
        let again = store.reprice(Box::new(price), false).await.unwrap();
        assert_eq!((again.updated, again.unchanged), (1, 2), "the new one had no price yet");
    });
}

#[test]
fn a_meter_gives_way_to_what_a_request_costs_by_new_prices() {
    wait_for(async {
        let home = Home::new();
        let store = home.open();
        let mut asked = request("s1", 10);
        asked.told.keys = vec![Key::one("claude_code", "request", "1")];
        asked.cost_usd = Some(0.4);
        let mut step = request("s1", 10);
        (step.told.amount, step.cost_usd) = (oriel_model::Amount::Meter, Some(0.6));
        store.append(vec![asked, step], AT).await.unwrap();
        assert_eq!(total(&store).await, 0.6, "the larger of what both say");
        store.reprice(Box::new(|_| Some(0.9)), false).await.unwrap();
        assert_eq!(total(&store).await, 0.9);
        assert_clean(&store).await;
    });
}

#[test]
fn what_only_one_source_knows_is_told_apart() {
    wait_for(async {
        let home = Home::new();
        let store = home.open();
        let telling = |source: &str, nth: u32| {
            let mut event = request("s1", 10);
            event.event_id = Some(EventId(format!("{source} {nth}")));
            event.facet.source = source.to_owned();
            event.told.keys = vec![Key::one("claude_code", "request", &nth.to_string())];
            event
        };
        let all = [("import", 1), ("otel", 1), ("otel", 2), ("import", 3)];
        let all = all.map(|(source, nth)| telling(source, nth));
        store.append(all.to_vec(), AT).await.unwrap();
        let parts = store.provenance("s1".to_owned()).await.unwrap();
        let told: Vec<_> = parts.iter().map(|part| (part.sources.join("+"), part.events)).collect();
        let expected = [("import", 1), ("import+otel", 1), ("otel", 1)];
        assert_eq!(told, expected.map(|(sources, events)| (sources.to_owned(), events)));
        let tellings = store.tellings(EventNumber(1)).await.unwrap();
        let told: Vec<_> =
            tellings.iter().map(|one| (one.source.as_str(), one.event_id.as_deref())).collect();
        assert_eq!(told, [("import", Some("import 1")), ("otel", Some("otel 1"))]);
        assert_eq!(store.tellings(EventNumber(2)).await.unwrap().len(), 1);
        assert!(store.tellings(EventNumber(9)).await.unwrap().is_empty());
    });
}

#[test]
fn usage_that_no_sum_holds_is_capped_and_can_still_be_read() {
    wait_for(async {
        let home = Home::new();
        let store = home.open();
        let mut huge = costed("s1", "p", 1e6);
        huge.tokens = Tokens { input: u64::MAX, cache_write_1h: u64::MAX, ..Tokens::default() };
        for _ in 0..3 {
            store.append(vec![huge.clone(); 1500], AT).await.unwrap();
        }
        let rows = store.usage(UsageFilter::default(), false).await.unwrap();
        assert_eq!(rows[0].usage, Usage { requests: 4500, ..rows[0].usage });
        assert!(rows[0].usage.tokens_in > 1 << 60);
        assert_clean(&store).await;
    });
}

async fn total(store: &Store) -> f64 {
    let rows = store.usage(UsageFilter::default(), false).await.unwrap();
    rows.iter().map(|row| row.usage.money()).sum::<oriel_model::Money>().dollars()
}

fn request(session: &str, input: u64) -> NewEvent {
    let mut event = event(session);
    event.facet.kind = EventKind::LlmResponse;
    event.facet.model = Some("opus".to_owned());
    event.tokens.input = input;
    event
}
