//! The first page: what is alive, in the same words whether it was loaded or came by itself.

use serde_json::{Value, json};

use super::*;

/// Makes an event with these fields.
#[expect(clippy::needless_pass_by_value, reason = "callers write the fields where they call")]
pub(super) fn event(number: u32, more: Value) -> Value {
    let mut event = json!({
        "event_id": format!("e{number}"), "session_id": "s1", "agent_type": "claude_code",
        "event_type": "tool_use", "tool_name": "Bash", "project": "tidepool",
    });
    for (name, value) in more.as_object().unwrap() {
        event[name] = value.clone();
    }
    event
}

#[tokio::test]
async fn a_fresh_machine_is_told_how_to_get_going_and_turns_live_with_the_first_event() {
    let house = House::new().await;
    let page = house.get("/").await;
    let says = words(&page.text);
    assert!(says.contains("Nothing is recorded yet"), "{says}");
    assert!(says.contains("It may: it opened the link"), "{says}");
    for way in ["href=\"/settings/hooks\"", "href=\"/imports\"", "action=\"/first-run/test\""] {
        assert!(page.text.contains(way), "{way}");
    }
    let stranger = house.send(house.request("GET", "/").body(Body::empty()).unwrap()).await;
    assert!(words(&stranger.text).contains("Run oriel open"), "{}", words(&stranger.text));
    assert!(!stranger.text.contains("/first-run/test"), "what may not be done is not there");

    let asked = live_of(&page.text);
    let (answer, ()) = tokio::join!(house.get(&asked), house.event(event(1, json!({}))));
    assert_eq!(answer.headers["hx-refresh"], "true");
    let page = house.get("/").await;
    assert!(words(&page.text).contains("of 1 events in all"), "{}", words(&page.text));
}

#[tokio::test]
async fn a_test_event_is_sent_from_the_first_page() {
    let house = House::new().await;
    let answer = house.post("/first-run/test", &[]).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    let says = words(&house.get("/").await.text);
    assert!(says.contains("A test event was recorded"), "{says}");
    assert!(says.contains("events in all"), "{says}");
}

#[tokio::test]
async fn the_page_says_who_does_what_and_links_to_it() {
    let house = House::new().await;
    let more = json!({ "metadata": { "command": "cargo test" }, "branch": "main", "status": "error",
        "session_id": "a/b ?", "tokens_in": 1200, "model": "claude-opus-4-5" });
    house.event(event(1, more)).await;
    let page = house.get("/").await;
    assert_eq!(page.status, StatusCode::OK);
    let says = words(&page.text);
    for part in ["Claude Code", "tidepool", "cargo test", "Bash", "error", "1.20k", "100%"] {
        assert!(says.contains(part), "{part}: {says}");
    }
    let html = unescaped(&page.text);
    assert!(html.contains("href=\"/sessions/a%2Fb%20%3F\""), "{html}");
    assert!(html.contains("href=\"/sessions/a%2Fb%20%3F?at=1#e-1\""), "{html}");
    assert!(html.contains("href=\"/events/1\""), "{html}");
}

#[tokio::test]
async fn events_are_filtered_by_the_address() {
    let house = House::new().await;
    house.event(event(1, json!({ "metadata": { "command": "make lantern" } }))).await;
    let more = json!({ "tool_name": "Edit", "session_id": "s2", "agent_type": "codex",
        "metadata": { "file_path": "src/tide.rs" }, "status": "error", "branch": "fix" });
    house.event(event(2, more)).await;
    for (query, first, second) in [
        ("agent_type=codex", false, true),
        ("tool_name=Bash", true, false),
        ("status=error", false, true),
        ("branch=fix", false, true),
        ("text=lantern", true, false),
        ("agent_type=codex&tool_name=Bash", false, false),
        ("agent_type=", true, true),
        ("model=%00%ff", false, false),
    ] {
        let page = house.get(&format!("/?{query}")).await;
        assert_eq!(page.status, StatusCode::OK, "{query}");
        let has = |number: u32| page.text.contains(&format!("<tr id=\"e{number}\""));
        assert_eq!((has(1), has(2)), (first, second), "{query}");
    }
    let page = house.get("/?agent_type=codex&text=nothing").await;
    assert!(words(&page.text).contains("No event of this kind yet"), "{}", words(&page.text));
    assert!(page.text.contains("value=\"codex\" selected"), "the form says what was asked for");
}

#[tokio::test]
async fn what_happens_comes_to_the_page_once_and_in_order() {
    let house = House::new().await;
    house.event(event(1, json!({}))).await;
    let page = house.get("/").await;
    let asked = live_of(&page.text);
    let (answer, ()) = tokio::join!(house.get(&asked), house.event(event(2, json!({}))));
    assert_eq!(rows(&answer.text), [2]);
    assert!(answer.text.contains("afterbegin:#feed"), "{}", answer.text);
    assert!(answer.text.contains("class=\"new\""), "{}", answer.text);
    assert!(words(&answer.text).contains("of 2 events in all"), "{}", words(&answer.text));

    let asked = live_of(&answer.text);
    house.event(event(3, json!({}))).await;
    house.event(event(4, json!({ "session_id": "s2" }))).await;
    let answer = house.get(&asked).await;
    assert_eq!(rows(&answer.text), [4, 3], "the newest comes first");
    let asked = format!("{}&now=1", live_of(&answer.text));
    let answer = house.get(&asked).await;
    assert_eq!(rows(&answer.text), [0; 0], "nothing comes twice");
    assert!(!answer.text.contains("id=\"strip\"") && !answer.text.contains("id=\"cards\""));
}

#[tokio::test]
async fn only_the_cards_that_changed_are_drawn_again() {
    let house = House::new().await;
    house.event(event(1, json!({ "project": "one" }))).await;
    house.event(event(2, json!({ "session_id": "s2", "project": "two" }))).await;
    let page = house.get("/").await;
    let first = house.get(&format!("{}&now=1", live_of(&page.text))).await;
    house.event(event(3, json!({ "session_id": "s2", "project": "two" }))).await;
    let answer = house.get(&live_of(&first.text)).await;
    let cards = answer.text.matches("<article").count();
    assert_eq!(cards, 1, "{}", answer.text);
    assert!(answer.text.contains("2 events"), "{}", answer.text);
}

#[tokio::test]
async fn a_page_that_slept_shows_what_a_reload_would_and_says_how_much_it_missed() {
    let house = House::new().await;
    house.event(event(1, json!({}))).await;
    let page = house.get("/").await;
    let events: Vec<_> = (2..=151).map(|number| event(number, json!({}))).collect();
    house.events(&events).await;
    let answer = house.get(&live_of(&page.text)).await;
    let newest: Vec<i64> = (92..=151).rev().collect();
    assert_eq!(rows(&answer.text), newest);
    assert!(answer.text.contains("innerHTML:#feed"), "{}", &answer.text[..400]);
    assert!(words(&answer.text).contains("90 more came meanwhile"), "{}", words(&answer.text));
    assert_eq!(rows(&house.get("/").await.text), newest);
    let next = house.get(&format!("{}&now=1", live_of(&answer.text))).await;
    assert_eq!(rows(&next.text), [0; 0]);
}

#[tokio::test]
async fn a_filtered_page_gets_its_own_events_and_all_the_numbers() {
    let house = House::new().await;
    house.event(event(1, json!({}))).await;
    let page = house.get("/?agent_type=codex").await;
    house.event(event(2, json!({}))).await;
    let answer = house.get(&live_of(&page.text)).await;
    assert_eq!(rows(&answer.text), [0; 0]);
    assert!(words(&answer.text).contains("of 2 events in all"), "{}", words(&answer.text));
    house.event(event(3, json!({ "agent_type": "codex", "session_id": "s3" }))).await;
    let answer = house.get(&live_of(&answer.text)).await;
    assert_eq!(rows(&answer.text), [3]);
}

#[tokio::test]
async fn a_page_stands_still_when_told_to_and_counts_what_came() {
    let house = House::new().await;
    house.event(event(1, json!({}))).await;
    let page = house.get("/?paused=1&tool_name=Bash").await;
    let html = unescaped(&page.text);
    assert!(html.contains("href=\"/?tool_name=Bash\""), "{html}");
    house.event(event(2, json!({}))).await;
    let first = house.get(&live_of(&page.text)).await;
    assert_eq!(rows(&first.text), [0; 0]);
    assert!(words(&first.text).contains("1 more came"), "{}", words(&first.text));
    house.event(event(3, json!({}))).await;
    let second = house.get(&live_of(&first.text)).await;
    assert!(words(&second.text).contains("2 more came"), "{}", words(&second.text));
}

#[tokio::test]
async fn a_page_of_another_store_is_shown_anew() {
    let house = House::new().await;
    house.event(event(1, json!({}))).await;
    let answer = house.get("/live/now?after=900&now=1").await;
    assert_eq!(rows(&answer.text), [1]);
    assert!(live_of(&answer.text).contains("after=1&"), "{}", answer.text);
}

#[tokio::test]
async fn whatever_agents_say_is_text() {
    let house = House::new().await;
    let hostile = "<script>alert(1)</script>\" onload=\"x\u{202e}\u{1b}[31m";
    for (number, field) in
        ["session_id", "agent_type", "tool_name", "project", "branch", "model"].iter().enumerate()
    {
        let mut more = json!({ "metadata": { "command": hostile } });
        more[*field] = hostile.into();
        house.event(event(number as u32, more)).await;
    }
    let long = json!({ "metadata": { "command": "x".repeat(100_000) }, "session_id": "long" });
    house.event(event(99, long)).await;
    let page = house.get("/").await;
    let live = house.get("/live/now?after=1&now=1").await;
    let filtered: String = form_urlencoded::byte_serialize(hostile.as_bytes()).collect();
    let filtered = house.get(&format!("/?project={filtered}&model={filtered}")).await;
    for html in [&page.text, &live.text, &filtered.text] {
        assert!(!html.contains("<script>alert") && !html.contains("onload=\"x"), "{html}");
        assert!(!html.contains('\u{202e}') && !html.contains('\u{1b}'), "{html}");
    }
    assert!(page.text.len() < 200_000, "{}", page.text.len());
    assert!(words(&page.text).contains("alert(1)"), "it is shown all the same");
}

#[tokio::test]
async fn odd_cursors_and_digests_harm_nobody() {
    let house = House::new().await;
    house.event(event(1, json!({}))).await;
    for query in [
        "after=-5&now=1",
        "now=1",
        "after=9223372036854775807&now=1",
        "after=0&now=1&has=....",
        "after=1&now=1&has=%22%3E%3Cscript%3E",
        "after=1&now=1&paused=x",
    ] {
        let answer = house.get(&format!("/live/now?{query}")).await;
        assert_eq!(answer.status, StatusCode::OK, "{query}: {}", answer.text);
        assert!(!answer.text.contains("<script>"), "{query}");
    }
}

/// Returns the numbers of the rows in their order.
fn rows(html: &str) -> Vec<i64> {
    let rows = html.split("<tr id=\"e").skip(1);
    rows.map(|row| row.split('"').next().unwrap().parse().unwrap()).collect()
}

#[tokio::test]
async fn who_waits_comes_first_and_says_for_what_and_others_keep_their_places() {
    let house = House::new().await;
    for (number, session) in [(1, "b"), (2, "a"), (3, "c")] {
        house.event(event(number, json!({ "session_id": session, "project": session }))).await;
    }
    let told = json!({ "session_id": "w", "hook_event_name": "Notification", "cwd": "/x/harbour",
        "message": "needs your permission to use Bash", "notification_type": "permission_prompt" });
    let request = Request::post("/api/hooks/claude-code")
        .header("content-type", "application/json")
        .body(Body::from(told.to_string()))
        .unwrap();
    let (status, _) = house.runtime.link().bytes(request).await.unwrap();
    assert!(status.is_success(), "{status}");
    let titles = |html: &str| -> Vec<String> {
        let cards = html.split("<h3>").skip(1);
        cards.map(|card| words(card.split("</h3>").next().unwrap())).collect()
    };
    let before = house.get("/").await;
    let says = words(&before.text);
    assert!(says.contains("waits for you") && says.contains("needs your permission"), "{says}");
    assert!(says.contains("Waiting for you 1"), "{says}");
    assert_eq!(titles(&before.text).first().map(String::as_str), Some("harbour"));
    house.event(event(4, json!({ "session_id": "b", "project": "b" }))).await;
    assert_eq!(titles(&house.get("/").await.text), titles(&before.text));
}
