//! The tokens that a record tells of, in the names of the different conventions.

use oriel_model::Tokens;
use serde_json::{Map, Value};

use super::attributes::{Attributes, count};

/// Reads usage in the common conventions. The names with one more dot are of the convention in which
/// the input includes what was read from and written to the cache.
pub(super) fn common(told: &Attributes, body: &Map<String, Value>) -> Tokens {
    let of = |names: &[&str], of_body: &str| {
        let number = told.number(names).or_else(|| body.get(of_body).and_then(Value::as_f64));
        number.and_then(count).unwrap_or_default()
    };
    let only = |names: &[&str]| told.count(names).unwrap_or_default();
    let input = of(&["gen_ai.usage.input_tokens", "input_tokens"], "input_tokens");
    let output = of(&["gen_ai.usage.output_tokens", "output_tokens"], "output_tokens");
    let read = of(
        &["gen_ai.usage.cache_read_input_tokens", "cache_read_tokens", "cache_read_input_tokens"],
        "cache_read_tokens",
    );
    let write = of(
        &[
            "gen_ai.usage.cache_creation_input_tokens",
            "cache_creation_tokens",
            "cache_write_tokens",
            "cache_creation_input_tokens",
        ],
        "cache_write_tokens",
    );
    let read_within = only(&["gen_ai.usage.cache_read.input_tokens", "ai.usage.cachedInputTokens"]);
    let write_within = only(&[
        "gen_ai.usage.cache_creation.input_tokens",
        "gen_ai.usage.cache_write.input_tokens",
    ]);
    let hour = only(&["cache_creation_1h_tokens"]);
    let parts = hour.saturating_add(only(&["cache_creation_5m_tokens"]));
    // Where the input is less than its own part, it does not include that part.
    let within = read_within.saturating_add(write_within);
    let input = input.checked_sub(within).unwrap_or(input);
    Tokens {
        input,
        output,
        cache_read: read.max(read_within),
        cache_write: write.max(write_within).max(parts),
        cache_write_1h: hour,
    }
}

/// Returns whether nothing was used.
pub(super) fn is_none(tokens: Tokens) -> bool {
    tokens == Tokens::default()
}

/// A prompt whose cached part is told as part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Inclusive {
    pub input: u64,
    pub cached: u64,
    pub written: u64,
    pub output: u64,
}

impl Inclusive {
    /// Returns the same with each token counted once.
    pub(super) fn parted(self) -> Tokens {
        let Self { input, cached, written, output } = self;
        Tokens {
            input: input.saturating_sub(cached).saturating_sub(written),
            output,
            cache_read: cached,
            cache_write: written,
            cache_write_1h: 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::attributes::Any;
    use super::*;

    #[test]
    fn the_input_is_what_was_not_cached() {
        let beside = [("input_tokens", 10), ("cache_read_tokens", 1200), ("output_tokens", 4)];
        check(&beside, [10, 4, 1200, 0]);
        let within = [
            ("gen_ai.usage.input_tokens", 1000),
            ("gen_ai.usage.cache_read.input_tokens", 600),
            ("gen_ai.usage.cache_creation.input_tokens", 100),
            ("gen_ai.usage.output_tokens", 4),
        ];
        check(&within, [300, 4, 600, 100]);
        let odd =
            [("gen_ai.usage.input_tokens", 10), ("gen_ai.usage.cache_read.input_tokens", 600)];
        check(&odd, [10, 0, 600, 0]);
        check(&[("cache_creation_5m_tokens", 3), ("cache_creation_1h_tokens", 4)], [0, 0, 0, 7]);
    }

    #[test]
    fn cached_parts_never_make_an_input_negative() {
        let odd = Inclusive { input: 5, cached: 9, written: 1, output: 2 };
        assert_eq!(odd.parted().input, 0);
    }

    fn check(told: &[(&str, i64)], expected: [u64; 4]) {
        let told = told.iter().map(|(name, number)| ((*name).to_owned(), Any::Int(*number)));
        let tokens = common(&Attributes(told.collect()), &Map::new());
        let found = [tokens.input, tokens.output, tokens.cache_read, tokens.cache_write];
        assert_eq!(found, expected);
    }
}
