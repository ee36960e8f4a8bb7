//! Points in time as text: SQLite's form for what the server dates, ISO's for what senders date.

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// Writes Unix seconds as `2026-02-03 10:00:00`, in UTC.
#[must_use]
pub fn sqlite_text(seconds: i64) -> String {
    let at = civil(seconds.saturating_mul(1000));
    let (date, time) = (at.date(), at.time());
    format!(
        "{:04}-{:02}-{:02} {:02}:{:02}:{:02}",
        date.year(),
        date.month(),
        date.day(),
        time.hour(),
        time.minute(),
        time.second()
    )
}

/// Writes Unix milliseconds as `2026-02-03T10:00:00.000Z`.
#[must_use]
pub fn iso_text(millis: i64) -> String {
    let at = civil(millis);
    let (date, time) = (at.date(), at.time());
    format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z",
        date.year(),
        date.month(),
        date.day(),
        time.hour(),
        time.minute(),
        time.second(),
        time.millisecond()
    )
}

/// Writes Unix seconds as `2026-02-03T10:00:00Z`.
#[must_use]
pub fn rfc3339(seconds: i64) -> String {
    let mut text = sqlite_text(seconds).replace(' ', "T");
    text.push('Z');
    text
}

/// Returns the date and time in UTC; what no calendar holds is its nearest end.
fn civil(millis: i64) -> jiff::civil::DateTime {
    let at = Timestamp::from_millisecond(millis).unwrap_or(if millis < 0 {
        Timestamp::MIN
    } else {
        Timestamp::MAX
    });
    TimeZone::UTC.to_datetime(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_existing_readers_expect_them() {
        assert_eq!(sqlite_text(1_770_112_800), "2026-02-03 10:00:00");
        assert_eq!(iso_text(1_770_112_800_007), "2026-02-03T10:00:00.007Z");
        assert_eq!(rfc3339(1_770_112_800), "2026-02-03T10:00:00Z");
        assert_eq!(iso_text(-1), "1969-12-31T23:59:59.999Z");
    }

    #[test]
    fn no_number_is_too_odd_to_be_written() {
        for odd in [i64::MIN, i64::MAX] {
            assert!(!sqlite_text(odd).is_empty() && !iso_text(odd).is_empty());
        }
    }
}
