//! What the operator's pages ask is answered in the forms that they read, and what makes no sense is
//! refused in words.

use serde_json::{Value, json};

use super::*;

#[tokio::test]
async fn the_board_shows_who_waits_before_who_works_before_who_is_done() {
    let house = House::new(Access::Loopback, "127.0.0.1").await;
    house
        .post(json!([
            event("done", "session_end", json!({})),
            event("works", "user_prompt", json!({ "metadata": { "message": "mend\nit" } })),
            event(
                "works",
                "tool_use",
                json!({ "tool_name": "Edit", "tokens_in": 7,
                "cost_usd": 0.5, "cache_read_tokens": 3,
                "metadata": { "file_path": "a.rs", "lines_added": 2 } })
            ),
            event("asks", "tool_use", json!({ "tool_name": "Bash" })),
        ]))
        .await;
    let waiting = oriel_model::Note {
        about: oriel_model::About::Session(oriel_model::SessionId("asks".to_owned())),
        name: "waiting".to_owned(),
        value: r#"{"for":"permission","what":"rm -r x"}"#.to_owned(),
        at_ms: 1_770_112_800_001,
    };
    house.runtime.app().store().unwrap().note(vec![waiting]).await.unwrap();

    let board = house.get("/api/board").await;
    let cards = board["cards"].as_array().unwrap();
    let shown: Vec<_> =
        cards.iter().map(|card| (&card["state"]["session_id"], &card["state"]["phase"])).collect();
    assert_eq!(json!(shown), json!([["asks", "active"], ["works", "active"], ["done", "ended"]]));
    assert_eq!(board["last_event"], 4);
    assert_eq!(cards[0]["state"]["waiting"]["for"], "permission");
    let works = &cards[1];
    assert_eq!(works["totals"]["turns"], 1);
    assert_eq!(works["totals"]["cache_read"], 3);
    assert_eq!(works["totals"]["cost_usd"], 0.5);
    assert_eq!(works["last_event"]["detail"], "a.rs");
    assert_eq!(works["recent"][1]["detail"], "mend");
    assert_eq!(works["recent"].as_array().unwrap().len(), 2);
    let few = house.get("/api/board?limit=1").await;
    assert_eq!(few["cards"][0]["state"]["session_id"], "asks");
    assert_eq!(few["cards"].as_array().unwrap().len(), 1);

    let table = house.get("/api/sessions/table?agent_type=codex&q=ask").await;
    assert_eq!(table["rows"][0]["waiting"]["what"], "rm -r x");
    assert_eq!(table["total"], 1);
}

#[tokio::test]
async fn the_table_goes_on_where_a_page_ended_and_only_in_its_own_order() {
    let house = House::new(Access::Loopback, "127.0.0.1").await;
    for nth in 0..5 {
        let more = json!({ "cost_usd": f64::from(nth % 3) });
        house.post(json!([event(&format!("s{nth}"), "llm_response", more)])).await;
    }
    let mut shown = Vec::new();
    let mut target = "/api/sessions/table?sort=cost&limit=2".to_owned();
    loop {
        let page = house.get(&target).await;
        for row in page["rows"].as_array().unwrap() {
            shown.push(row["session_id"].as_str().unwrap().to_owned());
        }
        let Some(next) = page["next"].as_str() else { break };
        target = format!("/api/sessions/table?sort=cost&limit=2&cursor={next}");
    }
    assert_eq!(shown, ["s2", "s4", "s1", "s3", "s0"]);
    for wrong in [
        "sort=size",
        "order=up",
        "cursor=x",
        "sort=last&cursor=cost.desc.0.1",
        "sort=cost&order=asc&cursor=cost.desc.0.1",
        "sort=cost&cursor=cost.desc.0.1.2",
    ] {
        let request = house.request("GET", &format!("/api/sessions/table?{wrong}"));
        house.expect(request.header("host", "localhost"), StatusCode::BAD_REQUEST).await;
    }
}

#[tokio::test]
async fn a_session_is_told_by_its_turns_and_files() {
    let house = House::new(Access::Loopback, "127.0.0.1").await;
    let edit = |path: &str| {
        let facts = json!({ "file_path": path, "lines_added": 1 });
        event("s", "tool_use", json!({ "tool_name": "Edit", "metadata": facts }))
    };
    house
        .post(json!([
            event("s", "session_start", json!({})),
            event("s", "user_prompt", json!({ "metadata": { "message": "first" } })),
            edit("a.rs"),
            edit("b/c.d.rs"),
            event("s", "user_prompt", json!({ "metadata": { "message": "second" } })),
            edit("a.rs"),
        ]))
        .await;
    let turns = house.get("/api/sessions/s/turns?limit=2").await;
    let shown: Vec<_> = turns["turns"]
        .as_array()
        .unwrap()
        .iter()
        .map(|turn| (&turn["number"], &turn["prompt"], &turn["tool_calls"], &turn["first_event"]))
        .collect();
    assert_eq!(json!(shown), json!([[2, "second", 1, 5], [1, "first", 2, 2]]));
    assert_eq!(turns["next"], 2);
    let before = house.get("/api/sessions/s/turns?before=2").await;
    assert_eq!(before["turns"][0]["number"], 0);
    assert_eq!(before["next"], Value::Null);
    let files = house.get("/api/Sessions/s/Files?limit=1").await;
    assert_eq!(files["files"][0]["path"], "a.rs");
    assert_eq!((&files["files"][0]["edits"], &files["total"]), (&json!(2), &json!(2)));
    let next = files["next"].as_str().unwrap();
    let files = house.get(&format!("/api/sessions/s/files?limit=1&cursor={next}")).await;
    assert_eq!((&files["files"][0]["path"], &files["next"]), (&json!("b/c.d.rs"), &Value::Null));
    for (target, status) in [
        ("/api/sessions/nobody/turns", StatusCode::NOT_FOUND),
        ("/api/sessions/nobody/files", StatusCode::NOT_FOUND),
        ("/api/sessions/s/files?cursor=x", StatusCode::BAD_REQUEST),
        ("/api/stats/tools/detail?since=soon", StatusCode::BAD_REQUEST),
    ] {
        let request = house.request("GET", target).header("host", "localhost");
        house.expect(request, status).await;
    }
}

#[tokio::test]
async fn tools_are_told_of_in_detail() {
    let house = House::new(Access::Loopback, "127.0.0.1").await;
    let call = |ms: u64, status: &str| {
        let more = json!({ "tool_name": "Bash", "duration_ms": ms, "status": status,
            "metadata": { "command": "ls" } });
        event("s", "tool_use", more)
    };
    house.post(json!([call(10, "success"), call(30, "error"), call(20, "timeout")])).await;
    let detail = house.get("/api/stats/tools/detail?since=2026-02-03&agent_type=codex").await;
    let tool = &detail["tools"][0];
    for (name, expected) in [
        ("tool_name", json!("Bash")),
        ("calls", json!(3)),
        ("errors", json!(1)),
        ("timeouts", json!(1)),
        ("error_rate", json!(0.6667)),
        ("p50_ms", json!(20)),
        ("max_ms", json!(30)),
    ] {
        assert_eq!(tool[name], expected, "{name}");
    }
    assert_eq!(
        (&tool["slowest"][0]["event"], &tool["failures"][0]["event"]),
        (&json!(2), &json!(3))
    );
    assert_eq!(tool["slowest"][0]["detail"], "ls");
    assert_eq!(tool["by_agent"][0]["agent_type"], "codex");
    assert_eq!(detail["series"][0]["start"], "2026-02-03T10:00:00Z");
    assert_eq!(detail["series"][0]["p95_ms"], 30);
    let none = house.get("/api/stats/tools/detail?agent_type=other").await;
    assert_eq!(none["tools"], json!([]));
}

#[tokio::test]
async fn the_feed_is_narrowed_by_words() {
    let house = House::new(Access::Loopback, "127.0.0.1").await;
    let command = |words: &str| {
        event("s", "tool_use", json!({ "tool_name": "Bash", "metadata": { "command": words } }))
    };
    house.post(json!([command("cargo test"), command("cargo build"), command("ls")])).await;
    for (target, numbers) in [
        ("/api/events?text=cargo", vec![2, 1]),
        ("/api/events?text=cargo%20-build", vec![1]),
        ("/api/events?after=0&text=CARGO", vec![1, 2]),
        ("/api/events?text=cargo&tool_name=Edit", vec![]),
        ("/api/events/wait?after=1&timeout=0&text=cargo", vec![2]),
        ("/api/events/wait?after=1&timeout=0&text=nothing", vec![]),
        ("/api/events/wait?after=0&timeout=0&status=error", vec![]),
    ] {
        let page = house.get(target).await;
        let found: Vec<_> =
            page["events"].as_array().unwrap().iter().map(|event| event["id"].clone()).collect();
        assert_eq!(json!(found), json!(numbers), "{target}");
    }
    let page = house.get("/api/events/wait?after=1&timeout=0&text=nothing").await;
    assert_eq!(page["next"], 3, "all of it was looked at");
}

#[expect(clippy::needless_pass_by_value, reason = "a test writes its values where it needs them")]
fn event(session: &str, kind: &str, more: Value) -> Value {
    let mut event = json!({ "session_id": session, "agent_type": "codex", "event_type": kind });
    event.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    event
}

impl House {
    async fn post(&self, events: Value) {
        let body = Body::from(json!({ "events": events }).to_string());
        let request = self
            .request("POST", "/api/events/batch")
            .header("host", "localhost")
            .header("content-type", "application/json");
        let answer = self.router.clone().oneshot(request.body(body).unwrap()).await.unwrap();
        assert_eq!(answer.status(), StatusCode::CREATED);
    }

    pub(super) async fn get(&self, target: &str) -> Value {
        let request = Request::builder().uri(target).header("host", "localhost");
        let answer = self.send(request).await;
        assert_eq!(answer.status(), StatusCode::OK, "{target}");
        let body = axum::body::to_bytes(answer.into_body(), usize::MAX).await.unwrap();
        serde_json::from_slice(&body).unwrap()
    }
}
