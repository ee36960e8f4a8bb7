//! The gateway, and agents that are built in.

use clap::Subcommand;
use oriel_runtime::settings::{self, Flag};

use super::{Json, flag};

/// What to do with the gateway.
#[derive(Debug, Subcommand)]
pub(crate) enum Gateway {
    /// Runs the gateway alone until it is told to stop.
    ///
    /// `oriel serve` has one already. Its sessions stand in the monitor whenever a daemon of the same data
    /// directory runs.
    Serve(GatewayServe),
    /// Lists the agents that sessions can have, and whether they are on this machine.
    Agents(Json),
    /// Prints the protocol's types in TypeScript.
    Types,
}

/// Where the gateway listens, and whom it hears.
#[derive(Debug, clap::Args)]
pub(crate) struct GatewayServe {
    #[arg(long, value_name = "PORT", help = settings::help("gateway.port"))]
    port: Option<String>,
    /// Asks nobody for the token. For trying things on a machine of your own only.
    #[arg(long)]
    pub(crate) dev: bool,
}

/// An agent that is built in.
#[derive(Debug, Subcommand)]
pub(crate) enum Agent {
    /// Says back what it is told, over the Agent Client Protocol on standard input and output.
    ///
    /// A few words in what it is told make it think, plan, call tools, ask, write files or fail: tell it
    /// `[[help]]`. The gateway starts it for sessions with the agent `echo`.
    Echo,
}

impl GatewayServe {
    /// Returns the settings given by flags of its own.
    pub(crate) fn flags(&self) -> Vec<Flag> {
        flag("--port", "gateway.port", self.port.as_ref()).into_iter().collect()
    }
}
