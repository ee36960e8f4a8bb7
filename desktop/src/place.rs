//! Places: what a deep link, a second start or a notification may open. A place is a page of the console
//! and never something that is done.

use url::Url;

/// A longer place is none.
const BYTES_MAX: usize = 2_048;

/// The pages that are no places: they are the host's, they start sessions, or they are parts.
const NOT_OPENED: [&str; 4] = ["/__oriel", "/session/", "/live/", "/static/"];

/// Returns the console's address that a text names, as `/sessions`, `oriel:sessions` or
/// `oriel://localhost/sessions`; nothing where it names none.
pub(crate) fn of(text: &str) -> Option<String> {
    if BYTES_MAX < text.len() || text.chars().any(|c| c.is_control() || c == '\\') {
        return None;
    }
    let base = Url::parse("oriel://localhost/").expect("our own origin can be read");
    let url = match text.strip_prefix('/') {
        Some(rest) if rest.starts_with('/') => return None,
        Some(_) => base.join(text).ok()?,
        None => match text.strip_prefix("oriel:") {
            Some(rest) if rest.starts_with("//") => Url::parse(text).ok()?,
            Some(rest) => base.join(&format!("/{}", rest.trim_start_matches('/'))).ok()?,
            None => return None,
        },
    };
    let is_ours = url.scheme() == "oriel"
        && url.host_str() == Some("localhost")
        && url.port().is_none()
        && url.username().is_empty()
        && url.password().is_none();
    let path = url.path();
    let is_place =
        !NOT_OPENED.iter().any(|prefix| path.starts_with(prefix)) && !path.contains("//");
    (is_ours && is_place).then(|| match url.query() {
        Some(query) => format!("{path}?{query}"),
        None => path.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_a_page_of_the_console() {
        check("/sessions?q=x", Some("/sessions?q=x"));
        check("oriel:sessions", Some("/sessions"));
        check("oriel:/sessions/a%20b#frag", Some("/sessions/a%20b"));
        check("oriel://localhost/costs", Some("/costs"));
        check("oriel:", Some("/"));
        for none in [
            "",
            "sessions",
            "//example.org/",
            "https://example.org/",
            "oriel://example.org/",
            "oriel://me@localhost/",
            "oriel://localhost:1/",
            "/\\example.org",
            "javascript:alert(1)",
            "/__oriel/retry",
            "/session/open/abc",
            "/a/../__oriel/retry",
            "/live/frame",
            "oriel:/%2e%2e/__oriel/retry",
            "/a\nb",
        ] {
            check(none, None);
        }
        check(&format!("/{}", "x".repeat(3_000)), None);
    }

    fn check(text: &str, expected: Option<&str>) {
        assert_eq!(of(text).as_deref(), expected, "{text:?}");
    }
}
