//! Whatever the counts, a cost is a number, and using more never costs less.

use std::sync::LazyLock;

use oriel_pricing::{PriceBook, Usage, parse_table};
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
