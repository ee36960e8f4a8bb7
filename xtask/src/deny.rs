//! Licences, bans and sources of dependencies, judged by cargo-deny after `deny.toml`.

use anyhow::Result;

use crate::command::run;
use crate::tools::Tool;
use crate::workspace::Workspace;

const CARGO_DENY: Tool = Tool { subcommand: "deny", version: "0.20.2", minutes: "3 to 6" };

pub(crate) fn licences(workspace: &Workspace) -> Result<()> {
    run(CARGO_DENY.command(workspace)?.args(["check", "licenses", "bans", "sources"]))
}
