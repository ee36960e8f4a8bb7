//! Functions beside a script that cannot be compiled, and which of them is at fault.
//!
//! The engine compiles a script together with all functions of its folder and says where something is
//! wrong without saying in which file. So each file is looked at alone: what is wrong with the one at fault
//! is the same as what is wrong with all of them together.

use std::collections::HashMap;

use oriel_wire::compute::{Diagnostic, Severity};
use runmat_core::{CompatMode, RunError};
use runmat_hir::{HirError, LoweringContext};
use runmat_parser::{ParserOptions, parse_with_options};

use super::wrong::Text;
use crate::provider::Provider;

/// So many files are left out. A script with more of them beside it does not run.
pub(super) const LEFT_OUT_MAX: usize = 64;

/// A file that is left out, and what is wrong with it.
#[derive(Debug)]
pub(super) struct LeftOut {
    pub(super) file: String,
    pub(super) said: Diagnostic,
}

/// Returns the file beside a script for which it cannot be compiled, where it is not the script's own
/// fault.
pub(super) fn at_fault(
    error: &RunError,
    provider: &Provider,
    script: &str,
    files: &[String],
) -> Option<LeftOut> {
    let RunError::Semantic(together) = error else { return None };
    let file = files.iter().filter(|file| *file != script).find(|file| {
        let text = provider.text(file.as_ref());
        text.and_then(|text| alone(&text))
            .is_some_and(|alone| alone.message == together.message && alone.span == together.span)
    })?;
    let text = provider.text(file.as_ref());
    let said = Text { name: file, text: text.as_deref(), provider }.error(error);
    let message = format!("it is left out, since it cannot be compiled: {}", said.message);
    let said = Diagnostic { severity: Severity::Warning, message, ..said };
    Some(LeftOut { file: file.clone(), said })
}

/// What is wrong with a text alone.
fn alone(text: &str) -> Option<HirError> {
    // One that is no text of the language at all is not compiled along.
    let program = parse_with_options(text, ParserOptions::new(CompatMode::Matlab)).ok()?;
    let variables = HashMap::new();
    runmat_hir::lower(&program, &LoweringContext::new(&variables)).err()
}
