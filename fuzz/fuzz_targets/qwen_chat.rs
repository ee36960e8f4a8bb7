//! Any bytes are a chat of Qwen Code, of which every line has a fate.

#![no_main]

use libfuzzer_sys::fuzz_target;
use oriel_sources::Qwen;

#[path = "../reading.rs"]
mod reading;

fuzz_target!(|bytes: &[u8]| reading::check(&Qwen, "chats/x.jsonl", bytes));
