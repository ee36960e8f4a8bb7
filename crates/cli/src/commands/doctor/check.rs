//! What one check found.

use serde::Serialize;

use crate::output::Style;
use crate::table::Cell;

/// One check: what was looked at, what was found, and what to do about it.
#[derive(Debug, Serialize)]
pub(super) struct Check {
    pub(super) name: &'static str,
    pub(super) verdict: Verdict,
    pub(super) finding: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) advice: Option<String>,
}

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Verdict {
    Ok,
    Warn,
    Fail,
}

impl Check {
    /// Nothing is to be done.
    pub(super) fn ok(name: &'static str, finding: impl Into<String>) -> Self {
        Self { name, verdict: Verdict::Ok, finding: finding.into(), advice: None }
    }

    /// It works, and yet something should be done.
    pub(super) fn warn(
        name: &'static str,
        finding: impl Into<String>,
        advice: impl Into<String>,
    ) -> Self {
        let advice = Some(advice.into());
        Self { name, verdict: Verdict::Warn, finding: finding.into(), advice }
    }

    /// It does not work until something is done.
    pub(super) fn fail(
        name: &'static str,
        finding: impl Into<String>,
        advice: impl Into<String>,
    ) -> Self {
        let advice = Some(advice.into());
        Self { name, verdict: Verdict::Fail, finding: finding.into(), advice }
    }

    /// Returns the lines of a table that show it.
    pub(super) fn rows(&self) -> impl Iterator<Item = [Cell; 3]> {
        let (style, word) = match self.verdict {
            Verdict::Ok => (Style::Good, "ok"),
            Verdict::Warn => (Style::Doubtful, "warn"),
            Verdict::Fail => (Style::Bad, "fail"),
        };
        let finding = [Cell::new(style, word), Cell::plain(self.name), Cell::plain(&self.finding)];
        let advice = self.advice.iter().map(|advice| {
            [Cell::plain(""), Cell::plain(""), Cell::new(Style::Strong, format!("→ {advice}"))]
        });
        std::iter::once(finding).chain(advice)
    }
}
