//! `oriel serve`: the daemon, from its start to its end in good order.

use std::io;
use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use oriel_runtime::config::Config;
use oriel_runtime::settings::Flag;
use oriel_runtime::{Runtime, StartError};
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::args::Color;
use crate::config::Surroundings;
use crate::output::Output;
use crate::{Exit, daemon, logs, platform};

/// One for requests, one for what they wait on; the store has threads of its own.
const WORKERS: usize = 2;

/// What takes longer to end is cut off. Every answered event is on disk by then.
const STOP_WITHIN: Duration = Duration::from_secs(5);

/// Runs the daemon until a signal or a request ends it.
pub(super) fn run(
    flags: &[Flag],
    color: Color,
    surroundings: &Surroundings,
    output: &mut Output<'_>,
) -> anyhow::Result<Exit> {
    let resolved = surroundings.resolve(flags)?;
    platform::create_only_private_files();
    let _written_at_the_end = logs::start(&resolved.config.data_dir, resolved.log, color)?;
    for warning in &resolved.warnings {
        tracing::warn!("{warning}");
    }
    let workers =
        tokio::runtime::Builder::new_multi_thread().worker_threads(WORKERS).enable_all().build()?;
    let exit = workers.block_on(serve(resolved.config, output));
    workers.shutdown_background();
    exit
}

async fn serve(config: Config, output: &mut Output<'_>) -> anyhow::Result<Exit> {
    let mut signals = Signals::listen().context("cannot listen for signals")?;
    let data_dir = config.data_dir.clone();
    let runtime = match Runtime::start(config).await {
        Ok(runtime) => runtime,
        Err(error) => return Err(explain(error, &data_dir).await),
    };
    if let Err(error) = output.print(&format!("listening on {}\n", runtime.base_url())) {
        // The line is for whoever started us; without them the daemon serves all the same.
        tracing::warn!("cannot say that the daemon is ready: {error}");
    }

    tokio::select! {
        name = signals.next() => tracing::info!("stopping, on {name}"),
        () = runtime.stopped() => tracing::info!("stopping, as asked"),
    }
    tokio::select! {
        stopped = tokio::time::timeout(STOP_WITHIN, runtime.shutdown()) => match stopped {
            Ok(()) => Ok(Exit::Done),
            Err(_) => {
                tracing::error!("something did not stop within {} s", STOP_WITHIN.as_secs());
                Ok(Exit::Failed)
            }
        },
        name = signals.next() => {
            tracing::warn!("ending at once, on a second signal ({name})");
            Ok(Exit::Failed)
        }
    }
}

/// The signals that end a daemon.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    fn listen() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.interrupt.recv() => "SIGINT",
            _ = self.terminate.recv() => "SIGTERM",
        }
    }
}

/// Adds to a taken address who has it, if it is a daemon of another profile. Other errors say all
/// there is to say.
async fn explain(error: StartError, data_dir: &Path) -> anyhow::Error {
    let StartError::PortTaken { addr } = &error else { return error.into() };
    match daemon::beside(data_dir, *addr).await {
        Some((folder, pid)) => {
            let folder = folder.display();
            anyhow::anyhow!(
                "{addr} is taken by the daemon of {folder}, process {pid}; stop it with \
                 `oriel stop --data-dir {folder}`, or set `listen.port` (--port, ORIEL_LISTEN_PORT) \
                 to a free one"
            )
        }
        None => error.into(),
    }
}
