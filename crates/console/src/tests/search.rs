//! What the search page finds, marks and says where it finds nothing.

use serde_json::json;

use super::sessions::{page, plain, said};
use super::*;

#[tokio::test]
async fn what_was_said_is_found_marked_and_linked() {
    let house = House::new().await;
    let prompt =
        json!({ "project": "lantern", "metadata": { "message": "mend the <b>gate</b> now" } });
    said(&house, "s1", "user_prompt", prompt).await;
    let output = json!({ "tool_name": "Bash", "metadata": { "content_preview": "gate is shut" } });
    said(&house, "s2", "tool_use", output).await;

    let found = page(&house, "/search?q=gate").await;
    assert!(found.contains("<mark>gate</mark>"), "{found}");
    assert!(found.contains("/sessions/s1?at=1#e-1") && found.contains("/sessions/s2?at=2#e-2"));
    assert!(words(&found).contains("2 hits"));
    let prompts = house.part("/search?q=gate&role=prompt", "results").await;
    let shown = plain(&prompts.text);
    assert!(shown.contains("/sessions/s1") && !shown.contains("/sessions/s2"));
    assert_eq!(prompts.headers["hx-push-url"], "/search?q=gate&role=prompt");
    let one = page(&house, "/search?q=gate&session=s2").await;
    assert!(one.contains("Only in") && !one.contains("/sessions/s1?at"), "{one}");
}

#[tokio::test]
async fn hits_come_page_by_page() {
    let house = House::new().await;
    for nth in 0..35 {
        let prompt = json!({ "metadata": { "message": format!("the word {nth}") } });
        said(&house, "s1", "user_prompt", prompt).await;
    }
    let first = page(&house, "/search?q=word").await;
    let next = first.split("rel=\"next\" href=\"").nth(1).unwrap();
    let next = next[..next.find('"').unwrap()].replace("&amp;", "&");
    let second = page(&house, &next).await;
    let hits = |html: &str| html.matches("class=\"hit\"").count();
    assert_eq!((hits(&first), hits(&second)), (30, 5));
    assert!(second.contains("?at=1#e-1") && !second.contains("rel=\"next\""));
}

#[tokio::test]
async fn where_nothing_is_found_the_page_says_why_that_may_be() {
    let house = House::new().await;
    let start = words(&page(&house, "/search").await);
    assert!(start.contains("begin so") && start.contains("either of them"), "{start}");
    let none = words(&page(&house, "/search?q=nowhere&agent=codex").await);
    assert!(none.contains("Nothing was found") && none.contains("without filters"), "{none}");
}

#[tokio::test]
async fn what_is_wrong_is_said_beside_its_field() {
    let house = House::new().await;
    for (query, field) in [("since=soon", "Since:"), ("role=judge", "Of:"), ("cursor=x", "Page:")] {
        let page = house.get(&format!("/search?q=word&{query}")).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{query}");
        assert!(
            words(&page.text).contains(field) && page.text.contains("value=\"word\""),
            "{query}"
        );
    }
    let long = "word ".repeat(5000);
    let page = house.get(&format!("/search?q={}", crate::address::encode(&long))).await;
    assert_eq!(page.status, StatusCode::OK);
}
