//! Which part of a file a request wants.

use std::ops::Range;

/// What a request wants of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Ranged {
    /// All of it.
    Whole,
    /// A part, which is within it and not empty.
    Part(Range<u64>),
    /// Something that it does not have.
    Nowhere,
}

/// Reads what a request says. What is said in a way that nobody has to know counts as nothing said, and so
/// do several parts at once.
pub(super) fn ranged(said: Option<&str>, length: u64) -> Ranged {
    let Some((first, last)) = said.and_then(read) else { return Ranged::Whole };
    let part = match (first, last) {
        (Some(first), Some(last)) if last < first => return Ranged::Whole,
        (Some(first), last) => {
            first..last.map_or(length, |last| last.saturating_add(1)).min(length)
        }
        (None, Some(last)) => length.saturating_sub(last)..length,
        (None, None) => return Ranged::Whole,
    };
    if part.start < part.end { Ranged::Part(part) } else { Ranged::Nowhere }
}

fn read(said: &str) -> Option<(Option<u64>, Option<u64>)> {
    let (first, last) = said.trim().strip_prefix("bytes=")?.split_once('-')?;
    let number = |text: &str| match text.trim() {
        "" => Some(None),
        text if text.bytes().all(|byte| byte.is_ascii_digit()) => text.parse().ok().map(Some),
        _ => None,
    };
    Some((number(first)?, number(last)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_within_the_file() {
        for (said, expected) in [
            ("bytes=0-3", Ranged::Part(0..4)),
            ("bytes=5-", Ranged::Part(5..10)),
            ("bytes=-3", Ranged::Part(7..10)),
            ("bytes=-30", Ranged::Part(0..10)),
            ("bytes=8-99", Ranged::Part(8..10)),
            ("bytes= 1 - 2 ", Ranged::Part(1..3)),
            ("bytes=10-", Ranged::Nowhere),
            ("bytes=-0", Ranged::Nowhere),
            ("bytes=18446744073709551615-", Ranged::Nowhere),
            ("bytes=3-2", Ranged::Whole),
            ("bytes=-", Ranged::Whole),
            ("bytes=0-1,3-4", Ranged::Whole),
            ("bytes=+1-2", Ranged::Whole),
            ("bytes=99999999999999999999-", Ranged::Whole),
            ("lines=1-2", Ranged::Whole),
            ("", Ranged::Whole),
        ] {
            assert_eq!(ranged(Some(said), 10), expected, "{said}");
        }
        assert_eq!(ranged(None, 10), Ranged::Whole);
        assert_eq!(ranged(Some("bytes=0-"), 0), Ranged::Nowhere);
    }
}
