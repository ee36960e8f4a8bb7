//! Words for people.

/// Returns an error with its causes, each said once.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut said = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let text = error.to_string();
        if !said.contains(&text) {
            said = format!("{said}: {text}");
        }
        cause = error.source();
    }
    said
}

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
