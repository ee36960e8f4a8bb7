//! The address of a request: what people typed in it can hold anything.

/// An address with parameters.
#[derive(Debug, Clone)]
pub(crate) struct Address(String);

impl Address {
    /// Begins with a path of ours.
    pub(crate) fn new(path: impl Into<String>) -> Self {
        Self(path.into())
    }

    /// Adds a parameter, where there is a value.
    pub(crate) fn with(mut self, name: &str, value: Option<impl AsRef<str>>) -> Self {
        if let Some(value) = value {
            self.0.push(if self.0.contains('?') { '&' } else { '?' });
            self.0.push_str(name);
            self.0.push('=');
            self.0.push_str(&encode(value.as_ref()));
        }
        self
    }

    /// Returns its text.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// Writes text as one part of an address.
pub(crate) fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_~.".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_was_typed_stays_one_value() {
        let address = Address::new("/api/reports")
            .with("by", Some("day"))
            .with("model", None::<&str>)
            .with("tz", Some("+01:00"))
            .with("project", Some("a&b=ü"));
        assert_eq!(address.as_str(), "/api/reports?by=day&tz=%2B01%3A00&project=a%26b%3D%C3%BC");
    }
}
