//! What a file held before a tool changed it, by what the tool says of its change.
//!
//! Some agents tell a whole file, others only the lines that they replaced, and both look alike. So a
//! telling is believed only where the file as it is now fits it.

use oriel_wire::gateway::FileDiff;

/// What a file held before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Before {
    /// It was not there.
    Nothing,
    /// This.
    Text(String),
}

/// Returns what a file that holds `now` held before these changes, told in order; none where they do
/// not say it for certain.
pub(super) fn before(now: &str, diffs: &[&FileDiff]) -> Option<Before> {
    let mut text = now.to_owned();
    let mut is_undone = false;
    for diff in diffs.iter().rev() {
        let is_whole = diff.new == text;
        match &diff.old {
            None if is_whole => return Some(Before::Nothing),
            Some(old) if is_whole => text.clone_from(old),
            Some(old) => text = undone(&text, &diff.new, old)?,
            None => return None,
        }
        is_undone = true;
    }
    is_undone.then_some(Before::Text(text))
}

/// Puts the old lines back where the new ones stand, if that is one place only.
fn undone(text: &str, new: &str, old: &str) -> Option<String> {
    let at = text.find(new).filter(|_| !new.is_empty())?;
    // Places may overlap, so the search goes on one character after the first.
    let rest = at + text[at..].chars().next().map_or(1, char::len_utf8);
    if text[rest..].contains(new) {
        return None;
    }
    Some(format!("{}{old}{}", &text[..at], &text[at + new.len()..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_file_and_some_lines_of_it_are_both_understood() {
        let text = |text: &str| Some(Before::Text(text.to_owned()));
        assert_eq!(check("b", &[(Some("a"), "b")]), text("a"));
        assert_eq!(check("b", &[(None, "b")]), Some(Before::Nothing));
        assert_eq!(check("one\nTWO\nthree", &[(Some("two"), "TWO")]), text("one\ntwo\nthree"));
        assert_eq!(check("1 2", &[(Some("a"), "1"), (Some("b"), "2")]), text("a b"));
        assert_eq!(check("c", &[(Some("a"), "b"), (Some("b"), "c")]), text("a"));
        assert_eq!(check("c", &[(None, "b"), (Some("b"), "c")]), Some(Before::Nothing));
    }

    #[test]
    fn what_does_not_fit_the_file_or_fits_it_twice_says_nothing() {
        assert_eq!(check("x", &[(Some("a"), "b")]), None);
        assert_eq!(check("b b", &[(Some("a"), "b")]), None, "either may be the one");
        assert_eq!(check("ééé", &[(Some("a"), "éé")]), None, "and places may overlap");
        assert_eq!(check("ab", &[(Some("b"), "")]), None, "it may have stood anywhere");
        assert_eq!(check("ab", &[(None, "b")]), None);
        assert_eq!(check("a", &[]), None);
    }

    fn check(now: &str, diffs: &[(Option<&str>, &str)]) -> Option<Before> {
        let told: Vec<FileDiff> = diffs
            .iter()
            .map(|(old, new)| FileDiff {
                path: "f".to_owned(),
                old: old.map(str::to_owned),
                new: (*new).to_owned(),
            })
            .collect();
        before(now, &told.iter().collect::<Vec<_>>())
    }
}
