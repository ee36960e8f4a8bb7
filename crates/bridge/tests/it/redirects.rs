//! A page that is led on ends up where it would in a browser, with the cookies of every step.

use axum::Router;
use axum::extract::Path;
use axum::http::header::LOCATION;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{any, get as route, post as posted};
use oriel_bridge::policy::Verdict;
use oriel_link::Link;

use crate::house::{House, WINDOW, echo, links, post};

#[tokio::test]
async fn htmx_is_led_on_natively_with_the_cookies_of_every_hop() {
    let (links, _folder) = links(service()).await;
    for link in links {
        let house = House::new(link);
        let headers = [
            ("hx-request", "true"),
            ("hx-boosted", "true"),
            ("content-type", "text/plain"),
            ("hx-current-url", "oriel://localhost/here"),
        ];
        let answer = house.send(post("/step/1", &headers, "once")).await;
        assert_eq!(answer.status, StatusCode::OK);
        assert!(answer.text.starts_with("GET /end?saved=1"), "{}", answer.text);
        assert!(
            answer.text.contains("cookie: session=granted-1; step1=x; step2=x"),
            "{}",
            answer.text
        );
        assert!(
            !answer.text.contains("once") && !answer.text.contains("content-type"),
            "{}",
            answer.text
        );
        assert_eq!(answer.header("hx-push-url"), Some("/end?saved=1"));
        assert_eq!(answer.header("x-oriel-answered-at"), Some("/end?saved=1"));
        assert_eq!(answer.header("set-cookie"), None);
        let next = house.send(post("/end", &[], "")).await;
        assert!(next.text.contains("cookie: session=granted-1; step1=x; step2=x"), "{}", next.text);
    }
}

#[tokio::test]
async fn what_htmx_does_with_the_address_is_what_it_does_in_a_browser() {
    let house = House::over(service());
    let plain = house.htmx("/to/end", &[]).await;
    assert_eq!((plain.header("hx-push-url"), plain.header("hx-replace-url")), (None, None));
    assert_eq!(plain.header("x-oriel-answered-at"), Some("/end"));
    let here = house.htmx("/to/here", &[("hx-boosted", "true")]).await;
    assert_eq!(here.header("hx-replace-url"), Some("/here"));
    let direct = house.htmx("/end", &[("hx-boosted", "true")]).await;
    assert_eq!((direct.header("hx-push-url"), direct.header("x-oriel-answered-at")), (None, None));
}

#[tokio::test]
async fn a_window_goes_on_by_itself_so_that_what_is_shown_once_is_asked_for_once() {
    let house = House::over(service());
    let answer = house.send(post("/step/2", &[("accept", WINDOW)], "a=b")).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert!(answer.text.contains("data-to=\"/end?saved=1#part\""), "{}", answer.text);
    assert!(answer.text.contains("src=\"/__oriel/go.js\""), "{}", answer.text);
    assert!(!answer.text.contains("GET /end"), "{}", answer.text);
    let next = house.visit("/end").await;
    assert!(next.text.contains("step2=x"), "{}", next.text);
}

#[tokio::test]
async fn a_form_that_is_to_be_sent_elsewhere_is_sent_there_whole() {
    let (links, _folder) = links(service()).await;
    for link in links {
        let house = House::new(link);
        for headers in [&[("accept", WINDOW)][..], &[("hx-request", "true")], &[]] {
            let answer = house.send(post("/moved", headers, "a=b")).await;
            assert!(answer.text.starts_with("POST /end"), "{}", answer.text);
            assert!(answer.text.ends_with("a=b"), "{}", answer.text);
        }
    }
}

#[tokio::test]
async fn going_round_in_circles_ends() {
    let house = House::over(service());
    let answer = house.htmx("/round", &[]).await;
    assert_eq!(answer.status, StatusCode::BAD_GATEWAY);
    assert!(answer.text.contains("more than 10 times"), "{}", answer.text);
    for _ in 0..10 {
        assert!(house.visit("/round").await.text.contains("data-to=\"/round\""));
    }
    assert_eq!(house.visit("/round").await.status, StatusCode::BAD_GATEWAY);
    assert!(house.visit("/round").await.text.contains("data-to"), "it may be tried again");
}

#[tokio::test]
async fn what_leads_out_of_the_app_is_opened_elsewhere_and_the_page_stays() {
    let house = House::over(service());
    let referer = ("referer", "oriel://localhost/here");
    let window = house.send(crate::house::get("/away", &[("accept", WINDOW), referer])).await;
    assert!(window.text.contains("data-back=\"/here\""), "{}", window.text);
    for path in ["/away", "/hx-redirect", "/hx-location"] {
        let answer = house.htmx(path, &[]).await;
        assert_eq!(answer.status, StatusCode::NO_CONTENT, "{path}");
        assert!(answer.header("hx-trigger").unwrap().contains("oriel:notice"), "{path}");
        assert_eq!((answer.header("hx-redirect"), answer.header("hx-location")), (None, None));
    }
    let opened = house.host.opened();
    assert_eq!(opened.len(), 4);
    let expected = ("https://example.com/x".to_owned(), Verdict::Preview { warn: false });
    assert!(opened.iter().all(|it| *it == expected), "{opened:?}");
    let script = house.send(crate::house::get("/away", &[])).await;
    assert_eq!(script.status, StatusCode::BAD_GATEWAY, "nobody clicked");
    assert_eq!(house.host.opened().len(), 4);
}

#[tokio::test]
async fn what_leads_where_nothing_may_is_denied_and_told() {
    let house = House::over(service());
    for path in ["/private", "/script"] {
        let answer = house.htmx(path, &[]).await;
        assert_eq!(answer.status, StatusCode::BAD_GATEWAY, "{path}");
        assert_eq!(answer.header("hx-retarget"), Some("#main"));
    }
    assert!(house.host.opened().is_empty());
    let traces = house.host.traces();
    assert_eq!(traces.len(), 2);
    for trace in traces {
        assert!(trace.starts_with("desktop/trusted-navigation-blocked"), "{trace}");
        assert!(!trace.contains("s3cret"), "{trace}");
    }
}

#[tokio::test]
async fn another_service_does_not_get_the_cookies_of_the_last_one() {
    let house = House::over(service());
    house.send(post("/step/2", &[], "")).await;
    assert!(house.visit("/end").await.text.contains("session=granted-1; step2=x"));
    house.host.serve(Link::InProcess(service()), 2);
    let answer = house.visit("/end").await;
    assert!(answer.text.contains("cookie: session=granted-2\n"), "{}", answer.text);
}

fn service() -> Router {
    let to = |place: &'static str| {
        route(move || async move { (StatusCode::FOUND, [(LOCATION, place)]) })
    };
    Router::new()
        .route("/step/{number}", posted(step).get(step))
        .route(
            "/to/{place}",
            route(|Path(place): Path<String>| async move { Redirect::to(&format!("/{place}")) }),
        )
        .route("/end", any(echo))
        .route("/here", any(echo))
        .route("/moved", any(|| async { Redirect::temporary("/end") }))
        .route("/round", to("round"))
        .route("/away", to("https://example.com/x"))
        .route("/private", to("http://192.168.1.1/?s3cret"))
        .route("/script", to("javascript:alert('s3cret')"))
        .route("/hx-redirect", route(|| async { [("hx-redirect", "https://example.com/x")] }))
        .route(
            "/hx-location",
            route(|| async { [("hx-location", r#"{"path":"https://example.com/x"}"#)] }),
        )
}

async fn step(Path(number): Path<u32>, headers: HeaderMap) -> Response {
    let to = if number < 2 { "/step/2" } else { "http://127.0.0.1:3143/end?saved=1#part" };
    let cookie = format!("step{number}=x; Path=/");
    assert!(headers.contains_key("host"), "every hop is a request of its own");
    (StatusCode::SEE_OTHER, [(LOCATION, to.to_owned()), (axum::http::header::SET_COOKIE, cookie)])
        .into_response()
}
