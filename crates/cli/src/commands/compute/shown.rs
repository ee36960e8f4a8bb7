//! What a person is shown of variables and of what is wrong.

use std::fmt::Write as _;
use std::io::Write as _;

use oriel_wire::compute::{Diagnostic, FigureBrief, Restored, Severity, Variable};
use unicode_width::UnicodeWidthStr as _;

use crate::text::plain;

/// Says something beside the output.
pub(super) fn to_person(text: &str) {
    // With standard error closed there is nobody to tell.
    _ = std::io::stderr().write_all(plain(text).as_bytes());
}

/// Returns what is wrong, with its place, its line, and marks beneath it.
pub(super) fn diagnostic(said: &Diagnostic) -> String {
    let word = match said.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "note",
    };
    let file = said.file.as_deref().unwrap_or_default();
    let mut text = String::new();
    // Writing into a string cannot fail.
    let _ = match &said.span {
        Some(span) => write!(text, "{file}:{}:{}: ", span.start_line, span.start_column),
        None if file.is_empty() => Ok(()),
        None => write!(text, "{file}: "),
    };
    let _ = writeln!(text, "{word}: {} [{}]", said.message, said.code);
    if let (Some(span), Some(line)) = (&said.span, &said.line) {
        let units: Vec<u16> = line.encode_utf16().collect();
        let width = |from: usize, to: usize| {
            let part = units.get(from.min(units.len())..to.min(units.len())).unwrap_or_default();
            String::from_utf16_lossy(part).replace('\t', " ").width()
        };
        let start = span.start_column as usize - 1;
        let end = match span.end_line == span.start_line {
            true => span.end_column as usize - 1,
            false => units.len(),
        };
        let indent = " ".repeat(width(0, start));
        let marks = "^".repeat(width(start, end).max(1));
        let _ = writeln!(text, "  {}\n  {indent}{marks}", line.replace('\t', " "));
    }
    for frame in &said.stack {
        let _ = writeln!(text, "  in {frame}");
    }
    text
}

/// Returns the figures that a run changed, a line for each.
pub(super) fn figures(figures: &[FigureBrief], changed: &[u32]) -> String {
    let mut text = String::new();
    for figure in figures.iter().filter(|figure| changed.contains(&figure.figure)) {
        let FigureBrief { figure, title, plots } = figure;
        let title = if title.is_empty() { "without a title" } else { title };
        let plots = crate::text::counted(i64::from(*plots), "plot", "plots");
        // Writing into a string cannot fail.
        let _ = writeln!(text, "figure {figure}: {title}, {plots}; the workbench draws it");
    }
    text
}

/// Returns what came back of a session that was ended by force.
pub(super) fn restored(restored: Option<&Restored>) -> String {
    let Some(Restored { variables, lost }) = restored else {
        return "the session began anew; there were no variables to bring back\n".to_owned();
    };
    let named = |names: &[String]| if names.is_empty() { "none".into() } else { names.join(", ") };
    let back = format!("the session began anew; variables that came back: {}", named(variables));
    if lost.is_empty() { back + "\n" } else { format!("{back}; lost: {}\n", named(lost)) }
}

/// Returns variables as a table.
pub(super) fn variables(variables: &[Variable], more: u64) -> String {
    if variables.is_empty() {
        return "no variables\n".to_owned();
    }
    let shape = |variable: &Variable| {
        let many: Vec<String> = variable.shape.iter().map(u64::to_string).collect();
        many.join("x")
    };
    let widest = |of: &dyn Fn(&Variable) -> usize| variables.iter().map(of).max().unwrap_or(0);
    let name = widest(&|variable| variable.name.width());
    let size = widest(&|variable| shape(variable).width());
    let class = widest(&|variable| variable.class.width());
    let mut text = String::new();
    for variable in variables {
        let Variable { name: called, class: of, preview, .. } = variable;
        let line = format!("{called:name$}  {:size$}  {of:class$}  {preview}", shape(variable));
        // Writing into a string cannot fail.
        let _ = writeln!(text, "{}", line.trim_end());
    }
    if more > 0 {
        let _ = writeln!(text, "and {more} more");
    }
    text
}

#[cfg(test)]
mod tests {
    use oriel_wire::compute::Span;

    use super::*;

    #[test]
    fn what_is_wrong_is_marked_beneath_its_line() {
        let said = |line: &str, columns: (u32, u32)| {
            diagnostic(&Diagnostic {
                severity: Severity::Error,
                code: "RunMat:UndefinedVariable".into(),
                message: "there is no y".into(),
                file: Some("a.m".into()),
                span: Some(Span {
                    start_line: 3,
                    start_column: columns.0,
                    end_line: 3,
                    end_column: columns.1,
                }),
                line: Some(line.into()),
                stack: vec!["f @ a.m:3:5".into()],
            })
        };
        let text = said("x = yy;", (5, 7));
        let expected = "a.m:3:5: error: there is no y [RunMat:UndefinedVariable]\n  x = yy;\n      \
                        ^^\n  in f @ a.m:3:5\n";
        assert_eq!(text, expected);
        assert!(
            said("漢 = y", (5, 6)).contains("\n  漢 = y\n       ^\n"),
            "{}",
            said("漢 = y", (5, 6))
        );
        assert!(said("", (9, 9)).contains("\n  ^\n"));
    }

    #[test]
    fn figures_that_changed_and_variables_that_came_back_are_named() {
        let figure =
            |figure, title: &str| FigureBrief { figure, title: title.into(), plots: figure };
        let all = [figure(1, "Squares"), figure(2, "")];
        assert_eq!(figures(&all, &[1]), "figure 1: Squares, 1 plot; the workbench draws it\n");
        assert!(figures(&all, &[2]).starts_with("figure 2: without a title, 2 plots;"));
        assert_eq!(figures(&all, &[]), "");
        let came = Restored { variables: vec!["x".into(), "y".into()], lost: vec!["f".into()] };
        assert!(restored(Some(&came)).ends_with("came back: x, y; lost: f\n"));
        let came = Restored { variables: vec![], lost: vec![] };
        assert!(restored(Some(&came)).ends_with("came back: none\n"));
        assert!(restored(None).contains("no variables"));
    }

    #[test]
    fn variables_stand_in_columns() {
        let variable = |name: &str, preview: &str| Variable {
            name: name.into(),
            class: "double".into(),
            shape: vec![1, 3],
            bytes: None,
            preview: preview.into(),
            is_kept: true,
        };
        let text = variables(&[variable("x", "1 2 3"), variable("long", "")], 1);
        assert_eq!(text, "x     1x3  double  1 2 3\nlong  1x3  double\nand 1 more\n");
        assert_eq!(variables(&[], 0), "no variables\n");
    }
}
