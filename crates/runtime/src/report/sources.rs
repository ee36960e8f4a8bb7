//! Where the numbers of a session are known from.

use std::collections::BTreeMap;

use oriel_store::{Provenance, Usage};
use oriel_wire::{ProvenancePart, ProvenanceReport, SourcePart};

use super::{count, total_tokens};

/// Puts together what is known of where a session's numbers come from.
pub(crate) fn provenance(session_id: String, parts: &[Provenance]) -> ProvenanceReport {
    let mut only: BTreeMap<&str, (u64, Usage)> = BTreeMap::new();
    for part in parts {
        if let [source] = &part.sources[..] {
            let alone = only.entry(source).or_default();
            alone.0 = alone.0.saturating_add(part.events);
            alone.1.add(&part.usage, 1);
        }
    }
    let only = only.into_iter().map(|(source, (events, usage))| SourcePart {
        source: source.to_owned(),
        events,
        total_tokens: count(total_tokens(&usage)),
        cost_usd: usage.money().dollars(),
    });
    let parts = parts.iter().map(|part| ProvenancePart {
        sources: part.sources.clone(),
        event_type: part.kind.as_str().to_owned(),
        events: part.events,
        total_tokens: count(total_tokens(&part.usage)),
        cost_usd: part.usage.money().dollars(),
        unpriced_requests: count(part.usage.unpriced),
    });
    ProvenanceReport { session_id, parts: parts.collect(), only: only.collect() }
}
