//! What waits is sent in order, pieces of a text are put together only where nothing is between them, and
//! nothing grows past its bound.

use oriel_wire::gateway::{Reply, SessionEvent};
use serde_json::Value;

use super::*;

#[tokio::test]
async fn pieces_of_one_text_are_put_together_and_nothing_is_overtaken() {
    let outbox = Outbox::new(1024 * 1024);
    let say = |seq, text: &str| tell(&outbox, seq, EventBody::TextDelta { text: text.to_owned() });
    say(1, "a");
    say(2, "b");
    tell(&outbox, 3, EventBody::TextComplete { text: "ab".to_owned() });
    say(4, "c");
    outbox.say(None, Reply::Pong { nonce: None, ts: 1 });
    say(5, "d");
    let stream =
        |id: &str| EventBody::TerminalStream { terminal_id: id.to_owned(), chunk: id.to_owned() };
    tell(&outbox, 6, stream("x"));
    tell(&outbox, 7, stream("x"));
    tell(&outbox, 8, stream("y"));
    let sent = taken(&outbox).await;
    let sent: Vec<(u64, &str)> = sent
        .iter()
        .map(|frame| {
            let text = ["text", "chunk", "type"].iter().find_map(|key| frame[*key].as_str());
            (frame["seq"].as_u64().unwrap_or_default(), text.unwrap())
        })
        .collect();
    let wanted = [(2, "ab"), (3, "ab"), (4, "c"), (0, "pong"), (5, "d"), (7, "xx"), (8, "y")];
    assert_eq!(sent, wanted);
    assert_eq!(counted(&outbox), (0, 0, 0));
}

#[tokio::test]
async fn what_happens_in_a_replay_comes_after_it() {
    let outbox = Outbox::new(1024 * 1024);
    let old = outbox.hold("s");
    tell(&outbox, 10, EventBody::TextDelta { text: "dropped".to_owned() });
    let replay = outbox.hold("s");
    assert!(!outbox.replay("s", old, "{}".to_owned()), "a later one has taken its place");
    tell(&outbox, 11, EventBody::TextDelta { text: "later".to_owned() });
    assert!(outbox.replay("s", replay, r#"{"seq":1}"#.to_owned()));
    outbox.replayed("s", old);
    assert_eq!(taken(&outbox).await.len(), 1, "it is still held back");
    assert!(outbox.room().await, "and a replay does not wait for it");
    outbox.replayed("s", replay);
    tell(&outbox, 12, EventBody::TextComplete { text: "later".to_owned() });
    let sent = taken(&outbox).await;
    let seqs: Vec<u64> = sent.iter().map(|frame| frame["seq"].as_u64().unwrap()).collect();
    assert_eq!(seqs, [11, 12]);
    assert_eq!(counted(&outbox), (0, 0, 0));
}

#[tokio::test]
async fn past_its_bound_a_connection_is_given_up_with_all_that_waits() {
    let outbox = Outbox::new(10_000);
    let replay = outbox.hold("s");
    let text = "x".repeat(1000);
    let told = (0..20)
        .take_while(|seq| tell(&outbox, *seq, EventBody::TextComplete { text: text.clone() }));
    let told = told.count();
    assert!((7..10).contains(&told), "{told} were taken");
    outbox.given_up().await;
    assert!(!outbox.replay("s", replay, "{}".to_owned()) && !outbox.room().await);
    let Step::Close(close) = outbox.next().await else { panic!("something was kept") };
    assert_eq!(close.code, CLOSE_SLOW);
    outbox.say(None, Reply::Pong { nonce: None, ts: 1 });
    assert!(matches!(outbox.next().await, Step::Close(_)));
}

#[tokio::test]
async fn what_waits_is_sent_before_the_end() {
    let outbox = Outbox::new(10_000);
    outbox.say(None, Reply::Pong { nonce: None, ts: 1 });
    outbox.close(1001, "bye");
    outbox.close(4401, "too late");
    assert!(matches!(outbox.next().await, Step::Send(_)));
    assert_eq!(outbox.next().await, Step::Close(Close { code: 1001, reason: "bye" }));
}

fn tell(outbox: &Outbox, seq: u64, body: EventBody) -> bool {
    let event = SessionEvent {
        session_id: "s".to_owned(),
        turn_id: Some("t".to_owned()),
        seq,
        ts: 1,
        body,
    };
    outbox.tell("s", &Arc::new(Sent::new(event).unwrap()))
}

async fn taken(outbox: &Outbox) -> Vec<Value> {
    let mut taken = vec![];
    while let Some(step) = outbox.take() {
        let Step::Send(frame) = step else { panic!("{step:?}") };
        taken.push(serde_json::from_str(frame.as_str()).unwrap());
    }
    taken
}

fn counted(outbox: &Outbox) -> (usize, usize, usize) {
    let state = outbox.state();
    (state.event_bytes, state.held_bytes, state.reply_bytes)
}
