//! What the gateway adds to an agent's words on their way to a person, alone and in a crowd.

mod bare;
mod crowd;
mod flood;

use std::path::Path;

use oriel_gateway_client::{ClientOptions, EventStream, GatewayClient};
use tokio::runtime::Runtime;

use crate::bench::{Bench, BenchError, failed};
use crate::report::Report;

/// How many take part.
#[derive(Debug, Clone, Copy)]
pub struct GatewayPlan {
    /// The words of one long answer.
    pub words: usize,
    /// The sessions that there are.
    pub sessions: usize,
    /// The connections that are open.
    pub connections: usize,
    /// The turns that stream at once.
    pub turns: usize,
    /// The words of each of them.
    pub turn_words: usize,
    /// The milliseconds between two of its words.
    pub pace_ms: u64,
}

/// Measures a flood of words beside a bare WebSocket, then a crowd.
pub fn run(bench: &Bench, plan: &GatewayPlan, report: &mut Report) -> Result<(), BenchError> {
    let workers =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let workers = workers.map_err(|source| failed("start threads", source))?;
    flood::run(bench, plan, &workers, report)?;
    crowd::run(bench, plan, &workers, report)
}

/// Connects as a client does that can read the data directory.
pub(crate) async fn connect(data_dir: &Path) -> Result<(GatewayClient, EventStream), BenchError> {
    let read = |name: &str| {
        std::fs::read_to_string(data_dir.join("gateway").join(name))
            .map_err(|source| failed(format!("read gateway/{name}"), source))
    };
    let (bind, token) = (read("bind")?, read("token")?);
    let options = ClientOptions::new(format!("ws://{}/ws", bind.trim()), token.trim());
    GatewayClient::connect(options).await.map_err(said)
}

/// Makes of what a client says what the bench says.
pub(crate) fn said(error: impl std::error::Error + Send + Sync + 'static) -> BenchError {
    failed("ask the gateway", std::io::Error::other(error))
}

/// Waits for something on the threads of the bench.
fn wait<T>(workers: &Runtime, work: impl Future<Output = T>) -> T {
    workers.block_on(work)
}
