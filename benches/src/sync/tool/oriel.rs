//! `oriel serve` with a session of the agent that says what it hears. Both ends are in this one daemon: what
//! one sends the other goes over a real WebSocket on loopback, and each keeps its journal.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use oriel_tests::{Connection, Request};
use serde_json::{Value, json};

use super::{Places, Tool};
use crate::bench::{Bench, BenchError, Durability, failed};
use crate::gateway;
use crate::server::Server;
use crate::sync::stop::until;
use crate::sync::trees::Shape;

/// How long it may take to be at rest.
const PATIENCE: Duration = Duration::from_secs(900);
/// How often it is asked how it stands. That costs it something.
const ASK_EVERY: Duration = Duration::from_millis(2);

/// The daemon, with where it works.
pub(super) struct Oriel {
    // In this order they are dropped.
    server: Option<Server>,
    bench: Bench,
    places: Places,
    /// Whether the person's folder is the one that is filled first.
    is_up: bool,
    session: String,
}

impl Oriel {
    pub(super) fn new(bench: &Bench, places: Places, is_up: bool) -> Self {
        Self { server: None, bench: bench.clone(), places, is_up, session: String::new() }
    }

    fn sides(&self) -> (PathBuf, PathBuf) {
        let (one, other) = (self.places.one.clone(), self.places.other.clone());
        if self.is_up { (other, one) } else { (one, other) }
    }

    fn launch(&self) -> Result<Server, BenchError> {
        self.bench.start(&self.places.own, Durability::Full, &[])
    }

    fn server(&self) -> Result<&Server, BenchError> {
        self.server
            .as_ref()
            .ok_or_else(|| failed("ask the daemon", io::ErrorKind::NotConnected.into()))
    }

    fn ask(&self, method: &str, target: &str, body: Option<&Value>) -> Result<Value, BenchError> {
        let server = self.server()?;
        let cannot = |source| failed(format!("ask for {target}"), source);
        let token = std::fs::read_to_string(server.data_dir().join("authtok")).map_err(cannot)?;
        let mut request = Request::new(method, target).header("x-oriel-authtok", token.trim());
        if let Some(body) = body {
            request = request.typed("application/json", body.to_string());
        }
        let mut connection = Connection::tcp(server.addr()).map_err(cannot)?;
        let answer = connection.send(&request).map_err(cannot)?;
        if answer.status != 200 {
            let said = String::from_utf8_lossy(&answer.body).into_owned();
            return Err(cannot(io::Error::other(said)));
        }
        serde_json::from_slice(&answer.body).map_err(|error| cannot(error.into()))
    }

    fn make_session(&self, workspace: &str) -> Result<String, BenchError> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|source| failed("start a thread", source))?;
        runtime.block_on(async {
            let (client, _events) = gateway::connect(self.server()?.data_dir()).await?;
            let made = client.create_session("echo", None, Some(workspace.to_owned())).await;
            let session = made.map_err(gateway::said)?;
            client.close().await;
            Ok(session.id)
        })
    }
}

impl Tool for Oriel {
    fn prepare(&mut self) -> Result<(), BenchError> {
        self.server = Some(self.launch()?);
        self.session = self.make_session(&self.sides().0.display().to_string())?;
        Ok(())
    }

    fn fill(&mut self, shape: Shape) -> Result<(), BenchError> {
        let body = json!({
            "sessionId": self.session, "localDir": self.sides().1.display().to_string(), "confirmNonEmpty": true,
        });
        self.ask("POST", "/control/sync/start", Some(&body))?;
        shape.until_there(&self.places.other)
    }

    /// Starts the daemon again if it was stopped, and returns once it says that it watches.
    fn keep(&mut self) -> Result<(), BenchError> {
        if self.server.is_none() {
            self.server = Some(self.launch()?);
        }
        until("the daemon to watch", PATIENCE, ASK_EVERY, || Ok(self.is_still()?.then_some(())))
    }

    fn is_still(&mut self) -> Result<bool, BenchError> {
        let status = self.ask("GET", &format!("/control/sync/{}", self.session), None)?;
        if status["state"] == "error"
            || status["state"] == "paused" && status["reason"] != "offline"
        {
            return Err(failed("go on with the sync", io::Error::other(status.to_string())));
        }
        Ok(status["phase"] == "watching" && status["pending"] == 0)
    }

    fn stop(&mut self) -> Result<(), BenchError> {
        let Some(server) = self.server.take() else { return Ok(()) };
        Ok(server.stop().map(|_| ())?)
    }
}
