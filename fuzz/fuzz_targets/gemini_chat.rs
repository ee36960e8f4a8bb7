//! Any bytes are a chat of Gemini CLI, of which every line has a fate.

#![no_main]

use libfuzzer_sys::fuzz_target;
use oriel_sources::GeminiLines;

#[path = "../reading.rs"]
mod reading;

fuzz_target!(|bytes: &[u8]| reading::check(&GeminiLines, "chats/session-x.jsonl", bytes));
