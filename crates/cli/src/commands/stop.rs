//! `oriel stop`: asks the daemon to stop and waits until it is gone.

use std::time::Duration;

use anyhow::{Context as _, bail};
use axum::body::Body;
use axum::http::Method;
use oriel_runtime::settings::Flag;

use crate::Exit;
use crate::config::Surroundings;
use crate::daemon::{self, Live, Reached};
use crate::output::Output;
use crate::{platform, progress, text};

/// A daemon that is not gone by then is left to its fate.
const GONE_WITHIN: Duration = Duration::from_secs(10);

/// How often we look.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// Stops the daemon.
pub(super) fn run(
    flags: &[Flag],
    surroundings: &Surroundings,
    output: &mut Output<'_>,
) -> anyhow::Result<Exit> {
    let data_dir = surroundings.locate(flags)?.data_dir;
    super::wait(async {
        let live = match daemon::find(&data_dir).await? {
            Reached::Live(live) => live,
            Reached::Stale { reason, .. } => {
                output.print(&format!("no daemon answers: {}\n", text::clean(&reason)))?;
                return Ok(Exit::NotRunning);
            }
            Reached::Absent => {
                output.print("no daemon runs\n")?;
                return Ok(Exit::NotRunning);
            }
        };
        let pid = live.status.pid;
        stop(&live).await?;
        output.print(&format!("the daemon, process {pid}, has stopped\n"))?;
        Ok(Exit::Done)
    })
}

async fn stop(live: &Live) -> anyhow::Result<()> {
    let pid = live.status.pid;
    live.peer
        .send(Method::POST, "/control/shutdown", Body::empty())
        .await
        .with_context(|| format!("cannot stop process {pid}"))?;
    let gone = async {
        while platform::process_runs(pid) {
            tokio::time::sleep(LOOK_EVERY).await;
        }
    };
    let gone = tokio::time::timeout(GONE_WITHIN, gone);
    if progress::show("waiting for the daemon to stop", gone).await.is_err() {
        bail!("process {pid} was asked to stop but still runs; end it with `kill {pid}`");
    }
    Ok(())
}
