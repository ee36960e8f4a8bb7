//! Any bytes are an event or none, and every field of one can be read in every way.

#![no_main]

use libfuzzer_sys::fuzz_target;
use oriel_wire::{Field, RawEvent};

fuzz_target!(|bytes: &[u8]| {
    let Ok(event) = serde_json::from_slice::<RawEvent<'_>>(bytes) else { return };
    for field in fields(event) {
        let (text, string, number) = (field.text(), field.string(), field.number());
        assert!(text.is_some() || (string.is_none() && number.is_none()), "read from nothing");
        assert!(string.is_none() || number.is_none(), "a string and a number: {text:?}");
    }
});

/// Returns every field. Each is named, so that one which is added cannot be forgotten here.
fn fields(event: RawEvent<'_>) -> [Field<'_>; 18] {
    let RawEvent {
        session_id,
        agent_type,
        event_type,
        event_id,
        tool_name,
        status,
        tokens_in,
        tokens_out,
        branch,
        project,
        duration_ms,
        client_timestamp,
        metadata,
        model,
        cost_usd,
        cache_read_tokens,
        cache_write_tokens,
        source,
    } = event;
    [
        session_id,
        agent_type,
        event_type,
        event_id,
        tool_name,
        status,
        tokens_in,
        tokens_out,
        branch,
        project,
        duration_ms,
        client_timestamp,
        metadata,
        model,
        cost_usd,
        cache_read_tokens,
        cache_write_tokens,
        source,
    ]
}
