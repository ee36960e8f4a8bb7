//! How many lines an edit adds and removes, by the one rule that every source is counted with, so
//! that it does not matter who tells of it.

/// What an edit did to a file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Edit {
    pub file_path: Option<String>,
    pub lines_added: u64,
    pub lines_removed: u64,
}

/// Returns the number of lines of a text that is written or replaced: one more than its line ends,
/// and none where it is empty.
pub(crate) fn lines(text: &str) -> u64 {
    if text.is_empty() { 0 } else { memchr::memchr_iter(b'\n', text.as_bytes()).count() as u64 + 1 }
}

/// Reads a patch in the form of `apply_patch`. The path is the first file's.
pub(crate) fn patch(text: &str) -> Edit {
    let mut edit = Edit::default();
    for line in text.lines() {
        let file = ["*** Update File: ", "*** Add File: ", "*** Delete File: "]
            .iter()
            .find_map(|header| line.strip_prefix(header));
        if let Some(path) = file {
            if edit.file_path.is_none() {
                edit.file_path = Some(path.trim().to_owned());
            }
        } else if line.starts_with('+') && !line.starts_with("+++") {
            edit.lines_added += 1;
        } else if line.starts_with('-') && !line.starts_with("---") {
            edit.lines_removed += 1;
        }
    }
    edit
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_has_one_line_more_than_it_has_line_ends() {
        for (text, expected) in [("", 0), ("a", 1), ("a\nb", 2), ("a\nb\n", 3)] {
            assert_eq!(lines(text), expected, "{text:?}");
        }
    }

    #[test]
    fn a_patch_counts_its_lines_and_names_its_first_file() {
        let text = "*** Begin Patch\n*** Update File: a.rs\n@@\n-old\n+new\n+more\n--- x\n+++ y\n\
                    *** Add File: b.rs\n+b\n*** End Patch";
        let expected =
            Edit { file_path: Some("a.rs".to_owned()), lines_added: 3, lines_removed: 1 };
        assert_eq!(patch(text), expected);
    }
}
