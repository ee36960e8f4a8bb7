//! What blocks the daemon is shown with what can be done about it, and nothing mends itself.

use std::path::Path;

use super::*;

#[tokio::test]
async fn a_module_that_nobody_signed_is_looked_at_signed_and_off_the_list() {
    let house = House::prepared(|data_dir| module(data_dir, "hello")).await;
    let page = house.get("/readiness").await;
    let shown = words(&page.text);
    assert!(shown.contains("unsigned-module-config") && shown.contains("Look at it"), "{shown}");
    assert!(words(&house.get("/inbox").await.text).contains("See what"), "every page says so");

    let id = "unsigned-module-config:hello";
    let looked = house.post("/readiness", &[("id", id), ("action", "inspect")]).await;
    assert_eq!(looked.status, StatusCode::OK, "{}", looked.text);
    assert!(looked.text.contains("module.toml"), "{}", words(&looked.text));

    let early = house.post("/readiness", &[("id", id), ("action", "sign")]).await;
    assert_eq!(early.headers["location"], "/readiness");
    assert!(words(&house.get("/readiness").await.text).contains("key"), "there is none yet");
    house.post("/readiness", &[("id", id), ("action", "create-key")]).await;
    house.post("/readiness", &[("id", id), ("action", "sign")]).await;
    let after = words(&house.get("/readiness").await.text);
    assert!(after.contains("Nothing blocks any more"), "{after}");
    assert_eq!(house.runtime.phase().as_str(), "local_readiness_gate", "a restart leaves it");
}

#[tokio::test]
async fn what_is_not_offered_is_not_done() {
    let house = House::prepared(|data_dir| module(data_dir, "hello")).await;
    for (id, action, status) in [
        ("unsigned-module-config:hello", "fly", StatusCode::BAD_REQUEST),
        ("", "sign", StatusCode::BAD_REQUEST),
    ] {
        let answer = house.post("/readiness", &[("id", id), ("action", action)]).await;
        assert_eq!(answer.status, status, "{id} {action}");
    }
    house.post("/readiness", &[("id", "no-such-thing"), ("action", "sign")]).await;
    assert!(house.get("/readiness").await.text.contains("said-bad"), "it is said in words");
}

#[tokio::test]
async fn a_daemon_that_is_ready_says_so() {
    let house = House::new().await;
    assert!(words(&house.get("/readiness").await.text).contains("Nothing keeps the daemon"));
}

#[tokio::test]
async fn a_restart_is_waited_for_and_leads_back() {
    let house = House::new().await;
    let answer = house.post("/restart", &[("back", "/settings")]).await;
    // A browser that is led elsewhere would find nobody there.
    assert_eq!(answer.status, StatusCode::ACCEPTED, "{}", answer.text);
    let place = answer.headers["hx-push-url"].to_str().unwrap().to_owned();
    assert!(place.starts_with("/restarting?since="), "{place}");
    let refresh = format!("content=\"4; url={place}\"");
    assert!(unescaped(&answer.text).contains(&refresh), "{}", answer.text);
    let waiting = house.get(&place).await;
    assert_eq!(waiting.status, StatusCode::ACCEPTED);
    assert!(waiting.text.contains("http-equiv=\"refresh\""));
    let back = house.get("/restarting?since=long-ago&back=%2Fsettings").await;
    assert!(back.status == StatusCode::SEE_OTHER || back.status == StatusCode::ACCEPTED);
}

#[tokio::test]
async fn a_daemon_that_cannot_be_told_from_the_one_before_is_not_waited_for_without_end() {
    let house = House::new().await;
    let request =
        Request::get("/control/status").header("x-oriel-authtok", house.runtime.authtok());
    let (_, body) = house.runtime.link().bytes(request.body(Body::empty()).unwrap()).await.unwrap();
    let status: serde_json::Value = serde_json::from_slice(&body).unwrap();
    let since = status["startedAt"].as_str().unwrap();
    let now = Timestamp::now().as_second();
    for (asked, expected) in [(now, StatusCode::ACCEPTED), (now - 6, StatusCode::SEE_OTHER)] {
        let place = format!("/restarting?since={since}&uptime=0&asked={asked}&back=%2Fsettings");
        assert_eq!(house.get(&place).await.status, expected, "{place}");
    }
}

fn module(data_dir: &Path, id: &str) {
    let folder = data_dir.join("modules").join(id);
    std::fs::create_dir_all(&folder).unwrap();
    private(data_dir);
    let manifest =
        format!("id = \"{id}\"\nversion = \"1\"\nlabel = \"Hello\"\n[start]\nprogram = \"run\"\n");
    std::fs::write(folder.join("module.toml"), manifest).unwrap();
    std::fs::write(folder.join("run"), "#!/bin/sh\n").unwrap();
}

#[cfg(unix)]
fn private(folder: &Path) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o700)).unwrap();
}

#[cfg(not(unix))]
fn private(_: &Path) {}
