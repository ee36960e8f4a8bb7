//! Whether a text has what is asked for, and where.

use std::ops::Range;

use super::ask::{Ask, Term};
use super::words::Words;

/// So many places in a text are marked. A snippet has room for fewer.
const MARKS_MAX: usize = 64;

/// Once all is found, a text is read on for this far behind its first mark: a snippet ends sooner.
const READ_ON_BYTES: usize = 1024;

/// How many places of words are remembered, which is as many as a phrase has words.
const RECENT: usize = 32;

/// Returns where a text has what is asked for, in order, or nothing where it does not match.
pub(crate) fn marks(ask: &Ask, text: &str) -> Option<Vec<Range<usize>>> {
    let mut seekers: Vec<Vec<Seeker<'_>>> =
        ask.clauses.iter().map(|clause| clause.iter().map(Seeker::of).collect()).collect();
    let says_no = ask.clauses.iter().flatten().any(|term| term.negated);
    let mut marks: Vec<Range<usize>> = Vec::new();
    let mut recent: [usize; RECENT] = [0; RECENT];
    let (mut words, mut nth, mut all_found) = (Words::of(text), 0_usize, ask.blank);
    while let Some((word, place)) = words.advance() {
        recent[nth % RECENT] = place.start;
        let mut is_news = false;
        for seeker in seekers.iter_mut().flatten() {
            if seeker.meets(word) {
                is_news |= !std::mem::replace(&mut seeker.found, true);
                if !seeker.term.negated && marks.len() < MARKS_MAX {
                    let first = (nth + 1).saturating_sub(seeker.term.words.len());
                    marks.push(recent[first % RECENT]..place.end);
                }
            }
        }
        nth += 1;
        if is_news {
            // Where one is forbidden that was met, nothing later helps.
            if seekers.iter().any(|clause| clause.iter().all(|s| s.term.negated && s.found)) {
                return None;
            }
            all_found = !says_no && seekers.iter().all(|clause| clause.iter().any(|s| s.found));
        }
        let far = marks.first().map_or(0, |mark| mark.start) + READ_ON_BYTES;
        if all_found && place.start > far {
            break;
        }
    }
    let holds = |clause: &Vec<Seeker<'_>>| clause.iter().any(|s| s.found != s.term.negated);
    seekers.iter().all(holds).then(|| {
        marks.sort_unstable_by_key(|mark| (mark.start, mark.end));
        marks
    })
}

/// Looks for a term, word by word.
struct Seeker<'a> {
    term: &'a Term,
    /// Bit `n` is set where the last words are the term's first `n + 1`.
    begun: u32,
    found: bool,
}

impl<'a> Seeker<'a> {
    fn of(term: &'a Term) -> Self {
        Self { term, begun: 0, found: false }
    }

    /// Takes the next word. Returns whether the term ends with it.
    fn meets(&mut self, word: &str) -> bool {
        let Term { words, prefix, .. } = self.term;
        let last = words.len() - 1;
        let may_be = (self.begun << 1) | 1;
        self.begun = 0;
        for (nth, wanted) in words.iter().enumerate() {
            let bit = 1_u32 << nth;
            let is_it = || {
                if nth == last && *prefix {
                    word.starts_with(wanted.as_str())
                } else {
                    word == wanted
                }
            };
            if may_be & bit != 0 && is_it() {
                self.begun |= bit;
            }
        }
        self.begun & (1 << last) != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_found_in_any_order_and_marked_in_theirs() {
        check("dog cat", "The CAT saw a dog; cats fled", Some(&["CAT", "dog"]));
        check("dog cat*", "The CAT saw a dog; cats fled", Some(&["CAT", "dog", "cats"]));
        check("dog bird", "The cat saw a dog", None);
        check("bird OR dog", "The cat saw a dog", Some(&["dog"]));
    }

    #[test]
    fn a_phrase_is_found_where_its_words_follow_each_other() {
        check(r#""a b a c""#, "a b a b a c", Some(&["a b a c"]));
        check(r#""a b""#, "a x b", None);
        check(r#""a b"*"#, "a, bee", Some(&["a, bee"]));
        check("main.rs", "src/main.rs, rs/main", Some(&["main.rs"]));
        check("修复", "先修复它", Some(&["修复"]));
    }

    #[test]
    fn what_is_unwanted_is_not_there() {
        check("a -b", "a c", Some(&["a"]));
        check("a -b", "a c b", None);
        check(r#"a -"b c""#, "a c b", Some(&["a"]));
        check("-x", "a", Some(&[]));
        check("a OR -b", "c", Some(&[]));
        check("a OR -b", "b", None);
        check("a OR -b", "b a", Some(&["a"]));
        check("-a OR -b", "a c", Some(&[""; 0]));
        check("-a OR -b", "a b", None);
        check("", "anything", Some(&[]));
    }

    fn check(asked: &str, text: &str, expected: Option<&[&str]>) {
        let found = marks(&Ask::of(asked), text);
        let found: Option<Vec<_>> =
            found.map(|marks| marks.into_iter().map(|mark| &text[mark]).collect());
        assert_eq!(found.as_deref(), expected, "{asked} in {text}");
    }
}
