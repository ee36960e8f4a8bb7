//! How long things took, as counts in buckets whose width grows with the duration.
//!
//! Up to 63 ms a bucket is one millisecond; above, every doubling has 32 buckets. A bucket is so at
//! most a 32nd as wide as it is far from nothing, and what is told of it is its middle: a
//! percentile is off by at most 1.6 %.

use std::collections::BTreeMap;

/// Every doubling has so many buckets.
const PER_DOUBLING: u64 = 1 << SUB_BITS;
const SUB_BITS: u32 = 5;

/// Counts of durations.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Times(BTreeMap<u16, i64>);

impl Times {
    /// Counts a duration in milliseconds so many times, which may be negative.
    pub(crate) fn add(&mut self, ms: u64, times: i64) {
        self.put(bucket(ms), times);
    }

    /// Counts what others counted.
    pub(crate) fn add_all(&mut self, other: &Self) {
        for (&bucket, &count) in &other.0 {
            self.put(bucket, count);
        }
    }

    fn put(&mut self, bucket: u16, times: i64) {
        let count = self.0.entry(bucket).or_default();
        *count = count.saturating_add(times);
        if *count == 0 {
            self.0.remove(&bucket);
        }
    }

    /// Returns how many durations are counted.
    pub(crate) fn count(&self) -> u64 {
        self.0.values().fold(0, |sum, &count| sum.saturating_add(count.max(0).unsigned_abs()))
    }

    /// Returns the duration that so many in a hundred do not exceed, or nothing where none is
    /// counted.
    pub(crate) fn percentile(&self, percent: u64) -> Option<u64> {
        let count = self.count();
        let rank = count.saturating_mul(percent).div_ceil(100).max(1);
        let mut passed = 0_u64;
        for (&bucket, &count) in &self.0 {
            passed = passed.saturating_add(count.max(0).unsigned_abs());
            if passed >= rank {
                return Some(middle(bucket));
            }
        }
        None
    }

    /// Returns the counts as bytes: for each bucket how far it is from the one before, and its
    /// count, seven bits a byte.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.0.len() * 3);
        let mut last = 0;
        for (&bucket, &count) in self.0.iter().filter(|(_, count)| **count > 0) {
            write_number(&mut bytes, u64::from(bucket - last));
            write_number(&mut bytes, count.unsigned_abs());
            last = bucket;
        }
        bytes
    }

    /// Counts what the bytes of other counts say. Bytes that say nothing sensible count nothing
    /// more.
    pub(crate) fn add_bytes(&mut self, mut bytes: &[u8]) {
        let mut bucket = 0_u16;
        while let (Some(step), Some(count)) = (read_number(&mut bytes), read_number(&mut bytes)) {
            let step = u16::try_from(step).unwrap_or(u16::MAX);
            bucket = bucket.saturating_add(step).min(BUCKET_MAX);
            self.put(bucket, i64::try_from(count).unwrap_or(i64::MAX));
        }
    }
}

/// The bucket of the longest duration that a number can hold.
const BUCKET_MAX: u16 = 1951;

fn bucket(ms: u64) -> u16 {
    if ms < 2 * PER_DOUBLING {
        return ms as u16;
    }
    let shift = u64::BITS - 1 - ms.leading_zeros() - SUB_BITS;
    let within = (ms >> shift) - PER_DOUBLING;
    (u64::from(shift + 1) * PER_DOUBLING + within) as u16
}

/// Returns the middle of a bucket, in milliseconds.
fn middle(bucket: u16) -> u64 {
    let bucket = u64::from(bucket);
    if bucket < 2 * PER_DOUBLING {
        return bucket;
    }
    let shift = bucket / PER_DOUBLING - 1;
    let from = (PER_DOUBLING + bucket % PER_DOUBLING) << shift;
    from.saturating_add(((1 << shift) - 1) / 2)
}

fn write_number(bytes: &mut Vec<u8>, mut number: u64) {
    while number > 0x7F {
        bytes.push((number & 0x7F) as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

fn read_number(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for nth in 0..10 {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u64::from(byte & 0x7F).checked_shl(7 * nth)?;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn short_durations_are_told_exactly() {
        for ms in 0..64 {
            let mut times = Times::default();
            times.add(ms, 1);
            assert_eq!(times.percentile(50), Some(ms));
        }
    }

    #[test]
    fn a_percentile_is_the_duration_that_so_many_do_not_exceed() {
        let mut times = Times::default();
        assert_eq!(times.percentile(95), None);
        for ms in 1..=60 {
            times.add(ms, 1);
        }
        assert_eq!(times.percentile(50), Some(30));
        assert_eq!(times.percentile(95), Some(57));
        assert_eq!(times.percentile(100), Some(60));
        assert_eq!(times.count(), 60);
    }

    #[test]
    fn bytes_that_say_nothing_sensible_break_nothing() {
        for bytes in [&[0xFF; 40][..], &[0x80], &[1], &[0xFF, 0xFF, 0xFF, 0xFF, 0x0F, 1]] {
            let mut times = Times::default();
            times.add_bytes(bytes);
            _ = times.percentile(95);
            assert!(times.to_bytes().len() < 64);
        }
    }

    proptest! {
        #[test]
        fn what_is_told_is_off_by_a_sixtieth_at_most(ms in any::<u64>()) {
            let told = middle(bucket(ms));
            prop_assert!(told.abs_diff(ms) as f64 <= ms as f64 * 0.016, "{ms} is told as {told}");
            prop_assert!(bucket(ms) <= BUCKET_MAX);
        }

        #[test]
        fn a_longer_duration_is_never_in_an_earlier_bucket(one in any::<u64>(), more in 0_u64..99) {
            prop_assert!(bucket(one) <= bucket(one.saturating_add(more)));
        }

        #[test]
        fn counts_come_back_from_their_bytes(
            counted in prop::collection::vec((0_u64..10_000_000, 1_i64..100_000), 0..50),
        ) {
            let mut times = Times::default();
            for (ms, count) in &counted {
                times.add(*ms, *count);
            }
            let mut again = Times::default();
            again.add_bytes(&times.to_bytes());
            prop_assert_eq!(&again, &times);
            for (ms, count) in &counted {
                again.add(*ms, -count);
            }
            prop_assert_eq!(again, Times::default());
        }
    }
}
