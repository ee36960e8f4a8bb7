//! The address of a question with its parameters.

/// Builds an address from what is given.
#[derive(Debug, Clone)]
pub(crate) struct Query(String);

impl Query {
    /// Begins with a path.
    pub(crate) fn to(path: &str) -> Self {
        Self(path.to_owned())
    }

    /// Goes on with a part of the path that may hold anything.
    pub(crate) fn part(mut self, part: &str) -> Self {
        self.0.push('/');
        escape(&mut self.0, part);
        self
    }

    /// Goes on with a part of the path.
    pub(crate) fn then(mut self, rest: &str) -> Self {
        self.0.push_str(rest);
        self
    }

    /// Adds a parameter, if it has a value.
    pub(crate) fn with(mut self, name: &str, value: Option<impl ToString>) -> Self {
        if let Some(value) = value {
            self.0.push(if self.0.contains('?') { '&' } else { '?' });
            self.0.push_str(name);
            self.0.push('=');
            escape(&mut self.0, &value.to_string());
        }
        self
    }

    /// Returns the address.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

fn escape(text: &mut String, value: &str) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    for byte in value.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                text.push(char::from(byte));
            }
            _ => {
                text.push('%');
                text.push(char::from(DIGITS[usize::from(byte >> 4)]));
                text.push(char::from(DIGITS[usize::from(byte & 15)]));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_given_arrives_whatever_it_holds() {
        let none: Option<&str> = None;
        let query = Query::to("/api/sessions").part("a/b ?").then("/transcript");
        let query = query.with("q", Some("\"é\" & x")).with("n", none).with("limit", Some(3));
        let expected = "/api/sessions/a%2Fb%20%3F/transcript?q=%22%C3%A9%22%20%26%20x&limit=3";
        assert_eq!(query.as_str(), expected);
    }
}
