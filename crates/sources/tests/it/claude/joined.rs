//! What a store makes of several tellings: one event of those that share a name.

use std::collections::{BTreeMap, HashMap};

use oriel_model::{EventKind, NewEvent};

/// Joins tellings by their names, the surest first.
pub(crate) fn join(tellings: Vec<NewEvent>) -> Vec<NewEvent> {
    let mut events: Vec<NewEvent> = Vec::new();
    let mut by_id: HashMap<String, usize> = HashMap::new();
    let mut by_key: HashMap<String, usize> = HashMap::new();
    for telling in tellings {
        let id = telling.event_id.as_ref().map(|id| id.0.clone()).unwrap_or_default();
        if by_id.contains_key(&id) {
            continue;
        }
        let keys = telling.told.keys.clone();
        let known = keys.iter().find_map(|key| by_key.get(&key.name).copied());
        let at = known.unwrap_or(events.len());
        match events.get_mut(at) {
            Some(event) => {
                event.learn(&telling);
            }
            None => events.push(telling),
        }
        by_id.insert(id, at);
        for key in keys {
            by_key.entry(key.name).or_insert(at);
        }
    }
    events
}

/// Everything that is counted, by what it is counted by.
pub(crate) type Sums = BTreeMap<String, Vec<u64>>;

/// Counts events as totals do.
pub(crate) fn sums(events: &[NewEvent]) -> Sums {
    let mut sums = Sums::new();
    for event in events {
        let (facet, tokens, facts) = (&event.facet, event.tokens, event.metadata.facts());
        let what = format!(
            "{} {} {:?} {:?}",
            facet.kind.as_str(),
            facet.outcome.as_str(),
            facet.tool_name,
            facet.model
        );
        let micros = (event.cost_usd.unwrap_or_default() * 1e6).round() as u64;
        let counts = [
            1,
            tokens.input,
            tokens.output,
            tokens.cache_read,
            tokens.cache_write,
            tokens.cache_write_1h,
            facts.lines_added,
            facts.lines_removed,
            event.duration_ms.unwrap_or_default(),
            micros,
        ];
        let sum = sums.entry(what).or_insert_with(|| vec![0; counts.len()]);
        sum.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count);
    }
    sums
}

pub(crate) fn count(events: &[NewEvent], kind: EventKind) -> usize {
    events.iter().filter(|event| event.facet.kind == kind).count()
}
