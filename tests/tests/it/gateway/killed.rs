//! The gateway dies in the middle of a turn, and nothing of what it had said is taken back.

use oriel_tests::Daemon;
use oriel_tests::gateway::{Follower, connect, echo, next};
use oriel_wire::gateway::{EventBody, SessionState, TurnErrorCode};

/// So often the gateway is killed.
const TIMES: usize = 50;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_killed_fifty_times_in_a_turn_ends_each_turn_once_and_repeats_no_number() {
    let mut daemon = Daemon::start();
    let mut random = fastrand::Rng::with_seed(60);
    let mut follower = Follower::default();
    let mut session = None;
    let mut highest = 0;
    for round in 0..TIMES {
        let (client, mut events) = connect(daemon.home()).await;
        let id = match &session {
            Some(id) => String::clone(id),
            None => session.insert(echo(&client).await.id).clone(),
        };
        let snapshot = client.join_session(&id, Some(follower.last())).await.unwrap();
        assert_eq!(snapshot.session.state, SessionState::Inactive, "round {round}");
        follower.joins(&snapshot);
        // What a killed gateway left open is ended before anybody is let in.
        while follower.last() < snapshot.session.last_seq {
            follower.hears(next(&mut events).await);
        }
        assert_eq!(follower.turns(), round);
        client.run_turn(&id, "[[tool]] [[stream 100000 1]]", None).await.unwrap();
        let mut left = random.usize(1..60);
        while 0 < left {
            let incoming = next(&mut events).await;
            if let oriel_gateway_client::Incoming::Event(event) = &incoming {
                assert!(highest < event.seq, "{event:?} repeats a number");
                highest = event.seq;
                left -= 1;
            }
            follower.hears(incoming);
        }
        daemon.kill();
        drop((client, events));
        daemon.restart();
    }
    let (client, mut events) = connect(daemon.home()).await;
    let id = session.unwrap();
    let snapshot = client.join_session(&id, Some(follower.last())).await.unwrap();
    while follower.last() < snapshot.session.last_seq {
        follower.hears(next(&mut events).await);
    }
    let ends = |event: &&oriel_wire::gateway::SessionEvent| event.body.ends_turn();
    let ended: Vec<_> = follower.durable.iter().filter(ends).collect();
    assert_eq!(ended.len(), TIMES);
    for end in ended {
        let EventBody::TurnError { code, .. } = &end.body else { panic!("{end:?}") };
        assert_eq!(*code, TurnErrorCode::GatewayRestarted);
    }
    let history = client.get_history(&id, None, Some(500)).await.unwrap();
    assert_eq!(history.messages.len(), 2 * TIMES, "what was asked, and how each ended");
}
