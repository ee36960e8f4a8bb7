//! Setting up through the control API: what is answered is done, and nothing secret is told.

use std::time::{Duration, UNIX_EPOCH};

use axum::http::{Method, Request};
use serde_json::{Value, json};
use tower::ServiceExt;

use super::*;
use crate::config::{Clock, Config};
use crate::runtime::Runtime;
use crate::settings::{self, ConfigFile, Flag, Folders, Input};

#[tokio::test]
async fn a_setting_is_written_and_waits_for_the_restart() {
    let house = House::new("listen.port = 0 # any\n").await;
    let list = house.get("/control/settings").await;
    let port = entry(&list, "store.readers");
    assert_eq!((&port["value"], &port["origin"]), (&json!("4"), &json!("default")));
    assert_eq!(port["allowed"]["kind"], "whole");
    assert_eq!((&port["allowed"]["min"], &port["allowed"]["max"]), (&json!(1), &json!(64)));
    assert_eq!(list["restart_needed"], false);

    let change = json!({ "key": "store.readers", "value": "9" });
    let (status, answer) = house.post("/control/settings", &change).await;
    assert_eq!((status, &answer["takes_effect"]), (StatusCode::OK, &json!("restart")));
    assert_eq!((&answer["file_value"], &answer["overridden_by"]), (&json!("9"), &Value::Null));
    assert_eq!(house.file(), "listen.port = 0 # any\nstore.readers = 9\n");
    let list = house.get("/control/settings").await;
    let readers = entry(&list, "store.readers");
    assert_eq!((&readers["value"], &readers["next_value"]), (&json!("4"), &json!("9")));
    assert_eq!((&readers["pending"], &list["restart_needed"]), (&json!(true), &json!(true)));

    let change = json!({ "key": "access", "value": "loopback" });
    let (_, answer) = house.post("/control/settings", &change).await;
    assert_eq!(answer["overridden_by"], "flag --access", "and it is written all the same");
    let list = house.get("/control/settings").await;
    assert_eq!(entry(&list, "access")["pending"], false, "a restart changes nothing");
    assert_eq!(entry(&list, "access")["file_value"], "loopback");

    let gone = json!({ "key": "store.readers", "value": null });
    assert_eq!(house.post("/control/settings", &gone).await.1["file_value"], Value::Null);
    assert!(!house.file().contains("readers"));
}

#[tokio::test]
async fn what_cannot_be_is_told_beside_its_field_and_not_written() {
    let house = House::new("").await;
    for (key, value, field) in
        [("store.readers", "900", "store.readers"), ("store.raeders", "9", "store.raeders")]
    {
        let change = json!({ "key": key, "value": value });
        let (status, answer) = house.post("/control/settings", &change).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{answer}");
        assert_eq!(answer["details"][0]["field"], field);
        assert!(answer["details"][0]["message"].as_str().unwrap().contains("store.readers"));
    }
    let (status, _) = house.post("/control/settings", &json!({ "key": "access" })).await;
    assert_eq!(status, StatusCode::BAD_REQUEST, "a value that was forgotten takes nothing out");
    std::fs::write(house.data_dir().join("config.toml"), "store.readers = \n").unwrap();
    let change = json!({ "key": "access", "value": "token" });
    let (status, answer) = house.post("/control/settings", &change).await;
    assert_eq!(status, StatusCode::CONFLICT);
    assert!(answer["error"].as_str().unwrap().contains("line 1"), "{answer}");
    let list = house.get("/control/settings").await;
    assert!(list["problem"].as_str().unwrap().contains("line 1"), "{list}");
    let long = json!({ "key": "access", "value": "x".repeat(70_000) });
    assert_eq!(house.post("/control/settings", &long).await.0, StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn nothing_of_the_environment_but_settings_is_ever_told() {
    let house = House::new("").await;
    let token = house.runtime.authtok();
    for path in ["settings", "hooks", "setup", "access", "about"] {
        let told = house.get(&format!("/control/{path}")).await.to_string();
        assert!(!told.contains("hunter2") && !told.contains(&token), "{path}: {told}");
    }
    assert!(!format!("{:?}", house.runtime.app().config).contains("hunter2"));
}

#[tokio::test]
async fn a_test_event_is_received_and_counts_as_nobodys() {
    let house = House::new("").await;
    let mut numbers = Vec::new();
    for body in [json!({}), json!({ "agent_type": "codex" }), json!({})] {
        let (status, answer) = house.post("/control/setup/test", &body).await;
        assert_eq!(status, StatusCode::CREATED, "{answer}");
        assert_eq!(answer["session_id"], "oriel-test");
        numbers.push(answer["number"].as_i64().unwrap());
        let told = house.get(&format!("/api/events/{}", numbers.last().unwrap())).await;
        let event = &told["event"];
        assert_eq!(
            (&event["agent_type"], &event["source"]),
            (&json!("oriel_test"), &json!("hook"))
        );
        assert_eq!((&event["cost_usd"], &event["tokens_in"]), (&Value::Null, &json!(0)));
    }
    assert!(numbers.is_sorted_by(|a, b| a < b), "each is one of its own: {numbers:?}");
    let stats = house.get("/api/stats").await;
    assert_eq!((&stats["active_sessions"], &stats["active_agents"]), (&json!(0), &json!(0)));
    let setup = house.get("/control/setup").await;
    assert_eq!((&setup["events"], &setup["sources"]), (&json!(0), &json!([])));
    assert!(setup["last_test_at"].is_string());
    let (status, _) = house.post("/control/setup/test", &json!({ "agent_type": "vim" })).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);

    // A test from the command line goes the same way.
    let hook = json!({ "session_id": "oriel-test", "hook_event_name": "UserPromptSubmit",
        "prompt": "secret words", "cwd": "/p" });
    let (_, receipt) = house.post("/api/hooks/claude-code", &hook).await;
    let told = house.get(&format!("/api/events/{}", receipt["ids"][0])).await;
    assert_eq!(told["event"]["agent_type"], "oriel_test");
    assert!(!told.to_string().contains("secret words"));
}

#[tokio::test]
async fn a_new_token_is_asked_for_at_once_and_the_old_one_refused() {
    let house = House::new("").await;
    let old = house.runtime.authtok();
    let (status, answer) = house.post("/control/token/rotate", &json!({})).await;
    let new = house.runtime.authtok();
    assert_eq!(status, StatusCode::OK);
    assert!(old != new && !answer.to_string().contains(&new));
    assert_eq!(std::fs::read_to_string(answer["token_file"].as_str().unwrap()).unwrap(), new);
    for (token, expected) in [(&old, StatusCode::UNAUTHORIZED), (&new, StatusCode::OK)] {
        let asked = house.send(Method::GET, "/control/access", token, Body::empty()).await;
        assert_eq!(asked.0, expected);
    }
    let many = (0..8)
        .map(|_| house.runtime.app())
        .map(|app| tokio::task::spawn_blocking(move || app.home.rotate().unwrap()));
    for one in many.collect::<Vec<_>>() {
        one.await.unwrap();
    }
    let left = std::fs::read_to_string(house.data_dir().join("authtok")).unwrap();
    assert_eq!(left, house.runtime.authtok(), "the file and the daemon agree");
}

#[tokio::test]
async fn a_daemon_tells_of_itself_also_while_it_is_blocked() {
    let house = House::new("").await;
    let about = house.get("/control/about").await;
    assert_eq!(about["license"], "MIT OR Apache-2.0");
    assert!(about["store"]["size_bytes"].as_u64().unwrap() > 0);
    let access = house.get("/control/access").await;
    assert_eq!((&access["access"], &access["console"]["port"]), (&json!("token"), &json!(3143)));
    if cfg!(unix) {
        assert_eq!(access["data_dir_mode"], "700");
    }
    let house = house.blocked().await;
    for path in ["settings", "hooks", "setup", "access", "about"] {
        house.get(&format!("/control/{path}")).await;
    }
    let (status, _) = house.post("/control/setup/test", &json!({})).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "nothing is said to be received");
}

#[tokio::test]
async fn two_installs_at_once_are_one() {
    let house = House::new("").await;
    let body = json!({});
    let path = "/control/hooks/claude_code/install";
    let (one, two) = tokio::join!(house.post(path, &body), house.post(path, &body));
    assert_eq!((one.0, two.0), (StatusCode::OK, StatusCode::OK), "{one:?} {two:?}");
    let changed = [one, two].map(|(_, answer)| answer["changed"].as_bool().unwrap());
    assert_eq!(changed.iter().filter(|&&changed| changed).count(), 1);
    let (status, answer) = house.post("/control/hooks/codex/install", &body).await;
    assert_eq!(status, StatusCode::CONFLICT, "{answer}");
    assert_eq!(house.post("/control/hooks/vim/install", &body).await.0, StatusCode::NOT_FOUND);
}

#[test]
fn every_document_that_is_named_is_there() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    for (title, path) in DOCUMENTS {
        assert!(root.join(path).is_file(), "{title}: {path}");
    }
}

/// A runtime that was started from settings, without a socket.
struct House {
    folder: tempfile::TempDir,
    runtime: Runtime,
}

impl House {
    async fn new(file: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data_dir = folder.path().join("data");
        home::create_private_dir(&data_dir).unwrap();
        std::fs::write(data_dir.join("config.toml"), file).unwrap();
        let runtime = Runtime::open(config(folder.path(), file)).await.unwrap();
        Self { folder, runtime }
    }

    /// Starts it again where others may read its folder.
    async fn blocked(self) -> Self {
        let Self { folder, runtime } = self;
        runtime.shutdown().await;
        let db = folder.path().join("data/oriel.db");
        oriel_store_newer(&db);
        let runtime = Runtime::open(config(folder.path(), "")).await.unwrap();
        assert!(!runtime.app().blockers().is_empty());
        Self { folder, runtime }
    }

    fn data_dir(&self) -> std::path::PathBuf {
        self.folder.path().join("data")
    }

    fn file(&self) -> String {
        std::fs::read_to_string(self.data_dir().join("config.toml")).unwrap()
    }

    async fn get(&self, path: &str) -> Value {
        let token = self.runtime.authtok();
        let (status, answer) = self.send(Method::GET, path, &token, Body::empty()).await;
        assert_eq!(status, StatusCode::OK, "{path}: {answer}");
        answer
    }

    async fn post(&self, path: &str, body: &Value) -> (StatusCode, Value) {
        let token = self.runtime.authtok();
        self.send(Method::POST, path, &token, Body::from(body.to_string())).await
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        token: &str,
        body: Body,
    ) -> (StatusCode, Value) {
        let oriel_link::Link::InProcess(router) = self.runtime.link() else {
            panic!("not in process")
        };
        let request = Request::builder().method(method).uri(path).header("host", "localhost");
        let request = request.header("x-oriel-authtok", token).body(body).unwrap();
        let answer = router.oneshot(request).await.unwrap();
        let status = answer.status();
        let body = axum::body::to_bytes(answer.into_body(), usize::MAX).await.unwrap();
        (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
    }
}

/// Makes a store one of a later version.
fn oriel_store_newer(path: &std::path::Path) {
    use std::io::{Seek, SeekFrom, Write};
    let mut file = std::fs::OpenOptions::new().write(true).open(path).unwrap();
    // Where SQLite keeps `user_version`.
    file.seek(SeekFrom::Start(60)).unwrap();
    file.write_all(&9999_u32.to_be_bytes()).unwrap();
}

fn config(folder: &std::path::Path, file: &str) -> Config {
    let flag = |name: &str, key: &str, value: &str| Flag {
        name: name.to_owned(),
        key: key.to_owned(),
        value: value.to_owned(),
    };
    let data_dir = folder.join("data");
    let input = Input {
        flags: vec![
            flag("--data-dir", "data_dir", data_dir.to_str().unwrap()),
            flag("--access", "access", "token"),
        ],
        environment: [("DATABASE_PASSWORD".to_owned(), "hunter2".to_owned())].into(),
        file: Some(ConfigFile { path: data_dir.join("config.toml"), text: file.to_owned() }),
        folders: Folders { home: Some(folder.to_owned()), working: folder.to_owned() },
        clock: Clock::new(|| UNIX_EPOCH + Duration::from_secs(1_770_112_800)),
    };
    let mut config = settings::resolve(&input).unwrap().config;
    config.setup.program = Some("/opt/oriel".to_owned());
    config
}

fn entry<'a>(list: &'a Value, key: &str) -> &'a Value {
    list["settings"].as_array().unwrap().iter().find(|entry| entry["key"] == key).unwrap()
}
