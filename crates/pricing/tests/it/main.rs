//! The price book as its callers see it.

mod builtin;
mod golden;
mod rules;

use oriel_pricing::{Tier, Usage};

/// 2026-08-04, before every dated change in the built-in tables.
const AUGUST: i64 = 1_785_801_600;

/// Input, output, cache-read and cache-write tokens of one request in August 2026.
fn usage(model: &str, tokens: [u64; 4]) -> Usage<'_> {
    let [tokens_in, tokens_out, cache_read_tokens, cache_write_tokens] = tokens;
    Usage {
        model,
        tokens_in,
        tokens_out,
        cache_read_tokens,
        cache_write_tokens,
        cache_write_1h_tokens: 0,
        at_unix_seconds: AUGUST,
        tier: Tier::Standard,
    }
}
