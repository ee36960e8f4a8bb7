//! Texts of pages, made fit to be shown beside our own and to be told to the host.
//!
//! A page chooses its title. Characters that steer a terminal, break a line or turn the direction of
//! reading could make our own words say something else, so they go; and nothing is longer than a limit.

/// Cuts a text to so many bytes, at a character.
pub(crate) fn clip(text: &str, bytes_max: usize) -> &str {
    if text.len() <= bytes_max {
        return text;
    }
    let end = (0..=bytes_max).rev().find(|&end| text.is_char_boundary(end)).unwrap_or(0);
    text.get(..end).unwrap_or_default()
}

/// A text on one line, without characters that steer, of at most so many bytes.
pub(crate) fn clean(text: &str, bytes_max: usize) -> String {
    // What is thrown away costs time too, so no more is looked at than could be needed.
    let text = clip(text, bytes_max.saturating_mul(4));
    let mut cleaned = String::with_capacity(text.len().min(bytes_max));
    for character in text.chars().filter(|&character| !steers(character)) {
        let space = character.is_whitespace();
        if !(space && (cleaned.is_empty() || cleaned.ends_with(' '))) {
            cleaned.push(if space { ' ' } else { character });
        }
    }
    clip(&cleaned, bytes_max).trim_end().to_owned()
}

/// Whether a character does something to those around it and shows nothing itself.
fn steers(character: char) -> bool {
    let breaks = matches!(character, '\n' | '\r' | '\t' | '\u{2028}' | '\u{2029}');
    (character.is_control() && !breaks)
        || matches!(character,
            '\u{00ad}' | '\u{034f}' | '\u{061c}' | '\u{180e}'
            | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_steers_is_taken_out_of_a_title() {
        assert_eq!(clean("a\u{202e}b\u{2066}c\u{200f}\u{feff}d\u{1b}[2J\0", 99), "abcd[2J");
        assert_eq!(clean("  one\r\n two\u{2028}three\t\t four ", 99), "one two three four");
        assert_eq!(
            clean("الصفحة الأولى – первая", 99),
            "الصفحة الأولى – первая",
            "words stay as they are"
        );
    }

    #[test]
    fn a_text_is_cut_at_a_character() {
        assert_eq!(clip("äöü", 3), "ä");
        assert_eq!(clip("äöü", 6), "äöü");
        assert_eq!(clean(&"ü".repeat(1_000_000), 101).len(), 100);
        assert_eq!(clean("a b", 2), "a");
    }
}
