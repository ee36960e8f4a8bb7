//! Dates as senders write them: what JavaScript's `Date` reads, read the same on every machine.
//!
//! JavaScript takes a time without a zone for local time; here it is UTC, since a runtime should
//! not give another answer where its clock shows another hour.

use jiff::civil::{Date, DateTime, Time};
use jiff::fmt::{rfc2822, strtime};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// Forms of a date and time without a zone, tried in turn.
const FORMS: [&str; 10] = [
    "%Y-%m-%d %H:%M:%S%.f",
    "%Y-%m-%d %H:%M",
    "%Y/%m/%d %H:%M:%S",
    "%Y/%m/%d %H:%M",
    "%m/%d/%Y %H:%M:%S",
    "%m/%d/%Y %H:%M",
    "%a %b %d %Y %H:%M:%S",
    "%B %d, %Y %H:%M:%S",
    "%b %d, %Y %H:%M:%S",
    "%d %b %Y %H:%M:%S",
];

/// Forms of a date alone, tried in turn.
const DATE_FORMS: [&str; 8] = [
    "%Y/%m/%d",
    "%m/%d/%Y",
    "%B %d, %Y",
    "%b %d, %Y",
    "%d %B %Y",
    "%d %b %Y",
    "%a %b %d %Y",
    "%B %d %Y",
];

/// Returns the Unix milliseconds that a text means, within the years 0 to 9999.
pub(crate) fn unix_millis(text: &str) -> Option<i64> {
    let at = parse(text)?;
    let year = TimeZone::UTC.to_datetime(at).year();
    (0..=9999).contains(&year).then(|| at.as_millisecond())
}

fn parse(text: &str) -> Option<Timestamp> {
    if text.is_empty() || text.len() > 64 {
        return None;
    }
    iso(text).or_else(|| rfc2822::parse(text).ok().map(|at| at.timestamp())).or_else(|| other(text))
}

fn iso(text: &str) -> Option<Timestamp> {
    let bytes = text.as_bytes();
    let digits = |range: std::ops::Range<usize>| {
        bytes.get(range).is_some_and(|part| part.iter().all(u8::is_ascii_digit))
    };
    if !digits(0..4) {
        return None;
    }
    match bytes.len() {
        4 => utc(Date::new(text.parse().ok()?, 1, 1).ok()?.to_datetime(Time::midnight())),
        7 if bytes[4] == b'-' && digits(5..7) => {
            let (year, month) = (text[..4].parse().ok()?, text[5..].parse().ok()?);
            utc(Date::new(year, month, 1).ok()?.to_datetime(Time::midnight()))
        }
        10 => utc(text.parse::<Date>().ok()?.to_datetime(Time::midnight())),
        // The day's end may be written as its 24th hour.
        _ if text.contains("T24:00") => {
            let start = iso(&text.replacen("T24:00", "T00:00", 1))?;
            start.checked_add(SignedDuration::from_hours(24)).ok()
        }
        _ => text.parse().ok().or_else(|| utc(text.parse().ok()?)),
    }
}

fn other(text: &str) -> Option<Timestamp> {
    let time = FORMS.iter().find_map(|form| strtime::parse(form, text).ok()?.to_datetime().ok());
    let date =
        || DATE_FORMS.iter().find_map(|form| strtime::parse(form, text).ok()?.to_date().ok());
    utc(time.or_else(|| Some(date()?.to_datetime(Time::midnight())))?)
}

fn utc(civil: DateTime) -> Option<Timestamp> {
    TimeZone::UTC.to_timestamp(civil).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn dates_are_read_in_the_forms_that_senders_write() {
        for (text, expected) in [
            ("2026-01-02", "2026-01-02T00:00:00.000Z"),
            ("2026-01", "2026-01-01T00:00:00.000Z"),
            ("2026", "2026-01-01T00:00:00.000Z"),
            ("2026-01-02T03:04:05+02:00", "2026-01-02T01:04:05.000Z"),
            ("2026-01-02T03:04:05.678Z", "2026-01-02T03:04:05.678Z"),
            ("2026-01-02T03:04:05.678901Z", "2026-01-02T03:04:05.678Z"),
            ("2026-01-02T03:04", "2026-01-02T03:04:00.000Z"),
            ("2026-01-02T24:00:00Z", "2026-01-03T00:00:00.000Z"),
            ("2026-01-02 03:04:05", "2026-01-02T03:04:05.000Z"),
            ("2026-01-02 03:04", "2026-01-02T03:04:00.000Z"),
            ("Tue, 03 Feb 2026 10:00:00 GMT", "2026-02-03T10:00:00.000Z"),
            ("2026/02/03", "2026-02-03T00:00:00.000Z"),
            ("02/03/2026 10:00:00", "2026-02-03T10:00:00.000Z"),
            ("Feb 3, 2026", "2026-02-03T00:00:00.000Z"),
            ("February 3, 2026 10:00:00", "2026-02-03T10:00:00.000Z"),
            ("Tue Feb 03 2026 10:00:00", "2026-02-03T10:00:00.000Z"),
        ] {
            let at = unix_millis(text).unwrap_or_else(|| panic!("{text} is a date"));
            assert_eq!(oriel_wire::time::iso_text(at), expected, "{text}");
        }
    }

    #[test]
    fn what_is_no_date_is_none() {
        for text in ["", "soon", "2026-13-01", "2026-02-30", "12345-01-01", "-1", "10:00", "NaN"] {
            assert_eq!(unix_millis(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_is_too_odd_to_be_refused(text in ".{0,80}") {
            if let Some(at) = unix_millis(&text) {
                prop_assert_eq!(oriel_wire::time::iso_text(at).len(), 24);
            }
        }
    }
}
