//! However often somebody comes and goes, what it has in the end is what happened, once and in order.

use proptest::prelude::*;
use serde_json::Value;

use super::client::Client;
use super::{House, types};

/// What happens while somebody watches, or does not.
#[derive(Debug, Clone, Copy)]
enum Deed {
    Say(u8),
    Think,
    Tool,
    Ask,
    /// The watcher joins again from where it was.
    Rejoin,
    /// It leaves, and joins later.
    Leave,
    /// Its connection breaks.
    Break,
    /// It reads one frame.
    Read,
}

/// Somebody who watches a session and may not always be there.
struct Watcher {
    client: Option<Client>,
    joined: bool,
    /// The last durable event that it has.
    last: u64,
    durable: Vec<Value>,
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn whoever_comes_and_goes_misses_nothing(deeds in prop::collection::vec(deed(), 1..40)) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        runtime.unwrap().block_on(run(deeds));
    }
}

fn deed() -> impl Strategy<Value = Deed> {
    prop_oneof![
        4 => (1_u8..20).prop_map(Deed::Say),
        1 => Just(Deed::Think),
        2 => Just(Deed::Tool),
        1 => Just(Deed::Ask),
        2 => Just(Deed::Rejoin),
        1 => Just(Deed::Leave),
        1 => Just(Deed::Break),
        4 => Just(Deed::Read),
    ]
}

async fn run(deeds: Vec<Deed>) {
    let house = House::open().await;
    let mut owner = house.client().await;
    let (session, played) = house.working(&mut owner).await;
    let mut watcher = Watcher { client: None, joined: false, last: 0, durable: vec![] };
    let mut said = String::new();
    for deed in deeds {
        match deed {
            Deed::Say(times) => {
                for number in 0..times {
                    let piece = format!("{number},");
                    played.say(&piece).await;
                    said.push_str(&piece);
                }
            }
            Deed::Think => played.think("hm").await,
            Deed::Tool => played.use_tool("call", "output").await,
            Deed::Ask => drop(played.ask_leave().await),
            Deed::Rejoin => watcher.join(&house, &session).await,
            Deed::Leave => watcher.leave(&session).await,
            Deed::Break => (watcher.client, watcher.joined) = (None, false),
            Deed::Read => watcher.read_one().await,
        }
    }
    watcher.join(&house, &session).await;
    played.end().await;
    while watcher.durable.last().is_none_or(|it| it["session"]["state"] != "ready") {
        watcher.read().await;
    }
    let kept = owner.events(&session).await;
    assert_eq!(types(&watcher.durable), types(&kept));
    assert_eq!(watcher.durable, kept);
    let end = kept.iter().find(|event| event["type"] == "turn_complete").unwrap();
    assert_eq!(end["finalText"].as_str().unwrap(), said);
    let told: String = kept
        .iter()
        .filter(|event| event["type"] == "text.complete")
        .map(|event| event["text"].as_str().unwrap())
        .collect();
    assert_eq!(told, said);
}

impl Watcher {
    async fn join(&mut self, house: &House, session: &str) {
        if self.client.is_none() {
            self.client = Some(house.client().await);
        }
        let (last, client) = (self.last, self.client.as_mut().unwrap());
        // What came before the snapshot came before the join was heard of.
        client
            .send(serde_json::json!({
                "type": "join_session", "sessionId": session, "afterSeq": last, "requestId": "join",
            }))
            .await;
        self.joined = true;
        loop {
            let frame = self.client.as_mut().unwrap().next().await;
            if frame["type"] == "state_snapshot" {
                break;
            }
            self.take(frame);
        }
        // The replay begins after what it asked for, though it has heard of more since.
        self.durable.retain(|event| event["seq"].as_u64().unwrap() <= last);
        self.last = last;
    }

    async fn leave(&mut self, session: &str) {
        if let Some(client) = &mut self.client
            && self.joined
        {
            client.send(serde_json::json!({ "type": "leave_session", "sessionId": session })).await;
            loop {
                let frame = self.client.as_mut().unwrap().next().await;
                if frame["type"] == "left" {
                    break;
                }
                self.take(frame);
            }
            self.joined = false;
        }
    }

    /// Reads a frame, if it can be sure that there is one to come.
    async fn read_one(&mut self) {
        if let Some(client) = &mut self.client
            && self.joined
        {
            client.send(serde_json::json!({ "type": "ping" })).await;
            self.read().await;
        }
    }

    async fn read(&mut self) {
        let frame = self.client.as_mut().unwrap().next().await;
        self.take(frame);
    }

    fn take(&mut self, frame: Value) {
        let Some(seq) = frame["seq"].as_u64() else { return };
        let durable = !matches!(
            frame["type"].as_str().unwrap(),
            "text_delta" | "thinking.start" | "thinking.progress"
        );
        if durable {
            assert!(self.last < seq, "{seq} came after {}", self.last);
            self.last = seq;
            self.durable.push(frame);
        }
    }
}
