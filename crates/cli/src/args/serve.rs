//! What serves: the daemon, the console alone, a demonstration; and the way into a browser.

use oriel_runtime::settings::{self, Flag};

use super::flag;

/// The settings that have flags of their own.
#[derive(Debug, clap::Args)]
pub(crate) struct Serve {
    #[arg(long, value_name = "ADDRESS", help = settings::help("listen.host"))]
    host: Option<String>,
    #[arg(long, value_name = "PORT", help = settings::help("listen.port"))]
    port: Option<String>,
    #[arg(long, value_name = "PATH", help = settings::help("listen.socket"))]
    socket: Option<String>,
    #[arg(long, value_name = "PORT", help = settings::help("console.port"))]
    console_port: Option<String>,
    #[arg(long, value_name = "PORT", help = settings::help("gateway.port"))]
    gateway_port: Option<String>,
    #[arg(long, value_name = "WHO", help = settings::help("access"))]
    access: Option<String>,
    #[arg(long, value_name = "LEVEL", help = settings::help("store.durability"))]
    durability: Option<String>,
    #[arg(long, value_name = "PROGRAM", help = settings::help("compat"))]
    compat: Option<String>,
    #[arg(long, value_name = "LEVEL", help = settings::help("log.level"))]
    log_level: Option<String>,
    /// Says who started it, for a restart in the same way.
    #[arg(long, value_name = "HOW", hide = true)]
    pub(crate) launched: Option<String>,
    /// Prints a one-time link to the console too, and opens it where there is a display.
    #[arg(long)]
    pub(crate) open: bool,
}

/// How to show Oriel to somebody.
#[derive(Debug, clap::Args)]
pub(crate) struct Demo {
    /// Listens on this port; by default on one that is free.
    #[arg(long, value_name = "PORT", default_value_t = 0, hide_default_value = true)]
    pub(crate) port: u16,
    /// Serves the console on this port; by default on one that is free.
    #[arg(long, value_name = "PORT", default_value_t = 0, hide_default_value = true)]
    pub(crate) console_port: u16,
    /// Prints the link and opens no browser.
    #[arg(long)]
    pub(crate) print: bool,
    /// Lets nothing more happen once the story is told.
    #[arg(long)]
    pub(crate) still: bool,
}

/// Where the console listens.
#[derive(Debug, clap::Args)]
pub(crate) struct Console {
    #[arg(long, value_name = "PORT", help = settings::help("console.port"))]
    port: Option<String>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Open {
    /// Prints the link and opens no browser.
    #[arg(long)]
    pub(crate) print: bool,
}

impl Console {
    /// Returns the settings given by flags of its own.
    pub(crate) fn flags(&self) -> Vec<Flag> {
        flag("--port", "console.port", self.port.as_ref()).into_iter().collect()
    }
}

impl Serve {
    /// Returns the settings given by flags of their own.
    pub(crate) fn flags(&self) -> Vec<Flag> {
        [
            flag("--host", "listen.host", self.host.as_ref()),
            flag("--port", "listen.port", self.port.as_ref()),
            flag("--socket", "listen.socket", self.socket.as_ref()),
            flag("--console-port", "console.port", self.console_port.as_ref()),
            flag("--gateway-port", "gateway.port", self.gateway_port.as_ref()),
            flag("--access", "access", self.access.as_ref()),
            flag("--durability", "store.durability", self.durability.as_ref()),
            flag("--compat", "compat", self.compat.as_ref()),
            flag("--log-level", "log.level", self.log_level.as_ref()),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}
