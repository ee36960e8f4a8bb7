//! What a sender said beyond the named fields, and the few facts in it that are counted.
//!
//! The facts are read from the very text that is stored, so that a recount of the store finds what
//! was counted on the way in.

use memchr::memmem;
use serde::Deserialize;
use serde_json::value::RawValue;

/// What was said of one thing grows no further than to so many bytes by what others say.
const LEARNT_MAX: usize = 64 * 1024;

/// The largest number of lines that one event can claim.
const LINES_MAX: f64 = 1e9;

/// Valid JSON text, with the facts that are counted.
#[derive(Debug, Clone, PartialEq)]
pub struct Metadata {
    text: String,
    truncated: bool,
    facts: Facts,
}

/// What is counted of an event's metadata.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Facts {
    /// The file that the event is about.
    pub file_path: Option<String>,
    /// Lines that were added.
    pub lines_added: u64,
    /// Lines that were removed.
    pub lines_removed: u64,
}

impl Metadata {
    /// Takes JSON text and whether it is less than what the sender said. Text that is not JSON
    /// yields no facts.
    #[must_use]
    pub fn new(text: String, truncated: bool) -> Self {
        let facts = Facts::read(&text);
        Self { text, truncated, facts }
    }

    /// Returns the JSON text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns whether the text is less than what the sender said.
    #[must_use]
    pub const fn truncated(&self) -> bool {
        self.truncated
    }

    /// Returns every text in it, each on lines of its own. Text that is not JSON stands for itself.
    #[must_use]
    pub fn said(&self) -> String {
        let mut said = String::new();
        match serde_json::from_str(&self.text) {
            Ok(value) => gather(&value, &mut said),
            Err(_) => said.push_str(&self.text),
        }
        said
    }

    /// Returns what is counted of it.
    #[must_use]
    pub const fn facts(&self) -> &Facts {
        &self.facts
    }
}

impl Metadata {
    /// Returns the text with the fields of another that it has none of, or nothing where both say
    /// the same. Only objects have fields; of anything else the one that is there stays.
    pub(crate) fn text_with(&self, other: &str) -> Option<String> {
        type Fields = serde_json::Map<String, serde_json::Value>;
        if other == "{}" || other == self.text {
            return None;
        }
        if self.text == "{}" {
            return Some(other.to_owned());
        }
        let mut mine: Fields = serde_json::from_str(&self.text).ok()?;
        let theirs: Fields = serde_json::from_str(other).ok()?;
        let before = mine.len();
        for (name, value) in theirs {
            mine.entry(name).or_insert(value);
        }
        if mine.len() == before {
            return None;
        }
        // However many tell of a thing, what is known of it stays a page or two.
        Some(serde_json::Value::Object(mine).to_string()).filter(|text| text.len() <= LEARNT_MAX)
    }
}

fn gather(value: &serde_json::Value, said: &mut String) {
    use serde_json::Value;
    match value {
        Value::String(text) => {
            said.push_str(text);
            said.push('\n');
        }
        Value::Array(values) => values.iter().for_each(|value| gather(value, said)),
        Value::Object(fields) => fields.values().for_each(|value| gather(value, said)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

impl Default for Metadata {
    fn default() -> Self {
        Self { text: "{}".to_owned(), truncated: false, facts: Facts::default() }
    }
}

impl Facts {
    fn read(text: &str) -> Self {
        // Most events have none of these, and a search is much cheaper than a parse.
        let told = |word: &str| memmem::find(text.as_bytes(), word.as_bytes()).is_some();
        if !told("file_path") && !told("lines_") && !told("\\u") {
            return Self::default();
        }
        let Ok(fields) = serde_json::from_str::<Fields<'_>>(text) else { return Self::default() };
        Self {
            file_path: fields.file_path.and_then(|raw| serde_json::from_str(raw.get()).ok()),
            lines_added: lines(fields.lines_added),
            lines_removed: lines(fields.lines_removed),
        }
    }
}

#[derive(Deserialize)]
struct Fields<'a> {
    #[serde(borrow)]
    file_path: Option<&'a RawValue>,
    #[serde(borrow)]
    lines_added: Option<&'a RawValue>,
    #[serde(borrow)]
    lines_removed: Option<&'a RawValue>,
}

fn lines(raw: Option<&RawValue>) -> u64 {
    let number = raw.and_then(|raw| serde_json::from_str::<f64>(raw.get()).ok()).unwrap_or(0.0);
    // `as` makes 0 of what is negative.
    number.min(LINES_MAX) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_are_read_from_top_level_fields_of_the_right_type() {
        check(r#"{"file_path":"a.rs","lines_added":3,"lines_removed":1}"#, Some("a.rs"), 3, 1);
        check(r#"{"file_path":"caf\u00e9 \"x\"","lines_added":2.9}"#, Some("café \"x\""), 2, 0);
        check(r#"{"nested":{"file_path":"a.rs","lines_added":3}}"#, None, 0, 0);
        check(r#"{"file_path":7,"lines_added":"3","lines_removed":-4}"#, None, 0, 0);
        check(r#"{"lines_added":1e300}"#, None, 1_000_000_000, 0);
        check(r#"["file_path"]"#, None, 0, 0);
        check(r#""file_path""#, None, 0, 0);
        check("{file_path", None, 0, 0);
    }

    #[test]
    fn what_is_said_is_every_text_at_any_depth_and_no_name_of_a_field() {
        for (text, said) in [
            (r#"{"a":"one\ntwo","b":[{"c":"three"},4,null,true]}"#, "one\ntwo\nthree\n"),
            ("{}", ""),
            ("not json", "not json"),
        ] {
            assert_eq!(Metadata::new(text.to_owned(), false).said(), said, "{text}");
        }
    }

    fn check(text: &str, file_path: Option<&str>, lines_added: u64, lines_removed: u64) {
        let metadata = Metadata::new(text.to_owned(), false);
        let file_path = file_path.map(str::to_owned);
        assert_eq!(metadata.facts(), &Facts { file_path, lines_added, lines_removed }, "{text}");
    }
}
