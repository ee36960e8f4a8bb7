//! Addresses of pages: which may be opened, how the bar shows them, and what the host is told of them.

use url::{Host, Url};

use crate::text::clip;

/// The longest address that is told in full. An operator does not judge a longer one by eye, and it
/// has to fit into a line of the protocol; of a longer one the origin is told, and it cannot be used.
pub(crate) const ADDRESS_BYTES_MAX: usize = 8 * 1024;

/// The longest address that is told of what was denied. A longer one is cut.
const DENIED_BYTES_MAX: usize = 2 * 1024;

/// The longest host that is shown whole. Of a longer one the end is shown: that is who is asked.
const HOST_CHARS_MAX: usize = 60;

/// Why an address is not opened.
pub(crate) const ONLY_WEB: &str = "only http and https are opened";

/// Reads an address that may be opened: of the web, with a host.
pub(crate) fn of_the_web(address: &str) -> Option<Url> {
    let url = Url::parse(address).ok()?;
    (matches!(url.scheme(), "http" | "https") && url.has_host()).then_some(url)
}

/// Whether the engine may go to an address, in the page or in one of its frames.
pub(crate) fn may_open(address: &str) -> bool {
    matches!(address, "about:blank" | "about:srcdoc") || of_the_web(address).is_some()
}

/// An address as the host is told it: without a name and password. None where it is too long.
pub(crate) fn told(url: &Url) -> Option<String> {
    let mut url = url.clone();
    // Neither fails: an address of the web has a host.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    let told = String::from(url);
    (told.len() <= ADDRESS_BYTES_MAX).then_some(told)
}

/// The part of an address that says who is asked.
pub(crate) fn origin(url: &Url) -> String {
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    format!("{}://{}{port}/", url.scheme(), clip(url.host_str().unwrap_or_default(), 512))
}

/// An address that was denied, as the host is told it: of another scheme than the web's no more than
/// what names it, since the rest may be a page's whole content.
pub(crate) fn denied(address: &str) -> String {
    if let Some(url) = of_the_web(address) {
        let told = told(&url).unwrap_or_else(|| origin(&url));
        return clip(&told, DENIED_BYTES_MAX).to_owned();
    }
    let Ok(url) = Url::parse(address) else { return String::new() };
    let host = url.host_str().map(|host| format!("//{}", clip(host, 256))).unwrap_or_default();
    format!("{}:{host}", clip(url.scheme(), 64))
}

/// What the bar shows of an address.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Shown {
    /// Whether nobody in between can have read or changed the page.
    pub(crate) secure: bool,
    /// Who is asked, with a port that is not the scheme's own. In ASCII: other letters as Punycode.
    pub(crate) host: String,
    /// The address from its host on.
    pub(crate) address: String,
}

impl Shown {
    pub(crate) fn new(url: &Url) -> Self {
        let name = match url.host() {
            Some(Host::Domain(name)) => end_of(name),
            Some(address) => address.to_string(),
            None => String::new(),
        };
        let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
        let host = format!("{name}{port}");
        let rest = url.as_str().splitn(4, '/').nth(3).unwrap_or_default();
        let address = format!("{host}/{}", clip(rest, 1024));
        Self { secure: url.scheme() == "https", host, address }
    }
}

fn end_of(name: &str) -> String {
    if name.len() <= HOST_CHARS_MAX {
        return name.to_owned();
    }
    // A name of an address of the web is ASCII, so a byte is a character.
    format!("…{}", name.get(name.len() - HOST_CHARS_MAX..).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_of_the_web_are_opened() {
        for address in ["https://a.example/", "http://a.example:8080/x?y#z", "about:blank"] {
            assert!(may_open(address), "{address}");
        }
        for address in ["file:///etc/passwd", "data:text/html,x", "javascript:1", "blob:http://a/1"]
            .into_iter()
            .chain(["oriel://localhost/", "ipc://localhost/", "tauri://localhost/", "about:config"])
            .chain(["ftp://a/", "view-source:http://a/", "mailto:a@b", "webkit://gpu", "", "x"])
            .chain(["resource:///org/gtk", "http:", "https://", "about:blank#x"])
        {
            assert!(!may_open(address), "{address}");
        }
    }

    #[test]
    fn the_bar_shows_who_is_asked() {
        check("https://a.example/x?y", true, "a.example", "a.example/x?y");
        check(
            "http://bank.example@evil.example:8080/",
            false,
            "evil.example:8080",
            "evil.example:8080/",
        );
        check("https://bank.example%2f@evil.example", true, "evil.example", "evil.example/");
        check("https://аpple.example/", true, "xn--pple-43d.example", "xn--pple-43d.example/");
        check("http://2130706433/", false, "127.0.0.1", "127.0.0.1/");
        check("http://[::1]:81/", false, "[::1]:81", "[::1]:81/");
        check("https://a.example/\u{202e}x", true, "a.example", "a.example/%E2%80%AEx");
    }

    #[test]
    fn of_a_long_host_the_end_is_shown() {
        let address = format!("https://www.bank.example.{}evil.example/", "a.".repeat(100));
        let shown = Shown::new(&Url::parse(&address).unwrap());
        assert!(shown.host.starts_with('…') && shown.host.ends_with("a.evil.example"), "{shown:?}");
        assert_eq!(shown.host.chars().count(), HOST_CHARS_MAX + 1);
    }

    #[test]
    fn no_password_is_told_and_no_address_that_is_too_long() {
        let url = Url::parse("https://me:secret@a.example/x").unwrap();
        assert_eq!(told(&url).as_deref(), Some("https://a.example/x"));
        let long =
            Url::parse(&format!("https://a.example/{}", "x".repeat(ADDRESS_BYTES_MAX))).unwrap();
        assert_eq!(told(&long), None);
        assert_eq!(origin(&long), "https://a.example/");
    }

    #[test]
    fn of_what_was_denied_no_content_is_told() {
        assert_eq!(denied("http://me:secret@127.0.0.1:9/x"), "http://127.0.0.1:9/x");
        assert_eq!(denied("data:text/html,secret"), "data:");
        assert_eq!(denied("file:///home/me/secret"), "file:");
        assert_eq!(denied("ipc://localhost/secret"), "ipc://localhost");
        assert_eq!(denied("no address"), "");
        assert_eq!(denied(&format!("http://a/{}", "x".repeat(5000))).len(), DENIED_BYTES_MAX);
    }

    fn check(address: &str, secure: bool, host: &str, shown: &str) {
        let expected = Shown { secure, host: host.into(), address: shown.into() };
        assert_eq!(Shown::new(&Url::parse(address).unwrap()), expected, "{address}");
    }
}
