//! An import is started, seen and stopped from its page, and what could not be read is named.

use super::*;

#[tokio::test]
async fn an_import_from_the_page_ends_with_what_it_found_and_what_it_could_not_read() {
    let house = House::new().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("5f0c.jsonl");
    let line = r#"{"type":"user","uuid":"u1","sessionId":"5f0c","timestamp":"2026-03-01T10:00:00Z","cwd":"/p","message":{"role":"user","content":"hello"}}"#;
    std::fs::write(&file, format!("{line}\n{{broken\n")).unwrap();
    let paths = folder.path().to_str().unwrap();
    let started = house.post("/imports", &[("paths", paths), ("format", "claude-code")]).await;
    assert_eq!(started.status, StatusCode::SEE_OTHER, "{}", started.text);
    let page = house.until("/imports", |page| page.contains("chip-ok")).await;
    assert!(words(&page).contains("asked for"), "{}", words(&page));
    let one = words(&house.get("/imports?id=1").await.text);
    assert!(one.contains("Could not be read") && one.contains("5f0c.jsonl"), "{one}");
}

#[tokio::test]
async fn a_date_that_is_none_is_said_beside_the_form_and_what_was_typed_stays() {
    let house = House::new().await;
    let answer = house.post("/imports", &[("from", "soon <b>"), ("format", "codex")]).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(answer.text.contains("field-error") && answer.text.contains("soon &lt;b&gt;"));
    assert!(answer.text.contains("value=\"codex\" checked"), "{}", answer.text);
}

#[tokio::test]
async fn an_import_that_is_not_there_cannot_be_stopped_or_seen() {
    let house = House::new().await;
    assert_eq!(house.post("/imports/cancel", &[("id", "7")]).await.status, StatusCode::NOT_FOUND);
    assert_eq!(house.get("/imports?id=7").await.status, StatusCode::NOT_FOUND);
    assert!(words(&house.get("/imports").await.text).contains("Nothing was imported yet"));
}
