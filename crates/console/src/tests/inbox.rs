//! What needs a person is in the inbox until it is done with, whoever's words it has.

use super::*;

#[tokio::test]
async fn an_agent_that_waits_is_in_the_inbox_until_that_is_done_with() {
    let house = House::new().await;
    house.hook("SessionStart", r#""source":"startup""#).await;
    house.hook("PermissionRequest", QUESTION).await;
    let page = house.until("/inbox", |page| page.contains("rm -r rust")).await;
    let shown = words(&page);
    assert!(shown.contains("Go there") && shown.contains("Put off"), "{shown}");
    assert!(!page.contains("<img src=x"), "an agent's words are text");

    let id = field(&page, "name=\"id\" value=\"");
    let went = house.post("/inbox", &[("id", &id), ("action", "open")]).await;
    assert_eq!(went.headers["location"], "/sessions/s%201");
    let done = house.post("/inbox", &[("id", &id), ("action", "handle")]).await;
    assert_eq!(
        (done.status, &done.headers["location"]),
        (StatusCode::SEE_OTHER, &"/inbox".parse().unwrap())
    );
    let after = words(&house.get("/inbox").await.text);
    assert!(after.contains("Done:") && after.contains("Nothing needs you"), "{after}");
    assert!(words(&house.get("/inbox?state=all").await.text).contains("rm -r rust"));
    assert!(!words(&house.get("/inbox").await.text).contains("Done:"), "it is said once");
}

#[tokio::test]
async fn a_notice_is_put_off_and_comes_back_by_itself() {
    let house = House::new().await;
    house.hook("PermissionRequest", QUESTION).await;
    let page = house.until("/inbox", |page| page.contains("rm -r rust")).await;
    let id = field(&page, "name=\"id\" value=\"");
    house.post("/inbox", &[("id", &id), ("action", "snooze"), ("minutes", "60")]).await;
    let after = words(&house.get("/inbox").await.text);
    assert!(after.contains("Put off until") && after.contains("Nothing needs you"), "{after}");
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_in_words() {
    let house = House::new().await;
    for (fields, status) in [
        (&[("action", "handle")][..], StatusCode::BAD_REQUEST),
        (&[("action", "handle"), ("id", "x")], StatusCode::BAD_REQUEST),
        (&[("action", "fly"), ("id", "1")], StatusCode::BAD_REQUEST),
        (&[("action", "handle"), ("id", "99999")], StatusCode::NOT_FOUND),
    ] {
        let answer = house.post("/inbox", fields).await;
        assert_eq!(answer.status, status, "{fields:?}");
        assert!(words(&answer.text).contains("Try again"), "{}", answer.text);
    }
}

#[tokio::test]
async fn a_reader_without_a_session_sees_no_buttons() {
    let house = House::new().await;
    house.hook("PermissionRequest", QUESTION).await;
    house.until("/inbox", |page| page.contains("rm -r rust")).await;
    let request = house.request("GET", "/inbox").body(Body::empty()).unwrap();
    let answer = house.send(request).await;
    assert!(answer.text.contains("rm -r rust"));
    assert!(!answer.text.contains("<form") || !answer.text.contains("method=\"post\""));
}

#[tokio::test]
async fn the_live_inbox_tells_only_of_what_changed() {
    let house = House::new().await;
    house.hook("PermissionRequest", QUESTION).await;
    let page = house.until("/inbox", |page| page.contains("rm -r rust")).await;
    let live = field(&page, "hx-get=\"").replace("&#x2f;", "/").replace("&amp;", "&");
    assert!(live.starts_with("/live/inbox?after="), "{live}");
    let same = house.get(&format!("{live}&now=1")).await.text;
    assert!(!same.contains("rm -r rust") && same.contains("id=\"live\""), "{same}");
    let stale = house.get("/live/inbox?after=0&shows=else&now=1").await.text;
    assert!(stale.contains("hx-swap-oob") && stale.contains("rm -r rust"), "{stale}");
}

const QUESTION: &str = r#""tool_name":"Bash","tool_use_id":"toolu_1",
    "tool_input":{"command":"rm -r rust <img src=x onerror=alert(1)>"}"#;

/// Returns what stands between a mark and the next quotation mark.
fn field(page: &str, mark: &str) -> String {
    let (_, rest) = page.split_once(mark).expect("the page has it");
    rest.split('"').next().unwrap().to_owned()
}

impl House {
    async fn hook(&self, name: &str, more: &str) {
        let body = format!(
            r#"{{"session_id":"s 1","hook_event_name":"{name}","cwd":"/home/u/oriel",{more}}}"#
        );
        let request = Request::post("/api/hooks/claude-code")
            .header("content-type", "application/json")
            .body(Body::from(body))
            .unwrap();
        let (status, body) = self.runtime.link().bytes(request).await.unwrap();
        assert!(status.is_success(), "{status} {}", String::from_utf8_lossy(&body));
    }
}
