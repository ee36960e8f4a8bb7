//! Two changes of one text put together.
//!
//! Lines that only one side changed are taken from it. Where both changed the same lines, or lines that
//! touch, and not to the same, both versions are kept between markers and told as a conflict. How lines
//! end, and whether the last one does, are changes of their own: whoever turns a file to CRLF is in
//! nobody's way.
#![forbid(unsafe_code)]

mod lines;
mod pieces;

#[cfg(test)]
mod tests;

use std::ops::Range;

use self::lines::{Form, Text};
use self::pieces::Piece;

/// The longest text that is merged. A person merges what is longer with a tool of their own.
pub const MERGE_BYTES_MAX: usize = 4 * 1024 * 1024;

/// The most lines of a text that is merged. Texts can be made so that twice the lines take four times as long
/// to compare; so many take about a second at the worst.
pub const MERGE_LINES_MAX: usize = 30_000;

/// A zero byte before this makes bytes no text; the rest is not searched for one.
const LOOKED_AT_BYTES: usize = 8000;

/// Two changes of one text, put together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Merged {
    /// The text, with markers around what is in conflict.
    pub text: String,
    /// What is in conflict, in the order of the text.
    pub conflicts: Vec<Hunk>,
}

/// A place that both sides changed. Lines are counted from 0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hunk {
    /// Its lines in the merged text, with the markers.
    pub merged: Range<usize>,
    /// The lines of the base that were changed.
    pub base: Range<usize>,
    /// What the local side made of them.
    pub local: Range<usize>,
    /// What the upstream side made of them.
    pub upstream: Range<usize>,
}

/// What stands beside the markers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Labels<'a> {
    /// Of the local version.
    pub local: &'a str,
    /// Of the upstream version.
    pub upstream: &'a str,
}

impl Default for Labels<'_> {
    fn default() -> Self {
        Self { local: "local", upstream: "upstream" }
    }
}

/// Which of three versions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// What both began with.
    Base,
    /// What is here.
    Local,
    /// What is there.
    Upstream,
}

/// Bytes cannot be merged as texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unmergeable {
    /// They are no text.
    #[error("the {which} version is no text; keep one of the versions")]
    Binary {
        /// Whose.
        which: Which,
    },
    /// They are too long.
    #[error(
        "the {which} version has {bytes} bytes and at most {MERGE_BYTES_MAX} are merged; merge it with another tool"
    )]
    Long {
        /// Whose.
        which: Which,
        /// How many there are.
        bytes: usize,
    },
    /// They are too many lines.
    #[error(
        "the {which} version has {lines} lines and at most {MERGE_LINES_MAX} are merged; merge it with another tool"
    )]
    ManyLines {
        /// Whose.
        which: Which,
        /// How many there are.
        lines: usize,
    },
}

impl std::fmt::Display for Which {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Base => "base",
            Self::Local => "local",
            Self::Upstream => "upstream",
        })
    }
}

impl Merged {
    /// Returns whether nothing is in conflict.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.conflicts.is_empty()
    }
}

/// Puts the changes from `base` to `local` and from `base` to `upstream` together.
///
/// # Errors
/// Where one of them is no text in UTF-8, or too long, or of too many lines.
pub fn merge(
    base: &[u8],
    local: &[u8],
    upstream: &[u8],
    labels: Labels<'_>,
) -> Result<Merged, Unmergeable> {
    let base = text(base, Which::Base)?;
    let local = text(local, Which::Local)?;
    let upstream = text(upstream, Which::Upstream)?;
    let (form, [base, local, upstream]) = Form::of([base, local, upstream]);
    let pieces = pieces::pieces(&base.lines, &local.lines, &upstream.lines);
    Ok(Writer::new(form, labels).write(&pieces, &local, &upstream))
}

fn text(bytes: &[u8], which: Which) -> Result<&str, Unmergeable> {
    if MERGE_BYTES_MAX < bytes.len() {
        return Err(Unmergeable::Long { which, bytes: bytes.len() });
    }
    let looked_at = &bytes[..bytes.len().min(LOOKED_AT_BYTES)];
    if looked_at.contains(&0) {
        return Err(Unmergeable::Binary { which });
    }
    let text = std::str::from_utf8(bytes).map_err(|_| Unmergeable::Binary { which })?;
    let lines = text.lines().count();
    if MERGE_LINES_MAX < lines {
        return Err(Unmergeable::ManyLines { which, lines });
    }
    Ok(text)
}

/// Writes the merged text, line by line.
struct Writer<'a> {
    form: Form,
    labels: Labels<'a>,
    text: String,
    lines: usize,
    conflicts: Vec<Hunk>,
}

impl<'a> Writer<'a> {
    fn new(form: Form, labels: Labels<'a>) -> Self {
        Self { form, labels, text: String::new(), lines: 0, conflicts: Vec::new() }
    }

    fn write(mut self, pieces: &[Piece], local: &Text<'_>, upstream: &Text<'_>) -> Merged {
        for piece in pieces {
            match piece {
                Piece::Local(range) => self.lines(&local.lines[range.clone()]),
                Piece::Upstream(range) => self.lines(&upstream.lines[range.clone()]),
                Piece::Conflict { base, local: here, upstream: there } => {
                    let first = self.lines;
                    self.marker("<<<<<<<", self.labels.local);
                    self.lines(&local.lines[here.clone()]);
                    self.marker("=======", "");
                    self.lines(&upstream.lines[there.clone()]);
                    self.marker(">>>>>>>", self.labels.upstream);
                    self.conflicts.push(Hunk {
                        merged: first..self.lines,
                        base: base.clone(),
                        local: here.clone(),
                        upstream: there.clone(),
                    });
                }
            }
        }
        // A marker is a line of its own, whatever follows it.
        let ends_with_marker = matches!(pieces.last(), Some(Piece::Conflict { .. }));
        if !self.form.last_line_ends && !ends_with_marker {
            self.open_last_line();
        }
        Merged { text: self.text, conflicts: self.conflicts }
    }

    /// Takes the end of the last line away. An empty line is nothing but its end and would be lost with
    /// it, so it keeps that.
    fn open_last_line(&mut self) {
        let ending = self.form.ending;
        let Some(open) = self.text.strip_suffix(ending) else { return };
        if !open.is_empty() && !open.ends_with(ending) {
            self.text.truncate(open.len());
        }
    }

    fn lines(&mut self, lines: &[&str]) {
        for line in lines {
            self.text.push_str(line);
            self.text.push_str(self.form.ending);
        }
        self.lines += lines.len();
    }

    fn marker(&mut self, marker: &str, label: &str) {
        // A label of several lines would be text.
        let label = label.lines().next().unwrap_or_default();
        let line = if label.is_empty() { marker.to_owned() } else { format!("{marker} {label}") };
        self.lines(&[&line]);
    }
}
