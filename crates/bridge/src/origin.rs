//! The app origin, and reading what was asked for of it in one form only.
//!
//! Two readers that understand an address differently are how checks are evaded. So an address that
//! anyone could read another way is refused rather than mended: the engine has already written it in
//! its plain form, and what has not come through the engine has no business here.

use std::fmt;

use axum::http::Uri;
use axum::http::uri::PathAndQuery;

/// A longer path and query is refused.
pub const PLACE_BYTES_MAX: usize = 16 * 1024;

/// How the engine of this system says the app origin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AppOrigin {
    /// `oriel://localhost`, a scheme of its own.
    Scheme,
    /// `http://oriel.localhost`, where the engine has no schemes of others. Where it has, this is a
    /// server of somebody else on this machine.
    Http,
}

impl AppOrigin {
    /// The form of this system.
    #[must_use]
    pub const fn native() -> Self {
        if cfg!(any(windows, target_os = "android")) { Self::Http } else { Self::Scheme }
    }

    /// The origin as text.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Scheme => "oriel://localhost",
            Self::Http => "http://oriel.localhost",
        }
    }

    /// Its scheme.
    #[must_use]
    pub const fn scheme(self) -> &'static str {
        match self {
            Self::Scheme => "oriel",
            Self::Http => "http",
        }
    }

    /// Its host.
    #[must_use]
    pub const fn host(self) -> &'static str {
        match self {
            Self::Scheme => "localhost",
            Self::Http => "oriel.localhost",
        }
    }

    /// Returns whether an address that was read is within this origin.
    #[must_use]
    pub fn holds(self, url: &url::Url) -> bool {
        url.scheme() == self.scheme()
            && url.host_str() == Some(self.host())
            && url.port().is_none()
            && url.username().is_empty()
            && url.password().is_none()
    }
}

/// A path and query in their one form, which begins with one slash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    text: String,
    path_bytes: usize,
}

/// An address that is not ours, or could be read in two ways.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// It names another host or scheme, a port or a user.
    #[error("the address is not one of this app")]
    Elsewhere,
    /// It is too long.
    #[error("the address is longer than {PLACE_BYTES_MAX} bytes; ask for less at once")]
    TooLong,
    /// It is not in its plain form.
    #[error("the address is not written in its plain form: it has {0}")]
    Odd(&'static str),
}

/// Reads the address of a request to the app origin.
///
/// The scheme's own form is taken on every system, since engines that use the other one hand it over
/// like this.
///
/// # Errors
/// Where the address is another origin's, or not in its plain form.
pub fn read(uri: &Uri, origin: AppOrigin) -> Result<Place, AddressError> {
    let authority = uri.authority().ok_or(AddressError::Elsewhere)?;
    let is_ours = [AppOrigin::Scheme, origin].into_iter().any(|form| {
        // The whole authority is compared, so a user or a port is none of ours.
        uri.scheme_str() == Some(form.scheme()) && authority.as_str() == form.host()
    });
    if !is_ours {
        return Err(AddressError::Elsewhere);
    }
    Place::read(uri.path_and_query().map_or("/", |place| place.as_str()))
}

impl Place {
    /// Reads a path and query.
    ///
    /// # Errors
    /// Where it is not in its plain form.
    pub fn read(text: &str) -> Result<Self, AddressError> {
        if PLACE_BYTES_MAX < text.len() {
            return Err(AddressError::TooLong);
        }
        // What engines escape beyond that is what a request's address cannot hold.
        let is_plain = text.bytes().all(|byte| (0x21..0x7f).contains(&byte));
        if !is_plain || text.parse::<PathAndQuery>().is_err() {
            return Err(AddressError::Odd("characters that must be escaped"));
        }
        let path_bytes = text.find('?').unwrap_or(text.len());
        let (path, query) = text.split_at(path_bytes);
        check_path(path)?;
        if query.contains('#') {
            return Err(AddressError::Odd("a fragment"));
        }
        Ok(Self { text: text.to_owned(), path_bytes })
    }

    /// The path.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.text[..self.path_bytes]
    }

    /// The query without its question mark.
    #[must_use]
    pub fn query(&self) -> Option<&str> {
        self.text[self.path_bytes..].strip_prefix('?')
    }

    /// The path and query as they came.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

fn check_path(path: &str) -> Result<(), AddressError> {
    let Some(inner) = path.strip_prefix('/') else {
        return Err(AddressError::Odd("no slash at its beginning"));
    };
    if inner.starts_with('/') {
        return Err(AddressError::Odd("two slashes at its beginning"));
    }
    if path.contains(['\\', '#']) {
        return Err(AddressError::Odd("a backslash or a fragment in its path"));
    }
    for (at, segment) in inner.split('/').enumerate() {
        check_segment(segment, at == 0)?;
    }
    Ok(())
}

/// Checks one part of a path as it would be read by one who undoes its escapes.
///
/// A name within a path may hold an escaped slash; the console's sessions have such names. It may not
/// make of the path another one: by climbing, or by changing the first part, which says whose it is.
fn check_segment(segment: &str, is_first: bool) -> Result<(), AddressError> {
    let plain = unescape(segment).ok_or(AddressError::Odd("a broken escape"))?;
    if plain.iter().any(u8::is_ascii_control) {
        return Err(AddressError::Odd("an escaped control character"));
    }
    let mut parts = plain.split(|byte| matches!(byte, b'/' | b'\\')).peekable();
    let has_slash = plain.iter().any(|byte| matches!(byte, b'/' | b'\\'));
    if parts.any(|part| matches!(part, b"." | b"..")) {
        return Err(AddressError::Odd("a part that climbs"));
    }
    if is_first && (has_slash || plain.len() != segment.len()) {
        return Err(AddressError::Odd("escapes in its first part"));
    }
    Ok(())
}

/// Undoes percent escapes. There is nothing where one is broken.
fn unescape(text: &str) -> Option<Vec<u8>> {
    let mut plain = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        let byte = match byte {
            b'%' => {
                let (high, low) = (bytes.next()?, bytes.next()?);
                hex(high)? * 16 + hex(low)?
            }
            _ => byte,
        };
        plain.push(byte);
    }
    Some(plain)
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_plain_address_is_read_as_it_is() {
        for (uri, path, query) in [
            ("oriel://localhost/", "/", None),
            ("oriel://localhost", "/", None),
            ("oriel://localhost/sessions?q=a%2Fb&x=//..", "/sessions", Some("q=a%2Fb&x=//..")),
            ("oriel://localhost/a/b.c?", "/a/b.c", Some("")),
            ("oriel://localhost/sessions/a%2Fb%5Cc%20d", "/sessions/a%2Fb%5Cc%20d", None),
            ("oriel://localhost/modules/x/", "/modules/x/", None),
            ("oriel://localhost/a...b/..c", "/a...b/..c", None),
        ] {
            let place = read(&uri.parse().unwrap(), AppOrigin::Scheme).unwrap();
            assert_eq!((place.path(), place.query()), (path, query), "{uri}");
        }
    }

    #[test]
    fn another_origin_is_not_ours() {
        for uri in [
            "oriel://elsewhere/",
            "oriel://localhost:80/",
            "oriel://u@localhost/",
            "/only/a/path",
            "oriel://LOCALHOST/",
            "oriel://localhost./",
            "http://localhost/",
            "https://localhost/",
            "http://oriel.localhost/",
            "other://localhost/",
            "oriel://oriel.localhost/",
        ] {
            check(uri, AppOrigin::Scheme, AddressError::Elsewhere);
        }
        let http: Uri = "http://oriel.localhost/x".parse().unwrap();
        assert_eq!(read(&http, AppOrigin::Http).unwrap().path(), "/x");
        let scheme: Uri = "oriel://localhost/x".parse().unwrap();
        assert_eq!(read(&scheme, AppOrigin::Http).unwrap().path(), "/x");
        check("http://oriel.localhost:80/", AppOrigin::Http, AddressError::Elsewhere);
        check("https://oriel.localhost/", AppOrigin::Http, AddressError::Elsewhere);
    }

    #[test]
    fn what_could_be_read_in_two_ways_is_refused() {
        for path in [
            "",
            "x",
            "//x",
            "//evil.example/",
            "/.",
            "/..",
            "/a/../b",
            "/a/./b",
            "/%2e%2e/x",
            "/a/%2E./b",
            "/a/..%2fb",
            "/a/b%2f..",
            "/a/..%5Cb",
            "/%2fx",
            "/%5cx",
            "/__oriel%2fx",
            "/__%6friel/x",
            "/a\\b",
            "/a/%00",
            "/a/%0a",
            "/a/%7f",
            "/a%",
            "/a/%2",
            "/a/%zz",
            "/a b",
            "/a`b",
            "/a<b",
            "/a?\"b",
            "/a\nb",
            "/é",
            "/a#b",
            "/a?b#c",
            "/a\u{7f}",
        ] {
            assert!(Place::read(path).is_err(), "{path:?}");
        }
        let long = format!("/{}", "x".repeat(PLACE_BYTES_MAX));
        assert_eq!(Place::read(&long), Err(AddressError::TooLong));
    }

    proptest! {
        #[test]
        fn what_is_read_stays_what_it_is_when_an_engine_reads_it(text in "/[ -~]{0,40}") {
            let Ok(place) = Place::read(&text) else { return Ok(()) };
            let base = url::Url::parse("http://app.example/elsewhere/x").unwrap();
            let url = base.join(place.as_str()).unwrap();
            prop_assert_eq!(url.host_str(), Some("app.example"));
            // It may escape more than must be, which changes nothing.
            prop_assert_eq!(unescape(url.path()), unescape(place.path()));
        }

        #[test]
        fn no_text_is_too_odd_to_be_refused(text in any::<String>()) {
            if let Ok(uri) = text.parse::<Uri>() {
                _ = read(&uri, AppOrigin::Scheme);
            }
            _ = Place::read(&text);
        }
    }

    fn check(uri: &str, origin: AppOrigin, expected: AddressError) {
        let uri: Uri = uri.parse().unwrap();
        assert_eq!(read(&uri, origin), Err(expected), "{uri}");
    }
}
