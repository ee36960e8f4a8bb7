//! Finding a model's prices by name and applying them to one request.
//!
//! A name is matched exactly, after the prefix of a provider is taken off. It is asked for with
//! every event stored, so one lookup in one map answers it and nothing is allocated.

use std::collections::HashMap;

use crate::prices::{ModelPrices, Rates};
use crate::table::parse_table;

/// The tables that come with the program.
const BUILTIN_TABLES: [&str; 3] = [
    include_str!("../data/anthropic.toml"),
    include_str!("../data/openai.toml"),
    include_str!("../data/google.toml"),
];

/// What routers put before a model's name, in the order it is taken off.
const PROVIDER_PREFIXES: [&str; 3] = ["anthropic/", "openai/", "google/"];

const TOKENS_PER_RATE: f64 = 1e6;

/// The prices of every known model. The default one knows none.
#[derive(Debug, Clone, Default)]
pub struct PriceBook {
    models: Vec<ModelPrices>,
    /// Where in `models` each name and alias leads.
    positions: HashMap<String, usize>,
}

/// How a request is served, which some providers price differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Tier {
    /// At once, as everybody's.
    #[default]
    Standard,
    /// Later, together with others.
    Batch,
    /// Before everybody else's.
    Priority,
}

/// What one request used, and when.
#[derive(Debug, Clone, Copy)]
pub struct Usage<'a> {
    /// The model's name as the agent told it.
    pub model: &'a str,
    /// Tokens of the prompt that no cache was involved in.
    pub tokens_in: u64,
    /// Tokens of the answer.
    pub tokens_out: u64,
    /// Tokens of the prompt found in the cache.
    pub cache_read_tokens: u64,
    /// Tokens of the prompt put in the cache.
    pub cache_write_tokens: u64,
    /// How many of those are kept there for an hour.
    pub cache_write_1h_tokens: u64,
    /// When it happened, in Unix time: prices change on a day.
    pub at_unix_seconds: i64,
    /// How it was served.
    pub tier: Tier,
}

impl PriceBook {
    /// Returns the prices that come with the program.
    #[must_use]
    pub fn builtin() -> Self {
        BUILTIN_TABLES.into_iter().fold(Self::default(), |book, text| {
            book.with_overrides(parse_table(text).expect("a test parses each built-in table"))
        })
    }

    /// Adds prices that win over those already here, a later one over an earlier one.
    ///
    /// A model listed under a name that an override has, as its name or as an alias, is replaced,
    /// and its aliases lead to the override from then on. An alias of any other model is taken
    /// from it. So every name leads to one model, and every listed model can be reached.
    #[must_use]
    pub fn with_overrides(mut self, overrides: Vec<ModelPrices>) -> Self {
        for mut model in overrides {
            let mut kept = Vec::with_capacity(self.models.len() + 1);
            for mut known in self.models {
                known.aliases.retain(|alias| !model.goes_by(alias));
                if model.goes_by(&known.name) {
                    model.aliases.append(&mut known.aliases);
                } else {
                    kept.push(known);
                }
            }
            kept.push(model);
            self.models = kept;
        }
        self.positions = positions(&self.models);
        self
    }

    /// Returns what a request cost in US dollars.
    ///
    /// There is no answer when the model is unknown, nor when the request has neither input nor
    /// output tokens: usage of the cache alone is not priced.
    #[must_use]
    pub fn price(&self, usage: &Usage<'_>) -> Option<f64> {
        if usage.tokens_in == 0 && usage.tokens_out == 0 {
            return None;
        }
        self.price_of_request(usage)
    }

    /// Returns what a request cost that is known to be one, and so was paid for even where all of
    /// its prompt came from the cache.
    ///
    /// There is no answer when the model is unknown, when the request used no tokens at all, nor
    /// when nobody knows what its tier is priced at.
    #[must_use]
    pub fn price_of_request(&self, usage: &Usage<'_>) -> Option<f64> {
        if usage.tokens_out == 0 && usage.prompt_tokens() == 0 {
            return None;
        }
        let model = self.find(usage.model)?;
        let sum =
            cost(model.period_at(usage.at_unix_seconds)?.rates_for(usage.prompt_tokens()), usage);
        match usage.tier {
            Tier::Standard => Some(sum),
            Tier::Batch => Some(sum * model.batch()?),
            Tier::Priority => Some(sum * model.priority()?),
        }
    }

    /// Returns a model's rates at a moment, for a prompt below every band.
    #[must_use]
    pub fn rates(&self, model: &str, at_unix_seconds: i64) -> Option<&Rates> {
        Some(&self.find(model)?.period_at(at_unix_seconds)?.rates)
    }

    /// Lists every model: the built-in ones by provider, then those that overrides gave.
    pub fn models(&self) -> impl Iterator<Item = &ModelPrices> {
        self.models.iter()
    }

    /// Returns the model that a name leads to.
    #[must_use]
    pub fn model(&self, name: &str) -> Option<&ModelPrices> {
        self.find(name)
    }

    fn find(&self, model: &str) -> Option<&ModelPrices> {
        let position = *self.positions.get(without_provider(model))?;
        self.models.get(position)
    }
}

impl Usage<'_> {
    fn prompt_tokens(&self) -> u64 {
        self.tokens_in
            .saturating_add(self.cache_read_tokens)
            .saturating_add(self.cache_write_tokens)
    }
}

/// Takes each provider's prefix off a name, once.
pub(crate) fn without_provider(model: &str) -> &str {
    PROVIDER_PREFIXES.iter().fold(model, |name, prefix| name.strip_prefix(prefix).unwrap_or(name))
}

/// Other servers' costs are matched to the last digit, so the order of these operations matters:
/// each count times its rate for one token, then the sum from left to right.
fn cost(rates: &Rates, usage: &Usage<'_>) -> f64 {
    let part = |tokens: u64, rate: f64| tokens as f64 * (rate / TOKENS_PER_RATE);
    let long = usage.cache_write_1h_tokens.min(usage.cache_write_tokens);
    let sum = part(usage.tokens_in, rates.input)
        + part(usage.tokens_out, rates.output)
        + part(usage.cache_read_tokens, rates.cache_read)
        + part(usage.cache_write_tokens - long, rates.cache_write);
    // Adding nothing would be exact too, but most usage has none.
    if long == 0 {
        return sum;
    }
    sum + part(long, rates.cache_write_1h.unwrap_or(rates.cache_write))
}

fn positions(models: &[ModelPrices]) -> HashMap<String, usize> {
    let mut positions = HashMap::new();
    for (position, model) in models.iter().enumerate() {
        positions.insert(model.name.clone(), position);
        positions.extend(model.aliases.iter().map(|alias| (alias.clone(), position)));
    }
    positions
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_prefix_is_taken_off_once_and_in_order() {
        for (name, found) in [
            ("o3", "o3"),
            ("openai/o3", "o3"),
            ("anthropic/openai/google/o3", "o3"),
            ("openai/anthropic/o3", "anthropic/o3"),
            ("google/openai/o3", "openai/o3"),
            ("openai/openai/o3", "openai/o3"),
            ("OpenAI/o3", "OpenAI/o3"),
            ("azure/o3", "azure/o3"),
        ] {
            assert_eq!(without_provider(name), found);
        }
    }

    #[test]
    fn an_override_replaces_a_model_and_keeps_its_aliases() {
        let book =
            book("[models.a]\naliases = ['b', 'c']", 1).with_overrides(table("[models.a]", 2));
        check(&book, &[("a", Some(2.0)), ("b", Some(2.0)), ("c", Some(2.0))]);
        assert_eq!(book.models().count(), 1);
    }

    #[test]
    fn an_override_named_as_an_alias_takes_that_alias_alone() {
        let book =
            book("[models.a]\naliases = ['b', 'c']", 1).with_overrides(table("[models.b]", 2));
        check(&book, &[("a", Some(1.0)), ("b", Some(2.0)), ("c", Some(1.0))]);
        let aliases: Vec<_> = book.models().map(ModelPrices::aliases).collect();
        assert_eq!(aliases, [vec!["c".to_owned()], vec![]]);
    }

    #[test]
    fn an_override_whose_alias_is_a_models_name_replaces_that_model() {
        let book = book("[models.a]\naliases = ['b']", 1)
            .with_overrides(table("[models.mine]\naliases = ['a']", 2));
        check(&book, &[("mine", Some(2.0)), ("a", Some(2.0)), ("b", Some(2.0)), ("c", None)]);
        assert_eq!(book.models().map(ModelPrices::name).collect::<Vec<_>>(), ["mine"]);
    }

    #[test]
    fn the_last_of_several_overrides_wins() {
        let both = [table("[models.a]", 2), table("[models.a]", 3)].concat();
        check(&book("[models.a]", 1).with_overrides(both), &[("a", Some(3.0))]);
    }

    #[test]
    fn a_book_without_tables_prices_nothing() {
        check(&PriceBook::default(), &[("o3", None), ("", None)]);
    }

    fn check(book: &PriceBook, expected: &[(&str, Option<f64>)]) {
        for (model, input) in expected {
            assert_eq!(book.rates(model, 0).map(|rates| rates.input), *input, "{model}");
        }
    }

    fn book(header: &str, input: u32) -> PriceBook {
        PriceBook::default().with_overrides(table(header, input))
    }

    fn table(header: &str, input: u32) -> Vec<ModelPrices> {
        let prices = format!("input = {input}, output = 0, cache_read = 0, cache_write = 0");
        parse_table(&format!("{header}\nprices = [{{ {prices} }}]")).unwrap()
    }
}
