//! Who may ask what, over the console's own list of requests: none is forgotten, since a new one is in
//! the list or it does not exist.

use super::*;
use crate::guard::Class;

/// Every way in which a change is asked for by somebody who may not.
const REFUSALS: [(&str, StatusCode); 8] = [
    ("no session", StatusCode::FORBIDDEN),
    ("another session", StatusCode::FORBIDDEN),
    ("no csrf", StatusCode::FORBIDDEN),
    ("wrong origin", StatusCode::FORBIDDEN),
    ("no origin", StatusCode::FORBIDDEN),
    ("null origin", StatusCode::FORBIDDEN),
    ("foreign host", StatusCode::FORBIDDEN),
    ("get", StatusCode::METHOD_NOT_ALLOWED),
];

#[tokio::test]
async fn every_change_that_is_not_our_pages_own_is_refused() {
    let house = House::new().await;
    let (_, other) = house.console.grant("another browser").unwrap();
    for route in ROUTES.iter().filter(|route| route.class == Class::Change) {
        let path = route.path.replace(['{', '}', '*'], "");
        for (how, status) in REFUSALS {
            if how == "get"
                && ROUTES.iter().any(|one| one.path == route.path && one.method == "GET")
            {
                continue;
            }
            let answer = house.send(refused(&house, &other, &path, how)).await;
            assert_eq!(answer.status, status, "POST {path} with {how}: {}", answer.text);
        }
    }
}

#[tokio::test]
async fn what_was_refused_is_in_the_audit_with_who_asked_and_why() {
    let house = House::new().await;
    let (_, other) = house.console.grant("another browser").unwrap();
    for (how, _) in REFUSALS {
        house.send(refused(&house, &other, "/theme", how)).await;
    }
    // Nobody waits for the audit, so it is told a moment later.
    let reasons = [
        "this needs a session",
        "the form was not made by this session",
        "only this console",
        "addressed to another host",
        "takes POST only",
    ];
    let all = |page: &str| reasons.iter().all(|why| page.contains(why));
    house.until("/settings/audit", all).await;
}

/// Makes a request that has everything but one thing.
fn refused(house: &House, other: &str, path: &str, how: &str) -> Request<Body> {
    let method = if how == "get" { "GET" } else { "POST" };
    let cookie = match how {
        "no session" => "oriel_session=made-up".to_owned(),
        "another session" => format!("oriel_session={other}"),
        _ => format!("oriel_session={}", house.cookie),
    };
    let host = if how == "foreign host" { "evil.example" } else { "127.0.0.1:3143" };
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("host", host)
        .header("cookie", cookie)
        .header("content-type", "application/x-www-form-urlencoded");
    let request = match how {
        "no origin" => request,
        "wrong origin" => request.header("origin", "http://evil.example"),
        "null origin" => request.header("origin", "null"),
        _ => request.header("origin", format!("http://{host}")),
    };
    let body =
        if how == "no csrf" { String::new() } else { format!("_csrf={}", house.session.csrf) };
    request.body(Body::from(body)).unwrap()
}

#[tokio::test]
async fn what_our_own_page_sends_is_done() {
    let house = House::new().await;
    let answer = house.post("/theme", &[("theme", "dark"), ("back", "/status")]).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    assert_eq!(answer.headers["location"], "/status");
    // A browser that leaves the origin out says at least that it is the same.
    let request = house
        .own("POST", "/theme")
        .header("sec-fetch-site", "same-origin")
        .header("x-oriel-csrf", &house.session.csrf)
        .body(Body::empty())
        .unwrap();
    assert_eq!(house.send(request).await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn no_page_is_shown_to_another_site_or_under_another_name() {
    let house = House::new().await;
    for route in ROUTES.iter().filter(|route| route.class == Class::Read) {
        let path = route.path.replace(['{', '}', '*'], "");
        for (name, value) in [
            ("host", "evil.example"),
            ("origin", "http://evil.example"),
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-site", "same-site"),
        ] {
            let mut request = house.own("GET", &path).body(Body::empty()).unwrap();
            let name = axum::http::HeaderName::from_static(name);
            request.headers_mut().insert(name.clone(), value.parse().unwrap());
            assert_eq!(house.send(request).await.status, StatusCode::FORBIDDEN, "{path} {name}");
        }
    }
}

#[tokio::test]
async fn a_link_on_another_site_may_lead_here() {
    let house = House::new().await;
    let request = house
        .own("GET", "/status")
        .header("sec-fetch-site", "cross-site")
        .header("sec-fetch-mode", "navigate")
        .header("sec-fetch-dest", "document")
        .body(Body::empty());
    assert_eq!(house.send(request.unwrap()).await.status, StatusCode::OK);
}

#[tokio::test]
async fn reading_takes_a_session_where_that_is_asked_for() {
    let house = House::with(|config| config.reading_needs_session = true).await;
    let stranger = house.request("GET", "/status").body(Body::empty()).unwrap();
    let answer = house.send(stranger).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert!(answer.text.contains("oriel open"), "{}", answer.text);
    assert_eq!(house.get("/status").await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_one_time_link_is_made_for_who_has_the_token_and_works_once() {
    let house = House::new().await;
    let ask = |token: &str| {
        let request = house.request("POST", "/session/links").header("x-oriel-authtok", token);
        request.body(Body::empty()).unwrap()
    };
    assert_eq!(house.send(ask("made up")).await.status, StatusCode::FORBIDDEN);
    let made = house.send(ask(&house.runtime.authtok())).await;
    assert_eq!(made.status, StatusCode::CREATED);
    let made: serde_json::Value = serde_json::from_str(&made.text).unwrap();
    let path = made["path"].as_str().unwrap();
    let open = || house.request("GET", path).body(Body::empty()).unwrap();

    let looked = house.request("GET", path).header("sec-purpose", "prefetch");
    let looked = house.send(looked.body(Body::empty()).unwrap()).await;
    assert_eq!(looked.status, StatusCode::METHOD_NOT_ALLOWED, "looking ahead uses nothing up");
    let opened = house.send(open()).await;
    assert_eq!(opened.status, StatusCode::OK);
    let cookie = opened.headers["set-cookie"].to_str().unwrap();
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"), "{cookie}");
    assert!(!cookie.contains("Domain"), "{cookie}");
    assert_eq!(house.send(open()).await.status, StatusCode::FORBIDDEN, "it worked once");
}

#[tokio::test]
async fn a_page_is_sent_small_to_who_reads_that_and_says_the_same() {
    use std::io::Read as _;
    let house = House::new().await;
    let plain = house.get("/static/oriel.css").await;
    let ask = |how: &str| {
        let request = house.own("GET", "/static/oriel.css").header("accept-encoding", how);
        request.body(Body::empty()).unwrap()
    };
    let response = house.console.router().oneshot(ask("br, gzip;q=0.8")).await.unwrap();
    assert_eq!(response.headers()["content-encoding"], "gzip");
    let small = response.into_body().collect().await.unwrap().to_bytes();
    let mut text = String::new();
    flate2::read::GzDecoder::new(&small[..]).read_to_string(&mut text).unwrap();
    assert_eq!(text, plain.text);
    assert!(small.len() * 2 < text.len(), "{} of {}", small.len(), text.len());
    let never = house.send(ask("gzip;q=0")).await;
    assert!(!never.headers.contains_key("content-encoding"));
}

#[tokio::test]
async fn every_answer_says_what_a_browser_may_do_with_it() {
    let house = House::new().await;
    for path in ["/status", "/nothing/here", "/static/oriel.css", "/desktop/ready"] {
        let answer = house.get(path).await;
        let policy = answer.headers["content-security-policy"].to_str().unwrap();
        assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
        assert_eq!(answer.headers["x-content-type-options"], "nosniff", "{path}");
    }
    let page = house.get("/status").await;
    assert!(page.headers["vary"].to_str().unwrap().contains("HX-Request"));
    assert!(!page.text.contains("style=") && !page.text.contains("<script>"), "{}", page.text);
    assert!(!page.text.contains(&house.runtime.authtok()), "the token stays on this side");
}
