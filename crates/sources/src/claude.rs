//! Claude Code: its histories, its hooks, its status line and the register of its live sessions.
//!
//! A session is told of three ways at once, by its history, its hooks and its exporter, and none of
//! them is complete. They agree on names: of a request, a tool call, a prompt, a sub-agent. So each
//! event carries the names it is known by, and the store makes one event of all tellings.

use std::path::{Path, PathBuf};

use oriel_model::{Key, Tokens};

use crate::format::{Format, Homes, Reader, Shape};

pub mod hooks;
pub mod registry;
pub mod statusline;

mod calls;
mod json;
mod line;
mod message;
mod origin;
mod prompts;
mod reader;
mod records;
mod sequence;
mod state;
mod tools;

/// The agent type of everything here.
const AGENT: &str = "claude_code";

/// The histories of Claude Code: `projects/<folder>/<session>.jsonl`, and those of sub-agents beside
/// or below them.
#[derive(Debug, Clone, Copy, Default)]
pub struct ClaudeCode;

impl Format for ClaudeCode {
    fn name(&self) -> &'static str {
        "claude-code"
    }

    fn folders(&self, homes: &Homes) -> Vec<PathBuf> {
        let usual = || vec![homes.home.join(".claude"), homes.home.join(".config/claude")];
        let roots = if homes.claude.is_empty() { usual() } else { homes.claude.clone() };
        roots.into_iter().map(|root| root.join("projects")).collect()
    }

    fn claims(&self, below_folder: &Path) -> bool {
        below_folder.extension().is_some_and(|extension| extension == "jsonl")
    }

    fn shape(&self) -> Shape {
        Shape::Lines
    }

    fn reader(&self, file: &Path, state: Option<&str>) -> Box<dyn Reader> {
        Box::new(reader::FileReader::new(file, state))
    }
}
/// Names a request by what it read. Old versions export requests without an id, and a history may
/// know too little of the answer, but what was read is the same in both.
pub(crate) fn usage_key(session: &str, model: Option<&str>, tokens: Tokens) -> Option<Key> {
    let Tokens { input, cache_read, cache_write, .. } = tokens;
    let model = line::model_name(model?);
    let has_read = input.saturating_add(cache_read).saturating_add(cache_write) > 0;
    let what = || format!("{session} {model} {input} {cache_read} {cache_write}");
    has_read.then(|| Key::alike(AGENT, "usage", &what()))
}
