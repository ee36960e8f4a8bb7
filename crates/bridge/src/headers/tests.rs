//! A request says nothing of who asks, and an answer sets nothing that outlives its page.

use axum::http::header::{CONTENT_TYPE, SET_COOKIE};
use proptest::prelude::*;

use super::*;

#[test]
fn what_htmx_and_caches_say_reaches_the_service_as_it_is() {
    for name in [
        "hx-request",
        "hx-target",
        "hx-trigger",
        "hx-trigger-name",
        "hx-current-url",
        "hx-boosted",
        "hx-history-restore-request",
        "hx-prompt",
        "range",
        "if-none-match",
        "if-modified-since",
        "if-range",
        "accept",
        "accept-language",
        "content-type",
        "user-agent",
        "x-oriel-csrf",
        "cache-control",
        "x-requested-with",
    ] {
        let asked = asked(&one(name, "some value")).unwrap();
        assert_eq!(asked.get(name).map(HeaderValue::as_bytes), Some(&b"some value"[..]), "{name}");
    }
}

#[test]
fn what_says_who_asks_does_not() {
    for name in [
        "cookie",
        "host",
        "origin",
        "referer",
        "authorization",
        "proxy-authorization",
        "proxy-connection",
        "connection",
        "keep-alive",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "expect",
        "content-length",
        "sec-fetch-site",
        "sec-fetch-mode",
        "sec-websocket-key",
        "x-oriel-authtok",
        "x-oriel-actor",
        "x-oriel-module-token",
        "x-forwarded-for",
        "forwarded",
        "x-http-method-override",
        "access-control-request-method",
    ] {
        assert!(!asked(&one(name, "x")).unwrap().contains_key(name), "{name}");
    }
    let asked = asked(&one("accept-encoding", "gzip, br")).unwrap();
    assert_eq!(asked["accept-encoding"], "identity");
}

#[test]
fn what_a_connection_names_as_its_own_goes_with_it() {
    let mut headers = one("connection", "close, X-Secret");
    headers.append(CONNECTION, HeaderValue::from_static("accept"));
    for name in ["x-secret", "accept", "x-other"] {
        headers.insert(name, HeaderValue::from_static("x"));
    }
    let asked = asked(&headers).unwrap();
    let names: Vec<_> = asked.keys().map(HeaderName::as_str).collect();
    assert_eq!(names, ["x-other", "accept-encoding"]);
}

#[test]
fn what_a_page_needs_of_an_answer_reaches_it() {
    for name in [
        "hx-trigger",
        "hx-trigger-after-swap",
        "hx-trigger-after-settle",
        "hx-retarget",
        "hx-reswap",
        "hx-reselect",
        "hx-refresh",
        "etag",
        "last-modified",
        "cache-control",
        "content-type",
        "content-range",
        "content-length",
        "content-disposition",
        "content-language",
        "accept-ranges",
        "retry-after",
        "vary",
        "referrer-policy",
        "cross-origin-opener-policy",
        "www-authenticate",
    ] {
        let answered = answer(&one(name, "some value"));
        assert_eq!(answered[name], "some value", "{name}");
    }
}

#[test]
fn what_would_outlive_a_page_does_not() {
    for name in [
        "set-cookie",
        "alt-svc",
        "strict-transport-security",
        "clear-site-data",
        "link",
        "report-to",
        "nel",
        "access-control-allow-origin",
        "access-control-allow-credentials",
        "connection",
        "transfer-encoding",
        "x-oriel-answered-at",
        "x-oriel-authtok",
        "service-worker-allowed",
    ] {
        let mut headers = one(name, "x");
        headers.append(HeaderName::from_static(name), HeaderValue::from_static("y"));
        assert!(!answer(&headers).contains_key(name), "{name}");
    }
}

#[test]
fn every_answer_has_a_policy_and_a_type_that_is_believed() {
    let bare = answer(&HeaderMap::new());
    assert_eq!(bare[CONTENT_SECURITY_POLICY], csp::STRICT);
    assert_eq!(bare[X_CONTENT_TYPE_OPTIONS], "nosniff");
    let own = answer(&one("content-security-policy", "default-src 'none'; connect-src 'self'"));
    assert_eq!(
        own[CONTENT_SECURITY_POLICY],
        "default-src 'none'; connect-src 'self' ipc: http://ipc.localhost"
    );
}

#[test]
fn a_packed_answer_is_not_shown_as_letters() {
    let packed = answered(&one("content-encoding", "gzip"), "localhost", AppOrigin::Scheme);
    assert_eq!(packed, Err(HeaderError::Packed));
    assert!(answered(&one("content-encoding", "identity"), "x", AppOrigin::Scheme).is_ok());
}

#[test]
fn too_much_is_refused() {
    let mut many = HeaderMap::new();
    for _ in 0..=COUNT_MAX {
        many.append(CONTENT_TYPE, HeaderValue::from_static("x"));
    }
    assert_eq!(asked(&many), Err(HeaderError::TooMany));
    many.clear();
    many.insert(CONTENT_TYPE, HeaderValue::from_str(&"x".repeat(BYTES_MAX)).unwrap());
    assert_eq!(asked(&many), Err(HeaderError::TooLong));
    assert_eq!(answered(&many, "x", AppOrigin::Scheme), Err(HeaderError::TooLong));
}

#[test]
fn only_pages_of_the_app_may_ask() {
    let own = |name: &'static str, value, origin| refuse_foreign(&one(name, value), origin).is_ok();
    let value = "oriel://localhost";
    assert!(own("origin", value, AppOrigin::Scheme));
    assert!(!own("origin", value, AppOrigin::Http));
    assert!(own("origin", "http://oriel.localhost", AppOrigin::Http));
    for value in [
        "null",
        "",
        "oriel://localhost/",
        "oriel://localhost:1",
        "http://oriel.localhost",
        "https://example.com",
        "oriel://LOCALHOST",
        "oriel://localhost.evil.example",
    ] {
        assert!(!own("origin", value, AppOrigin::Scheme), "{value}");
    }
    for value in ["oriel://localhost", "oriel://localhost/", "oriel://localhost/x?y"] {
        assert!(own("referer", value, AppOrigin::Scheme), "{value}");
    }
    for value in [
        "https://example.com/",
        "oriel://localhost.evil.example/",
        "oriel://localhost@x/",
        "about:blank",
    ] {
        assert!(!own("referer", value, AppOrigin::Scheme), "{value}");
    }
    assert!(own("sec-fetch-site", "same-origin", AppOrigin::Scheme));
    for value in ["cross-site", "same-site", "SAME-ORIGIN", ""] {
        assert!(!own("sec-fetch-site", value, AppOrigin::Scheme), "{value}");
    }
    let mut twice = one("origin", "oriel://localhost");
    twice.append(ORIGIN, HeaderValue::from_static("https://example.com"));
    assert_eq!(refuse_foreign(&twice, AppOrigin::Scheme), Err(HeaderError::Foreign));
    assert!(refuse_foreign(&HeaderMap::new(), AppOrigin::Scheme).is_ok(), "engines say nothing");
}

proptest! {
    #[test]
    fn whatever_is_sent_nothing_passes_that_must_not(
        pairs in prop::collection::vec(("[a-z-]{1,14}", "[ -~]{0,20}"), 0..20),
        more in prop::collection::vec(prop::sample::select(&NOT_ANSWERED[..]), 0..5),
    ) {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
                headers.append(name, value);
            }
        }
        for name in more {
            headers.append(name, HeaderValue::from_static("x"));
        }
        if let Ok(once) = asked(&headers) {
            prop_assert!(once.keys().all(|name| !NOT_ASKED[1..].contains(&name.as_str())));
            prop_assert_eq!(asked(&once).unwrap(), once);
        }
        if let Ok(once) = answered(&headers, "localhost:1", AppOrigin::Scheme) {
            prop_assert!(!once.contains_key(SET_COOKIE));
            prop_assert!(once.contains_key(CONTENT_SECURITY_POLICY));
            prop_assert_eq!(answered(&once, "localhost:1", AppOrigin::Scheme).unwrap(), once);
        }
    }
}

fn one(name: &'static str, value: &'static str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(name, HeaderValue::from_static(value));
    headers
}

fn answer(headers: &HeaderMap) -> HeaderMap {
    answered(headers, "localhost", AppOrigin::Scheme).unwrap()
}
