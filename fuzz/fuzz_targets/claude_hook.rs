//! Any bytes are a hook, a status line or an entry of the register of Claude Code, or are refused.

#![no_main]

use libfuzzer_sys::fuzz_target;
use oriel_sources::claude::{hooks, registry, statusline};
use serde_json::Value;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(parsed) = hooks::read(bytes, 1_770_112_800_000) {
        assert!(parsed.tally.adds_up() && parsed.tally.records == 1, "{:?}", parsed.tally);
        for event in &parsed.events {
            check(event.metadata.text());
        }
        parsed.notes.iter().for_each(|note| check(&note.value));
    }
    if let Ok(parsed) = statusline::read(bytes, 1_770_112_800_000) {
        parsed.notes.iter().for_each(|note| check(&note.value));
    }
    if let Some(registered) = registry::read(bytes) {
        assert!(registered.pid > 0 && !registered.session.is_empty());
    }
});

fn check(text: &str) {
    assert!(serde_json::from_str::<Value>(text).is_ok(), "told what is not JSON: {text}");
}
