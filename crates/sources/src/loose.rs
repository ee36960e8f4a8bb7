//! JSON read loosely: only as deep as it is asked for, and without a complaint about types.
//!
//! Agents change the types of their fields from version to version, and their lines are long where
//! nobody looks. So a value stays text until a field of it is wanted, a number may come as a string,
//! and what is not as expected is absent. Nothing here recurses, so depth is no danger.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// The largest whole number that every reader of JSON agrees on. Greater ones are cut to it.
const WHOLE_MAX: f64 = 9_007_199_254_740_991.0;

/// A JSON value, as its text.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Loose<'a>(&'a str);

/// The fields of a JSON object; of a name that is given twice the last one counts.
#[derive(Debug, Default)]
pub(crate) struct Fields<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'a> Loose<'a> {
    /// Returns the JSON text.
    pub(crate) fn raw(self) -> &'a str {
        self.0
    }

    /// Returns the characters of a string.
    pub(crate) fn text(self) -> Option<Cow<'a, str>> {
        let inside = self.0.strip_prefix('"')?.strip_suffix('"')?;
        if memchr::memchr(b'\\', inside.as_bytes()).is_none() {
            return Some(Cow::Borrowed(inside));
        }
        serde_json::from_str::<Unescaped>(self.0).ok().map(|Unescaped(text)| Cow::Owned(text))
    }

    /// Returns a number, which may be written as a string.
    pub(crate) fn float(self) -> Option<f64> {
        let text = self.0.trim_matches('"').trim();
        text.parse::<f64>().ok().filter(|number| number.is_finite())
    }

    /// Returns a whole number of no less than 0; what is less counts as 0.
    pub(crate) fn whole(self) -> Option<u64> {
        // `as` makes 0 of what is negative.
        self.float().map(|number| number.min(WHOLE_MAX) as u64)
    }

    /// Returns whether it is true, if it says so or the contrary.
    pub(crate) fn flag(self) -> Option<bool> {
        match self.0.trim_matches('"') {
            "true" => Some(true),
            "false" => Some(false),
            _ => None,
        }
    }

    /// Returns the fields of an object; anything else has none.
    pub(crate) fn fields(self) -> Fields<'a> {
        if self.0.starts_with('{') {
            Fields::read(self.0).unwrap_or_default()
        } else {
            Fields::default()
        }
    }

    /// Returns the items of an array; anything else has none.
    pub(crate) fn items(self) -> Vec<Self> {
        if !self.0.starts_with('[') {
            return Vec::new();
        }
        let items: Vec<&'a RawValue> = serde_json::from_str(self.0).unwrap_or_default();
        items.into_iter().map(|raw| Loose(raw.get())).collect()
    }
}

impl<'a> Fields<'a> {
    /// Reads an object.
    pub(crate) fn read(text: &'a str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    /// Returns a field that is there and not null.
    pub(crate) fn get(&self, name: &str) -> Option<Loose<'a>> {
        let (_, raw) = self.0.iter().rev().find(|(known, _)| known == name)?;
        Some(Loose(raw.get())).filter(|value| value.0 != "null")
    }

    /// Returns the first of some fields that is there.
    pub(crate) fn first(&self, names: &[&str]) -> Option<Loose<'a>> {
        names.iter().find_map(|name| self.get(name))
    }

    /// Returns a field's characters, if it is a string of more than blanks.
    pub(crate) fn text(&self, name: &str) -> Option<Cow<'a, str>> {
        self.get(name)?.text().filter(|text| !text.trim().is_empty())
    }

    /// Returns a field's whole number.
    pub(crate) fn whole(&self, name: &str) -> Option<u64> {
        self.get(name)?.whole()
    }

    /// Returns the fields of a field.
    pub(crate) fn fields(&self, name: &str) -> Fields<'a> {
        self.get(name).map(Loose::fields).unwrap_or_default()
    }

    /// Returns the items of a field.
    pub(crate) fn items(&self, name: &str) -> Vec<Loose<'a>> {
        self.get(name).map(Loose::items).unwrap_or_default()
    }

    /// Returns every name with its value.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, Loose<'a>)> {
        self.0.iter().map(|(name, raw)| (name.as_ref(), Loose(raw.get())))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Returns a line as text: without what a crash leaves around it, and with a mark where bytes are no
/// text.
pub(crate) fn line_text(line: &[u8]) -> Cow<'_, str> {
    let is_padding = |c: char| c == '\0' || c == '\u{feff}' || c.is_whitespace();
    match String::from_utf8_lossy(line) {
        Cow::Borrowed(text) => Cow::Borrowed(text.trim_matches(is_padding)),
        Cow::Owned(text) => Cow::Owned(text.trim_matches(is_padding).to_owned()),
    }
}

/// Returns the Unix milliseconds of a time, given as a date with its zone or as a number of seconds
/// or milliseconds.
pub(crate) fn unix_ms(time: Loose<'_>) -> Option<i64> {
    /// A number of seconds this great lies thousands of years ahead, so it counts milliseconds.
    const SECONDS_MAX: f64 = 1e11;
    if let Some(number) = time.float() {
        let ms = if number.abs() < SECONDS_MAX { number * 1000.0 } else { number };
        return (0.0..=WHOLE_MAX).contains(&ms).then_some(ms as i64);
    }
    let stamp: jiff::Timestamp = time.text()?.trim().parse().ok()?;
    Some(stamp.as_millisecond())
}

/// A string in which half a character does not spoil the rest.
struct Unescaped(String);

impl<'de> Deserialize<'de> for Unescaped {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Bytes;
        impl Visitor<'_> for Bytes {
            type Value = Unescaped;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }
            fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Unescaped, E> {
                Ok(Unescaped(String::from_utf8_lossy(bytes).into_owned()))
            }
        }
        deserializer.deserialize_bytes(Bytes)
    }
}

impl<'de> Deserialize<'de> for Fields<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = Fields<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields<'de>, A::Error> {
                let mut fields = Vec::with_capacity(8);
                while let Some((name, value)) = map.next_entry::<&'de RawValue, &'de RawValue>()? {
                    let name = Loose(name.get()).text().unwrap_or_default();
                    fields.push((name, value));
                }
                Ok(Fields(fields))
            }
        }
        deserializer.deserialize_map(Members)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_in_any_dress() {
        for text in [r#"{"n":7}"#, r#"{"n":"7"}"#, r#"{"n":7.9}"#, r#"{"n":" 7 "}"#] {
            assert_eq!(read(text).whole("n"), Some(7), "{text}");
        }
        assert_eq!(read(r#"{"n":-3}"#).whole("n"), Some(0));
        assert_eq!(read(r#"{"n":1e300}"#).whole("n"), Some(9_007_199_254_740_991));
        for text in [r#"{"n":null}"#, r#"{"n":[7]}"#, r#"{"n":"x"}"#, r#"{"n":1e999}"#, "{}"] {
            assert_eq!(read(text).whole("n"), None, "{text}");
        }
    }

    #[test]
    fn half_characters_and_escaped_names_are_read() {
        let fields = read(r#"{"\u0061":"x\ud800y","b":"a\nb","a":"last\u00e9"}"#);
        assert_eq!(fields.text("a").as_deref(), Some("lasté"), "the last of a name counts");
        assert_eq!(fields.text("b").as_deref(), Some("a\nb"));
        let half = read(r#"{"a":"x\ud800y"}"#).text("a").map(Cow::into_owned).unwrap();
        assert!(half.starts_with('x') && half.ends_with('y'), "{half}");
    }

    #[test]
    fn depth_is_no_danger() {
        let deep = format!(r#"{{"a":{}{},"b":1}}"#, "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(read(&deep).whole("b"), Some(1));
        assert_eq!(read(&deep).items("a").len(), 1);
    }

    #[test]
    fn times_are_dates_seconds_or_milliseconds() {
        for text in [
            r#"{"t":"2026-11-21T10:52:17.582Z"}"#,
            r#"{"t":"2026-11-21T12:52:17.582+02:00"}"#,
            r#"{"t":1795258337.582}"#,
            r#"{"t":1795258337582}"#,
            r#"{"t":"1795258337582"}"#,
        ] {
            assert_eq!(read(text).get("t").and_then(unix_ms), Some(1_795_258_337_582), "{text}");
        }
        for text in [r#"{"t":"yesterday"}"#, r#"{"t":-5}"#, r#"{"t":{}}"#] {
            assert_eq!(read(text).get("t").and_then(unix_ms), None, "{text}");
        }
    }

    #[test]
    fn a_line_is_freed_of_what_a_crash_leaves() {
        assert_eq!(line_text(b"\xef\xbb\xbf{}\r\0\0"), "{}");
        assert_eq!(line_text(b"\0\0"), "");
        assert_eq!(line_text(b"{\"a\":\"\xff\"}"), "{\"a\":\"\u{fffd}\"}");
    }

    fn read(text: &str) -> Fields<'_> {
        Fields::read(text).unwrap()
    }
}
