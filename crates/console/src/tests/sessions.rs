//! What the pages of sessions say: the right sessions in the right order, every entry once, and nothing
//! that an agent wrote is anything but text.

use serde_json::{Value, json};

use super::*;

/// What an agent may write anywhere.
const HOSTILE: &str = "<script>alert(1)</script><img src=x onerror=alert(1)>\" onmouseover=\"x' \u{202e}\u{1b}[2J ${7*7} {{7*7}} [a](javascript:alert(1))";

#[tokio::test]
async fn the_table_says_of_each_session_what_it_is_and_cost() {
    let house = House::new().await;
    said(&house, "s1", "user_prompt", json!({ "metadata": { "message": "mend the gate" } })).await;
    let usage = json!({ "model": "nobody-knows-1", "tokens_in": 1000, "tokens_out": 500 });
    said(&house, "s1", "llm_response", usage).await;
    let usage = json!({ "model": "o3", "tokens_in": 1000, "cost_usd": 1.25, "project": "lantern" });
    said(&house, "s2", "llm_response", usage).await;

    let table = page(&house, "/sessions").await;
    let text = words(&table);
    for part in ["2 sessions", "mend the gate", "no price", "$1.25", "lantern", "1.50k"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(text.find("s2") < text.find("mend the gate"), "the latest comes first: {text}");
    assert!(table.contains("aria-sort=\"descending\""));
    assert!(table.contains("/live/sessions?after=3"), "the latest sessions are live");

    let dearest = page(&house, "/sessions?sort=cost&order=asc").await;
    let text = words(&dearest);
    assert!(text.find("mend the gate") < text.find("$1.25"), "{text}");
    assert!(dearest.contains("aria-sort=\"ascending\""));
    assert!(!dearest.contains("/live/sessions"), "another order would jump about");
}

#[tokio::test]
async fn a_filter_is_an_address_and_answers_with_its_part() {
    let house = House::new().await;
    for (session, project) in [("s1", "lantern"), ("s2", "tidepool")] {
        said(&house, session, "tool_use", json!({ "project": project })).await;
    }
    let part = house.part("/sessions?q=tide&agent=", "results").await;
    assert!(
        !part.text.contains("<nav id=\"nav\"") && !part.text.contains("<form"),
        "{}",
        part.text
    );
    let shown = plain(&part.text);
    assert!(shown.contains("/sessions/s2") && !shown.contains("/sessions/s1"));
    assert_eq!(part.headers["hx-push-url"], "/sessions?q=tide");
    let whole = house.get("/sessions?q=tide").await;
    assert!(whole.text.contains("value=\"tide\"") && whole.text.contains("<nav id=\"nav\""));
    let none = words(&page(&house, "/sessions?project=nowhere").await);
    assert!(none.contains("No session matches") && none.contains("nowhere"), "{none}");
    let empty = words(&page(&House::new().await, "/sessions").await);
    assert!(empty.contains("oriel hooks install claude-code"), "{empty}");
}

#[tokio::test]
async fn every_session_is_on_one_page_of_the_table() {
    let house = House::new().await;
    let events: Vec<Value> =
        (0..120).map(|nth| event(&format!("s{nth:03}"), "tool_use", json!({}))).collect();
    batch(&house, &events).await;
    let (mut seen, mut path) = (Vec::new(), "/sessions".to_owned());
    loop {
        let page = page(&house, &path).await;
        seen.extend(page.split("id=\"s-").skip(1).map(|rest| rest[..4].to_owned()));
        let next = page.split("rel=\"next\" href=\"").nth(1);
        let Some(next) = next else { break };
        path = next[..next.find('"').unwrap()].replace("&amp;", "&");
    }
    assert_eq!(seen.len(), 120);
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 120);
}

#[tokio::test]
async fn a_transcript_shows_who_said_and_did_what() {
    let house = House::new().await;
    said(&house, "s1", "user_prompt", json!({ "metadata": { "message": "mend the gate" } })).await;
    let edit = json!({ "tool_name": "Edit", "metadata": {
        "file_path": "src/gate.rs", "old_string": "shut\nsame", "new_string": "open\nsame",
        "content_preview": "done" } });
    said(&house, "s1", "tool_use", edit).await;
    let failed = json!({ "tool_name": "Bash", "status": "error",
        "metadata": { "command": "cargo test", "error": "2 failed" } });
    said(&house, "s1", "tool_use", failed).await;
    let answer = json!({ "model": "o3", "tokens_in": 7, "metadata": {
        "content_preview": "It is **mended**:\n\n- `gate.rs`" } });
    said(&house, "s1", "llm_response", answer).await;

    let oldest = page(&house, "/sessions/s1?order=old").await;
    let text = words(&oldest);
    for part in
        ["mend the gate", "Edit", "src/gate.rs", "- shut", "+ open", "cargo test", "2 failed"]
    {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(
        oldest.contains("<strong>mended</strong>")
            && oldest.contains("<li><code>gate.rs</code></li>")
    );
    assert!(oldest.find("id=\"e-1\"") < oldest.find("id=\"e-4\""));
    let newest = page(&house, "/sessions/s1?order=new").await;
    assert!(newest.find("id=\"e-4\"") < newest.find("id=\"e-1\""));
    assert!(oldest.contains("/live/session?id=s1&amp;after=4&amp;order=old"), "{oldest}");
}

#[tokio::test]
async fn parts_of_a_long_transcript_join_without_gap_or_overlap() {
    let house = House::new().await;
    let events: Vec<Value> = (0..170)
        .flat_map(|nth| {
            [
                event(
                    "long",
                    "user_prompt",
                    json!({ "metadata": { "message": format!("n{nth}") } }),
                ),
                event("other", "tool_use", json!({})),
            ]
        })
        .collect();
    for some in events.chunks(100) {
        batch(&house, some).await;
    }
    for (order, expected) in
        [("old", (0..170).collect::<Vec<_>>()), ("new", (0..170).rev().collect())]
    {
        let mut shown = page(&house, &format!("/sessions/long?order={order}")).await;
        // What comes while somebody reads is told live and is in no part.
        said(&house, "long", "user_prompt", json!({ "metadata": { "message": "late" } })).await;
        let mut seen = prompts(&shown);
        while let Some(more) = shown.split("id=\"more\"").nth(1) {
            let url = more.split("hx-get=\"").nth(1).unwrap();
            let url = url[..url.find('"').unwrap()].replace("&amp;", "&");
            shown = part(&house, &url, "more").await;
            assert!(!shown.contains("<nav"), "only a part is sent");
            seen.extend(prompts(&shown));
        }
        let expected: Vec<String> = expected.iter().map(|nth| format!("n{nth}")).collect();
        let seen: Vec<String> = seen.into_iter().filter(|word| word != "late").collect();
        assert_eq!(seen, expected, "{order}");
    }
}

#[tokio::test]
async fn a_link_to_an_event_opens_the_transcript_around_it() {
    let house = House::new().await;
    let events: Vec<Value> = (0..170)
        .map(|nth| {
            event("long", "user_prompt", json!({ "metadata": { "message": format!("n{nth}") } }))
        })
        .collect();
    batch(&house, &events).await;
    let page = page(&house, "/sessions/long?at=100").await;
    assert!(page.contains("id=\"e-100\" class=\"entry entry-prompt here\""), "{page}");
    assert!(
        page.contains("id=\"e-90\"")
            && page.contains("id=\"e-110\"")
            && !page.contains("id=\"e-1\"")
    );
    assert!(page.contains("id=\"earlier\"") && page.contains("id=\"more\""));
    let url = page.split("id=\"earlier\"").nth(1).unwrap().split("hx-get=\"").nth(1).unwrap();
    let url = url[..url.find('"').unwrap()].replace("&amp;", "&");
    let earlier = prompts(&part(&house, &url, "earlier").await);
    assert_eq!(
        earlier.last().map(String::as_str),
        Some(&*format!("n{}", 100 - 50 / 3 - 2)),
        "{earlier:?}"
    );
    for bad in ["at=x", "after=1e9", "before=%00"] {
        assert_eq!(
            house.get(&format!("/sessions/long?{bad}")).await.status,
            StatusCode::BAD_REQUEST
        );
    }
}

#[tokio::test]
async fn what_comes_while_somebody_reads_is_added_where_it_belongs() {
    let house = House::new().await;
    said(&house, "s1", "user_prompt", json!({ "metadata": { "message": "first" } })).await;
    let nothing = page(&house, "/live/session?id=s1&after=1&now=1&order=old").await;
    assert!(nothing.contains("after=1") && !nothing.contains("id=\"later\""), "{nothing}");
    said(&house, "other", "tool_use", json!({})).await;
    let elsewhere = page(&house, "/live/session?id=s1&after=1&now=1&order=old").await;
    assert!(elsewhere.contains("after=2") && !elsewhere.contains("id=\"later\""), "{elsewhere}");
    said(&house, "s1", "user_prompt", json!({ "metadata": { "message": "second" } })).await;
    let news = page(&house, "/live/session?id=s1&after=2&now=1&order=old").await;
    assert!(news.contains("hx-swap-oob=\"beforeend\"") && news.contains("second"), "{news}");
    assert!(news.contains("id=\"standing\"") && news.contains("id=\"numbers\""));
    assert!(
        news.contains("id=\"e-1\" class=\"entry entry-prompt\" hx-swap-oob=\"true\""),
        "{news}"
    );
    assert!(news.contains("after=3") && !news.contains("<nav"), "{news}");
    let newest = page(&house, "/live/session?id=s1&after=2&now=1&order=new").await;
    assert!(newest.contains("hx-swap-oob=\"afterbegin\""));
    let table = page(&house, "/live/sessions?after=1&now=1").await;
    assert!(table.contains("id=\"results\"") && table.contains("/sessions/other"), "{table}");
}

#[tokio::test]
async fn nothing_that_an_agent_writes_is_more_than_text() {
    let house = House::new().await;
    let session = format!("s {HOSTILE}");
    let long = format!("{HOSTILE}{}", "x".repeat(100_000));
    for (kind, metadata) in [
        ("user_prompt", json!({ "message": long })),
        ("user_prompt", json!({ "message": HOSTILE })),
        ("llm_response", json!({ "content_preview": HOSTILE })),
        ("tool_use", json!({ "command": HOSTILE, "content_preview": HOSTILE, HOSTILE: HOSTILE })),
        (
            "tool_use",
            json!({ "file_path": HOSTILE, "old_string": HOSTILE, "new_string": "b", "lines_added": 3 }),
        ),
        ("error", json!({ "error": { "message": HOSTILE } })),
        ("session_start", json!({ "hook_source": HOSTILE })),
        ("plan_step", json!(HOSTILE)),
    ] {
        let fields = json!({ "tool_name": HOSTILE, "model": HOSTILE, "project": HOSTILE,
            "branch": HOSTILE, "source": HOSTILE, "agent_type": HOSTILE, "event_id": format!("{kind}{HOSTILE}{metadata}")[..200.min(kind.len() + 60)].to_owned(),
            "tokens_in": 5, "metadata": metadata });
        said(&house, &session, kind, fields).await;
    }
    let url = crate::address::of_session(&session);
    let mut paths = vec![
        "/sessions".to_owned(),
        url.clone(),
        format!("{url}?order=old&at=2"),
        "/search?q=alert".to_owned(),
        format!("/live/session?id={}&after=0&now=1&order=old", crate::address::encode(&session)),
        format!("{url}/export?form=html"),
        format!("/search?q={0}&since={0}", crate::address::encode(HOSTILE)),
        format!("/sessions?q={0}&sort=cost&project={0}", crate::address::encode(HOSTILE)),
    ];
    paths.extend(
        ["turns", "timeline", "files", "events", "provenance"]
            .map(|view| format!("{url}?view={view}")),
    );
    paths.extend((1..=8).map(|number| format!("/events/{number}")));
    for path in paths {
        let answer = house.get(&path).await;
        assert!(!answer.status.is_server_error(), "{path}: {}", answer.text);
        check_harmless(&answer.text, &path);
    }
}

#[tokio::test]
async fn what_is_not_there_is_a_page_that_says_so() {
    let house = House::new().await;
    for path in [
        "/sessions/nobody",
        "/sessions/nobody?view=turns",
        "/events/7",
        "/events/x",
        "/sessions/nobody/export?form=md",
        "/sessions/s?view=nothing",
    ] {
        let answer = house.get(path).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
        assert!(answer.text.contains("<h1>Nothing here</h1>"), "{path}");
    }
    assert_eq!(house.get("/sessions/nobody/export?form=exe").await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn every_view_of_a_session_says_what_it_is_for() {
    let house = House::new().await;
    said(&house, "s1", "user_prompt", json!({ "metadata": { "message": "mend the gate" } })).await;
    let usage = json!({ "model": "o3", "tokens_in": 1000, "cost_usd": 0.5, "duration_ms": 900 });
    said(&house, "s1", "llm_response", usage).await;
    let edit = json!({ "tool_name": "Edit", "metadata": { "file_path": "src/gate.rs", "lines_added": 3 } });
    said(&house, "s1", "tool_use", edit).await;
    for (view, parts) in [
        ("turns", &["Tokens by turn", "mend the gate", "$0.50", "1.00k"][..]),
        ("timeline", &["3 events", "You", "Edit", "900 ms"]),
        ("files", &["1 file", "src/gate.rs", "+3"]),
        ("events", &["llm_response", "$0.50", "api"]),
        ("provenance", &["Who told of what", "What only one source knows", "o3"]),
    ] {
        let page = page(&house, &format!("/sessions/s1?view={view}")).await;
        let text = words(&page);
        for part in parts {
            assert!(text.contains(part), "{view} {part}: {text}");
        }
        assert!(page.contains("aria-current=\"page\""));
    }
    let event = words(&page(&house, "/events/2").await);
    for part in ["Event 2", "Who told of it", "stated", "$0.50"] {
        assert!(event.contains(part), "{part}: {event}");
    }
}

#[tokio::test]
async fn an_export_is_a_whole_file_of_text() {
    let house = House::new().await;
    let events: Vec<Value> = (0..450)
        .map(|nth| {
            event(
                "s/1",
                "user_prompt",
                json!({ "metadata": { "message": format!("n{nth} {HOSTILE} ```") } }),
            )
        })
        .collect();
    for some in events.chunks(150) {
        batch(&house, some).await;
    }
    for (form, kind) in
        [("md", "text/markdown"), ("html", "text/html"), ("json", "application/json")]
    {
        let file = house.get(&format!("/sessions/s%2F1/export?form={form}")).await;
        assert_eq!(file.status, StatusCode::OK);
        assert!(file.headers["content-type"].to_str().unwrap().starts_with(kind));
        let disposition = file.headers["content-disposition"].to_str().unwrap();
        assert_eq!(disposition, format!("attachment; filename=\"session-s_1.{form}\""));
        let found: Vec<bool> =
            (0..450).map(|nth| file.text.contains(&format!("n{nth} "))).collect();
        assert!(found.iter().all(|found| *found), "{form}");
        match form {
            "json" => {
                let whole: Value = serde_json::from_str(&file.text).unwrap();
                assert_eq!(whole["entries"].as_array().unwrap().len(), 450);
                assert_eq!(whole["session"]["id"], "s/1");
            }
            "html" => {
                check_harmless(&file.text, form);
                assert!(!file.text.contains("http://") && !file.text.contains("https://"));
                assert!(!file.text.contains("href=") && file.text.trim_end().ends_with("</html>"));
            }
            _ => assert_eq!(
                file.text.matches("<script").count(),
                file.text.matches("\\<script\\>").count()
            ),
        }
    }
}

/// Fails where a page has a tag or an attribute that does something.
pub(super) fn check_harmless(html: &str, path: &str) {
    for wrong in [
        "<script>",
        "<img",
        "onerror=alert(1)>",
        "\" onmouseover=\"",
        "href=\"javascript:",
        "\u{202e}",
        "\u{1b}",
    ] {
        assert!(!html.contains(wrong), "{wrong:?} in {path}");
    }
    // Attributes are quoted, so a tag ends at the next sign of it.
    for tag in html.split('<').skip(1) {
        let tag = tag.split('>').next().unwrap_or_default();
        assert!(
            !tag.contains(" on") || tag.contains("class=") || !tag.contains(" onclick"),
            "{tag} in {path}"
        );
    }
    assert!(!html.contains("49 49"), "nothing is worked out: {path}");
}

/// Returns a page as it stands, but for slashes, which templates escape.
pub(super) async fn page(house: &House, path: &str) -> String {
    plain(&house.get(path).await.text)
}

pub(super) async fn part(house: &House, path: &str, target: &str) -> String {
    plain(&house.part(path, target).await.text)
}

pub(super) fn plain(html: &str) -> String {
    html.replace("&#x2f;", "/")
}

fn prompts(html: &str) -> Vec<String> {
    let pieces = html.split("<div class=\"words\">").skip(1);
    pieces.map(|piece| piece[..piece.find('<').unwrap()].to_owned()).collect()
}

#[expect(clippy::needless_pass_by_value, reason = "tests write the value in the call")]
fn event(session: &str, kind: &str, fields: Value) -> Value {
    let mut event =
        json!({ "session_id": session, "agent_type": "claude_code", "event_type": kind });
    event.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    event
}

pub(super) async fn said(house: &House, session: &str, kind: &str, fields: Value) {
    house.event(event(session, kind, fields)).await;
}

async fn batch(house: &House, events: &[Value]) {
    let request = Request::post("/api/events/batch")
        .header("content-type", "application/json")
        .body(Body::from(json!({ "events": events }).to_string()))
        .unwrap();
    let (status, body) = house.runtime.link().bytes(request).await.unwrap();
    assert!(status.is_success(), "{status} {}", String::from_utf8_lossy(&body));
}
