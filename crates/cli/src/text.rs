//! Text for people: nothing in it can steer a terminal, and numbers come with their unit.

/// Returns text with every control character taken out, so that what an agent wrote cannot move
/// the cursor, change the title or turn a line around. Line ends and tabs become spaces.
pub(crate) fn clean(text: &str) -> String {
    let keep = |c: char| match c {
        '\n' | '\r' | '\t' => Some(' '),
        c if c.is_control() || turns_text(c) => None,
        c => Some(c),
    };
    text.chars().filter_map(keep).collect()
}

/// Returns text as [`clean`] does, but with its lines and tabs.
pub(crate) fn plain(text: &str) -> String {
    let keep = |c: &char| matches!(c, '\n' | '\t') || !(c.is_control() || turns_text(*c));
    text.chars().filter(keep).collect()
}

/// Returns whether a character changes the direction of what follows it.
fn turns_text(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Returns a count with its thousands set apart.
pub(crate) fn count(number: i64) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut text = String::from(if number < 0 { "-" } else { "" });
    for (place, digit) in digits.chars().enumerate() {
        if place != 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Returns a count with the noun it counts.
pub(crate) fn counted(number: i64, one: &str, many: &str) -> String {
    format!("{} {}", count(number), if number == 1 { one } else { many })
}

/// Returns an amount of US dollars, to the cent, or further where it is less than that.
pub(crate) fn dollars(amount: f64) -> String {
    if amount > 0.0 && amount < 0.01 {
        return format!("${amount:.4}");
    }
    let cents = (amount * 100.0).round();
    // `as` makes the nearest number of what no number of cents is.
    let cents = cents as i64;
    format!("${}.{:02}", count(cents / 100), (cents % 100).abs())
}

/// Returns a cost of which some may not be known: a dash where nothing is, a star where a part is
/// missing.
pub(crate) fn cost(amount: Option<f64>, unpriced: u64) -> String {
    match amount {
        None => "-".to_owned(),
        Some(amount) if unpriced > 0 => format!("{}*", dollars(amount)),
        Some(amount) => dollars(amount),
    }
}

/// Returns a number of bytes in its largest unit.
pub(crate) fn bytes(number: u64) -> String {
    const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    if number < 1024 {
        return format!("{number} bytes");
    }
    let mut amount = number as f64 / 1024.0;
    let mut unit = 0;
    while 1023.95 <= amount && unit + 1 < UNITS.len() {
        amount /= 1024.0;
        unit += 1;
    }
    format!("{amount:.1} {}", UNITS[unit])
}

/// Returns a length of time in its two largest units.
pub(crate) fn span(seconds: u64) -> String {
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, minutes) => format!("{minutes} min {} s", seconds % 60),
        (0, hours, minutes) => format!("{hours} h {minutes} min"),
        (days, hours, _) => format!("{days} d {hours} h"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_steers_the_terminal() {
        for (dirty, expected) in [
            ("plain ünïcode 你好 👩‍💻", "plain ünïcode 你好 👩‍💻"),
            ("\x1b[31mred\x1b[0m", "[31mred[0m"),
            ("\x1b]0;title\x07", "]0;title"),
            ("one\ntwo\r\nthree\tfour", "one two  three four"),
            ("del\x7f c1\u{9b}31m nul\0", "del c131m nul"),
            ("abc\u{202e}fdp.exe", "abcfdp.exe"),
            ("\u{2066}isolated\u{2069}\u{200f}", "isolated"),
        ] {
            assert_eq!(clean(dirty), expected);
        }
    }

    #[test]
    fn lines_stay_lines_where_they_may() {
        assert_eq!(plain("one\r\n\ttwo\x1b[2J\u{202e}\u{9b}"), "one\n\ttwo[2J");
    }

    #[test]
    fn numbers_read_well() {
        for (number, expected) in
            [(0, "0"), (999, "999"), (1_000, "1,000"), (-1_234_567, "-1,234,567")]
        {
            assert_eq!(count(number), expected);
        }
        assert_eq!((counted(1, "event", "events")), "1 event");
        for (number, expected) in [
            (0, "0 bytes"),
            (1_023, "1023 bytes"),
            (1_024, "1.0 KiB"),
            (1_048_575, "1.0 MiB"),
            (4_400_000, "4.2 MiB"),
            (u64::MAX, "16384.0 PiB"),
        ] {
            assert_eq!(bytes(number), expected);
        }
        for (amount, expected) in [
            (0.0, "$0.00"),
            (0.002_264, "$0.0023"),
            (0.01, "$0.01"),
            (1_234_567.895, "$1,234,567.90"),
        ] {
            assert_eq!(dollars(amount), expected);
        }
        assert_eq!((cost(None, 3), cost(Some(1.0), 1)), ("-".to_owned(), "$1.00*".to_owned()));
        for (seconds, expected) in
            [(0, "0 s"), (61, "1 min 1 s"), (3_661, "1 h 1 min"), (90_000, "1 d 1 h")]
        {
            assert_eq!(span(seconds), expected);
        }
    }
}
