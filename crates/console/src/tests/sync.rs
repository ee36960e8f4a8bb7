//! Sync as a person sees it: how each stands, what is asked of them, and that nothing they typed is lost.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::response::{IntoResponse, Response};
use oriel_link::Link;
use serde_json::{Value, json};
use tokio::sync::watch;

use super::sessions::{check_harmless, plain};
use super::*;

const CONFLICT: &str = "/sync/s1/conflict?path=src%2Fa%26b.rs";

/// What an agent may write anywhere.
const HOSTILE: &str = "<script>alert(1)</script>\" onmouseover=\"x' \u{202e}\u{1b}[2J {{7*7}}";

#[tokio::test]
async fn where_nothing_can_sync_the_page_says_what_to_turn_on() {
    let house = House::new().await;
    let page = house.get("/sync").await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(words(&page.text).contains("gateway.enabled"), "{}", words(&page.text));
}

#[tokio::test]
async fn each_sync_is_shown_with_what_it_does_and_what_waits() {
    let house = Synced::new().await;
    let none = words(&house.get("/sync").await.text);
    assert!(none.contains("Nothing is synced") && none.contains("Sync a folder"), "{none}");
    house.set(vec![status("s1"), paused("s2")]);
    let page = plain(&house.get("/sync").await.text);
    let says = words(&page);
    for part in [
        "/home/me/project",
        "42",
        "2 to send, 1 to come",
        "4.0 KiB",
        "It makes both equal.",
        "src/a&amp;b.rs",
        "both sides changed it",
        "run.sock",
        "it is a socket",
        "Much would be removed at once.",
        "31 files would be removed",
        "and 7 more",
    ] {
        assert!(says.contains(part), "{part}: {says}");
    }
    assert!(page.contains(&format!("href=\"{CONFLICT}\"")), "{page}");
    assert!(page.contains("value=\"confirm\"") && page.contains("value=\"restore\""));
    assert!(page.contains("aria-current=\"page\""), "the frame leads here");
    let stranger = house.request("GET", "/sync").body(Body::empty()).unwrap();
    let stranger = house.send(stranger).await.text;
    assert!(!stranger.contains("method=\"post\""), "who may not is offered nothing");
}

#[tokio::test]
async fn a_folder_is_synced_and_what_is_asked_back_is_asked_in_the_form() {
    let house = Synced::new().await;
    let fields = [("action", "start"), ("session", "s1"), ("folder", "/full"), ("merge", "on")];
    let asked = house.post("/sync", &fields).await;
    assert_eq!(asked.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(asked.text.contains("name=\"non_empty\">"), "it is not ticked: {}", asked.text);
    assert!(!asked.text.contains("name=\"polling\""));
    assert!(
        plain(&asked.text).contains("value=\"/full\"")
            && asked.text.contains("name=\"merge\" checked")
    );

    let meant = [&fields[..], &[("non_empty", "on")]].concat();
    let done = house.post("/sync", &meant).await;
    assert_eq!(
        (done.status, &done.headers["location"]),
        (StatusCode::SEE_OTHER, &"/sync".parse().unwrap())
    );
    assert_eq!(
        house.last("start"),
        json!({ "sessionId": "s1", "localDir": "/full", "confirmNonEmpty": true,
            "allowPolling": false, "useGitignore": false, "mergeUnasked": true })
    );
    assert!(words(&house.get("/sync").await.text).contains("are kept equal."));

    let far = [("action", "start"), ("session", "s1"), ("folder", "/far"), ("non_empty", "on")];
    let asked = house.post("/sync", &far).await.text;
    assert!(asked.contains("name=\"polling\">") && asked.contains("name=\"non_empty\" checked"));
    let nothing = house.post("/sync", &[("action", "start"), ("session", "s1")]).await;
    assert_eq!(nothing.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn a_sync_is_stopped_forgotten_compared_and_let_go_on() {
    let house = Synced::new().await;
    house.set(vec![paused("s2")]);
    let own = ("session", "s2");
    for (fields, command, wanted) in [
        (vec![("action", "stop"), own], "stop", json!({ "sessionId": "s2", "forget": false })),
        (vec![("action", "forget"), own], "stop", json!({ "sessionId": "s2", "forget": true })),
        (vec![("action", "verify"), own], "verify", json!({ "sessionId": "s2" })),
        (
            vec![("action", "restore"), own, ("reason", "mass_delete")],
            "confirm",
            json!({ "sessionId": "s2", "reason": "mass_delete", "restore": true }),
        ),
        (
            vec![("action", "confirm"), own, ("reason", "mass_delete")],
            "confirm",
            json!({ "sessionId": "s2", "reason": "mass_delete", "restore": false }),
        ),
    ] {
        let done = house.post("/sync", &fields).await;
        assert_eq!(done.status, StatusCode::SEE_OTHER, "{fields:?}: {}", done.text);
        assert_eq!(house.last(command), wanted);
        let says = words(&plain(&house.get("/sync").await.text));
        if command == "verify" {
            assert!(says.contains("differ in 3 of 43 paths: a/b"), "{says}");
        }
    }
    for fields in [
        vec![("action", "stop")],
        vec![("action", "confirm"), own],
        vec![("action", "confirm"), own, ("reason", "whim")],
        vec![("action", "burn"), own],
    ] {
        let refused = house.post("/sync", &fields).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{fields:?}");
    }
    house.post("/sync", &[("action", "stop"), ("session", "nobody")]).await;
    assert!(words(&house.get("/sync").await.text).contains("it is not synced"));
}

#[tokio::test]
async fn the_page_is_drawn_anew_when_something_happens_and_only_then() {
    let house = Synced::new().await;
    house.set(vec![status("s1")]);
    let live = live_of(&plain(&house.get("/sync").await.text));
    let same = house.get(&format!("{live}&now=1")).await;
    assert!(!same.text.contains("sync-list"), "{}", same.text);

    let held = house.get(&live);
    let later = async {
        house.listened().await;
        house.set(vec![status("s1"), paused("s2")]);
    };
    let (answer, ()) = tokio::join!(held, later);
    assert!(answer.text.contains("id=\"sync-list\"") && answer.text.contains("Much would"));
    assert!(answer.text.contains("sync-none"), "{}", answer.text);

    let next = live_of(&answer.text);
    let mut other = status("s1");
    other["pendingUp"] = 99.into();
    house.set(vec![other, paused("s2")]);
    let answer = house.get(&format!("{next}&now=1")).await;
    assert!(answer.text.contains("99 to send"), "{}", answer.text);
    assert!(!answer.text.contains("value=\"stop\""), "buttons stay as they are: {}", answer.text);
}

#[tokio::test]
async fn a_conflict_shows_what_each_side_made_of_it() {
    let house = Synced::new().await;
    let page = house.get(CONFLICT).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.text);
    let page = plain(&page.text);
    for part in
        ["<ins>  zwei\n</ins>", "<ins>drei\n</ins>", "<del>  two\n</del>", "<span>one\n</span>"]
    {
        assert!(page.contains(part), "{part}: {page}");
    }
    assert!(
        page.contains("aria-describedby=\"merged-note\">\n\none\n  zwei\ndrei\n</textarea>"),
        "{page}"
    );
    assert!(page.contains(&format!("name=\"expect_local\" value=\"{}\"", digest("a1"))));
    assert!(page.contains("name=\"expect_remote\" value=\"\""), "it is not there");
    assert_eq!(house.get("/sync/s1/conflict?path=other").await.status, StatusCode::NOT_FOUND);
    assert_eq!(house.get("/sync/s1/conflict").await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_conflict_ends_with_one_side_or_with_the_text_as_it_was_typed() {
    let house = Synced::new().await;
    let local = digest("a1");
    let seen = [("expect_local", local.as_str()), ("expect_remote", "")];
    for (more, resolution, content) in [
        (vec![("keep", "local"), ("text", "x")], "local", Value::Null),
        (vec![("keep", "upstream")], "upstream", Value::Null),
        (
            vec![("keep", "merged"), ("text", "\r\na\r\nü"), ("ends", "lf")],
            "merged",
            "\na\nü".into(),
        ),
        (vec![("keep", "merged"), ("text", "a\r\n"), ("ends", "crlf")], "merged", "a\r\n".into()),
        (vec![("keep", "merged"), ("text", "")], "merged", "".into()),
    ] {
        let done = house.post(CONFLICT, &[&seen[..], &more].concat()).await;
        assert_eq!(done.status, StatusCode::SEE_OTHER, "{more:?}: {}", done.text);
        let said = house.last("resolve");
        assert_eq!((&said["resolution"], &said["content"]), (&resolution.into(), &content));
        assert_eq!(
            (&said["expectLocal"], &said["expectRemote"]),
            (&local.clone().into(), &Value::Null)
        );
        assert_eq!(said["path"], "src/a&b.rs");
    }
    for fields in [
        vec![("keep", "local")],
        vec![("keep", "local"), ("expect_local", "x"), ("expect_remote", "")],
        vec![("keep", "both"), seen[0], seen[1]],
        vec![("keep", "merged"), seen[0], seen[1]],
    ] {
        assert_eq!(
            house.post(CONFLICT, &fields).await.status,
            StatusCode::BAD_REQUEST,
            "{fields:?}"
        );
    }
}

#[tokio::test]
async fn what_was_typed_survives_a_version_that_changed_meanwhile_and_a_service_that_is_away() {
    let house = Synced::new().await;
    let old = digest("00");
    let text = format!("mine\r\n{}", "<b>");
    let fields = [
        ("expect_local", old.as_str()),
        ("expect_remote", ""),
        ("keep", "merged"),
        ("text", text.as_str()),
        ("ends", "crlf"),
    ];
    let changed = house.post(CONFLICT, &fields).await;
    assert_eq!(changed.status, StatusCode::CONFLICT);
    let page = plain(&changed.text);
    assert!(page.contains("another by now"), "{page}");
    assert!(
        page.contains("mine\n&lt;b&gt;</textarea>") && page.contains("value=\"crlf\""),
        "{page}"
    );
    assert!(page.contains(&format!("name=\"expect_local\" value=\"{}\"", digest("a1"))), "anew");

    let gone = CONFLICT.replace("s1", "away");
    let kept = house.post(&gone, &fields).await;
    assert_eq!(kept.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(plain(&kept.text).contains("mine\n&lt;b&gt;</textarea>"), "{}", kept.text);
    let keep = [("expect_local", old.as_str()), ("expect_remote", ""), ("keep", "local")];
    assert_eq!(house.post(&gone, &keep).await.status, StatusCode::SEE_OTHER, "nothing is lost");
}

#[tokio::test]
async fn nothing_that_a_workspace_holds_breaks_a_page() {
    let house = Synced::new().await;
    let mut one = paused(HOSTILE);
    one["localDir"] = HOSTILE.into();
    one["message"] = HOSTILE.into();
    one["problems"][0]["path"] = HOSTILE.into();
    one["problems"][0]["message"] = HOSTILE.into();
    one["conflicts"] = json!([conflict("<script>\u{202e}.rs")]);
    house.set(vec![one]);
    for path in ["/sync", "/sync/hostile/conflict?path=x"] {
        let page = house.get(path).await;
        assert_eq!(page.status, StatusCode::OK, "{path}");
        check_harmless(&page.text, path);
        assert!(!page.text.contains("49"), "{path}: no template runs: {}", page.text);
    }
}

#[tokio::test]
async fn nothing_is_changed_by_who_was_not_shown_the_form() {
    let house = Synced::new().await;
    for path in ["/sync", CONFLICT] {
        let forged = house
            .own("POST", path)
            .header("origin", "http://127.0.0.1:3143")
            .header("content-type", "application/x-www-form-urlencoded")
            .body(Body::from("action=stop&session=s1&keep=local&expect_local=&expect_remote="));
        assert_eq!(house.send(forged.unwrap()).await.status, StatusCode::FORBIDDEN, "{path}");
    }
    assert!(house.heard.lock().unwrap().iter().all(|(method, ..)| method == "GET"));
}

/// A console whose runtime has a scripted service beside it.
struct Synced {
    house: House,
    syncs: Arc<Mutex<Vec<Value>>>,
    changes: watch::Sender<u64>,
    heard: Arc<Mutex<Vec<(String, String, Value)>>>,
}

impl std::ops::Deref for Synced {
    type Target = House;

    fn deref(&self) -> &House {
        &self.house
    }
}

impl Synced {
    async fn new() -> Self {
        let house = House::new().await;
        let (syncs, heard) = (Arc::<Mutex<Vec<Value>>>::default(), Arc::<Mutex<Vec<_>>>::default());
        let changes = watch::Sender::new(0);
        let (known, all, tells) = (Arc::clone(&syncs), Arc::clone(&heard), changes.clone());
        let service = Router::new().fallback(move |request: Request<Body>| async move {
            let (head, body) = request.into_parts();
            let body = body.collect().await.unwrap().to_bytes();
            let command: Value = serde_json::from_slice(&body).unwrap_or_default();
            let path = head.uri.to_string();
            all.lock().unwrap().push((head.method.to_string(), path.clone(), command.clone()));
            if path == "/sync/events" {
                let told = tells.subscribe();
                let events = futures_util::stream::unfold(told, |mut told| async move {
                    told.changed().await.ok()?;
                    Some((Ok::<_, std::io::Error>("data: {}\n\n"), told))
                });
                return Body::from_stream(events).into_response();
            }
            answer(&path, &command, &known.lock().unwrap())
        });
        house.runtime.sync_through(Link::InProcess(service));
        Self { house, syncs, changes, heard }
    }

    fn set(&self, syncs: Vec<Value>) {
        *self.syncs.lock().unwrap() = syncs;
        self.changes.send_modify(|changes| *changes += 1);
    }

    /// Waits until a page listens.
    async fn listened(&self) {
        let listens = async {
            while self.changes.receiver_count() == 0 {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(std::time::Duration::from_secs(20), listens)
            .await
            .expect("it listens");
    }

    /// Returns what a command said last.
    fn last(&self, command: &str) -> Value {
        let path = format!("/sync/{command}");
        let heard = self.heard.lock().unwrap();
        heard.iter().rfind(|(_, at, _)| *at == path).map(|(_, _, said)| said.clone()).unwrap()
    }
}

fn answer(path: &str, command: &Value, syncs: &[Value]) -> Response {
    if command["sessionId"] == "away" {
        return failed(StatusCode::INTERNAL_SERVER_ERROR, "system", "the disk failed");
    }
    if command["sessionId"] == "nobody" {
        return failed(StatusCode::NOT_FOUND, "not_syncing", "it is not synced");
    }
    if command["localDir"] == "/full" && command["confirmNonEmpty"] == false {
        return failed(StatusCode::CONFLICT, "folder_not_empty", "there is something in it");
    }
    if command["localDir"] == "/far" && command["allowPolling"] == false {
        return failed(StatusCode::CONFLICT, "folder_not_watched", "it cannot be watched");
    }
    if command["expectLocal"] == digest("00").as_str() {
        return failed(StatusCode::CONFLICT, "conflict_changed", "one version is another by now");
    }
    let text = |text: &str| json!({ "is": "text", "text": text });
    let texts = match path {
        "/sync" => return axum::Json(json!({ "syncs": syncs })).into_response(),
        "/sync/verify" => json!({ "sessionId": "s2", "paths": 43, "differing": ["a/b"], "more": 2,
            "isEqual": false }),
        "/sync/s1/conflict?path=src%2Fa%26b.rs" => json!({
            "conflict": conflict("src/a&b.rs"),
            "base": text("\none\n  two\nthree\n"), "local": text("\none\n  zwei\nthree\n"),
            "upstream": text("\none\n  two\ndrei\n"),
            "merged": { "text": "\none\n  zwei\ndrei\n", "conflicts": 0 },
        }),
        "/sync/hostile/conflict?path=x" => json!({
            "conflict": conflict("x"), "base": { "is": "absent" }, "local": text(HOSTILE),
            "upstream": { "is": "link", "target": HOSTILE },
        }),
        _ if path.contains("/conflict?") => {
            return failed(StatusCode::NOT_FOUND, "no_conflict", "there is none");
        }
        _ => status(command["sessionId"].as_str().unwrap_or_default()),
    };
    axum::Json(texts).into_response()
}

fn failed(status: StatusCode, code: &str, message: &str) -> Response {
    (status, axum::Json(json!({ "code": code, "message": message }))).into_response()
}

fn digest(byte: &str) -> String {
    byte.repeat(32)
}

fn conflict(path: &str) -> Value {
    json!({ "id": 3, "path": path, "kind": "edit_edit", "base": null,
        "local": { "digest": digest("a1"), "size": 9 }, "upstream": null,
        "mergeable": true, "since": 1_770_000_000_000_u64 })
}

fn status(session: &str) -> Value {
    json!({
        "sessionId": session, "state": "conflict", "filesTracked": 42,
        "lastSyncAt": 1_770_000_000_000_u64, "localDir": "/home/me/project", "phase": "syncing",
        "pending": 3, "pendingUp": 2, "pendingDown": 1, "bytes": 4096, "watch": "degraded",
        "conflicts": [conflict("src/a&b.rs")], "moreConflicts": 7,
        "problems": [{ "path": "run.sock", "problem": "special", "isUpstream": false,
            "message": "it is a socket" }],
        "moreProblems": 0,
    })
}

fn paused(session: &str) -> Value {
    let mut paused = status(session);
    paused["state"] = "paused".into();
    paused["reason"] = "mass_delete".into();
    paused["message"] = "31 files would be removed".into();
    paused["conflicts"] = json!([]);
    paused["moreConflicts"] = 0.into();
    paused
}
