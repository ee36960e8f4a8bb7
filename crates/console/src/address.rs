//! Addresses, put together so that no name can change what they mean.

use std::fmt::{Display, Write as _};

/// An address, here or within the runtime.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Address {
    text: String,
    has_query: bool,
}

impl Address {
    pub(crate) fn new(path: impl Into<String>) -> Self {
        Self { text: path.into(), has_query: false }
    }

    /// Adds to the query what is there.
    pub(crate) fn with(mut self, name: &str, value: Option<impl Display>) -> Self {
        if let Some(value) = value {
            self.text.push(if self.has_query { '&' } else { '?' });
            self.has_query = true;
            self.text.push_str(name);
            self.text.push('=');
            self.text.push_str(&encode(&value.to_string()));
        }
        self
    }

    /// Adds a field to the query unless it is empty.
    pub(crate) fn filled(self, name: &str, value: &str) -> Self {
        self.with(name, Some(value).filter(|value| !value.is_empty()))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }
}

/// Returns a query of fields, without those that say nothing.
pub(crate) fn query(fields: &[(&str, &str)]) -> String {
    let filled = fields.iter().filter(|(_, value)| !value.is_empty());
    form_urlencoded::Serializer::new(String::new()).extend_pairs(filled).finish()
}

impl From<Address> for String {
    fn from(address: Address) -> Self {
        address.text
    }
}

/// Encodes a text as one part of an address, of its path or of its query.
pub(crate) fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                encoded.push(char::from(byte));
            }
            _ => _ = write!(encoded, "%{byte:02X}"),
        }
    }
    encoded
}

/// Returns the address of a session's page.
pub(crate) fn of_session(id: &str) -> String {
    format!("/sessions/{}", encode(id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_a_name_holds_it_stays_one_part() {
        assert_eq!(of_session("a/b?c#d é\""), "/sessions/a%2Fb%3Fc%23d%20%C3%A9%22");
        let address = Address::new("/x").with("q", Some("a&b=c")).with("n", None::<i64>);
        let address = address.filled("empty", "").filled("one", "1");
        assert_eq!(address.with("m", Some(7)).as_str(), "/x?q=a%26b%3Dc&one=1&m=7");
    }
}
