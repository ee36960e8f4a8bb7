//! What in a page asks, which decides how it is answered when something is out of the ordinary.

use axum::http::header::ACCEPT;
use axum::http::{HeaderMap, Method};

/// What asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The window: what comes is a page of its own.
    Document,
    /// htmx: what comes is put into the page.
    Htmx,
    /// A script, or a picture, a style or a script of the page.
    Part,
}

impl Kind {
    pub(crate) fn of(method: &Method, headers: &HeaderMap) -> Self {
        if headers.get("hx-request").is_some_and(|value| value == "true") {
            return Self::Htmx;
        }
        let is_document = match headers.get("sec-fetch-dest") {
            // Some engines say it.
            Some(what) => matches!(what.as_bytes(), b"document" | b"iframe" | b"frame"),
            None => prefers_html(headers),
        };
        let is_document = is_document && matches!(*method, Method::GET | Method::POST);
        if is_document { Self::Document } else { Self::Part }
    }
}

/// Returns whether HTML comes first among what is accepted, as only a window's own requests have it.
fn prefers_html(headers: &HeaderMap) -> bool {
    let accept = headers.get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let first = accept.split([',', ';']).next().unwrap_or_default().trim();
    first.eq_ignore_ascii_case("text/html") || first.eq_ignore_ascii_case("application/xhtml+xml")
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    const WINDOW: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

    #[test]
    fn who_asks_is_known_by_what_engines_send() {
        check(&Method::GET, &[("accept", WINDOW)], Kind::Document);
        check(&Method::POST, &[("accept", WINDOW)], Kind::Document);
        check(&Method::PUT, &[("accept", WINDOW)], Kind::Part);
        check(&Method::GET, &[("accept", "*/*")], Kind::Part);
        check(&Method::GET, &[("accept", "image/png,text/html")], Kind::Part);
        check(&Method::GET, &[], Kind::Part);
        check(&Method::POST, &[("accept", "text/html, */*"), ("hx-request", "true")], Kind::Htmx);
        check(&Method::GET, &[("accept", WINDOW), ("sec-fetch-dest", "empty")], Kind::Part);
        check(&Method::GET, &[("accept", "*/*"), ("sec-fetch-dest", "iframe")], Kind::Document);
    }

    fn check(method: &Method, headers: &[(&'static str, &'static str)], expected: Kind) {
        let mut map = HeaderMap::new();
        for &(name, value) in headers {
            map.insert(name, HeaderValue::from_static(value));
        }
        assert_eq!(Kind::of(method, &map), expected, "{method} {headers:?}");
    }
}
