//! Sums of usage that know which of it has no price.

use std::collections::BTreeSet;

use oriel_store::{Usage, UsageRow};
use oriel_wire::UsageSums;

/// What stands for a name that nobody told.
pub(crate) const UNKNOWN: &str = "unknown";

/// What was used together.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sums {
    used: Usage,
    unpriced_models: BTreeSet<String>,
}

impl Sums {
    /// Adds what a row of the store says.
    pub(crate) fn count(&mut self, row: &UsageRow) {
        self.used.add(&row.usage, 1);
        let model = row.model.as_deref().unwrap_or(UNKNOWN);
        if row.usage.unpriced > 0 && !self.unpriced_models.contains(model) {
            self.unpriced_models.insert(model.to_owned());
        }
    }

    /// Adds other sums.
    pub(crate) fn add(&mut self, other: &Self) {
        self.used.add(&other.used, 1);
        self.unpriced_models.extend(other.unpriced_models.iter().cloned());
    }

    /// Returns what to order by: the cost, then the tokens.
    pub(crate) fn weight(&self) -> (i64, i64) {
        (self.used.cost, total_tokens(&self.used))
    }

    /// Returns all tokens.
    pub(crate) fn tokens(&self) -> i64 {
        total_tokens(&self.used)
    }

    /// Returns what is known of the cost: nothing where none of the requests has a price.
    pub(crate) fn cost_usd(&self) -> Option<f64> {
        let any = self.used.requests == 0 || self.used.unpriced < self.used.requests;
        any.then(|| self.used.money().dollars())
    }

    /// Returns them as readers get them.
    pub(crate) fn into_wire(self) -> UsageSums {
        UsageSums {
            requests: count(self.used.requests),
            input_tokens: count(self.used.tokens_in),
            output_tokens: count(self.used.tokens_out),
            cache_read_tokens: count(self.used.cache_read),
            cache_write_tokens: count(self.used.cache_write),
            cache_write_1h_tokens: count(self.used.cache_write_1h),
            total_tokens: count(total_tokens(&self.used)),
            cost_usd: self.cost_usd(),
            unpriced_requests: count(self.used.unpriced),
            unpriced_models: self.unpriced_models.into_iter().collect(),
        }
    }
}

/// Returns all tokens of some usage; those that live for an hour are among those written.
pub(crate) fn total_tokens(used: &Usage) -> i64 {
    [used.tokens_in, used.tokens_out, used.cache_read, used.cache_write]
        .into_iter()
        .fold(0, i64::saturating_add)
}

/// Returns a count, which is never negative.
pub(crate) fn count(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}
