//! Going to anything by its name, with scripts and without.

use serde_json::json;

use super::now::event;
use super::*;

#[tokio::test]
async fn pages_sessions_and_things_to_do_are_found_by_their_words() {
    let house = House::new().await;
    house.event(event(1, json!({ "session_id": "s/1", "project": "tidepool" }))).await;
    for (q, there, not_there) in [
        ("cos", "href=\"/costs\"", "href=\"/inbox\""),
        ("tidep", "href=\"/sessions/s%2F1\"", "href=\"/costs\""),
        ("IMPORT now", "Import histories now", "href=\"/costs\""),
        ("dark", "value=\"dark\"", "value=\"light\""),
        ("opinion", "href=\"/opinions/new\"", "href=\"/costs\""),
        ("a&b <i>", "href=\"/search?q=a%26b+%3Ci%3E\"", "<i>"),
    ] {
        let q: String = form_urlencoded::byte_serialize(q.as_bytes()).collect();
        let page = house.get(&format!("/palette?q={q}")).await;
        assert!(page.text.contains("<html"), "without scripts it is a page");
        let mut part = house.part(&format!("/palette?q={q}"), "palette-list").await;
        part.text = unescaped(&part.text);
        assert!(!part.text.contains("<html"), "{}", part.text);
        assert!(part.text.contains(there) && !part.text.contains(not_there), "{q}: {}", part.text);
        assert!(part.text.contains("role=\"listbox\"") && part.text.contains("role=\"option\""));
    }
}

#[tokio::test]
async fn who_may_change_nothing_is_offered_nothing_that_changes() {
    let house = House::new().await;
    let request = house.request("GET", "/palette?q=theme").body(Body::empty()).unwrap();
    let answer = house.send(request).await;
    assert!(!answer.text.contains("name=\"theme\""), "{}", answer.text);
    assert!(house.get("/palette?q=theme").await.text.contains("value=\"dark\""));
    let long = house.get(&format!("/palette?q={}", "x".repeat(5000))).await;
    assert_eq!(long.status, StatusCode::OK);
}
