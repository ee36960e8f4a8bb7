//! The versions of a path beside each other, and the text that a person makes of them.

use std::time::Duration;

use oriel_wire::sync::{ConflictTexts, VersionText};
use serde::Serialize;
use similar::{ChangeTag, TextDiff};

use crate::form::Form;
use crate::templates::plain;

/// Of a longer version so many lines are shown.
const LINES_MAX: usize = 2_000;

/// A longer version is not shown at all; the files themselves can be opened.
const SHOWN_BYTES_MAX: usize = 256 * 1024;

/// A longer text is not edited here: a form has an end, and every byte may become three in it.
const EDITED_BYTES_MAX: usize = 64 * 1024;

/// Of a longer line so much is shown.
const LINE_CHARS_MAX: usize = 2_000;

/// Two texts are compared for no longer than this; what is left counts as changed.
const COMPARE_MAX: Duration = Duration::from_millis(100);

/// One version.
#[derive(Debug, Serialize)]
pub(super) struct Column {
    title: &'static str,
    /// Whether it is what both sides began with.
    is_old: bool,
    /// What it is, where it has no lines to show.
    note: Option<String>,
    lines: Vec<Line>,
    left_out: usize,
}

/// A line of a version.
#[derive(Debug, Clone, Serialize)]
struct Line {
    text: String,
    differs: bool,
}

/// A text that is being made of both versions.
#[derive(Debug, Serialize)]
pub(super) struct Draft {
    /// It, with plain line ends.
    text: String,
    /// Whether its lines are to end as on Windows.
    has_crlf: bool,
}

/// Returns the three versions, with the lines marked in which they differ.
pub(super) fn columns(texts: &ConflictTexts) -> [Column; 3] {
    let [base, local, upstream] = [&texts.base, &texts.local, &texts.upstream].map(lines_of);
    let is_shown = |column: &Column| column.note.is_none();
    let (mut base, mut local, mut upstream) =
        (Column::of("Before", base), Column::of("Here", local), Column::of("Workspace", upstream));
    base.is_old = true;
    if is_shown(&base) {
        mark(&mut base, &mut local);
        mark(&mut base, &mut upstream);
    } else {
        mark(&mut local, &mut upstream);
    }
    let mut columns = [base, local, upstream];
    columns.iter_mut().flat_map(|column| &mut column.lines).for_each(Line::cut);
    columns
}

fn lines_of(version: &VersionText) -> Result<Vec<&str>, String> {
    Err(match version {
        VersionText::Text { text } if text.len() <= SHOWN_BYTES_MAX => {
            return Ok(text.lines().collect());
        }
        VersionText::Text { .. } => "It is too long to be shown here.".to_owned(),
        VersionText::Absent => "It is not there.".to_owned(),
        VersionText::Folder => "It is a folder.".to_owned(),
        VersionText::Link { target } => format!("It is a link to {target}"),
        VersionText::NoText => "It is no text, or too long to be shown.".to_owned(),
        VersionText::NotHere => "Its content is not on this machine yet.".to_owned(),
    })
}

impl Column {
    fn of(title: &'static str, lines: Result<Vec<&str>, String>) -> Self {
        match lines {
            Ok(lines) => Self {
                title,
                is_old: false,
                note: None,
                left_out: lines.len().saturating_sub(LINES_MAX),
                lines: lines.into_iter().take(LINES_MAX).map(Line::of).collect(),
            },
            Err(note) => {
                Self { title, is_old: false, note: Some(note), lines: Vec::new(), left_out: 0 }
            }
        }
    }
}

impl Line {
    fn of(text: &str) -> Self {
        Self { text: text.to_owned(), differs: false }
    }

    /// Leaves out the end of a long one. What is left is as it was: in some texts spaces mean something.
    fn cut(&mut self) {
        if let Some((end, _)) = self.text.char_indices().nth(LINE_CHARS_MAX) {
            self.text.truncate(end);
            self.text.push('…');
        }
    }
}

/// Marks the lines in which two versions differ.
fn mark(old: &mut Column, new: &mut Column) {
    if old.note.is_some() || new.note.is_some() {
        return;
    }
    let texts = |column: &Column| column.lines.iter().map(|line| line.text.clone()).collect();
    let (before, after): (Vec<String>, Vec<String>) = (texts(old), texts(new));
    let (before, after): (Vec<&str>, Vec<&str>) =
        (before.iter().map(String::as_str).collect(), after.iter().map(String::as_str).collect());
    let mut config = TextDiff::configure();
    config.timeout(COMPARE_MAX);
    for change in config.diff_slices(&before, &after).iter_all_changes() {
        match change.tag() {
            ChangeTag::Delete => {
                if let Some(line) = change.old_index().and_then(|at| old.lines.get_mut(at)) {
                    line.differs = true;
                }
            }
            ChangeTag::Insert => {
                if let Some(line) = change.new_index().and_then(|at| new.lines.get_mut(at)) {
                    line.differs = true;
                }
            }
            ChangeTag::Equal => {}
        }
    }
}

impl Draft {
    /// Begins with both changes in one text, or with the version that there is. A text that a form would
    /// give back as another is not edited here.
    pub(super) fn of(texts: &ConflictTexts) -> Option<Self> {
        let versions = [&texts.local, &texts.upstream].into_iter();
        let version = versions.into_iter().find_map(|version| match version {
            VersionText::Text { text } => Some(text),
            _ => None,
        });
        let text = texts.merged.as_ref().map(|merged| &merged.text).or(version)?;
        let crlf = text.matches("\r\n").count();
        let has_crlf = 0 < crlf && crlf == text.matches('\n').count();
        let text = if has_crlf { text.replace("\r\n", "\n") } else { text.clone() };
        // Characters that a page makes visible would come back as what stands for them.
        let comes_back = !text.contains('\r') && plain(&text) == text;
        (comes_back && text.len() <= EDITED_BYTES_MAX).then_some(Self { text, has_crlf })
    }

    /// Takes what a form gave: a browser ends every line with two characters.
    pub(super) fn typed(text: &str, form: &Form) -> Self {
        Self { text: text.replace("\r\n", "\n"), has_crlf: form.get("ends") == Some("crlf") }
    }

    /// Returns the text as it is to be.
    pub(super) fn content(self) -> String {
        if self.has_crlf { self.text.replace('\n', "\r\n") } else { self.text }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_marked_where_a_side_changed_them() {
        let texts = |base: Option<&str>| {
            let text = |text: &str| VersionText::Text { text: text.to_owned() };
            let base = base.map_or(VersionText::Absent, text);
            columns(&texts_of(base, text("a\nB\nc\n"), text("a\nb\nc\nd\n")))
        };
        assert_eq!(marked(&texts(Some("a\nb\nc\n"))), [vec!["b"], vec!["B"], vec!["d"]]);
        assert_eq!(marked(&texts(None)), [vec![], vec!["B"], vec!["b", "d"]]);
    }

    #[test]
    fn long_and_odd_versions_are_told_of_and_not_shown() {
        let long = VersionText::Text { text: "x\n".repeat(3 * LINES_MAX) };
        let huge = VersionText::Text { text: "x".repeat(SHOWN_BYTES_MAX + 1) };
        let found = columns(&texts_of(long, huge, VersionText::NoText));
        assert_eq!((found[0].lines.len(), found[0].left_out), (LINES_MAX, 2 * LINES_MAX));
        assert!(found[1].note.is_some() && found[2].note.is_some());
    }

    #[test]
    fn a_line_keeps_its_spaces_and_only_the_end_of_a_long_one_is_left_out() {
        let text = |text: &str| VersionText::Text { text: text.to_owned() };
        let long = "x".repeat(LINE_CHARS_MAX);
        let [base, local, _] = columns(&texts_of(
            text(&format!("  a  b\n{long}y\n")),
            text(&format!("\ta  b\n{long}z\n")),
            VersionText::Absent,
        ));
        let shown = |column: &Column| -> Vec<String> {
            column.lines.iter().map(|line| line.text.clone()).collect()
        };
        assert_eq!(shown(&base), ["  a  b".to_owned(), format!("{long}…")]);
        assert_eq!(shown(&local), ["\ta  b".to_owned(), format!("{long}…")]);
        assert!(local.lines.iter().all(|line| line.differs), "beyond what is shown as well");
    }

    #[test]
    fn a_text_goes_through_the_form_and_comes_back_as_it_was() {
        for text in ["", "a", "\na\n", "a\r\nb\r\n", "tab\tü\n"] {
            let local = VersionText::Text { text: text.to_owned() };
            let draft = Draft::of(&texts_of(VersionText::Absent, local, VersionText::Absent));
            let draft = draft.unwrap();
            let ends = if draft.has_crlf { "ends=crlf" } else { "ends=lf" };
            // As a browser sends it.
            let sent = draft.text.replace('\n', "\r\n");
            let back = Draft::typed(&sent, &Form::parse(ends.as_bytes())).content();
            assert_eq!(back, text);
        }
    }

    #[test]
    fn what_a_form_would_change_is_not_edited_in_it() {
        let long = "x".repeat(EDITED_BYTES_MAX + 1);
        for text in ["a\r\nb\n", "a\rb", "\u{200b}", "\u{1b}[2J", &long] {
            let local = VersionText::Text { text: text.to_owned() };
            let texts = texts_of(VersionText::Absent, local, VersionText::Absent);
            assert!(Draft::of(&texts).is_none(), "{text:.10?}");
        }
    }

    fn marked(columns: &[Column; 3]) -> [Vec<&str>; 3] {
        columns.each_ref().map(|column| {
            let lines = column.lines.iter().filter(|line| line.differs);
            lines.map(|line| line.text.as_str()).collect()
        })
    }

    fn texts_of(base: VersionText, local: VersionText, upstream: VersionText) -> ConflictTexts {
        use oriel_wire::sync::{Conflict, ConflictKind, RelPath};
        let conflict = Conflict {
            id: 1,
            path: RelPath::parse("a").unwrap(),
            kind: ConflictKind::EditEdit,
            base: None,
            local: None,
            upstream: None,
            mergeable: false,
            since: 0,
        };
        ConflictTexts { conflict, base, local, upstream, merged: None }
    }
}
