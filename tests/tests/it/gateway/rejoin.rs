//! Whoever loses the connection at any moment comes back to the same session as who never lost it.

use oriel_gateway_client::Incoming;
use oriel_tests::Daemon;
use oriel_tests::gateway::{Follower, connect, echo, next};

/// So often a client is cut off.
const POINTS: usize = 1_000;

/// A turn in which everything happens, slowly enough to be cut off in it.
const TURN: &str = "[[think]] [[stream 300 1]] [[plan]] [[tool]] [[stream 300 1]] [[usage]]";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_cut_off_at_a_thousand_points_ends_with_what_one_that_stayed_has() {
    let daemon = Daemon::start();
    let (stays, mut heard) = connect(daemon.home()).await;
    let session = echo(&stays).await;
    let (mut stayed, mut returned) = (Follower::default(), Follower::default());
    let (mut points, mut turns) = (0, 0);
    let mut random = fastrand::Rng::with_seed(6);
    while points < POINTS {
        stays.run_turn(&session.id, TURN, None).await.unwrap();
        turns += 1;
        while returned.turns() < turns {
            let (client, mut events) = connect(daemon.home()).await;
            let snapshot = client.join_session(&session.id, Some(returned.last())).await.unwrap();
            returned.joins(&snapshot);
            for _ in 0..random.usize(0..12) {
                let incoming = next(&mut events).await;
                if matches!(&incoming, Incoming::Event(event) if event.session_id != session.id) {
                    continue;
                }
                returned.hears(incoming);
                if returned.turns() == turns {
                    break;
                }
            }
            // Nothing is said to the gateway: the connection is simply gone.
            drop((client, events));
            points += 1;
        }
        stayed.until_turns(&mut heard, turns).await;
    }
    // What the session says after its last turn, such as that it rests, both have heard.
    let all = stays.get_events(&session.id, Some(0), Some(1)).await.unwrap();
    let (client, mut events) = connect(daemon.home()).await;
    client.join_session(&session.id, Some(returned.last())).await.unwrap();
    while returned.last() < all.last_seq {
        returned.hears(next(&mut events).await);
    }
    while stayed.last() < all.last_seq {
        stayed.hears(next(&mut heard).await);
    }
    assert_eq!(stayed.texts, returned.texts);
    let numbers =
        |follower: &Follower| follower.durable.iter().map(|it| it.seq).collect::<Vec<_>>();
    assert_eq!(numbers(&stayed), numbers(&returned));
    assert_eq!(stayed.durable, returned.durable);
}
