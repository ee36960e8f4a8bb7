//! How often the page went from a quick way to a slower one, and why.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// Further kinds of steps are not kept apart: there are four ways, so no page of ours has as many.
const KINDS_MAX: usize = 32;

/// A step: from which way, to which.
type Kind = (String, String);

/// Steps that were taken since the desktop started.
#[derive(Debug, Default)]
pub(crate) struct Steps(Mutex<BTreeMap<Kind, Taken>>);

#[derive(Debug)]
struct Taken {
    count: u64,
    /// Why, the last time.
    reason: String,
}

impl Steps {
    /// Counts one.
    pub(super) fn take(&self, from: &str, to: &str, reason: &str) {
        let mut steps = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let kind = (from.to_owned(), to.to_owned());
        if !steps.contains_key(&kind) && KINDS_MAX <= steps.len() {
            return;
        }
        let taken = steps.entry(kind).or_insert(Taken { count: 0, reason: String::new() });
        taken.count = taken.count.saturating_add(1);
        reason.clone_into(&mut taken.reason);
    }

    /// Returns them in words, for diagnostics.
    pub(crate) fn says(&self) -> Vec<String> {
        let steps = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let says = steps.iter().map(|((from, to), Taken { count, reason })| {
            format!("{from} to {to}: {count} ({reason})")
        });
        says.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_counted_by_kind_and_not_without_end() {
        let steps = Steps::default();
        steps.take("extension", "command", "it is not here");
        steps.take("extension", "command", "it failed");
        steps.take("command", "text", "asked for");
        assert_eq!(
            steps.says(),
            ["command to text: 1 (asked for)", "extension to command: 2 (it failed)"]
        );
        for nth in 0..1000 {
            steps.take(&nth.to_string(), "x", "");
        }
        assert_eq!(steps.says().len(), KINDS_MAX);
    }
}
