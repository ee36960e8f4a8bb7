//! Codex: its rollouts, its hooks and what it hands to a `notify` program.
//!
//! A rollout is one thread's history. A thread that goes on from another, as a fork or a sub-agent,
//! may begin with a copy of that one's history, which is told only once.

mod history;
pub mod hooks;
pub mod notify;
mod outcome;
mod rollout;
mod state;
mod tools;
mod usage;
mod words;

use std::path::{Path, PathBuf};

use crate::format::{Format, Homes, Reader, Shape};

pub(crate) use rollout::folder_name;
pub(crate) use words::{answer_key, prompt_key};

pub(crate) const AGENT: &str = "codex";

/// The rollouts that Codex writes, plain or packed with zstd.
#[derive(Debug, Clone, Copy, Default)]
pub struct Codex;

impl Format for Codex {
    fn name(&self) -> &'static str {
        "codex"
    }

    fn folders(&self, homes: &Homes) -> Vec<PathBuf> {
        let home = homes.codex.clone().unwrap_or_else(|| homes.home.join(".codex"));
        vec![home.join("sessions"), home.join("archived_sessions")]
    }

    fn claims(&self, below_folder: &Path) -> bool {
        let name = below_folder.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
        name.starts_with("rollout-") && (name.ends_with(".jsonl") || name.ends_with(".jsonl.zst"))
    }

    fn shape(&self) -> Shape {
        Shape::Lines
    }

    fn reader(&self, file: &Path, state: Option<&str>) -> Box<dyn Reader> {
        Box::new(rollout::Rollout::new(file, state))
    }
}

/// Returns the moment at which an id of the kind that Codex gives its threads and turns was made,
/// in Unix milliseconds.
fn made_at(id: &str) -> Option<i64> {
    let is_seventh = is_uuid(id) && id.as_bytes()[14] == b'7';
    let digits = if is_seventh { format!("{}{}", &id[..8], &id[9..13]) } else { return None };
    i64::from_str_radix(&digits, 16).ok()
}

/// Returns whether an id has the form of a UUID.
fn is_uuid(id: &str) -> bool {
    id.len() == 36
        && id.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_tells_when_it_was_made() {
        assert_eq!(made_at("01a1fdbc-4879-7ba0-a984-8f43abebfe7b"), Some(1_795_258_337_401));
        for id in
            ["", "0", "01a1fdbc-4879-4ba0-a984-8f43abebfe7b", "é1a1fdbc-4879-7ba0-a984-8f43abebfe7"]
        {
            assert_eq!(made_at(id), None, "{id}");
        }
    }

    #[test]
    fn rollouts_are_claimed_plain_and_packed() {
        for (path, claimed) in [
            ("2026/11/21/rollout-2026-11-21T10-52-17-a.jsonl", true),
            ("rollout-x.jsonl.zst", true),
            ("2026/history.jsonl", false),
            ("rollout-x.json", false),
        ] {
            assert_eq!(Codex.claims(Path::new(path)), claimed, "{path}");
        }
    }
}
