//! Licences, bans and sources of dependencies, judged by cargo-deny after `deny.toml`.

use anyhow::Result;

use crate::apart;
use crate::command::run;
use crate::tools::Tool;
use crate::workspace::Workspace;

const CARGO_DENY: Tool = Tool { subcommand: "deny", version: "0.20.2", minutes: "3 to 6" };

pub(crate) fn licences(workspace: &Workspace) -> Result<()> {
    let checks = ["check", "licenses", "bans", "sources"];
    run(CARGO_DENY.command(workspace)?.args(checks))?;
    for manifest in apart::MANIFESTS {
        let mut deny = CARGO_DENY.command(workspace)?;
        run(deny.args(["--manifest-path", manifest, "--config", "deny.toml"]).args(checks))?;
    }
    Ok(())
}
