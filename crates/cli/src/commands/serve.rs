//! `oriel serve`: the daemon, from its start to its end in good order.

use std::io;
use std::path::Path;
use std::pin::pin;
use std::time::Duration;

use anyhow::Context as _;
use oriel_daemon::{Daemon, Pages, StartError, Surroundings, start_logs};
use oriel_launcher::{Keeper, launch};
use oriel_runtime::Ending;
use oriel_runtime::settings::{Flag, Resolved};
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::args::Color;
use crate::output::Output;
use crate::{Exit, daemon, platform};

/// One for requests, one for what they wait on; the store has threads of its own.
const WORKERS: usize = 2;

/// What takes longer to end is cut off: a turn has five seconds to stop, and its agent some more. Every
/// answered event is on disk by then.
const STOP_WITHIN: Duration = Duration::from_secs(15);

/// Runs the daemon until a signal or a request ends it.
pub(super) fn run(
    flags: &[Flag],
    how: Keeper,
    color: Color,
    opens_console: bool,
    surroundings: &Surroundings,
    output: &mut Output<'_>,
) -> anyhow::Result<Exit> {
    if how == Keeper::Direct {
        launch::detach();
    }
    let mut resolved = surroundings.resolve(flags)?;
    let umask = platform::create_only_private_files();
    resolved.config.setup.umask = Some(umask);
    // Standard error of a daemon that runs by itself is for its last words.
    let watched = (how != Keeper::Direct).then(|| color.on_stderr());
    let written_at_the_end = start_logs(&resolved.config.data_dir, resolved.log, watched)?;
    // An update may put another file in the program's place, and that is then the one to start.
    let program = platform::program_file();
    for warning in &resolved.warnings {
        tracing::warn!("{warning}");
    }
    let workers =
        tokio::runtime::Builder::new_multi_thread().worker_threads(WORKERS).enable_all().build()?;
    let ended = workers.block_on(serve(resolved, how, surroundings, opens_console, output));
    workers.shutdown_background();
    if let Ended::With(exit) = ended? {
        return Ok(exit);
    }
    // Whoever starts in our place finds the log written.
    drop(written_at_the_end);
    platform::create_files_with(umask);
    let error = platform::start_again(&program?);
    Err(anyhow::Error::new(error).context("the daemon has stopped and cannot be started again"))
}

/// How a daemon ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ended {
    /// For good.
    With(Exit),
    /// To be started again.
    Again,
}

async fn serve(
    resolved: Resolved,
    how: Keeper,
    surroundings: &Surroundings,
    opens_console: bool,
    output: &mut Output<'_>,
) -> anyhow::Result<Ended> {
    let mut signals = Signals::listen().context("cannot listen for signals")?;
    let data_dir = resolved.config.data_dir.clone();
    let environment = surroundings.environment.clone();
    let daemon = match Daemon::start(resolved, how, environment, Pages::Served).await {
        Ok(daemon) => daemon,
        Err(error) => return Err(explain(error, &data_dir).await),
    };
    let mut ready = format!("listening on {}\n", daemon.runtime().base_url());
    if let Some(addr) = daemon.console_addr() {
        ready += &format!("console on http://{addr}; `oriel open` opens it\n");
    }
    if let Some(addr) = daemon.gateway_addr() {
        ready += &format!("gateway on ws://{addr}; `oriel chat` talks with agents\n");
    }
    if let Err(error) = output.print(&ready) {
        // The line is for whoever started us; without them the daemon serves all the same.
        tracing::warn!("cannot say that the daemon is ready: {error}");
    }
    if opens_console {
        open_console(&data_dir, surroundings, output).await;
    }

    let ending = tokio::select! {
        name = signals.next() => {
            tracing::info!("stopping, on {name}");
            Ending::Stop
        }
        ending = daemon.stopped() => {
            tracing::info!(?ending, "stopping, as asked");
            ending
        }
    };
    end(daemon, ending, &mut signals).await
}

/// Stops everything. A signal takes back that it is to start again; a second one ends it at once.
async fn end(daemon: Daemon, mut ending: Ending, signals: &mut Signals) -> anyhow::Result<Ended> {
    let mut stopping = pin!(tokio::time::timeout(STOP_WITHIN, daemon.shutdown()));
    let in_time = loop {
        tokio::select! {
            // What came while it stopped is heard before it starts again.
            biased;
            name = signals.next() => match ending {
                Ending::Restart => {
                    tracing::info!("stopping, on {name}, and not starting again");
                    ending = Ending::Stop;
                }
                Ending::Stop => {
                    tracing::warn!("ending at once, on a second signal ({name})");
                    return Ok(Ended::With(Exit::Failed));
                }
            },
            stopped = &mut stopping => break stopped.is_ok(),
        }
    };
    if !in_time {
        tracing::error!("something did not stop within {} s", STOP_WITHIN.as_secs());
    }
    Ok(match ending {
        // What did not stop ends with this program's image; what was answered is on disk.
        Ending::Restart => Ended::Again,
        Ending::Stop if in_time => Ended::With(Exit::Done),
        Ending::Stop => Ended::With(Exit::Failed),
    })
}

/// Prints a one-time link to the console and opens it. Whatever is in the way of that is in nobody
/// else's way.
async fn open_console(data_dir: &Path, surroundings: &Surroundings, output: &mut Output<'_>) {
    let link = super::open::link(data_dir).await;
    let shown = link.and_then(|url| Ok(super::open::show(&url, false, surroundings, output)?));
    if let Err(error) = shown {
        tracing::warn!("the console is not opened: {error:#}");
    }
}

/// The signals that end a daemon.
pub(super) struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    pub(super) fn listen() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    pub(super) async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.interrupt.recv() => "SIGINT",
            _ = self.terminate.recv() => "SIGTERM",
        }
    }
}

/// Adds to a taken address who has it, if it is a daemon of another profile. Other errors say all
/// there is to say.
async fn explain(error: StartError, data_dir: &Path) -> anyhow::Error {
    let StartError::Runtime(oriel_runtime::StartError::PortTaken { addr }) = &error else {
        return error.into();
    };
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
