//! What the tracked files must not hold: anything huge, and anything unfinished.
//!
//! A clone carries every huge file it ever had, and an unfinished mark is a promise nobody reads.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::command::{output, say};
use crate::workspace::Workspace;

const FILE_BYTES_MAX: u64 = 1_000_000;

/// Marks of unfinished work. They are put together here, or this file would be the first to fail.
const MARKS: &[&str] = &[
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
    concat!("XX", "X"),
    concat!("HA", "CK"),
    concat!("to", "do!"),
    concat!("unimplemented", "!"),
];

pub(crate) fn check(workspace: &Workspace) -> Result<()> {
    // A clone that another user owns, as in a container, is a clone all the same.
    let mut git = workspace.command("git");
    let files = output(git.args(["-c", "safe.directory=*", "ls-files", "-z"]))?;
    let mut findings = Vec::new();
    let mut count = 0;
    for name in files.split_terminator('\0') {
        let path = workspace.root.join(name);
        // A file that is tracked and gone is a deletion not yet committed; a link is small.
        if !path.symlink_metadata().is_ok_and(|metadata| metadata.is_file()) {
            continue;
        }
        count += 1;
        findings.extend(judge(name, &path)?);
    }
    if !findings.is_empty() {
        bail!("the tree holds what it must not:\n  {}", findings.join("\n  "));
    }
    say(&format!("{count} tracked files hold nothing huge and nothing unfinished"));
    Ok(())
}

fn judge(name: &str, path: &Path) -> Result<Vec<String>> {
    let context = || format!("could not read {name}");
    let bytes = path.metadata().with_context(context)?.len();
    if bytes > FILE_BYTES_MAX {
        return Ok(vec![format!(
            "{name} has {bytes} bytes and may have {FILE_BYTES_MAX}; make it smaller, or make it \
             when it is needed"
        )]);
    }
    if path.extension().is_none_or(|extension| extension != "rs") {
        return Ok(Vec::new());
    }
    Ok(unfinished(name, &String::from_utf8_lossy(&fs::read(path).with_context(context)?)))
}

fn unfinished(name: &str, text: &str) -> Vec<String> {
    let mut findings = Vec::new();
    for (index, line) in text.lines().enumerate() {
        for mark in MARKS.iter().filter(|mark| holds(line, mark)) {
            findings.push(format!(
                "{name}:{} says {mark}; finish it, refuse it with an error, or put it in the docs",
                index + 1
            ));
        }
    }
    findings
}

/// Whether the mark stands in the line as a word of its own.
fn holds(line: &str, mark: &str) -> bool {
    let in_a_word = |character: Option<char>| {
        character.is_some_and(|character| character.is_alphanumeric() || character == '_')
    };
    line.match_indices(mark).any(|(start, _)| {
        let before = line[..start].chars().next_back();
        let after = line[start + mark.len()..].chars().next();
        !in_a_word(before) && (mark.ends_with('!') || !in_a_word(after))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mark_is_found_with_its_place() {
        for mark in MARKS {
            let found = unfinished("a.rs", &format!("fn main() {{\n    // {mark}(later)\n}}\n"));
            assert_eq!(found.len(), 1, "{found:?}");
            assert!(found[0].starts_with(&format!("a.rs:2 says {mark};")), "{found:?}");
        }
    }

    #[test]
    fn a_mark_inside_a_word_is_none() {
        let mark = MARKS[0];
        for line in [format!("{mark}S"), format!("_{mark}"), mark.to_lowercase()] {
            assert_eq!(unfinished("a.rs", &line), [""; 0], "{line}");
        }
    }

    #[test]
    fn this_file_does_not_trip_over_itself() {
        assert_eq!(unfinished("tree.rs", include_str!("tree.rs")), [""; 0]);
    }
}
