//! What runs through the gateway stands in the monitor beside everything else.

use oriel_tests::gateway::{Follower, connect, echo};
use oriel_tests::{Daemon, wait};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_of_the_gateway_stands_in_the_monitor_with_its_tokens_and_words() {
    let daemon = Daemon::start();
    let (client, mut events) = connect(daemon.home()).await;
    let session = echo(&client).await;
    client.run_turn(&session.id, "a crimson harbour [[tool]] [[usage]]", None).await.unwrap();
    Follower::default().until_turns(&mut events, 1).await;
    let seen = wait::until("the session in the monitor", || {
        let sessions = daemon.get("/api/sessions").json();
        let found = sessions["sessions"].as_array()?.iter().find(|row| row["id"] == session.id)?;
        (0 < found["tokens_in"].as_i64()?).then(|| found.clone())
    });
    assert_eq!(seen["agent_type"], "echo");
    let found = daemon.get("/api/search?q=crimson").json();
    assert!(!found["hits"].as_array().unwrap().is_empty(), "{found}");
    // The gateway tells again what it is not sure was heard; nothing counts twice for that.
    daemon.verify();
}
