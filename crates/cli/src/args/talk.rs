//! The command lines of what talks to agents through the gateway.

use std::path::PathBuf;

use clap::Args;

use super::Json;

/// Which gateway.
#[derive(Debug, Clone, Args)]
pub(crate) struct At {
    /// The gateway's address, such as ws://127.0.0.1:3144/ws. By default it is found by its data
    /// directory.
    #[arg(long, value_name = "URL", requires = "token_file")]
    pub(crate) url: Option<String>,
    /// The file that holds the gateway's token.
    #[arg(long, value_name = "FILE")]
    pub(crate) token_file: Option<PathBuf>,
}

/// What to ask an agent.
#[derive(Debug, Args)]
pub(crate) struct Ask {
    /// What to do. Without it, that is read from standard input.
    #[arg(value_name = "PROMPT")]
    pub(crate) prompt: Option<String>,
    /// The agent. `echo` is built in and says back what it is told.
    #[arg(long, value_name = "NAME", default_value = "echo", conflicts_with = "session")]
    pub(crate) agent: String,
    /// The folder that the agent works in. By default it is the current one.
    #[arg(long, value_name = "DIR", conflicts_with = "session")]
    pub(crate) workspace: Option<PathBuf>,
    /// Goes on with this session, named in full or by its beginning.
    #[arg(long, value_name = "ID")]
    pub(crate) session: Option<String>,
    /// Lets the agent do whatever it asks leave for.
    #[arg(long, conflicts_with = "deny")]
    pub(crate) allow: bool,
    /// Lets it do nothing that it asks leave for, which is the default where nobody can be asked.
    #[arg(long)]
    pub(crate) deny: bool,
    /// Stops the turn after so many seconds.
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=604_800))]
    pub(crate) timeout: Option<u64>,
    #[command(flatten)]
    pub(crate) form: Json,
    #[command(flatten)]
    pub(crate) at: At,
}

/// Which session to begin with.
#[derive(Debug, Args)]
pub(crate) struct Chat {
    /// The session to open, named in full or by its beginning. By default it is the one that waits
    /// for you, or that changed last.
    #[arg(value_name = "SESSION")]
    pub(crate) session: Option<String>,
    #[command(flatten)]
    pub(crate) at: At,
}
