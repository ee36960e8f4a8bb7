//! What lists that are filtered and read page by page have in common.

use crate::address::Address;

/// A filter offers no more values than this; what is asked for is always among them.
const OPTIONS_MAX: usize = 300;

/// Returns the values that a filter offers, with the one that is asked for.
pub(crate) fn chosen(mut values: Vec<String>, asked: &str) -> Vec<String> {
    values.truncate(OPTIONS_MAX);
    if !asked.is_empty() && !values.iter().any(|value| value == asked) {
        values.insert(0, asked.to_owned());
    }
    values
}

/// The other pages of a list.
pub(crate) struct Pages {
    /// The first one, unless this is it.
    pub(crate) first: Option<String>,
    /// The one after this.
    pub(crate) next: Option<String>,
}

impl Pages {
    /// Returns those beside the page of a cursor. `at` returns the address of the page of any other.
    pub(crate) fn beside(cursor: &str, next: Option<&str>, at: impl Fn(&str) -> Address) -> Self {
        let address = |cursor: &str| String::from(at(cursor));
        Self { first: (!cursor.is_empty()).then(|| address("")), next: next.map(address) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_is_always_offered() {
        let many = || (0..1000).map(|nth| format!("p{nth}")).collect::<Vec<_>>();
        assert_eq!(chosen(many(), "").len(), OPTIONS_MAX);
        assert_eq!(chosen(many(), "p999")[0], "p999");
        assert_eq!(chosen(many(), "p5").len(), OPTIONS_MAX);
    }

    #[test]
    fn only_pages_that_are_others_are_led_to() {
        let at = |cursor: &str| Address::new("/x").filled("cursor", cursor);
        let first = Pages::beside("", Some("b"), at);
        assert_eq!((first.first, first.next.as_deref()), (None, Some("/x?cursor=b")));
        let last = Pages::beside("b", None, at);
        assert_eq!((last.first.as_deref(), last.next), (Some("/x"), None));
    }
}
