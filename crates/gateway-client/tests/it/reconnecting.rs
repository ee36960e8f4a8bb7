//! A link that breaks comes back, and nobody can tell from the durable events that it was gone.

use std::time::Duration;

use oriel_gateway_client::{ClientError, EventStream, Incoming};
use serde_json::json;
use tokio::time::Instant;

use crate::script::{Script, durable, next, piece, snapshot, within};

#[tokio::test(start_paused = true)]
async fn a_broken_link_comes_back_and_joins_after_the_last_durable_event() {
    let mut script = Script::new();
    let (mut gateway, _client, mut events) = script.joined(10).await;
    gateway.say(durable(12)).await;
    gateway.say(piece(15, "half a wo")).await;
    assert!(matches!(next(&mut events).await, Incoming::Event(_)));
    assert!(matches!(next(&mut events).await, Incoming::Event(_)));
    gateway.drop_it();
    lost(&mut events).await;

    let mut gateway = script.greet().await;
    let asked = gateway.hear("join_session").await;
    assert_eq!(asked["afterSeq"], 12);
    gateway.answer(&asked, snapshot("s", 22)).await;
    for seq in [11, 12, 17, 20, 17, 22] {
        gateway.say(durable(seq)).await;
    }
    assert!(matches!(next(&mut events).await, Incoming::Connected { .. }));
    assert!(matches!(next(&mut events).await, Incoming::Snapshot(it) if it.last_seq == 22));
    let seqs = [seq(&mut events).await, seq(&mut events).await, seq(&mut events).await];
    assert_eq!(seqs, [17, 20, 22], "what was told is not told again");
}

/// The link breaks after each number of frames, again and again, and the gateway replays from where it is
/// asked to.
#[tokio::test(start_paused = true)]
async fn wherever_the_link_breaks_each_durable_event_is_told_once() {
    const LAST: u64 = 60;
    for frames in 0..6 {
        let mut script = Script::new();
        let (gateway, _client, mut events) = script.joined(0).await;
        gateway.drop_it();
        let serve = async {
            loop {
                let mut gateway = script.accept().await;
                if frames == 0 {
                    gateway.greet().await;
                } else {
                    gateway.welcome().await;
                    gateway.hear("authenticate").await;
                    gateway.know().await;
                }
                let asked = gateway.hear("join_session").await;
                let after = asked["afterSeq"].as_u64().unwrap();
                gateway.answer(&asked, snapshot("s", LAST)).await;
                for seq in (after + 1..=LAST).take(frames + 1) {
                    gateway.say(durable(seq)).await;
                }
                if after == LAST {
                    return gateway;
                }
                gateway.drop_it();
                // One attempt in between that fails half-way.
                let mut half = script.accept().await;
                half.welcome().await;
                half.drop_it();
            }
        };
        let read = async {
            let mut told = Vec::new();
            while told.len() < LAST as usize {
                if let Incoming::Event(event) = next(&mut events).await {
                    told.push(event.seq);
                }
            }
            assert_eq!(told, (1..=LAST).collect::<Vec<_>>(), "{frames} frames");
        };
        let (_gateway, ()) = tokio::join!(serve, read);
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_asked_when_the_link_broke_may_have_been_done_and_is_not_asked_again() {
    let mut script = Script::new();
    let (mut gateway, client, mut events) = script.joined(0).await;
    let (_, answer) = tokio::join!(
        async {
            gateway.hear("run_turn").await;
            gateway.drop_it();
        },
        client.run_turn("s", "once", None),
    );
    assert_eq!(answer, Err(ClientError::Interrupted));
    lost(&mut events).await;
    let mut gateway = script.greet().await;
    let asked = gateway.hear("join_session").await;
    gateway.answer(&asked, snapshot("s", 0)).await;
    let (_, answer) = tokio::join!(
        // Whatever else came before the ping, this would refuse it.
        async {
            let asked = gateway.hear("ping").await;
            gateway.answer(&asked, json!({ "type": "pong", "ts": 1 })).await;
        },
        client.ping(),
    );
    assert_eq!(answer, Ok(1));
}

#[tokio::test(start_paused = true)]
async fn while_the_link_is_down_commands_fail_at_once() {
    let mut script = Script::new();
    let (gateway, client, mut events) = script.joined(0).await;
    gateway.drop_it();
    lost(&mut events).await;
    let began = Instant::now();
    assert_eq!(client.run_turn("s", "x", None).await, Err(ClientError::NotConnected));
    assert_eq!(began.elapsed(), Duration::ZERO);
    // Also while an attempt is under way that nobody answers.
    let _silent = script.accept().await;
    let began = Instant::now();
    assert_eq!(client.ping().await, Err(ClientError::NotConnected));
    assert_eq!(began.elapsed(), Duration::ZERO);
    within(client.close()).await;
    while let Some(incoming) = within(events.next()).await {
        assert!(!matches!(incoming, Incoming::Connected { .. }));
    }
}

#[tokio::test(start_paused = true)]
async fn a_gateway_that_is_not_heard_of_for_two_and_a_half_heartbeats_is_gone() {
    let mut script = Script::new();
    let (mut gateway, _client, mut events) = script.joined(0).await;
    let began = Instant::now();
    tokio::time::sleep(Duration::from_secs(60)).await;
    gateway.say(json!({ "type": "heartbeat", "ts": 1 })).await;
    let reason = lost(&mut events).await;
    assert!(reason.contains("75 s"), "{reason}");
    let gone_after = began.elapsed().as_millis();
    assert!((135_000..135_100).contains(&gone_after), "{gone_after}");
}

#[tokio::test(start_paused = true)]
async fn attempts_come_ever_more_rarely_and_never_stop() {
    let mut script = Script::new();
    let (gateway, _client, mut events) = script.joined(0).await;
    gateway.drop_it();
    let mut waits = Vec::new();
    for _ in 0..40 {
        match next(&mut events).await {
            Incoming::Disconnected { retry_in: Some(wait), .. } => waits.push(wait),
            other => panic!("{other:?}"),
        }
        script.accept().await.drop_it();
    }
    for (wait, most) in waits.iter().zip([500, 1_000, 2_000, 4_000, 8_000, 16_000]) {
        assert!(*wait <= Duration::from_millis(most), "{waits:?}");
    }
    assert!(waits.iter().all(|wait| *wait <= Duration::from_secs(30)), "{waits:?}");
    assert!(waits.iter().any(|wait| Duration::from_secs(20) < *wait), "{waits:?}");
}

#[tokio::test(start_paused = true)]
async fn a_token_that_is_no_longer_taken_ends_the_stream_with_the_reason() {
    let mut script = Script::new();
    let (gateway, client, mut events) = script.joined(0).await;
    gateway.drop_it();
    lost(&mut events).await;
    let mut gateway = script.accept().await;
    gateway.welcome().await;
    gateway.hear("authenticate").await;
    gateway.say(json!({ "type": "error", "code": "AUTH_FAILED", "message": "no" })).await;
    let last = next(&mut events).await;
    let Incoming::Disconnected { reason, retry_in: None } = last else { panic!("{last:?}") };
    assert!(reason.contains("token"), "{reason}");
    assert_eq!(within(events.next()).await, None);
    assert_eq!(client.ping().await, Err(ClientError::Closed));
}

#[tokio::test(start_paused = true)]
async fn a_session_that_went_away_meanwhile_is_told_as_deleted() {
    let mut script = Script::new();
    let (gateway, _client, mut events) = script.joined(0).await;
    gateway.drop_it();
    lost(&mut events).await;
    let mut gateway = script.greet().await;
    let asked = gateway.hear("join_session").await;
    let busy =
        json!({ "type": "error", "code": "RATE_LIMITED", "message": "m", "retryAfterMs": 5000 });
    let before = Instant::now();
    gateway.answer(&asked, busy).await;
    let asked = gateway.hear("join_session").await;
    assert!(Duration::from_secs(5) <= before.elapsed(), "it waits as long as it is told");
    let no = json!({ "type": "error", "code": "SessionNotFound", "message": "m" });
    gateway.answer(&asked, no).await;
    assert!(matches!(next(&mut events).await, Incoming::Connected { .. }));
    assert!(
        matches!(next(&mut events).await, Incoming::SessionDeleted { session_id } if session_id == "s")
    );
}

#[tokio::test(start_paused = true)]
async fn a_session_that_was_left_is_not_joined_again() {
    let mut script = Script::new();
    let (mut gateway, client, mut events) = script.joined(0).await;
    let (_, answer) = tokio::join!(
        async {
            gateway.hear("leave_session").await;
            gateway.drop_it();
        },
        client.leave_session("s"),
    );
    assert_eq!(answer, Err(ClientError::Interrupted));
    lost(&mut events).await;
    let mut gateway = script.greet().await;
    let (_, answer) = tokio::join!(
        async {
            let asked = gateway.hear("ping").await;
            gateway.answer(&asked, json!({ "type": "pong", "ts": 1 })).await;
        },
        client.ping(),
    );
    assert_eq!(answer, Ok(1), "the ping is the first that it hears");
}

async fn lost(events: &mut EventStream) -> String {
    match next(events).await {
        Incoming::Disconnected { reason, retry_in: Some(_) } => reason,
        other => panic!("it is {other:?}"),
    }
}

async fn seq(events: &mut EventStream) -> u64 {
    match next(events).await {
        Incoming::Event(event) => event.seq,
        other => panic!("it is {other:?}"),
    }
}
