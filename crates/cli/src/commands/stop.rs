//! `oriel stop`: asks the daemon to stop and waits until it is gone.

use oriel_launcher::direct;
use oriel_runtime::settings::Flag;

use crate::Exit;
use crate::daemon::{self, Reached};
use crate::output::Output;
use crate::{progress, text};
use oriel_daemon::Surroundings;

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
        progress::show("waiting for the daemon to stop", direct::stop(&live)).await?;
        output.print(&format!("the daemon, process {pid}, has stopped\n"))?;
        Ok(Exit::Done)
    })
}
