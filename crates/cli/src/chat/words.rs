//! What an agent wrote, made safe for a terminal, and laid out in lines.
//!
//! Everything on the screen goes through [`clean`]. Escape sequences are taken out, other control
//! characters are shown as signs, and nothing turns the direction of text. It is done when text is
//! shown and not when it arrives, since a sequence may arrive in two pieces.

use ratatui::style::Style;
use ratatui::text::{Line, Span};
use unicode_width::UnicodeWidthStr as _;

/// An escape sequence that is longer than this is none.
const SEQUENCE_CHARS_MAX: usize = 4096;

/// Returns text in which nothing steers a terminal. Line ends stay.
pub(super) fn clean(text: &str) -> String {
    let mut cleaned = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let after = &rest[c.len_utf8()..];
        rest = match c {
            '\x1b' => match after_sequence(after) {
                Some(after) => after,
                None => {
                    cleaned.push('\u{241b}');
                    after
                }
            },
            '\r' if after.starts_with('\n') || after.is_empty() => after,
            '\r' => {
                // A line that is written over itself shows what was written last.
                cleaned.truncate(cleaned.rfind('\n').map_or(0, |end| end + 1));
                after
            }
            '\t' => {
                cleaned.push_str("    ");
                after
            }
            '\n' => {
                cleaned.push('\n');
                after
            }
            c => {
                cleaned.push(sign(c));
                after
            }
        };
    }
    cleaned
}

/// Returns text as [`clean`] does, on one line.
pub(super) fn clean_line(text: &str) -> String {
    clean(text).replace('\n', " ")
}

/// Returns what stands for a character.
fn sign(c: char) -> char {
    match c {
        '\0'..='\x1f' => char::from_u32(0x2400 + c as u32).unwrap_or('\u{fffd}'),
        '\x7f' => '\u{2421}',
        '\u{80}'..='\u{9f}'
        | '\u{200e}'
        | '\u{200f}'
        | '\u{202a}'..='\u{202e}'
        | '\u{2028}'
        | '\u{2029}'
        | '\u{2066}'..='\u{2069}' => '\u{fffd}',
        c => c,
    }
}

/// Returns what follows an escape sequence, of which the escape itself is already taken, or none where it
/// is not a whole one.
fn after_sequence(text: &str) -> Option<&str> {
    let mut chars = text.char_indices().take(SEQUENCE_CHARS_MAX);
    match chars.next()?.1 {
        '[' => {
            let (at, end) = chars.find(|(_, c)| !matches!(c, '\x20'..='\x3f'))?;
            matches!(end, '\x40'..='\x7e').then(|| &text[at + 1..])
        }
        ']' | 'P' | 'X' | '^' | '_' => {
            let (at, end) = chars.find(|(_, c)| matches!(c, '\x07' | '\x1b' | '\n'))?;
            match end {
                '\x07' => Some(&text[at + 1..]),
                '\x1b' => text[at + 1..].strip_prefix('\\'),
                _ => None,
            }
        }
        '(' | ')' | '#' | '%' | ' ' => chars.next().map(|(at, c)| &text[at + c.len_utf8()..]),
        c @ ('\x30'..='\x4f' | 'Q'..='W' | 'Y' | 'Z' | '\\' | '\x60'..='\x7e') => {
            Some(&text[c.len_utf8()..])
        }
        _ => None,
    }
}

/// Breaks a line of clean text into lines of at most this width: between words where that goes. Lines
/// after the first begin with the indent.
pub(super) fn wrap(spans: &[Span<'_>], width: usize, indent: &str) -> Vec<Line<'static>> {
    let width = width.max(2);
    let indent = if indent.width() < width { indent } else { "" };
    let mut layout = Layout::new(width, indent);
    for span in spans {
        for grapheme in span.styled_graphemes(Style::default()) {
            layout.take(grapheme.symbol, grapheme.style);
        }
    }
    layout.end()
}

/// Lines that are being filled.
struct Layout<'a> {
    width: usize,
    indent: &'a str,
    lines: Vec<Line<'static>>,
    /// What stands on the line.
    line: Vec<(String, Style)>,
    line_width: usize,
    /// The index in `line` after the last space, where it can be broken.
    break_at: Option<usize>,
}

impl<'a> Layout<'a> {
    fn new(width: usize, indent: &'a str) -> Self {
        let line = Vec::new();
        Self { width, indent, lines: Vec::new(), line, line_width: 0, break_at: None }
    }

    fn take(&mut self, symbol: &str, style: Style) {
        let symbol_width = symbol.width();
        if symbol_width == 0 && self.line.is_empty() {
            // It would hang on to what is left of it.
            return;
        }
        if self.width < self.line_width + symbol_width {
            if symbol == " " {
                // A space at the end of a line is its end.
                self.break_line(self.line.len(), symbol_width);
                return;
            }
            self.break_line(self.break_at.unwrap_or(self.line.len()), symbol_width);
            if self.width < self.line_width + symbol_width {
                self.break_line(self.line.len(), symbol_width);
            }
        }
        if symbol_width <= self.width {
            self.line.push((symbol.to_owned(), style));
            self.line_width += symbol_width;
        }
        if symbol == " " {
            self.break_at = Some(self.line.len());
        }
    }

    /// Ends the line before some of what stands on it; so much more follows.
    fn break_line(&mut self, at: usize, more: usize) {
        let rest = self.line.split_off(at);
        let full = std::mem::replace(&mut self.line, rest);
        self.lines.push(line_of(full));
        self.line_width = self.line.iter().map(|(symbol, _)| symbol.width()).sum();
        // A line that is full without its indent goes without.
        let indent = self.indent.width();
        if 0 < indent && self.line_width + indent + more <= self.width {
            self.line.insert(0, (self.indent.to_owned(), Style::default()));
            self.line_width += indent;
        }
        self.break_at = None;
    }

    fn end(mut self) -> Vec<Line<'static>> {
        self.lines.push(line_of(self.line));
        self.lines
    }
}

/// Joins what has the same style.
fn line_of(symbols: Vec<(String, Style)>) -> Line<'static> {
    let mut spans: Vec<Span<'static>> = Vec::new();
    for (symbol, style) in symbols {
        match spans.last_mut() {
            Some(span) if span.style == style => span.content.to_mut().push_str(&symbol),
            _ => spans.push(Span::styled(symbol, style)),
        }
    }
    Line::from(spans)
}

/// Cuts clean text to a width, with a sign where something is missing.
pub(super) fn cut(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut kept = String::new();
    let mut used = 0;
    for grapheme in Span::raw(text).styled_graphemes(Style::default()) {
        let more = grapheme.symbol.width();
        if width < used + more + 1 {
            break;
        }
        kept.push_str(grapheme.symbol);
        used += more;
    }
    if 0 < width {
        kept.push('…');
    }
    kept
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn nothing_that_is_shown_steers_a_terminal(text: String) {
            let shown = clean(&text);
            prop_assert!(!shown.chars().any(|c| c != '\n' && c.is_control()), "{:?}", shown);
        }

        #[test]
        fn no_line_is_wider_than_it_may_be(text in "[ a-z你👩‍💻é]{0,80}", width in 2..30_usize) {
            for line in wrap(&[Span::raw(text.clone())], width, "  ") {
                prop_assert!(line.width() <= width, "{:?}", line);
            }
            prop_assert!(cut(&text, width).width() <= width);
        }
    }

    #[test]
    fn sequences_are_taken_out_and_what_is_none_is_shown() {
        for (dirty, expected) in [
            ("\x1b[31mred\x1b[0m", "red"),
            ("\x1b]0;title\x07after", "after"),
            ("\x1b]8;;http://x\x1b\\link", "link"),
            ("\x1b[2J\x1b[Hhome", "home"),
            ("\x1bPq...\x1b\\sixel", "sixel"),
            ("\x1b(Bplain\x1b7\x1bc", "plain"),
            ("half \x1b[31", "half ␛[31"),
            ("open \x1b]0;title", "open ␛]0;title"),
            ("bell\x07 nul\0 del\x7f c1\u{9b}31m", "bell␇ nul␀ del␡ c1\u{fffd}31m"),
            ("10 %\r50 %\r100 %\r\nnext\r", "100 %\nnext"),
            ("abc\u{202e}fdp.exe", "abc\u{fffd}fdp.exe"),
            ("a\tb", "a    b"),
            ("👩‍💻 ünï 你好", "👩‍💻 ünï 你好"),
        ] {
            assert_eq!(clean(dirty), expected, "{dirty:?}");
        }
    }

    #[test]
    fn lines_break_between_words_and_long_words_anywhere() {
        check("one two three", 8, "", &["one two ", "three"]);
        check("abcdefghij", 4, "", &["abcd", "efgh", "ij"]);
        check("你好世界", 5, "", &["你好", "世界"]);
        check("- one two", 6, "  ", &["- one ", "  two"]);
        check("", 10, "", &[""]);
        check("exactly ten", 7, "", &["exactly", "ten"]);
        check("a bbbbbbbb c", 8, "  ", &["a ", "bbbbbbbb", "  c"]);

        fn check(text: &str, width: usize, indent: &str, expected: &[&str]) {
            let lines = wrap(&[Span::raw(text)], width, indent);
            let lines: Vec<String> = lines.iter().map(ToString::to_string).collect();
            assert_eq!(lines, expected);
        }
    }
}
