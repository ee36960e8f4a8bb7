//! What happens arrives in order, whole, and in a queue that stays small.

use std::time::Duration;

use oriel_gateway_client::{EventStream, Incoming};
use oriel_wire::gateway::EventBody;
use serde_json::json;

use crate::script::{Script, durable, meta, next, piece, within};

#[tokio::test(start_paused = true)]
async fn unknown_events_are_handed_on_and_garbage_is_passed_over() {
    let mut script = Script::new();
    let (mut gateway, _client, mut events) = script.joined(0).await;
    gateway.say(json!({ "type": "weather", "sessionId": "s", "seq": 1, "ts": 1, "x": 5 })).await;
    for garbage in ["", "null", "[]", "{\"type\":", "{\"type\":7}", "\u{0}"] {
        gateway.say_text(garbage.to_owned()).await;
    }
    gateway.say(durable(2)).await;
    let Incoming::Other(raw) = next(&mut events).await else { panic!("it is not known") };
    assert_eq!((raw.kind.as_str(), &raw.fields["x"]), ("weather", &json!(5)));
    assert_eq!(seq(&mut events).await, 2);
}

#[tokio::test(start_paused = true)]
async fn what_concerns_sessions_that_are_not_joined_is_told_too() {
    let mut script = Script::new();
    let (mut gateway, _client, mut events) = script.connected().await;
    gateway.say(json!({ "type": "session_updated", "session": meta("s", 3) })).await;
    gateway.say(json!({ "type": "session_deleted", "sessionId": "s" })).await;
    gateway.say(json!({ "type": "error", "code": "INVALID_JSON", "message": "what?" })).await;
    assert!(
        matches!(next(&mut events).await, Incoming::SessionUpdated(meta) if meta.last_seq == 3)
    );
    assert!(matches!(next(&mut events).await, Incoming::SessionDeleted { .. }));
    assert!(matches!(next(&mut events).await, Incoming::Other(raw) if raw.kind == "error"));
}

#[tokio::test(start_paused = true)]
async fn a_slow_reader_reads_the_same_words_in_fewer_pieces() {
    let mut script = Script::new();
    let (mut gateway, client, mut events) = script.joined(0).await;
    let words: Vec<String> = (1..=5_000).map(|number| format!("{number} ")).collect();
    for (number, word) in words.iter().enumerate() {
        gateway.say(piece(number as u64 + 1, word)).await;
    }
    gateway.say(durable(6_000)).await;
    // Answered after all of that, so all of that was read.
    let (_, answer) = tokio::join!(
        async {
            let asked = gateway.hear("ping").await;
            gateway.answer(&asked, json!({ "type": "pong", "ts": 1 })).await;
        },
        client.ping(),
    );
    answer.unwrap();
    let Incoming::Event(event) = next(&mut events).await else { panic!("it is text") };
    assert_eq!(event.body, EventBody::TextDelta { text: words.concat() });
    assert_eq!(seq(&mut events).await, 6_000);
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_does_not_read_stops_the_gateway_and_comes_back_for_the_rest() {
    let mut script = Script::new();
    let (mut gateway, client, mut events) = script.joined(0).await;
    let (sent, all) = gateway.flood((1..20_000).map(durable)).await;
    assert!(!all && (1024..8_000).contains(&sent), "{sent} were taken");
    // The gateway gives up, and goes on with the next of its life.
    let gone = tokio::spawn(gateway.close(4408));
    let (told, mut gateway) = tokio::join!(
        async {
            let mut last = 0;
            loop {
                match next(&mut events).await {
                    Incoming::Event(event) => {
                        assert_eq!(event.seq, last + 1, "in order, none twice and none missing");
                        last = event.seq;
                    }
                    Incoming::Disconnected { .. } => return last,
                    other => panic!("{other:?}"),
                }
            }
        },
        script.greet(),
    );
    gone.abort();
    let asked = gateway.hear("join_session").await;
    assert_eq!(asked["afterSeq"], told);
    drop(client);
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_rests_is_no_dead_gateway() {
    let mut script = Script::new();
    let (mut gateway, _client, mut events) = script.joined(0).await;
    gateway.flood((1..20_000).map(durable)).await;
    tokio::time::sleep(Duration::from_secs(400)).await;
    for wanted in 1..=1_500 {
        assert_eq!(seq(&mut events).await, wanted);
    }
}

#[tokio::test(start_paused = true)]
async fn a_frame_of_sixteen_mebibytes_is_read_and_a_longer_one_ends_the_link() {
    let mut script = Script::new();
    let (mut gateway, _client, mut events) = script.joined(0).await;
    let frame = |total: usize| {
        let empty = durable(1).to_string().len() - 1;
        let mut event = durable(1);
        event["text"] = json!("x".repeat(total - empty));
        let text = event.to_string();
        assert_eq!(text.len(), total);
        text
    };
    gateway.say_text(frame(16 * 1024 * 1024)).await;
    assert_eq!(seq(&mut events).await, 1);
    let long = frame(16 * 1024 * 1024 + 1);
    let sending = tokio::spawn(async move { gateway.say_text(long).await });
    assert!(matches!(next(&mut events).await, Incoming::Disconnected { .. }));
    sending.abort();
}

#[tokio::test(start_paused = true)]
async fn giving_up_a_wait_loses_nothing() {
    let mut script = Script::new();
    let (mut gateway, _client, mut events) = script.joined(0).await;
    for number in 1..=50 {
        let early = tokio::time::timeout(Duration::from_millis(1), events.next()).await;
        assert!(early.is_err());
        gateway.say(durable(number)).await;
        assert_eq!(seq(&mut events).await, number);
    }
    assert!(within(async { events.next().await }).await.is_some(), "the link went stale");
}

async fn seq(events: &mut EventStream) -> u64 {
    match next(events).await {
        Incoming::Event(event) => event.seq,
        other => panic!("it is {other:?}"),
    }
}
