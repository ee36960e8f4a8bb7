//! What a reader of a rollout knows, so that it can go on after any line.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::history::History;
use super::is_uuid;
use super::usage::Usage;
use crate::draft::clip;

/// The longest name or path that is remembered, in UTF-16 units. What is longer is cut.
const WORD_UNITS_MAX: usize = 300;

/// How many tool calls are remembered whose output is still to come. Beyond it the oldest is
/// forgotten; its output then tells of a call without a name, which the store joins all the same.
const OPEN_MAX: usize = 16;

/// What a reader of a rollout knows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
#[serde(default)]
pub(crate) struct State {
    pub session: String,
    pub has_meta: bool,
    pub cwd: Option<String>,
    pub branch: Option<String>,
    pub model: Option<String>,
    pub effort: Option<String>,
    pub permission_mode: Option<String>,
    pub turn: Option<String>,
    pub history: History,
    /// The last running totals.
    pub totals: Option<Usage>,
    /// The usage that was told last.
    pub last_usage: Option<Usage>,
    /// The response whose usage was told last.
    pub last_response: Option<String>,
    /// Whether each response's usage is recorded by itself, so that totals tell nothing new.
    pub has_records: bool,
    /// Whether prompts are told by themselves, so that messages of users tell nothing new.
    pub has_prompts: bool,
    /// The prompt and the answer that were told last, for their other tellings.
    pub prompt: Option<Mark>,
    pub answer: Option<Mark>,
    pub error: Option<String>,
    pub counts: Counts,
    pub sums: Sums,
    pub open: Vec<Open>,
    /// Whether anything was told.
    pub told: bool,
    pub last_ms: Option<i64>,
}

/// Words that were told, and by which kind of record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
pub(crate) struct Mark {
    pub digest: String,
    pub by: String,
}

/// How many there were of each thing that has no name of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(default)]
pub(crate) struct Counts {
    pub lines: u64,
    /// Usages and patches together, as their ids count them.
    pub amounts: u64,
    pub prompts: u64,
    pub answers: u64,
    pub turns: u64,
    pub errors: u64,
    pub compactions: u64,
    pub others: u64,
    pub nameless: u64,
}

/// What all told usages add up to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(default)]
pub(crate) struct Sums {
    pub input: u64,
    pub output: u64,
    pub cache_read: u64,
}

/// A tool call that was told without its output.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(default)]
pub(crate) struct Open {
    pub call_id: String,
    pub tool: Option<String>,
}

impl State {
    /// Returns what is known before the first line: the thread that the file's name names.
    pub(crate) fn begin(file: &Path) -> Self {
        let name = file.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
        let name = name.strip_suffix(".zst").unwrap_or(&name);
        let stem = name.strip_suffix(".jsonl").unwrap_or(name);
        let from = stem.len().checked_sub(36).filter(|&at| stem.is_char_boundary(at));
        let id = from.map(|at| &stem[at..]).filter(|id| is_uuid(id)).unwrap_or(stem);
        Self { session: short(id), ..Self::default() }
    }

    pub(crate) fn opened(&mut self, call_id: &str, tool: Option<String>) {
        if self.open.len() >= OPEN_MAX {
            self.open.remove(0);
        }
        self.open.push(Open { call_id: call_id.to_owned(), tool });
    }

    pub(crate) fn closed(&mut self, call_id: &str) -> Option<Open> {
        let at = self.open.iter().position(|open| open.call_id == call_id)?;
        Some(self.open.remove(at))
    }
}

/// Returns a name or path as it is remembered.
pub(crate) fn short(text: &str) -> String {
    clip(text.trim(), WORD_UNITS_MAX).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_named_after_its_thread() {
        let id = "019c7373-39f7-7000-8000-000000000002";
        for (name, session) in [
            (format!("rollout-2026-01-01T00-00-00-{id}.jsonl"), id),
            (format!("rollout-2026-01-01T00-00-00-{id}.jsonl.zst"), id),
            ("rollout-old.jsonl".to_owned(), "rollout-old"),
            ("é.jsonl".to_owned(), "é"),
        ] {
            assert_eq!(State::begin(Path::new(&name)).session, session, "{name}");
        }
    }
}
