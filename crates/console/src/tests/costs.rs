//! What something cost is shown to the cent, by whatever it is asked, and what has no price is named.

use super::*;

#[tokio::test]
async fn costs_are_shown_by_everything_that_they_can_be_asked_by() {
    let house = House::new().await;
    house.request_of("s1", "claude-sonnet-4-5", "oriel", 1_000_000).await;
    house.request_of("s2", "gpt-5", "other", 1_000_000).await;
    for (by, says) in [
        ("day", "$4.25"),
        ("model", "claude-sonnet-4-5"),
        ("project", "oriel"),
        ("session", "/sessions/s1"),
        ("block", "runs"),
        ("nonsense", "Days"),
    ] {
        let page = house.get(&format!("/costs?by={by}")).await;
        assert_eq!(page.status, StatusCode::OK, "{by}: {}", page.text);
        assert!(page.text.contains(says), "{by}: {}", words(&page.text));
        assert!(words(&page.text).contains("$4.25"), "{by}: {}", words(&page.text));
    }
    let one = words(&house.get("/costs?by=session&project=oriel").await.text);
    assert!(one.contains("Cost $3.00") && !one.contains("gpt-5 1"), "{one}");
}

#[tokio::test]
async fn what_has_no_price_is_named_and_is_no_zero() {
    let house = House::new().await;
    house.request_of("s1", "<i>secret-9", "p", 1000).await;
    let page = house.get("/costs?by=model").await.text;
    let shown = words(&page);
    assert!(shown.contains("No price is known for &lt;i&gt;secret-9"), "{shown}");
    assert!(shown.contains("no price") && !shown.contains("Cost $0 "), "{shown}");
    assert!(!page.contains("<i>secret"));
}

#[tokio::test]
async fn the_table_for_other_programs_has_every_row_and_no_formula() {
    let house = House::new().await;
    house.request_of("s1", "claude-sonnet-4-5", "=HYPERLINK(\"x\"),y", 1000).await;
    let csv = house.get("/costs.csv?by=project").await;
    assert!(
        csv.headers["content-disposition"].to_str().unwrap().contains("oriel-costs-by-project")
    );
    let row = csv.text.lines().nth(1).unwrap();
    assert!(row.starts_with("\"'=HYPERLINK(\"\"x\"\"),y\","), "{row}");
}

#[tokio::test]
async fn without_any_cost_the_page_says_how_to_get_some() {
    let house = House::new().await;
    let shown = words(&house.get("/costs").await.text);
    assert!(shown.contains("Import histories") && shown.contains("Nothing was used"), "{shown}");
}

impl House {
    async fn request_of(&self, session: &str, model: &str, project: &str, tokens: u64) {
        self.event(serde_json::json!({
            "session_id": session, "agent_type": "claude_code", "event_type": "llm_response",
            "model": model, "project": project, "tokens_in": tokens, "tokens_out": 0,
        }))
        .await;
    }
}
