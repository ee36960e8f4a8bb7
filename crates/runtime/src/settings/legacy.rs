//! The names of AgentMonitor's environment, read as leniently as that program reads them.
//!
//! It takes the number that a text begins with, and what it cannot use is as good as not given. A
//! setup that worked there therefore works here.

use std::collections::BTreeMap;

use super::value::{Allowed, Raw, Value};

/// A variable of AgentMonitor's that stands for one of our settings.
#[derive(Debug)]
pub(super) struct Legacy {
    /// Its name.
    pub(super) name: &'static str,
    /// The least number it may be, where that is more than the setting itself asks for.
    pub(super) min: u64,
}

/// What a variable holds.
pub(super) enum Found<'a> {
    /// It is not set, or blank.
    Nothing,
    /// Nothing that can be used.
    Useless(&'a str),
    /// A value.
    Value(Value),
}

impl Legacy {
    /// Returns a variable with the bounds of its setting.
    pub(super) const fn named(name: &'static str) -> Self {
        Self { name, min: 0 }
    }

    /// Returns what the variable holds.
    pub(super) fn read<'a>(
        &self,
        allowed: &Allowed,
        environment: &'a BTreeMap<String, String>,
    ) -> Found<'a> {
        let text = environment.get(self.name).map_or("", |text| text.trim());
        if text.is_empty() {
            return Found::Nothing;
        }
        let value = match *allowed {
            Allowed::Whole { min, max } => leading_whole(text)
                .filter(|number| (min.max(self.min)..=max).contains(number))
                .map(Value::Whole),
            Allowed::Amount { max } => leading_number(text)
                .filter(|number| (0.0..=max).contains(number))
                .map(Value::Amount),
            _ => allowed.read(Raw::Text(text)),
        };
        value.map_or(Found::Useless(text), Found::Value)
    }
}

/// Returns the whole number that a text begins with, as JavaScript's `parseInt` does.
fn leading_whole(text: &str) -> Option<u64> {
    let unsigned = text.strip_prefix('+').unwrap_or(text);
    let digits = unsigned.bytes().take_while(u8::is_ascii_digit).count();
    unsigned[..digits].parse().ok()
}

/// Returns the number that a text begins with, as JavaScript's `parseFloat` does.
fn leading_number(text: &str) -> Option<f64> {
    let number_bytes = text.bytes().take_while(|byte| b"+-.eE0123456789".contains(byte)).count();
    (1..=number_bytes).rev().find_map(|end| text[..end].parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_what_a_text_begins_with() {
        for (text, whole, number) in [
            ("10", Some(10), Some(10.0)),
            ("10abc", Some(10), Some(10.0)),
            ("+7", Some(7), Some(7.0)),
            ("-7", None, Some(-7.0)),
            ("1.5e2x", Some(1), Some(150.0)),
            ("1e", Some(1), Some(1.0)),
            (".5", None, Some(0.5)),
            ("5 000", Some(5), Some(5.0)),
            ("abc", None, None),
            ("", None, None),
            ("99999999999999999999", None, Some(1e20)),
        ] {
            assert_eq!(leading_whole(text), whole, "{text}");
            assert_eq!(leading_number(text), number, "{text}");
        }
    }
}
