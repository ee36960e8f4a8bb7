//! Long bodies stream both ways, and endless ones end.

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::Redirect;
use axum::routing::{get as route, post as posted};
use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use http_body_util::BodyExt as _;
use oriel_bridge::Limits;
use oriel_link::Link;

use crate::house::{Answer, House, WINDOW, get, links, post};

const PIECE: usize = 64 * 1024;
const PIECES: usize = 1600;

#[tokio::test]
async fn a_hundred_megabytes_go_up_and_come_back() {
    let (links, _folder) = links(service()).await;
    for link in links {
        let name = link.to_string();
        let house = House::new(link);
        let response = house.bridge.answer("console", post("/echo", &[], long(PIECES))).await;
        let mut body = response.into_body();
        let mut bytes = 0;
        while let Some(frame) = body.frame().await {
            let piece = frame.unwrap().into_data().unwrap();
            assert!(piece.iter().all(|&byte| byte == 7), "{name}");
            bytes += piece.len();
        }
        assert_eq!(bytes, PIECE * PIECES, "{name}");
    }
}

#[tokio::test]
async fn what_is_too_long_is_refused_before_or_while_it_is_sent() {
    let (links, _folder) = links(service()).await;
    for link in links {
        let limits = Limits { request_bytes_max: 1 << 20, ..Limits::default() };
        let house = House::with(link, limits);
        let said = house.send(post("/count", &[("content-length", "2000000")], "x")).await;
        assert_eq!(said.status, StatusCode::PAYLOAD_TOO_LARGE);
        let whole = house.send(post("/count", &[], vec![7; 2 << 20])).await;
        assert_eq!(whole.status, StatusCode::PAYLOAD_TOO_LARGE);
        let streamed = house.send(post("/count", &[], long(32))).await;
        assert_eq!(streamed.status, StatusCode::PAYLOAD_TOO_LARGE);
        let fits = house.send(post("/count", &[], long(16))).await;
        assert_eq!((fits.status, &fits.text[..]), (StatusCode::OK, "1048576"));
        for length in ["-1", "x", "1, 2"] {
            let odd = house.send(post("/count", &[("content-length", length)], "x")).await;
            assert_eq!(odd.status, StatusCode::BAD_REQUEST, "{length}");
        }
    }
}

#[tokio::test]
async fn what_is_too_long_to_be_kept_is_not_sent_twice() {
    let house = House::over(service());
    let kept = house.send(post("/moved", &[], vec![7; 1 << 20])).await;
    assert_eq!(kept.text, "1048576");
    let streamed = house.send(post("/moved", &[], long(16))).await;
    assert_eq!(streamed.status, StatusCode::BAD_GATEWAY);
    assert!(streamed.text.contains("send it again"), "{}", streamed.text);
}

#[tokio::test]
async fn an_endless_answer_ends() {
    let (links, _folder) = links(service()).await;
    for link in links {
        let limits = Limits { answer_bytes_max: 1 << 20, ..Limits::default() };
        let house = House::with(link, limits);
        let answer = Answer::of(house.bridge.answer("console", get("/endless", &[])).await).await;
        assert_eq!((answer.status, answer.is_whole), (StatusCode::OK, false));
        assert!(answer.text.len() <= 1 << 20);
        let traces = house.host.traces();
        assert!(traces.len() == 1 && traces[0].contains("longer than 1048576 bytes"), "{traces:?}");
    }
}

#[tokio::test]
async fn an_answer_that_never_ends_or_goes_quiet_breaks_off() {
    let limits = Limits {
        body_within: Duration::from_millis(80),
        quiet_within: Duration::from_millis(40),
        ..Limits::default()
    };
    let house = House::with(Link::InProcess(service()), limits);
    for (path, why) in [("/endless", "had not ended"), ("/quiet", "nothing more of it came")] {
        let answer = house.send(get(path, &[])).await;
        assert!(!answer.is_whole, "{path}");
        assert!(house.host.traces().pop().unwrap().contains(why), "{path}");
    }
    let page = house.visit("/quiet.html").await;
    assert_eq!(page.status, StatusCode::BAD_GATEWAY, "a page that stops early is told as such");
}

#[tokio::test]
async fn a_long_page_streams_after_its_beginning() {
    let house = House::over(service());
    let answer = house.visit("/long").await;
    assert!(answer.is_whole);
    assert_eq!(answer.text.len(), PIECE * 40);
}

#[tokio::test]
async fn a_stream_of_events_is_refused() {
    let house = House::over(service());
    let asked = house.send(get("/events", &[("accept", "text/event-stream")])).await;
    assert_eq!(asked.status, StatusCode::NOT_ACCEPTABLE);
    let answered = house.send(get("/events", &[("accept", WINDOW)])).await;
    assert_eq!(answered.status, StatusCode::BAD_GATEWAY);
    assert!(answered.text.contains("stream of events"), "{}", answered.text);
}

#[tokio::test]
async fn there_are_only_so_many_requests_at_once() {
    let house =
        House::with(Link::InProcess(service()), Limits { requests_max: 1, ..Limits::default() });
    let first = house.bridge.answer("console", get("/endless", &[])).await;
    let second = house.send(get("/count", &[("accept", WINDOW)])).await;
    assert_eq!(second.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(second.header("retry-after"), Some("1"));
    drop(first);
    assert_eq!(house.send(post("/count", &[], "x")).await.text, "1");
}

fn service() -> Router {
    Router::new()
        .route("/echo", posted(|request: Request| async { request.into_body() }))
        .route("/count", posted(count))
        .route("/moved", posted(|| async { Redirect::permanent("/count") }))
        .route("/endless", route(|| async { Body::from_stream(stream::repeat_with(piece)) }))
        .route("/quiet", route(|| async { going_quiet() }))
        .route("/quiet.html", route(|| async { ([("content-type", "text/html")], going_quiet()) }))
        .route(
            "/long",
            route(|| async { ([("content-type", "text/html; charset=utf-8")], long(40)) }),
        )
        .route("/events", route(|| async { [("content-type", "text/event-stream")] }))
}

async fn count(request: Request) -> Result<String, StatusCode> {
    let whole = request.into_body().collect().await.map_err(|_| StatusCode::BAD_REQUEST)?;
    Ok(whole.to_bytes().len().to_string())
}

fn going_quiet() -> Body {
    Body::from_stream(stream::once(async { piece() }).chain(stream::pending()))
}

fn piece() -> Result<Bytes, std::io::Error> {
    Ok(Bytes::from_static(&[7; PIECE]))
}

fn long(pieces: usize) -> Body {
    Body::from_stream(stream::iter((0..pieces).map(|_| piece())))
}
