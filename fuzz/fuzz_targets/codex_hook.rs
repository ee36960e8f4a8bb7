//! Any bytes are what Codex tells a hook or a `notify` program, or are refused.

#![no_main]

use libfuzzer_sys::fuzz_target;
use oriel_sources::codex::{hooks, notify};

fuzz_target!(|bytes: &[u8]| {
    for out in [hooks::read(bytes, 1), notify::read(bytes, 1)].into_iter().flatten() {
        assert!(out.tally.adds_up(), "{:?}", out.tally);
        assert_eq!(out.tally.records, 1);
    }
});
