//! Connecting says within ten seconds that it worked, or what is wrong.

use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use oriel_gateway_client::{ClientError, ClientOptions, ConnectError, GatewayClient, Incoming};
use oriel_link::Link;
use oriel_wire::gateway::ErrorCode;
use serde_json::json;
use tokio::time::Instant;

use crate::script::{Connection, Script, meta, next, within};

#[tokio::test(start_paused = true)]
async fn a_client_asks_and_is_answered() {
    let mut script = Script::new();
    let (mut gateway, client, _events) = script.connected().await;
    let (asked, sessions) = tokio::join!(
        async {
            let asked = gateway.hear("list_sessions").await;
            let sessions = json!({ "type": "session_list", "sessions": [meta("s", 4)] });
            gateway.answer(&asked, sessions).await;
            asked
        },
        client.list_sessions(true),
    );
    assert_eq!(asked["includeArchived"], true);
    assert_eq!(sessions.unwrap()[0].id, "s");
}

#[tokio::test(start_paused = true)]
async fn answers_find_their_questions_in_any_order() {
    let mut script = Script::new();
    let (mut gateway, client, _events) = script.connected().await;
    let (_, first, second) = tokio::join!(
        async {
            let first = gateway.hear("run_turn").await;
            let second = gateway.hear("run_turn").await;
            for (asked, turn) in [(&second, "t2"), (&first, "t1")] {
                let accepted = json!({ "type": "accepted", "sessionId": "s", "turnId": turn });
                gateway.answer(asked, accepted).await;
            }
        },
        client.run_turn("s", "one", None),
        client.run_turn("s", "two", Some("mine".to_owned())),
    );
    assert_eq!((first.unwrap().as_str(), second.unwrap().as_str()), ("t1", "t2"));
}

#[tokio::test(start_paused = true)]
async fn a_refusal_comes_with_its_code_and_words() {
    let mut script = Script::new();
    let (mut gateway, client, _events) = script.connected().await;
    let (_, refused) = tokio::join!(
        async {
            let asked = gateway.hear("steer").await;
            let no = json!({ "type": "error", "code": "NoActiveTurn", "message": "no turn runs",
                "retryAfterMs": 1500 });
            gateway.answer(&asked, no).await;
        },
        client.steer("s", "left"),
    );
    let (code, message) = (ErrorCode::NoActiveTurn, "no turn runs".to_owned());
    let retry_after = Some(Duration::from_millis(1500));
    assert_eq!(refused, Err(ClientError::Refused { code, message, retry_after }));
}

#[tokio::test(start_paused = true)]
async fn an_answer_to_something_else_is_not_taken_for_one() {
    let mut script = Script::new();
    let (mut gateway, client, _events) = script.connected().await;
    for reply in [json!({ "type": "pong", "ts": 1 }), json!({ "type": "later", "x": 1 })] {
        let (_, answer) = tokio::join!(
            async {
                let asked = gateway.hear("leave_session").await;
                gateway.answer(&asked, reply).await;
            },
            client.leave_session("s"),
        );
        assert!(matches!(answer, Err(ClientError::Unexpected { .. })), "{answer:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_gateway_that_beats_and_does_not_answer_is_not_waited_for() {
    let mut script = Script::new();
    let (mut gateway, client, _events) = script.connected().await;
    let (_, answer) = tokio::join!(
        async {
            for _ in 0..4 {
                tokio::time::sleep(Duration::from_secs(20)).await;
                gateway.say(json!({ "type": "heartbeat", "ts": 1 })).await;
            }
        },
        client.ping(),
    );
    assert_eq!(answer, Err(ClientError::NoAnswer { seconds: 60 }));
}

#[tokio::test(start_paused = true)]
async fn a_message_that_no_gateway_reads_is_not_sent() {
    let mut script = Script::new();
    let (_gateway, client, _events) = script.connected().await;
    let answer = within(client.run_turn("s", "x".repeat(1024 * 1024), None)).await;
    assert!(matches!(answer, Err(ClientError::TooLong { .. })), "{answer:?}");
}

#[tokio::test(start_paused = true)]
async fn whatever_is_wrong_with_the_token_or_the_gateway_is_said() {
    for (code, expected) in
        [("AUTH_FAILED", "token file"), ("AUTH_RATE_LIMITED", "later"), ("Internal", "disk full")]
    {
        let error = refused(async |mut gateway| {
            gateway.welcome().await;
            gateway.hear("authenticate").await;
            gateway.say(json!({ "type": "error", "code": code, "message": "disk full" })).await;
            gateway.gone().await;
        });
        let error = error.await.to_string();
        assert!(error.contains(expected) && !error.contains("secret"), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_gateway_of_another_version_never_gets_the_token() {
    let error = refused(async |mut gateway| {
        gateway
            .say(json!({ "type": "welcome", "protocolVersion": 9, "requiresAuth": true,
                "versions": [8, 9] }))
            .await;
        assert_eq!(gateway.gone().await, None);
    });
    let error = error.await;
    assert!(
        matches!(&error, ConnectError::ProtocolVersionMismatch { theirs, .. } if *theirs == [8, 9]),
        "{error}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_gateway_that_goes_or_talks_nonsense_while_it_greets_is_named() {
    let error = refused(async |gateway| gateway.close(1001).await).await;
    assert!(error.to_string().contains("going away"), "{error}");
    let error = refused(async |gateway| gateway.drop_it()).await;
    assert!(matches!(error, ConnectError::Broken { .. }), "{error}");
    let error = refused(async |mut gateway| {
        gateway.welcome().await;
        gateway.hear("authenticate").await;
        gateway.drop_it();
    });
    assert!(matches!(error.await, ConnectError::Broken { .. }));
    let error = refused(async |mut gateway| {
        gateway.say_text("hello".to_owned()).await;
        gateway.gone().await;
    });
    let error = error.await;
    assert!(matches!(error, ConnectError::NotAGateway { .. }), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_gateway_that_says_nothing_is_waited_for_ten_seconds() {
    let began = Instant::now();
    let error = refused(async |mut gateway| {
        gateway.gone().await;
    });
    assert!(matches!(error.await, ConnectError::TimedOut { seconds: 10, .. }));
    assert_eq!(began.elapsed(), Duration::from_secs(10));
}

#[tokio::test]
async fn whoever_is_there_and_no_gateway_is_told_from_nobody() {
    let free = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = free.local_addr().unwrap();
    let connect = async || {
        let options = ClientOptions::new(format!("ws://{addr}/ws"), "secret");
        within(GatewayClient::connect(options)).await.unwrap_err()
    };

    let pages = Router::new().route("/", get(async || "a page"));
    let serving = tokio::spawn(axum::serve(free, pages).into_future());
    let error = connect().await;
    assert!(matches!(&error, ConnectError::NotAGateway { reason, .. } if reason.contains("404")));
    serving.abort();
    let _ = serving.await;

    let error = connect().await;
    assert!(matches!(&error, ConnectError::Unreachable { .. }), "{error}");
    assert!(error.to_string().contains(&addr.to_string()), "{error}");
}

#[tokio::test]
async fn a_gateway_that_refuses_the_upgrade_is_told_from_another_program() {
    let no = async || StatusCode::FORBIDDEN;
    let link = Link::InProcess(Router::new().route("/ws", get(no)));
    let error = GatewayClient::connect(ClientOptions::over(link, "x")).await.unwrap_err();
    assert!(matches!(error, ConnectError::Refused { status: 403, .. }), "{error}");
}

#[tokio::test]
async fn a_gateway_is_reached_over_a_unix_socket_that_is_not_there_by_its_path() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gateway.sock");
    let options = ClientOptions::over(Link::Unix(path.clone()), "x");
    let error = GatewayClient::connect(options).await.unwrap_err().to_string();
    assert!(error.contains(path.to_str().unwrap()), "{error}");
}

#[tokio::test(start_paused = true)]
async fn closing_tells_the_gateway_and_ends_the_stream() {
    let mut script = Script::new();
    let (mut gateway, client, mut events) = script.connected().await;
    gateway.say(json!({ "type": "session_created", "session": meta("new", 0) })).await;
    let created = next(&mut events).await;
    assert!(matches!(created, Incoming::SessionCreated(meta) if meta.id == "new"));
    let other = client.clone();
    let (code, ()) = tokio::join!(gateway.gone(), client.close());
    assert_eq!(code, None, "it closes without a reason");
    assert_eq!(within(events.next()).await, None);
    assert_eq!(other.ping().await, Err(ClientError::Closed));
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_nobody_wants_any_more_ends() {
    let mut script = Script::new();
    let (mut gateway, client, events) = script.connected().await;
    drop(events);
    let (_, answer) = tokio::join!(
        async {
            let asked = gateway.hear("ping").await;
            gateway.answer(&asked, json!({ "type": "pong", "ts": 9 })).await;
        },
        client.ping(),
    );
    assert_eq!(answer, Ok(9), "without a reader it still answers");
    drop(client);
    gateway.gone().await;
}

/// Connects to a gateway that does this, and returns why there is no connection.
async fn refused(serve: impl AsyncFnOnce(Connection)) -> ConnectError {
    let mut script = Script::new();
    let connect = GatewayClient::connect(script.options());
    let serve = async { serve(script.accept().await).await };
    let (error, ()) = tokio::join!(async { connect.await.map(drop).unwrap_err() }, serve);
    error
}
