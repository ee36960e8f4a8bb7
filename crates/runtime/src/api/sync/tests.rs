//! What is said of sync goes through whole and at once, in both directions, and who changed what is
//! written down.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode};
use axum::response::IntoResponse as _;
use axum::routing::{any, get};
use futures_util::StreamExt as _;
use http_body_util::BodyExt as _;
use oriel_link::Link;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tower::ServiceExt as _;

use crate::api::tests::House;
use crate::config::Access;

#[tokio::test]
async fn where_nothing_syncs_that_is_said() {
    let house = House::new(Access::Loopback, "127.0.0.1").await;
    for path in ["/control/sync", "/control/sync/S1", "/control/sync/events"] {
        let (status, answer) = ask(&house, "GET", path, Body::empty()).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{path}");
        assert!(answer["error"].as_str().unwrap().contains("oriel serve"), "{answer}");
    }
}

#[tokio::test]
async fn requests_reach_who_syncs_as_they_came_and_answers_come_back() {
    let (house, heard) = synced().await;
    let body = json!({ "sessionId": "S1", "localDir": "/home/me/a b", "confirmNonEmpty": true });
    let failed = json!({ "code": "folder_not_empty", "message": "there is something in it" });
    for (method, path, wanted) in [
        ("GET", "/control/sync", "GET /sync "),
        ("GET", "/control/sync/", "GET /sync "),
        ("GET", "/control/sync/S1-%C3%A4", "GET /sync/S1-%C3%A4 "),
        ("GET", "/control/sync/S1/conflict?path=A%2Fb", "GET /sync/S1/conflict?path=A%2Fb "),
        ("POST", "/control/sync/start", "POST /sync/start BODY"),
        ("POST", "/control/sync/stop", "POST /sync/stop BODY"),
        ("POST", "/control/sync/confirm", "POST /sync/confirm BODY"),
        ("POST", "/control/sync/resolve", "POST /sync/resolve BODY"),
        ("POST", "/control/sync/verify", "POST /sync/verify BODY"),
    ] {
        let sent = if method == "POST" { Body::from(body.to_string()) } else { Body::empty() };
        let (status, answer) = ask(&house, method, path, sent).await;
        assert_eq!((status, &answer), (StatusCode::CONFLICT, &failed), "{path}");
        let wanted = wanted.replace("BODY", &body.to_string());
        assert_eq!(heard.lock().unwrap().pop(), Some(wanted));
    }
}

#[tokio::test]
async fn who_changed_what_is_written_down_and_no_content_is() {
    let (house, _) = synced().await;
    let resolve = json!({ "sessionId": "S1", "path": "a.txt", "resolution": "merged",
        "content": "a secret", "expectLocal": null, "expectRemote": null });
    ask(&house, "POST", "/control/sync/resolve", Body::from(resolve.to_string())).await;
    ask(&house, "POST", "/control/sync/stop", Body::from("no JSON")).await;
    ask(&house, "GET", "/control/sync", Body::empty()).await;
    let (_, audit) = ask(&house, "GET", "/control/audit", Body::empty()).await;
    let entries = audit["entries"].as_array().unwrap();
    assert_eq!(entries.len(), 2, "{audit}");
    assert_eq!(entries[0]["what"], "POST /control/sync/stop");
    assert_eq!(entries[1]["detail"], "sessionId S1, path a.txt, resolution merged");
    assert!(!audit.to_string().contains("secret"), "{audit}");
}

#[tokio::test]
async fn a_body_without_end_is_refused() {
    let (house, heard) = synced().await;
    let piece = vec![b' '; 1 << 20];
    let endless = futures_util::stream::repeat(piece).map(Ok::<_, std::io::Error>);
    let path = "/control/sync/resolve";
    let (status, _) = ask(&house, "POST", path, Body::from_stream(endless)).await;
    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(heard.lock().unwrap().len(), 0, "nobody was asked");
}

#[tokio::test]
async fn events_pass_as_they_come_and_end_with_the_runtime() {
    let house = House::new(Access::Loopback, "127.0.0.1").await;
    let (tell, told) = mpsc::channel::<&'static str>(1);
    let told = Arc::new(Mutex::new(Some(told)));
    let events = move || {
        let told = told.lock().unwrap().take().unwrap();
        let pieces = futures_util::stream::unfold(told, |mut told| async move {
            Some((Ok::<_, std::io::Error>(told.recv().await?), told))
        });
        async move { ([("content-type", "text/event-stream")], Body::from_stream(pieces)) }
    };
    house.runtime.sync_through(Link::InProcess(Router::new().route("/sync/events", get(events))));
    let request = request(&house, "GET", "/control/sync/events", Body::empty());
    let response = house.router.clone().oneshot(request).await.unwrap();
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let mut pieces = response.into_body().into_data_stream();
    for piece in ["data: {}\n\n", ": a heart beats\n\n"] {
        tell.send(piece).await.unwrap();
        assert_eq!(pieces.next().await.unwrap().unwrap(), piece, "nothing more had to come");
    }
    house.runtime.app().stop.send_replace(true);
    assert!(pieces.next().await.is_none(), "the stream ends although it could go on");
}

/// A runtime beside which something hears all and refuses all.
async fn synced() -> (House, Arc<Mutex<Vec<String>>>) {
    let house = House::new(Access::Loopback, "127.0.0.1").await;
    let heard = Arc::new(Mutex::new(Vec::new()));
    let all = Arc::clone(&heard);
    let answer = move |request: Request<Body>| async move {
        let (head, body) = request.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let body = String::from_utf8_lossy(&body).into_owned();
        all.lock().unwrap().push(format!("{} {} {body}", head.method, head.uri));
        let failed = json!({ "code": "folder_not_empty", "message": "there is something in it" });
        (StatusCode::CONFLICT, axum::Json(failed)).into_response()
    };
    house.runtime.sync_through(Link::InProcess(Router::new().fallback(any(answer))));
    (house, heard)
}

fn request(house: &House, method: &str, path: &str, body: Body) -> Request<Body> {
    let request = Request::builder().method(method).uri(path).header("host", "localhost");
    request.header("x-oriel-authtok", &*house.runtime.authtok()).body(body).unwrap()
}

async fn ask(house: &House, method: &str, path: &str, body: Body) -> (StatusCode, Value) {
    let request = request(house, method, path, body);
    let response = house.router.clone().oneshot(request).await.unwrap();
    let status = response.status();
    let bytes = to_bytes(response.into_body(), 1 << 20).await.unwrap();
    (status, serde_json::from_slice(&bytes).unwrap())
}
