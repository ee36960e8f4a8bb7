//! How long to wait before the next attempt: at most twice as long as before, and by chance less, so
//! that clients that lost their gateway together do not all come back at once.

use std::time::Duration;

/// The most that is waited before the first attempt.
const FIRST: Duration = Duration::from_millis(500);

/// The most that is ever waited.
const MOST: Duration = Duration::from_secs(30);

/// A link that held this long was a good one: after it, waiting begins at the first step again. One
/// that breaks sooner counts as a further failure, else a gateway that drops everybody at once would
/// be asked twice a second for ever.
const GOOD: Duration = Duration::from_secs(10);

/// Waits that grow.
#[derive(Debug)]
pub(crate) struct Backoff {
    ceiling: Duration,
    chance: fastrand::Rng,
}

impl Backoff {
    pub(crate) fn new(chance: fastrand::Rng) -> Self {
        Self { ceiling: FIRST, chance }
    }

    /// Returns how long to wait now.
    pub(crate) fn next(&mut self) -> Duration {
        let wait = self.ceiling.mul_f64(self.chance.f64());
        self.ceiling = (self.ceiling * 2).min(MOST);
        wait
    }

    /// Begins anew after a link that held long enough.
    pub(crate) fn held(&mut self, how_long: Duration) {
        if GOOD <= how_long {
            self.ceiling = FIRST;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_wait_is_never_longer_than_its_step_and_the_last_step_holds(seed: u64) {
            let mut backoff = Backoff::new(fastrand::Rng::with_seed(seed));
            for step in [500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000] {
                prop_assert!(backoff.next() <= Duration::from_millis(step));
            }
        }
    }

    #[test]
    fn waits_fill_their_whole_step() {
        let mut backoff = Backoff::new(fastrand::Rng::with_seed(7));
        let waits: Vec<Duration> = (0..200).map(|_| backoff.next()).collect();
        assert!(waits[10..].iter().any(|wait| *wait < Duration::from_secs(3)));
        assert!(waits[10..].iter().any(|wait| Duration::from_secs(27) < *wait));
    }

    #[test]
    fn only_a_link_that_held_begins_the_waits_anew() {
        let mut backoff = Backoff::new(fastrand::Rng::with_seed(1));
        for _ in 0..9 {
            backoff.next();
        }
        backoff.held(Duration::from_secs(9));
        assert_eq!(backoff.ceiling, MOST);
        backoff.held(Duration::from_secs(10));
        assert!(backoff.next() <= FIRST);
    }
}
