//! JSON as JavaScript writes it.
//!
//! Readers of this API were written against a JavaScript server: a whole number has no fraction,
//! object keys that look like numbers come first, and what is not finite is null.

use std::borrow::Cow;
use std::collections::HashMap;
use std::io;

use serde::Serialize;
use serde_json::ser::{CompactFormatter, Formatter, Serializer};

/// How deeply stored JSON may nest: one less than the readers' own limit.
const DEPTH_MAX: usize = 120;

/// Longer whole numbers than this do not fit 64 bits, and are written as JavaScript would.
const EXACT_DIGITS_MAX: usize = 19;

/// Writes a value as JSON with JavaScript's numbers.
#[must_use]
pub fn to_vec<T: Serialize + ?Sized>(value: &T) -> Vec<u8> {
    let mut out = Vec::with_capacity(256);
    append(&mut out, value);
    out
}

/// Writes a value as [`to_vec`] does, behind what is already there.
pub fn append<T: Serialize + ?Sized>(out: &mut Vec<u8>, value: &T) {
    value
        .serialize(&mut Serializer::with_formatter(out, JavaScript(CompactFormatter)))
        .expect("wire types have string keys, and memory takes what is written");
}

/// Text that nests too deeply to be stored.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("JSON nests deeper than {DEPTH_MAX} levels")]
pub struct TooDeep;

/// Rewrites valid JSON text as `JSON.stringify(JSON.parse(text))` would, with one difference:
/// whole numbers of up to 19 digits stay exact.
///
/// # Errors
/// Refuses text that nests too deeply.
///
/// # Panics
/// On text that is not JSON: callers pass what a parser accepted.
pub fn canonical(text: &str) -> Result<String, TooDeep> {
    let mut scan = Scan { text, at: 0, out: String::with_capacity(text.len()) };
    scan.value(0)?;
    Ok(scan.out)
}

/// Replaces escapes of half a character, which JavaScript writes when it cuts a string in the
/// middle of one and which no UTF-8 text can hold. The replacement is as long as what it replaces.
pub fn mend_lone_surrogates(body: &mut [u8]) {
    let mut at = 0;
    while let Some(found) = memchr::memchr(b'\\', &body[at..]) {
        let escape = at + found;
        at = match unit(body, escape) {
            None => escape + 2,
            Some(0xD800..=0xDBFF) if matches!(unit(body, escape + 6), Some(0xDC00..=0xDFFF)) => {
                escape + 12
            }
            Some(0xD800..=0xDFFF) => {
                body[escape + 2..escape + 6].copy_from_slice(b"fffd");
                escape + 6
            }
            Some(_) => escape + 6,
        };
        if at >= body.len() {
            return;
        }
    }
}

/// Returns the UTF-16 unit that a `\u` escape at this place stands for.
fn unit(body: &[u8], at: usize) -> Option<u16> {
    let escape = body.get(at..at + 6)?;
    let digits = escape.strip_prefix(b"\\u")?;
    u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

struct JavaScript(CompactFormatter);

impl Formatter for JavaScript {
    fn write_f64<W: io::Write + ?Sized>(&mut self, writer: &mut W, value: f64) -> io::Result<()> {
        writer.write_all(ryu_js::Buffer::new().format(value).as_bytes())
    }

    fn write_string_fragment<W: io::Write + ?Sized>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        self.0.write_string_fragment(writer, fragment)
    }
}

struct Scan<'a> {
    text: &'a str,
    at: usize,
    out: String,
}

/// A member of an object: its key and where `"key":value` stands in the output.
struct Member<'a> {
    key: Cow<'a, str>,
    start: usize,
    end: usize,
}

impl<'a> Scan<'a> {
    fn value(&mut self, depth: usize) -> Result<(), TooDeep> {
        if depth > DEPTH_MAX {
            return Err(TooDeep);
        }
        match self.peek() {
            b'{' => self.object(depth),
            b'[' => self.array(depth),
            b'"' => {
                self.string();
                Ok(())
            }
            b't' | b'f' | b'n' => {
                let word = self.take_while(|byte| byte.is_ascii_lowercase());
                self.out.push_str(word);
                Ok(())
            }
            _ => {
                self.number();
                Ok(())
            }
        }
    }

    fn array(&mut self, depth: usize) -> Result<(), TooDeep> {
        self.at += 1;
        self.out.push('[');
        while self.peek() != b']' {
            if self.peek() == b',' {
                self.at += 1;
                self.out.push(',');
            }
            self.value(depth + 1)?;
        }
        self.at += 1;
        self.out.push(']');
        Ok(())
    }

    fn object(&mut self, depth: usize) -> Result<(), TooDeep> {
        self.at += 1;
        self.out.push('{');
        let mut members = Vec::new();
        while self.peek() != b'}' {
            if self.peek() == b',' {
                self.at += 1;
                self.out.push(',');
                self.peek();
            }
            let start = self.out.len();
            let key = self.string();
            self.peek();
            self.at += 1;
            self.out.push(':');
            self.value(depth + 1)?;
            members.push(Member { key, start, end: self.out.len() });
        }
        self.at += 1;
        if in_javascript_order(&members) {
            self.out.push('}');
        } else {
            self.reorder(members);
        }
        Ok(())
    }

    /// Writes the members again: the last of each key, keys that are array indices first.
    fn reorder(&mut self, members: Vec<Member<'a>>) {
        let Some(first) = members.first().map(|member| member.start) else { return };
        let mut places: HashMap<Cow<'a, str>, usize> = HashMap::new();
        let mut kept: Vec<(Option<u32>, usize, usize)> = Vec::new();
        for member in members {
            let slot = (index_key(&member.key), member.start, member.end);
            match places.get(&member.key) {
                Some(&place) => kept[place] = slot,
                None => {
                    places.insert(member.key, kept.len());
                    kept.push(slot);
                }
            }
        }
        // The sort is stable: the others keep the order in which they first came.
        kept.sort_by_key(|(index, ..)| index.map_or((1, 0), |index| (0, index)));
        let written = self.out.split_off(first);
        for (nth, (_, start, end)) in kept.into_iter().enumerate() {
            if nth > 0 {
                self.out.push(',');
            }
            self.out.push_str(&written[start - first..end - first]);
        }
        self.out.push('}');
    }

    fn string(&mut self) -> Cow<'a, str> {
        let start = self.at;
        let bytes = self.text.as_bytes();
        let mut end = start + 1;
        let mut escaped = false;
        while bytes[end] != b'"' {
            escaped |= bytes[end] == b'\\';
            end += if bytes[end] == b'\\' { 2 } else { 1 };
        }
        end += 1;
        self.at = end;
        let quoted = &self.text[start..end];
        if !escaped {
            self.out.push_str(quoted);
            return Cow::Borrowed(&quoted[1..quoted.len() - 1]);
        }
        let plain: String = serde_json::from_str(quoted).unwrap_or_default();
        self.out.push_str(&serde_json::to_string(&plain).unwrap_or_default());
        Cow::Owned(plain)
    }

    fn number(&mut self) {
        let digits =
            self.take_while(|b| matches!(b, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E'));
        let whole = !digits.contains(['.', 'e', 'E']);
        if whole && digits.len() <= EXACT_DIGITS_MAX && digits != "-0" {
            self.out.push_str(digits);
            return;
        }
        match digits.parse::<f64>() {
            Ok(number) if number.is_finite() => {
                self.out.push_str(ryu_js::Buffer::new().format(number));
            }
            _ => self.out.push_str("null"),
        }
    }

    /// Skips white space and returns the byte that follows.
    fn peek(&mut self) -> u8 {
        let bytes = self.text.as_bytes();
        while matches!(bytes[self.at], b' ' | b'\t' | b'\n' | b'\r') {
            self.at += 1;
        }
        bytes[self.at]
    }

    fn take_while(&mut self, accept: impl Fn(u8) -> bool) -> &'a str {
        let rest = &self.text[self.at..];
        let length = rest.bytes().position(|byte| !accept(byte)).unwrap_or(rest.len());
        assert!(length > 0, "callers pass valid JSON");
        self.at += length;
        &rest[..length]
    }
}

fn in_javascript_order(members: &[Member<'_>]) -> bool {
    /// Up to this many members are compared pair by pair.
    const FEW: usize = 12;
    if members.iter().any(|member| index_key(&member.key).is_some()) {
        return false;
    }
    // Many members go through the map of `reorder`, which finds repeated keys in linear time.
    members.len() <= FEW
        && members
            .iter()
            .enumerate()
            .all(|(nth, member)| members[..nth].iter().all(|earlier| earlier.key != member.key))
}

/// Returns the number that a key stands for where JavaScript treats it as an array index.
fn index_key(key: &str) -> Option<u32> {
    let canonical = key == "0" || !key.starts_with('0');
    let digits = !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_digit());
    if canonical && digits { key.parse().ok().filter(|&index| index < u32::MAX) } else { None }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn numbers_look_as_javascript_writes_them() {
        for (number, expected) in [
            (0.0, "0"),
            (-0.0, "0"),
            (44_000.0, "44000"),
            (1.5, "1.5"),
            (0.001_155, "0.001155"),
            (9.999_999_999_999_999e-6, "0.000009999999999999999"),
            (1e-7, "1e-7"),
            (1e21, "1e+21"),
            (f64::INFINITY, "null"),
            (f64::NAN, "null"),
        ] {
            assert_eq!(String::from_utf8(to_vec(&number)).unwrap(), expected);
        }
    }

    #[test]
    fn canonical_text_is_what_javascript_would_write() {
        check(r#"{"z":1,"a":2,"10":3,"2":4}"#, r#"{"2":4,"10":3,"z":1,"a":2}"#);
        check(r#" { "a" : [ 1 , 2.0 , 1e2 ] , "b" : { } } "#, r#"{"a":[1,2,100],"b":{}}"#);
        check(r#"{"a":1,"b":2,"a":3}"#, r#"{"a":3,"b":2}"#);
        check(r#"{"01":1,"1":2}"#, r#"{"1":2,"01":1}"#);
        check(r#"[1e400,-0,0.10,9007199254740993]"#, "[null,0,0.1,9007199254740993]");
        check("123456789012345678901234567890", "1.2345678901234568e+29");
        check(r#""\u0041\/\n\u001f\u00e9""#, "\"A/\\n\\u001fé\"");
        check("[]", "[]");
        check("null", "null");
    }

    #[test]
    fn many_members_keep_their_order_and_lose_their_repeats() {
        let members: Vec<String> = (0..40).map(|n| format!(r#""k{}":{n}"#, n % 20)).collect();
        let expected: Vec<String> = (0..20).map(|n| format!(r#""k{n}":{}"#, n + 20)).collect();
        check(&format!("{{{}}}", members.join(",")), &format!("{{{}}}", expected.join(",")));
    }

    #[test]
    fn bottomless_text_is_refused_and_does_not_overflow_the_stack() {
        let deep = format!("{}{}", "[".repeat(200_000), "]".repeat(200_000));
        assert_eq!(canonical(&deep), Err(TooDeep));
    }

    #[test]
    fn half_characters_are_mended_in_place() {
        for (given, expected) in [
            (r#""\ud83d\ude00""#, r#""\ud83d\ude00""#),
            (r#""\ud83d""#, r#""\ufffd""#),
            (r#""\ude00x""#, r#""\ufffdx""#),
            (r#""\ud83d\ud83d\ude00""#, r#""\ufffd\ud83d\ude00""#),
            (r#""\\ud83d""#, r#""\\ud83d""#),
            (r#""\u12"#, r#""\u12"#),
            (r"\", r"\"),
        ] {
            let mut body = given.as_bytes().to_vec();
            mend_lone_surrogates(&mut body);
            assert_eq!(String::from_utf8(body).unwrap(), expected);
        }
    }

    proptest! {
        #[test]
        fn canonical_text_means_the_same_and_is_stable(value in json_value()) {
            let text = serde_json::to_string_pretty(&value).unwrap();
            let once = canonical(&text).unwrap();
            prop_assert_eq!(&serde_json::from_str::<Value>(&once).unwrap(), &value);
            prop_assert_eq!(&canonical(&once).unwrap(), &once);
        }

        #[test]
        fn mending_leaves_only_whole_characters(text in r#"(\\u[dD][89a-fA-F][0-9a-f]{2}|\\\\|x|\\n){0,12}"#) {
            let mut body = format!("\"{text}\"").into_bytes();
            mend_lone_surrogates(&mut body);
            prop_assert!(serde_json::from_slice::<String>(&body).is_ok());
        }
    }

    fn json_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i32>().prop_map(Value::from),
            ".*".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 40, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::hash_map("[a-z0-9\"\\\\é]{0,3}", inner, 0..6)
                    .prop_map(|members| json!(members)),
            ]
        })
    }

    fn check(text: &str, expected: &str) {
        assert_eq!(canonical(text).unwrap(), expected);
    }
}
