//! What an edit changed, line by line, out of what the tool was given.
//!
//! Agents keep what a tool was given as plain text, one string after the other. How many lines of it
//! were replaced by how many is told beside it, so the text can be taken apart exactly, or not at all.

use std::time::Duration;

use serde::Serialize;
use similar::{ChangeTag, TextDiff};

/// A change of more lines than this is shown up to here, with a link to the whole.
const LINES_MAX: usize = 600;

/// Two texts are compared for no longer than this; what is left is shown as replaced.
const COMPARE_MAX: Duration = Duration::from_millis(20);

/// Lines around a change that are shown.
const AROUND: usize = 3;

/// A line of a change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Line {
    pub(crate) kind: Kind,
    pub(crate) text: String,
}

/// What became of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    Added,
    Removed,
    Same,
    /// It says where the lines after it stand.
    Place,
}

/// A change, as far as it is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Change {
    pub(crate) lines: Vec<Line>,
    pub(crate) is_cut: bool,
}

/// What is known of an edit.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Edit<'a> {
    /// What the tool was given.
    pub(crate) input: Option<&'a str>,
    pub(crate) file_path: Option<&'a str>,
    pub(crate) lines_added: u64,
    pub(crate) lines_removed: u64,
    /// What was replaced by what, where the sender told.
    pub(crate) replaced: Option<(&'a str, &'a str)>,
    /// What the tool gave back.
    pub(crate) output: Option<&'a str>,
}

impl Edit<'_> {
    /// Returns what was changed, where that can be told for sure.
    pub(crate) fn change(&self) -> Option<Change> {
        if let Some((old, new)) = self.replaced {
            return Some(between(old, new));
        }
        let input = self.input.unwrap_or_default();
        if input.contains("*** Begin Patch") || input.starts_with("--- ") {
            return Some(of_patch(input));
        }
        if let Some((old, new)) = self.taken_apart() {
            return Some(between(&old, &new));
        }
        self.output.filter(|output| is_patch(output)).map(of_patch)
    }

    fn taken_apart(&self) -> Option<(String, String)> {
        let rest = self.input?.strip_prefix(self.file_path?)?.strip_prefix('\n')?;
        let (added, removed) =
            (usize::try_from(self.lines_added).ok()?, usize::try_from(self.lines_removed).ok()?);
        if added == 0 && removed == 0 {
            return None;
        }
        let lines: Vec<&str> = rest.split('\n').collect();
        // A file that is written has no text before it; nothing, where it replaces, is an empty line.
        if removed == 0 && lines.len() == added {
            return Some((String::new(), rest.to_owned()));
        }
        let (old, new) = (removed.max(1), added.max(1));
        if lines.len() != old.saturating_add(new) {
            return None;
        }
        let (old, new) = (lines[..old].join("\n"), lines[old..].join("\n"));
        let fits = (removed > 0 || old.is_empty()) && (added > 0 || new.is_empty());
        fits.then_some((old, new))
    }
}

/// Returns how one text became another.
pub(crate) fn between(old: &str, new: &str) -> Change {
    let mut config = TextDiff::configure();
    config.timeout(COMPARE_MAX);
    let diff = config.diff_lines(old, new);
    let mut lines = Vec::new();
    for (nth, group) in diff.grouped_ops(AROUND).iter().enumerate() {
        if nth > 0 {
            lines.push(Line { kind: Kind::Place, text: "⋯".to_owned() });
        }
        for change in group.iter().flat_map(|op| diff.iter_changes(op)) {
            let kind = match change.tag() {
                ChangeTag::Insert => Kind::Added,
                ChangeTag::Delete => Kind::Removed,
                ChangeTag::Equal => Kind::Same,
            };
            let text = change.value().trim_end_matches(['\n', '\r']).to_owned();
            lines.push(Line { kind, text });
            if lines.len() > LINES_MAX {
                return cut(lines);
            }
        }
    }
    cut(lines)
}

/// Reads a patch.
fn of_patch(text: &str) -> Change {
    let lines = text.lines().filter(|line| !matches!(*line, "*** Begin Patch" | "*** End Patch"));
    let lines = lines.map(|line| {
        let (kind, text) = match line.as_bytes().first() {
            _ if line.starts_with("+++") || line.starts_with("---") => (Kind::Place, line),
            Some(b'+') => (Kind::Added, &line[1..]),
            Some(b'-') => (Kind::Removed, &line[1..]),
            Some(b'@' | b'*') => (Kind::Place, line),
            Some(b' ') => (Kind::Same, &line[1..]),
            _ => (Kind::Same, line),
        };
        Line { kind, text: text.to_owned() }
    });
    cut(lines.take(LINES_MAX + 1).collect())
}

/// Returns whether every line of a text says what became of it.
fn is_patch(text: &str) -> bool {
    let mut lines = text.lines();
    lines.clone().any(|line| line.starts_with(['+', '-']))
        && lines.all(|line| line.starts_with(['+', '-', ' ', '\\', '@']) || line == "…")
}

fn cut(mut lines: Vec<Line>) -> Change {
    let is_cut = lines.len() > LINES_MAX;
    lines.truncate(LINES_MAX);
    Change { lines, is_cut }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_replaced_is_found_by_its_lines() {
        let edit = |input, added, removed| Edit {
            input: Some(input),
            file_path: Some("a.rs"),
            lines_added: added,
            lines_removed: removed,
            ..Edit::default()
        };
        check(edit("a.rs\none\ntwo\none\n2", 2, 2), Some(" one\n-two\n+2"));
        check(edit("a.rs\nnew", 1, 0), Some("+new"));
        check(edit("a.rs\n\nnew", 1, 0), Some("+new"));
        check(edit("a.rs\nold\n", 0, 1), Some("-old"));
        check(edit("a.rs\nold\nnew\nmore", 1, 1), None);
        check(edit("b.rs\nold\nnew", 1, 1), None);
        check(edit("a.rs\nold\nnew", 0, 0), None);
        check(edit("a.rs\nold\nnew", u64::MAX, 1), None);
    }

    #[test]
    fn patches_are_read_as_they_are() {
        let input = "*** Begin Patch\n*** Update File: a\n@@\n-old\n+new\n same\n*** End Patch";
        let patch = Edit { input: Some(input), ..Edit::default() };
        check(patch, Some("@*** Update File: a\n@@@\n-old\n+new\n same"));
        let told = Edit { output: Some(" same\n-old\n+new"), ..Edit::default() };
        check(told, Some(" same\n-old\n+new"));
        check(Edit { output: Some("The file was updated\n+ x"), ..Edit::default() }, None);
        let both = Edit { replaced: Some(("a\nb", "a\nc")), ..Edit::default() };
        check(both, Some(" a\n-b\n+c"));
    }

    #[test]
    fn a_huge_change_is_cut() {
        let (old, new) = ("a\n".repeat(5000), "b\n".repeat(5000));
        let change = between(&old, &new);
        assert_eq!((change.lines.len(), change.is_cut), (LINES_MAX, true));
    }

    fn check(edit: Edit<'_>, expected: Option<&str>) {
        let shown = edit.change().map(|change| {
            let lines = change.lines.iter().map(|line| {
                let sign = match line.kind {
                    Kind::Added => '+',
                    Kind::Removed => '-',
                    Kind::Same => ' ',
                    Kind::Place => '@',
                };
                format!("{sign}{}", line.text)
            });
            lines.collect::<Vec<_>>().join("\n")
        });
        assert_eq!(shown.as_deref(), expected, "{edit:?}");
    }
}
