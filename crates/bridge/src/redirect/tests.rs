//! A page is led to paths of the app alone, and htmx is told what it would know in a browser.

use proptest::prelude::*;

use super::*;

const SERVED: Served<'_> = Served { authority: "127.0.0.1:3143", origin: AppOrigin::Scheme };

#[test]
fn methods_change_as_in_a_browser() {
    check(301, &Method::POST, &Method::GET, false);
    check(302, &Method::POST, &Method::GET, false);
    check(301, &Method::PUT, &Method::PUT, true);
    check(303, &Method::POST, &Method::GET, false);
    check(303, &Method::DELETE, &Method::GET, false);
    check(303, &Method::HEAD, &Method::HEAD, true);
    check(307, &Method::POST, &Method::POST, true);
    check(308, &Method::PATCH, &Method::PATCH, true);
    check(302, &Method::GET, &Method::GET, true);
}

#[test]
fn what_is_no_redirect_leads_nowhere() {
    for status in [200, 201, 300, 304, 305, 306, 404] {
        let status = StatusCode::from_u16(status).unwrap();
        assert_eq!(
            hop(status, &headers("location", "/x"), &Method::GET, &place("/"), SERVED),
            None
        );
    }
    let none = hop(StatusCode::SEE_OTHER, &HeaderMap::new(), &Method::GET, &place("/"), SERVED);
    assert_eq!(none, None);
}

#[test]
fn an_address_is_read_from_where_it_stands() {
    own("/settings?a=b#c", "/settings?a=b", Some("c"));
    own("two", "/one/two", None);
    own("../three", "/three", None);
    own("?q", "/one/x?q", None);
    own("", "/one/x", None);
    own("http://127.0.0.1:3143/y", "/y", None);
    own("//127.0.0.1:3143/y", "/y", None);
    own("oriel://localhost/z", "/z", None);
    own("oriel://localhost", "/", None);
    own("/sessions/a%2Fb", "/sessions/a%2Fb", None);
}

#[test]
fn what_leads_elsewhere_or_could_be_read_otherwise_is_never_ours() {
    for (to, expected) in [
        ("https://example.com/x", "https://example.com/x"),
        ("//example.com/x", "http://example.com/x"),
        ("\\\\example.com\\x", "http://example.com/x"),
        ("http://127.0.0.1:3142/", "http://127.0.0.1:3142/"),
        ("https://127.0.0.1:3143/", "https://127.0.0.1:3143/"),
        ("http://a@127.0.0.1:3143/", "http://a@127.0.0.1:3143/"),
        ("javascript:alert(1)", "javascript:alert(1)"),
        ("http://oriel.localhost/", "http://oriel.localhost/"),
    ] {
        assert_eq!(lead(to, &place("/one/x"), SERVED), Lead::Away(expected.to_owned()), "{to}");
    }
    for to in [
        "/.//example.com/x",
        "http://[",
        "/%2fexample.com",
        "/a/..%2fb",
        "http://127.0.0.1:3143//x",
    ] {
        assert_eq!(lead(to, &place("/one/x"), SERVED), Lead::Nowhere, "{to}");
    }
}

#[test]
fn a_boosted_request_that_was_led_on_has_the_address_that_it_has_in_a_browser() {
    let last = place("/settings?saved=1");
    let told = |pairs: &[(&'static str, &'static str)], answered: &HeaderMap| {
        let asked = pairs
            .iter()
            .map(|&(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
        history(&asked.collect(), answered, &last, SERVED)
            .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
    };
    let boosted = ("hx-boosted", "true");
    let none = HeaderMap::new();
    let push = Some("hx-push-url: /settings?saved=1".to_owned());
    let replace = Some("hx-replace-url: /settings?saved=1".to_owned());
    assert_eq!(told(&[boosted], &none), push);
    assert_eq!(told(&[boosted, ("hx-current-url", "oriel://localhost/sessions")], &none), push);
    assert_eq!(
        told(&[boosted, ("hx-current-url", "oriel://localhost/settings?x")], &none),
        replace
    );
    assert_eq!(told(&[], &none), None, "htmx leaves the address alone");
    for said in ["hx-push", "hx-push-url", "hx-replace-url"] {
        assert_eq!(told(&[boosted], &headers(said, "false")), None, "{said}");
    }
}

#[test]
fn what_htmx_is_told_leads_to_the_app_alone() {
    let kept = [
        ("hx-redirect", "http://127.0.0.1:3143/a?b#c", "/a?b#c"),
        ("hx-redirect", "two", "/page/two"),
        ("hx-location", "/x", "/x"),
        (
            "hx-location",
            r##"{"path":"http://127.0.0.1:3143/x","target":"#main"}"##,
            "{\"path\":\"/x\",\"target\":\"#main\"}",
        ),
        ("hx-push-url", "oriel://localhost/x", "/x"),
        ("hx-push-url", "false", "false"),
        ("hx-replace-url", "/y", "/y"),
        ("refresh", "5", "5"),
        ("refresh", "0; URL='/next'", "0;url=/next"),
        ("refresh", "3,more", "3;url=/from/more"),
        ("location", "made", "/from/made"),
    ];
    for (name, value, expected) in kept {
        let mut map = headers(name, value);
        assert_eq!(keep(&mut map), None, "{name}: {value}");
        assert_eq!(map.get(name).map(|it| it.to_str().unwrap()), Some(expected), "{name}: {value}");
    }
    let dropped = [
        ("hx-push-url", "https://example.com/"),
        ("hx-replace-url", "//example.com/"),
        ("refresh", "0;url=https://example.com/"),
        ("refresh", "0;url=javascript:alert(1)"),
        ("refresh", "soon"),
        ("location", "https://example.com/"),
        ("hx-location", "{broken"),
        ("hx-location", r#"{"target":"x"}"#),
        ("hx-redirect", "http://["),
    ];
    for (name, value) in dropped {
        let mut map = headers(name, value);
        assert_eq!(keep(&mut map), None, "{name}: {value}");
        assert!(map.is_empty(), "{name}: {value}");
    }
    let away = [
        ("hx-redirect", "https://example.com/x", "https://example.com/x"),
        ("hx-location", "//example.com", "http://example.com/"),
        ("hx-location", r#"{"path":"mailto:a@b.example"}"#, "mailto:a@b.example"),
        ("hx-redirect", "javascript:alert(1)", "javascript:alert(1)"),
    ];
    for (name, value, url) in away {
        let mut map = headers(name, value);
        assert_eq!(keep(&mut map), Some(Away { header: name, url: url.to_owned() }));
        assert!(map.is_empty(), "{name}: {value}");
    }
}

proptest! {
    #[test]
    fn wherever_something_leads_an_engine_reads_it_as_a_path_of_the_app(
        to in "[ -~]{0,30}|(//|\\\\|/\\./|http:|https:|oriel:)[ -~]{0,20}",
    ) {
        let Lead::Own { place: to, fragment } = lead(&to, &place("/one/x"), SERVED) else {
            return Ok(());
        };
        let text = with_fragment(&to, fragment.as_deref());
        let read = Url::parse("http://app.example/a/b").unwrap().join(&text).unwrap();
        prop_assert_eq!(read.host_str(), Some("app.example"));
        prop_assert_eq!(read.path(), to.path());
    }
}

fn keep(map: &mut HeaderMap) -> Option<Away> {
    keep_own(map, &place("/page/here"), &place("/from/there"), SERVED)
}

fn headers(name: &'static str, value: &'static str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(name, HeaderValue::from_static(value));
    headers
}

fn place(text: &str) -> Place {
    Place::read(text).unwrap()
}

fn own(to: &str, expected: &str, fragment: Option<&str>) {
    let expected = Lead::Own { place: place(expected), fragment: fragment.map(str::to_owned) };
    assert_eq!(lead(to, &place("/one/x"), SERVED), expected, "{to}");
}

fn check(status: u16, method: &Method, next: &Method, keeps_body: bool) {
    let status = StatusCode::from_u16(status).unwrap();
    let hop = hop(status, &headers("location", "/to"), method, &place("/"), SERVED).unwrap();
    assert_eq!((&hop.method, hop.keeps_body), (next, keeps_body), "{status} {method}");
}
