//! Who has the token sees which page may use what and takes it back; nobody grants anything here.

use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode};
use oriel_hostfs::Grants;
use oriel_wire::hostfs::WorkspaceAccess;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::api::tests::House;
use crate::config::Access;

#[tokio::test]
async fn grants_are_listed_and_taken_back_and_the_audit_knows() {
    let house = House::new(Access::Loopback, "127.0.0.1").await;
    let folder = tempfile::tempdir().unwrap();
    let grants = Grants::of_data_dir(&house.folder.path().join("data")).unwrap();
    let now = std::time::UNIX_EPOCH + std::time::Duration::from_secs(7);
    let granted = grants.add("workbench", folder.path(), WorkspaceAccess::Read, now).unwrap().id.0;
    let (_, list) = ask(&house, "GET", "/control/grants", Value::Null).await;
    let one = &list["grants"][0];
    assert_eq!((&one["id"], &one["label"]), (&json!(granted), &json!("workbench")));
    assert_eq!((&one["access"], &one["granted_at"]), (&json!("read"), &json!(7)));
    assert_eq!((&one["problem"], &list["problem"]), (&Value::Null, &Value::Null));

    let revoke = "/control/grants/revoke";
    for (body, status) in [
        (json!({}), StatusCode::BAD_REQUEST),
        (json!({ "id": granted, "all": true }), StatusCode::BAD_REQUEST),
        (json!({ "id": "../x" }), StatusCode::NOT_FOUND),
        (json!({ "id": granted }), StatusCode::OK),
        (json!({ "id": granted }), StatusCode::NOT_FOUND),
    ] {
        let (got, answer) = ask(&house, "POST", revoke, body.clone()).await;
        assert_eq!(got, status, "{body}: {answer}");
    }
    assert_eq!(grants.all().unwrap(), []);
    let (_, audit) = ask(&house, "GET", "/control/audit", Value::Null).await;
    let details: Vec<_> = audit["entries"].as_array().unwrap().iter().collect();
    let told = details.iter().filter(|entry| {
        entry["detail"].as_str().is_some_and(|text| text.starts_with("workbench may not use"))
    });
    assert_eq!(told.count(), 1, "{audit}");
}

#[tokio::test]
async fn a_damaged_list_is_told_and_left_alone() {
    let house = House::new(Access::Loopback, "127.0.0.1").await;
    let file = house.folder.path().join("data/files/grants.json");
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(&file, "{}").unwrap();
    let (status, list) = ask(&house, "GET", "/control/grants", Value::Null).await;
    assert_eq!((status, &list["grants"]), (StatusCode::OK, &json!([])));
    assert!(list["problem"].as_str().unwrap().contains("grants.json"), "{list}");
    let body = json!({ "id": "x" });
    let (status, _) = ask(&house, "POST", "/control/grants/revoke", body).await;
    assert_eq!(status, StatusCode::CONFLICT);
    assert_eq!(std::fs::read_to_string(file).unwrap(), "{}");
}

async fn ask(house: &House, method: &str, path: &str, body: Value) -> (StatusCode, Value) {
    let body = if body.is_null() { Body::empty() } else { Body::from(body.to_string()) };
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("host", "localhost")
        .header("x-oriel-authtok", &*house.runtime.authtok())
        .body(body)
        .unwrap();
    let response = house.router.clone().oneshot(request).await.unwrap();
    let status = response.status();
    let bytes = to_bytes(response.into_body(), 1 << 20).await.unwrap();
    (status, serde_json::from_slice(&bytes).unwrap())
}
