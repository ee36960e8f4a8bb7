//! A module is a guest: whatever it answers, it stays below its mount, learns nothing of the visitor,
//! and when it is down the console says so in its place.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::Request as AxumRequest;
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use oriel_link::Link;
use oriel_wire::module::ModuleReach;

use super::*;

#[tokio::test]
async fn a_modules_page_is_shown_below_its_mount_and_learns_nothing_of_the_visitor() {
    let (house, seen) = with_module().await;
    let answer = house.get("/modules/hello/page?x=%2F1").await;
    assert_eq!((answer.status, answer.text.as_str()), (StatusCode::OK, "<h1>hello</h1>"));
    let asked = seen.lock().unwrap().pop().unwrap();
    assert_eq!(asked.uri().to_string(), "/page?x=%2F1");
    let headers = asked.headers();
    assert_eq!(headers["x-oriel-module-token"], "the module's own");
    assert_eq!(headers["x-oriel-mount"], "/modules/hello/");
    for name in ["cookie", "authorization", "x-oriel-authtok", "referer", "user-agent", "origin"] {
        assert!(!headers.contains_key(name), "{name}");
    }
}

#[tokio::test]
async fn its_pages_can_load_ask_and_send_only_below_the_mount() {
    let (house, _) = with_module().await;
    let answer = house.get("/modules/hello/").await;
    let policy = answer.headers["content-security-policy"].to_str().unwrap();
    for part in [
        "script-src 127.0.0.1:3143/modules/hello/;",
        "connect-src 127.0.0.1:3143/modules/hello/;",
        "form-action 127.0.0.1:3143/modules/hello/;",
        "sandbox allow-forms allow-scripts allow-same-origin",
    ] {
        assert!(policy.contains(part), "{part} in {policy}");
    }
    assert!(!policy.contains("'self'") && !policy.contains("unsafe") && !policy.contains("popups"));
    assert!(!answer.headers.contains_key("set-cookie"));
    assert!(!answer.headers.contains_key("x-secret"));
}

#[tokio::test]
async fn what_leads_elsewhere_leads_to_the_modules_first_page() {
    let (house, _) = with_module().await;
    for (to, expected) in [
        ("/next", "/modules/hello/next"),
        ("http://evil.example/", "/modules/hello/"),
        ("/../../settings", "/modules/hello/"),
    ] {
        let answer = house.get(&format!("/modules/hello/redirect?{to}")).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER);
        assert_eq!(answer.headers["location"], expected, "{to}");
        assert_eq!(answer.headers["hx-redirect"], expected, "{to}");
    }
}

#[tokio::test]
async fn its_page_never_becomes_a_part_of_ours() {
    let (house, seen) = with_module().await;
    let boosted = house
        .own("GET", "/modules/hello/page")
        .header("hx-request", "true")
        .header("hx-target", "main")
        .header("hx-current-url", "http://127.0.0.1:3143/modules");
    let answer = house.send(boosted.body(Body::empty()).unwrap()).await;
    assert_eq!(answer.headers["hx-redirect"], "/modules/hello/page");
    assert_eq!(answer.text, "");
    assert!(seen.lock().unwrap().is_empty(), "the module was not asked");
}

#[tokio::test]
async fn a_form_of_a_module_carries_what_it_was_given() {
    let (house, seen) = with_module().await;
    house.get("/modules/hello/").await;
    let csrf = seen.lock().unwrap().pop().unwrap().headers()["x-oriel-csrf"].clone();
    assert_eq!(csrf.to_str().unwrap(), house.session.csrf);
    assert_eq!(house.post("/modules/hello/save", &[("a", "b")]).await.status, StatusCode::OK);
    let forged = house
        .own("POST", "/modules/hello/save")
        .header("origin", "http://127.0.0.1:3143")
        .body(Body::from("a=b"))
        .unwrap();
    assert_eq!(house.send(forged).await.status, StatusCode::FORBIDDEN);
    let long = "x".repeat(300 * 1024);
    let answer = house.post("/modules/hello/save", &[("a", &long)]).await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn a_module_that_is_down_or_says_too_much_has_a_page_in_its_place() {
    let (house, _) = with_module().await;
    for (path, word) in [
        ("/modules/hello/endless", "longer than"),
        ("/modules/stopped/", "does not run"),
        ("/modules/gone/", "cannot connect"),
    ] {
        let answer = house.get(path).await;
        assert_eq!(answer.status, StatusCode::BAD_GATEWAY, "{path}");
        assert!(answer.text.contains(word), "{path}: {}", answer.text);
        assert!(answer.text.contains("Restart it"), "{path}");
    }
    assert_eq!(house.get("/modules/nobody/").await.status, StatusCode::NOT_FOUND);
    assert_eq!(house.get("/modules/UPPER/").await.status, StatusCode::NOT_FOUND);
}

type Seen = Arc<Mutex<Vec<Request<()>>>>;

/// A console whose launcher knows a module that tries everything, one that was stopped, and one that is
/// gone.
async fn with_module() -> (House, Seen) {
    let seen = Seen::default();
    let module = module(&seen);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap().to_string();
    tokio::spawn(axum::serve(listener, module).into_future());
    let free = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let gone = free.local_addr().unwrap().to_string();
    drop(free);
    let reach = move |addr: String| {
        let reach = ModuleReach { addr, token: "the module's own".to_owned() };
        get(async move || axum::Json(reach))
    };
    let launcher = Router::new()
        .route("/modules/hello/reach", reach(addr))
        .route("/modules/gone/reach", reach(gone))
        .route("/modules/stopped/reach", get(async || StatusCode::CONFLICT));
    let house = House::new().await;
    house.runtime.stand_beside(Link::InProcess(launcher));
    (house, seen)
}

fn module(seen: &Seen) -> Router {
    let seen = Arc::clone(seen);
    Router::new().fallback(any(async move |request: AxumRequest| {
        let (head, _) = request.into_parts();
        let path = head.uri.path().to_owned();
        let to = head.uri.query().unwrap_or_default().to_owned();
        seen.lock().unwrap().push(Request::from_parts(head, ()));
        answer(&path, &to)
    }))
}

fn answer(path: &str, to: &str) -> Response {
    match path {
        "/redirect" => {
            let headers = [("location", to), ("hx-redirect", to)]
                .map(|(name, value)| (name, axum::http::HeaderValue::from_str(value).unwrap()));
            (StatusCode::SEE_OTHER, headers).into_response()
        }
        "/endless" => "x".repeat(9 * 1024 * 1024).into_response(),
        _ => {
            let headers = [
                ("content-type", "text/html"),
                ("set-cookie", "oriel_session=mine"),
                ("x-secret", "1"),
                ("content-security-policy", "default-src *"),
            ];
            (headers, "<h1>hello</h1>").into_response()
        }
    }
}
