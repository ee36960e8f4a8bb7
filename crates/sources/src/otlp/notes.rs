//! How sessions stand, gathered over one export: only the latest of a name is kept.

use std::collections::BTreeMap;

use oriel_model::{About, Note, SessionId};
use serde_json::Value;

/// The notes of one export.
#[derive(Default)]
pub(super) struct Notes(BTreeMap<(String, &'static str), (i64, Value)>);

impl Notes {
    /// Notes how a session stood. What is told without a time, or says nothing, is left out.
    pub(super) fn add(
        &mut self,
        session: Option<&str>,
        name: &'static str,
        value: Option<&str>,
        at_ms: Option<i64>,
    ) {
        let value = value.map(str::trim).filter(|value| !value.is_empty());
        if let Some(value) = value {
            self.put(session, name, Value::from(value), at_ms);
        }
    }

    /// Takes back what a session was said to wait for.
    pub(super) fn waits_no_more(&mut self, session: Option<&str>, at_ms: Option<i64>) {
        self.put(session, "waiting", Value::Null, at_ms);
    }

    fn put(&mut self, session: Option<&str>, name: &'static str, value: Value, at_ms: Option<i64>) {
        let (Some(session), Some(at_ms)) = (session, at_ms) else { return };
        let known = self.0.entry((session.to_owned(), name)).or_insert((at_ms, Value::Null));
        if known.0 <= at_ms {
            *known = (at_ms, value);
        }
    }

    pub(super) fn list(self) -> Vec<Note> {
        let note = |((session, name), (at_ms, value)): ((String, &str), (i64, Value))| Note {
            about: About::Session(SessionId(session)),
            name: name.to_owned(),
            value: value.to_string(),
            at_ms,
        };
        self.0.into_iter().map(note).collect()
    }
}
