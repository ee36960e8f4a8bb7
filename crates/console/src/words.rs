//! How numbers, amounts and times read. One way each, so that a number looks the same on every page.

use std::cell::RefCell;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use minijinja::{Environment, Value};

thread_local! {
    /// The zone of the page that this thread makes.
    static ZONE: RefCell<TimeZone> = const { RefCell::new(TimeZone::UTC) };
}

/// Makes a page whose times are those of a zone.
pub(crate) fn in_zone<T>(zone: TimeZone, make: impl FnOnce() -> T) -> T {
    let before = ZONE.with(|known| known.replace(zone));
    let made = make();
    ZONE.with(|known| known.replace(before));
    made
}

pub(crate) fn add_to(environment: &mut Environment<'static>) {
    environment.add_filter("count", |value: Value| number(&value).map_or(dash(), count));
    environment
        .add_filter("short_count", |value: Value| number(&value).map_or(dash(), short_count));
    environment.add_filter("usd", |value: Value| number(&value).map_or(dash(), usd));
    environment.add_filter("percent", |value: Value| number(&value).map_or(dash(), percent));
    environment.add_filter("bytes", |value: Value| number(&value).map_or(dash(), bytes));
    environment.add_filter("seconds", |value: Value| number(&value).map_or(dash(), seconds));
    environment.add_filter("millis", |value: Value| number(&value).map_or(dash(), millis));
    environment
        .add_filter("ago", |value: Value, now: i64| time(&value).map_or(dash(), |at| ago(at, now)));
    environment.add_filter("clock", |value: Value| format(&value, "%H:%M:%S"));
    environment.add_filter("day", |value: Value| format(&value, "%Y-%m-%d"));
    environment.add_filter("moment", |value: Value| format(&value, "%Y-%m-%d %H:%M"));
    environment.add_filter("iso", |value: Value| time(&value).map_or(dash(), |at| at.to_string()));
    environment.add_filter("clip", clip);
    environment.add_filter("agent", |name: &str| agent(name));
    environment.add_filter("agent_class", |name: &str| agent_class(name));
    environment.add_filter("initials", |name: &str| initials(name));
    environment.add_filter("query", |text: &str| query(text));
    environment.add_filter("elapsed", |value: Value, now: i64| {
        time(&value).map_or(dash(), |at| seconds(now.saturating_sub(at.as_second()) as f64))
    });
    environment.add_filter("segment", |text: &str| segment(text));
}

fn dash() -> String {
    "–".to_owned()
}

fn number(value: &Value) -> Option<f64> {
    f64::try_from(value.clone()).ok().filter(|number| number.is_finite())
}

/// Reads a time: Unix seconds, RFC 3339, or `YYYY-MM-DD HH:MM:SS` in UTC, which the API has.
fn time(value: &Value) -> Option<Timestamp> {
    if let Some(text) = value.as_str() {
        return text
            .parse()
            .ok()
            .or_else(|| format!("{}Z", text.replacen(' ', "T", 1)).parse().ok());
    }
    Timestamp::from_second(i64::try_from(value.clone()).ok()?).ok()
}

fn format(value: &Value, form: &str) -> String {
    let Some(at) = time(value) else { return dash() };
    let zone = ZONE.with(|zone| zone.borrow().clone());
    at.to_zoned(zone).strftime(form).to_string()
}

/// Writes a whole number in groups of three digits.
pub(crate) fn count(number: f64) -> String {
    let digits = format!("{:.0}", number.abs());
    let mut text = String::from(if number <= -0.5 { "−" } else { "" });
    for (at, digit) in digits.chars().enumerate() {
        if at != 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Writes a number with three digits or so: `1.23M`.
pub(crate) fn short_count(number: f64) -> String {
    let size = number.abs();
    for (unit, name) in [(1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "k")] {
        if unit <= size {
            let scaled = number / unit;
            let places = if scaled.abs() < 9.995 { 2 } else { usize::from(scaled.abs() < 99.95) };
            return format!("{scaled:.places$}{name}");
        }
    }
    count(number)
}

/// Writes an amount of money; what is less than a cent keeps two digits that say something.
pub(crate) fn usd(dollars: f64) -> String {
    let sign = if dollars < 0.0 { "−" } else { "" };
    let size = dollars.abs();
    if size == 0.0 {
        return "$0".to_owned();
    }
    if size < 0.01 {
        return if size < 0.0001 { format!("{sign}<$0.0001") } else { format!("{sign}${size:.4}") };
    }
    if size < 1000.0 {
        return format!("{sign}${size:.2}");
    }
    format!("{sign}${}", count(size))
}

fn percent(part: f64) -> String {
    match part {
        part if part != 0.0 && part.abs() < 10.0 => format!("{part:.1}%"),
        part => format!("{part:.0}%"),
    }
}

fn bytes(number: f64) -> String {
    for (unit, name) in
        [(1024.0 * 1024.0 * 1024.0, "GiB"), (1024.0 * 1024.0, "MiB"), (1024.0, "KiB")]
    {
        if unit <= number {
            return format!("{:.1} {name}", number / unit);
        }
    }
    format!("{number:.0} B")
}

/// Writes a length of time in its two largest units.
pub(crate) fn seconds(number: f64) -> String {
    let length = SignedDuration::from_secs(number.clamp(0.0, 1e12) as i64);
    let (days, hours) = (length.as_hours() / 24, length.as_hours() % 24);
    let (minutes, rest) = (length.as_mins() % 60, length.as_secs() % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{rest} s"),
        (0, 0, _) if rest == 0 => format!("{minutes} min"),
        (0, 0, _) => format!("{minutes} min {rest} s"),
        (0, ..) => format!("{hours} h {minutes} min"),
        _ => format!("{days} d {hours} h"),
    }
}

/// Writes a length of time in one unit, for the scale of a chart.
pub(crate) fn short_millis(number: f64) -> String {
    let (unit, name) = match number {
        number if number < 1000.0 => (1.0, "ms"),
        number if number < 120_000.0 => (1000.0, "s"),
        number if number < 7_200_000.0 => (60_000.0, "min"),
        _ => (3_600_000.0, "h"),
    };
    let places = usize::from((number / unit).fract() != 0.0);
    format!("{:.places$} {name}", number / unit)
}

/// Writes a length of time that is told in thousandths of a second.
pub(crate) fn millis(number: f64) -> String {
    match number {
        number if number < 1000.0 => format!("{number:.0} ms"),
        number if number < 60_000.0 => format!("{:.1} s", number / 1000.0),
        number => seconds(number / 1000.0),
    }
}

fn ago(at: Timestamp, now: i64) -> String {
    let past = now.saturating_sub(at.as_second());
    match past {
        ..-1 => "soon".to_owned(),
        -1..=1 => "now".to_owned(),
        2..=59 => format!("{past} s ago"),
        60..=3599 => format!("{} min ago", past / 60),
        3600..=86_399 => format!("{} h ago", past / 3600),
        _ => format!("{} d ago", past / 86_400),
    }
}

/// Cuts a text to so many characters, in one line.
fn clip(text: &Value, most: usize) -> String {
    let Some(text) = text.as_str() else { return text.to_string() };
    let mut short = String::new();
    let mut kept = 0;
    for c in text.trim().chars() {
        let c = if c.is_whitespace() { ' ' } else { c };
        if c == ' ' && short.ends_with(' ') {
            continue;
        }
        if kept == most {
            short.push('…');
            break;
        }
        short.push(c);
        kept += 1;
    }
    short
}

/// Returns the name of an agent type for people.
pub(crate) fn agent(name: &str) -> String {
    match name {
        "claude_code" | "claude" => "Claude Code",
        "codex" => "Codex",
        "gemini_cli" | "gemini" => "Gemini CLI",
        "qwen_code" | "qwen" => "Qwen Code",
        "opencode" => "OpenCode",
        "echo" => "Echo",
        "copilot_cli" | "copilot" => "Copilot CLI",
        other => other,
    }
    .to_owned()
}

/// Returns the class of the style sheet that has an agent's colour.
fn agent_class(name: &str) -> &'static str {
    match name {
        "claude_code" | "claude" => "a-claude",
        "codex" => "a-codex",
        "gemini_cli" | "gemini" => "a-gemini",
        "qwen_code" | "qwen" => "a-qwen",
        "opencode" => "a-opencode",
        "copilot_cli" | "copilot" => "a-copilot",
        _ => "a-other",
    }
}

fn initials(name: &str) -> String {
    let letters = agent(name)
        .split([' ', '_', '-'])
        .filter_map(|word| word.chars().next())
        .take(2)
        .collect::<String>();
    letters.to_uppercase()
}

/// Encodes a value for the query of an address.
pub(crate) fn query(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// Encodes a value for one part of an address's path.
pub(crate) fn segment(text: &str) -> String {
    text.bytes().fold(String::with_capacity(text.len()), |mut path, byte| {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                path.push(char::from(byte));
            }
            _ => path.push_str(&format!("%{byte:02X}")),
        }
        path
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_the_same_everywhere() {
        assert_eq!(count(1_234_567.0), "1,234,567");
        assert_eq!(count(-1234.0), "−1,234");
        assert_eq!(count(0.0), "0");
        for (number, expected) in [
            (999.0, "999"),
            (1234.0, "1.23k"),
            (45_678.0, "45.7k"),
            (456_789.0, "457k"),
            (9.999e6, "10.0M"),
        ] {
            assert_eq!(short_count(number), expected);
        }
        for (dollars, expected) in [
            (0.0, "$0"),
            (0.00001, "<$0.0001"),
            (0.0042, "$0.0042"),
            (0.5, "$0.50"),
            (12.345, "$12.35"),
            (12_345.6, "$12,346"),
        ] {
            assert_eq!(usd(dollars), expected);
        }
    }

    #[test]
    fn lengths_of_time_have_two_units() {
        for (number, expected) in
            [(0.0, "0 s"), (61.0, "1 min 1 s"), (3600.0, "1 h 0 min"), (90_061.0, "1 d 1 h")]
        {
            assert_eq!(seconds(number), expected);
        }
        assert_eq!(millis(1500.0), "1.5 s");
        assert_eq!(short_millis(80_000.0), "80 s");
        assert_eq!(short_millis(0.0), "0 ms");
        assert_eq!(short_millis(150_000.0), "2.5 min");
    }

    #[test]
    fn a_time_is_read_as_the_api_writes_it_and_told_in_the_zone_of_the_reader() {
        let text = Value::from("2026-03-01 10:00:05");
        assert_eq!(format(&text, "%H:%M:%S"), "10:00:05");
        let zone = TimeZone::fixed(jiff::tz::offset(2));
        assert_eq!(in_zone(zone, || format(&text, "%H:%M:%S")), "12:00:05");
        assert_eq!(ago(time(&text).unwrap(), time(&text).unwrap().as_second() + 125), "2 min ago");
        assert_eq!(format(&Value::from("garbage"), "%H"), "–");
    }

    #[test]
    fn a_long_text_is_cut_to_one_line() {
        assert_eq!(clip(&Value::from("  a\n\n  b  c "), 10), "a b c");
        assert_eq!(clip(&Value::from("abcdef"), 3), "abc…");
    }
}
