//! Any bytes are a rollout of Codex, of which every line has a fate.

#![no_main]

use libfuzzer_sys::fuzz_target;
use oriel_sources::codex::Codex;

#[path = "../reading.rs"]
mod reading;

fuzz_target!(|bytes: &[u8]| reading::check(&Codex, "rollout-x.jsonl", bytes));
