//! Who is let in, who is turned away, and how often one may knock.

use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use serde_json::json;
use tokio_tungstenite::tungstenite::Message;

use super::client::Client;
use super::{House, eventually};

#[tokio::test]
async fn host_and_origin_must_be_ours() {
    // The request's host where it is not the usual one, its origin, and whether it is let in.
    let table: &[(Option<&str>, Option<&str>, bool)] = &[
        (None, None, true),
        (Some("127.0.0.1:3144"), None, true),
        (Some("[::1]:3144"), None, true),
        (Some("gateway.example"), None, true),
        (Some("evil.example"), None, false),
        (Some("localhost.evil.example"), None, false),
        (None, Some("http://127.0.0.1:4000"), true),
        (None, Some("http://127.0.0.1:4001"), false),
        (None, Some("https://127.0.0.1:4000"), false),
        (None, Some("http://localhost"), false),
        (None, Some("https://evil.example"), false),
        (None, Some("null"), false),
        (Some("evil.example"), Some("http://127.0.0.1:4000"), false),
    ];
    for is_dev in [false, true] {
        let house = House::open_with(|config| config.is_dev = is_dev).await;
        for (host, origin, is_let_in) in table {
            let mut request = Request::get("/ws")
                .header("connection", "keep-alive, Upgrade")
                .header("upgrade", "websocket")
                .header("sec-websocket-version", "13")
                .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==");
            if let Some(host) = host {
                request = request.header("host", *host);
            }
            if let Some(origin) = origin {
                request = request.header("origin", *origin);
            }
            let answer = house.gateway.link().send(request.body(Body::empty()).unwrap()).await;
            let status = answer.unwrap().status();
            let wanted = if *is_let_in { 101 } else { 403 };
            assert_eq!(status, wanted, "{host:?} {origin:?} {is_dev}");
        }
    }
}

#[tokio::test]
async fn what_is_no_websocket_is_told_what_this_is() {
    let house = House::open().await;
    let link = house.gateway.link();
    let get = |path: &str| Request::get(path).body(Body::empty()).unwrap();
    let (status, body) = link.bytes(get("/ws")).await.unwrap();
    assert_eq!(status, StatusCode::UPGRADE_REQUIRED);
    assert!(String::from_utf8_lossy(&body).contains("WebSocket"));
    let (status, health): (_, serde_json::Value) = link.json(get("/health")).await.unwrap();
    assert_eq!((status, &health["status"]), (StatusCode::OK, &json!("ok")));
    for key in ["", "short", "dGhlIHNhbXBsZSBub25jZQ"] {
        let request = Request::get("/ws")
            .header("connection", "upgrade")
            .header("upgrade", "WebSocket")
            .header("sec-websocket-version", "13")
            .header("sec-websocket-key", key);
        let answer = link.bytes(request.body(Body::empty()).unwrap()).await.unwrap();
        assert_eq!(answer.0, StatusCode::BAD_REQUEST, "{key}");
    }
}

#[tokio::test]
async fn three_wrong_tokens_end_the_connection() {
    let house = House::open().await;
    let mut client = Client::connect(&house.gateway.link()).await;
    for _ in 0..3 {
        client.send(json!({ "type": "authenticate", "token": "wrong" })).await;
    }
    let (frames, close) = client.rest().await;
    assert_eq!(frames.iter().filter(|frame| frame["code"] == "AUTH_FAILED").count(), 3);
    assert_eq!(close, Some(4401));
}

#[tokio::test]
async fn whoever_does_not_say_who_it_is_in_time_is_turned_away() {
    let quick = |config: &mut crate::Config| {
        config.limits.authenticate_within = Duration::from_millis(50);
    };
    let house = House::open_with(quick).await;
    let mut known = house.client().await;
    let mut client = Client::connect(&house.gateway.link()).await;
    client.send(json!({ "type": "ping" })).await;
    assert_eq!(client.rest().await.1, Some(4401));
    assert_eq!(known.ask(json!({ "type": "ping" })).await["type"], "pong");
}

#[tokio::test]
async fn wrong_tokens_of_an_address_are_counted_and_right_ones_are_not() {
    let mut house = House::open().await;
    let addr = house.gateway.listen("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let bind = std::fs::read_to_string(house.gateway_folder().join("bind")).unwrap();
    assert_eq!(bind, format!("{addr}\n"));
    let link = oriel_link::Link::Tcp(addr);
    let token = house.gateway.token().text().to_owned();
    for _ in 0..30 {
        Client::connect(&link).await.authenticate(&token).await;
    }
    for _ in 0..5 {
        let mut client = Client::connect(&link).await;
        for _ in 0..2 {
            let refused = client.ask(json!({ "type": "authenticate", "token": "wrong" })).await;
            assert_eq!(refused["code"], "AUTH_FAILED");
        }
    }
    let mut client = Client::connect(&link).await;
    let refused = client.ask(json!({ "type": "authenticate", "token": token })).await;
    assert_eq!(refused["code"], "AUTH_RATE_LIMITED");
    let wait = refused["retryAfterMs"].as_u64().unwrap();
    assert!((1..=60_001).contains(&wait), "{wait}");
    // Whoever is in this process has no address, and is not counted.
    house.client().await;
}

#[tokio::test]
async fn whoever_speaks_too_often_is_told_when_to_go_on() {
    let house = House::open().await;
    let mut client = Client::connect(&house.gateway.link()).await;
    client.authenticate(house.gateway.token().text()).await;
    for number in 1..60 {
        assert_eq!(client.ask(json!({ "type": "ping" })).await["type"], "pong", "{number}");
    }
    let refused = client.ask(json!({ "type": "create_session", "agentType": "played" })).await;
    assert_eq!(refused["code"], "RATE_LIMITED");
    assert!((1..=10_001).contains(&refused["retryAfterMs"].as_u64().unwrap()), "{refused}");
    let mut other = house.client().await;
    let list = other.ask(json!({ "type": "list_sessions" })).await;
    assert_eq!(list["sessions"], json!([]), "it was not taken");
}

#[tokio::test]
async fn in_development_everybody_is_known() {
    let house = House::open_with(|config| config.is_dev = true).await;
    let mut client = Client::connect(&house.gateway.link()).await;
    assert_eq!(client.next().await["type"], "authenticated");
    assert_eq!(client.ask(json!({ "type": "list_sessions" })).await["type"], "session_list");
}

#[tokio::test]
async fn only_so_many_are_connected_at_once() {
    let house = House::open_with(|config| config.limits.connections = 2).await;
    let link = house.gateway.link();
    let first = house.client().await;
    let _second = house.client().await;
    assert_eq!(Client::connect_as(&link, &[]).await.err(), Some(503));
    drop(first);
    eventually(|| async { Client::connect_as(&link, &[]).await.ok() }).await;
}

#[tokio::test]
async fn a_ping_and_a_heartbeat_keep_the_connection() {
    let often = |config: &mut crate::Config| config.limits.heartbeat = Duration::from_millis(10);
    let house = House::open_with(often).await;
    let mut client = house.client().await;
    client.send_raw(Message::Ping(vec![7].into())).await;
    let (mut has_pong, mut has_beat) = (false, false);
    while !(has_pong && has_beat) {
        use futures_util::StreamExt;
        let next = tokio::time::timeout(super::PATIENCE, client.socket.next()).await.unwrap();
        match next.unwrap().unwrap() {
            Message::Pong(payload) => has_pong = payload[..] == [7],
            Message::Text(text) => has_beat |= text.as_str().contains("heartbeat"),
            _ => {}
        }
    }
}

#[tokio::test]
async fn a_gateway_that_stops_says_goodbye() {
    let mut house = House::open().await;
    let addr = house.gateway.listen("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let mut client = Client::connect(&oriel_link::Link::Tcp(addr)).await;
    client.authenticate(house.gateway.token().text()).await;
    let (session, mut played) = house.working(&mut client).await;
    played.say("half").await;
    client.until("text_delta").await;
    let House { gateway, folder, .. } = house;
    let stopping = tokio::spawn(gateway.shutdown());
    played.cancelled().await;
    played.tell(crate::agent::News::PromptEnded(Ok("cancelled".to_owned()))).await;
    played.let_go().await;
    played.tell(crate::agent::News::Ended("told to".to_owned())).await;
    let (frames, close) = client.rest().await;
    let end = frames.iter().find(|frame| frame["type"] == "turn_error").unwrap();
    assert_eq!((&end["code"], &end["finalText"]), (&json!("TurnStopped"), &json!("half")));
    assert_eq!(frames.last().unwrap()["session"]["state"], "inactive");
    assert_eq!(close, Some(1001));
    tokio::time::timeout(super::PATIENCE, stopping).await.unwrap().unwrap();
    assert!(!folder.path().join("data/gateway/bind").exists());

    let again = House::open_in(folder, |_| {}).await;
    let mut client = again.client().await;
    let events = client.events(&session).await;
    assert_eq!(super::types(&events).iter().filter(|it| **it == "turn_error").count(), 1);
}
