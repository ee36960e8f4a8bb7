//! What a person types: some lines, a place in them, and what was sent before.

use ratatui::style::Style;
use ratatui::text::Span;
use unicode_width::UnicodeWidthStr as _;

/// The longest text. What would make it longer is refused, since no gateway reads it.
pub(super) const TEXT_BYTES_MAX: usize = 900_000;

/// How much of what was sent is kept; the oldest goes first.
const HISTORY_MAX: usize = 100;

/// Lines that are being typed.
#[derive(Debug, Default, Clone)]
pub(super) struct Editor {
    text: String,
    /// The byte at which is typed. It is always between two graphemes.
    at: usize,
    history: Vec<String>,
    /// Which of the history is shown, and what was being typed instead.
    recalled: Option<(usize, String)>,
}

/// A step to somewhere else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Go {
    Left,
    Right,
    WordLeft,
    WordRight,
    LineStart,
    LineEnd,
    Up,
    Down,
}

impl Editor {
    pub(super) fn with(text: &str) -> Self {
        Self { text: text.to_owned(), at: text.len(), ..Self::default() }
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// Types something. Returns whether there was room for it.
    pub(super) fn insert(&mut self, text: &str) -> bool {
        if TEXT_BYTES_MAX < self.text.len() + text.len() {
            return false;
        }
        let text: String =
            text.replace("\r\n", "\n").replace('\r', "\n").chars().filter(|c| types(*c)).collect();
        self.text.insert_str(self.at, &text);
        self.at += text.len();
        true
    }

    /// Takes the text to send it, and keeps it for later.
    pub(super) fn take(&mut self) -> String {
        let text = std::mem::take(&mut self.text);
        (self.at, self.recalled) = (0, None);
        if self.history.last() != Some(&text) {
            self.history.push(text.clone());
        }
        if HISTORY_MAX < self.history.len() {
            self.history.remove(0);
        }
        text
    }

    /// Puts a text back that could not be sent, unless something else was typed meanwhile; then it is
    /// the last of what was sent.
    pub(super) fn put_back(&mut self, text: &str) {
        if self.text.is_empty() {
            self.text = text.to_owned();
            self.at = text.len();
        }
    }

    pub(super) fn clear(&mut self) {
        self.text.clear();
        (self.at, self.recalled) = (0, None);
    }

    pub(super) fn backspace(&mut self) {
        let before = self.left_of(self.at);
        self.text.replace_range(before..self.at, "");
        self.at = before;
    }

    pub(super) fn delete(&mut self) {
        let after = self.right_of(self.at);
        self.text.replace_range(self.at..after, "");
    }

    pub(super) fn delete_word(&mut self) {
        let before = self.word_left();
        self.text.replace_range(before..self.at, "");
        self.at = before;
    }

    pub(super) fn delete_to_line_start(&mut self) {
        let start = self.line_start();
        self.text.replace_range(start..self.at, "");
        self.at = start;
    }

    pub(super) fn go(&mut self, go: Go) {
        self.at = match go {
            Go::Left => self.left_of(self.at),
            Go::Right => self.right_of(self.at),
            Go::WordLeft => self.word_left(),
            Go::WordRight => self.word_right(),
            Go::LineStart => self.line_start(),
            Go::LineEnd => self.line_end(),
            Go::Up if self.line_start() == 0 => return self.recall_before(),
            Go::Up => self.other_line(self.line_start() - 1),
            Go::Down if self.line_end() == self.text.len() => return self.recall_after(),
            Go::Down => self.other_line(self.line_end() + 1),
        };
    }

    /// Returns the lines as they are shown, and the place in them as line and column.
    pub(super) fn shown(&self) -> (Vec<String>, (usize, usize)) {
        let lines = self.text.split('\n').map(shown).collect();
        let row = self.text[..self.at].matches('\n').count();
        let column = shown(&self.text[self.line_start()..self.at]).width();
        (lines, (row, column))
    }

    fn line_start(&self) -> usize {
        self.text[..self.at].rfind('\n').map_or(0, |end| end + 1)
    }

    fn line_end(&self) -> usize {
        self.text[self.at..].find('\n').map_or(self.text.len(), |end| self.at + end)
    }

    /// Returns the place on another line, of which some place is given, that is as far from its start.
    fn other_line(&self, inside: usize) -> usize {
        let column = self.text[self.line_start()..self.at].width();
        let start = self.text[..inside].rfind('\n').map_or(0, |end| end + 1);
        let end = self.text[inside..].find('\n').map_or(self.text.len(), |end| inside + end);
        let mut at = start;
        while at < end && self.text[start..at].width() < column {
            at += first_grapheme(&self.text[at..end]);
        }
        at
    }

    fn left_of(&self, at: usize) -> usize {
        let before = &self.text[..at];
        if before.ends_with('\n') {
            return at - 1;
        }
        let start = before.rfind('\n').map_or(0, |end| end + 1);
        let mut left = start;
        let mut next = start;
        while next < at {
            left = next;
            next += first_grapheme(&self.text[next..at]);
        }
        left
    }

    fn right_of(&self, at: usize) -> usize {
        at + first_grapheme(&self.text[at..])
    }

    fn word_left(&self) -> usize {
        let before = self.text[..self.at].trim_end();
        before
            .rfind(char::is_whitespace)
            .map_or(0, |space| space + before[space..].chars().next().map_or(1, char::len_utf8))
    }

    fn word_right(&self) -> usize {
        let rest = &self.text[self.at..];
        let word = rest.trim_start();
        let length = word.find(char::is_whitespace).unwrap_or(word.len());
        self.at + (rest.len() - word.len()) + length
    }

    fn recall_before(&mut self) {
        let nth = match &self.recalled {
            None => self.history.len(),
            Some((nth, _)) => *nth,
        };
        let Some(nth) = nth.checked_sub(1) else { return };
        let typed = match self.recalled.take() {
            None => std::mem::take(&mut self.text),
            Some((_, typed)) => typed,
        };
        self.text = self.history[nth].clone();
        self.at = self.text.len();
        self.recalled = Some((nth, typed));
    }

    fn recall_after(&mut self) {
        let Some((nth, typed)) = self.recalled.take() else {
            self.at = self.text.len();
            return;
        };
        if let Some(text) = self.history.get(nth + 1) {
            self.text = text.clone();
            self.recalled = Some((nth + 1, typed));
        } else {
            self.text = typed;
        }
        self.at = self.text.len();
    }
}

/// Returns whether a character is one that somebody means to type.
fn types(c: char) -> bool {
    matches!(c, '\n' | '\t') || !c.is_control()
}

/// Returns a line as it is shown.
fn shown(line: &str) -> String {
    super::words::clean(line)
}

/// Returns the length of the first grapheme in bytes.
fn first_grapheme(text: &str) -> usize {
    let Some(first) = text.chars().next() else { return 0 };
    if first.is_control() {
        return first.len_utf8();
    }
    let line = text.split('\n').next().unwrap_or(text);
    let first_len = Span::raw(line)
        .styled_graphemes(Style::default())
        .next()
        .map_or(first.len_utf8(), |grapheme| grapheme.symbol.len());
    first_len.max(first.len_utf8())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn whatever_is_pressed_the_place_is_between_two_characters(
            steps in proptest::collection::vec((0..14_u8, "[a 你\n\t👩‍💻é]{0,3}"), 0..60)
        ) {
            let mut editor = Editor::default();
            for (step, text) in steps {
                match step {
                    0..=2 => drop(editor.insert(&text)),
                    3 => editor.backspace(),
                    4 => editor.delete(),
                    5 => editor.delete_word(),
                    6 => editor.go(Go::Left),
                    7 => editor.go(Go::Right),
                    8 => editor.go(Go::Up),
                    9 => editor.go(Go::Down),
                    10 => editor.go(Go::WordLeft),
                    11 => editor.go(Go::WordRight),
                    12 => editor.go(Go::LineStart),
                    _ => drop(editor.take()),
                }
                prop_assert!(editor.text.is_char_boundary(editor.at));
                let (lines, (row, _)) = editor.shown();
                prop_assert!(row < lines.len());
            }
        }
    }

    #[test]
    fn typing_moving_and_deleting_go_by_what_is_seen_as_one() {
        let mut editor = Editor::default();
        editor.insert("a👩‍💻你");
        assert_eq!(editor.shown().1, (0, 5));
        editor.go(Go::Left);
        editor.backspace();
        assert_eq!(editor.text(), "a你");
        editor.delete();
        assert_eq!(editor.text(), "a");
    }

    #[test]
    fn up_and_down_keep_the_column_and_then_recall_what_was_sent() {
        let mut editor = Editor::default();
        editor.insert("first");
        editor.take();
        editor.insert("second\nlonger line");
        editor.take();
        editor.insert("one\ntwo");
        editor.go(Go::Up);
        assert_eq!(editor.shown().1, (0, 3));
        editor.go(Go::Up);
        assert_eq!(editor.text(), "second\nlonger line");
        editor.go(Go::Up);
        editor.go(Go::Up);
        assert_eq!(editor.text(), "first");
        editor.go(Go::Down);
        editor.go(Go::Down);
        assert_eq!(editor.text(), "one\ntwo", "what was being typed is still there");
    }

    #[test]
    fn what_is_pasted_steers_nothing_and_too_much_is_refused() {
        let mut editor = Editor::default();
        assert!(editor.insert("a\x1b[2J\r\nb\rc"));
        assert_eq!(editor.text(), "a[2J\nb\nc");
        assert!(!editor.insert(&"x".repeat(TEXT_BYTES_MAX)));
        assert_eq!(editor.text(), "a[2J\nb\nc");
    }

    #[test]
    fn what_could_not_be_sent_comes_back_unless_something_else_is_there() {
        let mut editor = Editor::with("lost");
        let text = editor.take();
        editor.put_back(&text);
        assert_eq!(editor.text(), "lost");
        editor.take();
        editor.insert("new");
        editor.put_back("lost");
        assert_eq!(editor.text(), "new");
    }
}
