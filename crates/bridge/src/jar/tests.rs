//! A jar gives its cookies to its own service alone, none that expired, and holds only so many.

use proptest::prelude::*;

use super::*;

#[test]
fn a_cookie_is_kept_replaced_and_forgotten_as_the_service_says() {
    let mut jar = served(&[]);
    gather(&mut jar, "/", "session=a; Path=/; HttpOnly; SameSite=Strict; Secure", 0);
    check(&jar, "/x/y", 0, Some("session=a"));
    gather(&mut jar, "/", "session=b; Path=/", 1);
    check(&jar, "/", 1, Some("session=b"));
    gather(&mut jar, "/", "session=; Path=/; Max-Age=0", 2);
    check(&jar, "/", 2, None);
    assert!(jar.is_empty());
}

#[test]
fn a_cookie_is_sent_below_its_path_only() {
    let mut jar = served(&[]);
    gather(&mut jar, "/", "a=1; Path=/one", 0);
    gather(&mut jar, "/two/page", "b=2", 0);
    gather(&mut jar, "/", "c=3; Path=relative", 0);
    check(&jar, "/one", 0, Some("a=1; c=3"));
    check(&jar, "/one/x", 0, Some("a=1; c=3"));
    check(&jar, "/oneself", 0, Some("c=3"));
    check(&jar, "/two/other", 0, Some("b=2; c=3"));
    check(&jar, "/", 0, Some("c=3"));
}

#[test]
fn a_cookie_ends_when_it_was_said_to() {
    let mut jar = served(&[]);
    gather(&mut jar, "/", "a=1; Max-Age=10; Expires=Thu, 01 Jan 1970 00:00:00 GMT", 100);
    check(&jar, "/", 109, Some("a=1"));
    check(&jar, "/", 110, None);
    gather(&mut jar, "/", "b=2; Expires=Thu, 01-Jan-1970 00:05:00 GMT", 100);
    check(&jar, "/", 299, Some("b=2"));
    check(&jar, "/", 300, None);
    gather(&mut jar, "/", "c=3; Expires=whenever; Max-Age=soon", 100);
    gather(&mut jar, "/", "d=4; Max-Age=-5", 100);
    gather(&mut jar, "/", &format!("e=5; Max-Age={}", "9".repeat(60)), 100);
    check(&jar, "/", 101, Some("a=1; b=2; c=3; e=5"));
    check(&jar, "/", 500 * 24 * 3600, Some("c=3"));
}

#[test]
fn what_is_no_cookie_of_this_service_is_refused() {
    let mut jar = served(&[]);
    for text in [
        "a=1; Domain=localhost",
        "a=1; domain=.example.com",
        "=1",
        "a",
        "",
        "a\tb=1",
        "a b=1",
        "a,b=1",
        "a=\u{e9}",
    ] {
        gather(&mut jar, "/", text, 0);
        assert!(jar.is_empty(), "{text:?}");
    }
    gather(&mut jar, "/", &format!("a={}", "x".repeat(COOKIE_BYTES_MAX)), 0);
    assert!(jar.is_empty());
}

#[test]
fn another_service_gets_nothing_of_what_the_last_one_set() {
    let mut jar = served(&[("oriel_session", "one")]);
    gather(&mut jar, "/", "theme=dark; Path=/", 0);
    check(&jar, "/", 0, Some("oriel_session=one; theme=dark"));
    jar.serve(1, &granted(&[("oriel_session", "one")]));
    check(&jar, "/", 0, Some("oriel_session=one; theme=dark"));
    jar.serve(2, &granted(&[("oriel_session", "two")]));
    check(&jar, "/", 0, Some("oriel_session=two"));
    gather(&mut jar, "/", "late=1", 0);
    check(&jar, "/", 0, Some("oriel_session=two"));
}

#[test]
fn the_service_may_end_the_session_that_it_granted_and_the_host_may_grant_another() {
    let mut jar = served(&[("oriel_session", "one")]);
    gather(&mut jar, "/", "oriel_session=; Path=/; Max-Age=0", 0);
    check(&jar, "/", 0, None);
    jar.serve(1, &granted(&[("oriel_session", "one")]));
    check(&jar, "/", 0, None);
    jar.serve(1, &granted(&[("oriel_session", "two")]));
    check(&jar, "/", 0, Some("oriel_session=two"));
}

#[test]
fn a_full_jar_loses_the_oldest_and_never_the_session() {
    let mut jar = served(&[("oriel_session", "one")]);
    for number in 0..COOKIES_MAX + 5 {
        gather(&mut jar, "/", &format!("c{number}=x"), 0);
    }
    assert_eq!(jar.len(), COOKIES_MAX);
    let sent = sent(&jar, "/", 0).unwrap();
    assert!(sent.contains("oriel_session=one") && sent.contains("c54=x"), "{sent}");
    assert!(!sent.contains("c5=x"), "{sent}");
}

#[test]
fn no_value_is_told_to_who_prints_a_jar() {
    let mut jar = Jar::default();
    jar.serve(1, &[]);
    gather(&mut jar, "/", "oriel_session=s3cret", 0);
    assert!(!format!("{:?}", jar.cookies).contains("s3cret"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_jar_keeps_to_its_limits_and_sends_nothing_that_expired(
        steps in prop::collection::vec((
            "[a-c]{1,2}|[a-zA-Z0-9]{1,6}",
            "[ -:<-~]{0,8}|[x]{2000,4200}",
            prop::option::of(-5i64..50),
            prop::sample::select(&["/", "/a", "/a/b", "x", ""][..]),
            0u64..100,
        ), 0..120),
        later in 0u64..200,
    ) {
        let mut jar = served(&[("oriel_session", "one")]);
        let mut now = 0;
        let mut ends = std::collections::HashMap::new();
        for (name, value, max_age, path, step) in steps {
            now += step;
            let age = max_age.map(|age| format!("; Max-Age={age}")).unwrap_or_default();
            gather(&mut jar, "/a/b/c", &format!("{name}={value}; Path={path}{age}"), now);
            if name.len() + value.trim().len() <= COOKIE_BYTES_MAX {
                let end = max_age.map(|age| if age <= 0 { 0 } else { now + age.unsigned_abs() });
                let path = if path.starts_with('/') { path } else { "/a/b" };
                ends.insert((name, path), end);
            }
            prop_assert!(jar.len() <= COOKIES_MAX);
        }
        let at = now + later;
        if let Some(header) = jar.header("/a/b", time(at)) {
            prop_assert!(header.len() <= HEADER_BYTES_MAX);
            let header = header.to_str().unwrap().to_owned();
            for pair in header.split("; ") {
                let name = pair.split('=').next().unwrap();
                let alive = ends.iter().any(|((known, _), end)| {
                    known == name && end.is_none_or(|end| at < end)
                });
                prop_assert!(alive || name == "oriel_session", "{}", pair);
            }
        }
    }

    #[test]
    fn no_text_is_too_odd_to_be_set(text in "[\\PC]{0,60}", path in "[\\PC]{0,10}") {
        let mut jar = served(&[]);
        gather(&mut jar, &path, &text, 5);
        _ = jar.header(&path, time(5));
    }
}

fn served(cookies: &[(&str, &str)]) -> Jar {
    let mut jar = Jar::default();
    jar.serve(1, &granted(cookies));
    jar
}

fn granted(cookies: &[(&str, &str)]) -> Vec<(String, String)> {
    cookies.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect()
}

fn gather(jar: &mut Jar, path: &str, text: &str, now: u64) {
    let mut headers = HeaderMap::new();
    if let Ok(value) = HeaderValue::from_str(text) {
        headers.append(SET_COOKIE, value);
    }
    jar.gather(1, path, &headers, time(now));
}

fn sent(jar: &Jar, path: &str, now: u64) -> Option<String> {
    jar.header(path, time(now)).map(|value| value.to_str().unwrap().to_owned())
}

fn check(jar: &Jar, path: &str, now: u64, expected: Option<&str>) {
    assert_eq!(sent(jar, path, now).as_deref(), expected, "{path} at {now}");
}

fn time(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}
