//! The tables that come with the program are complete, consistent and as the providers publish.

use std::collections::HashMap;

use oriel_pricing::{ModelPrices, PriceBook, Rates, parse_table};

use crate::{AUGUST, usage};

const SEPTEMBER_2026: i64 = 1_788_220_800;

#[test]
fn every_provider_is_there() {
    let mut models: HashMap<String, usize> = HashMap::new();
    for model in PriceBook::builtin().models() {
        *models.entry(model.provider().to_owned()).or_default() += 1;
    }
    let expected = [("anthropic", 20), ("openai", 27), ("google", 7)];
    assert_eq!(models, expected.map(|(name, count)| (name.to_owned(), count)).into());
}

// Read file by file: a book would resolve a clash in favor of the later file.
#[test]
fn no_two_models_share_a_name_or_an_alias() {
    let files = [
        include_str!("../../data/anthropic.toml"),
        include_str!("../../data/openai.toml"),
        include_str!("../../data/google.toml"),
    ];
    let mut owners = HashMap::new();
    for model in files.into_iter().flat_map(|text| parse_table(text).unwrap()) {
        for name in names(&model) {
            let owner = owners.insert(name.to_owned(), model.name().to_owned());
            assert_eq!(owner, None, "`{name}` is also a name of `{}`", model.name());
        }
    }
}

#[test]
fn every_name_leads_to_its_model() {
    let book = PriceBook::builtin();
    for model in book.models() {
        let first = &model.periods()[0].rates;
        for name in names(model) {
            assert_eq!(book.rates(name, i64::MIN), Some(first), "{name}");
        }
    }
}

#[test]
fn every_rate_is_a_sensible_amount() {
    for model in PriceBook::builtin().models() {
        for period in model.periods() {
            for rates in [&period.rates].into_iter().chain(period.bands.iter().map(|b| &b.rates)) {
                check_sensible(model.name(), rates);
            }
        }
        for multiplier in [model.batch(), model.priority()].into_iter().flatten() {
            assert!(multiplier.is_finite() && 0.0 <= multiplier, "{}", model.name());
        }
    }
}

#[test]
fn the_introductory_price_of_sonnet_5_ends_with_august_2026() {
    let book = PriceBook::builtin();
    for (at_unix_seconds, cost) in [(SEPTEMBER_2026 - 1, 14.7), (SEPTEMBER_2026, 22.05)] {
        let mut usage = usage("claude-sonnet-5", [1_000_000; 4]);
        usage.at_unix_seconds = at_unix_seconds;
        let price = book.price(&usage).expect("a known model");
        assert!((price - cost).abs() < 1e-9, "{price} at {at_unix_seconds}");
    }
}

#[test]
fn no_other_price_changes_on_a_day() {
    let book = PriceBook::builtin();
    let dated = book.models().filter(|model| model.periods().len() > 1).map(ModelPrices::name);
    assert_eq!(dated.collect::<Vec<_>>(), ["claude-sonnet-5"]);
}

#[test]
fn a_long_prompt_costs_more_once_it_is_past_the_threshold() {
    check_band("gpt-5.6-sol", 272_000, [5.0, 30.0, 0.5, 6.25], [10.0, 45.0, 1.0, 12.5]);
    check_band("gpt-5.6-terra", 272_000, [2.5, 15.0, 0.25, 3.125], [5.0, 22.5, 0.5, 6.25]);
    check_band("gpt-5.6-luna", 272_000, [1.0, 6.0, 0.1, 1.25], [2.0, 9.0, 0.2, 2.5]);
    check_band("gemini-3.1-pro", 200_000, [2.0, 12.0, 0.2, 2.0], [4.0, 18.0, 0.4, 4.0]);
    check_band("gemini-2.5-pro", 200_000, [1.25, 10.0, 0.125, 1.25], [2.5, 15.0, 0.25, 2.5]);
}

#[test]
fn prices_are_those_published() {
    let published = [
        ("claude-opus-5", [5.0, 25.0, 0.5, 6.25]),
        ("claude-opus-4-7", [5.0, 25.0, 0.5, 6.25]),
        ("claude-opus-4-6", [5.0, 25.0, 0.5, 6.25]),
        ("claude-opus-4-5", [5.0, 25.0, 0.5, 6.25]),
        ("claude-opus-4-1", [15.0, 75.0, 1.5, 18.75]),
        ("opus", [15.0, 75.0, 1.5, 18.75]),
        ("claude-fable-5", [10.0, 50.0, 1.0, 12.5]),
        ("claude-sonnet-4-6", [3.0, 15.0, 0.3, 3.75]),
        ("sonnet", [3.0, 15.0, 0.3, 3.75]),
        ("haiku", [1.0, 5.0, 0.1, 1.25]),
        ("claude-3-haiku-20240307", [0.25, 1.25, 0.03, 0.3]),
        ("gpt-5.5", [5.0, 30.0, 0.5, 0.0]),
        ("gpt-5.4", [2.5, 15.0, 0.25, 0.0]),
        ("gpt-5.3-codex", [1.75, 14.0, 0.175, 0.0]),
        ("gpt-5", [1.25, 10.0, 0.125, 0.0]),
        ("gpt-5-codex", [1.25, 10.0, 0.125, 0.0]),
        ("gpt-5-mini", [0.25, 2.0, 0.025, 0.0]),
        ("gpt-5-nano", [0.05, 0.4, 0.005, 0.0]),
        ("o3", [2.0, 8.0, 0.5, 0.0]),
        ("gemini-3.5-flash", [1.5, 9.0, 0.15, 1.5]),
        ("gemini-2.5-flash", [0.3, 2.5, 0.03, 0.3]),
    ];
    let book = PriceBook::builtin();
    for (model, expected) in published {
        let Rates { input, output, cache_read, cache_write, .. } =
            *book.rates(model, AUGUST).unwrap_or_else(|| panic!("{model} is unknown"));
        assert_eq!([input, output, cache_read, cache_write], expected, "{model}");
    }
}

#[test]
fn a_cache_write_for_an_hour_costs_twice_the_input() {
    for model in PriceBook::builtin().models() {
        for Rates { input, cache_write_1h, .. } in model.periods().iter().map(|p| &p.rates) {
            if let Some(hourly) = cache_write_1h {
                assert_eq!(*hourly, input * 2.0, "{}", model.name());
            }
        }
    }
}

fn names(model: &ModelPrices) -> impl Iterator<Item = &str> {
    [model.name()].into_iter().chain(model.aliases().iter().map(String::as_str))
}

fn check_sensible(model: &str, rates: &Rates) {
    let Rates { input, output, cache_read, cache_write, cache_write_1h, .. } = rates;
    for rate in [input, output, cache_read, cache_write].into_iter().chain(cache_write_1h) {
        assert!(rate.is_finite() && 0.0 <= *rate, "{model} {rates:?}");
    }
    assert!(0.0 < *cache_read && cache_read < input && input < output, "{model} {rates:?}");
}

/// Checks the rates on both sides of a threshold that input and cache tokens reach together.
fn check_band(model: &str, prompt_over: u64, below: [f64; 4], above: [f64; 4]) {
    let book = PriceBook::builtin();
    for (tokens_in, rates) in [(prompt_over - 2000, below), (prompt_over - 1999, above)] {
        let tokens = [tokens_in, 500, 1000, 1000];
        let expected: f64 = tokens.iter().zip(rates).map(|(t, rate)| *t as f64 * rate / 1e6).sum();
        let price = book.price(&usage(model, tokens)).expect("a known model");
        assert!((price - expected).abs() < 1e-9, "{model} {tokens:?}: {price}, not {expected}");
    }
}
