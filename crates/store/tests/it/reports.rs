//! Reports are sums over what each request used, costs can be worked out anew, and every number
//! says who told it.

use oriel_model::{EventId, EventKind, EventNumber, Key, NewEvent, StoredEvent, Tokens};
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
            rows.iter().map(|row| (row.quarter, row.usage.requests, row.usage.tokens_in)).collect();
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
