//! What is wrong with a script: from the engine's words to places that a person can go to.

use oriel_wire::compute::{Diagnostic, Severity, Span};
use runmat_core::RunError;
use runmat_core::abi::{DiagnosticSeverity, RuntimeDiagnostic};

use super::values::cut;
use crate::provider::Provider;

/// How much of a line is shown.
const LINE_BYTES_MAX: usize = 400;

/// The script that ran, to find places in it.
pub(super) struct Text<'a> {
    pub(super) name: &'a str,
    pub(super) text: Option<&'a str>,
    pub(super) provider: &'a Provider,
}

impl Text<'_> {
    /// What the engine says of a script that ran.
    pub(super) fn diagnostic(&self, said: RuntimeDiagnostic) -> Diagnostic {
        let severity = match said.severity {
            DiagnosticSeverity::Error => Severity::Error,
            DiagnosticSeverity::Warning => Severity::Warning,
            DiagnosticSeverity::Info | DiagnosticSeverity::Hint => Severity::Note,
        };
        let span = said.span.map(|span| (span.start, span.end));
        self.told(severity, &said.code, &said.message, span, said.callstack)
    }

    /// Why a script did not run at all.
    pub(super) fn error(&self, error: &RunError) -> Diagnostic {
        let (code, message, span, stack) = match error {
            RunError::Syntax(error) => {
                let found = error.found_token.as_ref().map_or(1, String::len);
                let span = Some((error.position, error.position + found));
                (None, error.message.clone(), span, Vec::new())
            }
            RunError::Semantic(error) => {
                let span = error.span.map(|span| (span.start, span.end));
                (error.identifier.clone(), error.message.clone(), span, Vec::new())
            }
            RunError::Compile(error) => {
                let span = error.span.map(|span| (span.start, span.end));
                (error.identifier.clone(), error.message.clone(), span, Vec::new())
            }
            RunError::Runtime(error) => {
                let span = error.span.as_ref();
                let span = span.map(|span| (span.offset(), span.offset() + span.len()));
                let stack = error.context.call_stack.clone();
                (error.identifier.clone(), error.message.clone(), span, stack)
            }
        };
        let code = code.unwrap_or_else(|| match error {
            RunError::Syntax(_) => "RunMat:SyntaxError".to_owned(),
            _ => "RunMat:Error".to_owned(),
        });
        self.told(Severity::Error, &code, &message, span, stack)
    }

    fn told(
        &self,
        severity: Severity,
        code: &str,
        message: &str,
        span: Option<(usize, usize)>,
        stack: Vec<String>,
    ) -> Diagnostic {
        // The engine counts in the text of the function that failed, which may lie in another file.
        let elsewhere = stack.first().and_then(|frame| frame_file(frame));
        let (file, text) = match elsewhere.filter(|file| *file != self.name) {
            Some(file) => (file.to_owned(), self.provider.text(file.as_ref())),
            None => (self.name.to_owned(), self.text.map(str::to_owned)),
        };
        let place = span.zip(text.as_deref()).map(|(span, text)| place(text, span.0, span.1));
        Diagnostic {
            severity,
            code: code.to_owned(),
            message: message.to_owned(),
            file: Some(file),
            span: place.as_ref().map(|(span, _)| *span),
            line: place.map(|(_, line)| line),
            stack,
        }
    }
}

/// The file of `function @ file:line:column`.
fn frame_file(frame: &str) -> Option<&str> {
    let (_, place) = frame.split_once(" @ ")?;
    let (place, _column) = place.rsplit_once(':')?;
    let (file, _line) = place.rsplit_once(':')?;
    Some(file)
}

/// Returns where bytes of a text are, and the line they begin on.
fn place(text: &str, start: usize, end: usize) -> (Span, String) {
    let start = boundary(text, start);
    let end = boundary(text, end.max(start));
    let (start_line, start_column) = line_and_column(text, start);
    let (end_line, end_column) = line_and_column(text, end);
    let line = text.lines().nth(start_line as usize - 1).unwrap_or_default();
    let span = Span { start_line, start_column, end_line, end_column };
    (span, cut(line, LINE_BYTES_MAX).to_owned())
}

fn boundary(text: &str, at: usize) -> usize {
    let at = at.min(text.len());
    (0..=at).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

fn line_and_column(text: &str, at: usize) -> (u32, u32) {
    let before = &text[..at];
    let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
    let begins = before.rfind('\n').map_or(0, |newline| newline + 1);
    let column = before[begins..].encode_utf16().count() + 1;
    let small = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    (small(line), small(column))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, bytes: (usize, usize), expected: [u32; 4], line: &str) {
        let (span, shown) = place(text, bytes.0, bytes.1);
        let told = [span.start_line, span.start_column, span.end_line, span.end_column];
        assert_eq!((told, shown.as_str()), (expected, line), "{text:?} {bytes:?}");
    }

    #[test]
    fn places_count_lines_and_what_editors_count_as_columns() {
        check("x = y;\n", (4, 5), [1, 5, 1, 6], "x = y;");
        check("a\nbb\r\nc", (2, 4), [2, 1, 2, 3], "bb");
        check("ä = 😀y", (9, 10), [1, 7, 1, 8], "ä = 😀y");
        check("ä", (1, 1), [1, 1, 1, 1], "ä");
        check("x", (99, 100), [1, 2, 1, 2], "x");
        check("", (0, 1), [1, 1, 1, 1], "");
        check("x = [1\n 2", (4, 9), [1, 5, 2, 3], "x = [1");
    }

    #[test]
    fn a_frame_names_its_file() {
        assert_eq!(frame_file("f @ a b.m:3:5"), Some("a b.m"));
        assert_eq!(frame_file("f"), None);
    }
}
