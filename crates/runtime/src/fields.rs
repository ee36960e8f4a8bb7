//! A few fields of an event's metadata, read without the rest of it.

use std::borrow::Cow;

use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

/// Returns the values of top-level fields as JSON text. What is no object has none.
pub(crate) fn pick<'a, const N: usize>(
    metadata: &'a str,
    names: [&str; N],
) -> [Option<&'a RawValue>; N] {
    let mut read = serde_json::Deserializer::from_str(metadata);
    read.deserialize_map(Fields(names)).unwrap_or([None; N])
}

/// Returns the text that a value is, unless it is none or empty.
pub(crate) fn text(value: &RawValue) -> Option<String> {
    serde_json::from_str(value.get()).ok().filter(|text: &String| !text.is_empty())
}

struct Fields<'n, const N: usize>([&'n str; N]);

impl<'a, const N: usize> Visitor<'a> for Fields<'_, N> {
    type Value = [Option<&'a RawValue>; N];

    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut found = [None; N];
        while let Some(Name(name)) = map.next_key()? {
            match self.0.iter().position(|wanted| *wanted == name) {
                // Of a name that is given twice the last counts.
                Some(nth) => found[nth] = Some(map.next_value()?),
                None => _ = map.next_value::<IgnoredAny>()?,
            }
        }
        Ok(found)
    }
}

#[derive(serde::Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found_at_the_top_alone_and_the_last_of_a_name_counts() {
        for (metadata, expected) in [
            (r#"{"x":{"a":"no"},"a":"one","b":7}"#, [Some("\"one\""), Some("7")]),
            (r#"{"\u0061":"one","a":"two"}"#, [Some("\"two\""), None]),
            (r#"["a"]"#, [None, None]),
            ("\"a\"", [None, None]),
            (r#"{"a":1,"#, [None, None]),
            ("", [None, None]),
        ] {
            let found = pick(metadata, ["a", "b"]).map(|value| value.map(RawValue::get));
            assert_eq!(found, expected, "{metadata}");
        }
    }

    #[test]
    fn only_a_text_that_says_something_is_one() {
        let of = |metadata| pick(metadata, ["a"])[0].and_then(text);
        assert_eq!(of(r#"{"a":"caf\u00e9"}"#).as_deref(), Some("café"));
        assert_eq!(of(r#"{"a":""}"#), None);
        assert_eq!(of(r#"{"a":7}"#), None);
    }
}
