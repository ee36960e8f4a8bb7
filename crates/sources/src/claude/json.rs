//! JSON as it stands in a line, read only where it is asked for.
//!
//! Most of a history is tool output that is never looked at, so a value is a piece of the line until
//! somebody wants its text. Nothing here recurses, however deeply a value nests, and nothing is
//! refused that can be understood: it is no validator.

use std::borrow::Cow;

use memchr::{memchr, memchr2};

/// The largest count that is believed, 2^53. Whatever says more is broken, and no sum overflows.
const COUNT_MAX: f64 = 9_007_199_254_740_992.0;

/// One value, as it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Raw<'a>(&'a str);

impl<'a> Raw<'a> {
    /// Takes a text that is one whole value, with blanks or padding around it.
    pub(super) fn document(text: &'a str) -> Option<Self> {
        let text = trim(text);
        (end_of_value(text.as_bytes(), 0)? == text.len()).then_some(Self(text))
    }

    /// Takes the text of an object whose fields are read with [`Fields::is_whole`] in mind.
    pub(super) const fn unchecked(text: &'a str) -> Self {
        Self(text)
    }

    /// Returns the value as it is written.
    pub(super) const fn text(self) -> &'a str {
        self.0
    }

    pub(super) fn is_object(self) -> bool {
        self.0.starts_with('{')
    }

    /// Returns what a string says.
    pub(super) fn string(self) -> Option<Cow<'a, str>> {
        let inner = self.0.strip_prefix('"')?.strip_suffix('"')?;
        Some(unescape(inner))
    }

    /// Returns what a string says, unless it is blank.
    pub(super) fn word(self) -> Option<Cow<'a, str>> {
        self.string().filter(|word| !word.trim().is_empty())
    }

    /// Returns a number, which may be written as a string.
    pub(super) fn number(self) -> Option<f64> {
        let text = self.0.trim_matches('"').trim();
        text.parse::<f64>().ok().filter(|number| number.is_finite())
    }

    /// Returns a number of things. What is negative is none, and what is broken is cut.
    pub(super) fn count(self) -> Option<u64> {
        self.number().map(whole)
    }

    pub(super) fn is_true(self) -> bool {
        matches!(self.0, "true" | "\"true\"")
    }

    /// Returns the last field of this name, if this is an object.
    pub(super) fn get(self, name: &str) -> Option<Self> {
        self.fields().filter(|(key, _)| *key == name).map(|(_, value)| value).last()
    }

    /// Returns the last fields of these names, all found in one pass.
    pub(super) fn pick<const N: usize>(self, names: [&str; N]) -> [Option<Self>; N] {
        let mut found = [None; N];
        for (key, value) in self.fields() {
            if let Some(at) = names.iter().position(|name| *name == key) {
                found[at] = Some(value);
            }
        }
        found
    }

    /// Returns the string in a field of this name, unless it is blank.
    pub(super) fn word_of(self, name: &str) -> Option<Cow<'a, str>> {
        self.get(name)?.word()
    }

    /// Returns the fields of an object, with their names as they are written.
    pub(super) fn fields(self) -> Fields<'a> {
        Fields { text: self.0, at: 0, is_whole: false }
    }

    /// Returns the items of an array, and nothing of anything else.
    pub(super) fn items(self) -> Items<'a> {
        Items { text: self.0, at: 0 }
    }
}

/// The fields of an object, one after another.
pub(super) struct Fields<'a> {
    text: &'a str,
    at: usize,
    is_whole: bool,
}

impl Fields<'_> {
    /// Returns whether the object was read to its end and nothing follows it.
    pub(super) const fn is_whole(&self) -> bool {
        self.is_whole
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = (&'a str, Raw<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        let bytes = self.text.as_bytes();
        let opener = if self.at == 0 { b'{' } else { b',' };
        let at = skip_blanks(bytes, self.at);
        let is_end = |at: usize| bytes.get(at) == Some(&b'}');
        if self.at > 0 && is_end(at) {
            self.is_whole = at + 1 == bytes.len();
            return None;
        }
        if bytes.get(at) != Some(&opener) {
            return None;
        }
        let key = skip_blanks(bytes, at + 1);
        if opener == b'{' && is_end(key) {
            self.is_whole = key + 1 == bytes.len();
            return None;
        }
        if bytes.get(key) != Some(&b'"') {
            return None;
        }
        let key_end = end_of_string(bytes, key)?;
        let colon = skip_blanks(bytes, key_end);
        if bytes.get(colon) != Some(&b':') {
            return None;
        }
        let start = skip_blanks(bytes, colon + 1);
        let end = end_of_value(bytes, start)?;
        self.at = end;
        Some((&self.text[key + 1..key_end - 1], Raw(&self.text[start..end])))
    }
}

/// The items of an array, one after another.
pub(super) struct Items<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Iterator for Items<'a> {
    type Item = Raw<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        let bytes = self.text.as_bytes();
        let opener = if self.at == 0 { b'[' } else { b',' };
        let at = skip_blanks(bytes, self.at);
        if bytes.get(at) != Some(&opener) {
            return None;
        }
        let start = skip_blanks(bytes, at + 1);
        if bytes.get(start) == Some(&b']') {
            return None;
        }
        let end = end_of_value(bytes, start)?;
        self.at = end;
        Some(Raw(&self.text[start..end]))
    }
}

/// Returns a number of things: whole, not negative, and no larger than is written exactly.
pub(super) fn whole(number: f64) -> u64 {
    // `as` makes 0 of what is negative.
    number.min(COUNT_MAX) as u64
}

/// Returns every string in a value but the names of fields, parted by line ends. It stops when it
/// has as many bytes as asked for.
pub(super) fn strings(value: Raw<'_>, bytes_max: usize) -> String {
    let bytes = value.0.as_bytes();
    let mut out = String::new();
    let mut at = 0;
    while out.len() < bytes_max {
        let Some(found) = memchr(b'"', &bytes[at..]) else { break };
        let start = at + found;
        let Some(end) = end_of_string(bytes, start) else { break };
        at = skip_blanks(bytes, end);
        if bytes.get(at) != Some(&b':') {
            if !out.is_empty() {
                out.push('\n');
            }
            out.push_str(&unescape(&value.0[start + 1..end - 1]));
        }
    }
    out
}

/// Removes blanks, a byte order mark and the zeros that a crash leaves at the end of a file.
pub(super) fn trim(text: &str) -> &str {
    text.trim_matches(|c: char| c.is_ascii_whitespace() || c == '\0' || c == '\u{feff}')
}

fn skip_blanks(bytes: &[u8], mut at: usize) -> usize {
    while bytes.get(at).is_some_and(u8::is_ascii_whitespace) {
        at += 1;
    }
    at
}

/// Returns the place after a value that begins here.
fn end_of_value(bytes: &[u8], start: usize) -> Option<usize> {
    match bytes.get(start)? {
        b'"' => end_of_string(bytes, start),
        b'{' | b'[' => end_of_nest(bytes, start),
        b',' | b':' | b'}' | b']' => None,
        _ => {
            let is_part = |byte: &u8| !byte.is_ascii_whitespace() && !b",}]:\"{[".contains(byte);
            Some(start + bytes[start..].iter().take_while(|byte| is_part(byte)).count())
        }
    }
}

fn end_of_nest(bytes: &[u8], start: usize) -> Option<usize> {
    let (mut at, mut depth) = (start, 0_usize);
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => {
                at = end_of_string(bytes, at)?;
                continue;
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth -= 1,
            _ => {}
        }
        at += 1;
        if depth == 0 {
            return Some(at);
        }
    }
    None
}

fn end_of_string(bytes: &[u8], start: usize) -> Option<usize> {
    let mut at = start + 1;
    loop {
        at += memchr2(b'"', b'\\', bytes.get(at..)?)?;
        if bytes[at] == b'"' {
            return Some(at + 1);
        }
        at += 2;
    }
}

/// Returns what an escaped text says. Half a character, which cut texts have, is shown as such.
fn unescape(text: &str) -> Cow<'_, str> {
    let bytes = text.as_bytes();
    let Some(mut at) = memchr(b'\\', bytes) else { return Cow::Borrowed(text) };
    let mut out = String::with_capacity(text.len());
    let mut done = 0;
    loop {
        out.push_str(&text[done..at]);
        let (c, length) = escape(&text[at..]);
        out.push(c);
        done = at + length;
        match memchr(b'\\', &bytes[done..]) {
            Some(next) => at = done + next,
            None => break,
        }
    }
    out.push_str(&text[done..]);
    Cow::Owned(out)
}

/// Reads one escape, and returns what it says and its length.
fn escape(text: &str) -> (char, usize) {
    let plain = |c| (c, 2);
    match text.as_bytes().get(1) {
        Some(b'n') => plain('\n'),
        Some(b't') => plain('\t'),
        Some(b'r') => plain('\r'),
        Some(b'b') => plain('\u{8}'),
        Some(b'f') => plain('\u{c}'),
        Some(b'u') => unicode(text),
        Some(byte @ (b'"' | b'\\' | b'/')) => plain(char::from(*byte)),
        // Nobody writes this; the backslash stays, and what follows is read as it is.
        _ => ('\\', 1),
    }
}

fn unicode(text: &str) -> (char, usize) {
    let unit = |at: usize| text.get(at..at + 4).and_then(|hex| u32::from_str_radix(hex, 16).ok());
    let Some(first) = unit(2) else { return ('\\', 1) };
    if let Some(c) = char::from_u32(first) {
        return (c, 6);
    }
    let second = if text.get(6..8) == Some("\\u") { unit(8) } else { None };
    match (first, second) {
        (0xD800..=0xDBFF, Some(low @ 0xDC00..=0xDFFF)) => {
            let code = 0x1_0000 + ((first - 0xD800) << 10) + (low - 0xDC00);
            (char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER), 12)
        }
        _ => (char::REPLACEMENT_CHARACTER, 6),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found_wherever_they_stand() {
        let text =
            r#" { "a" : {"type":"inner","b":[1,{"c":"}"}]}, "type":"x\"y" , "n":"12", "t":true}"#;
        let object = Raw::document(text).unwrap();
        assert_eq!(object.word_of("type").as_deref(), Some("x\"y"));
        assert_eq!(object.get("n").and_then(Raw::count), Some(12));
        assert!(object.get("t").is_some_and(Raw::is_true));
        assert_eq!(object.get("c"), None, "it stands deeper");
        assert_eq!(object.pick(["t", "c", "n"]), [Some(Raw("true")), None, Some(Raw("\"12\""))]);
        let items: Vec<_> = object.get("a").unwrap().get("b").unwrap().items().collect();
        assert_eq!(items, [Raw("1"), Raw(r#"{"c":"}"}"#)]);
    }

    #[test]
    fn half_a_value_is_none() {
        for text in ["", "{", r#"{"a":1"#, r#"{"a":"b}"#, r#"{"a":1}}"#, "{}x", "]", r#""\"#] {
            assert_eq!(Raw::document(text), None, "{text}");
        }
        let mut fields = Raw(r#"{"a":1 "b":2}"#).fields();
        while fields.next().is_some() {}
        assert!(!fields.is_whole());
    }

    #[test]
    fn texts_are_read_as_they_were_meant() {
        let check = |text: &str, said: &str| assert_eq!(unescape(text), said, "{text}");
        check(r"a\nb\t\u00e9\\ \/", "a\nb\té\\ /");
        check(r"\ud83d\ude00", "😀");
        check(r"\ud83d and \udc00", "\u{fffd} and \u{fffd}");
        check(r"\q\u12", r"\q\u12");
    }

    #[test]
    fn what_nests_deeply_is_read_like_anything_else() {
        let text = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        let value = Raw::document(&text).unwrap();
        assert_eq!(strings(value, 10), "");
    }

    #[test]
    fn the_strings_of_a_value_are_its_words() {
        let value = Raw(r#"{"command":"ls\n-l","more":["a",{"b":"c"}],"n":1}"#);
        assert_eq!(strings(value, 100), "ls\n-l\na\nc");
    }
}
