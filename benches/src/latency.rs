//! How long answers took: a histogram of times, read in milliseconds.

use std::time::Duration;

use hdrhistogram::Histogram;

/// Longer times are counted as this long.
const SECONDS_MAX: u64 = 120;

/// A histogram exact to a thousandth.
#[derive(Debug, Clone)]
pub(crate) struct Latency(Histogram<u64>);

impl Latency {
    pub(crate) fn new() -> Self {
        let nanoseconds_max = SECONDS_MAX * 1_000_000_000;
        Self(Histogram::new_with_bounds(1, nanoseconds_max, 3).expect("the bounds are in order"))
    }

    pub(crate) fn record(&mut self, took: Duration) {
        self.0.saturating_record(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX).max(1));
    }

    /// The time that this share of the answers stayed within.
    pub(crate) fn quantile_ms(&self, share: f64) -> f64 {
        self.0.value_at_quantile(share) as f64 / 1e6
    }

    pub(crate) fn max_ms(&self) -> f64 {
        self.0.max() as f64 / 1e6
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_read_in_milliseconds() {
        let mut latency = Latency::new();
        for milliseconds in 1..=1_000 {
            latency.record(Duration::from_millis(milliseconds));
        }
        for (found, expected) in [
            (latency.quantile_ms(0.5), 500.0),
            (latency.quantile_ms(0.99), 990.0),
            (latency.max_ms(), 1_000.0),
        ] {
            assert!((found - expected).abs() <= expected / 1_000.0, "{found} for {expected}");
        }
    }

    #[test]
    fn a_time_out_of_range_is_counted_as_the_longest() {
        let mut latency = Latency::new();
        latency.record(Duration::ZERO);
        latency.record(Duration::from_secs(9_999));
        assert!(latency.max_ms() >= 119_000.0);
    }
}
