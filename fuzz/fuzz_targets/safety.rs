//! Any text is judged as a command: it comes to an end, and twice it comes to the same.

#![no_main]

use libfuzzer_sys::fuzz_target;
use oriel_sources::safety::{Verdict, judge, judge_in, sensitive};

fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    let verdict = judge(&text, "/home/ada");
    assert_eq!(verdict, judge(&text, "/home/ada"));
    if let Verdict::Dangerous(danger) = verdict {
        assert!(!danger.reason().is_empty(), "a danger has a reason");
    }
    _ = judge_in(&text, "", Some(&text));
    _ = sensitive(&text);
    // Whatever a command does first, what it does on its own line before is seen.
    assert_ne!(judge(&format!("rm -rf /\n{text}"), ""), Verdict::Harmless);
});
