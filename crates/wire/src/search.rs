//! What a search finds.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::event::EventRow;

/// A page of hits.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct SearchPage<'a> {
    /// The hits, the newest event first.
    pub hits: Vec<SearchHit<'a>>,
    /// The `cursor` of the next page. A page may be short, or even empty, and still have a next one.
    pub next: Option<i64>,
    /// How many hits are known of from this page on: those on it, and one more if there is one.
    pub total_is_at_least: u64,
}

/// A text that has what was searched for.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct SearchHit<'a> {
    /// The event that the text belongs to.
    pub event: EventRow<'a>,
    /// Whose words it is: prompt, answer, input or output.
    pub role: String,
    /// A line of it around what was found, in parts.
    pub snippet: Vec<SnippetPart>,
    /// The same line as one text, with what was found between two pairs of asterisks.
    pub text: String,
}

/// A part of a line around what was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SnippetPart {
    /// The characters.
    pub text: String,
    /// Whether they are what was searched for.
    pub matched: bool,
}

impl SearchHit<'_> {
    /// Returns the parts of a line as one text with marks.
    #[must_use]
    pub fn marked(snippet: &[SnippetPart]) -> String {
        snippet.iter().fold(String::new(), |mut line, part| {
            let marks = if part.matched { "**" } else { "" };
            for piece in [marks, part.text.as_str(), marks] {
                line.push_str(piece);
            }
            line
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_found_stands_between_marks() {
        let part = |text: &str, matched| SnippetPart { text: text.to_owned(), matched };
        let line = [part("a ", false), part("lost key", true), part(" again", false)];
        assert_eq!(SearchHit::marked(&line), "a **lost key** again");
        assert_eq!(SearchHit::marked(&[]), "");
    }
}
