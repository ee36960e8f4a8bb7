//! Any bytes are a history of Claude Code: every line has a fate, and what is remembered over a
//! pause is small and can be read again.

#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use oriel_sources::claude::ClaudeCode;
use oriel_sources::{Format, Parsed};

/// The most that is remembered of a history, if every name in it is as long as may be.
const STATE_BYTES_MAX: usize = 512 * 1024;

fuzz_target!(|bytes: &[u8]| {
    let file = Path::new("projects/-home-dev-shop/agent-7f.jsonl");
    let (mut at_once, mut by_line) = (Parsed::default(), Parsed::default());
    let mut reader = ClaudeCode.reader(file, None);
    let mut state = None::<String>;
    let mut lines = 0;
    for line in bytes.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty()) {
        lines += 1;
        reader.line(line, &mut at_once);
        let mut next = ClaudeCode.reader(file, state.as_deref());
        next.line(line, &mut by_line);
        next.pause(&mut by_line);
        let told = next.state();
        assert!(told.len() <= STATE_BYTES_MAX, "{} bytes of state", told.len());
        state = Some(told);
    }
    reader.pause(&mut at_once);
    for parsed in [at_once, by_line] {
        assert!(parsed.tally.adds_up(), "{:?}", parsed.tally);
        assert_eq!(parsed.tally.records, lines);
        for event in &parsed.events {
            let metadata = event.metadata.text();
            assert!(serde_json::from_str::<serde_json::Value>(metadata).is_ok(), "{metadata}");
        }
    }
});
