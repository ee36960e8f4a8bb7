//! Sessions are made, listed, named, put away and removed, and whoever looks sees it.

use serde_json::{Value, json};

use super::House;

#[tokio::test]
async fn two_hundred_sessions_are_listed_and_hold_nothing_open() {
    let house = House::open().await;
    // A connection may not say more in so short a time.
    let making = (0..5).map(|_| async {
        let mut client = house.client().await;
        let mut made = vec![];
        for _ in 0..40 {
            made.push(house.session(&mut client).await);
        }
        made
    });
    let made = futures_util::future::join_all(making).await.concat();
    let mut client = house.client().await;
    let list = client.ask(json!({ "type": "list_sessions" })).await;
    assert_eq!(list["sessions"].as_array().unwrap().len(), 200);
    for session in &made[..50] {
        assert_eq!(client.ask_of("get_events", session).await["events"], json!([]));
    }
    #[cfg(target_os = "linux")]
    {
        let folder = house.gateway_folder().join("sessions");
        let open = std::fs::read_dir("/proc/self/fd").unwrap().filter(|entry| {
            let target = std::fs::read_link(entry.as_ref().unwrap().path());
            target.is_ok_and(|target| target.starts_with(&folder))
        });
        let open = open.count();
        assert!(open <= 3 * (32 + 12), "{open} files are open");
    }
}

#[tokio::test]
async fn what_one_changes_the_others_see() {
    let house = House::open().await;
    let mut client = house.client().await;
    let mut joined = house.client().await;
    let mut other = house.client().await;
    let session = house.session(&mut client).await;
    assert_eq!(other.until("session_created").await["session"]["id"], json!(session));
    joined.join(&session, None).await;
    let rename = json!({ "type": "rename_session", "sessionId": session, "name": "mine" });
    assert_eq!(client.ask(rename).await["session"]["name"], "mine");
    let event = joined.until("session_updated").await;
    assert!(event["seq"].is_u64() && event["session"]["name"] == "mine", "{event}");
    let frame = other.until("session_updated").await;
    assert!(frame.get("seq").is_none() && frame["session"]["name"] == "mine", "{frame}");

    assert_eq!(client.ask_of("archive_session", &session).await["session"]["archived"], true);
    let listed = |list: &Value| list["sessions"].as_array().unwrap().len();
    assert_eq!(listed(&client.ask(json!({ "type": "list_sessions" })).await), 0);
    let all = json!({ "type": "list_sessions", "includeArchived": true });
    assert_eq!(listed(&client.ask(all).await), 1);
    client.ask_of("unarchive_session", &session).await;
    assert_eq!(listed(&client.ask(json!({ "type": "list_sessions" })).await), 1);

    // Each heard of each of the three changes once, and not of both kinds.
    let heard =
        |frames: &[Value]| frames.iter().filter(|it| it["type"] == "session_updated").count();
    client.ask_of("delete_session", &session).await;
    for (who, client) in [("joined", &mut joined), ("other", &mut other)] {
        assert_eq!(heard(&client.up_to("session_deleted").await), 2, "{who}");
    }
    assert_eq!(heard(&client.up_to_now().await), 0, "whoever asked had its answers");
}

#[tokio::test]
async fn a_removed_session_leaves_nothing_but_what_was_not_ours() {
    let house = House::open().await;
    let mut client = house.client().await;
    let (session, mut played) = house.working(&mut client).await;
    let created = client.ask(json!({ "type": "create_session", "agentType": "played" })).await;
    let own = created["session"]["id"].as_str().unwrap().to_owned();
    let workspace = std::path::PathBuf::from(created["session"]["workspace"].as_str().unwrap());
    std::fs::write(workspace.join("made"), "by an agent").unwrap();
    let mut other = house.client().await;
    let ended = tokio::spawn(async move {
        played.let_go().await;
        played.tell(crate::agent::News::Ended("told to".to_owned())).await;
    });
    for id in [&session, &own] {
        assert_eq!(other.ask_of("delete_session", id).await["type"], "session_deleted");
        assert_eq!(client.until("session_deleted").await["sessionId"], json!(id));
        assert_eq!(other.ask_of("join_session", id).await["code"], "SessionNotFound");
        assert!(!house.gateway_folder().join("sessions").join(id).exists());
    }
    ended.await.unwrap();
    assert!(!workspace.exists() && std::path::Path::new(&house.work()).exists());
    let house = house.crash().await;
    let list = house.client().await.ask(json!({ "type": "list_sessions" })).await;
    assert_eq!(list["sessions"], json!([]));
}

#[tokio::test]
async fn only_so_many_sessions_are_kept() {
    let house = House::open_with(|config| config.limits.sessions = 1).await;
    let mut client = house.client().await;
    house.session(&mut client).await;
    let create = json!({ "type": "create_session", "agentType": "played" });
    let refused = client.ask(create).await;
    assert!(refused["message"].as_str().unwrap().contains("delete one"), "{refused}");
}

#[tokio::test]
async fn history_comes_in_pages() {
    let house = House::open().await;
    let mut client = house.client().await;
    let (session, mut played) = house.working(&mut client).await;
    for number in 0..5 {
        played.say(&format!("answer {number}")).await;
        played.end().await;
        client.until_state("ready").await;
        client.run_turn(&session, &format!("question {number}")).await;
        played.prompted().await;
    }
    let mut said = vec![];
    let mut before = Value::Null;
    loop {
        let ask =
            json!({ "type": "get_history", "sessionId": session, "before": before, "limit": 4 });
        let page = client.ask(ask).await;
        let messages = page["messages"].as_array().unwrap().clone();
        before = messages[0]["seq"].clone();
        said.splice(0..0, messages.iter().map(|it| it["text"].as_str().unwrap().to_owned()));
        if page["hasMore"] == false {
            break;
        }
    }
    let mut wanted = vec!["do it".to_owned()];
    for number in 0..5 {
        wanted.extend([format!("answer {number}"), format!("question {number}")]);
    }
    assert_eq!(said, wanted);
}
