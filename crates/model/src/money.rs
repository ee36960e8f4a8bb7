//! Sums of money are exact.
//!
//! Binary fractions added in another order give another sum, and a total that differs from its own
//! parts destroys trust in both. So an amount is a whole number of ten-billionths of a dollar: a
//! single token of the cheapest model is 50 of them. Sums stop at 400 million dollars, where two of
//! them still add up without overflow.

const UNITS_PER_DOLLAR: f64 = 1e10;

/// The largest amount, in ten-billionths.
const UNITS_MAX: i64 = 4_000_000_000_000_000_000;

/// An amount of US dollars, in steps of a ten-billionth. Never negative.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Money(i64);

impl Money {
    /// No money.
    pub const ZERO: Self = Self(0);

    /// The largest amount; more than this is this.
    pub const MAX: Self = Self(UNITS_MAX);

    /// Returns the nearest amount to a number of dollars. What is no amount (negative, not a
    /// number) is nothing, and what is too large is the largest.
    #[must_use]
    pub fn from_dollars(dollars: f64) -> Self {
        // `as` saturates and makes 0 of NaN.
        Self(((dollars * UNITS_PER_DOLLAR).round() as i64).clamp(0, UNITS_MAX))
    }

    /// Returns the amount as a number of dollars.
    #[must_use]
    pub fn dollars(self) -> f64 {
        self.0 as f64 / UNITS_PER_DOLLAR
    }

    /// Returns the amount in ten-billionths, as it stands on disk.
    #[must_use]
    pub const fn units(self) -> i64 {
        self.0
    }

    /// Returns the amount that so many ten-billionths make.
    #[must_use]
    pub fn from_units(units: i64) -> Self {
        Self(units.clamp(0, UNITS_MAX))
    }

    /// Returns the sum, or the largest amount where there is no such sum.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0).min(UNITS_MAX))
    }

    /// Returns what is left after taking `other` away, at least nothing.
    #[must_use]
    pub fn minus(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0).max(0))
    }
}

impl std::iter::Sum for Money {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::ZERO, Self::plus)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_sum_of_dimes_is_exact() {
        let total: Money = (0..3).map(|_| Money::from_dollars(0.1)).sum();
        assert_eq!(total.dollars(), 0.3);
    }

    #[test]
    fn odd_numbers_of_dollars_do_no_harm() {
        for (dollars, expected) in [
            (f64::NAN, Money::ZERO),
            (-1.0, Money::ZERO),
            (f64::NEG_INFINITY, Money::ZERO),
            (f64::INFINITY, Money::MAX),
            (1e300, Money::MAX),
        ] {
            assert_eq!(Money::from_dollars(dollars), expected, "{dollars}");
        }
        assert_eq!(Money::MAX.plus(Money(1)), Money::MAX);
        assert_eq!(Money(1).minus(Money(2)), Money::ZERO);
    }

    proptest! {
        #[test]
        fn the_order_of_a_sum_does_not_matter(mut dollars in prop::collection::vec(0.0..1e4_f64, 0..50)) {
            let there: Money = dollars.iter().map(|&d| Money::from_dollars(d)).sum();
            dollars.reverse();
            let back: Money = dollars.iter().map(|&d| Money::from_dollars(d)).sum();
            prop_assert_eq!(there, back);
        }
    }
}
