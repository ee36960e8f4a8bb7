//! What someone typed, taken for terms. Nothing that can be typed is wrong: what makes no sense as
//! a sign is passed over, and what is left are words.

use super::words::Words;

/// So much of what was typed is read.
const TYPED_BYTES_MAX: usize = 4096;

/// So many terms are looked for; further ones are passed over.
const TERMS_MAX: usize = 32;

/// So many words of a phrase are looked for. A matcher has a bit for each.
const PHRASE_WORDS_MAX: usize = 32;

/// What is looked for: texts in which each clause holds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Ask {
    /// Each holds where one of its terms does.
    pub clauses: Vec<Vec<Term>>,
    /// Whether nothing was typed, so that every text will do.
    pub blank: bool,
}

/// Words that follow each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Term {
    /// The words; there is one at least.
    pub words: Vec<String>,
    /// Whether the last word may go on.
    pub prefix: bool,
    /// Whether it holds where these words are not.
    pub negated: bool,
}

impl Ask {
    /// Reads `words`, `"a phrase"`, `begin*`, `-without` or `NOT without`, and `one OR other`.
    pub(crate) fn of(typed: &str) -> Self {
        let typed = &typed[..typed.floor_char_boundary(TYPED_BYTES_MAX)];
        let mut ask = Self { clauses: Vec::new(), blank: typed.trim().is_empty() };
        let (mut rest, mut or, mut not, mut terms) = (typed.trim_start(), false, false, 0);
        while !rest.is_empty() && terms < TERMS_MAX {
            let (part, after) = Part::of(rest);
            rest = after.trim_start();
            match part {
                Part::Or => or = true,
                Part::And => {}
                Part::Not => not = true,
                Part::Words { text, prefix, negated } => {
                    let words = words_of(text);
                    let (either, negated) =
                        (std::mem::take(&mut or), negated | std::mem::take(&mut not));
                    if words.is_empty() {
                        continue;
                    }
                    terms += 1;
                    let term = Term { words, prefix, negated };
                    match ask.clauses.last_mut() {
                        Some(clause) if either => clause.push(term),
                        _ => ask.clauses.push(vec![term]),
                    }
                }
            }
        }
        ask
    }

    /// Returns whether something was typed in which there is no word.
    pub(crate) fn is_nothing(&self) -> bool {
        self.clauses.is_empty() && !self.blank
    }

    /// Returns whether a word may go on.
    pub(crate) fn has_prefix(&self) -> bool {
        self.clauses.iter().flatten().any(|term| term.prefix)
    }

    /// Returns the question to the index: every text that matches answers it, and some others do.
    /// Nothing is returned where the index cannot tell texts apart.
    pub(crate) fn expression(&self) -> Option<String> {
        let mut wanted = Vec::new();
        let mut unwanted = Vec::new();
        for clause in &self.clauses {
            match clause.as_slice() {
                [term] if term.negated => {
                    // Texts with all words of a phrase need not have the phrase.
                    if term.words.len() == 1 {
                        unwanted.push(term.expression());
                    }
                }
                terms if terms.iter().any(|term| term.negated) => {}
                terms => {
                    let terms: Vec<_> = terms.iter().map(Term::expression).collect();
                    wanted.push(format!("({})", terms.join(" OR ")));
                }
            }
        }
        let wanted = (!wanted.is_empty()).then(|| wanted.join(" AND "))?;
        Some(match unwanted.as_slice() {
            [] => wanted,
            unwanted => format!("({wanted}) NOT ({})", unwanted.join(" OR ")),
        })
    }
}

impl Term {
    /// Returns what the index is asked. Words are letters and digits, so quotes hold them.
    fn expression(&self) -> String {
        let words: Vec<_> = self.words.iter().map(|word| format!("\"{word}\"")).collect();
        let star = if self.prefix { " *" } else { "" };
        format!("({}{star})", words.join(" AND "))
    }
}

/// A part of what was typed.
enum Part<'a> {
    Or,
    And,
    Not,
    Words { text: &'a str, prefix: bool, negated: bool },
}

impl<'a> Part<'a> {
    /// Returns the part with which a text begins, and what follows it.
    fn of(text: &'a str) -> (Self, &'a str) {
        let (negated, text) = match text.strip_prefix('-') {
            Some(text) => (true, text),
            None => (false, text),
        };
        if let Some(quoted) = text.strip_prefix('"') {
            let (text, rest) = quoted.split_once('"').unwrap_or((quoted, ""));
            let prefix = rest.starts_with('*');
            let rest = rest.strip_prefix('*').unwrap_or(rest);
            return (Self::Words { text, prefix, negated }, rest);
        }
        let end = text.find(|char: char| char.is_whitespace() || char == '"');
        let (word, rest) = text.split_at(end.unwrap_or(text.len()));
        let part = match word {
            "OR" if !negated => Self::Or,
            "AND" if !negated => Self::And,
            "NOT" if !negated => Self::Not,
            _ => Self::Words { text: word, prefix: word.ends_with('*'), negated },
        };
        (part, rest)
    }
}

fn words_of(text: &str) -> Vec<String> {
    let (mut words, mut found) = (Words::of(text), Vec::new());
    while found.len() < PHRASE_WORDS_MAX
        && let Some((word, _)) = words.advance()
    {
        found.push(word.to_owned());
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sign_has_its_meaning() {
        check("Fix the", "[fix] [the]", Some(r#"(("fix")) AND (("the"))"#));
        check(
            "cat OR dog house",
            "[cat|dog] [house]",
            Some(r#"(("cat") OR ("dog")) AND (("house"))"#),
        );
        check("a -b NOT c", "[a] [-b] [-c]", Some(r#"((("a"))) NOT (("b") OR ("c"))"#));
        check(r#""to be"* -"or not""#, "[to be*] [-or not]", Some(r#"(("to" AND "be" *))"#));
        check("src/main.rs", "[src main rs]", Some(r#"(("src" AND "main" AND "rs"))"#));
        check("conf*", "[conf*]", Some(r#"(("conf" *))"#));
        check("-only", "[-only]", None);
        check("a OR -b", "[a|-b]", None);
    }

    #[test]
    fn nothing_that_is_typed_is_wrong() {
        check(r#"OR OR x"#, "[x]", Some(r#"(("x"))"#));
        check(r#"x OR"#, "[x]", Some(r#"(("x"))"#));
        check(r#""unclosed phrase"#, "[unclosed phrase]", Some(r#"(("unclosed" AND "phrase"))"#));
        check(r#"a"b"c"#, "[a] [b] [c]", Some(r#"(("a")) AND (("b")) AND (("c"))"#));
        check(
            "NEAR(a b) col:x ^y",
            "[near a] [b] [col x] [y]",
            Some(r#"(("near" AND "a")) AND (("b")) AND (("col" AND "x")) AND (("y"))"#),
        );
        for nothing in ["***", "\"\"", "-", "-\"", "OR", "NOT", "()", "\0", "--", "-- * \" '"] {
            assert!(Ask::of(nothing).is_nothing(), "{nothing}");
        }
        assert!(!Ask::of(" \n").is_nothing());
        assert_eq!(Ask::of(&"x ".repeat(1000)).clauses.len(), TERMS_MAX);
        assert_eq!(Ask::of(&"x-".repeat(1000)).clauses[0][0].words.len(), PHRASE_WORDS_MAX);
    }

    fn check(typed: &str, terms: &str, expression: Option<&str>) {
        let ask = Ask::of(typed);
        let word = |term: &Term| {
            let (no, star) =
                (if term.negated { "-" } else { "" }, if term.prefix { "*" } else { "" });
            format!("{no}{}{star}", term.words.join(" "))
        };
        let clause = |terms: &Vec<Term>| {
            format!("[{}]", terms.iter().map(word).collect::<Vec<_>>().join("|"))
        };
        let read: Vec<_> = ask.clauses.iter().map(clause).collect();
        assert_eq!(read.join(" "), terms, "{typed}");
        assert_eq!(ask.expression().as_deref(), expression, "{typed}");
    }
}
