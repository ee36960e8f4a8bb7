//! How often is too often: messages of a connection, and wrong tokens of an address. The rules are
//! functions of the time, which is an argument.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::time::Duration;

use tokio::time::Instant;

/// How many messages a connection may send in [`MESSAGES_WITHIN`].
pub(crate) const MESSAGES_MAX: usize = 60;
const MESSAGES_WITHIN: Duration = Duration::from_secs(10);

/// How many wrong tokens an address may send in [`FAILURES_WITHIN`].
pub(crate) const FAILURES_MAX: usize = 10;
const FAILURES_WITHIN: Duration = Duration::from_secs(60);

/// How many addresses are remembered. Beyond it the one that failed longest ago is forgotten.
const ADDRESSES_MAX: usize = 1024;

/// So many in so long, however they lie.
#[derive(Debug)]
pub(crate) struct Window {
    times: VecDeque<Instant>,
    count_max: usize,
    within: Duration,
}

impl Window {
    /// Counts the messages of a connection.
    pub(crate) fn of_messages() -> Self {
        Self { times: VecDeque::new(), count_max: MESSAGES_MAX, within: MESSAGES_WITHIN }
    }

    fn of_failures() -> Self {
        Self { times: VecDeque::new(), count_max: FAILURES_MAX, within: FAILURES_WITHIN }
    }

    /// Counts one more, unless there were too many.
    ///
    /// # Errors
    /// With the time until there is room again. What is refused is not counted.
    pub(crate) fn count(&mut self, now: Instant) -> Result<(), Duration> {
        self.room(now)?;
        self.times.push_back(now);
        Ok(())
    }

    /// Returns whether there is room for one more.
    ///
    /// # Errors
    /// With the time until there is.
    pub(crate) fn room(&mut self, now: Instant) -> Result<(), Duration> {
        while self.times.front().is_some_and(|first| now.duration_since(*first) >= self.within) {
            self.times.pop_front();
        }
        match self.times.front() {
            Some(first) if self.times.len() >= self.count_max => {
                Err(self.within.saturating_sub(now.duration_since(*first)))
            }
            _ => Ok(()),
        }
    }
}

/// The wrong tokens of each address. Only what failed counts, so whoever knows the token is never kept
/// out for coming often.
#[derive(Debug, Default)]
pub(crate) struct Failures {
    addresses: HashMap<IpAddr, Window>,
}

impl Failures {
    /// Returns whether an address may try a token.
    ///
    /// # Errors
    /// With the time until it may.
    pub(crate) fn may_try(&mut self, address: IpAddr, now: Instant) -> Result<(), Duration> {
        self.addresses.get_mut(&address).map_or(Ok(()), |window| window.room(now))
    }

    /// Takes note of a wrong token.
    pub(crate) fn failed(&mut self, address: IpAddr, now: Instant) {
        if self.addresses.len() >= ADDRESSES_MAX && !self.addresses.contains_key(&address) {
            let oldest =
                self.addresses.iter().min_by_key(|(_, window)| window.times.back().copied());
            if let Some(oldest) = oldest.map(|(address, _)| *address) {
                self.addresses.remove(&oldest);
            }
        }
        let window = self.addresses.entry(address).or_insert_with(Window::of_failures);
        // One that may not try is not tried, so this is never one too many.
        _ = window.count(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_slides() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let mut window = Window::of_messages();
        for ms in 0..60 {
            assert_eq!(window.count(at(ms * 100)), Ok(()));
        }
        assert_eq!(window.count(at(6_000)), Err(Duration::from_millis(4_000)));
        assert_eq!(window.count(at(9_999)), Err(Duration::from_millis(1)), "a refusal counts not");
        assert_eq!(window.count(at(10_000)), Ok(()));
        assert_eq!(window.count(at(10_050)), Err(Duration::from_millis(50)));
        assert_eq!(window.count(at(10_100)), Ok(()));
    }

    #[test]
    fn only_failures_of_the_same_address_count() {
        let start = Instant::now();
        let mut failures = Failures::default();
        let (one, other) = (IpAddr::from([127, 0, 0, 1]), IpAddr::from([10, 0, 0, 1]));
        for _ in 0..FAILURES_MAX {
            assert_eq!(failures.may_try(one, start), Ok(()));
            failures.failed(one, start);
        }
        assert_eq!(failures.may_try(one, start), Err(FAILURES_WITHIN));
        assert_eq!(failures.may_try(other, start), Ok(()));
        assert_eq!(failures.may_try(one, start + FAILURES_WITHIN), Ok(()));
    }

    #[test]
    fn only_so_many_addresses_are_remembered() {
        let start = Instant::now();
        let mut failures = Failures::default();
        for number in 0..2 * ADDRESSES_MAX as u128 {
            let address = IpAddr::from(number.to_be_bytes());
            failures.failed(address, start + Duration::from_nanos(number as u64));
        }
        assert_eq!(failures.addresses.len(), ADDRESSES_MAX);
    }
}
