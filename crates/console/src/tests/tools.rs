//! How tools do: what fails, what is slow, and the way to the calls behind the numbers.

use super::*;

#[tokio::test]
async fn tools_are_shown_with_what_fails_and_what_is_slow() {
    let house = House::new().await;
    for (at, (tool, ms, status)) in
        [("Bash", 120, "success"), ("Bash", 90_000, "error"), ("Read", 15, "success")]
            .into_iter()
            .enumerate()
    {
        house
            .event(serde_json::json!({
                "session_id": "s1", "agent_type": "codex", "event_type": "tool_use",
                "tool_name": tool, "duration_ms": ms, "status": status,
                "metadata": { "command": format!("run <b>{at}") },
            }))
            .await;
    }
    let page = house.get("/tools").await;
    let shown = words(&page.text);
    assert_eq!(page.status, StatusCode::OK, "{shown}");
    assert!(shown.contains("Calls 3") && shown.contains("Failed 1"), "{shown}");
    assert!(page.text.contains("/sessions/s1?at=2#e-2"), "the slowest call is linked");
    assert!(!page.text.contains("<b>"), "a command is text");
    let one = words(&house.get("/tools?tool_name=Bash&sort=p95").await.text);
    assert!(one.contains("Slowest calls") && one.contains("event 2"), "{one}");
    let none = words(&house.get("/tools?agent_type=claude_code&span=24h").await.text);
    assert!(none.contains("No tool was called"), "{none}");
}
