//! News: nobody waits longer than needed, nobody is answered too often, and a stop lets everyone go.

use std::time::{Duration, Instant};

use serde_json::json;

use super::now::event;
use super::*;

#[tokio::test]
async fn an_event_is_told_at_once_and_those_of_a_burst_together() {
    let house = House::new().await;
    house.event(event(1, json!({}))).await;
    let mut asked = live_of(&house.get("/").await.text);
    let mut answers = 0;
    let began = Instant::now();
    let page = async {
        while !asked.contains("after=41&") {
            asked = live_of(&house.get(&asked).await.text);
            answers += 1;
        }
    };
    let events = async {
        for number in 2..=41 {
            house.event(event(number, json!({}))).await;
        }
    };
    tokio::join!(page, events);
    let most = 2 + began.elapsed().as_millis() / 100;
    assert!(u128::from(answers as u32) <= most, "{answers} answers in {:?}", began.elapsed());
}

#[tokio::test]
async fn a_stop_answers_pages_that_wait() {
    let house = House::new().await;
    house.event(event(1, json!({}))).await;
    let asked = live_of(&house.get("/").await.text);
    let router = house.console.router();
    let request = house.own("GET", &asked).body(Body::empty()).unwrap();
    let waiting = tokio::spawn(router.oneshot(request));
    tokio::task::yield_now().await;
    house.console.shutdown().await;
    let answer = tokio::time::timeout(Duration::from_secs(5), waiting).await;
    assert_eq!(answer.unwrap().unwrap().unwrap().status(), StatusCode::OK);
}

#[tokio::test]
async fn every_page_says_that_the_runtime_is_away_with_its_real_status() {
    let house = House::with(|config| config.runtime = Reach::HealthFile).await;
    for path in ["/", "/status", "/live/now?after=1", "/live/frame?after=1", "/live/status"] {
        let answer = house.get(path).await;
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{path}");
        let says = words(&answer.text);
        assert!(says.contains("The runtime does not answer"), "{path}: {says}");
        assert!(says.contains("oriel serve"), "{path}: {says}");
    }
    assert!(house.get("/").await.text.contains("hx-trigger=\"every 2s\""), "it tries again");
    let palette = house.get("/palette?q=cost").await;
    assert_eq!(palette.status, StatusCode::OK, "one may still go elsewhere");
}

#[tokio::test]
async fn the_status_of_the_daemon_is_renewed_and_shown_to_programs() {
    let house = House::new().await;
    let page = house.get("/status").await;
    let asked = live_of(&page.text);
    house.event(event(1, json!({}))).await;
    let answer = house.get(&asked).await;
    assert!(answer.text.contains("id=\"status-facts\""), "{}", answer.text);
    assert!(words(&answer.text).contains("Events 1"), "{}", words(&answer.text));
    let metrics = house.get("/status/metrics").await;
    assert!(metrics.text.contains("# TYPE"), "{}", metrics.text);
    assert_eq!(metrics.headers["content-type"], "text/plain; charset=utf-8");
    let description = house.get("/status/openapi.json").await;
    assert!(description.text.contains("\"/api/events\""));
}
