//! What a word becomes before its command sees it: variables, braces, tilde, several words or none.
//!
//! Only what the script itself says is known. Everything else becomes [`UNKNOWN`], and what has too
//! many forms is cut off; both only make the answer less sure, never the work longer.

use std::collections::HashMap;

use super::place::{ONE, STAR, UNKNOWN};

/// A character of a word and what it can still mean.
pub(super) type Glyph = (char, Kind);

/// What a character of a word can still mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Itself.
    Quoted,
    /// A pattern, a brace or a tilde.
    Live,
    /// It came out of a variable: blanks end the word.
    Value,
}

/// The forms of one word that are followed.
pub(super) const FORMS_MAX: usize = 64;

/// The longest value of a variable that is remembered.
pub(super) const VALUE_CHARS_MAX: usize = 4096;

/// The variables that the script has set, each with every value it may have.
pub(super) type Variables = HashMap<String, Vec<String>>;

/// Returns the values of `${name<rest>}`.
pub(super) fn values(variables: &Variables, name: &str, rest: &str) -> Vec<String> {
    let known = variables.get(name);
    let unknown = || vec![UNKNOWN.to_string()];
    let value = |f: &dyn Fn(&str) -> String| {
        known.map_or_else(unknown, |values| values.iter().map(|value| f(value)).collect())
    };
    let default = |text: &str| vec![text.trim_matches(['"', '\'']).to_owned()];
    match rest {
        "" | "[@]" | "[*]" => value(&str::to_owned),
        _ if rest.starts_with(":-") || rest.starts_with(":=") => match known {
            Some(values) if values.iter().any(|value| !value.is_empty()) => values.clone(),
            _ => default(&rest[2..]),
        },
        _ if rest.starts_with(['-', '=']) => known.cloned().unwrap_or_else(|| default(&rest[1..])),
        _ if rest.starts_with(":+") => default(&rest[2..]),
        _ if rest.starts_with(":?") || rest.starts_with('?') => value(&str::to_owned),
        "%/" | "%%/" => value(&|value| value.trim_end_matches('/').to_owned()),
        _ => match substring(rest) {
            Some((from, length)) => value(&|value| value.chars().skip(from).take(length).collect()),
            None => unknown(),
        },
    }
}

/// Reads `:from` and `:from:length`.
fn substring(rest: &str) -> Option<(usize, usize)> {
    let rest = rest.strip_prefix(':')?;
    match rest.split_once(':') {
        Some((from, length)) => Some((from.trim().parse().ok()?, length.trim().parse().ok()?)),
        None => Some((rest.trim().parse().ok()?, usize::MAX)),
    }
}

/// Makes the words of one form: braces, then blanks, then the tilde.
pub(super) fn fields(form: Vec<Glyph>, home: &str) -> Vec<String> {
    let mut words = Vec::new();
    for form in braces(form) {
        let is_blank = |glyph: &Glyph| glyph.1 == Kind::Value && glyph.0.is_whitespace();
        if !form.iter().any(is_blank) {
            words.push(finish(&form, home));
            continue;
        }
        let parts = form.split(is_blank).filter(|part| !part.is_empty());
        words.extend(parts.map(|part| finish(part, home)));
    }
    words
}

/// Writes `a{b,c}d` out as `abd` and `acd`.
fn braces(form: Vec<Glyph>) -> Vec<Vec<Glyph>> {
    let (mut done, mut open) = (Vec::new(), vec![form]);
    while let Some(form) = open.pop() {
        let room = done.len() + open.len() < FORMS_MAX && form.len() <= VALUE_CHARS_MAX;
        match first_brace(&form).filter(|_| room) {
            None => done.push(form),
            Some((start, commas, end)) => {
                let bounds = std::iter::once(start).chain(commas.iter().copied());
                let ends = commas.iter().copied().chain([end]);
                let pairs: Vec<_> = bounds.zip(ends).take(FORMS_MAX).collect();
                for (from, to) in pairs.into_iter().rev() {
                    open.push([&form[..start], &form[from + 1..to], &form[end + 1..]].concat());
                }
            }
        }
    }
    done
}

/// Finds the first brace that has a comma at its own level: where it is, its commas and its end.
fn first_brace(form: &[Glyph]) -> Option<(usize, Vec<usize>, usize)> {
    let live = |index: usize, c: char| form[index] == (c, Kind::Live);
    // Each open brace with its commas; the first one that closes with a comma is taken.
    let mut open: Vec<(usize, Vec<usize>)> = Vec::new();
    let mut found: Option<(usize, Vec<usize>, usize)> = None;
    for index in 0..form.len() {
        if live(index, '{') {
            open.push((index, Vec::new()));
        } else if live(index, ',') {
            if let Some((_, commas)) = open.last_mut() {
                commas.push(index);
            }
        } else if live(index, '}')
            && let Some((start, commas)) = open.pop()
            && !commas.is_empty()
        {
            // An outer brace that closes later begins earlier and is written out first.
            if found.as_ref().is_none_or(|(known, ..)| start < *known) {
                found = Some((start, commas, index));
            }
            if open.is_empty() {
                break;
            }
        }
    }
    found
}

fn finish(form: &[Glyph], home: &str) -> String {
    let mut text = String::with_capacity(form.len());
    let mut rest = form;
    if form.first() == Some(&('~', Kind::Live)) {
        let end = form.iter().position(|glyph| glyph.0 == '/').unwrap_or(form.len());
        let user: String = form[1..end].iter().map(|glyph| glyph.0).collect();
        match user.as_str() {
            "" => text.push_str(home),
            "root" => text.push_str("/root"),
            "+" | "-" => text.push(UNKNOWN),
            user => text.extend(["/home/", user]),
        }
        rest = &form[end..];
    }
    let mut index = 0;
    while let Some(&(c, kind)) = rest.get(index) {
        index += 1;
        text.push(match (c, kind) {
            (_, Kind::Quoted) => c,
            ('*', _) => STAR,
            ('?', _) => ONE,
            ('[', _) => {
                // A bracket stands for one character if it is closed within the same name.
                let name = rest[index..].iter().take(32).take_while(|glyph| glyph.0 != '/');
                match name.skip(1).position(|glyph| glyph.0 == ']') {
                    Some(end) => {
                        index += end + 2;
                        ONE
                    }
                    None => c,
                }
            }
            _ => c,
        });
    }
    text
}
