//! `oriel console`: the console alone, over the daemon that the health file names, whenever there is one.

use std::net::SocketAddr;

use anyhow::Context as _;
use oriel_console::Console;
use oriel_daemon::{Surroundings, console_config, start_logs};
use oriel_runtime::settings::{Flag, Resolved};

use super::serve::Signals;
use crate::args::Color;
use crate::output::Output;
use crate::{Exit, platform};

/// Serves the console until a signal ends it.
pub(super) fn run(
    flags: &[Flag],
    color: Color,
    surroundings: &Surroundings,
    output: &mut Output<'_>,
) -> anyhow::Result<Exit> {
    let resolved = surroundings.resolve(flags)?;
    platform::create_only_private_files();
    let _written_at_the_end =
        start_logs(&resolved.config.data_dir, resolved.log, Some(color.on_stderr()))?;
    super::wait(serve(resolved, output))
}

async fn serve(resolved: Resolved, output: &mut Output<'_>) -> anyhow::Result<Exit> {
    let mut signals = Signals::listen().context("cannot listen for signals")?;
    let settings = resolved.console;
    let mut console = Console::new(console_config(&resolved.config, settings));
    let addr = console.listen(SocketAddr::new(settings.host, settings.port)).await?;
    // The line is for whoever started us; without them the console serves all the same.
    if let Err(error) = output.print(&format!("console on http://{addr}\n")) {
        tracing::warn!("cannot say that the console is ready: {error}");
    }
    let name = signals.next().await;
    tracing::info!("stopping, on {name}");
    tokio::select! {
        () = console.shutdown() => Ok(Exit::Done),
        name = signals.next() => {
            tracing::warn!("ending at once, on a second signal ({name})");
            Ok(Exit::Failed)
        }
    }
}
