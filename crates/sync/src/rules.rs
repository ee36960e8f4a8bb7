//! What sync leaves alone, as the engines ask for it.
#![forbid(unsafe_code)]

mod found;

use std::fmt;
use std::sync::Arc;

use oriel_wire::sync::RelPath;

use crate::ignore::Rules;

pub use found::{ERRORS_MAX, FOLDERS_MAX, Found, find};

/// Says of a path, and whether it is a folder, whether it is left out by itself.
type Rule = dyn Fn(&RelPath, bool) -> bool + Send + Sync;

/// What is left out. A path in a folder that is left out is as well.
#[derive(Clone)]
pub struct LeftOut(Arc<Rule>);

impl fmt::Debug for LeftOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LeftOut")
    }
}

impl LeftOut {
    /// Leaves out what the rule says, and what is in it.
    pub fn new(rule: impl Fn(&RelPath, bool) -> bool + Send + Sync + 'static) -> Self {
        Self(Arc::new(rule))
    }

    /// Leaves out nothing.
    #[must_use]
    pub fn nothing() -> Self {
        Self::new(|_, _| false)
    }

    /// Returns whether a path is left out, or a folder that it is in.
    #[must_use]
    pub fn has(&self, path: &RelPath, is_folder: bool) -> bool {
        (self.0)(path, is_folder) || path.ancestors().any(|folder| (self.0)(&folder, true))
    }
}

/// Leaves out what these rules say.
#[must_use]
pub fn left_out(rules: Arc<Rules>) -> LeftOut {
    // The folders above are asked about one by one already.
    LeftOut::new(move |path, is_folder| rules.why_itself(path, is_folder).is_some())
}
