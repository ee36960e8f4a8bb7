//! Values and named values, and how they are read: a number may be told as a number or as text, a
//! yes or no as either, and an empty value is none.

use std::borrow::Cow;

use serde_json::{Map, Number, Value};

/// The most that a number of tokens or milliseconds can be: the largest that is exact in a double.
const COUNT_MAX: f64 = 9_007_199_254_740_992.0;

/// What agents write in place of words that they were not told to export.
const REDACTED: &str = "<REDACTED>";

/// A value.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) enum Any {
    #[default]
    Empty,
    Text(String),
    Flag(bool),
    Int(i64),
    Double(f64),
    List(Vec<Any>),
    Fields(Attributes),
}

impl Any {
    /// Returns it as text, where it is text or a number.
    pub(super) fn text(&self) -> Option<Cow<'_, str>> {
        match self {
            Self::Text(text) => Some(Cow::Borrowed(text)),
            Self::Int(number) => Some(Cow::Owned(number.to_string())),
            Self::Double(number) => Some(Cow::Owned(number.to_string())),
            Self::Empty | Self::Flag(_) | Self::List(_) | Self::Fields(_) => None,
        }
    }

    /// Returns it as a number, where it is one or tells one.
    pub(super) fn number(&self) -> Option<f64> {
        let number = match self {
            Self::Int(number) => Some(*number as f64),
            Self::Double(number) => Some(*number),
            Self::Text(text) => text.trim().parse().ok(),
            Self::Empty | Self::Flag(_) | Self::List(_) | Self::Fields(_) => None,
        };
        number.filter(|number: &f64| number.is_finite())
    }

    fn flag(&self) -> Option<bool> {
        match self {
            Self::Flag(flag) => Some(*flag),
            Self::Text(text) => match text.trim() {
                "true" | "True" | "1" => Some(true),
                "false" | "False" | "0" => Some(false),
                _ => None,
            },
            _ => None,
        }
    }

    /// Returns it as JSON.
    pub(super) fn json(&self) -> Value {
        match self {
            Self::Empty => Value::Null,
            Self::Text(text) => Value::String(text.clone()),
            Self::Flag(flag) => Value::Bool(*flag),
            Self::Int(number) => Value::Number((*number).into()),
            Self::Double(number) => Number::from_f64(*number).map_or(Value::Null, Value::Number),
            Self::List(items) => Value::Array(items.iter().map(Self::json).collect()),
            Self::Fields(fields) => Value::Object(fields.json()),
        }
    }
}

/// Named values.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Attributes(pub(super) Vec<(String, Any)>);

impl Attributes {
    pub(super) fn get(&self, name: &str) -> Option<&Any> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }

    /// Returns the first of these that is text and not blank.
    pub(super) fn text(&self, names: &[&str]) -> Option<Cow<'_, str>> {
        let told = |name: &&str| self.get(name).and_then(Any::text);
        names.iter().filter_map(told).find(|text| !text.trim().is_empty())
    }

    /// Returns the first of these that is words which the agent was told to export.
    pub(super) fn words(&self, names: &[&str]) -> Option<Cow<'_, str>> {
        self.text(names).filter(|text| text.trim() != REDACTED)
    }

    /// Returns the first of these that is a number.
    pub(super) fn number(&self, names: &[&str]) -> Option<f64> {
        names.iter().find_map(|name| self.get(name).and_then(Any::number))
    }

    /// Returns the first of these that is a number, as a count.
    pub(super) fn count(&self, names: &[&str]) -> Option<u64> {
        self.number(names).and_then(count)
    }

    pub(super) fn flag(&self, name: &str) -> Option<bool> {
        self.get(name).and_then(Any::flag)
    }

    /// Returns one as JSON, with numbers and yes or no as such even where they are told as text.
    pub(super) fn plain(&self, name: &str) -> Value {
        let Some(value) = self.get(name) else { return Value::Null };
        let Any::Text(text) = value else { return value.json() };
        if let Some(flag) = matches!(text.as_str(), "true" | "false").then(|| text == "true") {
            return Value::Bool(flag);
        }
        match text.parse::<i64>() {
            Ok(number) => Value::Number(number.into()),
            Err(_) => Value::String(text.clone()),
        }
    }

    pub(super) fn json(&self) -> Map<String, Value> {
        self.0.iter().map(|(name, value)| (name.clone(), value.json())).collect()
    }

    /// Returns a text that is the same for the same values, in whatever order they are told.
    pub(super) fn canonical(&self, without: &[&str]) -> String {
        let told = self.0.iter().filter(|(name, _)| !without.contains(&name.as_str()));
        let mut pairs: Vec<_> = told.map(|(name, value)| (name, value.json())).collect();
        pairs.sort_by(|one, other| one.0.cmp(other.0));
        let pairs =
            pairs.into_iter().map(|(name, value)| Value::Array(vec![name.as_str().into(), value]));
        Value::Array(pairs.collect()).to_string()
    }
}

/// Returns a number as a count of whole things.
pub(super) fn count(number: f64) -> Option<u64> {
    (0.0..=COUNT_MAX).contains(&number).then(|| number.round() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_may_be_told_in_any_way() {
        for (value, number) in [
            (Any::Int(7), Some(7.0)),
            (Any::Double(7.0), Some(7.0)),
            (Any::Text(" 7 ".to_owned()), Some(7.0)),
            (Any::Text("seven".to_owned()), None),
            (Any::Text("inf".to_owned()), None),
            (Any::Double(f64::NAN), None),
            (Any::Flag(true), None),
            (Any::Empty, None),
        ] {
            assert_eq!(value.number(), number, "{value:?}");
        }
    }

    #[test]
    fn a_count_is_whole_and_not_negative() {
        let cases = [(0.4, Some(0)), (0.5, Some(1)), (12.0, Some(12)), (-1.0, None), (1e300, None)];
        for (number, expected) in cases {
            assert_eq!(count(number), expected, "{number}");
        }
    }

    #[test]
    fn the_order_of_attributes_says_nothing() {
        let one = Attributes(vec![("a".to_owned(), Any::Int(1)), ("b".to_owned(), Any::Empty)]);
        let mut other = one.clone();
        other.0.reverse();
        assert_eq!(one.canonical(&[]), other.canonical(&[]));
        assert_eq!(one.canonical(&["b"]), r#"[["a",1]]"#);
    }

    #[test]
    fn words_that_are_held_back_are_none() {
        let held = Attributes(vec![("prompt".to_owned(), Any::Text("<REDACTED>".to_owned()))]);
        assert_eq!(held.words(&["prompt"]), None);
        assert_eq!(held.text(&["prompt"]).as_deref(), Some("<REDACTED>"));
    }
}
