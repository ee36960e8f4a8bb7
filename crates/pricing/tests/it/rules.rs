//! Whatever the counts, a cost is a number, and using more never costs less.

use std::sync::LazyLock;

use oriel_pricing::{PriceBook, Tier, Usage, parse_table};
use proptest::prelude::*;

use crate::{AUGUST, usage};

static BOOK: LazyLock<PriceBook> = LazyLock::new(PriceBook::builtin);

proptest! {
    #[test]
    fn a_cost_is_always_an_amount(model in any_model(), tokens: [u64; 4], at: i64) {
        let usage = Usage { at_unix_seconds: at, ..usage(&model, tokens) };
        if let Some(cost) = BOOK.price(&usage) {
            prop_assert!(cost.is_finite() && 0.0 <= cost, "{cost}");
        }
    }

    // Four counts and one more stay below the lowest threshold, 200,000 tokens.
    #[test]
    fn more_tokens_never_cost_less(
        model in any_model(),
        tokens in [1..40_000_u64, 1..40_000, 0..40_000, 0..40_000],
        kind in 0..4_usize,
        more in 1..40_000_u64,
    ) {
        let mut greater = tokens;
        greater[kind] += more;
        let (less, greater) = (usage(&model, tokens), usage(&model, greater));
        prop_assert!(BOOK.price(&less).unwrap() <= BOOK.price(&greater).unwrap());
    }

    #[test]
    fn a_providers_prefix_changes_nothing(model in any_model(), tokens: [u64; 4]) {
        let prefixed = format!("anthropic/openai/google/{model}");
        prop_assert_eq!(
            BOOK.price(&usage(&prefixed, tokens)),
            BOOK.price(&usage(&model, tokens))
        );
    }

    #[test]
    fn no_text_breaks_the_reader_of_tables(text in "[a-z0-9\\[\\]{}=\"'., \\n_-]{0,80}") {
        let _ = parse_table(&text);
    }
}

#[test]
fn a_users_prices_win_over_the_built_in_ones() {
    let own = parse_table(
        "[models.o3-2025-04-16]
         aliases = ['o3', 'claude-haiku-4-5']
         prices = [{ input = 7, output = 0, cache_read = 0, cache_write = 0 }]",
    )
    .unwrap();
    let book = PriceBook::builtin().with_overrides(own);
    for name in ["o3", "openai/o3", "o3-2025-04-16", "claude-haiku-4-5"] {
        assert_eq!(book.rates(name, AUGUST).unwrap().input, 7.0, "{name}");
    }
    assert_eq!(book.rates("haiku", AUGUST).unwrap().input, 1.0, "an alias nobody claimed");
    assert_eq!(book.models().count(), PriceBook::builtin().models().count());
}

fn any_model() -> impl Strategy<Value = String> {
    let names: Vec<_> = BOOK.models().map(|model| model.name().to_owned()).collect();
    prop::sample::select(names)
}

#[test]
fn usage_of_the_cache_alone_has_a_price_where_a_source_tells_of_it() {
    let cached = usage("claude-opus-5-5", [0, 0, 1_000_000, 0]);
    assert_eq!(BOOK.price(&cached), None, "what is posted needs input or output");
    assert_eq!(BOOK.price_of_request(&cached), Some(0.2));
    assert_eq!(BOOK.price_of_request(&usage("claude-opus-5-5", [0; 4])), None, "nothing was used");
    assert_eq!(BOOK.price_of_request(&usage("who", [1; 4])), None);
}

#[test]
fn a_tier_multiplies_every_rate_where_it_is_known_and_is_never_guessed() {
    let usage = |tier| Usage { tier, ..usage("claude-opus-5-5", [1_000_000, 0, 0, 0]) };
    assert_eq!(BOOK.price(&usage(Tier::Standard)), Some(4.0));
    assert_eq!(BOOK.price(&usage(Tier::Batch)), Some(2.0));
    assert_eq!(BOOK.price(&usage(Tier::Priority)), None, "nobody told what it costs");
    let own = parse_table(
        "[models.m]\npriority = 2\nprices = [{ input = 1, output = 0, cache_read = 0, cache_write = 0 }]",
    );
    let book = PriceBook::default().with_overrides(own.unwrap());
    assert_eq!(book.price(&Usage { model: "m", ..usage(Tier::Priority) }), Some(2.0));
    assert_eq!(book.price(&Usage { model: "m", ..usage(Tier::Batch) }), None);
}

#[test]
fn what_agents_state_themselves_is_what_the_tables_say() {
    for (model, tokens, long, stated) in [
        ("claude-opus-5-5", [11, 8, 1_200, 340], 40, 0.002_264),
        ("claude-haiku-5-5", [20, 10, 3_000, 500], 500, 0.000_137),
        ("claude-opus-4-8", [4, 100, 20_000, 1_000], 1_000, 0.022_52),
        ("claude-haiku-4-5", [10, 20, 1_000, 100], 0, 0.000_335),
    ] {
        let usage = Usage { cache_write_1h_tokens: long, ..usage(model, tokens) };
        let cost = BOOK.price(&usage).unwrap();
        assert!((cost - stated).abs() < 1e-12, "{model}: {cost} is not {stated}");
    }
}
