//! A command of a page is one request to the daemon, and its refusal comes back as the service said it.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::http::{Request, StatusCode};
use axum::response::IntoResponse as _;
use oriel_link::Link;
use oriel_wire::sync::{ResolveConflict, StartSync, SyncStatus};
use serde_json::{Value, json};
use tauri::ipc::InvokeBody;

use super::commands::{place, read};
use super::*;

#[test]
fn a_command_is_read_whole_or_refused() {
    let started: StartSync =
        read(&said(json!({ "sessionId": "s1", "localDir": "/home/me/x" }))).expect("it is whole");
    assert_eq!((started.session_id.as_str(), started.confirm_non_empty), ("s1", false));
    let resolve = json!({ "sessionId": "s1", "path": "a", "resolution": "local", "expectLocal": null,
        "expectRemote": null });
    assert!(read::<ResolveConflict>(&said(resolve.clone())).is_ok());
    for left_out in ["expectLocal", "expectRemote", "resolution"] {
        let mut less = resolve.clone();
        less.as_object_mut().expect("it is an object").remove(left_out);
        let refused = read::<ResolveConflict>(&said(less)).expect_err("it says too little");
        assert_eq!(refused.code, SyncCode::BadCommand, "{left_out}");
    }
    let outside = json!({ "sessionId": "s1", "path": "../a", "resolution": "local",
        "expectLocal": null, "expectRemote": null });
    assert!(read::<ResolveConflict>(&said(outside)).is_err());
    assert!(read::<StartSync>(&InvokeBody::Raw(vec![1])).is_err());
}

#[tokio::test]
async fn what_the_daemon_refuses_is_told_with_its_code_and_what_it_does_not_say_in_words() {
    let failed = json!({ "code": "folder_not_empty", "message": "there is something in it" });
    for (status, answer, code, words) in [
        (StatusCode::CONFLICT, failed.to_string(), SyncCode::FolderNotEmpty, "something in it"),
        (StatusCode::NOT_FOUND, "{\"error\":\"nothing\"}".to_owned(), SyncCode::System, "nothing"),
        (StatusCode::BAD_GATEWAY, "<html>".to_owned(), SyncCode::System, "502"),
        (StatusCode::OK, "[]".to_owned(), SyncCode::System, "another version"),
    ] {
        let heard = Arc::new(Mutex::new(String::new()));
        let hears = Arc::clone(&heard);
        let router = Router::new().fallback(move |request: Request<Body>| async move {
            *hears.lock().expect("nobody failed") = request.uri().to_string();
            (status, answer).into_response()
        });
        let peer = Peer::of(Link::InProcess(router), "token").expect("a token");
        let asked = ask::<SyncStatus>(&peer, Method::GET, &place("a/b"), Body::empty()).await;
        let refused = asked.expect_err("it refuses");
        assert_eq!(refused.code, code);
        assert!(refused.message.contains(words), "{}", refused.message);
        assert_eq!(*heard.lock().expect("nobody failed"), "/control/sync/a%2Fb");
    }
}

fn said(value: Value) -> InvokeBody {
    InvokeBody::Json(value)
}
