//! Reads a history in one go and line by line, and joins what is told as a store does.

use std::collections::BTreeMap;
use std::path::Path;

use oriel_model::{EventKind, NewEvent, Note, Tokens};
use oriel_sources::{Format, Parsed, Shape};
use serde_json::Value;

/// Reads a history in one go.
pub(crate) fn whole(format: &dyn Format, file: &str, text: &str) -> Parsed {
    let mut out = Parsed::default();
    let mut reader = format.reader(Path::new(file), None);
    for line in lines(format, text) {
        reader.line(line.as_bytes(), &mut out);
    }
    reader.pause(&mut out);
    assert!(out.tally.adds_up(), "{:?}", out.tally);
    out
}

/// Reads a history with a new reader for each line.
pub(crate) fn piecewise(format: &dyn Format, file: &str, text: &str) -> Parsed {
    let (mut out, mut state) = (Parsed::default(), None::<String>);
    for line in lines(format, text) {
        let mut reader = format.reader(Path::new(file), state.as_deref());
        reader.line(line.as_bytes(), &mut out);
        reader.pause(&mut out);
        let next = reader.state();
        assert!(next.len() <= 16 * 1024, "the state is small: {} bytes", next.len());
        state = Some(next);
    }
    assert!(out.tally.adds_up(), "{:?}", out.tally);
    out
}

/// Reads a history both ways, checks that both tell the same, and returns what they tell.
pub(crate) fn both_ways(format: &dyn Format, file: &str, text: &str) -> Vec<NewEvent> {
    let (one, many) = (whole(format, file, text), piecewise(format, file, text));
    let (joined, joined_many) = (joined(&one.events), joined(&many.events));
    let names = |events: &BTreeMap<String, NewEvent>| events.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&joined), names(&joined_many));
    for (id, event) in &joined {
        assert_eq!(comparable(event), comparable(&joined_many[id]), "{event:?}");
    }
    assert_eq!(latest(&one.notes), latest(&many.notes));
    let mut events: Vec<_> = joined.into_values().collect();
    events.sort_by_key(|event| event.client_ms);
    events
}

/// Returns events as a store keeps them: one for each id and each key, by the id of the first.
pub(crate) fn joined(events: &[NewEvent]) -> BTreeMap<String, NewEvent> {
    let mut kept: BTreeMap<String, NewEvent> = BTreeMap::new();
    let (mut ids, mut keys) = (BTreeMap::new(), BTreeMap::new());
    for event in events {
        let id = event.event_id.clone().expect("what is read of a file has an id").0;
        if ids.insert(id.clone(), ()).is_some() {
            continue;
        }
        let named = event.told.keys.iter().filter(|key| !key.repeats).map(|key| &key.name);
        let named: Vec<_> = named.cloned().collect();
        let known = named.iter().find_map(|name| keys.get(name)).cloned().unwrap_or(id);
        for name in named {
            keys.entry(name).or_insert_with(|| known.clone());
        }
        match kept.get_mut(&known) {
            Some(first) => {
                first.learn(event);
                first.told.texts.extend(event.told.texts.iter().cloned());
            }
            None => _ = kept.insert(known, event.clone()),
        }
    }
    kept
}

/// Returns the sum of all tokens and the number of requests.
pub(crate) fn usage(events: &[NewEvent]) -> (Tokens, usize) {
    let mut sum = Tokens::default();
    for event in events {
        sum.input += event.tokens.input;
        sum.output += event.tokens.output;
        sum.cache_read += event.tokens.cache_read;
        sum.cache_write += event.tokens.cache_write;
    }
    (sum, events.iter().filter(|event| event.facet.kind == EventKind::LlmResponse).count())
}

/// Returns the latest value of each note.
pub(crate) fn latest(notes: &[Note]) -> BTreeMap<String, Value> {
    let mut latest = BTreeMap::new();
    for note in notes {
        let value: Value = serde_json::from_str(&note.value).expect("a note is JSON");
        let name = format!("{:?} {}", note.about, note.name);
        match latest.get(&name) {
            Some((at, _)) if *at > note.at_ms => {}
            _ => _ = latest.insert(name, (note.at_ms, value)),
        }
    }
    latest.into_iter().map(|(name, (_, value))| (name, value)).collect()
}

/// Returns the value of a fact.
pub(crate) fn fact(event: &NewEvent, name: &str) -> Value {
    let facts: Value = serde_json::from_str(event.metadata.text()).expect("metadata is JSON");
    facts[name].clone()
}

pub(crate) fn of_kind(events: &[NewEvent], kind: EventKind) -> Vec<&NewEvent> {
    events.iter().filter(|event| event.facet.kind == kind).collect()
}

/// Returns what must be equal. When a session ends, and with what sums, is known at each pause as
/// far as it was read.
fn comparable(event: &NewEvent) -> String {
    let facts: Value = serde_json::from_str(event.metadata.text()).expect("metadata is JSON");
    let facts: BTreeMap<_, _> = facts.as_object().expect("an object").iter().collect();
    let mut texts: Vec<_> = event.told.texts.iter().map(|it| (it.role, &it.text)).collect();
    texts.sort();
    texts.dedup();
    let NewEvent { facet, place, tokens, cost_usd, duration_ms, client_ms, told, .. } = event;
    if facet.kind == EventKind::SessionEnd {
        return format!("{facet:?}");
    }
    format!(
        "{facet:?} {place:?} {tokens:?} {cost_usd:?} {duration_ms:?} {client_ms:?} {:?} {:?} \
         {facts:?} {texts:?}",
        told.keys, told.sign
    )
}

fn lines<'a>(format: &dyn Format, text: &'a str) -> Vec<&'a str> {
    match format.shape() {
        Shape::Whole => vec![text],
        Shape::Lines | Shape::Table { .. } => text.lines().filter(|it| !it.is_empty()).collect(),
    }
}
