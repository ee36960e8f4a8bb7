//! The name under which a file is saved: what the service suggests, made harmless.
//!
//! A name is a suggestion by whoever made the file. It never chooses the folder, never hides what it
//! is, and never takes the place of another file.

use axum::http::HeaderMap;
use axum::http::header::CONTENT_DISPOSITION;

/// A longer name is cut before its extension. Most file systems take 255, and a number is added.
pub const NAME_BYTES_MAX: usize = 180;

/// What comes after the last dot is an extension only up to this length.
const EXTENSION_BYTES_MAX: usize = 16;

/// What a file without a usable name is called.
const NAMELESS: &str = "download";

/// So many names are tried before a file is given none.
const TRIES_MAX: u32 = 10_000;

/// Returns the cleaned name of an answer that is to be saved. There is none where it is to be shown.
#[must_use]
pub fn attached(headers: &HeaderMap, path: &str) -> Option<String> {
    let value = headers.get(CONTENT_DISPOSITION)?;
    let text = String::from_utf8_lossy(value.as_bytes());
    let (kind, rest) = text.split_once(';').unwrap_or((&text, ""));
    if !kind.trim().eq_ignore_ascii_case("attachment") {
        return None;
    }
    let last = || path.rsplit('/').next().unwrap_or_default().to_owned();
    Some(clean(&suggested(rest).unwrap_or_else(last)))
}

/// Makes a name harmless on every system. Doing so twice changes nothing more.
#[must_use]
pub fn clean(name: &str) -> String {
    let name = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let name: String = name.chars().filter(|&it| !is_hidden(it)).map(harmless).collect();
    let name = name.trim_start_matches([' ', '.', '~']).trim_end_matches([' ', '.']);
    if name.is_empty() {
        return NAMELESS.to_owned();
    }
    let name = if is_device(name) { format!("_{name}") } else { name.to_owned() };
    shorten(&name, NAME_BYTES_MAX)
}

/// Returns the first name like this one that nothing has: `report.csv`, `report (2).csv` and so on.
/// There is none where everything seems to be taken.
pub fn free_name(name: &str, taken: impl Fn(&str) -> bool) -> Option<String> {
    let name = clean(name);
    let (stem, extension) = split(&name);
    let numbered = |number| match number {
        1 => name.clone(),
        _ => format!("{stem} ({number}){extension}"),
    };
    (1..=TRIES_MAX).map(numbered).find(|name| !taken(name))
}

/// Returns the name that the parameters of a disposition suggest.
fn suggested(parameters: &str) -> Option<String> {
    let (mut plain, mut extended) = (None, None);
    let mut rest = parameters;
    while let Some((name, after)) = rest.split_once('=') {
        let name = name.trim_matches([' ', '\t', ';']).to_ascii_lowercase();
        let (value, after) = value(after);
        rest = after;
        match name.as_str() {
            "filename" => plain = plain.or(Some(value)),
            "filename*" => extended = extended.or_else(|| decode(&value)),
            _ => {}
        }
    }
    // The extended one says in which letters it is written, so it is the better one.
    extended.or(plain).filter(|name| !name.trim().is_empty())
}

/// Reads a value, quoted or not, and returns what comes after it.
fn value(text: &str) -> (String, &str) {
    let text = text.trim_start();
    let Some(quoted) = text.strip_prefix('"') else {
        let (value, rest) = text.split_once(';').unwrap_or((text, ""));
        return (value.trim().to_owned(), rest);
    };
    let mut value = String::new();
    let mut chars = quoted.char_indices();
    while let Some((at, it)) = chars.next() {
        match it {
            '"' => return (value, quoted[at + 1..].trim_start_matches([' ', ';'])),
            '\\' => value.extend(chars.next().map(|(_, escaped)| escaped)),
            _ => value.push(it),
        }
    }
    (value, "")
}

/// Reads `charset'language'escaped`.
fn decode(value: &str) -> Option<String> {
    let mut parts = value.splitn(3, '\'');
    let (charset, _language, escaped) = (parts.next()?, parts.next()?, parts.next()?);
    let bytes = unescape(escaped);
    match charset.to_ascii_lowercase().as_str() {
        "utf-8" => String::from_utf8(bytes).ok(),
        "iso-8859-1" => Some(bytes.into_iter().map(char::from).collect()),
        _ => None,
    }
}

/// Undoes percent escapes; what is none stays as it is.
fn unescape(text: &str) -> Vec<u8> {
    let bytes = text.as_bytes();
    let mut plain = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let escaped = (byte == b'%')
            .then(|| text.get(at + 1..at + 3).and_then(|it| u8::from_str_radix(it, 16).ok()));
        match escaped.flatten() {
            Some(escaped) => {
                plain.push(escaped);
                at += 3;
            }
            None => {
                plain.push(byte);
                at += 1;
            }
        }
    }
    plain
}

/// What nobody sees, and what turns the direction of reading, so that `exe.txt` looks like `txt.exe`.
fn is_hidden(it: char) -> bool {
    it.is_control()
        || matches!(it,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}')
}

/// Replaces what some system gives a meaning.
fn harmless(it: char) -> char {
    match it {
        '<' | '>' | ':' | '"' | '|' | '?' | '*' | '%' | '\u{fffd}' => '_',
        _ if it.is_whitespace() => ' ',
        _ => it,
    }
}

/// Returns whether Windows takes a name for a device, whatever its extension.
fn is_device(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or_default().trim_end().to_ascii_uppercase();
    let numbered = |prefix: &str| {
        let number = stem.strip_prefix(prefix).unwrap_or_default();
        let mut chars = number.chars();
        matches!((chars.next(), chars.next()), (Some('0'..='9' | '¹' | '²' | '³'), None))
    };
    matches!(stem.as_str(), "CON" | "PRN" | "AUX" | "NUL" | "CONIN$" | "CONOUT$" | "CLOCK$")
        || numbered("COM")
        || numbered("LPT")
}

/// Cuts a name before its extension.
fn shorten(name: &str, bytes_max: usize) -> String {
    if name.len() <= bytes_max {
        return name.to_owned();
    }
    let (stem, extension) = split(name);
    let room = stem.floor_char_boundary(bytes_max - extension.len());
    format!("{}{extension}", stem[..room].trim_end_matches([' ', '.']))
}

/// Splits a name before its extension, which has its dot.
fn split(name: &str) -> (&str, &str) {
    let dot = name.rfind('.').filter(|&dot| 0 < dot && name.len() - dot <= EXTENSION_BYTES_MAX);
    let dot = dot.unwrap_or(name.len());
    let tar = name[..dot].rfind('.').filter(|&at| 0 < at && name[at..dot] == *".tar");
    name.split_at(tar.unwrap_or(dot))
}

#[cfg(test)]
mod tests;
