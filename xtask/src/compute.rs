//! `compute`: the program that runs scripts. It is heavy, and everything else works without it, so nothing
//! builds it along.

use anyhow::Result;

use crate::command::say;
use crate::packages;
use crate::workspace::Workspace;

/// Builds the program and says where it is. Beside `oriel` and `oriel-desktop` both find it.
pub(crate) fn compute(workspace: &Workspace) -> Result<()> {
    say("builds the release of `oriel-compute`; that takes some minutes");
    packages::ensure()?;
    let programs = workspace.build(&["--release", "--bins", "-p", "oriel-compute"])?;
    say(&format!("oriel-compute {}", programs.path("oriel-compute")?.display()));
    Ok(())
}
