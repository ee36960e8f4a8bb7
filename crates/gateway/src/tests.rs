//! The whole gateway, over real WebSockets within the process, with an agent that the test plays.

mod client;
mod crash;
mod doors;
mod handed;
mod lists;
mod questions;
mod refusals;
mod replay;
mod slow;
mod stage;
mod turns;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use serde_json::{Value, json};

use crate::config::{Clock, Config, Limits};
use crate::gateway::Gateway;
use client::Client;
use stage::{Played, Stage};

/// Whoever waits longer than this waits for something that does not come.
const PATIENCE: Duration = Duration::from_secs(20);

/// A gateway in a folder of its own, and the stage on which its agents play.
struct House {
    folder: tempfile::TempDir,
    gateway: Gateway,
    stage: Arc<Stage>,
}

impl House {
    async fn open() -> Self {
        Self::open_with(|_| {}).await
    }

    async fn open_with(change: impl FnOnce(&mut Config)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("work")).unwrap();
        Self::open_in(folder, change).await
    }

    async fn open_in(folder: tempfile::TempDir, change: impl FnOnce(&mut Config)) -> Self {
        let stage = Stage::new();
        let mut config = config(folder.path());
        change(&mut config);
        let gateway = Gateway::open_with(config, Arc::clone(&stage) as _).await.unwrap();
        Self { folder, gateway, stage }
    }

    /// Ends the gateway as a crash would, and opens another one over what it left once nobody has its lock.
    async fn crash(self) -> Self {
        self.crash_with(|_| {}, |_| {}).await
    }

    async fn crash_with(
        self,
        meanwhile: impl FnOnce(&Path),
        change: impl FnOnce(&mut Config),
    ) -> Self {
        let Self { folder, gateway, stage } = self;
        drop((gateway, stage));
        let folders = crate::folders::Folders::make(&folder.path().join("data")).unwrap();
        eventually(|| async { folders.lock().ok() }).await;
        meanwhile(&folder.path().join("data/gateway"));
        Self::open_in(folder, change).await
    }

    /// Connects somebody who is known.
    async fn client(&self) -> Client {
        let mut client = Client::connect(&self.gateway.link()).await;
        client.authenticate(self.gateway.token().text()).await;
        client
    }

    fn work(&self) -> String {
        self.folder.path().join("work").to_str().unwrap().to_owned()
    }

    fn gateway_folder(&self) -> std::path::PathBuf {
        self.folder.path().join("data/gateway")
    }

    /// Makes a session and returns its name.
    async fn session(&self, client: &mut Client) -> String {
        let create =
            json!({ "type": "create_session", "agentType": "played", "workspace": self.work() });
        let created = client.ask(create).await;
        assert_eq!(created["type"], "session_created", "{created}");
        created["session"]["id"].as_str().unwrap().to_owned()
    }

    /// Makes a session that a client has joined and whose agent works on something.
    async fn working(&self, client: &mut Client) -> (String, Played) {
        let session = self.session(client).await;
        client.join(&session, None).await;
        let played = self.run(client, &session, "do it").await;
        (session, played)
    }

    /// Begins a turn, and has the agent ready and asked to work on it.
    async fn run(&self, client: &mut Client, session: &str, text: &str) -> Played {
        client.run_turn(session, text).await;
        let mut played = self.stage.next().await;
        played.ready().await;
        assert_eq!(played.prompted().await, text);
        played
    }
}

fn config(folder: &Path) -> Config {
    Config {
        data_dir: folder.join("data"),
        clock: Clock::new(|| UNIX_EPOCH + Duration::from_secs(1_770_112_800)),
        monitor: None,
        echo: vec![],
        environment: BTreeMap::new(),
        origins: vec!["http://127.0.0.1:4000".to_owned()],
        hosts: vec!["gateway.example".to_owned()],
        is_dev: false,
        umask: None,
        limits: Limits { linger: Duration::from_millis(20), ..Limits::default() },
    }
}

/// Asks until there is an answer.
async fn eventually<T, F: Future<Output = Option<T>>>(mut ask: impl FnMut() -> F) -> T {
    let asking = async {
        loop {
            if let Some(answer) = ask().await {
                return answer;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, asking).await.expect("it never came")
}

/// Returns the types of frames in order.
fn types(frames: &[Value]) -> Vec<&str> {
    frames.iter().map(|frame| frame["type"].as_str().unwrap()).collect()
}
