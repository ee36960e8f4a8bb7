//! A daemon within this process, unless one runs already.

use oriel_daemon::{Daemon, Pages, StartError};
use oriel_launcher::daemon::{self, Peer, Reached};
use oriel_launcher::{Failure, Keeper};
use oriel_runtime::Ending;

use super::{Failed, Next, Order, Task, Up};
use crate::trace::Event;
use crate::words::chain;

/// The name of the desktop's session, as the console's list of sessions shows it.
const SURFACE: &str = "Oriel desktop";

impl Task {
    /// Starts the daemon and keeps it until it ends. A daemon that runs already is shown instead: two
    /// cannot have one data directory, and whoever started it wants it to be what it is.
    pub(super) async fn embed(&mut self) -> Next {
        self.says("Looking for a daemon");
        let found = daemon::find(&self.plan.data_dir).await;
        self.plan.traces.tell(Event::DaemonStatus { found: word(&found) });
        if matches!(found, Ok(Reached::Live(_))) {
            return self.attach(false).await;
        }
        self.says("Starting the daemon");
        self.plan.traces.tell(Event::DaemonStart { by: "embedded" });
        self.plan.traces.tell(Event::ConsoleStart);
        let settings = match (self.plan.settings)() {
            Ok(settings) => settings,
            Err(error) => return Next::Failed(unusable(&error)),
        };
        let environment = self.plan.environment.clone();
        let daemon = match Daemon::start(settings, Keeper::Hand, environment, Pages::Inside).await {
            Ok(daemon) => daemon,
            Err(error) => return Next::Failed(self.explain(&error).await),
        };
        let next = match self.up(&daemon) {
            Ok(up) => {
                self.up_now(up);
                self.keep(&daemon).await
            }
            Err(failed) => Next::Failed(*failed),
        };
        self.says("Stopping the daemon");
        daemon.shutdown().await;
        next
    }

    fn up(&mut self, daemon: &Daemon) -> Result<Up, Box<Failed>> {
        let console = daemon.console().expect("a daemon with pages inside has a console");
        let session = match self.session.clone() {
            // Pages that are open carry what this session made, and a session outlives a restart.
            Some(session) => session,
            None => {
                let (name, value) = console.grant(SURFACE).map_err(|error| {
                    Box::new(Failed {
                        failure: Failure::ConsoleLauncherUnreachable,
                        problem: format!("no session of the console can be kept: {error}"),
                        advice: "See that the data directory can be written, then try again."
                            .to_owned(),
                        command: Some("oriel doctor".to_owned()),
                        log: None,
                        tries_again: false,
                    })
                })?;
                (name.to_owned(), value)
            }
        };
        self.session = Some(session.clone());
        let runtime = daemon.runtime();
        let peer = Peer::of(runtime.link(), &runtime.authtok())
            .expect("a runtime's own token is one")
            .of_data_dir(&self.plan.data_dir);
        Ok(Up {
            console: console.link(),
            authority: "localhost".to_owned(),
            console_addr: daemon.console_addr(),
            cookies: vec![session],
            generation: self.next_generation(),
            runtime: peer,
            base_url: runtime.base_url().to_owned(),
            pid: std::process::id(),
            is_own: true,
        })
    }

    /// Waits until the daemon is to end.
    async fn keep(&mut self, daemon: &Daemon) -> Next {
        loop {
            tokio::select! {
                ending = daemon.stopped() => return match ending {
                    Ending::Restart => Next::Again,
                    Ending::Stop => Next::Failed(stopped()),
                },
                order = self.orders.recv() => match order {
                    Some(Order::Retry) => {}
                    Some(Order::Stop(done)) => { self.ended = Some(done); return Next::End }
                    None => return Next::End,
                },
            }
        }
    }

    async fn explain(&self, error: &StartError) -> Failed {
        let log = super::attach::daemon_log(&self.plan.data_dir);
        let failed = |failure, problem: String, advice: &str, command: Option<String>| Failed {
            failure,
            problem,
            advice: advice.to_owned(),
            command,
            log: log.clone(),
            tries_again: false,
        };
        let launcher = |problem, advice| {
            failed(
                Failure::DaemonLauncherUnreachable,
                problem,
                advice,
                Some("oriel doctor".to_owned()),
            )
        };
        match error {
            StartError::Runtime(oriel_runtime::StartError::PortTaken { addr }) => {
                let owner = daemon::beside(&self.plan.data_dir, *addr).await;
                let (who, command) = match owner {
                    Some((folder, pid)) => (
                        format!("the daemon of {}, process {pid}", folder.display()),
                        format!("oriel stop --data-dir {}", folder.display()),
                    ),
                    None => (
                        "another program".to_owned(),
                        format!("ss -ltnp 'sport = :{}'", addr.port()),
                    ),
                };
                failed(
                    Failure::PortInUse,
                    format!("{addr} is taken by {who}, and hooks tell what they see there."),
                    "Stop that program, or set `listen.port` (--port, ORIEL_DESKTOP_PORT) to a free port and install the hooks anew.",
                    Some(command),
                )
            }
            StartError::Gateway(error) => failed(
                Failure::PortInUse,
                chain(error),
                "Stop the program that has the gateway's port, or set `gateway.port` to a free port.",
                Some("oriel config".to_owned()),
            ),
            StartError::Console(oriel_console::StartError::PortTaken(addr)) => failed(
                Failure::PortInUse,
                format!("{addr}, where the console is to listen, is taken by another program."),
                "Stop that program, or set `console.port` (--console-port) to a free port.",
                Some(format!("ss -ltnp 'sport = :{}'", addr.port())),
            ),
            StartError::Console(error) => failed(
                Failure::ConsoleLauncherUnreachable,
                chain(error),
                "Mend the console's settings, then try again.",
                Some("oriel config".to_owned()),
            ),
            StartError::Runtime(error) => {
                launcher(chain(error), "Mend what it says, then try again.")
            }
        }
    }
}

fn word(found: &Result<Reached, daemon::FindError>) -> &'static str {
    match found {
        Ok(Reached::Live(_)) => "live",
        Ok(Reached::Stale { .. }) => "stale",
        Ok(Reached::Absent) => "absent",
        Err(_) => "doubtful",
    }
}

fn stopped() -> Failed {
    Failed {
        failure: Failure::DaemonControlUnreachable,
        problem: "The daemon was told to stop.".to_owned(),
        advice: "Try again to start it. What hooks tell meanwhile is kept and taken then."
            .to_owned(),
        command: None,
        log: None,
        tries_again: false,
    }
}

pub(super) fn unusable(error: &anyhow::Error) -> Failed {
    Failed {
        failure: Failure::DaemonLauncherUnreachable,
        problem: format!("The settings cannot be used: {error:#}"),
        advice: "Mend the flag or the variable that it names, and start the desktop again."
            .to_owned(),
        command: Some("oriel config".to_owned()),
        log: None,
        tries_again: false,
    }
}
