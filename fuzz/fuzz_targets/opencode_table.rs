//! Any bytes are rows of OpenCode's database, each of which has a fate.

#![no_main]

use libfuzzer_sys::fuzz_target;
use oriel_sources::OpenCode;

#[path = "../reading.rs"]
mod reading;

fuzz_target!(|bytes: &[u8]| reading::check(&OpenCode, "opencode.db", bytes));
