//! Whoever does not read is given up, and nobody else notices.

use serde_json::json;

use super::House;

/// How many tool calls are told, which is far more than may wait.
const RESULTS: usize = 400;

#[tokio::test]
async fn a_connection_that_does_not_read_is_closed_while_others_go_on() {
    let house = House::open_with(|config| config.limits.queued_bytes = 1024 * 1024).await;
    let mut slow = house.client().await;
    let mut quick = house.client().await;
    let (session, played) = house.working(&mut quick).await;
    slow.join(&session, None).await;
    // What is durable cannot be put together, and so it gathers.
    let reading = tokio::spawn(async move {
        let mut results = 0;
        while results < RESULTS {
            results += usize::from(quick.next().await["type"] == "tool_result");
        }
        quick
    });
    for number in 0..RESULTS {
        played.use_tool(&format!("call-{number}"), &"x".repeat(10_000)).await;
    }
    let mut quick = tokio::time::timeout(super::PATIENCE, reading).await.unwrap().unwrap();
    let (frames, close) = slow.rest().await;
    assert_eq!(close, Some(4408));
    assert!(frames.len() < RESULTS, "{} frames were kept for it", frames.len());

    // It joins again and has missed nothing.
    let last = frames.iter().filter_map(|frame| frame["seq"].as_u64()).max().unwrap_or_default();
    let mut again = house.client().await;
    again.join(&session, Some(last)).await;
    played.end().await;
    let rest = again.until_state("ready").await;
    let results = |frames: &[serde_json::Value]| {
        frames.iter().filter(|frame| frame["type"] == "tool_result").count()
    };
    assert_eq!(results(&frames) + results(&rest), RESULTS);
    assert_eq!(quick.ask(json!({ "type": "ping" })).await["type"], "pong");
}

#[tokio::test]
async fn pieces_of_a_text_are_put_together_for_whoever_lags() {
    let house = House::open_with(|config| config.limits.queued_bytes = 512 * 1024).await;
    let mut slow = house.client().await;
    let mut quick = house.client().await;
    let (session, played) = house.working(&mut quick).await;
    slow.join(&session, None).await;
    let reading = tokio::spawn(async move {
        quick.until("turn_complete").await["finalText"].as_str().unwrap().to_owned()
    });
    // As frames of their own these pieces are longer than what may wait.
    for _ in 0..20_000 {
        played.say("word ").await;
    }
    played.end().await;
    let whole = tokio::time::timeout(super::PATIENCE, reading).await.unwrap().unwrap();
    assert_eq!(whole.len(), 100_000);
    let frames = slow.up_to("turn_complete").await;
    let pieces: Vec<&str> = frames
        .iter()
        .filter(|frame| frame["type"] == "text_delta")
        .map(|frame| frame["text"].as_str().unwrap())
        .collect();
    assert_eq!(pieces.concat(), whole);
    assert!(pieces.len() < 10_000, "{} pieces", pieces.len());
    assert!(pieces.iter().all(|piece| piece.len() <= 4096));
}

#[tokio::test]
async fn answers_wait_for_a_reader_and_close_nothing() {
    let house = House::open_with(|config| config.limits.queued_bytes = 1024 * 1024).await;
    let mut client = house.client().await;
    let (session, played) = house.working(&mut client).await;
    for number in 0..40 {
        played.use_tool(&format!("call-{number}"), &"x".repeat(200_000)).await;
        client.until("tool_result").await;
    }
    // Many long answers are asked for at once, and each is read only after the next ones were asked for.
    let mut lazy = house.client().await;
    for _ in 0..20 {
        lazy.send(json!({ "type": "get_events", "sessionId": session })).await;
    }
    for _ in 0..20 {
        assert!(!lazy.until("events").await["events"].as_array().unwrap().is_empty());
    }
}
