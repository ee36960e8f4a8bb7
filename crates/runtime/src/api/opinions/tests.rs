//! An opinion is signed by the operator, kept as it was signed, and revised only by name.

use axum::body::Body;
use axum::http::{Request, StatusCode};
use http_body_util::BodyExt;
use oriel_sign::{Key, Opinion, Record};
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::api::tests::House;
use crate::config::Access;

#[tokio::test]
async fn an_opinion_is_composed_shown_and_revised() {
    let house = house_with_key().await;
    let (status, first) = post(&house, "/control/opinions", &form("Good work", None)).await;
    assert_eq!(status, StatusCode::CREATED, "{first}");
    let record = Record::read(first.to_string().as_bytes()).unwrap();
    assert_eq!(record.opinion().text.as_deref(), Some("Good work"));
    assert_eq!(record.authored_at(), "2026-02-03T10:00:00Z");

    let again = post(&house, "/control/opinions", &form("Good work", None)).await;
    assert_eq!(again, (StatusCode::CREATED, first.clone()), "the same within a second");
    let (status, refused) = post(&house, "/control/opinions", &form("Better", None)).await;
    assert_eq!((status, &refused["active"]), (StatusCode::CONFLICT, &json!(record.id())));
    let revision = form("Better", Some(record.id()));
    let (status, second) = post(&house, "/control/opinions", &revision).await;
    assert_eq!(status, StatusCode::CREATED, "{second}");
    let stale = form("Worse", Some(record.id()));
    let (status, refused) = post(&house, "/control/opinions", &stale).await;
    assert_eq!((status, &refused["active"]), (StatusCode::CONFLICT, &second["record/id"]));

    let (status, shown) = get(&house, &format!("/api/opinions/{}", record.id())).await;
    assert_eq!((status, &shown["record"]), (StatusCode::OK, &first));
    assert_eq!(shown["verification"]["verifies"], json!(true));
    assert_eq!(shown["opinion"]["active"], json!(false));
    assert_eq!(shown["opinion"]["own"], json!(true));
    let history = shown["history"].as_array().unwrap();
    assert_eq!((history.len(), &history[0]["id"]), (2, &second["record/id"]));
    let (_, active) = get(&house, "/api/opinions?resource_kind=session&resource_id=s1").await;
    assert_eq!(active["opinions"].as_array().unwrap().len(), 1);
    assert_eq!(active["opinions"][0]["text"], json!("Better"));
    let (_, all) = get(&house, "/api/opinions?state=all&limit=1").await;
    assert_eq!((all["opinions"].as_array().unwrap().len(), &all["next"]), (1, &json!(2)));
    let (_, rest) = get(&house, "/api/opinions?state=all&before=2&q=GOOD").await;
    assert_eq!((&rest["opinions"][0]["id"], &rest["next"]), (&json!(record.id()), &Value::Null));
}

#[tokio::test]
async fn of_two_revisions_at_once_one_wins_and_the_other_is_told() {
    let house = house_with_key().await;
    let (_, first) = post(&house, "/control/opinions", &form("Good", None)).await;
    let id = first["record/id"].as_str();
    let (one, other) = (form("Better", id), form("Worse", id));
    let (one, other) = tokio::join!(
        post(&house, "/control/opinions", &one),
        post(&house, "/control/opinions", &other)
    );
    let mut statuses = [one.0, other.0];
    statuses.sort();
    assert_eq!(statuses, [StatusCode::CREATED, StatusCode::CONFLICT]);
}

#[tokio::test]
async fn without_a_key_nothing_is_signed_and_the_answer_says_how_to_make_one() {
    let house = House::new(Access::Loopback, "127.0.0.1").await;
    let none = json!({ "did": null, "exists": false, "created": null, "problem": null });
    assert_eq!(get(&house, "/control/keys").await, (StatusCode::OK, none));
    let (status, refused) = post(&house, "/control/opinions", &form("Good", None)).await;
    assert_eq!(status, StatusCode::LOCKED);
    assert!(refused["error"].as_str().unwrap().contains("oriel keys create"), "{refused}");
    let (status, shown) = post(&house, "/control/opinions/preview", &form("Good", None)).await;
    assert_eq!((status, &shown["did"]), (StatusCode::OK, &Value::Null));

    let (status, made) = post(&house, "/control/keys", &json!({})).await;
    assert_eq!((status, &made["exists"]), (StatusCode::CREATED, &json!(true)));
    let key = Key::open(&house.folder.path().join("data/keys")).unwrap().unwrap();
    assert_eq!(made["did"], json!(key.did()));
    assert_eq!(get(&house, "/control/keys").await, (StatusCode::OK, made));
    let (status, _) = post(&house, "/control/keys", &json!({})).await;
    assert_eq!(status, StatusCode::CONFLICT);
}

#[tokio::test]
async fn a_key_that_cannot_be_used_is_told_of_and_never_replaced() {
    let house = house_with_key().await;
    let path = house.folder.path().join("data/keys/operator.ed25519");
    std::fs::write(&path, "nonsense").unwrap();
    let (_, told) = get(&house, "/control/keys").await;
    assert_eq!((&told["exists"], &told["did"]), (&json!(true), &Value::Null));
    assert!(told["problem"].as_str().unwrap().contains("holds no key"), "{told}");
    let (status, _) = post(&house, "/control/opinions", &form("Good", None)).await;
    assert_eq!(status, StatusCode::LOCKED);
    assert_eq!(post(&house, "/control/keys", &json!({})).await.0, StatusCode::CONFLICT);
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "nonsense");
}

#[tokio::test]
async fn a_form_is_told_of_each_field_and_a_preview_keeps_nothing() {
    let house = house_with_key().await;
    let bad = json!({ "resource/kind": "URL", "resource/id": "x", "opinion/rating": 9 });
    for path in ["/control/opinions", "/control/opinions/preview"] {
        let (status, refused) = post(&house, path, &bad).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(refused["details"][0]["field"], json!("resource/kind"));
        assert_eq!(refused["details"][1]["field"], json!("opinion/rating"));
        assert!(refused["details"][1]["message"].as_str().unwrap().contains("1 to 5"));
        assert_eq!(send(&house, "POST", path, "{").await.0, StatusCode::BAD_REQUEST);
        let long = "x".repeat(300 * 1024);
        assert_eq!(send(&house, "POST", path, &long).await.0, StatusCode::PAYLOAD_TOO_LARGE);
    }
    let (status, shown) = post(&house, "/control/opinions/preview", &form("Good", None)).await;
    assert_eq!((status, &shown["active"]), (StatusCode::OK, &Value::Null));
    assert_eq!(shown["record"]["author/participant-id"], shown["did"]);
    assert_eq!(shown["record"]["content"]["opinion/text"], json!("Good"));
    assert_eq!(shown["record"].get("signature"), None);
    assert_eq!(get(&house, "/api/opinions").await.1["opinions"], json!([]));
    let (_, first) = post(&house, "/control/opinions", &form("Good", None)).await;
    let (_, shown) = post(&house, "/control/opinions/preview", &form("Better", None)).await;
    assert_eq!(shown["active"], first["record/id"], "what a revision has to name");
}

#[tokio::test]
async fn a_record_of_anyone_is_verified_and_not_kept() {
    let house = House::new(Access::Loopback, "127.0.0.1").await;
    let opinion = Opinion::from_form(&form("Good", None)).unwrap();
    let record = opinion.sign(&Key::from_secret(&[7; 32]), "2026-01-02T03:04:05Z");
    let path = "/control/opinions/verify";
    let (status, told) = post(&house, path, record.value()).await;
    assert_eq!((status, &told["verifies"]), (StatusCode::OK, &json!(true)));
    assert_eq!((&told["id"], &told["rule"]), (&json!(record.id()), &json!("agora.record.v1")));
    let mut changed = record.value().clone();
    changed["content"]["opinion/text"] = json!("Bad");
    let (_, told) = post(&house, path, &changed).await;
    assert_eq!((&told["verifies"], &told["code"]), (&json!(false), &json!("id-mismatch")));
    assert_eq!(told["author"], json!(record.author()));
    assert_eq!(send(&house, "POST", path, "").await.1["code"], json!("not-json"));
    assert_eq!(get(&house, "/api/opinions").await.1["opinions"], json!([]));
}

#[tokio::test]
async fn what_is_not_there_or_makes_no_sense_is_refused() {
    let house = House::new(Access::Loopback, "127.0.0.1").await;
    assert_eq!(get(&house, "/api/opinions/sha256:none").await.0, StatusCode::NOT_FOUND);
    let long = format!("/api/opinions?q={}", "x".repeat(201));
    for path in ["/api/opinions?state=some", "/api/opinions?q=a&q=b", &long] {
        assert_eq!(get(&house, path).await.0, StatusCode::BAD_REQUEST, "{path}");
    }
}

async fn house_with_key() -> House {
    let house = House::new(Access::Loopback, "127.0.0.1").await;
    let (status, _) = post(&house, "/control/keys", &json!({})).await;
    assert_eq!(status, StatusCode::CREATED);
    house
}

fn form(text: &str, supersedes: Option<&str>) -> Value {
    json!({ "resource/kind": "session", "resource/id": "s1", "opinion/text": text,
        "record/supersedes": supersedes })
}

async fn get(house: &House, path: &str) -> (StatusCode, Value) {
    send(house, "GET", path, "").await
}

async fn post(house: &House, path: &str, body: &Value) -> (StatusCode, Value) {
    send(house, "POST", path, &body.to_string()).await
}

async fn send(house: &House, method: &str, path: &str, body: &str) -> (StatusCode, Value) {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("host", "localhost")
        .header("x-oriel-authtok", house.runtime.authtok())
        .body(Body::from(body.to_owned()))
        .unwrap();
    let response = house.router.clone().oneshot(request).await.unwrap();
    let status = response.status();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
}
