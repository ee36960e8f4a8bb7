//! Costs equal, to the last bit, those that existing dashboards and scripts have seen.

use oriel_pricing::PriceBook;

use crate::{AUGUST, usage};

#[test]
fn costs_have_the_digits_of_the_contract() {
    check("o3", [250_000, 125_000, 0, 0], Some(1.5));
    check("claude-sonnet-4-5", [10, 5, 1000, 200], Some(0.001155));
    check("gpt-4o-2024-11-20", [100, 50, 0, 0], Some(0.00075));
    check("anthropic/openai/o3", [1, 1, 0, 0], Some(9.999999999999999e-06));
}

// Dividing after multiplying, or adding in another order, changes the last digit of each.
#[test]
fn costs_are_computed_in_the_order_of_the_contract() {
    check("claude-sonnet-4-5", [8645, 3633, 7175, 8124], Some(0.11304750000000001));
    check("claude-sonnet-4-5", [6471, 9435, 5264, 6985], Some(0.18871095000000004));
    check("claude-sonnet-4-5", [9690, 3181, 8067, 1711], Some(0.08562135));
}

// Most of what Claude Code puts in the cache is kept for an hour; the rate for it is part of what
// is proved here.
#[test]
fn the_rates_are_those_behind_the_costs_that_claude_code_reports() {
    let captured = [
        ("claude-opus-5-5", [11, 173, 1200, 300, 40], 0.0055639999999999995),
        ("claude-opus-5-5", [20, 8, 12000, 300, 40], 0.0044599999999999996),
        ("claude-haiku-5-5", [13, 8, 3600, 300, 40], 8.68e-05),
    ];
    let book = PriceBook::builtin();
    for (model, tokens, reported) in captured {
        let rates = book.rates(model, AUGUST).expect("a known model");
        let hourly = rates.cache_write_1h.expect("a rate for an hour");
        let rates = [rates.input, rates.output, rates.cache_read, rates.cache_write, hourly];
        let cost: f64 = rates.iter().zip(tokens).map(|(rate, t)| rate / 1e6 * f64::from(t)).sum();
        assert!((cost - reported).abs() < 1e-12, "{model} {tokens:?}: {cost}, not {reported}");
    }
}

#[test]
fn usage_of_the_cache_alone_is_not_priced() {
    check("claude-sonnet-4-5", [0, 0, 1000, 200], None);
    check("claude-sonnet-4-5", [0, 0, 0, 0], None);
    check("claude-sonnet-4-5", [0, 1, 0, 0], Some(0.000015));
}

#[test]
fn an_unknown_model_has_no_price() {
    for model in ["", "o33", "O3", "o3 ", "openai/anthropic/o3", "claude-opus", "<synthetic>"] {
        check(model, [1, 1, 0, 0], None);
    }
}

fn check(model: &str, tokens: [u64; 4], expected: Option<f64>) {
    assert_eq!(PriceBook::builtin().price(&usage(model, tokens)), expected, "{model} {tokens:?}");
}
