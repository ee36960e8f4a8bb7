//! The runtime of a data directory, wherever it is: in the daemon that runs, else in this process.
//!
//! Both are asked the same requests over a link, so a command cannot tell which it was.

use axum::body::Body;
use axum::http::Method;
use oriel_runtime::config::{Config, Role};
use oriel_runtime::{Runtime, StartError};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::daemon::{self, CallError, FindError, Peer, Reached};

/// A runtime that answers.
pub(crate) struct Service {
    peer: Peer,
    /// The runtime, when it is in this process.
    own: Option<Runtime>,
}

/// No runtime can be reached.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ServiceError {
    #[error(transparent)]
    Find(#[from] FindError),
    #[error(transparent)]
    Start(#[from] StartError),
    #[error("{0}")]
    Fault(String),
}

impl Service {
    /// Reaches the daemon of the data directory, or opens the store in this process.
    pub(crate) async fn reach(config: Config) -> Result<Self, ServiceError> {
        if let Reached::Live(live) = daemon::find(&config.data_dir).await? {
            return Ok(Self { peer: live.peer, own: None });
        }
        // Without a daemon there is nobody to ask but the settings themselves.
        if let Some(fault) = &config.fault
            && config.role == Role::Command
        {
            return Err(ServiceError::Fault(fault.problem.clone()));
        }
        let runtime = Runtime::open(config).await?;
        let peer = Peer::of(runtime.link(), &runtime.authtok());
        let peer = peer.expect("a runtime's token is hexadecimal");
        Ok(Self { peer, own: Some(runtime) })
    }

    /// Asks for something.
    pub(crate) async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, CallError> {
        self.peer.call(Method::GET, path, Body::empty()).await
    }

    /// Returns whether a daemon answers, and not a runtime in this process.
    pub(crate) fn is_daemon(&self) -> bool {
        self.own.is_none()
    }

    /// Asks to do something.
    pub(crate) async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, CallError> {
        let body = serde_json::to_vec(body).expect("our own requests have plain keys and values");
        self.peer.call(Method::POST, path, Body::from(body)).await
    }

    /// Asks to end something.
    pub(crate) async fn delete<T: DeserializeOwned>(&self, path: &str) -> Result<T, CallError> {
        self.peer.call(Method::DELETE, path, Body::empty()).await
    }

    /// Returns whether the runtime is in this process and so ends with it.
    pub(crate) fn is_own(&self) -> bool {
        self.own.is_some()
    }

    /// Lets go of the runtime, once everything is written.
    pub(crate) async fn close(self) {
        if let Some(runtime) = self.own {
            runtime.shutdown().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use oriel_launcher::daemon::{beside, find, health};
    use oriel_wire::control::DaemonPhase;
    use serde_json::{Value, json};

    use super::*;
    use crate::testing;

    #[tokio::test]
    async fn the_daemon_and_this_process_answer_alike() {
        let folder = tempfile::tempdir().unwrap();
        let config = testing::config(folder.path());
        let event = json!({ "event_id": "e1", "session_id": "s1", "agent_type": "codex",
            "event_type": "tool_use" });
        let batch = json!({ "events": [event] });

        let service = Service::reach(config.clone()).await.unwrap();
        let first: Value = service.post("/api/events/batch", &batch).await.unwrap();
        let here: Value = service.get("/api/events").await.unwrap();
        service.close().await;

        let daemon = Runtime::start(config.clone()).await.unwrap();
        let service = Service::reach(config).await.unwrap();
        let again: Value = service.post("/api/events/batch", &batch).await.unwrap();
        let there: Value = service.get("/api/events").await.unwrap();
        service.close().await;
        daemon.shutdown().await;

        assert_eq!((&first["received"], &again["duplicates"]), (&json!(1), &json!(1)));
        assert_eq!(here, there);
    }

    #[tokio::test]
    async fn a_refusal_says_what_the_daemon_says() {
        let folder = tempfile::tempdir().unwrap();
        let service = Service::reach(testing::config(folder.path())).await.unwrap();
        let request = json!({ "path": "not/absolute" });
        let answer = service.post::<Value>("/control/store/backup", &request).await;
        let Err(error @ CallError::Refused { .. }) = answer else { panic!("it is refused") };
        assert!(error.to_string().contains("absolute"), "{error}");
        service.close().await;
    }

    #[tokio::test]
    async fn a_daemon_that_runs_is_found_and_answers_for_itself() {
        let folder = tempfile::tempdir().unwrap();
        let config = testing::config(folder.path());
        assert!(matches!(find(&config.data_dir).await, Ok(Reached::Absent)));

        let runtime = Runtime::start(config.clone()).await.unwrap();
        let Ok(Reached::Live(live)) = find(&config.data_dir).await else { panic!("it runs") };
        assert_eq!(live.status.phase, DaemonPhase::Ready);
        assert_eq!(live.status.addr, runtime.local_addr().map(|addr| addr.to_string()));

        let left = health::path(&config.data_dir);
        let text = std::fs::read_to_string(&left).unwrap();
        runtime.shutdown().await;
        assert!(matches!(find(&config.data_dir).await, Ok(Reached::Absent)), "it took its file");
        std::fs::write(&left, text).unwrap();
        assert!(matches!(find(&config.data_dir).await, Ok(Reached::Stale { .. })));
    }

    #[tokio::test]
    async fn another_daemon_at_the_address_is_not_taken_for_ours() {
        let folder = tempfile::tempdir().unwrap();
        let config = testing::config(folder.path());
        let runtime = Runtime::start(config.clone()).await.unwrap();
        let path = health::path(&config.data_dir);
        let mut health = health::read(&config.data_dir).unwrap().unwrap();

        health.pid += 1;
        std::fs::write(&path, serde_json::to_string(&health).unwrap()).unwrap();
        let Ok(Reached::Stale { reason, .. }) = find(&config.data_dir).await else {
            panic!("another process wrote it");
        };
        assert!(reason.contains("another daemon"), "{reason}");

        health.pid -= 1;
        std::fs::write(&path, serde_json::to_string(&health).unwrap()).unwrap();
        std::fs::write(config.data_dir.join("authtok"), "f".repeat(64)).unwrap();
        let Ok(Reached::Stale { reason, .. }) = find(&config.data_dir).await else {
            panic!("it has another token");
        };
        assert!(reason.contains("401"), "{reason}");
        runtime.shutdown().await;
    }

    #[tokio::test]
    async fn a_daemon_beside_ours_is_named_by_its_address() {
        let folder = tempfile::tempdir().unwrap();
        let mut config = testing::config(folder.path());
        config.data_dir = folder.path().join("oriel-work");
        let runtime = Runtime::start(config.clone()).await.unwrap();
        let addr = runtime.local_addr().unwrap();
        let ours = folder.path().join("oriel");
        let found = beside(&ours, addr).await;
        assert_eq!(found, Some((config.data_dir, std::process::id())));
        runtime.shutdown().await;
        assert_eq!(beside(&ours, addr).await, None);
    }
}
