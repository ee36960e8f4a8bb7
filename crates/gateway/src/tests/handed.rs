//! What the monitor has not taken is known, also after a crash, and is read in order.

use serde_json::json;

use super::House;

#[tokio::test]
async fn what_the_monitor_has_not_taken_is_told_again() {
    let house = House::open().await;
    let mut client = house.client().await;
    let (session, played) = house.working(&mut client).await;
    played.end().await;
    client.until_state("ready").await;
    let hub = house.gateway.hub();
    tokio::time::timeout(super::PATIENCE, hub.stored.notified()).await.unwrap();
    let behind = hub.unhanded();
    assert_eq!((behind.len(), behind[0].handed_seq), (1, 0));
    let (meta, native, events) = hub.events_after(&session, 0, 3).await.unwrap().unwrap();
    assert_eq!((meta.id, native.as_deref(), events.len()), (session.clone(), Some("native-1"), 3));
    assert_eq!(json!(events[0])["type"], "turn_started");
    hub.set_handed(&session, events[2].seq).await.unwrap();
    hub.set_handed(&session, 1).await.unwrap();
    assert_eq!(hub.unhanded()[0].handed_seq, events[2].seq, "it never goes back");
    assert!(hub.events_after("gone", 0, 3).await.unwrap().is_none());

    let house = house.crash().await;
    let behind = house.gateway.hub().unhanded();
    assert_eq!(behind[0].handed_seq, events[2].seq);
}
