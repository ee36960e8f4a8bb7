//! The command lines of what runs processes: the daemon and modules.

use std::path::PathBuf;

use clap::Subcommand;

use super::{Json, Serve};

#[derive(Debug, Subcommand)]
pub(crate) enum Daemon {
    /// Starts a daemon that runs on when the terminal closes, unless one runs already.
    ///
    /// It takes the settings of `oriel serve`, and ends once the daemon answers. What the daemon
    /// says outside of its own logs is in `logs/daemon.log`.
    Start(Box<DaemonStart>),
    /// Stops the daemon and waits until it is gone.
    Stop(Json),
    /// Stops the daemon and starts it again in the same way and with the same settings.
    Restart(Json),
    /// Tells whether a daemon runs, who runs it, and what it was started with.
    Status(Json),
    /// Stops the daemon and removes the unit that `start --systemd` wrote.
    Uninstall(Json),
}

/// How to start a daemon.
#[derive(Debug, clap::Args)]
pub(crate) struct DaemonStart {
    #[command(flatten)]
    pub(crate) serve: Serve,
    /// Has the user's systemd run it, now and after each login, and start it again when it dies.
    #[arg(long, conflicts_with_all = ["launchd", "windows_service"])]
    pub(crate) systemd: bool,
    /// Has launchd run it. No system on which this program runs has that yet.
    #[arg(long, hide = true, conflicts_with = "windows_service")]
    pub(crate) launchd: bool,
    /// Has it run as a Windows service. No system on which this program runs has that yet.
    #[arg(long, hide = true)]
    pub(crate) windows_service: bool,
    #[command(flatten)]
    pub(crate) form: Json,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Modules {
    /// Lists the installed modules and whether they may run.
    List(Json),
    /// Copies a module into the data directory. It does not run before it is signed.
    Install {
        /// The module's folder, with its `module.toml`.
        dir: PathBuf,
        #[command(flatten)]
        form: Json,
    },
    /// Removes a module.
    Remove {
        /// The module.
        id: String,
        #[command(flatten)]
        form: Json,
    },
    /// Signs a module as it is now, so that the daemon may run it.
    Sign {
        /// The module.
        id: String,
        /// Makes the key to sign with, where there is none.
        #[arg(long)]
        create_key: bool,
        #[command(flatten)]
        form: Json,
    },
    /// Denies a module: it does not run until it is signed.
    Deny {
        /// The module.
        id: String,
        #[command(flatten)]
        form: Json,
    },
    /// Has the daemon start a module again.
    Restart {
        /// The module.
        id: String,
        #[command(flatten)]
        form: Json,
    },
    /// Shows the last lines that a module wrote.
    Logs {
        /// The module.
        id: String,
        /// Shows at most this many lines.
        #[arg(long, value_name = "N", default_value_t = 40, value_parser = clap::value_parser!(u16).range(1..=1000))]
        lines: u16,
    },
}
