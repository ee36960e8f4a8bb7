//! A line of a text, around what was found in it.

use std::ops::Range;

/// About how many characters a snippet has.
const CHARACTERS: usize = 160;

/// How many of them stand before the first that is marked.
const LEAD: usize = 40;

/// A part of a snippet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fragment {
    /// The characters, without line breaks.
    pub text: String,
    /// Whether they are what was looked for.
    pub matched: bool,
}

/// Returns a line of a text from a little before its first mark on. Marks are in order.
pub(crate) fn snippet(text: &str, marks: &[Range<usize>]) -> Vec<Fragment> {
    let from = beginning(text, marks.first().map_or(0, |mark| mark.start));
    let mut line = Line::default();
    if text[..from].chars().any(|char| !is_blank(char)) {
        line.push('…', false);
    }
    let mut marks = marks.iter().peekable();
    for (after, char) in text[from..].char_indices() {
        let at = from + after;
        while marks.next_if(|mark| mark.end <= at).is_some() {}
        if line.characters >= CHARACTERS {
            if !text[at..].chars().all(is_blank) {
                line.push('…', false);
            }
            break;
        }
        let matched = marks.peek().is_some_and(|mark| mark.start <= at);
        line.take(char, matched);
    }
    line.fragments
}

/// Returns where a snippet begins whose first mark is here: at the beginning of a word, if there is
/// one near.
fn beginning(text: &str, mark: usize) -> usize {
    let before = &text[..mark];
    let mut earlier = before.char_indices().rev();
    let Some((from, _)) = earlier.nth(LEAD - 1) else { return 0 };
    match before[from..].find(char::is_whitespace) {
        Some(gap) => from + gap,
        None => from,
    }
}

fn is_blank(char: char) -> bool {
    char.is_whitespace() || char.is_control()
}

/// A line while it is made.
#[derive(Default)]
struct Line {
    fragments: Vec<Fragment>,
    characters: usize,
    /// Whether blanks were left out, and whether all of them were marked.
    gap: Option<bool>,
}

impl Line {
    fn take(&mut self, char: char, matched: bool) {
        if is_blank(char) {
            self.gap = Some(self.gap.unwrap_or(true) && matched);
            return;
        }
        if let Some(was_matched) = self.gap.take()
            && self.characters > 0
        {
            self.push(' ', was_matched && matched);
        }
        self.push(char, matched);
    }

    fn push(&mut self, char: char, matched: bool) {
        self.characters += 1;
        match self.fragments.last_mut() {
            Some(last) if last.matched == matched => last.text.push(char),
            _ => self.fragments.push(Fragment { text: char.to_string(), matched }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blanks_are_folded_and_marks_kept() {
        check("  one\n\n\ttwo\0three ", &[(8, 11)], "one [two] three");
        check("one two", &[(0, 3), (4, 7)], "[one] [two]");
        check("one \n two", &[(0, 9)], "[one two]");
        check("", &[], "");
        check(" \n ", &[], "");
    }

    #[test]
    fn a_long_text_is_cut_at_whole_characters() {
        let text = format!("{} match {}", "é ".repeat(500), "ü".repeat(500));
        let at = text.find("match").unwrap();
        let line = read(&text, &[(at, at + 5)]);
        assert!(
            line.starts_with("… é") && line.contains(" [match] ü") && line.ends_with("ü…"),
            "{line}"
        );
        assert!((150..=170).contains(&line.chars().count()), "{line}");
        let whole = "x".repeat(CHARACTERS);
        assert_eq!(read(&format!("{whole} \n"), &[]), whole);
        assert_eq!(read(&format!("{whole}y"), &[]), format!("{whole}…"));
    }

    fn check(text: &str, marks: &[(usize, usize)], expected: &str) {
        assert_eq!(read(text, marks), expected);
    }

    fn read(text: &str, marks: &[(usize, usize)]) -> String {
        let mark = |fragment: &Fragment| match fragment.matched {
            true => format!("[{}]", fragment.text),
            false => fragment.text.clone(),
        };
        let marks: Vec<_> = marks.iter().map(|(from, to)| *from..*to).collect();
        snippet(text, &marks).iter().map(mark).collect()
    }
}
