//! An event while a format puts it together.

use oriel_model::{
    EventId, EventKind, Facet, Key, Metadata, NewEvent, Outcome, Place, Role, SessionId, Sign,
    Text, Tokens, Told,
};
use serde_json::{Map, Value};

/// The most of one text that is kept for searching. What is longer keeps its beginning and, since
/// errors stand at the end, a quarter of this from there.
const TEXT_BYTES_MAX: usize = 32 * 1024;

/// The same of what a tool gave back: whole files, mostly, of which the beginning and the end tell
/// what they were.
const OUTPUT_BYTES_MAX: usize = 4 * 1024;

/// An event while a format puts it together. Blank words are absent, as they are in posted events.
pub(crate) struct Draft {
    event: NewEvent,
    facts: Map<String, Value>,
}

impl Draft {
    pub(crate) fn new(agent_type: &str, source: &str, session: &str, kind: EventKind) -> Self {
        let outcome = match kind {
            EventKind::Error => Outcome::Error,
            _ => Outcome::Success,
        };
        let facet = Facet {
            agent_type: agent_type.to_owned(),
            kind,
            outcome,
            tool_name: None,
            model: None,
            source: source.to_owned(),
        };
        let event = NewEvent {
            event_id: None,
            session_id: SessionId(session.to_owned()),
            facet,
            place: Place::default(),
            tokens: Tokens::default(),
            cost_usd: None,
            duration_ms: None,
            client_ms: None,
            metadata: Metadata::default(),
            historical: false,
            told: Told::default(),
        };
        Self { event, facts: Map::new() }
    }

    pub(crate) fn id(mut self, id: impl Into<String>) -> Self {
        self.event.event_id = Some(EventId(id.into()));
        self
    }

    pub(crate) fn key(mut self, key: Key) -> Self {
        self.event.told.keys.push(key);
        self
    }

    pub(crate) fn keys(mut self, keys: impl IntoIterator<Item = Key>) -> Self {
        self.event.told.keys.extend(keys);
        self
    }

    pub(crate) fn at(mut self, unix_ms: Option<i64>) -> Self {
        self.event.client_ms = unix_ms;
        self
    }

    pub(crate) fn place(mut self, project: Option<&str>, branch: Option<&str>) -> Self {
        self.event.place = Place { project: word(project), branch: word(branch) };
        self
    }

    pub(crate) fn tool(mut self, name: Option<&str>) -> Self {
        self.event.facet.tool_name = word(name);
        self
    }

    pub(crate) fn model(mut self, name: Option<&str>) -> Self {
        self.event.facet.model = word(name);
        self
    }

    pub(crate) fn outcome(mut self, outcome: Outcome) -> Self {
        self.event.facet.outcome = outcome;
        self
    }

    pub(crate) fn tokens(mut self, tokens: Tokens) -> Self {
        self.event.tokens = tokens;
        self
    }

    /// Takes a cost that the agent itself states.
    pub(crate) fn stated_cost(mut self, dollars: Option<f64>) -> Self {
        let dollars = dollars.filter(|cost| cost.is_finite() && (0.0..=1e6).contains(cost));
        self.event.told.cost_is_stated = dollars.is_some();
        self.event.cost_usd = dollars;
        self
    }

    pub(crate) fn duration(mut self, ms: Option<u64>) -> Self {
        self.event.duration_ms = ms.filter(|&ms| ms > 0);
        self
    }

    pub(crate) fn sign(mut self, sign: Sign) -> Self {
        self.event.told.sign = sign;
        self
    }

    /// Adds to the metadata; what is null, blank or empty is left out.
    pub(crate) fn fact(mut self, name: &str, value: impl Into<Value>) -> Self {
        let value = value.into();
        let is_empty = match &value {
            Value::Null => true,
            Value::String(text) => text.trim().is_empty(),
            Value::Array(items) => items.is_empty(),
            Value::Object(fields) => fields.is_empty(),
            Value::Bool(_) | Value::Number(_) => false,
        };
        if !is_empty {
            self.facts.insert(name.to_owned(), value);
        }
        self
    }

    /// Adds words that can be searched for.
    pub(crate) fn text(mut self, role: Role, text: &str) -> Self {
        if !text.trim().is_empty() {
            let bytes_max = match role {
                Role::Output => OUTPUT_BYTES_MAX,
                Role::Prompt | Role::Answer | Role::Input => TEXT_BYTES_MAX,
            };
            self.event.told.texts.push(Text { role, text: shorten(text, bytes_max) });
        }
        self
    }

    pub(crate) fn build(mut self) -> NewEvent {
        if !self.facts.is_empty() {
            let text = Value::Object(self.facts).to_string();
            self.event.metadata = Metadata::new(text, false);
        }
        self.event
    }
}

/// Returns a word as it is counted: trimmed, and absent where it is blank.
pub(crate) fn word(text: Option<&str>) -> Option<String> {
    text.map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned)
}

/// Returns at most so many UTF-16 units of a text, never half a character.
pub(crate) fn clip(text: &str, units_max: usize) -> &str {
    let mut units = 0;
    for (at, c) in text.char_indices() {
        units += c.len_utf16();
        if units > units_max {
            return &text[..at];
        }
    }
    text
}

/// Returns the beginning and the end of a long text.
fn shorten(text: &str, bytes_max: usize) -> String {
    if text.len() <= bytes_max {
        return text.to_owned();
    }
    let tail = bytes_max / 4;
    let head = text.floor_char_boundary(bytes_max - tail);
    let rest = text.ceil_char_boundary(text.len() - tail);
    format!("{}\n…\n{}", &text[..head], &text[rest..])
}
