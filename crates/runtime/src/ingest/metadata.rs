//! Metadata is stored whole up to a cap, and beyond it as a summary: always valid JSON.

use oriel_model::Metadata;
use oriel_wire::json;
use serde::Deserialize;
use serde_json::value::RawValue;

/// What a summary carries over, in this order, for as long as it fits.
const SUMMARY_KEYS: [&str; 9] =
    ["command", "file_path", "query", "pattern", "error", "message", "tool_name", "path", "type"];

/// Takes metadata as it was posted. Text that JSON would not repeat is written as JavaScript would.
pub(super) fn admit(text: Option<&str>, bytes_max: usize) -> Metadata {
    let Some(text) = text else { return Metadata::default() };
    let Ok(canonical) = json::canonical(text) else {
        return Metadata::new(marker(text.len(), bytes_max), true);
    };
    if canonical.len() <= bytes_max {
        return Metadata::new(canonical, false);
    }
    let short = match canonical.as_bytes().first() {
        Some(b'"') => cut_string(&canonical, bytes_max),
        Some(b'{') => summary(&canonical, bytes_max),
        _ => marker(canonical.len(), bytes_max),
    };
    Metadata::new(short, true)
}

/// Keeps as many whole characters of a string as fit between its quotes.
fn cut_string(canonical: &str, bytes_max: usize) -> String {
    let Ok(text) = serde_json::from_str::<String>(canonical) else {
        return marker(canonical.len(), bytes_max);
    };
    if bytes_max < 2 {
        return NOTHING.to_owned();
    }
    let mut cut = String::from("\"");
    for character in text.chars() {
        let mut bytes = [0; 4];
        let quoted = serde_json::to_string(&*character.encode_utf8(&mut bytes)).unwrap_or_default();
        let escaped = &quoted[1..quoted.len() - 1];
        if cut.len() + escaped.len() + 1 > bytes_max {
            break;
        }
        cut.push_str(escaped);
    }
    cut.push('"');
    cut
}

/// Keeps the telling members of an object. Where they do not fit either, none is kept.
fn summary(canonical: &str, bytes_max: usize) -> String {
    let Ok(Members(members)) = serde_json::from_str(canonical) else {
        return marker(canonical.len(), bytes_max);
    };
    let mut text = marker(canonical.len(), usize::MAX);
    text.pop();
    for key in SUMMARY_KEYS {
        if let Some((_, value)) = members.iter().find(|(name, _)| name == key) {
            text.push_str(&format!(",\"{key}\":{}", value.get()));
        }
    }
    text.push('}');
    if text.len() <= bytes_max { text } else { marker(canonical.len(), bytes_max) }
}

fn marker(bytes: usize, bytes_max: usize) -> String {
    let text = format!("{{\"_truncated\":true,\"_original_bytes\":{bytes}}}");
    if text.len() <= bytes_max { text } else { NOTHING.to_owned() }
}

/// Says nothing, which is stored even under a cap that leaves no room for any JSON.
const NOTHING: &str = "{}";

/// The members of an object, as they stand.
struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(
                self,
                mut map: A,
            ) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Visitor)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn what_fits_is_stored_whole() {
        check(r#"{"z":1,"a":2,"10":3,"2":4}"#, r#"{"2":4,"10":3,"z":1,"a":2}"#, false);
        check(r#""plain text""#, r#""plain text""#, false);
        check("[1,2.0]", "[1,2]", false);
    }

    #[test]
    fn what_does_not_fit_is_summarised_by_its_telling_members() {
        let emoji = "😀".repeat(1200);
        let text =
            json!({"command": "pnpm test", "blob": emoji, "path": "p", "type": "y", "zzz": 1});
        let expected = r#"{"_truncated":true,"_original_bytes":4863,"command":"pnpm test","path":"p","type":"y"}"#;
        check(&text.to_string(), expected, true);
        let array = json!(["x".repeat(3000)]).to_string();
        check(&array, r#"{"_truncated":true,"_original_bytes":3004}"#, true);
    }

    #[test]
    fn a_summary_that_does_not_fit_either_says_only_how_much_there_was() {
        let text = json!({"command": "x".repeat(5000)}).to_string();
        check(&text, r#"{"_truncated":true,"_original_bytes":5014}"#, true);
    }

    #[test]
    fn a_long_string_is_cut_between_characters() {
        let metadata = admit(Some(&json!("é".repeat(1000)).to_string()), 1024);
        assert_eq!(metadata.text(), format!("\"{}\"", "é".repeat(511)));
        assert!(metadata.truncated());
    }

    #[test]
    fn what_nests_too_deeply_is_only_measured() {
        let deep = format!("{}{}", "[".repeat(1000), "]".repeat(1000));
        check(&deep, r#"{"_truncated":true,"_original_bytes":2000}"#, true);
    }

    proptest! {
        #[test]
        fn stored_metadata_is_valid_and_within_the_cap(
            text in prop_oneof![
                ".{0,300}".prop_map(|text| json!(text)),
                prop::collection::hash_map("command|message|[a-z\"\\\\]{1,9}", ".{0,200}", 0..8)
                    .prop_map(|members| json!(members)),
                prop::collection::vec(any::<i32>().prop_map(|n| json!(n)), 0..40)
                    .prop_map(Value::from),
            ],
            bytes_max in 2_usize..400,
        ) {
            let metadata = admit(Some(&text.to_string()), bytes_max);
            prop_assert!(metadata.text().len() <= bytes_max);
            let stored: Value = serde_json::from_str(metadata.text()).unwrap();
            if !metadata.truncated() {
                prop_assert_eq!(stored, text);
            }
        }
    }

    fn check(text: &str, expected: &str, truncated: bool) {
        let metadata = admit(Some(text), 1024);
        assert_eq!((metadata.text(), metadata.truncated()), (expected, truncated));
    }
}
