//! The prices of one model: which rates hold on which day and for how long a prompt.
//!
//! Values of these types come only from a table that was checked, so every rate is finite and not
//! negative, periods and bands are in order, and names are ones a lookup can reach.

/// What one model costs and the names it goes by.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelPrices {
    pub(crate) name: String,
    pub(crate) provider: String,
    pub(crate) aliases: Vec<String>,
    pub(crate) deprecated: bool,
    pub(crate) batch: Option<f64>,
    pub(crate) priority: Option<f64>,
    /// Oldest first and never empty; the first has no start.
    pub(crate) periods: Vec<Period>,
}

/// A stretch of time in which a model's prices stay the same. It ends where the next one starts.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Period {
    /// The first second it holds for, in Unix time. Absent in a model's first period.
    pub from_unix_seconds: Option<i64>,
    /// The rates of a prompt below every band.
    pub rates: Rates,
    /// Other rates for long prompts, by rising threshold.
    pub bands: Vec<Band>,
}

/// The rates of a prompt longer than a threshold. They hold for the whole request.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Band {
    /// A prompt of exactly this many tokens is still outside the band.
    pub prompt_over: u64,
    /// The rates that replace those of the period.
    pub rates: Rates,
}

/// US dollars per million tokens.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Rates {
    /// Tokens of the prompt that no cache was involved in.
    pub input: f64,
    /// Tokens of the answer.
    pub output: f64,
    /// Tokens of the prompt found in the cache.
    pub cache_read: f64,
    /// Tokens put in the cache, for the shortest time the provider offers.
    pub cache_write: f64,
    /// Tokens put in the cache for an hour, where that has a price of its own.
    pub cache_write_1h: Option<f64>,
}

impl ModelPrices {
    /// The name this model is listed under.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Who sells it, or `custom` for prices that a user gave.
    #[must_use]
    pub fn provider(&self) -> &str {
        &self.provider
    }

    /// Its other names.
    #[must_use]
    pub fn aliases(&self) -> &[String] {
        &self.aliases
    }

    /// Whether the provider has withdrawn it or said that it will.
    #[must_use]
    pub fn is_deprecated(&self) -> bool {
        self.deprecated
    }

    /// What every rate is multiplied by for a request sent in a batch, where known.
    #[must_use]
    pub fn batch(&self) -> Option<f64> {
        self.batch
    }

    /// What every rate is multiplied by for a request sent with priority, where known.
    #[must_use]
    pub fn priority(&self) -> Option<f64> {
        self.priority
    }

    /// Its prices over time, oldest first.
    #[must_use]
    pub fn periods(&self) -> &[Period] {
        &self.periods
    }

    /// Returns the period a moment falls in. There is always one, since the first has no start.
    pub(crate) fn period_at(&self, at_unix_seconds: i64) -> Option<&Period> {
        self.periods.iter().rfind(|period| {
            period.from_unix_seconds.is_none_or(|from_seconds| from_seconds <= at_unix_seconds)
        })
    }

    pub(crate) fn goes_by(&self, name: &str) -> bool {
        self.name == name || self.aliases.iter().any(|alias| alias == name)
    }
}

impl Period {
    /// Returns the rates of a request whose prompt has this many tokens, cached ones included.
    #[must_use]
    pub fn rates_for(&self, prompt_tokens: u64) -> &Rates {
        self.bands
            .iter()
            .rfind(|band| band.prompt_over < prompt_tokens)
            .map_or(&self.rates, |band| &band.rates)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_band_starts_after_its_threshold_and_the_highest_one_wins() {
        let period = Period {
            from_unix_seconds: None,
            rates: at_input(1.0),
            bands: vec![
                Band { prompt_over: 100, rates: at_input(2.0) },
                Band { prompt_over: 200, rates: at_input(4.0) },
            ],
        };
        for (prompt_tokens, input) in
            [(0, 1.0), (100, 1.0), (101, 2.0), (200, 2.0), (201, 4.0), (u64::MAX, 4.0)]
        {
            assert_eq!(period.rates_for(prompt_tokens).input, input, "{prompt_tokens} tokens");
        }
    }

    #[test]
    fn a_period_holds_from_its_first_second_until_the_next_one() {
        let model = ModelPrices {
            name: "m".to_owned(),
            provider: "p".to_owned(),
            aliases: vec![],
            deprecated: false,
            batch: None,
            priority: None,
            periods: vec![starting(None, 1.0), starting(Some(50), 2.0), starting(Some(60), 3.0)],
        };
        for (at, input) in
            [(i64::MIN, 1.0), (49, 1.0), (50, 2.0), (59, 2.0), (60, 3.0), (i64::MAX, 3.0)]
        {
            let period = model.period_at(at).expect("the first period has no start");
            assert_eq!(period.rates.input, input, "at second {at}");
        }
    }

    fn starting(from_unix_seconds: Option<i64>, input: f64) -> Period {
        Period { from_unix_seconds, rates: at_input(input), bands: vec![] }
    }

    fn at_input(input: f64) -> Rates {
        Rates { input, output: 0.0, cache_read: 0.0, cache_write: 0.0, cache_write_1h: None }
    }
}
