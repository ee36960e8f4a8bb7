//! A gateway that dies in the middle of things loses nothing that anybody was told, and gives no number
//! twice.

use std::fs;
use std::time::Duration;

use serde_json::{Value, json};

use super::{House, eventually, types};

#[tokio::test]
async fn a_turn_that_a_crash_cut_off_is_ended_with_what_was_said() {
    let house = House::open().await;
    let mut client = house.client().await;
    let (session, played) = house.working(&mut client).await;
    played.say("one ").await;
    played.use_tool("call-1", "x").await;
    played.say("two ").await;
    let question = played.ask_leave().await;
    client.until_state("waiting").await;
    let before = client.events(&session).await;

    let house = house.crash().await;
    drop(question);
    let mut client = house.client().await;
    let list = client.ask(json!({ "type": "list_sessions" })).await;
    assert_eq!(list["sessions"][0]["state"], "inactive");
    assert_eq!(list["sessions"][0]["pending"], 0);
    let events = client.events(&session).await;
    assert_eq!(events[..before.len()], before[..], "nothing that was told is lost or changed");
    let names = types(&events[before.len()..]);
    assert_eq!(names, ["approval_resolved", "turn_error", "session_updated"]);
    let end = &events[events.len() - 2];
    assert_eq!((&end["code"], &end["finalText"]), (&json!("GatewayRestarted"), &json!("one two ")));

    let snapshot = client.join(&session, None).await;
    assert_eq!((&snapshot["pending"], snapshot.get("currentTurn")), (&json!([]), None));
    house.run(&mut client, &session, "again").await;
}

#[tokio::test]
async fn text_that_nothing_followed_is_kept_too() {
    let house = House::open().await;
    let mut client = house.client().await;
    let (session, played) = house.working(&mut client).await;
    played.say("said").await;
    client.until("text_delta").await;
    let path = house.gateway_folder().join("sessions").join(&session).join("session.db");
    eventually(|| async {
        let connection = rusqlite::Connection::open(&path).unwrap();
        let sql = "SELECT open_text FROM open_turn";
        let text: String = connection.query_row(sql, [], |row| row.get(0)).unwrap();
        (text == "said").then_some(())
    })
    .await;
    let house = house.crash().await;
    let events = house.client().await.events(&session).await;
    let end = events.iter().find(|event| event["type"] == "turn_error").unwrap();
    assert_eq!(end["finalText"], "said");
    let complete = events.iter().find(|event| event["type"] == "text.complete").unwrap();
    assert_eq!(complete["text"], "said");
}

#[tokio::test]
async fn no_number_is_given_twice() {
    let mut house = House::open().await;
    let mut highest = 0;
    let mut session = None;
    for round in 0..4 {
        let mut client = house.client().await;
        let id = match &session {
            Some(id) => String::clone(id),
            None => house.session(&mut client).await,
        };
        let number = |event: &Value| event["seq"].as_u64();
        // What the gateway told of by itself when it was opened again came after all that was heard.
        let known = client.events(&id).await;
        let told = known.iter().rev().take_while(|event| event["type"] != "turn_started");
        let told: Vec<u64> = told.filter_map(number).collect();
        let ends = known.iter().rev().take(2).filter_map(number);
        assert!(ends.min().is_none_or(|seq| highest < seq), "{told:?} after {highest}");
        highest = told.into_iter().max().unwrap_or_default().max(highest);
        client.join(&id, None).await;
        let played = house.run(&mut client, &id, "go").await;
        // More than are reserved at a time, so that one of the blocks ends here.
        let mut said = 0;
        for _ in 0..700 {
            played.say("x").await;
        }
        while said < 700 {
            let frame = client.next().await;
            if let Some(seq) = number(&frame) {
                assert!(highest < seq, "{seq} came after {highest} in round {round}");
                highest = seq;
            }
            if frame["type"] == "text_delta" {
                said += frame["text"].as_str().unwrap().len();
            }
        }
        session = Some(id);
        house = house.crash().await;
    }
}

#[tokio::test]
async fn a_question_that_was_answered_is_not_cancelled_by_a_crash() {
    let house = House::open().await;
    let mut client = house.client().await;
    let (session, played) = house.working(&mut client).await;
    let given = played.ask_leave().await;
    let question = client.until("permission_requested").await["questionId"].clone();
    client
        .ask(json!({ "type": "answer_question", "sessionId": session, "questionId": question,
                     "answer": "yes" }))
        .await;
    given.await.unwrap();
    let house = house.crash().await;
    let mut client = house.client().await;
    let events = client.events(&session).await;
    let resolved = events.iter().filter(|event| event["type"] == "approval_resolved");
    let outcomes: Vec<&Value> = resolved.map(|event| &event["outcome"]["kind"]).collect();
    assert_eq!(outcomes, [&json!("selected")]);
}

#[tokio::test]
async fn a_session_that_cannot_be_read_keeps_nobody_from_the_others() {
    let house = House::open().await;
    let mut client = house.client().await;
    let (broken, played) = house.working(&mut client).await;
    let whole = house.session(&mut client).await;
    drop(played);
    let spoil = |folder: &std::path::Path| {
        let folder = folder.join("sessions").join(&broken);
        for file in fs::read_dir(&folder).unwrap() {
            let path = file.unwrap().path();
            if path.extension().is_some_and(|it| it == "db") {
                fs::write(path, "no database").unwrap();
            } else if path.is_file() {
                fs::remove_file(path).unwrap();
            }
        }
    };
    let house = house.crash_with(spoil, |_| {}).await;
    let mut client = house.client().await;
    let list = client.ask(json!({ "type": "list_sessions" })).await;
    let of = |id: &str| {
        let sessions = list["sessions"].as_array().unwrap();
        sessions.iter().find(|session| session["id"] == id).unwrap().clone()
    };
    assert_eq!(
        (&of(&broken)["state"], &of(&whole)["state"]),
        (&json!("error"), &json!("inactive"))
    );
    let problem = of(&broken)["problem"].as_str().unwrap().to_owned();
    assert!(problem.contains("delete the session") && !problem.contains('/'), "{problem}");
    let run = json!({ "type": "run_turn", "sessionId": broken, "text": "go" });
    assert_eq!(client.ask(run).await["code"], "Internal");
    assert_eq!(client.ask_of("get_events", &broken).await["code"], "Internal");
    client.run_turn(&whole, "go").await;
    assert_eq!(client.ask_of("delete_session", &broken).await["type"], "session_deleted");
    assert!(!house.gateway_folder().join("sessions").join(&broken).exists());
}

#[tokio::test]
async fn a_session_of_a_newer_gateway_is_left_alone() {
    let house = House::open().await;
    let mut client = house.client().await;
    let session = house.session(&mut client).await;
    let make_newer = |folder: &std::path::Path| {
        let path = folder.join("sessions").join(&session).join("session.db");
        rusqlite::Connection::open(path)
            .unwrap()
            .execute_batch("PRAGMA user_version = 99")
            .unwrap();
    };
    let house = house.crash_with(make_newer, |_| {}).await;
    let mut client = house.client().await;
    let refused = client.ask_of("join_session", &session).await;
    assert_eq!(refused["code"], "Internal");
    let message = refused["message"].as_str().unwrap();
    assert!(message.contains("version 99") && message.contains("newer"), "{message}");
}

#[tokio::test]
async fn a_lost_registry_is_made_again_from_the_sessions() {
    let house = House::open().await;
    let mut client = house.client().await;
    let session = house.session(&mut client).await;
    let rename = json!({ "type": "rename_session", "sessionId": session, "name": "mine" });
    client.ask(rename).await;
    let lose = |folder: &std::path::Path| {
        for name in ["registry.db", "registry.db-wal", "registry.db-shm"] {
            // Not every one of them is there.
            _ = fs::remove_file(folder.join(name));
        }
        fs::create_dir(folder.join("sessions/nonsense")).unwrap();
    };
    let house = house.crash_with(lose, |_| {}).await;
    let list = house.client().await.ask(json!({ "type": "list_sessions" })).await;
    let names: Vec<&Value> =
        list["sessions"].as_array().unwrap().iter().map(|it| &it["name"]).collect();
    assert_eq!(names, [&json!("mine")]);
}

#[tokio::test]
async fn an_interrupted_removal_is_completed() {
    let house = House::open().await;
    let mut client = house.client().await;
    let session = house.session(&mut client).await;
    let mark = |folder: &std::path::Path| {
        let connection = rusqlite::Connection::open(folder.join("registry.db")).unwrap();
        connection.busy_timeout(Duration::from_secs(5)).unwrap();
        crate::registry::set_deleting(&connection, &session).unwrap();
    };
    let house = house.crash_with(mark, |_| {}).await;
    let list = house.client().await.ask(json!({ "type": "list_sessions" })).await;
    assert_eq!(list["sessions"], json!([]));
    assert!(!house.gateway_folder().join("sessions").join(&session).exists());
}
