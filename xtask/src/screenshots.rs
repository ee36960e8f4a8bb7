//! `screenshots`: pictures of every page for the documents, taken in a real browser and in the desktop.

use anyhow::Result;

use crate::command::run;
use crate::packages;
use crate::workspace::Workspace;

/// Where they go, below the root.
const FOLDER: &str = "docs/screenshots";

pub(crate) fn screenshots(workspace: &Workspace) -> Result<()> {
    packages::ensure_for_pictures()?;
    let programs = workspace.build_all()?;
    for camera in ["screenshots", "desktop-screenshots"] {
        let mut take = workspace.command(programs.path(camera)?);
        take.arg(FOLDER)
            .env("ORIEL_TEST_BIN", programs.path("oriel")?)
            .env("ORIEL_TEST_DESKTOP", programs.path(crate::desktop::DESKTOP)?)
            .env("ORIEL_TEST_COMPUTE", programs.path("oriel-compute")?);
        run(&mut take)?;
    }
    Ok(())
}
