//! Workspaces that stand apart, since what they are built with is no part of an ordinary build. Their code
//! and what it needs are held to the same rules, as far as that takes no build of theirs.

use anyhow::Result;

use crate::command::run;
use crate::workspace::Workspace;

/// The manifest of each.
pub(crate) const MANIFESTS: [&str; 2] = ["fuzz/Cargo.toml", MODULE];

/// RunMat for a page. Without a page it compiles without RunMat, in seconds; the fuzz targets do not
/// compile without the fuzzer's C++.
const MODULE: &str = "compute/wasm/Cargo.toml";
const PACKAGE: &str = "oriel-runmat-wasm";

pub(crate) fn fmt(workspace: &Workspace) -> Result<()> {
    for manifest in MANIFESTS {
        let check = ["fmt", "--manifest-path", manifest, "--all", "--check"];
        run(&mut workspace.cargo(&check))?;
    }
    Ok(())
}

pub(crate) fn clippy(workspace: &Workspace) -> Result<()> {
    let all = ["clippy", "--manifest-path", MODULE, "-p", PACKAGE, "--all-targets"];
    run(workspace.cargo(&all).args(["--", "-D", "warnings"]))
}

pub(crate) fn test(workspace: &Workspace) -> Result<()> {
    run(&mut workspace.cargo(&["test", "--manifest-path", MODULE, "-p", PACKAGE]))
}
