//! `screenshots`: pictures of every page for the documents, taken in a real browser.

use anyhow::Result;

use crate::command::run;
use crate::packages;
use crate::workspace::Workspace;

/// Where they go, below the root.
const FOLDER: &str = "docs/screenshots";

pub(crate) fn screenshots(workspace: &Workspace) -> Result<()> {
    packages::ensure_for_browser()?;
    let oriel = workspace.build(&["-p", "oriel-cli"])?;
    let tests = workspace.build(&["-p", "oriel-tests", "--bins"])?;
    let mut take = workspace.command(tests.path("screenshots")?);
    take.arg(FOLDER).env("ORIEL_TEST_BIN", oriel.path("oriel")?);
    run(&mut take)
}
