//! Time zones and moments as people write them.
//!
//! A day is a day of some zone, so whoever asks for days names one: `Europe/Vienna`, `+01:00`, or
//! nothing for that of this machine.

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::{Offset, TimeZone};
use jiff::{SignedDuration, Timestamp};

/// No name of a zone is longer.
const NAME_BYTES_MAX: usize = 64;

/// What was written is no zone, or no moment.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ZoneError {
    /// There is no such zone.
    #[error("there is no time zone {0:?}; name one such as Europe/Vienna, +01:00 or UTC")]
    Zone(String),
    /// That is no moment.
    #[error(
        "{0:?} is no date; write a day such as 2026-11-21, or a time such as 2026-11-21T10:00:00Z"
    )]
    Moment(String),
}

/// Which end of a day is meant where only a day is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edge {
    /// Its first moment.
    Start,
    /// The first moment of the day after it, so that the day is whole.
    End,
}

/// Returns the zone of a name or an offset.
///
/// # Errors
/// Where there is no such zone.
pub fn zone(text: &str) -> Result<TimeZone, ZoneError> {
    let refuse = || ZoneError::Zone(text.chars().take(NAME_BYTES_MAX).collect());
    // In an address, a plus is a space.
    let name = match text.strip_prefix(' ') {
        Some(rest) => format!("+{rest}"),
        None => text.to_owned(),
    };
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"+-_/:".contains(&byte);
    if name.is_empty() || name.len() > NAME_BYTES_MAX || !name.bytes().all(plain) {
        return Err(refuse());
    }
    if name.eq_ignore_ascii_case("utc") || name.eq_ignore_ascii_case("z") {
        return Ok(TimeZone::UTC);
    }
    if name.starts_with(['+', '-']) {
        return offset(&name).map(TimeZone::fixed).ok_or_else(refuse);
    }
    TimeZone::get(&name).map_err(|_| refuse())
}

/// Returns the name under which a zone is known here and to others.
#[must_use]
pub fn name(zone: &TimeZone) -> String {
    if *zone == TimeZone::UTC {
        return "UTC".to_owned();
    }
    match zone.iana_name() {
        Some(name) => name.to_owned(),
        None => zone.to_fixed_offset().map_or_else(|_| "local".to_owned(), |at| at.to_string()),
    }
}

/// Returns the Unix seconds of a moment that someone wrote: a day or a time, without an offset one
/// of the zone.
///
/// # Errors
/// Where it is none.
pub fn moment(text: &str, zone: &TimeZone, edge: Edge) -> Result<i64, ZoneError> {
    let text = text.trim();
    let refuse = || ZoneError::Moment(text.chars().take(NAME_BYTES_MAX).collect());
    if text.len() > NAME_BYTES_MAX {
        return Err(refuse());
    }
    // In an address, a plus is a space.
    let plus = |text: &str| text.rsplit_once(' ').map(|(time, offset)| format!("{time}+{offset}"));
    let parsed = text.parse::<Timestamp>().ok();
    let parsed = parsed.or_else(|| plus(text)?.parse::<Timestamp>().ok());
    if let Some(at) = parsed {
        return Ok(at.as_second());
    }
    if text.len() > 10 {
        let at: DateTime = text.parse().map_err(|_| refuse())?;
        return zone.to_timestamp(at).map(Timestamp::as_second).map_err(|_| refuse());
    }
    let day: Date = text.parse().map_err(|_| refuse())?;
    let day = match edge {
        Edge::Start => day,
        Edge::End => day.tomorrow().map_err(|_| refuse())?,
    };
    start_of_day(day, zone).ok_or_else(refuse)
}

/// Returns the Unix seconds at which a day of a zone begins.
#[must_use]
pub fn start_of_day(day: Date, zone: &TimeZone) -> Option<i64> {
    // Where a clock jumps over midnight, the day begins when the jump is done.
    zone.to_timestamp(day.to_datetime(Time::midnight())).ok().map(Timestamp::as_second)
}

/// Returns the day of a zone on which a moment falls; what no calendar holds is its nearest end.
#[must_use]
pub fn day_of(seconds: i64, zone: &TimeZone) -> Date {
    let odd = if seconds < 0 { Timestamp::MIN } else { Timestamp::MAX };
    zone.to_datetime(Timestamp::from_second(seconds).unwrap_or(odd)).date()
}

fn offset(text: &str) -> Option<Offset> {
    let (sign, digits) = text.split_at_checked(1)?;
    let digits = digits.replace(':', "");
    let (hours, minutes) = match digits.len() {
        1 | 2 => (digits.as_str(), "0"),
        4 => digits.split_at(2),
        _ => return None,
    };
    let (hours, minutes): (i64, i64) = (hours.parse().ok()?, minutes.parse().ok()?);
    if hours > 23 || minutes > 59 {
        return None;
    }
    let seconds = hours * 3600 + minutes * 60;
    let seconds = if sign == "-" { -seconds } else { seconds };
    Offset::UTC.checked_add(SignedDuration::from_secs(seconds)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zone_is_a_name_or_an_offset() {
        for (text, expected) in [
            ("UTC", "UTC"),
            ("z", "UTC"),
            ("+01:00", "+01"),
            (" 0530", "+05:30"),
            ("-8", "-08"),
            ("Europe/Vienna", "Europe/Vienna"),
        ] {
            assert_eq!(name(&zone(text).unwrap()), expected, "{text:?}");
        }
        let long = "x".repeat(1000);
        for odd in ["", "+", "+99", "+1:2:3", "+aa", "Mars/Olympus", "../passwd", "\0", &long] {
            assert!(zone(odd).is_err(), "{odd:?}");
        }
    }

    #[test]
    fn a_day_is_one_of_its_zone_and_whole() {
        let zone = zone("+01:00").unwrap();
        let start = moment("2026-11-21", &zone, Edge::Start).unwrap();
        assert_eq!(oriel_wire::time::rfc3339(start), "2026-11-20T23:00:00Z");
        assert_eq!(moment("2026-11-21", &zone, Edge::End), Ok(start + 86_400));
        assert_eq!(moment("20261121", &zone, Edge::Start), Ok(start));
        assert_eq!(moment("2026-11-20T23:00:00Z", &zone, Edge::End), Ok(start));
        assert_eq!(moment("2026-11-21T01:00:00 01:00", &zone, Edge::End), Ok(start + 3600));
        assert_eq!(moment("2026-11-21T00:00", &zone, Edge::End), Ok(start));
        for odd in ["", "soon", "2026-13-01", "2026-02-30", "99999999999999", "9999-12-31T99"] {
            assert!(moment(odd, &zone, Edge::Start).is_err(), "{odd:?}");
        }
        assert_eq!(day_of(i64::MAX, &zone).year(), 9999);
        assert_eq!(day_of(i64::MIN, &zone).year(), -9999);
    }

    #[test]
    fn a_day_may_be_shorter_where_clocks_change() {
        let zone = zone("Europe/Vienna").unwrap();
        let hours = |day: &str| {
            let edge = |edge| moment(day, &zone, edge).unwrap();
            (edge(Edge::End) - edge(Edge::Start)) / 3600
        };
        assert_eq!((hours("2026-03-29"), hours("2026-10-25"), hours("2026-06-01")), (23, 25, 24));
    }
}
