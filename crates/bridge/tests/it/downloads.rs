//! A file that a page leads to is saved by the host, and the page stays.

use axum::Router;
use axum::body::Body;
use axum::http::StatusCode;
use axum::routing::get as route;
use oriel_bridge::Limits;
use oriel_link::Link;

use crate::house::{House, WINDOW, get};

const FILE: [(&str, &str); 2] =
    [("content-disposition", "attachment; filename=\"../a:b.csv\""), ("content-type", "text/csv")];

#[tokio::test]
async fn a_file_is_saved_under_a_harmless_name() {
    let house = house();
    let window = house.visit("/file").await;
    assert!(window.text.contains("Saved as a_b.csv."), "{}", window.text);
    let part = house.htmx("/file", &[("hx-boosted", "true")]).await;
    assert_eq!(part.text, "<p class=\"said said-ok\" role=\"status\">Saved as a_b.csv.</p>");
    assert_eq!(part.header("hx-reswap"), Some("afterbegin"));
    assert_eq!(part.header("hx-retarget"), Some("#main"));
    assert_eq!(part.header("hx-push-url"), Some("false"));
    let saved = ("a_b.csv".to_owned(), Some(4), b"a,b\n".to_vec());
    assert_eq!(house.host.saved(), [saved.clone(), saved]);
}

#[tokio::test]
async fn a_script_gets_the_file_itself() {
    let answer = house().send(get("/file", &[])).await;
    assert_eq!(answer.text, "a,b\n");
}

#[tokio::test]
async fn nobody_is_shown_anything_for_a_file_that_they_did_not_want() {
    let house = house();
    *house.host.is_dismissing.lock().unwrap() = true;
    let headers = [("accept", WINDOW), ("referer", "oriel://localhost/costs")];
    let answer = house.send(get("/file", &headers)).await;
    assert!(answer.text.contains("data-back=\"/costs\""), "{}", answer.text);
    assert_eq!(house.htmx("/file", &[]).await.status, StatusCode::NO_CONTENT);
    assert!(house.host.saved().is_empty());
}

#[tokio::test]
async fn an_error_is_shown_and_not_saved() {
    let answer = house().visit("/error").await;
    assert_eq!((answer.status, &answer.text[..]), (StatusCode::NOT_FOUND, "gone"));
}

#[tokio::test]
async fn a_file_that_does_not_come_whole_is_told() {
    let limits = Limits { answer_bytes_max: 3, ..Limits::default() };
    let streamed = || async {
        let pieces = ["ab", "cd"].map(Ok::<_, std::io::Error>);
        (FILE, Body::from_stream(futures_util::stream::iter(pieces)))
    };
    let router = Router::new().route("/file", route(streamed));
    let house = House::with(Link::InProcess(router), limits);
    let answer = house.htmx("/file", &[]).await;
    assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert!(answer.text.contains("did not arrive whole"), "{}", answer.text);
    assert!(house.host.saved().is_empty());
    let told = house.host.traces().join("\n");
    assert!(!told.contains("a_b.csv"), "a name is the page's own: {told}");
}

#[tokio::test]
async fn a_window_that_is_answered_nothing_goes_back() {
    let headers = [("accept", WINDOW), ("referer", "oriel://localhost/costs?x=1")];
    let answer = house().send(get("/nothing", &headers)).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert!(answer.text.contains("data-back=\"/costs?x=1\""), "{}", answer.text);
    assert_eq!(house().htmx("/nothing", &[]).await.status, StatusCode::NO_CONTENT);
    assert_eq!(house().send(get("/nothing", &[])).await.status, StatusCode::NO_CONTENT);
}

fn house() -> House {
    House::over(
        Router::new()
            .route("/file", route(|| async { (FILE, "a,b\n") }))
            .route("/error", route(|| async { (StatusCode::NOT_FOUND, FILE, "gone") }))
            .route("/nothing", route(|| async { StatusCode::NO_CONTENT })),
    )
}
