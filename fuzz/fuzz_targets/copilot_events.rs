//! Any bytes are events of Copilot CLI, each of which has a fate.

#![no_main]

use libfuzzer_sys::fuzz_target;
use oriel_sources::Copilot;

#[path = "../reading.rs"]
mod reading;

fuzz_target!(|bytes: &[u8]| reading::check(&Copilot, "x/events.jsonl", bytes));
