//! Words for people.

pub(crate) use oriel_daemon::chain;

/// Returns a text without what could steer a terminal or turn a line around, and no longer than this.
pub(crate) fn plain(text: &str, chars_max: usize) -> String {
    let is_harmless = |c: &char| {
        !c.is_control()
            && !matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
    };
    text.chars().filter(is_harmless).take(chars_max).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_turns_a_line_around_is_left_out() {
        assert_eq!(plain("a\u{202e}b\u{1b}[31mc\u{200f}\n", 100), "ab[31mc");
        assert_eq!(plain("äöü", 2), "äö");
    }
}
