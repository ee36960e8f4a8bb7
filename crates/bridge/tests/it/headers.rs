//! What a page and a service say to each other arrives as it is, but for what neither may say.

use axum::Router;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::get as route;

use crate::house::{House, WINDOW, echo, get, links, post};

#[tokio::test]
async fn a_request_arrives_as_it_is_however_the_service_is_reached() {
    let (links, _folder) = links(Router::new().fallback(echo)).await;
    for link in links {
        let name = link.to_string();
        let house = House::new(link);
        let headers = [
            ("hx-request", "true"),
            ("hx-target", "main"),
            ("hx-trigger", "button"),
            ("hx-trigger-name", "save"),
            ("hx-current-url", "oriel://localhost/x"),
            ("hx-boosted", "true"),
            ("range", "bytes=0-1"),
            ("if-none-match", "\"e\""),
            ("x-oriel-csrf", "token"),
            ("content-type", "application/x-www-form-urlencoded"),
            ("x-oriel-authtok", "forged"),
            ("cookie", "session=forged"),
            ("host", "evil.example"),
            ("authorization", "Basic x"),
            ("connection", "x-mine"),
            ("x-mine", "1"),
        ];
        let answer = house.send(post("/a/b%20c?d=%2F&e", &headers, "f=1&g=2")).await;
        let mut lines: Vec<_> = answer.text.lines().collect();
        assert_eq!(lines.remove(0), "POST /a/b%20c?d=%2F&e", "{name}");
        assert_eq!(lines.pop(), Some("f=1&g=2"), "{name}");
        lines.sort_unstable();
        assert_eq!(
            lines,
            [
                "accept-encoding: identity",
                "content-length: 7",
                "content-type: application/x-www-form-urlencoded",
                "cookie: session=granted-1",
                "host: 127.0.0.1:3143",
                "hx-boosted: true",
                "hx-current-url: oriel://localhost/x",
                "hx-request: true",
                "hx-target: main",
                "hx-trigger-name: save",
                "hx-trigger: button",
                "if-none-match: \"e\"",
                "origin: http://127.0.0.1:3143",
                "range: bytes=0-1",
                "sec-fetch-site: same-origin",
                "x-oriel-csrf: token",
            ],
            "{name}"
        );
    }
}

#[tokio::test]
async fn every_status_arrives_with_its_body() {
    let router = Router::new().route(
        "/{status}",
        route(|axum::extract::Path(status): axum::extract::Path<u16>| async move {
            (
                StatusCode::from_u16(status).unwrap(),
                [("retry-after", "7"), ("x-own", "1")],
                "as it is",
            )
        }),
    );
    let (links, _folder) = links(router).await;
    for link in links {
        let house = House::new(link);
        for status in [
            200, 201, 206, 400, 401, 403, 404, 409, 410, 416, 418, 422, 423, 429, 500, 501, 502,
            503, 504,
        ] {
            for headers in [&[("accept", WINDOW)][..], &[("hx-request", "true")], &[]] {
                let answer = house.send(get(&format!("/{status}"), headers)).await;
                assert_eq!((answer.status.as_u16(), &answer.text[..]), (status, "as it is"));
                assert_eq!(answer.header("retry-after"), Some("7"));
            }
        }
        assert!(house.host.traces().is_empty(), "these are the service's own affair");
    }
}

#[tokio::test]
async fn a_part_of_a_file_and_what_did_not_change_are_answered_so() {
    let router = Router::new().route(
        "/file",
        route(|headers: HeaderMap| async move {
            let tag = ("etag", "\"v1\"");
            if headers.get("if-none-match").is_some_and(|it| it == "\"v1\"") {
                return (StatusCode::NOT_MODIFIED, [tag, ("vary", "x")], "");
            }
            if headers.get("range").is_some_and(|it| it == "bytes=2-3") {
                return (
                    StatusCode::PARTIAL_CONTENT,
                    [tag, ("content-range", "bytes 2-3/6")],
                    "cd",
                );
            }
            (StatusCode::OK, [tag, ("accept-ranges", "bytes")], "abcdef")
        }),
    );
    let house = House::over(router);
    let whole = house.send(get("/file", &[])).await;
    assert_eq!((whole.header("etag"), &whole.text[..]), (Some("\"v1\""), "abcdef"));
    let part = house.send(get("/file", &[("range", "bytes=2-3")])).await;
    assert_eq!((part.status, &part.text[..]), (StatusCode::PARTIAL_CONTENT, "cd"));
    assert_eq!(part.header("content-range"), Some("bytes 2-3/6"));
    let same = house.send(get("/file", &[("if-none-match", "\"v1\"")])).await;
    assert_eq!((same.status, &same.text[..]), (StatusCode::NOT_MODIFIED, ""));
    assert_eq!(same.header("etag"), Some("\"v1\""));
}

#[tokio::test]
async fn an_answer_opens_nothing_and_leads_nowhere_else() {
    let router = Router::new().route(
        "/x",
        route(|| async {
            [
                ("content-security-policy", "default-src 'none'; connect-src 'self'"),
                ("set-cookie", "theme=dark"),
                ("access-control-allow-origin", "*"),
                ("hx-trigger", "{\"saved\":1}"),
                ("hx-push-url", "http://127.0.0.1:3143/there"),
                ("refresh", "0;url=https://example.com/"),
                ("hx-refresh", "true"),
            ]
        }),
    );
    let answer = House::over(router).htmx("/x", &[]).await;
    assert_eq!(answer.header("set-cookie"), None);
    assert_eq!(answer.header("access-control-allow-origin"), None);
    assert_eq!(answer.header("refresh"), None);
    assert_eq!(answer.header("hx-trigger"), Some("{\"saved\":1}"));
    assert_eq!(answer.header("hx-push-url"), Some("/there"));
    assert_eq!(answer.header("hx-refresh"), Some("true"));
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(
        answer.header("content-security-policy"),
        Some("default-src 'none'; connect-src 'self' ipc: http://ipc.localhost")
    );
}

#[tokio::test]
async fn a_packed_answer_is_told_as_an_error() {
    let router = Router::new().route("/x", route(|| async { [("content-encoding", "gzip")] }));
    let answer = House::over(router).visit("/x").await;
    assert_eq!(answer.status, StatusCode::BAD_GATEWAY);
}
