//! Every message that cannot be taken gets an answer that says why, and to which message.

use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use super::House;
use super::client::Client;

/// What is wrong, what is sent, and the code of the answer. `S` stands for a session that is there and
/// idle.
const KNOWN: &[(&str, &str, &str)] = &[
    ("no JSON", r"{", "INVALID_JSON"),
    ("no object", r"[1]", "INVALID_JSON"),
    ("nothing at all", r"", "INVALID_JSON"),
    ("no type", r#"{"requestId":"r"}"#, "INVALID_MESSAGE"),
    ("an unknown type", r#"{"type":"dance","requestId":"r"}"#, "INVALID_MESSAGE"),
    ("a type that is no string", r#"{"type":7}"#, "INVALID_MESSAGE"),
    ("a field that is missing", r#"{"type":"run_turn","sessionId":"S"}"#, "INVALID_MESSAGE"),
    (
        "a field of another type",
        r#"{"type":"join_session","sessionId":"S","afterSeq":-1}"#,
        "INVALID_MESSAGE",
    ),
    ("a requestId that is no string", r#"{"type":"ping","requestId":7}"#, "INVALID_MESSAGE"),
    ("an unknown agent", r#"{"type":"create_session","agentType":"nobody"}"#, "AgentUnavailable"),
    (
        "a name that is empty",
        r#"{"type":"rename_session","sessionId":"S","name":""}"#,
        "INVALID_MESSAGE",
    ),
    (
        "a name with a line break",
        r#"{"type":"rename_session","sessionId":"S","name":"a\nb"}"#,
        "INVALID_MESSAGE",
    ),
    (
        "a workspace that is relative",
        r#"{"type":"create_session","agentType":"played","workspace":"src"}"#,
        "PathRefused",
    ),
    (
        "a workspace that is not there",
        r#"{"type":"create_session","agentType":"played","workspace":"/no/such/folder"}"#,
        "FileNotFound",
    ),
    ("an unknown session", r#"{"type":"join_session","sessionId":"other"}"#, "SessionNotFound"),
    (
        "a session that is a path",
        r#"{"type":"get_events","sessionId":"../../S"}"#,
        "SessionNotFound",
    ),
    (
        "a turn without words",
        r#"{"type":"run_turn","sessionId":"S","text":" "}"#,
        "INVALID_MESSAGE",
    ),
    (
        "a turn with a name too long",
        r#"{"type":"run_turn","sessionId":"S","text":"a","clientTurnId":""}"#,
        "INVALID_MESSAGE",
    ),
    (
        "steering where nothing runs",
        r#"{"type":"steer","sessionId":"S","text":"a"}"#,
        "NoActiveTurn",
    ),
    (
        "an answer to nothing",
        r#"{"type":"answer_question","sessionId":"S","questionId":"q","answer":"a"}"#,
        "INVALID_MESSAGE",
    ),
    (
        "letting somebody in",
        r#"{"type":"manage_members","sessionId":"S","action":"add","userId":"u"}"#,
        "Unsupported",
    ),
    ("a wrong token, said late", r#"{"type":"authenticate","token":"wrong"}"#, "AUTH_FAILED"),
];

/// What is sent before the client has said who it is.
const UNKNOWN: &[(&str, &str, &str)] = &[
    ("no JSON", r"nonsense", "INVALID_JSON"),
    ("a ping", r#"{"type":"ping","requestId":"r"}"#, "Unauthenticated"),
    ("a list", r#"{"type":"list_sessions","requestId":"r"}"#, "Unauthenticated"),
    ("a session that is there", r#"{"type":"join_session","sessionId":"S"}"#, "Unauthenticated"),
    ("one that is not", r#"{"type":"join_session","sessionId":"other"}"#, "Unauthenticated"),
    ("a token that is none", r#"{"type":"authenticate","token":7}"#, "INVALID_MESSAGE"),
    ("a wrong token", r#"{"type":"authenticate","token":"wrong"}"#, "AUTH_FAILED"),
];

#[tokio::test]
async fn what_cannot_be_taken_is_answered_with_why() {
    let house = House::open().await;
    let mut client = house.client().await;
    let session = house.session(&mut client).await;
    for (what, sent, code) in KNOWN {
        check(&mut client, &session, what, sent, code).await;
    }
    let mut stranger = Client::connect(&house.gateway.link()).await;
    for (what, sent, code) in UNKNOWN {
        check(&mut stranger, &session, what, sent, code).await;
    }
    // And whoever was refused goes on as if nothing had been.
    assert_eq!(client.ask(json!({ "type": "ping" })).await["type"], "pong");
    stranger.authenticate(house.gateway.token().text()).await;
}

#[tokio::test]
async fn a_binary_frame_is_answered_with_why() {
    let house = House::open().await;
    let mut client = house.client().await;
    client.send_raw(Message::binary(vec![0_u8, 159])).await;
    assert_eq!(client.next().await["code"], "INVALID_MESSAGE");
    assert_eq!(client.ask(json!({ "type": "ping" })).await["type"], "pong");
}

#[tokio::test]
async fn a_message_that_is_too_long_is_answered_and_ends_the_connection() {
    let house = House::open().await;
    for bytes in [1024 * 1024 + 1, 3 * 1024 * 1024] {
        let mut client = house.client().await;
        client.send_raw(Message::text(" ".repeat(bytes))).await;
        let (frames, close) = client.rest().await;
        assert_eq!(frames[0]["code"], "MESSAGE_TOO_LARGE", "{frames:?}");
        assert_eq!(close, Some(1009));
    }
    let mut client = house.client().await;
    let mut message = json!({ "type": "ping", "nonce": "" }).to_string();
    message.insert_str(message.len() - 2, &"n".repeat(1024 * 1024 - message.len()));
    client.send_raw(Message::text(message)).await;
    assert_eq!(client.next().await["type"], "pong", "just as long as it may be");
}

#[tokio::test]
async fn an_error_echoes_the_name_of_its_message() {
    let house = House::open().await;
    let mut client = house.client().await;
    for sent in [r#"{"type":"dance","requestId":"r-9"}"#, r#"{"type":"ping","requestId":"r-9"}"#] {
        client.send_raw(Message::text(sent)).await;
        assert_eq!(client.next().await["requestId"], "r-9", "{sent}");
    }
}

async fn check(client: &mut Client, session: &str, what: &str, sent: &str, code: &str) {
    client.send_raw(Message::text(sent.replace("\"S\"", &json!(session).to_string()))).await;
    let answer = client.next().await;
    assert_eq!(answer["type"], "error", "{what}: {answer}");
    assert_eq!(answer["code"], code, "{what}: {answer}");
    let message = answer["message"].as_str().unwrap();
    assert!(message.len() > 20, "{what}: {message}");
    assert!(!message.contains("/tmp") && !message.contains("data/"), "{what}: {message}");
    let named = serde_json::from_str::<Value>(sent).unwrap_or_default();
    if named["requestId"].is_string() {
        assert_eq!(answer["requestId"], named["requestId"], "{what}");
    }
}
