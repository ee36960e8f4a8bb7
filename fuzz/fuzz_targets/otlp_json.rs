//! Any bytes are an OTLP/JSON export or none, and every record of one has a fate.

#![no_main]

use libfuzzer_sys::fuzz_target;
use oriel_sources::Parsed;
use oriel_sources::otlp::{self, Encoding};

fuzz_target!(|bytes: &[u8]| {
    let read = |parsed: Option<Parsed>| parsed.inspect(check);
    let once = (
        read(otlp::logs(bytes, Encoding::Json).ok()),
        read(otlp::traces(bytes, Encoding::Json).ok()),
    );
    let again = (otlp::logs(bytes, Encoding::Json).ok(), otlp::traces(bytes, Encoding::Json).ok());
    assert_eq!(once, again, "a retried body says the same");
    if let Ok(metered) = otlp::metrics(bytes, Encoding::Json) {
        check(&metered.parsed);
        for one in metered.running {
            let _ = one.step(None);
        }
    }
});

fn check(parsed: &Parsed) {
    assert!(parsed.tally.adds_up(), "{:?}", parsed.tally);
    for event in &parsed.events {
        assert!(!event.session_id.0.is_empty(), "an event of no session");
        assert!(event.cost_usd.is_none_or(|cost| cost.is_finite() && cost >= 0.0));
        let text = event.metadata.text();
        assert!(serde_json::from_str::<serde_json::Value>(text).is_ok(), "{text}");
    }
}
