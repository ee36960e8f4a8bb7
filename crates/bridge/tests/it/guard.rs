//! Who is no window of ours gets nothing, and what no page of ours asks is not asked.

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use axum::http::StatusCode;
use axum::routing::any;

use crate::house::{Answer, House, WINDOW, echo, get, post, request};

#[tokio::test]
async fn only_the_console_reaches_the_service() {
    let house = house();
    for (label, status) in [
        ("console", StatusCode::OK),
        ("diagnostics", StatusCode::FORBIDDEN),
        ("preview", StatusCode::FORBIDDEN),
        ("client", StatusCode::FORBIDDEN),
        ("", StatusCode::FORBIDDEN),
    ] {
        let answer = Answer::of(house.bridge.answer(label, get("/x", &[])).await).await;
        assert_eq!(answer.status, status, "{label}");
        let policy = answer.header("content-security-policy").unwrap();
        assert!(policy.contains("default-src 'self'"), "{label}: {policy}");
    }
    assert_eq!(house.host.traces().len(), 4);
}

#[tokio::test]
async fn an_address_that_is_not_plain_is_not_asked() {
    let house = house();
    for uri in [
        "oriel://elsewhere/",
        "http://localhost/",
        "/x",
        "oriel://localhost//x",
        "oriel://localhost/a/%2e%2e/b",
        "oriel://localhost/a/..%2fb",
        "oriel://u@localhost/",
    ] {
        let request = Request::get(uri).header("accept", WINDOW).body(Body::empty()).unwrap();
        let answer = house.send(request).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{uri}");
        assert!(answer.text.contains("<!doctype html>"), "{uri}");
    }
    let long = house.visit(&format!("/{}", "x".repeat(20_000))).await;
    assert_eq!(long.status, StatusCode::URI_TOO_LONG);
}

#[tokio::test]
async fn methods_that_no_page_needs_are_refused() {
    let house = house();
    for method in ["OPTIONS", "TRACE", "CONNECT", "PROPFIND"] {
        let answer = house.send(request(method, "/x", &[], Body::empty())).await;
        assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "{method}");
        assert_eq!(answer.header("allow"), Some("GET, HEAD, POST, PUT, PATCH, DELETE"));
    }
    for method in ["GET", "POST", "PUT", "PATCH", "DELETE"] {
        let answer = house.send(request(method, "/x", &[], Body::empty())).await;
        assert!(answer.text.starts_with(method), "{method}: {}", answer.text);
    }
}

#[tokio::test]
async fn a_page_of_another_origin_changes_nothing() {
    let house = house();
    for (name, value) in [
        ("origin", "null"),
        ("origin", "https://example.com"),
        ("referer", "https://example.com/"),
        ("sec-fetch-site", "cross-site"),
    ] {
        let answer = house.send(post("/x", &[(name, value)], "a=b")).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{name}: {value}");
        let host_page = house.send(post("/__oriel/retry", &[(name, value)], "a=b")).await;
        assert_eq!(host_page.status, StatusCode::FORBIDDEN, "{name}: {value}");
    }
    let own = [("origin", "oriel://localhost"), ("referer", "oriel://localhost/x")];
    let answer = house.send(post("/x", &own, "a=b")).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert!(answer.text.contains("origin: http://127.0.0.1:3143"), "{}", answer.text);
    assert!(!answer.text.contains("referer"), "{}", answer.text);
}

#[tokio::test]
async fn the_hosts_own_pages_need_no_service() {
    let house = house();
    house.host.stop();
    for label in ["console", "diagnostics"] {
        let request = get("/__oriel/loading?x", &[("cookie", "a=b"), ("x-oriel-authtok", "s")]);
        let answer = Answer::of(house.bridge.answer(label, request).await).await;
        assert_eq!(answer.text, format!("{label} /__oriel/loading?x accept-encoding"));
        assert!(answer.header("content-security-policy").is_some());
        assert_eq!(answer.header("set-cookie"), None);
    }
    for (path, kind) in [("/__oriel/go.js", "text/javascript"), ("/__oriel/page.css", "text/css")] {
        let answer = house.send(get(path, &[])).await;
        assert!(answer.header("content-type").unwrap().starts_with(kind), "{path}");
    }
}

#[tokio::test]
async fn who_panics_is_answered_for() {
    let house = House::over(Router::new().fallback(any(|| async {
        if true {
            panic!("the service fails");
        }
    })));
    for path in ["/x", "/__oriel/panic"] {
        let answer = house.visit(path).await;
        assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR, "{path}");
        assert!(answer.text.contains("Something went wrong"), "{path}");
    }
    assert_eq!(house.host.traces().len(), 2);
}

fn house() -> House {
    House::over(Router::new().fallback(echo))
}
