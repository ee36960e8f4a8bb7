//! When a program that died is started again: a function of how long it lived and how often it died.

use std::time::Duration;

/// The spans by which modules are started, restarted and ended.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// How long the first restart waits. Each further one waits twice as long.
    pub first: Duration,
    /// The longest that a restart waits.
    pub longest: Duration,
    /// Who dies sooner than this after its start has died quickly.
    pub quick: Duration,
    /// Who lives this long is as one that never died.
    pub steady: Duration,
    /// Who has not said by then where it listens is ended.
    pub told_within: Duration,
    /// Who has not ended by then when asked to is killed.
    pub gone_within: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            first: Duration::from_secs(1),
            longest: Duration::from_secs(60),
            quick: Duration::from_secs(10),
            steady: Duration::from_secs(300),
            told_within: Duration::from_secs(30),
            gone_within: Duration::from_secs(2),
        }
    }
}

/// After so many quick deaths in a row a program is left dead until somebody asks for it.
pub const QUICK_DEATHS_MAX: u32 = 5;

/// How often a program has died.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Deaths {
    /// Since it last lived long.
    all: u32,
    /// Quick ones in a row.
    quick: u32,
}

/// What follows a death.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// It is started again after this time.
    Again(Duration),
    /// It is not.
    GiveUp,
}

impl Deaths {
    /// Counts the death of a program that lived this long, and says what follows.
    pub(super) fn count(&mut self, lived: Duration, pace: &Pace) -> Next {
        if pace.steady <= lived {
            *self = Self::default();
        }
        self.all = self.all.saturating_add(1);
        self.quick = if lived < pace.quick { self.quick.saturating_add(1) } else { 0 };
        if QUICK_DEATHS_MAX <= self.quick {
            return Next::GiveUp;
        }
        let doubled = 1_u32.checked_shl(self.all - 1).unwrap_or(u32::MAX);
        Next::Again(pace.first.saturating_mul(doubled).min(pace.longest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quick_deaths_wait_longer_and_longer_and_are_given_up() {
        let mut deaths = Deaths::default();
        let next: Vec<_> = (0..5).map(|_| count(&mut deaths, 0)).collect();
        assert_eq!(next, [again(1), again(2), again(4), again(8), Next::GiveUp]);
        assert_eq!(count(&mut deaths, 9), Next::GiveUp);
    }

    #[test]
    fn slow_deaths_wait_up_to_the_limit_and_are_never_given_up() {
        let mut deaths = Deaths::default();
        let next: Vec<_> = (0..8).map(|_| count(&mut deaths, 10)).collect();
        assert_eq!(next, [1, 2, 4, 8, 16, 32, 60, 60].map(again));
        for _ in 0..1_000 {
            assert_eq!(count(&mut deaths, 299), again(60));
        }
    }

    #[test]
    fn a_long_life_is_a_new_beginning() {
        let mut deaths = Deaths::default();
        for _ in 0..4 {
            count(&mut deaths, 0);
        }
        assert_eq!(count(&mut deaths, 300), again(1));
        assert_eq!(count(&mut deaths, 0), again(2));
    }

    fn count(deaths: &mut Deaths, lived: u64) -> Next {
        deaths.count(Duration::from_secs(lived), &Pace::default())
    }

    fn again(seconds: u64) -> Next {
        Next::Again(Duration::from_secs(seconds))
    }
}
