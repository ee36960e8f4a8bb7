//! What the desktop does outside of its windows: notifications, the tray, and how it closes.

use axum::body::Body;
use axum::http::Method;
use oriel_launcher::daemon::Peer;
use serde_json::{Value, json};

use crate::bus::{Notifications, Trays};
use crate::world::{World, eventually};

#[tokio::test(flavor = "multi_thread")]
async fn a_notice_becomes_a_notification_once_and_a_click_opens_its_place() {
    let Some(world) = World::start() else { return };
    let shows = Notifications::on(&world.bus).await;
    let trays = Trays::on(&world.bus).await;
    let _desktop = world.desktop(&["--hidden"]);
    let runtime = world.runtime().await;
    // What is there at the first look is not new.
    eventually("a first look", async || item(&trays, "No agent at work").await).await;

    asks(&runtime, "quay-one", "rm -r <rust> & co").await;
    let seen =
        eventually("a notification", async || shows.seen.lock().expect("a lock").first().cloned())
            .await;
    assert!(seen.body.contains("rm -r &lt;rust&gt; &amp; co"), "{seen:?}");
    assert_eq!(seen.actions, ["default", "Open"]);
    assert_eq!(world.windows(), Vec::<String>::new(), "it was started without a window");

    shows.click(seen.id).await;
    eventually("the notice counts as opened", async || {
        let notices = get(&runtime, "/api/notices?state=all").await;
        notices["notices"][0]["opened_at"].is_string().then_some(())
    })
    .await;
    eventually("a window at the session", async || {
        world.windows().iter().any(|title| title.contains("quay-one")).then_some(())
    })
    .await;

    asks(&runtime, "two", "true").await;
    eventually("the second", async || (1 < shows.titles().len()).then_some(())).await;
    assert_eq!(shows.titles().len(), 2, "the first is not shown again");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tray_tells_who_waits_and_while_it_is_paused_nothing_is_shown() {
    let Some(world) = World::start() else { return };
    let shows = Notifications::on(&world.bus).await;
    let trays = Trays::on(&world.bus).await;
    let mut desktop = world.desktop(&["--hidden"]);
    let runtime = world.runtime().await;
    eventually("a quiet tray", async || item(&trays, "No agent at work").await).await;

    let pause = eventually("a way to pause", async || item(&trays, "For an hour").await).await;
    trays.choose(pause).await;
    eventually("it is paused", async || item(&trays, "Resume notifications").await).await;
    asks(&runtime, "one", "first").await;
    eventually("who waits", async || item(&trays, "1 waits for you").await).await;
    eventually("and for what", async || item(&trays, "asks for permission: first").await).await;
    eventually("the notice", async || {
        let counts = get(&runtime, "/api/notices/counts").await;
        (counts["unopened"] == 1).then_some(())
    })
    .await;
    // The tray shows this only after a look that saw the notice too.
    hook(&runtime, "busy", "UserPromptSubmit", &json!({ "prompt": "busy" })).await;
    eventually("a look at all that", async || item(&trays, "1 agent at work").await).await;

    let resume = item(&trays, "Resume notifications").await.expect("it is paused");
    trays.choose(resume).await;
    eventually("it is over", async || item(&trays, "For an hour").await).await;
    asks(&runtime, "two", "second").await;
    let seen =
        eventually("the second", async || shows.seen.lock().expect("a lock").first().cloned());
    assert_eq!(seen.await.body, "second", "what came in the pause is in the inbox");

    let quit = item(&trays, "Quit Oriel").await.expect("it can be ended");
    trays.choose(quit).await;
    eventually("it ends", async || (!desktop.runs()).then_some(())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_window_closes_and_the_tray_has_the_way_back() {
    let Some(world) = World::start() else { return };
    let trays = Trays::on(&world.bus).await;
    let mut desktop = world.desktop(&["--set", "desktop.close=tray"]);
    let live = async || world.windows().iter().any(|title| title == "Live · Oriel").then_some(());
    eventually("the console", live).await;

    world.press("ctrl+2");
    let inbox = async || world.windows().iter().any(|title| title == "Inbox · Oriel").then_some(());
    eventually("the menu's keys lead to the inbox", inbox).await;
    world.press("ctrl+w");
    eventually("it is closed", async || world.windows().is_empty().then_some(())).await;
    assert!(desktop.runs());

    let open = item(&trays, "Open Oriel").await.expect("a way back");
    trays.choose(open).await;
    eventually("it is there again", live).await;
    world.press("ctrl+q");
    eventually("it ends", async || (!desktop.runs()).then_some(())).await;
    let places = std::fs::read_to_string(world.data_dir().join("desktop/windows.json"));
    assert!(places.expect("they are remembered").contains("\"console\""));
}

#[tokio::test(flavor = "multi_thread")]
async fn with_nobody_on_the_bus_it_opens_its_window_and_says_what_is_missing() {
    let Some(world) = World::start() else { return };
    let _desktop = world.desktop(&["--hidden"]);
    eventually("a window", async || (!world.windows().is_empty()).then_some(())).await;
    let log = world.log();
    assert!(log.contains("nothing on this system shows notifications"), "{log}");
    assert!(log.contains("Tray"), "{log}");
}

/// Returns the number of an item that says this.
async fn item(trays: &Trays, says: &str) -> Option<i32> {
    let menu = trays.menu().await?;
    menu.into_iter().find(|(label, _)| label.contains(says)).map(|(_, number)| number)
}

/// Has a session ask for a permission.
async fn asks(runtime: &Peer, session: &str, command: &str) {
    let wanted = json!({ "tool_name": "Bash", "tool_use_id": "toolu_1",
        "tool_input": { "command": command } });
    hook(runtime, session, "UserPromptSubmit", &json!({ "prompt": session })).await;
    hook(runtime, session, "PermissionRequest", &wanted).await;
}

async fn hook(runtime: &Peer, session: &str, event: &str, fields: &Value) {
    let mut body = json!({ "hook_event_name": event, "session_id": session, "cwd": "/srv/shop",
        "transcript_path": "/srv/t.jsonl" });
    for (key, value) in fields.as_object().expect("an object") {
        body[key] = value.clone();
    }
    let body = Body::from(body.to_string());
    runtime.send(Method::POST, "/api/hooks/claude-code", body).await.expect("it is told");
}

async fn get(runtime: &Peer, path: &str) -> Value {
    runtime.call(Method::GET, path, Body::empty()).await.expect("an answer")
}
